package aws

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// DefaultMaxCalls is how many calls a minute the reading of a stage in AWS may make
// unless told otherwise: 500 workers with their dead-letter queues are read every 50
// seconds. A loopback endpoint has no limit unless it is given one.
const DefaultMaxCalls = 1200

// ErrPaced is the error of a call that would have had to wait longer for its turn
// than its context lasts.
var ErrPaced = errors.New("the calls of this minute are used up")

// pacedError is ErrPaced in the SDK's eyes a call that was given up: it is not tried
// again.
type pacedError struct {
	limit int
	wait  time.Duration
}

func (e *pacedError) Error() string {
	return fmt.Sprintf("%v: %d a minute, the next in %s", ErrPaced, e.limit, e.wait.Round(time.Second))
}

func (e *pacedError) Unwrap() error { return ErrPaced }

// CanceledError is what the SDK's retryer asks.
func (e *pacedError) CanceledError() bool { return true }

// ParseMaxCalls reads a limit of calls a minute: "600" or "600/min"; "0" and "none"
// lift it, which is -1, as Options.MaxCalls has it.
func ParseMaxCalls(text string) (int, error) {
	number := strings.TrimSuffix(strings.TrimSpace(text), "/min")
	if number == "none" {
		return -1, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 || n > 1_000_000 {
		return 0, fmt.Errorf("%q is no number of calls a minute: write it as 600 or 600/min; 0 means no limit", text)
	}
	if n == 0 {
		return -1, nil
	}
	return n, nil
}

// Pace is how far the limit of calls is used.
type Pace struct {
	// Limit is the most calls a minute; zero means none.
	Limit int
	// Used is how many calls were made, or are about to be, in the minute before now.
	Used int
}

// Free is how many calls may be made at once; without a limit there are many.
func (p Pace) Free() int {
	if p.Limit == 0 {
		return 1 << 30
	}
	return max(0, p.Limit-p.Used)
}

type pacedKey struct{}

// paced marks the calls below ctx as reading the stage: they wait for their turn.
// What a person has asked for, a replay or a log, never waits; it is counted all the
// same, and the reading gives way to it.
func paced(ctx context.Context) context.Context { return context.WithValue(ctx, pacedKey{}, true) }

func isPaced(ctx context.Context) bool { return ctx.Value(pacedKey{}) != nil }

// pacer keeps the paced calls of every minute, wherever it begins, within a limit,
// retries included.
type pacer struct {
	limit int // zero: none

	mu sync.Mutex
	// slots are the times of the last calls, a ring: the next one takes the place of
	// that which is limit calls ago, no earlier than a minute after it.
	slots []time.Time
	next  int
}

func newPacer(limit int) *pacer {
	return &pacer{limit: max(0, limit), slots: make([]time.Time, max(0, limit))}
}

// take waits for the turn of a call.
func (p *pacer) take(ctx context.Context) error {
	if p.limit == 0 {
		return nil
	}
	now := time.Now()
	p.mu.Lock()
	at := now
	if isPaced(ctx) {
		if turn := p.slots[p.next].Add(time.Minute); turn.After(now) && !p.slots[p.next].IsZero() {
			at = turn
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(at) {
			p.mu.Unlock()
			return &pacedError{limit: p.limit, wait: at.Sub(now)}
		}
	}
	p.slots[p.next] = at
	p.next = (p.next + 1) % p.limit
	p.mu.Unlock()
	if at.Equal(now) {
		return nil
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pace says how far the limit is used.
func (p *pacer) pace() Pace {
	if p.limit == 0 {
		return Pace{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	begin := time.Now().Add(-time.Minute)
	used := 0
	for _, at := range p.slots {
		if at.After(begin) {
			used++
		}
	}
	return Pace{Limit: p.limit, Used: used}
}

// Pace says how far the limit of calls is used.
func (s *Stage) Pace() Pace {
	if s.api.pace == nil {
		return Pace{}
	}
	return s.api.pace()
}
