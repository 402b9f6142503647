//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lock holds a file until unlock is called or the process ends, however it ends.
// It does not wait: a file that is held, also by this process through another
// os.File, is ErrLocked.
func Lock(f *os.File) (unlock func(), err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := flock(raw, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, err
	}
	// Closing the file would do, but for a child process that is just being started
	// and still has it. Not by its number: a file that was closed has none, and
	// another may have got it.
	return func() { _ = flock(raw, unix.LOCK_UN) }, nil
}

func flock(raw syscall.RawConn, how int) error {
	var err error
	cerr := raw.Control(func(fd uintptr) {
		for {
			if err = unix.Flock(int(fd), how); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, cerr)
}

// SyncDir returns when the names of a directory's files are on disk.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil // a file system that has no such thing
	}
	return errors.Join(err, f.Close())
}
