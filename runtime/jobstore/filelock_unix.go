//go:build unix && !aix && !solaris

package jobstore

import (
	"errors"
	"os"
	"syscall"
)

// readersLock says whether a document cannot be replaced while somebody reads it.
const readersLock = false

// tryLock locks an open file for everybody else who opened it, goroutines of this
// process included; false when somebody has it. Closing the file gives it back.
func tryLock(file *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
