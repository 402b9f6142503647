package runtime_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestExponentialGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		backoff runtime.Backoff
		attempt int
		want    time.Duration // and up to a quarter less
	}{
		{"default, first", runtime.DefaultBackoff, 1, 5 * time.Second},
		{"default, third", runtime.DefaultBackoff, 3, 20 * time.Second},
		{"default, eighth", runtime.DefaultBackoff, 8, 640 * time.Second},
		{"default, ninth", runtime.DefaultBackoff, 9, 15 * time.Minute},
		{"default, thousandth", runtime.DefaultBackoff, 1000, 15 * time.Minute},
		{"base above the limit", runtime.Exponential(time.Hour, time.Minute), 1, time.Minute},
		{"no base", runtime.Exponential(0, time.Minute), 5, 0},
		{"no limit to speak of", runtime.Exponential(time.Second, math.MaxInt64), 200, math.MaxInt64},
		{"attempt zero", runtime.Exponential(time.Second, time.Minute), 0, time.Second},
	} {
		seen := map[time.Duration]bool{}
		for range 50 {
			got := tt.backoff(tt.attempt, nil)
			if got > tt.want || got < tt.want/4*3 {
				t.Errorf("%s: %v, want %v or up to a quarter less", tt.name, got, tt.want)
			}
			seen[got] = true
		}
		if tt.want > 0 && len(seen) < 2 {
			t.Errorf("%s: always the same wait", tt.name)
		}
	}
}

// How long a message is hidden after an attempt, whatever the policy says.
func TestBackoffHidesTheMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		opts     []runtime.Option
		err      error
		min, max time.Duration
	}{
		{"default", nil, errors.New("down"), 3750 * time.Millisecond, 5 * time.Second},
		{"constant", []runtime.Option{runtime.WithBackoff(runtime.Constant(90 * time.Second))}, errors.New("down"), 90 * time.Second, 90 * time.Second},
		{"negative", []runtime.Option{runtime.WithBackoff(runtime.Constant(-time.Second))}, errors.New("down"), 0, 0},
		{"far too long", []runtime.Option{runtime.WithBackoff(runtime.Constant(48 * time.Hour))}, errors.New("down"), 11 * time.Hour, 12 * time.Hour},
		{"by the error", []runtime.Option{runtime.WithBackoff(func(_ int, err error) time.Duration {
			if err.Error() == "down" {
				return time.Minute
			}
			return time.Hour
		})}, errors.New("down"), time.Minute, time.Minute},
		{"Retry-After", []runtime.Option{runtime.WithBackoff(runtime.Constant(time.Hour))}, waitError{methodError(429), 42 * time.Second}, 42 * time.Second, 42 * time.Second},
		{"a policy that panics", []runtime.Option{runtime.WithBackoff(func(int, error) time.Duration { panic("no") })}, errors.New("down"), 3750 * time.Millisecond, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := runtime.Must(runtime.New("w", func(_ context.Context, j *runtime.Job[int]) (int, error) {
				if j.Attempt == 1 {
					return 0, tt.err
				}
				return 1, nil
			}, tt.opts...))
			job := runtimetest.Start(t, w).Run("w", 1)
			if job.Err() != nil || len(job.Deliveries) != 2 {
				t.Fatalf("error %v after %d deliveries", job.Err(), len(job.Deliveries))
			}
			// SQS counts whole seconds, rounded up.
			got := job.Deliveries[1].At - job.Deliveries[0].At
			if got < tt.min || got > tt.max+2*time.Second {
				t.Errorf("delivered again after %v, want %v to %v", got, tt.min, tt.max)
			}
		})
	}
}
