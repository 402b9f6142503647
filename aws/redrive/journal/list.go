package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/filelock"
)

const extension = ".jsonl"

// beside ends the name of a file that a journal's writer keeps beside it: the
// messages that somebody has edited. It is made after its journal.
const beside = ".edits"

// keep is how many ended journals stay, for reading.
const keep = 50

// NewID names a journal by its time, so that names sort as times do.
func NewID(now time.Time) string {
	return now.UTC().Format("20060102-150405") + "-" + strings.ToLower(rand.Text()[:6])
}

// Path is where the journal of an id is.
func Path(dir, id string) string { return filepath.Join(dir, id+extension) }

// Read says how far a journal got, without opening it for writing; it may be of a
// process that still runs.
func Read(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	st, _, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("read the journal %s: %w", path, err)
	}
	if info, err := f.Stat(); err == nil {
		st.LastWrite = info.ModTime()
	}
	return st, nil
}

// Running is whether a process is writing a journal now; false also when that cannot be
// told.
func Running(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only held for a moment
	unlock, err := filelock.Lock(f)
	if err == nil {
		unlock()
	}
	return errors.Is(err, filelock.ErrLocked)
}

// Unfinished are the journals in dir that can be gone on with, the newest first.
// Those of running processes are among them. What cannot be read is left out, and
// told by the error beside what could be; a journal without a header is left out.
func Unfinished(dir string) ([]*State, error) {
	names, err := list(dir, extension)
	if err != nil {
		return nil, err
	}
	var (
		out  []*State
		errs []error
	)
	for _, name := range names {
		path := filepath.Join(dir, name)
		if ended(path) {
			continue
		}
		st, err := Read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // ended and pruned meanwhile
		case errors.Is(err, errEmpty): // nothing was done
		case err != nil:
			errs = append(errs, err)
		case st.End == nil:
			out = append(out, st)
		}
	}
	Newest(out)
	return out, errors.Join(errs...)
}

// Prune removes the oldest ended journals, all but the last few. It removes as well
// what processes that were killed left beside journals that are ended or gone: files
// of the journal's name that end in .edits.
func Prune(dir string) error {
	names, err := list(dir, extension)
	if err != nil {
		return err
	}
	var old []string
	for _, name := range names {
		if ended(filepath.Join(dir, name)) {
			old = append(old, name)
		}
	}
	var errs []error
	for _, name := range old[:max(0, len(old)-keep)] {
		errs = append(errs, remove(filepath.Join(dir, name)))
	}
	edits, err := list(dir, beside)
	errs = append(errs, err)
	for _, name := range edits {
		// It is looked at now, after its edits were listed: a journal is there before
		// its edits are.
		path := Path(dir, strings.TrimSuffix(name, beside))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || err == nil && ended(path) {
			errs = append(errs, remove(filepath.Join(dir, name)))
		}
	}
	return errors.Join(errs...)
}

// remove removes a file that another process may remove at the same time.
func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// list has the names of the files with an ending, in the order of their time.
func list(dir, ending string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the journals: %w", err)
	}
	var names []string
	for _, e := range entries { // sorted by name
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ending) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// ended looks at a journal's last bytes: the end is its last record.
func ended(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return false
	}
	tail := make([]byte, min(info.Size(), 1024))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil || len(tail) == 0 || tail[len(tail)-1] != '\n' {
		return false
	}
	text := string(tail[:len(tail)-1])
	return strings.HasPrefix(text[strings.LastIndexByte(text, '\n')+1:], `{"end":`)
}
