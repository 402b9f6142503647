package journal

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// lockAt is far behind a journal's end: Windows refuses to others what is locked,
// and a journal of a running process may be read.
const lockAt = 1 << 30

// lock holds a file for this process until unlock is called or the process ends,
// however it ends.
func lock(f *os.File) (unlock func(), err error) {
	h := windows.Handle(f.Fd())
	at := windows.Overlapped{OffsetHigh: lockAt}
	err = windows.LockFileEx(h, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, err
	}
	// Once: the number of a file that was closed may be another's.
	return sync.OnceFunc(func() { _ = windows.UnlockFileEx(h, 0, 1, 0, &at) }), nil
}

// SyncDir does nothing: Windows writes a file's name with the file.
func SyncDir(string) error { return nil }
