package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// Resume goes on with a replay that was interrupted.
type Resume struct {
	// Path is the journal's file.
	Path string
	// OnResult and OnState are Replay's.
	OnResult func(Result)
	OnState  func(string)
}

// ErrOtherTarget says that a journal is of another stage than the engine's.
var ErrOtherTarget = errors.New("another stage")

// Unfinished are the journals that can be gone on with, the newest first.
func (e *Engine) Unfinished() ([]*journal.State, error) {
	dir, err := e.Dir()
	if err != nil || dir == "" {
		return nil, err
	}
	all, err := journal.Unfinished(dir)
	t := e.target()
	var ours []*journal.State
	for _, st := range all {
		if ofTarget(&st.Header, t) {
			ours = append(ours, st)
		}
	}
	return ours, err
}

// ofTarget is whether a journal is of the engine's stage: the guard judges by the
// target, so a journal of a protected stage must not be gone on with as another's.
func ofTarget(h *journal.Header, t aws.Target) bool {
	return h.Region == t.Region && h.Stage == t.Stage && h.Endpoint == endpointOf(t)
}

// Resume finishes what a journal began: what it says was sent is deleted and not
// sent again; what was tried and not known to be sent is sent; the rest goes on as
// it was asked for, with other canaries when those of the former run had not
// completed. Messages that the former run still hides are waited for: half a minute
// at most, or a minute, where they had been looked at and chosen.
//
// To a FIFO queue nothing is sent that was tried more than five minutes ago, since
// SQS would take it a second time: it is skipped, and the error says so.
//
// Report.Before counts what had been moved before. Errors are Replay's; besides,
// journal.ErrRunning when the former run is no former one, and ErrOtherTarget.
func (e *Engine) Resume(ctx context.Context, r Resume) (Report, error) {
	st, err := journal.Read(r.Path)
	if err != nil {
		return Report{}, err
	}
	h := st.Header
	if !ofTarget(&h, e.target()) {
		return Report{}, fmt.Errorf("the journal %s is of %w: region %s, stage %s%s", h.ID, ErrOtherTarget, h.Region, h.Stage, at(h.Endpoint))
	}
	if st.End != nil {
		return Report{}, fmt.Errorf("the journal %s has come to its end: there is nothing to go on with", h.ID)
	}
	if h.Kind == kindImport {
		return e.resumeImport(ctx, r, st)
	}
	lastWrite := st.LastWrite
	j, st, err := journal.Open(r.Path)
	if err != nil {
		return Report{}, err
	}
	m, err := e.moverOf(ctx, r, j, st)
	if errors.Is(err, errNoChoice) {
		return Report{}, errors.Join(err, j.Discard())
	}
	if err != nil {
		return Report{}, errors.Join(err, j.Close())
	}
	// It wrote with every tick for as long as it lived.
	m.hidden = lastWrite.Add(tickOf(h.Lease) + h.Lease + 2*time.Second)
	if m.hidden.After(time.Now()) {
		m.r.OnState("waiting for what the interrupted run still hides")
		defer m.r.OnState("")
	}
	return e.moving(ctx, m)
}

var errNoChoice = errors.New("it was interrupted before anything was moved, and does not say what was to be: make the replay again")

func at(endpoint string) string {
	if endpoint == "" {
		return ""
	}
	return " at " + endpoint
}

// moverOf is a mover that begins where a journal ends.
func (e *Engine) moverOf(ctx context.Context, r Resume, j *journal.Journal, st *journal.State) (*mover, error) {
	var req request
	if err := json.Unmarshal(st.Header.Request, &req); err != nil {
		return nil, fmt.Errorf("the journal %s cannot be gone on with: %w", st.Header.ID, err)
	}
	if !req.All && len(st.Chosen) < st.Header.Count {
		return nil, fmt.Errorf("the journal %s: %w", st.Header.ID, errNoChoice)
	}
	replay := Replay{
		Worker: req.Worker, All: req.All, To: req.To, AnySource: req.AnySource, NewJobIDs: req.NewJobIDs, Force: req.Force,
		KeepUnanswered: req.KeepUnanswered, Rate: req.Rate, Concurrency: req.Concurrency, Watch: req.Watch,
		CanaryTimeout: req.CanaryTimeout,
		OnResult:      r.OnResult, OnState: r.OnState,
	}
	if !st.Passed {
		replay.Canary = req.Canary
	}
	replay.withDefaults()
	dlq, err := deadLetterQueue(&replay.Worker)
	if err != nil {
		return nil, err
	}
	qs, err := e.state(ctx, dlq)
	if err != nil {
		return nil, err
	}
	m := newMover(e, &replay, dlq, qs)
	m.journal, m.before, m.began = j, st, st.Header.Time
	m.bound = req.Bound
	for msg := range st.Messages() {
		switch {
		case msg.Sent:
			m.bound--
			m.sent[keyOf(msg.NewID)] = msg.ID
		case msg.Skipped:
			m.bound--
		}
	}
	for _, id := range st.Chosen {
		if msg := st.Of(id); !msg.Sent && !msg.Skipped {
			m.want[id] = true
		}
	}
	if req.Edits != "" {
		m.edits, err = readEdits(filepath.Join(filepath.Dir(j.Path()), req.Edits))
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("the edited messages of the journal %s are gone: %w", st.Header.ID, err)
		}
	}
	return m, err
}
