// Package journal keeps what a replay has done, on disk, while it does it: an
// append-only file of one JSON object a line. A process that is killed leaves a
// journal from which the next one goes on without sending anything twice that is
// known to have been sent.
//
// The order is the guarantee. Before messages are sent their ids are written down
// (Try); when the send was accepted that is written and synced (Sent) before
// anything is deleted; a deletion is written after it (Deleted). So at any instant
// a message is in one of these states:
//
//	not mentioned        not sent
//	tried                sent or not: nobody knows
//	sent                 sent, and perhaps deleted
//	deleted              moved
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/microfox-ai/aiwctl/aws/filelock"
)

// Version is the format's. A journal of a later one is refused.
const Version = 1

// ErrRunning is returned for a journal that a process is writing now.
var ErrRunning = errors.New("it is being written by a running process")

// Header is a journal's first line.
type Header struct {
	Version int `json:"version"`
	// ID is the file's name without its ending.
	ID string `json:"id"`
	// Kind is what is journalled: "replay", "import".
	Kind string    `json:"kind"`
	Time time.Time `json:"time"`
	// Region, Stage and Endpoint are the target's; Endpoint is empty for AWS.
	Region   string `json:"region"`
	Stage    string `json:"stage"`
	Endpoint string `json:"endpoint,omitempty"`
	// Worker is the worker's id, Queue the name of the queue messages are taken
	// from (of an import: put into).
	Worker string `json:"worker"`
	Queue  string `json:"queue"`
	// Count is how many messages it is about, as far as was known.
	Count int `json:"count"`
	// Lease is how long messages that the process held stay hidden after its end.
	Lease time.Duration `json:"lease"`
	// Request is all that is needed to go on; its writer knows its shape.
	Request json.RawMessage `json:"request"`
}

// Pair is two texts that belong together.
type Pair [2]string

// Record is a line. Each field lists messages by their id.
type Record struct {
	// Chosen are the ids to move, when not all are.
	Chosen []string `json:"chosen,omitempty"`
	// Skipped are ids that are not to be sent.
	Skipped []string `json:"skipped,omitempty"`
	// At is when Try or Sent was written, in milliseconds since 1970; older journals
	// have none with Sent.
	At int64 `json:"at,omitempty"`
	// Try has id and receipt handle of messages about to be sent.
	Try []Pair `json:"try,omitempty"`
	// Sent has id and new id of messages whose send was accepted.
	Sent []Pair `json:"sent,omitempty"`
	// Jobs has job id and new job id of each of Sent, in its order; the new one is
	// empty when the id is kept, both when the message is no job. Older journals have
	// none.
	Jobs []Pair `json:"jobs,omitempty"`
	// Refused are tried messages whose send was refused: they were not sent.
	Refused []string `json:"refused,omitempty"`
	// Deleted are sent messages that were deleted.
	Deleted []string `json:"deleted,omitempty"`
	// Passed says that the canaries, if there were any, have completed.
	Passed bool `json:"passed,omitempty"`
	// End closes the journal: there is nothing to go on with.
	End *End `json:"end,omitempty"`
}

// End is how it ended.
type End struct {
	Time time.Time `json:"time"`
	// Moved, Skipped and Failed count messages.
	Moved   int `json:"moved"`
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
}

// Journal is a journal that is being written. It is safe for concurrent use.
type Journal struct {
	header Header
	path   string
	file   *os.File
	log    *Appender
	unlock func()
}

// Create begins a journal in dir, which is made where it does not exist. The
// header is on disk when it returns.
func Create(dir string, h Header) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("begin a journal: %w", err)
	}
	h.Version = Version
	path := filepath.Join(dir, h.ID+extension)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin a journal: %w", err)
	}
	j := &Journal{header: h, path: path, file: f, log: NewAppender(f)}
	if j.unlock, err = hold(f); err == nil {
		err = j.line(h, true)
	}
	if err == nil {
		err = filelock.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin a journal: %w", err), j.Close(), os.Remove(path))
	}
	return j, nil
}

// Header is the journal's header.
func (j *Journal) Header() Header { return j.header }

// Path is the journal's file.
func (j *Journal) Path() string { return j.path }

// Append writes a record. It outlives the process, but not a loss of power.
func (j *Journal) Append(r Record) error { return j.line(r, false) }

// Commit writes a record and returns when it is on disk. Several that come at the
// same time share one sync.
func (j *Journal) Commit(r Record) error { return j.line(r, true) }

