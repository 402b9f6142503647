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
	parent *Work // nil: it is nobody's part

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

// NewWork returns a Work that ends with ctx.
func NewWork(ctx context.Context) *Work {
	ctx, cancel := context.WithCancel(ctx)
	return &Work{ctx: ctx, cancel: cancel}
}

// Part returns a Work that can end before w does, and ends with it: what is under way
// on one stage.
func (w *Work) Part() *Work {
	part := NewWork(w.ctx)
	part.parent = w
	return part
}

// End cancels all work and lets no more begin. It does not wait: see Close.
func (w *Work) End() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cancel()
}

// enter counts a piece of work in; it is false when the console is ending.
func (w *Work) enter() bool {
	if w.parent != nil && !w.parent.enter() {
		return false
	}
	if w.enterSelf() {
		return true
	}
	if w.parent != nil {
		w.parent.leave()
	}
	return false
}

func (w *Work) enterSelf() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.group.Add(1)
	return true
}

func (w *Work) leave() {
	w.group.Done()
	if w.parent != nil {
		w.parent.leave()
	}
}

// Close cancels all work and waits for it, at most for grace. It reports
// whether everything had ended by then.
func (w *Work) Close(grace time.Duration) bool {
	w.End()
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
