// Package filelock holds a file for one process, so that two never write it at
// the same time.
package filelock

import "errors"

// ErrLocked says that somebody else holds the file.
var ErrLocked = errors.New("it is locked by another process")
