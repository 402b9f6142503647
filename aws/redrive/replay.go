package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// The values of Result.Status.
const (
	StatusReplayed = "replayed"
	// StatusNotDeleted: it is in both queues.
	StatusNotDeleted = "sent, not deleted"
	// StatusFailed: it is still in the DLQ; see Result.MaybeSent.
	StatusFailed   = "failed"
	StatusNotFound = "not found"
)

// Replay says what to send back.
type Replay struct {
	Worker aws.Worker
	// IDs are the message ids to replay; All replays every message that is
	// there when it begins.
	IDs []string
	All bool
	// To is a queue URL; empty means the worker's own queue.
	To string
}

// Result is what became of one message.
type Result struct {
	ID    string `json:"id"`
	JobID string `json:"jobId,omitempty"`
	// Status: "replayed"; "sent, not deleted" (it is in both queues); "failed"
	// (it is still in the DLQ); "not found".
	Status string `json:"status"`
	NewID  string `json:"newMessageId,omitempty"`
	Error  string `json:"error,omitempty"`
	// MaybeSent marks a failed message whose send was never answered: it is
	// still in the DLQ, and may have been sent as well. Sending it again may
	// double it.
	MaybeSent bool `json:"maybeSent,omitempty"`
}

// Report is the end of a replay.
type Report struct {
	Results  []Result `json:"results"`
	Replayed int      `json:"replayed"`
	// Failed counts every result that is not "replayed".
	Failed int `json:"failed"`
	// Warnings are what a person should know: messages in flight elsewhere,
	// messages that came back during the replay, ...
	Warnings []string `json:"warnings,omitempty"`
}

// PartialError is returned by a replay that did not do all it was asked to.
type PartialError struct {
	Queue string // the DLQ's name
	// Replayed is how many messages were moved.
	Replayed int
	// Problems are the results that are not "replayed".
	Problems []Result
	// Cause is what ended the replay early, such as context.Canceled; nil when it
	// ran to its end.
	Cause error
}

