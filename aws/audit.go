package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrAudit is the audit trail's failure. Before a write it means that nothing
// was written; after one, that the write took place but is not on record.
var ErrAudit = errors.New("audit trail")

// NoAudit is the Options.AuditPath that keeps no audit trail.
const NoAudit = "-"

// The outcomes of an AuditEntry.
const (
	OutcomeDone      = "done"
	OutcomeFailed    = "failed"
	OutcomeCancelled = "cancelled"
)

// AuditEntry is one line of the audit trail: a write that was attempted. It
// never holds a key, a token or the text of a message.
type AuditEntry struct {
	Time time.Time `json:"time"`
	// Who is the caller's ARN; empty when AWS did not say in time.
	Who      string `json:"who,omitempty"`
	Account  string `json:"account,omitempty"`
	Region   string `json:"region"`
	Stage    string `json:"stage"`
	Service  string `json:"service,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Action
	// Outcome is OutcomeDone, OutcomeFailed or OutcomeCancelled. A failed write
	// may have changed something: its ids were sent, not all were accepted.
	Outcome string `json:"outcome"`
	// ErrorKind sorts the error; its text is left out, since it may quote a
	// message.
	ErrorKind ErrorKind `json:"errorKind,omitempty"`
	// DurationMS is how long the write took.
	DurationMS int64 `json:"durationMs"`
}

// StateDir is where this program keeps what outlives it: $XDG_STATE_HOME/aiwctl,
// below ~/.local/state when that variable is not set. It may not exist yet.
// https://specifications.freedesktop.org/basedir-spec/latest/
func StateDir(getenv func(string) string) (string, error) {
	// A relative path is to be ignored, says the specification.
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "aiwctl"), nil
	}
	home := getenv("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", fmt.Errorf("no home directory to keep state in: set XDG_STATE_HOME: %w", err)
		}
	}
	return filepath.Join(home, ".local", "state", "aiwctl"), nil
}

// DefaultAuditPath is audit.jsonl in StateDir.
func DefaultAuditPath(getenv func(string) string) (string, error) {
	dir, err := StateDir(getenv)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAudit, err)
	}
	return filepath.Join(dir, "audit.jsonl"), nil
}

// auditLog appends to one file. The file is opened for each write: it may be
// rotated or removed between two, and a console lives for days.
type auditLog struct {
	path func() (string, error)
}

// open makes sure that a line can be written. The returned file is nil when no
// trail is kept.
func (a *auditLog) open() (*os.File, error) {
	path, err := a.path()
	if err != nil || path == NoAudit {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: nothing was written: %w: make the directory writable, or set XDG_STATE_HOME to one that is", ErrAudit, err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: nothing was written: %w: make the file writable, or set XDG_STATE_HOME to another place", ErrAudit, err)
	}
	return f, nil
}

// write appends one line with one call, so that two processes never mix theirs,
// and closes f.
func (a *auditLog) write(f *os.File, e AuditEntry) error {
	if f == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%w: %s of %s was attempted but is not on record: %w", ErrAudit, e.Name, e.Object, err)
	}
	return nil
}
