package aws

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/microfox-ai/aiwctl/aws/audit"
)

// ErrAudit is the audit trail's failure. Before a write it means that nothing
// was written; after one, that the write is on record as begun, and not as ended.
var ErrAudit = errors.New("audit trail")

// NoAudit is the Options.AuditPath that keeps no audit trail.
const NoAudit = "-"

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

// auditTrail is the trail that the options name, one that keeps nothing for none.
func auditTrail(o Options) (*audit.Log, error) {
	path, err := auditPath(o)
	if err != nil {
		return nil, err
	}
	return audit.New(path), nil
}

// auditPath is where the trail is; empty for none.
func auditPath(o Options) (string, error) {
	switch o.AuditPath {
	case "":
		return DefaultAuditPath(o.Getenv)
	case NoAudit:
		return "", nil
	}
	return o.AuditPath, nil
}

// AuditPath is where the trail of writes to the stage is; empty when none is kept.
func (s *Stage) AuditPath() string {
	path, err := auditPath(s.opts)
	if err != nil {
		return "" // Open would have failed
	}
	return path
}

// Wrote reports whether a record of the audit trail is of a write to this stage.
func (t Target) Wrote(r audit.Record) bool {
	endpoint := ""
	if t.EndpointURL != "" {
		endpoint = redactURL(t.EndpointURL)
	}
	return r.Stage == t.Stage && r.Region == t.Region && r.Endpoint == endpoint && (t.Service == "" || r.Service == "" || r.Service == t.Service)
}

// onThisMachine fills in who sits here, beside who AWS says it is.
func onThisMachine(r *audit.Record, getenv func(string) string) {
	r.Host, _ = os.Hostname() // a trail without it is still one
	r.User = cmp.Or(getenv("USER"), getenv("LOGNAME"), getenv("USERNAME"))
	if uid := os.Getuid(); r.User == "" && uid >= 0 {
		r.User = "uid " + strconv.Itoa(uid)
	}
	r.PID = os.Getpid()
}
