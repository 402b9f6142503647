package screen

import (
	"context"
	"sync"
	"time"
)

// Work is everything the console has under way outside Bubble Tea's goroutine.
// The root makes one, hands it to every screen through Env, and closes it after
// the program has ended, so that no goroutine outlives the console.
type Work struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// NewWork returns a Work that ends with ctx.
func NewWork(ctx context.Context) *Work {
	ctx, cancel := context.WithCancel(ctx)
	return &Work{ctx: ctx, cancel: cancel}
}

// enter counts a piece of work in; it is false when the console is ending.
func (w *Work) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.group.Add(1)
	return true
}

func (w *Work) leave() { w.group.Done() }

// Close cancels all work and waits for it, at most for grace. It reports
// whether everything had ended by then.
func (w *Work) Close(grace time.Duration) bool {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.group.Wait()
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}
