package runtimetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/internal/memqueue"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
)

// flight is a delivery that is under way. It is the clock of its delivery.
type flight struct {
	h        *Harness
	delivery *Delivery
	deadline time.Time     // of the function
	began    time.Duration // the harness's skew then
	sleepers []*sleeper    // what waits in it
}

// sleeper is a wait of the runtime for a moment of the harness's clock.
type sleeper struct {
	until time.Time
	wake  chan struct{}
}

type flightKey struct{}

// Skipped implements pause.Clock.
func (f *flight) Skipped() time.Duration {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	return f.h.skew - f.began
}

// Sleep implements pause.Clock. The scheduler ends it once nothing else is to be
// done before.
func (f *flight) Sleep(ctx context.Context, d time.Duration) error {
	var ends error
	if left, bounded := pause.Left(ctx); bounded && d >= left {
		d, ends = max(left, 0), context.DeadlineExceeded
		// The handler's context ends at most a second before the function.
		if end, _ := ctx.Deadline(); f.deadline.Sub(end) <= time.Second {
			ends = runtime.ErrTimeLimit
		}
	}
	h := f.h
	s := &sleeper{wake: make(chan struct{})}
	h.mu.Lock()
	s.until = h.now().Add(d)
	f.sleepers = append(f.sleepers, s)
	h.changed.Broadcast()
	h.mu.Unlock()
	select {
	case <-s.wake:
		return ends
	case <-ctx.Done():
		h.mu.Lock()
		f.drop(s)
		h.changed.Broadcast()
		h.mu.Unlock()
		return context.Cause(ctx)
	}
}

// drop removes a sleeper; h.mu is held.
func (f *flight) drop(s *sleeper) {
	for i, other := range f.sleepers {
		if other == s {
			f.sleepers = append(f.sleepers[:i], f.sleepers[i+1:]...)
			return
		}
	}
}

// settle is the scheduler: whenever everything that is under way waits, the clock
// jumps to whatever comes first, a message that can be delivered or the end of a
// wait. So one delivery runs at a time, and the next one while it waits. enough
// ends it early, when nothing is under way.
func (h *Harness) settle(enough func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for made := 0; ; {
		h.quiet()
		at, more := h.broker.Next()
		h.mu.Lock()
		f, s := h.firstSleeper()
		idle := len(h.flights) == 0
		h.mu.Unlock()
		switch {
		case idle && (!more || enough()):
			return
		case s != nil && (!more || s.until.Before(at)):
			h.jump(s.until)
			h.mu.Lock()
			f.drop(s)
			h.mu.Unlock()
			close(s.wake)
		case more:
			h.jump(at)
			d, ok := h.broker.Receive()
			if !ok {
				continue // it was dead
			}
			if made++; made > maxDeliveries {
				h.broker.Done(d, true)
				cancel()
				wg.Wait()
				h.t.Fatalf("the jobs have not come to their end after %d deliveries; the last one was of %s", maxDeliveries, d.Message.Body)
			}
			h.start(ctx, &wg, d)
		}
	}
}

// quiet waits until each delivery under way waits for the clock.
func (h *Harness) quiet() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		busy := false
		for f := range h.flights {
			busy = busy || len(f.sleepers) == 0
		}
		if !busy {
			return
		}
		h.changed.Wait()
	}
}

// firstSleeper is the wait that ends first; h.mu is held.
func (h *Harness) firstSleeper() (owner *flight, first *sleeper) {
	for f := range h.flights {
		for _, s := range f.sleepers {
			if first == nil || s.until.Before(first.until) {
				owner, first = f, s
			}
		}
	}
	return owner, first
}

// jump puts the clock forward to a moment, if that is ahead.
func (h *Harness) jump(to time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ahead := to.Sub(h.now()); ahead > 0 {
		h.skew += ahead
	}
}

// start begins a delivery.
func (h *Harness) start(ctx context.Context, wg *sync.WaitGroup, d memqueue.Delivery) {
	h.mu.Lock()
	f := &flight{h: h, began: h.skew, delivery: &Delivery{At: h.now().Sub(h.began)}}
	f.delivery.MessageID, f.delivery.WorkerID = d.Message.MessageId, d.Worker
	h.deliveries = append(h.deliveries, f.delivery)
	number := len(h.deliveries)
	h.flights[f] = true
	h.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, h.limits[d.Worker])
	f.deadline, _ = ctx.Deadline()
	ctx = pause.With(context.WithValue(ctx, flightKey{}, f), f)
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: fmt.Sprintf("request-%d", number)})
	wg.Go(func() {
		defer cancel()
		deleted := h.deliver(ctx, d)
		hidden := h.broker.Done(d, deleted)
		h.mu.Lock()
		defer h.mu.Unlock()
		f.delivery.Deleted, f.delivery.Hidden = deleted, hidden
		delete(h.flights, f)
		h.changed.Broadcast()
	})
}

// deliver invokes the worker's function with one message.
func (h *Harness) deliver(ctx context.Context, d memqueue.Delivery) (deleted bool) {
	resp, err := h.apps[d.Worker].HandleSQS(ctx, events.SQSEvent{Records: []events.SQSMessage{d.Message}})
	if err != nil {
		h.t.Errorf("HandleSQS: %v", err)
		return false
	}
	for _, failed := range resp.BatchItemFailures {
		if failed.ItemIdentifier != d.Message.MessageId {
			h.t.Errorf("the function reports message %q, which it was not given", failed.ItemIdentifier)
		}
	}
	return len(resp.BatchItemFailures) == 0
}

// observe keeps what came of a delivery.
func (h *Harness) observe(ctx context.Context, o runtime.Outcome) {
	f, ok := ctx.Value(flightKey{}).(*flight)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f.delivery.Outcome = o
}