func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "replay %q: %s replayed", e.Queue, plural(e.Replayed, "message", "messages"))
	for _, status := range []string{StatusNotDeleted, StatusFailed, StatusNotFound} {
		var ids []string
		why := ""
		for i := range e.Problems {
			if p := &e.Problems[i]; p.Status == status {
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
		const most = 5
		fmt.Fprintf(&b, " (%s", strings.Join(ids[:min(len(ids), most)], ", "))
		if len(ids) > most {
			fmt.Fprintf(&b, " and %d more", len(ids)-most)
		}
		b.WriteString(")")
		if why != "" {
			fmt.Fprintf(&b, ": %s", why)
		}
	}
	switch {
	case e.Cause == nil:
	case errors.Is(e.Cause, context.Canceled):
		b.WriteString("; interrupted, the rest is still there")
	default:
		fmt.Fprintf(&b, "; ended early: %v", e.Cause)
	}
	return b.String()
}

// Unwrap returns Cause.
func (e *PartialError) Unwrap() error { return e.Cause }

// Replay sends the chosen messages to their queue, then deletes those the send
// accepted from the DLQ, through the guard. progress (may be nil) is told of
// each result, one at a time.
//
// Nothing is deleted that was not accepted, so nothing can be lost. Body,
// message attributes, trace header and message group are sent as they are. A
// send that gets no answer is not repeated, since it may have worked; FIFO
// queues are the exception, where the message id serves as the deduplication
// id. Messages that were received and not chosen are made visible again.
//
// With All, at most as many messages are sent as the DLQ held in the
// beginning, and none that came back to it meanwhile: a job that dies again at
// once must not be replayed for ever.
//
// When ctx ends, no further message is sent; what was sent is deleted still,
// and the rest is released. Unless every chosen message was replayed, the
// error is a *PartialError, or, when nothing was received yet, what prevented it.
func (e *Engine) Replay(ctx context.Context, r Replay, progress func(Result)) (Report, error) {
	dlq, err := deadLetterQueue(&r.Worker)
	if err != nil {
		return Report{}, err
	}
	to := r.To
	if to == "" {
		if r.Worker.Queue == nil {
			return Report{}, fmt.Errorf("replay %q: the queue of worker %q is not known: name one to send to", dlq.Name, r.Worker.ID)
		}
		to = r.Worker.Queue.URL
	}
	if to == dlq.URL {
		return Report{}, fmt.Errorf("replay %q: it would be sent to the dead-letter queue it is in", dlq.Name)
	}
	if r.All == (len(r.IDs) > 0) {
		return Report{}, fmt.Errorf("replay %q: choose either message ids or all", dlq.Name)
	}
	st, err := e.state(ctx, dlq)
	if err != nil {
		return Report{}, err
	}
	m := &mover{
		dlq: dlq, to: to, all: r.All, bound: st.depth.Total(), progress: progress,
		undeleted: map[string]*Result{}, sent: map[string]bool{}, want: map[string]bool{},
	}
	m.report.Warnings = st.warnings
	action := aws.Action{Name: "dlq.replay", Object: dlq.Name, Count: st.depth.Total()}
	for _, id := range r.IDs {
		m.want[id] = true
	}
	if !r.All {
		action.IDs = slices.Sorted(maps.Keys(m.want))
		action.Count = len(action.IDs)
	}
	err = e.guard.Do(ctx, action, func(ctx context.Context, w aws.Writer) error {
		return e.move(ctx, m, w, st)
	})
	return m.report, err
}

// move is the replay itself, with write access.
func (e *Engine) move(ctx context.Context, m *mover, w aws.Writer, st dlqState) error {
	l := newLease(e.queue, m.dlq.URL)
	m.lease = l
	m.sender = &sender{w: w, from: m.dlq.URL, to: m.to, lease: l}
	s := &sweep{queue: e.queue, url: m.dlq.URL, name: m.dlq.Name, lease: l, expect: st.depth.Visible}
	m.sweep = s
	workers := workersFor(m.bound, st.fifo || isFIFO(m.to))
	err := holding(ctx, l, func() error {
		err := s.run(ctx, workers, func(batch []types.Message) { m.take(ctx, batch) })
		m.deleteAgain(ctx)
		return err
	})
	m.finish(ctx, err, st)
	if rel := l.release(ctx); rel != nil {
		m.report.Warnings = append(m.report.Warnings, rel.Error())
	}
	if err == nil {
		err = m.fatal
	}
	if err == nil && (m.report.Failed > 0 || m.all && m.chosen < m.bound) {
		err = ctx.Err() // nil, or why not everything was done
	}
	if err == nil && m.report.Failed == 0 {
		return nil
	}
	if len(m.report.Results) == 0 {
		return fmt.Errorf("replay %q: %w", m.dlq.Name, err)
	}
	p := &PartialError{Queue: m.dlq.Name, Replayed: m.report.Replayed, Cause: err}
	for _, r := range m.report.Results {
		if r.Status != StatusReplayed {
			p.Problems = append(p.Problems, r)
		}
	}
	return p
}

// mover chooses, moves and keeps the books.
type mover struct {
	dlq      *aws.Queue
	to       string
	all      bool
	bound    int // how many may be sent with all
	progress func(Result)
	lease    *lease
	sender   *sender
	sweep    *sweep

	mu        sync.Mutex
	want      map[string]bool // ids not found yet
	chosen    int
	back      int                // messages that came back during the replay
	beyond    int                // messages beyond bound
	sent      map[string]bool    // ids of the copies
	undeleted map[string]*Result // sent, not deleted so far
	report    Report
	fatal     error
}

// take moves those of a batch that are chosen.
func (m *mover) take(ctx context.Context, batch []types.Message) {
	if ctx.Err() != nil {
		return
	}
	chosen := m.choose(batch)
	if len(chosen) == 0 {
		return
	}
	outcomes, err := m.sender.send(ctx, chosen)
	m.mu.Lock()
	for _, o := range outcomes {
		if o.newID != "" {
			m.sent[o.newID] = true
		}
	}
	m.mu.Unlock()
	var accepted []string
	for i, o := range outcomes {
		if o.err == nil {
			accepted = append(accepted, str(chosen[i].MessageId))
		}
	}
	kept := m.sender.remove(ctx, accepted)
	for i, o := range outcomes {
		m.book(&chosen[i], o, kept)
	}
	if err != nil { // no use going on
		m.mu.Lock()
		m.fatal = err
		m.mu.Unlock()
		m.sweep.stop()
	}
}

// choose picks the messages to send, and stops the sweep when nothing more is
// wanted.
func (m *mover) choose(batch []types.Message) []types.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var chosen []types.Message
	for i := range batch {
		id := str(batch[i].MessageId)
		switch {
		case m.sent[id]:
			m.back++ // SQS keeps the message id when it moves a message to a DLQ
		case m.all && m.chosen < m.bound, m.want[id]:
			delete(m.want, id)
			m.chosen++
			chosen = append(chosen, batch[i])
		case m.all:
			m.beyond++
		}
	}
	if m.all && m.chosen >= m.bound || !m.all && len(m.want) == 0 {
		m.sweep.stop()
	}
	return chosen
}

