package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// spyStore is a store whose updates are seen, and can fail.
type spyStore struct {
	jobstore.Store
	mu      sync.Mutex
	updates []jobstore.Update
	at      []time.Time
	fail    func(u jobstore.Update) error
}

func newSpyStore() *spyStore { return &spyStore{Store: jobstore.NewMemory()} }

func (s *spyStore) Update(ctx context.Context, jobID string, u jobstore.Update) error {
	s.mu.Lock()
	s.updates = append(s.updates, u)
	s.at = append(s.at, time.Now())
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		if err := fail(u); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, jobID, u)
}

// progress are the percentages that were written.
func (s *spyStore) progress() (percent []float64, at []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, u := range s.updates {
		if u.Progress != nil {
			percent = append(percent, u.Progress.Percent)
			at = append(at, s.at[i])
		}
	}
	return percent, at
}

func TestProgressIsRecordedThinned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
			for i := range 50 { // 5 seconds
				j.Progress(ctx, float64(i), fmt.Sprint("step ", i))
				time.Sleep(100 * time.Millisecond)
			}
			// A long step, of which the record should know.
			j.Progress(ctx, 60, "long step")
			time.Sleep(30 * time.Second)
			if p, _ := store.progress(); !slices.Contains(p, 60) {
				t.Errorf("during the long step the record knows %v", p)
			}
			j.Progress(ctx, 98, "")
			time.Sleep(100 * time.Millisecond) // it is written, and the rest is not yet due
			j.Progress(ctx, 99, "nearly")
			j.Progress(ctx, 100, "done")
			return 1, nil
		}))
		app, log := newAppWith(t, runtime.AppConfig{Store: store}, w)
		if resp, err := app.HandleSQS(t.Context(), oneMessage("w", "1")); err != nil || len(resp.BatchItemFailures) != 0 {
			t.Fatalf("%+v, %v", resp, err)
		}
		percent, at := store.progress()
		if len(percent) < 6 || len(percent) > 10 {
			t.Errorf("%d writes: %v", len(percent), percent)
		}
		for i := 1; i+1 < len(at); i++ { // the last one is written when the handler returns
			if at[i].Sub(at[i-1]) < time.Second {
				t.Errorf("writes %d and %d are %v apart", i, i+1, at[i].Sub(at[i-1]))
			}
		}
		if percent[0] != 0 || percent[len(percent)-1] != 100 || !slices.IsSorted(percent) {
			t.Errorf("written %v", percent)
		}
		rec, err := store.Get(t.Context(), "job-1")
		if err != nil || rec.Status != jobstore.Completed || rec.Progress == nil || *rec.Progress != (jobstore.Progress{Percent: 100, Message: "done"}) {
			t.Errorf("record %+v, %v", rec, err)
		}
		if got := strings.Count(log.String(), `"job.progress"`); got != 54 {
			t.Errorf("%d progress lines, want 54", got)
		}
	})
}

func TestProgressWithAStoreThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		store.fail = func(u jobstore.Update) error {
			if u.Progress != nil || u.Tokens != nil {
				return errors.New("the store is down")
			}
			return nil
		}
		w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
			for i := range 5 {
				j.Progress(ctx, float64(i), "")
				if err := j.UseTokens(ctx, 1, 1); err != nil {
					t.Error(err)
				}
				time.Sleep(2 * time.Second)
			}
			return 1, nil
		}))
		app, log := newAppWith(t, runtime.AppConfig{Store: store}, w)
		if resp, err := app.HandleSQS(t.Context(), oneMessage("w", "1")); err != nil || len(resp.BatchItemFailures) != 0 {
			t.Fatalf("%+v, %v", resp, err)
		}
		if got := strings.Count(log.String(), "the store is down"); got != 1 {
			t.Errorf("the log complains %d times", got)
		}
	})
}

// A handler hears that its job is another delivery's by now, and what it returns does
// not count.
func TestProgressFindsTheJobTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		var cause error
		w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
			// Another delivery whose clock is ahead of this one's lease.
			if err := store.Store.Update(ctx, j.ID, jobstore.Update{Status: jobstore.Queued}); err != nil {
				t.Error(err)
			}
			got, err := store.Claim(ctx, jobstore.Claim{JobID: j.ID, WorkerID: j.WorkerID, Owner: "another", Lease: time.Now().Add(time.Hour)})
			if err != nil || got.Decision != jobstore.ClaimedJob {
				t.Errorf("claim = %+v, %v", got, err)
			}
			j.Progress(ctx, 50, "half")
			<-ctx.Done()
			cause = context.Cause(ctx)
			return 1, nil
		}))
		var outcome runtime.Outcome
		app, _ := newAppWith(t, runtime.AppConfig{Store: store, OnOutcome: func(_ context.Context, o runtime.Outcome) { outcome = o }}, w)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := app.HandleSQS(ctx, oneMessage("w", "1")); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(cause, jobstore.ErrLeaseLost) || time.Since(began) > 10*time.Second {
			t.Errorf("the context ended with %v after %v", cause, time.Since(began))
		}
		if outcome.Kind == runtime.KindCompleted || outcome.Kind == runtime.KindFailed {
			t.Errorf("outcome %+v", outcome)
		}
		rec, err := store.Get(t.Context(), "job-1")
		if err != nil || rec.Status != jobstore.Running || rec.Owner != "another" || rec.Progress != nil {
			t.Errorf("record %+v, %v", rec, err)
		}
	})
}

