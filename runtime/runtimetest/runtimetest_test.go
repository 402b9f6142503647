package runtimetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

var errBusy = errors.New("busy")

func TestRun(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("double", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		switch {
		case j.Input < 0:
			panic("negative")
		case j.Input == 0:
			<-ctx.Done()
			return 0, ctx.Err()
		case j.Attempt == 1 && j.MaxAttempts == 2:
			return 0, errBusy
		}
		return 2 * j.Input, nil
	}))
	if got, err := runtimetest.Run(t, w, 21); err != nil || got != 42 {
		t.Errorf("Run = %d, %v", got, err)
	}
	if _, err := runtimetest.Run(t, w, 21, runtimetest.WithAttempt(1, 2)); !errors.Is(err, errBusy) {
		t.Errorf("first attempt: %v", err)
	}
	if got, err := runtimetest.Run(t, w, 21, runtimetest.WithAttempt(2, 2)); err != nil || got != 42 {
		t.Errorf("second attempt = %d, %v", got, err)
	}
	var p *runtime.PanicError
	if _, err := runtimetest.Run(t, w, -1); !errors.As(err, &p) || p.Value != "negative" {
		t.Errorf("panic: %v", err)
	}
	if _, err := runtimetest.Run(t, w, 0, runtimetest.WithTimeout(50*time.Millisecond)); !errors.Is(err, runtime.ErrTimeLimit) {
		t.Errorf("deadline: %v", err)
	}
}
