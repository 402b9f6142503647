package runtimetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flaky succeeds in the attempt that its input names, and is done with it in the
// last; below zero it fails for good.
func flaky(opts ...runtime.Option) *runtime.Worker[int, string] {
	return runtime.Must(runtime.New("flaky", func(_ context.Context, j *runtime.Job[int]) (string, error) {
		switch {
		case j.Input < 0:
			return "", runtime.Permanent(errBusy)
		case j.Attempt < j.Input:
			return "", errBusy
		}
		return fmt.Sprintf("done in attempt %d of %d", j.Attempt, j.MaxAttempts), nil
	}, opts...))
}

func TestHarnessShowsTheRetries(t *testing.T) {
	t.Parallel()
	h := runtimetest.Start(t, flaky(runtime.WithBackoff(runtime.Constant(10*time.Minute))))
	began := time.Now()
	job := h.Run("flaky", 3, dispatch.WithDelay(15*time.Minute), dispatch.WithWebhookURL("https://example.com/hook"))
	if time.Since(began) > time.Minute {
		t.Errorf("the test waited for %v", time.Since(began))
	}
	var out string
	if err := job.Decode(&out); err != nil || out != "done in attempt 3 of 3" {
		t.Errorf("%q, %v", out, err)
	}
	if len(job.Deliveries) != 3 {
		t.Fatalf("%d deliveries", len(job.Deliveries))
	}
	for i, want := range []struct {
		at     time.Duration
		kind   runtime.OutcomeKind
		hidden time.Duration
	}{
		{15 * time.Minute, runtime.KindRetrying, 10 * time.Minute},
		{25 * time.Minute, runtime.KindRetrying, 10 * time.Minute},
		{35 * time.Minute, runtime.KindCompleted, 0},
	} {
		d := job.Deliveries[i]
		if (d.At-want.at).Abs() > time.Second || d.Kind != want.kind || d.Hidden != want.hidden || d.Deleted != (want.hidden == 0) {
			t.Errorf("delivery %d: at %v %s, hidden for %v", i+1, d.At, d.Kind, d.Hidden)
		}
	}
	if job.Record == nil || job.Record.Status != jobstore.Completed || len(job.DeadLetters) != 0 || len(job.Webhooks) != 1 {
		t.Errorf("record %+v, dead letters %v, webhooks %v", job.Record, job.DeadLetters, job.Webhooks)
	}
	if !strings.Contains(h.Log(), "job.retrying") {
		t.Errorf("log:\n%s", h.Log())
	}
}

func TestHarnessShowsDeadLetters(t *testing.T) {
	t.Parallel()
	h := runtimetest.Start(t, flaky(runtime.WithMaxReceiveCount(2)))
	used := h.Run("flaky", 9)
	if !errors.Is(used.Err(), errBusy) || len(used.Deliveries) != 2 || len(used.DeadLetters) != 1 || used.DeadLetters[0].Receives != 2 || used.DeadLetters[0].WorkerID != "flaky" {
		t.Errorf("error %v, %d deliveries, dead letters %+v", used.Err(), len(used.Deliveries), used.DeadLetters)
	}
	hopeless := h.Run("flaky", -1)
	if !errors.Is(hopeless.Err(), errBusy) || len(hopeless.Deliveries) != 1 || len(hopeless.DeadLetters) != 1 || hopeless.DeadLetters[0].Receives != 0 {
		t.Errorf("error %v, %d deliveries, dead letters %+v", hopeless.Err(), len(hopeless.Deliveries), hopeless.DeadLetters)
	}
	h.Send("flaky", "this is no job")
	h.Settle()
	dead := h.DeadLetters()
	if len(dead) != 3 || dead[2].Body != "this is no job" || dead[2].Message != nil {
		t.Errorf("dead letters %+v", dead)
	}
	if n := len(h.Report("no such job").Deliveries); n != 0 || h.Report("no such job").Err() == nil {
		t.Errorf("%d deliveries of a job that is not there", n)
	}
}

