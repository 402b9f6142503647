// Package audit keeps the trail of writes: an append-only file of one JSON object
// a line, two for each action. The first is on disk before anything is written to
// AWS, so that a process that is killed leaves one; the second says what came of
// it.
//
// Several processes append to one file. Each line is written whole, under a lock,
// and begins a line of its own even when the process before was cut off within
// one. A file that has reached RotateAt is renamed, audit.jsonl to
// audit-20060102-150405-xxxxxx.jsonl, and a new one begun. Nothing is ever
// deleted: what is old enough to go is for its owner to say.
package audit

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/filelock"
)

// The values of Record.Event.
const (
	EventBegin = "begin"
	EventEnd   = "end"
)

// The values of Record.Outcome. An end has one of the first three; the others are
// what Read finds of an action without an end.
const (
	OutcomeDone      = "done"
	OutcomeFailed    = "failed"
	OutcomeCancelled = "cancelled"
	// OutcomeUnderWay: its process still runs on this machine.
	OutcomeUnderWay = "under way"
	// OutcomeNoEnd: the process was killed, or the machine was.
	OutcomeNoEnd = "did not end"
)

// RotateAt is the size at which a file is renamed and a new one begun: about
// fifty thousand actions.
const RotateAt = 32 << 20

// lockTimeout is how long a line waits for other processes' lines; each takes a
// moment, so something is wrong when it is over.
const lockTimeout = 3 * time.Second

// Record is a line of the trail. It never holds a key, a token or the text of a
// message.
type Record struct {
	// ID joins the two records of an action.
	ID string `json:"id,omitempty"`
	// Event is EventBegin or EventEnd; empty in what Read has joined.
	Event string    `json:"event,omitempty"`
	Time  time.Time `json:"time"`
	// Who is the caller's ARN, as STS says; empty when AWS did not say in time.
	Who      string `json:"who,omitempty"`
	Account  string `json:"account,omitempty"`
	Region   string `json:"region"`
	Stage    string `json:"stage"`
	Service  string `json:"service,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Profile  string `json:"profile,omitempty"`
	// Host, User and PID are this machine's: who sat there.
	Host string `json:"host,omitempty"`
	User string `json:"user,omitempty"`
	PID  int    `json:"pid,omitempty"`

	Action string `json:"action"` // "dispatch", "dlq.replay", ...
	Object string `json:"object"` // the worker or the queue
	Count  int    `json:"count"`
	// IDs are the first few hundred of what is written to; Journal names the file
	// that has them all, where there is one.
	IDs     []string `json:"ids,omitempty"`
	Journal string   `json:"journal,omitempty"`

	// Outcome and the rest are of an end. A failed write may have changed
	// something: Done and Failed count what was done, and what was not, as far as
	// is known.
	Outcome string `json:"outcome,omitempty"`
	Done    *int   `json:"done,omitempty"`
	Failed  *int   `json:"failed,omitempty"`
	// ErrorKind sorts the error; its text is left out, since it may quote a
	// message.
	ErrorKind  string `json:"errorKind,omitempty"`
	DurationMS int64  `json:"durationMs,omitempty"`
}

// NewID names an action.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// Log appends to a trail. It is safe for concurrent use. The file is opened for
// each line: it may be renamed between two, and a console lives for days.
type Log struct {
	path string
	// rotateAt is RotateAt, less in tests.
	rotateAt int64
	mu       sync.Mutex
}

// New is a trail in the file at path, which is made, with its directory, by the
// first record. An empty path keeps none.
func New(path string) *Log { return &Log{path: path, rotateAt: RotateAt} }

// Append writes a record and returns when it is on disk. When it fails nothing of
// the record is in the file, as far as the file system lets it be taken back.
func (l *Log) Append(r Record) error {
	if l.path == "" {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	for deadline := time.Now().Add(lockTimeout); ; {
		again, err := l.append(append(line, '\n'))
		if errors.Is(err, filelock.ErrLocked) {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: %w for more than %s", l.path, err, lockTimeout)
			}
			time.Sleep(2 * time.Millisecond)
			continue
		}
		if err != nil || !again {
			return err
		}
	}
}

// append is one attempt. Again is true when the file was, or has been, renamed.
func (l *Log) append(line []byte) (again bool, err error) {
	// Opened for reading too, to see how the last line ended.
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	unlock, err := filelock.Lock(f)
	switch {
	case errors.Is(err, filelock.ErrLocked):
		return false, err
	case err != nil:
		// A file system without locks. One write in append mode is what is left.
		unlock = func() {}
	}
	defer func() { unlock() }()

	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		_, err := f.Write(line)
		return false, err
	}
	if now, err := os.Stat(l.path); err != nil || !os.SameFile(info, now) {
		return true, nil // renamed by another process since it was opened
	}
	size := info.Size()
	if size >= l.rotateAt && os.Rename(l.path, l.rotated(time.Now())) == nil {
		return true, nil // where it cannot be renamed it grows on
	}
	if size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return false, err
		}
		if last[0] != '\n' { // somebody was cut off
			line = append([]byte{'\n'}, line...)
		}
	}
	n, err := f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	if err != nil && n > 0 {
		return false, errors.Join(err, f.Truncate(size))
	}
	if err == nil && size == 0 {
		err = filelock.SyncDir(filepath.Dir(l.path))
	}
	return false, err
}

// rotated is what the present file will be called.
func (l *Log) rotated(now time.Time) string {
	ext := filepath.Ext(l.path)
	return strings.TrimSuffix(l.path, ext) + "-" + now.UTC().Format(rotatedFormat) + "-" + strings.ToLower(rand.Text()[:6]) + ext
}

const rotatedFormat = "20060102-150405"
