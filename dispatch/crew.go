package dispatch

import "sync"

// crew is a WaitGroup whose members may run the caller's code, such as a MarshalJSON or
// a Tracer. A panic of that is the caller's to recover from, which it cannot do in a
// goroutine that is not its own: there the process would end. The zero value is ready.
type crew struct {
	wg sync.WaitGroup

	mu       sync.Mutex
	panicked any // the first one; nil while there is none
}

// Go runs f in a goroutine.
func (c *crew) Go(f func()) {
	c.wg.Go(func() {
		defer c.catch()
		f()
	})
}

func (c *crew) catch() {
	v := recover()
	if v == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panicked == nil {
		c.panicked = v
	}
}

// Wait waits for all of them, and panics if one of them has.
func (c *crew) Wait() {
	c.wg.Wait()
	if c.panicked != nil {
		panic(c.panicked)
	}
}