func TestHarnessWebhooksThatFail(t *testing.T) {
	t.Parallel()
	h := runtimetest.StartConfig(t, runtimetest.Config{Receiver: func(_ runtimetest.Webhook, try int) int {
		if try < 6 {
			return 503
		}
		return 204
	}}, flaky())
	job := h.Run("flaky", 1, dispatch.WithWebhookURL("https://example.com/hook"))
	if job.Err() != nil || job.Record.Webhook == nil || !job.Record.Webhook.Delivered {
		t.Fatalf("error %v, record %+v", job.Err(), job.Record.Webhook)
	}
	if n := len(job.Webhooks); n != 6 || job.Webhooks[5].Status != 204 || job.Webhooks[0].Status != 503 {
		t.Errorf("%d webhooks: %+v", n, job.Webhooks)
	}
	runs := 0
	for _, d := range job.Deliveries {
		if d.Duration > 0 {
			runs++
		}
	}
	if runs != 1 {
		t.Errorf("the handler ran %d times for one webhook", runs)
	}
}

// A snooze of days goes through several messages, and none of it is waited for.
func TestHarnessSnoozes(t *testing.T) {
	t.Parallel()
	runs := 0
	w := runtime.Must(runtime.New("sleepy", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		if runs++; runs < 3 {
			return 0, runtime.Snooze(time.Duration(j.Input) * time.Hour)
		}
		return j.Attempt, nil
	}))
	h := runtimetest.Start(t, w)
	job := h.Run("sleepy", 30)
	var attempt int
	if err := job.Decode(&attempt); err != nil || attempt != 1 || runs != 3 {
		t.Errorf("attempt %d, %v, %d runs", attempt, err, runs)
	}
	if got := job.Last().At; (got - 60*time.Hour).Abs() > time.Minute {
		t.Errorf("done after %v, want two snoozes of 30 hours", got)
	}
}

func TestHarnessGivesUpOnAWorkerWithoutEnd(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("restless", func(context.Context, *runtime.Job[int]) (int, error) { return 0, runtime.Snooze(time.Minute) }))
	rec := &fatal{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtimetest.Start(rec, w).Run("restless", 1)
	}()
	<-done
	if !strings.Contains(rec.text, "have not come to their end after 1000 deliveries") {
		t.Errorf("the test was told %q", rec.text)
	}
}

// fatal is a test that is ended.
type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Fatalf(s string, args ...any) {
	f.text = fmt.Sprintf(s, args...)
	goruntime.Goexit()
}

// The chain of three workers, each awaiting the next, while time jumps.
func TestHarnessRunsAwaitedChains(t *testing.T) {
	t.Parallel()
	link := func(id, next string) runtime.Runner {
		return runtime.Must(runtime.New(id, func(ctx context.Context, j *runtime.Job[string]) (string, error) {
			if next == "" {
				if j.Attempt == 1 {
					return "", errBusy
				}
				return j.Input, nil
			}
			var out string
			_, err := j.DispatchAwait(ctx, next, j.Input+">"+next, &out)
			return out, err
		}))
	}
	h := runtimetest.Start(t, link("a", "b"), link("b", "c"), link("c", ""))
	job := h.Run("a", "a")
	var out string
	if err := job.Decode(&out); err != nil || out != "a>b>c" || len(h.Deliveries()) != 4 {
		t.Errorf("%q, %v after %d deliveries", out, err, len(h.Deliveries()))
	}
}

// Several goroutines of one handler may wait at the same time.
func TestHarnessWithAHandlerThatWaitsInParallel(t *testing.T) {
	t.Parallel()
	child := runtime.Must(runtime.New("child", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		if j.Attempt == 1 {
			return 0, errBusy
		}
		return j.Input, nil
	}))
	w := runtime.Must(runtime.New("fan", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		sums := make(chan int, j.Input)
		for n := range j.Input {
			go func() {
				var out int
				if _, err := j.DispatchAwait(ctx, "child", n, &out); err != nil {
					t.Error(err)
				}
				sums <- out
			}()
		}
		total := 0
		for range j.Input {
			total += <-sums
		}
		return total, nil
	}))
	job := runtimetest.Start(t, w, child).Run("fan", 5)
	var total int
	if err := job.Decode(&total); err != nil || total != 10 {
		t.Errorf("total %d, %v", total, err)
	}
}

