package queues

import (
	"context"
	"math"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// waiter is a receive that waits for messages. Waiters are served in order, and
// messages are handed to them, so that one message wakes one waiter.
type waiter struct {
	want       int
	visibility time.Duration // negative means the queue's
	got        []delivery
	done       bool          // got is final, and the waiter is out of the list
	wake       chan struct{} // one place: look again
}

func (w *waiter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// settle gives what is visible to those who wait. It ends every change of a queue.
func (q *queue) settle(now int64) {
	q.advance(now)
	for q.waiters.n > 0 {
		w := q.waiters.at(0)
		w.got = q.take(w.got, w.want, now, q.visibility(w.visibility))
		if len(w.got) == 0 {
			break
		}
		w.done = true
		q.waiters.popFront()
		w.poke()
	}
	// The first waiter watches the clock for all: it must know of an earlier end
	// of a delay or a visibility timeout.
	if q.waiters.n > 0 && len(q.hidden) > 0 && q.hidden[0].due < q.armed {
		q.armed = math.MinInt64 // until it has looked
		q.waiters.at(0).poke()
	}
}

func (q *queue) visibility(d time.Duration) time.Duration {
	if d < 0 {
		return q.settings.visibility
	}
	return d
}

// receive takes up to n messages and waits for the first one as long as wait; a
// negative wait means the queue's. A negative visibility means the queue's. When
// ctx ends nothing stays received.
func (q *queue) receive(ctx context.Context, out []delivery, n int, wait, visibility time.Duration) ([]delivery, error) {
	now := q.broker.now()
	q.mu.Lock()
	if q.ended {
		q.unlock()
		return out, errNoQueue()
	}
	if wait < 0 {
		wait = q.settings.wait
	}
	// Those who wait already come first.
	q.settle(now)
	if q.waiters.n == 0 {
		out = q.take(out, n, now, q.visibility(visibility))
	}
	switch {
	case len(out) > 0 && ctx.Err() != nil:
		q.giveBack(out)
		q.settle(now)
		q.unlock()
		return out[:0], ctx.Err()
	case len(out) > 0:
		q.unlock()
		return out, nil
	case wait == 0:
		full := q.fifo == nil && q.inFlightN >= maxInFlight
		q.unlock()
		if full {
			return out, errOverLimit()
		}
		return out, nil
	}
	w := &waiter{want: n, visibility: visibility, got: out, wake: make(chan struct{}, 1)}
	q.waiters.pushBack(w)
	return q.await(ctx, w, now+int64(wait))
}

// await waits until w has messages, its time is over, or somebody ends it. The
// queue is locked on entry and unlocked on return.
func (q *queue) await(ctx context.Context, w *waiter, deadline int64) ([]delivery, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var ended error
	for {
		now := q.broker.now()
		q.settle(now)
		if w.done || ended != nil || now >= deadline {
			break
		}
		until := deadline
		if q.waiters.at(0) == w {
			q.armed = math.MaxInt64
			if len(q.hidden) > 0 {
				q.armed = q.hidden[0].due
				until = min(until, q.armed)
			}
		}
		q.unlock()
		timer.Reset(time.Duration(until - now))
		select {
		case <-w.wake:
		case <-timer.C:
		case <-ctx.Done():
			ended = ctx.Err()
		case <-q.deleted:
			ended = errNoQueue()
		case <-q.broker.closing.Done():
			ended = &wire.Error{Code: "ServiceUnavailable", Message: "The endpoint is shutting down.", Status: 503}
		}
		q.mu.Lock()
	}
	if !w.done {
		q.waiters.remove(w)
	}
	if q.waiters.n > 0 {
		q.armed = math.MinInt64
		q.waiters.at(0).poke() // the next one watches the clock now
	}
	if ended == nil {
		ended = ctx.Err()
	}
	if ended != nil && len(w.got) > 0 {
		q.giveBack(w.got)
		w.got = w.got[:0]
		q.settle(q.broker.now())
	}
	q.unlock()
	if len(w.got) > 0 {
		return w.got, nil
	}
	return w.got, ended
}
