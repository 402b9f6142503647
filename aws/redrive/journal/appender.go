package journal

import (
	"io"
	"os"
	"sync"
)

// Appender appends to a file from several goroutines. It is made for lines that
// must be on disk before something else is done: those who wait share their syncs.
type Appender struct {
	file file

	mu      sync.Mutex
	written int
	broken  error // the first error of a write or a sync

	syncing sync.Mutex
	synced  int // under syncing
}

// file is what an Appender needs of an *os.File.
type file interface {
	io.Writer
	Sync() error
}

// NewAppender appends to a file that is open for appending.
func NewAppender(f *os.File) *Appender { return &Appender{file: f} }

// Append writes a text in one call, and returns its number, for Sync. A write that
// failed may have left half of it, so it is the last: every later call repeats its
// error.
func (a *Appender) Append(text []byte) (n int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return 0, a.broken
	}
	if _, err := a.file.Write(text); err != nil {
		a.broken = err
		return 0, err
	}
	a.written++
	return a.written, nil
}

// Sync returns when the first n texts are on disk. Whoever had to wait for
// another's sync mostly finds its own text among those synced.
//
// A sync that failed is the last as well: the system may have dropped what it could
// not write, and say of the next one that all is well (fsync(2), on errors of
// writeback).
func (a *Appender) Sync(n int) error {
	a.syncing.Lock()
	defer a.syncing.Unlock()
	if a.synced >= n {
		return nil
	}
	a.mu.Lock()
	all, err := a.written, a.broken
	a.mu.Unlock()
	if err != nil {
		return err
	}
	if err := a.file.Sync(); err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.broken == nil {
			a.broken = err
		}
		return err
	}
	a.synced = all
	return nil
}
