package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// stoppedBy is what keeps the replay from going on: a failure that every message
// would meet, or ctx.
func (m *mover) stoppedBy(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fatal != nil {
		return m.fatal
	}
	if ctx.Err() != nil && m.left() {
		return ctx.Err()
	}
	return nil
}

// left is whether there is more to do, as far as is known.
func (m *mover) left() bool {
	switch {
	case m.r.Selection != nil:
		return m.chosen < m.r.Selection.Count
	case m.r.All:
		return m.chosen < m.bound
	}
	return len(m.want) > 0 || m.report.Failed > 0
}

// outcome is the replay's error.
func (m *mover) outcome(ctx context.Context, err error) error {
	r := &m.report
	if err == nil && r.Failed == 0 && r.Skipped == 0 && r.Unseen == 0 && (r.CameBack == nil || *r.CameBack == 0) {
		return nil
	}
	if err == nil && r.Failed > 0 {
		err = ctx.Err() // nil, or why not everything was done
	}
	if r.Replayed+r.Failed+r.Skipped == 0 && err != nil {
		return fmt.Errorf("%s %q: %w", m.verb, m.dlq.Name, err)
	}
	return &PartialError{Verb: m.verb, Queue: m.dlq.Name, Report: *r, Cause: err}
}

// finish accounts for what was not found and says what a person should know.
// Nothing is moved any more.
func (m *mover) finish(ctx context.Context, ended error) {
	m.tellBefore(ctx)
	if s := m.r.Selection; s != nil {
		for _, id := range s.Missing {
			m.tell(Result{ID: id, Status: StatusNotFound, Error: "it is not in the queue, or in flight elsewhere"})
		}
	}
	early := ctx.Err() != nil || ended != nil || m.fatal != nil
	for _, id := range slices.Sorted(maps.Keys(m.want)) {
		r := Result{ID: id, Status: StatusNotFound}
		switch {
		case errors.As(ended, new(*CanaryError)):
			continue // not sent on purpose; the error says so
		case early:
			r.Status, r.Error = StatusFailed, unreached
		case m.st.depth.InFlight > 0:
			r.Error = "it is not in the queue, or in flight elsewhere"
		case m.st.fifo:
			r.Error = "it is not in the queue, or behind other messages of its message group"
		}
		m.tell(r)
	}
	if m.back > 0 {
		m.warn(fmt.Sprintf("%s back to %q during the replay and stayed there", plural(m.back, "message came", "messages came"), m.dlq.Name))
	}
	if m.beyond > 0 {
		m.warn(fmt.Sprintf("%q holds more than the %s it had by its depth when the replay began; the rest stayed there", m.dlq.Name, plural(m.bound, "message", "messages")))
	}
	if missing := m.bound - m.chosen; m.r.All && !early && missing > 0 {
		if m.unseen(ctx) {
			m.warn(incomplete(m.chosen, m.st, m.dlq.Name))
		} else if m.before == nil {
			m.warn(fmt.Sprintf("%s fewer in %q than its depth said: something else has taken them, or its own redrive policy", plural(missing, "message was", "messages were"), m.dlq.Name))
		}
	}
	if n := m.report.MaybeTwice; n > 0 {
		m.warn(fmt.Sprintf("%s sent twice: the answer to a send was lost, and it was made again", plural(n, "message may have been", "messages may have been")))
	}
}

// unseen finds out whether messages are left that should have been seen: depths
// are approximate, and fewer is not always too few.
func (m *mover) unseen(ctx context.Context) bool {
	attributes, err := m.e.attributes(ctx, m.dlq.URL)
	if err != nil {
		m.report.Unseen = m.bound - m.chosen
		return true
	}
	left := depthOf(attributes).Total() - m.lease.len()
	m.report.Unseen = max(0, min(m.bound-m.chosen, left))
	return m.report.Unseen > 0
}

// tellBefore tells of what a former run has sent and this one deleted, or found
// deleted.
func (m *mover) tellBefore(ctx context.Context) {
	if m.before == nil {
		return
	}
	// What was not seen is gone, unless something else holds messages.
	hiding := false
	if len(m.pending) > 0 {
		attributes, err := m.e.attributes(ctx, m.dlq.URL)
		hiding = err != nil || depthOf(attributes).Total() > m.lease.len()
	}
	for msg := range m.before.Messages() {
		r := Result{ID: msg.ID, Status: StatusReplayed, NewID: msg.NewID}
		switch _, failed := m.undeleted[msg.ID]; {
		case msg.Deleted:
			m.report.Before++
		case msg.Sent && m.pending[msg.ID] && hiding:
			r.Status, r.Error = StatusNotDeleted, "it was not seen, and something else holds messages of the queue"
			m.tell(r)
		case msg.Sent && !failed:
			m.tell(r)
		}
	}
}
