package redrive

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// supply brings messages to a mover, phase by phase: a canary's few, then the
// others.
type supply interface {
	// run brings messages until there are no more, or the mover wants no more. The
	// error is what kept it from bringing all.
	run(ctx context.Context) error
	close()
}

func (m *mover) supply() supply {
	if s := m.r.Selection; s != nil {
		next, stop := iter.Pull2(s.chosenLetters())
		return &heldSupply{m: m, next: next, stop: stop}
	}
	return &queueSupply{m: m}
}

// queueSupply receives messages as they are moved.
type queueSupply struct{ m *mover }

func (q *queueSupply) close() {}

func (q *queueSupply) run(ctx context.Context) error {
	m := q.m
	m.mu.Lock()
	spare := m.spare
	m.spare = nil
	if m.enough() {
		m.mu.Unlock()
		return nil
	}
	expect := m.bound - m.chosen + len(m.pending)
	if !m.r.All {
		expect = m.st.depth.Visible
	}
	s := &sweep{e: m.e, url: m.dlq.URL, name: m.dlq.Name, lease: m.lease, expect: min(expect, m.st.depth.Visible), hidden: m.hidden}
	s.workers = m.workers(expect)
	if m.quota > 0 {
		s.workers = workersFor(m.quota, s.workers, m.ordered())
		s.expect = min(s.expect, m.quota)
	}
	m.sweep, m.started = s, 0
	m.mu.Unlock()
	if len(spare) > 0 {
		_ = m.lease.change(ctx, spare, 0) // at worst they come back by themselves
	}
	err := s.run(ctx, func(batch []letter.Letter) { m.take(ctx, batch) })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hidden = s.hidden
	m.sweep = nil
	return err
}

// heldSupply hands on what a selection holds.
type heldSupply struct {
	m    *mover
	next func() (*letter.Letter, error, bool)
	stop func()
	mu   sync.Mutex
}

func (h *heldSupply) close() { h.stop() }

func (h *heldSupply) run(ctx context.Context) error {
	var wg sync.WaitGroup
	var first error
	h.m.mu.Lock()
	left := h.m.r.Selection.Count - h.m.chosen
	h.m.started = 0
	h.m.mu.Unlock()
	workers := h.m.workers(left)
	if h.m.quota > 0 { // what is taken beyond it would not come again
		workers = 1
	}
	for range workers {
		wg.Go(func() {
			for {
				batch, err := h.batch(ctx)
				if err != nil {
					h.mu.Lock()
					if first == nil {
						first = err
					}
					h.mu.Unlock()
				}
				if len(batch) == 0 {
					return
				}
				h.m.take(ctx, batch)
			}
		})
	}
	wg.Wait()
	return first
}

var errLeaseEnded = errors.New("it was held too long and may be another reader's now")

// batch takes the next few. A canary takes no more than it may send: what is taken
// does not come again.
func (h *heldSupply) batch(ctx context.Context) ([]letter.Letter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.m.mu.Lock()
	most := h.m.batch()
	if h.m.quota > 0 {
		most = min(most, h.m.quota-h.m.started)
	}
	over := h.m.fatal != nil
	h.m.mu.Unlock()
	var batch []letter.Letter
	for !over && len(batch) < most && ctx.Err() == nil {
		l, err, ok := h.next()
		if !ok || err != nil {
			return batch, err
		}
		if !h.m.lease.holds(l.ID, time.Now()) {
			h.m.mu.Lock()
			h.m.chosen++
			h.m.mu.Unlock()
			h.m.tell(Result{ID: l.ID, JobID: l.JobID(), Status: StatusFailed, Error: errLeaseEnded.Error()})
			continue
		}
		batch = append(batch, *l)
	}
	return batch, nil
}
