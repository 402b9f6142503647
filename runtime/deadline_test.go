package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// sleeper sleeps for input.Number seconds; with the note "heed" it stops when its
// context ends.
func sleeper() Runner {
	return Must(New("sleep", func(ctx context.Context, j *Job[order]) (order, error) {
		d := time.Duration(j.Input.Number) * time.Second
		if j.Input.Note != "heed" {
			time.Sleep(d)
			return j.Input, nil
		}
		select {
		case <-time.After(d):
			return j.Input, nil
		case <-ctx.Done():
			return order{}, ctx.Err()
		}
	}))
}

func TestContextEndsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		timeout time.Duration
		ends    time.Duration
	}{
		{3 * time.Second, 2700 * time.Millisecond}, // a tenth
		{300 * time.Second, 299 * time.Second},     // at most a second
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil, sleeper())
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			start := time.Now()
			resp, err := r.HandleSQS(ctx, batchOf(record("m1", body("sleep", "j", `{"number":1000,"note":"heed"}`), 1)))
			if got := failures(t, resp, err); !slices.Equal(got, []string{"m1"}) {
				t.Errorf("failures = %q", got)
			}
			if took := time.Since(start); took != tt.ends {
				t.Errorf("timeout %v: the handler was stopped after %v, want %v", tt.timeout, took, tt.ends)
			}
			e := r.eventOf(t, dispatch.EventRetrying)
			if e.Error.Name != "Timeout" || !strings.Contains(e.Error.Message, "the function's timeout is near") {
				t.Errorf("error = %+v", e.Error)
			}
		})
	}
}

func TestHandlerThatIgnoresItsContextIsLeftToBeKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "1"}, sleeper())
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		resp, err := r.HandleSQS(ctx, batchOf(record("m1", body("sleep", "j", `{"number":60}`), 1)))
		if got := failures(t, resp, err); !slices.Equal(got, []string{"m1"}) {
			t.Errorf("failures = %q", got)
		}
		// Nothing was completed, so the response waits beyond the deadline, where
		// Lambda kills the process.
		if took := time.Since(start); took <= 3*time.Second {
			t.Errorf("the response came after %v, before the kill", took)
		}
		e := r.eventOf(t, dispatch.EventFailed)
		if !strings.Contains(e.Error.Message, "ignored the end of its context") {
			t.Errorf("error = %q", e.Error.Message)
		}
		if at := e.Time.Sub(start); at >= 3*time.Second {
			t.Errorf("the failure was recorded after %v, when the process is dead", at)
		}
		time.Sleep(time.Minute) // let the handler end
	})
}

func TestHandlerThatIgnoresItsContextDoesNotUndoItsSiblings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, sleeper())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		resp, err := r.HandleSQS(ctx, batchOf(
			record("m1", body("sleep", "j1", `{"number":1}`), 1),
			record("m2", body("sleep", "j2", `{"number":60}`), 1),
			record("m3", body("sleep", "j3", `{"number":1}`), 1),
		))
		if got, want := failures(t, resp, err), []string{"m2", "m3"}; !slices.Equal(got, want) {
			t.Errorf("failures = %q, want %q", got, want)
		}
		if took := time.Since(start); took >= 10*time.Second {
			t.Errorf("the response came after %v, too late", took)
		}
		if !strings.Contains(r.text(), "not started: the jobs before it") {
			t.Error("the third job should say that it was not started")
		}
		time.Sleep(time.Minute)
	})
}

func TestShutdownInterruptsTheJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, sleeper())
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(ErrShutdown) })
		resp, err := r.HandleSQS(ctx, batchOf(
			record("m1", body("sleep", "j1", `{"number":60,"note":"heed"}`), 1),
			record("m2", body("sleep", "j2", `{"number":1}`), 1)))
		if got, want := failures(t, resp, err), []string{"m1", "m2"}; !slices.Equal(got, want) {
			t.Errorf("failures = %q, want %q", got, want)
		}
		if !strings.Contains(r.text(), "shutting down") || strings.Contains(r.text(), "ignored") {
			t.Error("the log should say that the job was interrupted by the shutdown")
		}
	})
}

func TestCauseOfTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		w := Must(New("look", func(ctx context.Context, _ *Job[order]) (order, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return order{}, nil // done after all
		}))
		r := newRig(t, nil, w)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		resp, err := r.HandleSQS(ctx, batchOf(record("m1", body("look", "j", `{"number":1}`), 1)))
		if got := failures(t, resp, err); len(got) != 0 {
			t.Errorf("failures = %q: a job that was done in time is done", got)
		}
		if !errors.Is(cause, ErrTimeLimit) {
			t.Errorf("cause = %v", cause)
		}
	})
}
