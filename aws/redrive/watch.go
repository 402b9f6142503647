package redrive

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// cameBack looks through the dead-letter queue for copies that this replay, or the
// run it goes on with, has sent. Everything it saw is visible again when it returns.
func (m *mover) cameBack(ctx context.Context) (map[key]bool, error) {
	st, err := m.e.state(ctx, m.dlq)
	if err != nil {
		return nil, err
	}
	l := newLease(m.e.queue, m.dlq.URL, moveLease)
	defer l.keep()()
	back := map[key]bool{}
	var mu sync.Mutex
	s := &sweep{e: m.e, url: m.dlq.URL, name: m.dlq.Name, lease: l, expect: st.depth.Visible}
	s.workers = workersFor(s.expect, m.r.Concurrency, st.fifo)
	err = s.run(ctx, func(batch []letter.Letter) {
		mu.Lock()
		defer mu.Unlock()
		for i := range batch {
			k := keyOf(batch[i].ID)
			if _, own := m.sent[k]; own {
				back[k] = true
			}
		}
	})
	if rel := l.release(ctx); rel != nil {
		m.warn(rel.Error())
	}
	if err == nil {
		err = ctx.Err()
	}
	return back, err
}

// watch looks for copies that come back, until Replay.Watch is over or all have.
// The queue's depth says when to look at its messages: every look raises their
// receive counts.
func (m *mover) watch(ctx context.Context) error {
	defer m.r.OnState("")
	var back map[key]bool
	over := time.Now().Add(m.r.Watch)
	seen := 0 // the depth at the last look
	for {
		left := time.Until(over)
		attributes, err := m.e.attributes(ctx, m.dlq.URL)
		if err == nil {
			depth := depthOf(attributes).Total()
			final := left <= 0
			// Somebody else's messages are looked at once, in the end.
			if depth > 0 && (final || depth >= m.report.Replayed && depth > seen) {
				var now map[key]bool
				if now, err = m.cameBack(ctx); err == nil { // else the last whole look counts
					back, seen = now, depth
				}
			}
			m.r.OnState(fmt.Sprintf("watching for %s more: %d in the dead-letter queue", max(left, 0).Round(time.Second), depth))
		}
		if ctx.Err() != nil {
			break
		}
		if left <= 0 || len(back) >= m.report.Replayed {
			if err != nil {
				m.warn(fmt.Sprintf("whether messages came back could not be read: %v", err))
				return nil
			}
			break
		}
		if sleep(ctx, min(m.e.interval(), left)) != nil {
			break
		}
	}
	n := len(back)
	m.report.CameBack = &n
	for k := range back {
		r := Result{ID: m.sent[k], Status: StatusCameBack}
		if len(m.report.Problems) < problemsMost {
			m.report.Problems = append(m.report.Problems, r)
		}
		m.r.OnResult(r)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrWatch, ctx.Err())
	}
	return nil
}
