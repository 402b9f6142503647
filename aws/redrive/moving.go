package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// take moves those of a batch that are to be moved.
func (m *mover) take(ctx context.Context, batch []letter.Letter) {
	if ctx.Err() != nil {
		return
	}
	chosen, again := m.choose(batch)
	m.deleteSent(ctx, again)
	for part := range slices.Chunk(chosen, m.batch()) {
		m.step(ctx, part)
	}
}

// choose picks the messages to send, and those that a former run has sent and that
// only have to be deleted.
func (m *mover) choose(batch []letter.Letter) (chosen []*letter.Letter, again []Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch {
		l := &batch[i]
		_, own := m.sent[keyOf(l.ID)]
		before := m.beforeOf(l.ID)
		undeleted, twice := m.undeleted[l.ID]
		switch {
		case own:
			m.back++ // SQS keeps the message id when it moves a message to a DLQ
		case twice: // sent, and delivered once more
			again = append(again, undeleted)
		case before.Sent:
			again = append(again, Result{ID: l.ID, JobID: l.JobID(), Status: StatusReplayed, NewID: before.NewID})
			delete(m.pending, l.ID)
		case before.Skipped:
		case m.fatal != nil, m.quota > 0 && m.started >= m.quota:
			m.spare = append(m.spare, l.ID)
		case m.r.All && m.chosen < m.bound, m.want[l.ID], m.r.Selection != nil:
			delete(m.want, l.ID)
			m.chosen++
			m.started++
			chosen = append(chosen, l)
		case m.r.All:
			m.beyond++
		}
	}
	if m.sweep != nil && (m.enough() || m.quota > 0 && m.started >= m.quota) {
		m.sweep.stop()
	}
	return chosen, again
}

// enough is whether nothing more is wanted of the queue.
func (m *mover) enough() bool {
	if len(m.pending) > 0 {
		return false
	}
	if m.r.All {
		return m.chosen >= m.bound
	}
	return len(m.want) == 0
}

// move sends messages and deletes what was accepted.
func (m *mover) move(ctx context.Context, chosen []*letter.Letter) {
	items, results := m.prepare(ctx, chosen)
	if len(items) == 0 {
		return
	}
	if m.limit != nil {
		if m.limit.WaitN(ctx, len(items)) != nil {
			<-ctx.Done() // the limiter refuses at once when its turn would come too late
			m.tellAll(results, errors.New(unreached))
			return
		}
	}
	if err := m.journalTry(items); err != nil {
		m.stop(err)
		m.tellAll(results, fmt.Errorf("not sent: %w", err))
		return
	}
	outcomes, fatal := m.sender.send(ctx, items)
	accepted := m.book(items, outcomes, results)
	if fatal != nil {
		m.stop(fatal)
	}
	if err := m.journalSent(results); err != nil {
		m.stop(err) // what was accepted is deleted all the same
	}
	m.deletes.Go(func() error {
		kept := remove(ctx, m.writer, m.lease, accepted)
		m.journalDeleted(accepted, kept)
		for _, r := range results {
			if r.Status == StatusReplayed {
				m.deleted(r, kept[r.ID])
			} else {
				m.tell(r)
			}
		}
		return nil
	})
}

// book fills in results from a send and returns the ids of what was accepted.
func (m *mover) book(items []item, outcomes []outcome, results []Result) (accepted []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range outcomes {
		r := &results[i]
		maybe := o.maybe || m.beforeOf(r.ID).Tried
		r.NewID, r.MaybeSent = o.newID, maybe && (o.err != nil || !isFIFO(items[i].to))
		if o.err != nil {
			r.Status, r.Error = StatusFailed, o.err.Error()
			continue
		}
		accepted = append(accepted, r.ID)
		// Its own copy: an id that was received holds on to all the texts that were
		// received with it.
		m.sent[keyOf(o.newID)] = strings.Clone(r.ID)
		if m.quota > 0 {
			m.canaries = append(m.canaries, canary{result: *r, queue: items[i].to})
		}
	}
	return accepted
}

// stop ends the replay for a reason that every further message would meet.
func (m *mover) stop(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fatal == nil {
		m.fatal = err
	}
	if m.sweep != nil {
		m.sweep.stop()
	}
}

func (m *mover) tellAll(results []Result, err error) {
	for _, r := range results {
		r.Status, r.Error = StatusFailed, err.Error()
		m.tell(r)
	}
}

func (m *mover) tell(r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r.Status {
	case m.success:
		m.report.Replayed++
		if r.MaybeSent {
			m.report.MaybeTwice++
		}
	case StatusSkipped:
		m.report.Skipped++
	default:
		m.report.Failed++
		if r.Status == StatusNotDeleted || r.MaybeSent {
			m.uncertain++
		}
	}
	if r.Status != m.success && len(m.report.Problems) < problemsMost {
		m.report.Problems = append(m.report.Problems, r)
	}
	m.r.OnResult(r)
}

// deleteSent deletes what was sent already: by a former run, which finish tells of,
// or by this one.
func (m *mover) deleteSent(ctx context.Context, again []Result) {
	if len(again) == 0 {
		return
	}
	ids := make([]string, len(again))
	for i := range again {
		ids[i] = again[i].ID
	}
	kept := remove(ctx, m.writer, m.lease, ids)
	m.journalDeleted(ids, kept)
	for _, r := range again {
		m.deleted(r, kept[r.ID])
	}
}

// deleted books the deletion of a message that was sent.
func (m *mover) deleted(r Result, err error) {
	m.mu.Lock()
	if err != nil {
		r.Status, r.Error = StatusNotDeleted, err.Error()
		m.undeleted[r.ID] = r // deleting is tried once more in the end
		m.mu.Unlock()
		return
	}
	delete(m.undeleted, r.ID)
	m.mu.Unlock()
	if m.beforeOf(r.ID).Sent {
		return // finish tells of it
	}
	r.Status, r.Error = m.success, ""
	m.tell(r)
}

// deleteAgain tries once more to delete what was sent and could not be deleted.
func (m *mover) deleteAgain(ctx context.Context) {
	if len(m.undeleted) == 0 {
		return
	}
	m.deleteSent(ctx, slices.Collect(maps.Values(m.undeleted)))
	for _, id := range slices.Sorted(maps.Keys(m.undeleted)) {
		m.tell(m.undeleted[id])
	}
}
