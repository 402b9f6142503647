// Package recall keeps the inputs that were dispatched from this machine, by stage and
// worker, and templates that a person saved, so that they can be sent again.
//
// Each is a file of its own that only this person can read, written whole under another
// name first: any number of processes may write at the same time, and one that is killed
// leaves nothing half done.
//
// Inputs may hold personal data. They stay on this machine; no more than a number of
// them are kept for each worker, AIWCTL_RECALL says how many, and Forget removes them.
// Webhook URLs are not kept, since many carry a secret, and no key or token of aiwctl's
// own is ever part of one.
package recall

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// DefaultMost is how many inputs are kept for each worker when nothing is said.
	DefaultMost = 50
	// MaxName is how long a template's name may be, in bytes.
	MaxName = 100
	// EnvMost is the variable that says how many inputs are kept for each worker: a
	// number, or "off", or 0, for none. Templates are kept all the same.
	EnvMost = "AIWCTL_RECALL"
	// maxFile bounds what is read: a message takes less.
	maxFile = 4 << 20
)

var (
	// ErrNotFound is returned for a job or a template that is not kept.
	ErrNotFound = errors.New("not kept on this machine")
	// ErrName is returned for a template's name that is empty, too long, or not plain text.
	ErrName = errors.New("a template's name is 1 to 100 bytes of plain text")
)

// Job is an input with what it was, or is to be, sent with.
type Job struct {
	// Name is a template's name; empty for what was sent.
	Name string `json:"name,omitempty"`
	// At is when it was sent, or saved.
	At time.Time `json:"at"`
	// JobID is the job that it was sent as; empty for a template.
	JobID string `json:"jobId,omitempty"`
	// Input is the text as it was typed.
	Input string `json:"input"`
	// Metadata is a JSON object; empty means {}.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// Delay and Mode are the options of the same names; zero and empty mean the
	// standard ones.
	Delay time.Duration `json:"delay,omitempty"`
	Mode  dispatch.Mode `json:"mode,omitempty"`
	// Unchecked marks an input that was sent although it did not fit the schema.
	Unchecked bool `json:"unchecked,omitempty"`
}

// Store keeps jobs for the workers of one stage. A nil Store keeps nothing and has
// nothing. Its methods may be called from several goroutines.
type Store struct {
	dir    string
	target func() aws.Target
	most   int
}

// New returns the store of a stage below dir, which need not exist yet. Most is how many
// inputs are kept for each worker; below 1 means none.
func New(dir string, t aws.Target, most int) *Store {
	return &Store{dir: dir, target: func() aws.Target { return t }, most: most}
}

// place is where the stage's files are. A stage that was not named tells its name only
// when it is looked at.
func (s *Store) place() string {
	t := s.target()
	place := cmp.Or(t.Stage, aws.DefaultStage) + "@" + t.Region
	switch {
	case t.Loopback():
		place = cmp.Or(t.Stage, aws.DefaultStage) + "@local"
	case t.Profile != "":
		place += "@" + t.Profile
	}
	return filepath.Join(s.dir, fileName(place))
}

// Stage is a stage that says where it is; *aws.Stage is one.
type Stage interface{ Target() aws.Target }

// For returns the store of a stage below aws.StateDir, as EnvMost has it.
func For(stage Stage, getenv func(string) string) (*Store, error) {
	most := DefaultMost
	switch v := strings.TrimSpace(getenv(EnvMost)); v {
	case "":
	case "off":
		most = 0
	default:
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%s is %q: want a number, or off", EnvMost, v)
		}
		most = n
	}
	dir, err := aws.StateDir(getenv)
	if err != nil {
		return nil, err
	}
	return &Store{dir: filepath.Join(dir, "recall"), target: stage.Target, most: most}, nil
}

// Job is what is kept of a dispatch: nothing of its webhook.
func (*Store) Job(r aws.DispatchRequest, result aws.DispatchResult) Job {
	j := Job{At: result.SentAt, JobID: result.JobID, Input: string(r.Input), Delay: r.Delay, Unchecked: r.Force}
	if r.Mode != dispatch.ModeAuto {
		j.Mode = r.Mode
	}
	if len(r.Metadata) > 0 {
		j.Metadata, _ = json.Marshal(r.Metadata) // it came from JSON
	}
	return j
}

