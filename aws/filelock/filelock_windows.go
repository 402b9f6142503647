package filelock

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// lockAt is far behind a file's end: Windows refuses to others what is locked,
// and a file that is being written may be read.
const lockAt = 1 << 30

// Lock holds a file until unlock is called or the process ends, however it ends.
// It does not wait: a file that is held, also by this process through another
// os.File, is ErrLocked.
func Lock(f *os.File) (unlock func(), err error) {
	h := windows.Handle(f.Fd())
	at := windows.Overlapped{OffsetHigh: lockAt}
	err = windows.LockFileEx(h, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	// Once: the number of a file that was closed may be another's.
	return sync.OnceFunc(func() { _ = windows.UnlockFileEx(h, 0, 1, 0, &at) }), nil
}

// SyncDir does nothing: Windows writes a file's name with the file.
func SyncDir(string) error { return nil }
