// Package dice makes the choices of what goes wrong on purpose: the same ones for
// the same seed, as far as concurrency lets them be.
package dice

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Dice is a source of choices, safe for concurrent use. Make one with New.
type Dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// New makes dice of a seed; zero takes a new one every time.
func New(seed uint64) *Dice {
	if seed == 0 {
		seed = rand.Uint64() //nolint:gosec // faults are no secret
	}
	return &Dice{rng: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // faults are no secret
}

// Roll is a number from 0 up to, but not, 1.
func (d *Dice) Roll() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64()
}

// Hit is true for the given share of its calls, 0 to 1.
func (d *Dice) Hit(share float64) bool { return share > 0 && d.Roll() < share }

// Within is a time from zero to limit, which is not below zero.
func (d *Dice) Within(limit time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.rng.Int64N(int64(limit) + 1))
}

// Shuffle puts n things into another order; swap is called under a lock.
func (d *Dice) Shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(n, swap)
}
