package pause_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
)

var errStop = errors.New("stop")

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		began := time.Now()
		if err := pause.Sleep(ctx, time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		if err := pause.Sleep(ctx, -1); err != nil {
			t.Error(err)
		}
		time.AfterFunc(time.Minute, func() { cancel(errStop) })
		began = time.Now()
		if err := pause.Sleep(ctx, time.Hour); !errors.Is(err, errStop) || time.Since(began) != time.Minute {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		if err := pause.Sleep(ctx, 0); !errors.Is(err, errStop) {
			t.Errorf("error %v of a context that has ended", err)
		}
	})
}

// jump is a clock that jumps.
type jump struct{ skipped time.Duration }

func (j *jump) Sleep(_ context.Context, d time.Duration) error { j.skipped += d; return nil }
func (j *jump) Skipped() time.Duration                         { return j.skipped }

func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if _, bounded := pause.Left(t.Context()); bounded {
			t.Error("time is left of a context without an end")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		ctx = pause.With(ctx, &jump{})
		began := time.Now()
		if err := pause.Sleep(ctx, 20*time.Minute); err != nil || time.Since(began) != 0 {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		if left, bounded := pause.Left(ctx); !bounded || left != 40*time.Minute {
			t.Errorf("left %v, %v", left, bounded)
		}
	})
}
