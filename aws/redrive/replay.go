package redrive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// The values of Result.Status.
const (
	StatusReplayed = "replayed"
	// StatusSkipped: it was not sent, on purpose; Result.Error says why.
	StatusSkipped = "skipped"
	// StatusNotDeleted: it is in both queues.
	StatusNotDeleted = "sent, not deleted"
	// StatusFailed: it is still in the DLQ; see Result.MaybeSent.
	StatusFailed   = "failed"
	StatusNotFound = "not found"
	// StatusCameBack: the copy that was sent has died as well.
	StatusCameBack = "came back"
	// StatusDeleted is of Delete, StatusImported of Import.
	StatusDeleted  = "deleted"
	StatusImported = "imported"
)

// Replay says what to send back, where to, and how carefully.
type Replay struct {
	Worker aws.Worker

	// One of these three says what is replayed. IDs are message ids; All is every
	// message that is there when it begins; Selection is what Select chose, which is
	// moved as it is held and released at the end.
	All       bool
	IDs       []string
	Selection *Selection

	// To is a queue URL. Empty means the queue each message came from, which is
	// the worker's own: what another queue sent to a shared dead-letter queue is
	// skipped, unless AnySource.
	To string
	// AnySource sends each message back to the queue it came from, whichever it is.
	AnySource bool
	// NewJobIDs sends each job under a new id. metadata.__trigger then says which
	// job it replays.
	NewJobIDs bool
	// Force sends also what is certain to die again, or to be swallowed.
	Force bool
	// KeepUnanswered leaves a message in the dead-letter queue whose send was never
	// answered. By default it is sent again, which may double it, to a standard
	// queue: see Report.MaybeTwice.
	KeepUnanswered bool

	// Rate is how many messages a second are sent at most; zero or less: no limit.
	Rate float64
	// Concurrency is how many batches of ten are under way at once; zero means
	// DefaultConcurrency. Queues that keep an order have one.
	Concurrency int
	// Canary is how many messages are sent first. The others follow when all of
	// them have completed; when one comes back, or nothing is known of one within
	// CanaryTimeout, nothing more is sent, and the error wraps a *CanaryError. Zero:
	// none. CanaryTimeout zero means DefaultCanaryTimeout.
	Canary        int
	CanaryTimeout time.Duration
	// Watch is how long to look, after the last message was sent, for copies that
	// come back. Zero: not at all.
	Watch time.Duration

	// OnResult is told of each result, one at a time, as it is known; nil means
	// nobody is.
	OnResult func(Result)
	// OnState is told what is being waited for, and nothing ("") when it is over.
	OnState func(string)
}

// Result is what became of one message.
type Result struct {
	ID    string `json:"id"`
	JobID string `json:"jobId,omitempty"`
	// Status is one of the Status constants.
	Status string `json:"status"`
	NewID  string `json:"newMessageId,omitempty"`
	// NewJobID is the job's new id, if it got one.
	NewJobID string `json:"newJobId,omitempty"`
	// To is the name of the queue it was sent to.
	To string `json:"to,omitempty"`
	// Error is why it was not replayed: a failure, or the reason for skipping it.
	Error string `json:"error,omitempty"`
	// MaybeSent marks a message whose send was once not answered. It may have been
	// sent although its status is "failed", and twice when it is "replayed".
	MaybeSent bool `json:"maybeSent,omitempty"`
}

// unreached is the Error of what was chosen, and not begun with when it ended early.
const unreached = "it was not reached"

// Unreached is whether nothing was done with the message, because the replay ended
// before its turn: it failed, but not by itself.
func (r *Result) Unreached() bool { return r.Status == StatusFailed && r.Error == unreached }

// problemsMost is how many results other than successes a Report keeps.
const problemsMost = 1000

// Report is the end of a replay, a deletion or an import.
type Report struct {
	// Replayed counts what was moved (deleted, imported), Skipped what was left on
	// purpose, Failed every other result.
	Replayed int `json:"replayed"`
	Skipped  int `json:"skipped"`
	Failed   int `json:"failed"`
	// Before counts what a former run had moved already, when this one goes on with
	// it; it is no part of Replayed.
	Before int `json:"before,omitempty"`
	// MaybeTwice counts, among Replayed, those that may have been sent twice, since
	// the answer to a send was lost.
	MaybeTwice int `json:"maybeTwice,omitempty"`
	// CameBack is how many copies have died as well. It is nil when nobody looked.
	CameBack *int `json:"cameBack,omitempty"`
	// Unseen is how many messages the queue should hold that could not be seen.
	Unseen int `json:"unseen,omitempty"`
	// Problems are the first thousand results that are not successes.
	Problems []Result `json:"problems,omitempty"`
	// Journal is the journal's file; empty when there is none, or nothing was done.
	Journal string `json:"journal,omitempty"`
	// Unfinished is whether the journal can be gone on with, by Resume.
	Unfinished bool `json:"unfinished,omitempty"`
	// Export is the file that a deletion wrote its messages to.
	Export string `json:"export,omitempty"`
	// Warnings are what a person should know: messages in flight elsewhere,
	// messages that came back during the replay, ...
	Warnings []string `json:"warnings,omitempty"`
}

// moved is whether anything was done.
func (r *Report) moved() bool { return r.Replayed > 0 }

// PartialError is returned by a replay (deletion, import) that did not do all it
// was asked to.
type PartialError struct {
	// Verb is what was being done: "replay"; Queue the queue's name.
	Verb, Queue string
	// Report is what was done.
	Report Report
	// Cause is what ended it early, such as context.Canceled or a *CanaryError;
	// nil when it ran to its end.
	Cause error
}

