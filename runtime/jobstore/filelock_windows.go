package jobstore

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// readersLock says whether a document cannot be replaced while somebody reads it.
const readersLock = true

// tryLock locks an open file for everybody else who opened it, goroutines of this
// process included; false when somebody has it. Closing the file gives it back.
func tryLock(file *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
