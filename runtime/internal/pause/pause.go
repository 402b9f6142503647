// Package pause is how the runtime waits. A test harness puts a Clock of its own
// into the context of a delivery, so that its time jumps instead of passing.
package pause

import (
	"context"
	"time"
)

// Clock is the time of one delivery.
type Clock interface {
	// Sleep waits for d of the clock's time. The error is why it ended before.
	Sleep(ctx context.Context, d time.Duration) error
	// Skipped is how much of the clock's time has passed, since the delivery
	// began, that did not really pass.
	Skipped() time.Duration
}

type key struct{}

// With returns ctx with a clock.
func With(ctx context.Context, c Clock) context.Context { return context.WithValue(ctx, key{}, c) }

// Sleep waits for d, by the clock in ctx if there is one. The error is the cause of
// ctx's end; zero or less is no wait.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	if c, ok := ctx.Value(key{}).(Clock); ok {
		return c.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Left is how much time is left until ctx ends; false when it has no deadline.
func Left(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	left := time.Until(deadline)
	if c, ok := ctx.Value(key{}).(Clock); ok {
		left -= c.Skipped()
	}
	return left, true
}