// Keeps is how many inputs are kept for each worker.
func (s *Store) Keeps() int {
	if s == nil {
		return 0
	}
	return max(0, s.most)
}

// Keep stores what was sent to a worker, and lets go of the oldest beyond the number.
func (s *Store) Keep(workerID string, j Job) error {
	if s.Keeps() == 0 {
		return nil
	}
	dir := s.sentDir(workerID)
	j.Name = ""
	name := fmt.Sprintf("%013d-%s.json", max(0, j.At.UnixMilli()), strings.ToLower(rand.Text()[:8]))
	if err := write(dir, name, j); err != nil {
		return fmt.Errorf("keep the input of %s: %w", j.JobID, err)
	}
	names, err := list(dir)
	if err != nil {
		return fmt.Errorf("keep the input of %s: %w", j.JobID, err)
	}
	for _, old := range names[min(len(names), s.most):] {
		if err := os.Remove(filepath.Join(dir, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("let go of an old input: %w", err)
		}
	}
	return nil
}

// Recent is what was sent to a worker, the newest first. What cannot be read is left
// out, and told of by an error beside the rest.
func (s *Store) Recent(workerID string) ([]Job, error) {
	if s == nil {
		return nil, nil
	}
	return readAll(s.sentDir(workerID))
}

// Sent is the job with an id; empty means the last one that was sent to the worker. The
// error wraps ErrNotFound.
func (s *Store) Sent(workerID, jobID string) (Job, error) {
	jobs, err := s.Recent(workerID)
	for _, j := range jobs {
		if jobID == "" || j.JobID == jobID {
			return j, nil
		}
	}
	if jobID == "" {
		jobID = "an earlier input of " + strconv.Quote(workerID)
	}
	return Job{}, errors.Join(fmt.Errorf("%s: %w", jobID, ErrNotFound), err)
}

// Templates are a worker's templates, by name. What cannot be read is left out, and told
// of by an error beside the rest.
func (s *Store) Templates(workerID string) ([]Job, error) {
	if s == nil {
		return nil, nil
	}
	jobs, err := readAll(s.templateDir(workerID))
	slices.SortStableFunc(jobs, func(a, b Job) int { return strings.Compare(a.Name, b.Name) })
	return jobs, err
}

// Template is one of a worker's templates. The error wraps ErrNotFound or ErrName.
func (s *Store) Template(workerID, name string) (Job, error) {
	if err := checkName(name); err != nil {
		return Job{}, err
	}
	if s != nil {
		j, err := read(filepath.Join(s.templateDir(workerID), fileName(name)+".json"))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return j, err
		}
	}
	return Job{}, fmt.Errorf("template %q of %q: %w", name, workerID, ErrNotFound)
}

// Save stores a template under its name, in the place of one that has it. The error may
// wrap ErrName.
func (s *Store) Save(workerID string, j Job) error {
	if err := checkName(j.Name); err != nil {
		return err
	}
	if s == nil {
		return errors.New("there is no place to keep a template")
	}
	j.JobID = ""
	if err := write(s.templateDir(workerID), fileName(j.Name)+".json", j); err != nil {
		return fmt.Errorf("save template %q: %w", j.Name, err)
	}
	return nil
}

// Delete removes a template. The error wraps ErrNotFound or ErrName.
func (s *Store) Delete(workerID, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if s == nil {
		return ErrNotFound
	}
	err := os.Remove(filepath.Join(s.templateDir(workerID), fileName(name)+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("template %q of %q: %w", name, workerID, ErrNotFound)
	}
	return err
}

// Forget removes every input that was sent to a worker; its templates stay.
func (s *Store) Forget(workerID string) error {
	if s == nil {
		return nil
	}
	return os.RemoveAll(s.sentDir(workerID))
}

func (s *Store) sentDir(workerID string) string {
	return filepath.Join(s.place(), fileName(workerID), "sent")
}

func (s *Store) templateDir(workerID string) string {
	return filepath.Join(s.place(), fileName(workerID), "templates")
}

func checkName(name string) error {
	if name == "" || len(name) > MaxName || strings.TrimSpace(name) != name || !plain(name) {
		return ErrName
	}
	return nil
}