func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %s %sd", e.Verb, e.Queue, messages(e.Report.Replayed), strings.TrimSuffix(e.Verb, "e")+"e")
	for _, status := range []string{StatusNotDeleted, StatusFailed, StatusNotFound, StatusSkipped} {
		var ids []string
		why := ""
		for i := range e.Report.Problems {
			if p := &e.Report.Problems[i]; p.Status == status {
				ids = append(ids, p.ID)
				if why == "" {
					why = p.Error
				}
			}
		}
		if len(ids) == 0 {
			continue
		}
		fmt.Fprintf(&b, ", %d %s", len(ids), status)
		if status == StatusNotDeleted {
			b.WriteString(" and therefore in both queues")
		}
		const most = 3
		fmt.Fprintf(&b, " (%s", strings.Join(ids[:min(len(ids), most)], ", "))
		if len(ids) > most {
			fmt.Fprintf(&b, " and %d more", len(ids)-most)
		}
		b.WriteString(")")
		if why != "" {
			fmt.Fprintf(&b, ": %s", why)
		}
	}
	if n := e.Report.Unseen; n > 0 {
		fmt.Fprintf(&b, ", %d not seen", n)
	}
	if n := e.Report.CameBack; n != nil && *n > 0 {
		fmt.Fprintf(&b, ", %d came back", *n)
	}
	switch {
	case e.Cause == nil:
	case errors.Is(e.Cause, ErrWatch):
		b.WriteString("; interrupted while it watched for messages that come back")
	case errors.Is(e.Cause, context.Canceled):
		b.WriteString("; interrupted, the rest is still there")
	default:
		fmt.Fprintf(&b, "; ended early: %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns Cause.
func (e *PartialError) Unwrap() error { return e.Cause }

// ErrWatch is wrapped by what ends a replay early when everything was moved, and
// only the watching for what comes back was cut short.
var ErrWatch = errors.New("the watch for messages that come back was cut short")

func (r *Replay) withDefaults() {
	if r.Concurrency <= 0 {
		r.Concurrency = DefaultConcurrency
	}
	if r.CanaryTimeout <= 0 {
		r.CanaryTimeout = DefaultCanaryTimeout
	}
	if r.OnResult == nil {
		r.OnResult = func(Result) {}
	}
	if r.OnState == nil {
		r.OnState = func(string) {}
	}
}

// validate says what excludes what.
func (r *Replay) validate(dlq *aws.Queue) error {
	ways := 0
	for _, chosen := range []bool{r.All, len(r.IDs) > 0, r.Selection != nil} {
		if chosen {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("choose either message ids, a selection or all")
	case r.Selection != nil && r.Selection.released:
		return errors.New("the selection was released, or used up: choose anew")
	case r.To == "" && r.Worker.Queue == nil && !r.AnySource:
		return fmt.Errorf("%w: the queue of worker %q is not known: name one to send to", ErrNoQueue, r.Worker.ID)
	case r.To == dlq.URL:
		return errors.New("it would be sent to the dead-letter queue it is in")
	case r.Canary < 0 || r.Watch < 0:
		return errors.New("the canary and the time to watch are not below zero")
	}
	return nil
}

// Replay sends the chosen messages to their queue, then deletes those the send
// accepted from the DLQ, through the guard.
//
// Nothing is deleted that was not accepted, so nothing can be lost. Body, message
// attributes, trace header and message group are sent as they are, unless the
// selection has edits or NewJobIDs is set. Messages that were received and not
// chosen are made visible again. A message that is certain to die again, or to be
// swallowed, is skipped with the reason (see package check), unless Force.
//
// With All, at most as many messages are sent as the DLQ held in the beginning,
// and none that came back to it meanwhile: a job that dies again at once must not
// be replayed for ever.
//
// When ctx ends, no further message is sent; what was sent is deleted still, the
// rest is released, and the journal can be gone on with. Unless every chosen
// message was replayed and stayed away, the error is a *PartialError, or, when
// nothing was received yet, what prevented it.
func (e *Engine) Replay(ctx context.Context, r Replay) (Report, error) {
	m, err := e.mover(ctx, &r)
	if r.Selection != nil {
		defer func() { _ = r.Selection.Release(ctx) }() // once more: what is not told below has been released
	}
	if err != nil {
		return Report{}, fmt.Errorf("replay: %w", err)
	}
	return e.moving(ctx, m)
}

// mover is the mover of what was asked for.
func (e *Engine) mover(ctx context.Context, r *Replay) (*mover, error) {
	r.withDefaults()
	if r.Selection != nil {
		r.Worker = r.Selection.Worker
	}
	dlq, err := deadLetterQueue(&r.Worker)
	if err != nil {
		return nil, err
	}
	if err := r.validate(dlq); err != nil {
		return nil, fmt.Errorf("%q: %w", dlq.Name, err)
	}
	st, err := e.state(ctx, dlq)
	if err != nil {
		return nil, err
	}
	m := newMover(e, r, dlq, st)
	if r.Selection != nil {
		m.report.Warnings = nil // the selection has told them; what it holds is in flight
	}
	return m, nil
}

// moving runs a mover within the guard.
func (e *Engine) moving(ctx context.Context, m *mover) (Report, error) {
	// What the guard refuses is refused before anything is asked of SQS or the disk.
	if err := e.guard.Check(ctx, m.action()); err != nil {
		return Report{}, m.leave(err)
	}
	if err := m.prepareDestination(ctx); err != nil {
		return m.report, m.leave(err)
	}
	if err := m.begin(); err != nil {
		return m.report, err
	}
	err := e.guard.Do(ctx, m.action(), func(ctx context.Context, w aws.Writer) error {
		m.writer, m.sender.w = w, w
		return m.run(ctx)
	})
	return m.report, m.close(err)
}