// A handler that runs on after its deadline changes nothing any more.
func TestReportsOfAHandlerThatRunsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
			j.Progress(ctx, 10, "")
			time.Sleep(time.Minute)
			j.Progress(ctx, 90, "")
			if err := j.UseTokens(ctx, 5, 5); err != nil {
				t.Error(err)
			}
			return 1, nil
		}))
		app, _ := newAppWith(t, runtime.AppConfig{Store: store}, w)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := app.HandleSQS(ctx, oneMessage("w", "1")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		rec, err := store.Get(t.Context(), "job-1")
		if err != nil || rec.Progress == nil || rec.Progress.Percent != 10 || rec.Tokens != nil {
			t.Errorf("record %+v, %v", rec, err)
		}
	})
}

func TestReportsOfAJobWithoutADelivery(t *testing.T) {
	t.Parallel()
	j := &runtime.Job[int]{}
	j.Progress(t.Context(), 1, "x")
	if err := j.UseTokens(t.Context(), 1, 1); err != nil {
		t.Error(err)
	}
	if _, _, ok := j.Budget(); ok {
		t.Error("a budget out of nothing")
	}
	if _, err := j.Dispatch(t.Context(), "w", 1); err == nil || !strings.Contains(err.Error(), "runtimetest") {
		t.Errorf("error = %v", err)
	}
	if _, err := j.DispatchAwait(t.Context(), "w", 1, nil); err == nil || !strings.Contains(err.Error(), "runtimetest") {
		t.Errorf("error = %v", err)
	}
}

func TestTokenBudget(t *testing.T) {
	t.Parallel()
	var budgets []string
	w := runtime.Must(runtime.New("model", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		used, limit, ok := j.Budget()
		budgets = append(budgets, fmt.Sprint(used, limit, ok))
		if err := j.UseTokens(ctx, 60, 20); err != nil {
			return 0, fmt.Errorf("ask the model: %w", err)
		}
		return 0, errors.New("the model was no help")
	}, runtime.WithMaxReceiveCount(5)))
	h := runtimetest.Start(t, w)
	job := h.Run("model", 1, dispatch.WithMaxTokens(200), dispatch.WithWebhookURL("https://example.com/hook"), dispatch.WithMetadata(map[string]any{"k": "v"}))

	var over *runtime.TokenBudgetError
	if err := job.Err(); !errors.Is(err, runtime.ErrTokenBudget) || !errors.As(err, &over) || over.Used != 240 || over.Limit != 200 {
		t.Errorf("error = %v", err)
	}
	if len(job.Deliveries) != 3 || !job.Last().Final {
		t.Errorf("%d deliveries, want 3: two that failed and the one over the budget", len(job.Deliveries))
	}
	if got := strings.Join(budgets, ", "); got != "0 200 true, 80 200 true, 160 200 true" {
		t.Errorf("budgets %q", got)
	}
	if r := job.Record; r == nil || r.Status != jobstore.Failed || r.Tokens == nil || r.Tokens.Input != 180 || r.Tokens.Output != 60 || *r.Tokens.Budget != 200 {
		t.Errorf("record %+v", job.Record)
	}
	if len(job.Webhooks) != 1 || len(job.DeadLetters) != 1 {
		t.Fatalf("%d webhooks, %d dead letters", len(job.Webhooks), len(job.DeadLetters))
	}
	var payload struct {
		Status   string
		Metadata map[string]any
	}
	if err := json.Unmarshal(job.Webhooks[0].Body, &payload); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintln(payload.Status, payload.Metadata); strings.TrimSpace(got) != "error map[k:v tokenUsage:map[budget:200 inputTokens:180 outputTokens:60]]" {
		t.Errorf("webhook %s", got)
	}
}

func TestTokensWithoutAStore(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("model", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		if err := j.UseTokens(ctx, -1, 0); err == nil {
			t.Error("a negative count was taken")
		}
		if err := j.UseTokens(ctx, 6, 4); err != nil {
			return 0, err
		}
		if j.Try == 1 {
			return 0, methodError(500)
		}
		used, _, ok := j.Budget()
		j.Progress(ctx, 100, "counted")
		if ok {
			t.Error("a job without a budget has one")
		}
		return used, nil
	}, runtime.WithRetry(2, runtime.Custom("any", func(error) bool { return true }, 0))))
	h := runtimetest.StartConfig(t, runtimetest.Config{NoStore: true}, w)
	job := h.Run("model", 1, dispatch.WithWebhookURL("https://example.com/hook"))
	var used int
	if err := job.Decode(&used); err != nil || used != 20 || job.Record != nil {
		t.Errorf("used %d, %v, record %+v", used, err, job.Record)
	}
	if len(job.Webhooks) != 1 || !strings.Contains(string(job.Webhooks[0].Body), `"tokenUsage":{"inputTokens":12,"outputTokens":8,"budget":null}`) ||
		!strings.Contains(string(job.Webhooks[0].Body), `"progress":100`) || !strings.Contains(string(job.Webhooks[0].Body), `"progressMessage":"counted"`) {
		t.Errorf("webhooks %+v", job.Webhooks)
	}
}

func TestTokensAreCountedConcurrently(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("model", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := j.UseTokens(ctx, 2, 1); err != nil {
					t.Error(err)
				}
				j.Progress(ctx, 1, "")
			})
		}
		wg.Wait()
		return 1, nil
	}))
	job := runtimetest.Start(t, w).Run("model", 1)
	if r := job.Record; r == nil || r.Tokens == nil || r.Tokens.Input != 100 || r.Tokens.Output != 50 {
		t.Errorf("record %+v", job.Record)
	}
}