// A retry within a delivery is not waited for, and still takes from the time that
// is left.
func TestHarnessJumpsOverRetriesInADelivery(t *testing.T) {
	t.Parallel()
	tries := 0
	w := runtime.Must(runtime.New("w", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		tries = j.Try
		return 0, errBusy
	}, runtime.WithRetry(10, runtime.Custom("busy", func(err error) bool { return errors.Is(err, errBusy) }, 20*time.Second))))
	began := time.Now()
	_, err := runtimetest.Run(t, w, 1, runtimetest.WithTimeout(time.Minute))
	// Each delay is varied by a fifth.
	if !errors.Is(err, errBusy) || tries < 3 || tries > 4 || time.Since(began) > time.Minute {
		t.Errorf("error %v after %d tries and %v; a minute has room for three or four", err, tries, time.Since(began))
	}
}

func TestHarnessInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Must(runtime.New("w", func(_ context.Context, j *runtime.Job[int]) (int, error) {
			time.Sleep(time.Minute)
			if j.Attempt == 1 {
				return 0, errBusy
			}
			return 1, nil
		}, runtime.WithBackoff(runtime.Constant(time.Hour))))
		job := runtimetest.Start(t, w).Run("w", 1)
		if job.Err() != nil || job.Deliveries[1].At != time.Hour+time.Minute {
			t.Errorf("error %v, second delivery at %v", job.Err(), job.Deliveries[1].At)
		}
	})
}

func TestRunWithItsOptions(t *testing.T) {
	t.Parallel()
	store := jobstore.NewMemory()
	if _, err := store.Claim(t.Context(), jobstore.Claim{JobID: "j-1", WorkerID: "w", Owner: "before", Lease: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), "j-1", jobstore.Update{Owner: "before", Status: jobstore.Queued, LastError: &dispatch.JobError{Message: "too long"}}); err != nil {
		t.Fatal(err)
	}
	w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (string, error) {
		var doubled int
		if _, err := j.DispatchAwait(ctx, "double", j.Input, &doubled); err != nil {
			return "", err
		}
		_, limit, _ := j.Budget()
		return fmt.Sprint(j.ID, " ", j.Attempt, " ", j.LastError, " ", limit, " ", j.Context["k"], " ", doubled), nil
	}))
	double := runtime.Must(runtime.New("double", func(_ context.Context, j *runtime.Job[int]) (int, error) { return 2 * j.Input, nil }))
	out, err := runtimetest.Run(t, w, 21,
		runtimetest.WithJobID("j-1"), runtimetest.WithAttempt(2, 3), runtimetest.WithStore(store), runtimetest.WithMaxTokens(7),
		runtimetest.WithContext(map[string]any{"k": "v"}), runtimetest.WithDelay(time.Hour), runtimetest.WithWorkers(double))
	if err != nil || out != "j-1 2 too long 7 v 42" {
		t.Errorf("Run = %q, %v", out, err)
	}
}

// The messages of a harness are those that any client sends.
func TestHarnessKeepsTheMessage(t *testing.T) {
	t.Parallel()
	h := runtimetest.Start(t, flaky(runtime.WithMaxReceiveCount(1)))
	res := h.Dispatch("flaky", 9, dispatch.WithUserID("u-1"), dispatch.WithMetadata(map[string]any{"k": json.Number("1")}))
	if len(h.Deliveries()) != 0 {
		t.Error("a job ran before Settle")
	}
	h.Settle()
	dead := h.Report(res.JobID).DeadLetters
	if len(dead) != 1 || dead[0].Message.EffectiveUserID() != "u-1" || dead[0].Message.Metadata["k"] != json.Number("1") || string(dead[0].Message.Input) != "9" {
		t.Errorf("dead letters %+v", dead)
	}
}
