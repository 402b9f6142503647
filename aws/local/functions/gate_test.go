package functions

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestGateGrowsWhileBusy follows the concurrency of a mapping over time, as its
// batches keep it full.
func TestGateGrowsWhileBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		began := time.Now()
		var entered []time.Duration
		for range 12 {
			if !g.enter(t.Context(), 12) {
				t.Fatal("not let in")
			}
			entered = append(entered, time.Since(began))
		}
		for i, at := range entered {
			want := time.Duration(0)
			if i >= 5 {
				want = time.Second
			}
			if i >= 10 {
				want = 2 * time.Second
			}
			if at != want {
				t.Errorf("place %d after %s, want %s", i+1, at, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if g.enter(ctx, 12) {
			t.Error("more were let in than the mapping may have")
		}

		// Short batches, one after the other, keep it just as full.
		g = newGate()
		for range firstConcurrency {
			g.enter(t.Context(), 10)
		}
		var batches sync.WaitGroup
		for range 30 {
			batches.Go(func() {
				<-time.After(50 * time.Millisecond)
				g.leave(outcomeOK)
			})
			if !g.enter(t.Context(), 10) {
				t.Fatal("not let in")
			}
		}
		batches.Wait()
		if g.limit != 10 {
			t.Errorf("limit %d after more than a second without a free place", g.limit)
		}
	})
}

func TestGateAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for range 10 {
			g.enter(t.Context(), 10)
			g.leave(outcomeFailed)
		}
		if g.limit != 2 {
			t.Errorf("limit %d after failures", g.limit)
		}
		g.enter(t.Context(), 10)
		g.leave(outcomeOK)
		if g.limit != 3 {
			t.Errorf("limit %d after a success", g.limit)
		}
		g.enter(t.Context(), 10)
		g.leave(outcomeThrottled)
		began := time.Now()
		g.enter(t.Context(), 10)
		if waited := time.Since(began); waited != throttleHold {
			t.Errorf("waited %s after throttling", waited)
		}
	})
}