// book records what became of a message. One that was sent and not deleted is
// kept back: deleting is tried once more in the end.
func (m *mover) book(msg *types.Message, o outcome, kept map[string]error) {
	l := letter(msg)
	r := Result{ID: l.ID, JobID: l.JobID(), Status: StatusReplayed, NewID: o.newID}
	if o.err != nil {
		r.Status, r.Error, r.MaybeSent = StatusFailed, o.err.Error(), o.maybe
	} else if err := kept[l.ID]; err != nil {
		r.Status, r.Error = StatusNotDeleted, err.Error()
		m.mu.Lock()
		m.undeleted[l.ID] = &r
		m.mu.Unlock()
		return
	}
	m.tell(r)
}

func (m *mover) tell(r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report.Results = append(m.report.Results, r)
	if r.Status == StatusReplayed {
		m.report.Replayed++
	} else {
		m.report.Failed++
	}
	if m.progress != nil {
		m.progress(r)
	}
}

// deleteAgain tries once more to delete what was sent and could not be deleted.
func (m *mover) deleteAgain(ctx context.Context) {
	if len(m.undeleted) == 0 {
		return
	}
	kept := m.sender.remove(ctx, slices.Sorted(maps.Keys(m.undeleted)))
	for _, id := range slices.Sorted(maps.Keys(m.undeleted)) {
		r := *m.undeleted[id]
		if err := kept[id]; err != nil {
			r.Error = err.Error()
		} else {
			r.Status, r.Error = StatusReplayed, ""
		}
		m.tell(r)
	}
}

// finish accounts for the ids that were not found and says what a person
// should know. The sweep is over.
func (m *mover) finish(ctx context.Context, ended error, st dlqState) {
	for _, id := range slices.Sorted(maps.Keys(m.want)) {
		r := Result{ID: id, Status: StatusNotFound}
		switch {
		case ctx.Err() != nil || ended != nil || m.fatal != nil:
			r.Status, r.Error = StatusFailed, "the replay ended before this message was reached"
		case st.depth.InFlight > 0:
			r.Error = "it is not in the queue, or in flight elsewhere"
		case st.fifo:
			r.Error = "it is not in the queue, or behind other messages of its message group"
		}
		m.tell(r)
	}
	if m.back > 0 {
		m.report.Warnings = append(m.report.Warnings, fmt.Sprintf(
			"%s back to %q during the replay and stayed there", plural(m.back, "message came", "messages came"), m.dlq.Name))
	}
	if m.beyond > 0 {
		m.report.Warnings = append(m.report.Warnings, fmt.Sprintf(
			"%q holds more than the %s it had by its depth when the replay began; the rest stayed there", m.dlq.Name, plural(m.bound, "message", "messages")))
	}
	if m.all && ctx.Err() == nil && ended == nil && m.fatal == nil && m.chosen < m.bound {
		m.report.Warnings = append(m.report.Warnings, incomplete(m.chosen, st, m.dlq.Name))
	}
}

var errUnanswered = errors.New("the send was not answered: the message may have been sent as well")