func (j *Journal) line(v any, synced bool) error {
	text, err := json.Marshal(v)
	if err == nil {
		var n int
		if n, err = j.log.Append(append(text, '\n')); err == nil && synced {
			err = j.log.Sync(n)
		}
	}
	if err != nil {
		return fmt.Errorf("write the journal %s: %w", j.path, err)
	}
	return nil
}

// Close lets go of the journal. It can be opened again unless it has an End.
func (j *Journal) Close() error {
	if j.unlock != nil {
		j.unlock()
	}
	return j.file.Close()
}

// Discard closes a journal in which nothing was done and removes its file.
func (j *Journal) Discard() error {
	// While it is locked, so that nobody goes on with it meanwhile; Windows lets
	// nobody remove what is open.
	err := os.Remove(j.path)
	cerr := j.Close()
	if err != nil {
		err = os.Remove(j.path)
	}
	return errors.Join(cerr, err)
}

// Open opens a journal to go on with it, and says how far it got. A last line that
// was not written whole is cut off. The error wraps ErrRunning when its process
// still runs. A journal that has an End is not opened.
func Open(path string) (*Journal, *State, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{path: path, file: f, log: NewAppender(f)}
	if j.unlock, err = hold(f); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the journal %s: %w", path, err), f.Close())
	}
	st, err := j.resume()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the journal %s: %w", path, err), j.Close())
	}
	j.header = st.Header
	return j, st, nil
}

// resume reads a journal that has just been locked. Until then another process may
// have ended or removed it.
func (j *Journal) resume() (*State, error) {
	ours, err := j.file.Stat()
	if err != nil {
		return nil, err
	}
	if there, err := os.Stat(j.path); err != nil {
		return nil, err
	} else if !os.SameFile(ours, there) {
		return nil, errors.New("it has just been replaced by another")
	}
	st, size, err := read(j.file)
	if err != nil {
		return nil, err
	}
	if st.End != nil {
		return nil, errors.New("it has come to its end: there is nothing to go on with")
	}
	if size < ours.Size() {
		// Through its name: Windows does not cut a file that is open for appending.
		if err := os.Truncate(j.path, size); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// lineMost bounds a line: a record has ten messages, or a thousand ids. Tests read
// with less.
const lineMost = 64 << 20

// errEmpty says that a journal has no header: its process ended before it had
// written it, and did nothing.
var errEmpty = errors.New("it is empty")

// read reads a journal, and says where its last whole line ends.
func read(f io.Reader) (st *State, size int64, err error) {
	lines := newLines(f, lineMost)
	for n := 1; ; n++ {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			if st == nil {
				return nil, 0, errEmpty
			}
			return st, size, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("line %d cannot be read: %w", n, err)
		}
		if n == 1 {
			if st, err = begin(line); err != nil {
				return nil, 0, err
			}
		} else {
			var r Record
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, 0, fmt.Errorf("line %d cannot be read: %w", n, err)
			}
			st.add(&r)
		}
		size += int64(len(line)) + 1
	}
}

func begin(line []byte) (*State, error) {
	st := &State{messages: map[string]*Message{}}
	err := json.Unmarshal(line, &st.Header)
	// Of a later format, which may have fields of other types, the version is read.
	if v := st.Header.Version; v > Version {
		return nil, fmt.Errorf("it is of format %d and this program knows %d: use the program that wrote it", v, Version)
	}
	if err != nil || st.Header.Version <= 0 {
		return nil, errors.New("it is no journal of a replay")
	}
	return st, nil
}

// lines cuts a journal into its whole lines.
type lines struct {
	from *bufio.Reader
	most int
	long []byte // a line that the reader's buffer is too small for
}

func newLines(r io.Reader, most int) *lines {
	return &lines{from: bufio.NewReaderSize(r, 64<<10), most: most}
}

// next is the next whole line without its newline, good until the one after it;
// io.EOF when there is none.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		if err == nil && len(l.long) == 0 {
			return part[:len(part)-1], nil
		}
		if len(l.long)+len(part) > l.most {
			return nil, fmt.Errorf("it is longer than %d MiB", l.most>>20)
		}
		l.long = append(l.long, part...)
		if err == nil {
			return l.long[:len(l.long)-1], nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
}

// hold takes a journal's file for this process.
func hold(f *os.File) (unlock func(), err error) {
	unlock, err = filelock.Lock(f)
	if errors.Is(err, filelock.ErrLocked) {
		err = ErrRunning
	}
	return unlock, err
}
