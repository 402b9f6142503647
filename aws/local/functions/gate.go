package functions

import (
	"context"
	"sync"
	"time"
)

// An event source mapping starts with five batches at a time and takes five more a
// second while all are busy, up to its maximum, as Lambda does
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
const (
	firstConcurrency = 5
	concurrencyStep  = 5
	scaleEvery       = time.Second
	throttleHold     = time.Second
)

// gate limits the batches that a mapping has under way.
type gate struct {
	freed chan struct{}

	mu      sync.Mutex
	inUse   int
	batches int
	limit   int
	full    time.Time // since when all places have been taken whenever one was wanted
	paused  time.Time // after a throttled invocation
}

func newGate() *gate {
	return &gate{freed: make(chan struct{}, 1), limit: firstConcurrency}
}

// enter takes a place, waiting for one if need be; false when ctx ended first.
func (g *gate) enter(ctx context.Context, most int) bool {
	for {
		wait := g.try(most)
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-g.freed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// try takes a place and returns zero, or returns when to try again at the latest.
// When places have been short for a while it makes more.
func (g *gate) try(most int) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if pause := g.paused.Sub(now); pause > 0 {
		return pause
	}
	if g.inUse >= g.limit && g.limit < most {
		switch {
		case g.full.IsZero():
			g.full = now
		case now.Sub(g.full) >= scaleEvery:
			g.full = now
			g.limit = min(most, g.limit+concurrencyStep)
		}
	}
	if g.inUse < min(g.limit, most) {
		g.inUse++
		return 0
	}
	return scaleEvery
}

// quiet goes back to the beginning: there was nothing to do.
func (g *gate) quiet() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit, g.full = firstConcurrency, time.Time{}
}

// leave gives a place back. After an error fewer are let in, down to two at a
// time; each success lets one more in again.
func (g *gate) leave(o outcome) {
	g.mu.Lock()
	g.inUse--
	switch o {
	case outcomeOK:
		if g.limit < firstConcurrency {
			g.limit++
		}
	case outcomeFailed:
		g.limit = max(2, g.limit/2)
	case outcomeThrottled:
		g.paused = time.Now().Add(throttleHold)
	case outcomeNone:
	}
	g.mu.Unlock()
	select {
	case g.freed <- struct{}{}:
	default:
	}
}

// working counts the batches that have messages: places are also held by pollers
// that wait for some.
func (g *gate) working(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batches += n
}

func (g *gate) busy() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.batches
}

// outcome is what became of a batch, as far as the gate is concerned.
type outcome int

const (
	outcomeNone      outcome = iota // there was no batch
	outcomeOK                       // the function answered; single messages may have failed
	outcomeFailed                   // the batch failed as a whole
	outcomeThrottled                // no environment was to be had
)
