package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// localClient runs the App's workers in this process.
func localClient(t testing.TB, app *runtime.App) *dispatch.Client {
	t.Helper()
	client, err := dispatch.NewClient(dispatch.Config{Local: app.Sender(), Mode: dispatch.ModeLocal, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestLocalRunRetriesAsInProduction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []int
		w := runtime.Must(runtime.New("flaky", func(_ context.Context, j *runtime.Job[int]) (int, error) {
			attempts = append(attempts, j.Attempt)
			if j.MaxAttempts != 3 {
				t.Errorf("MaxAttempts = %d", j.MaxAttempts)
			}
			if j.Attempt < j.Input {
				return 0, errors.New("not yet")
			}
			return 1, nil
		}, runtime.WithBackoff(runtime.Constant(time.Hour))))
		app, _ := newApp(t, w)
		client := localClient(t, app)

		began := time.Now()
		res, err := client.Dispatch(t.Context(), "flaky", 3, dispatch.WithJobID("job-7"))
		if err != nil || len(attempts) != 3 || res.JobID != "job-7" || res.Status != dispatch.StatusQueued || !strings.HasPrefix(res.MessageID, "local-") {
			t.Errorf("result %+v, %v after attempts %v", res, err, attempts)
		}
		if took := time.Since(began); took < 2*time.Second || took > 5*time.Second {
			t.Errorf("two backoffs of an hour took %v, want a second each", took)
		}

		attempts = nil
		_, err = client.Dispatch(t.Context(), "flaky", 9)
		if err == nil || !strings.Contains(err.Error(), "not yet") || len(attempts) != 3 {
			t.Errorf("error %v after attempts %v", err, attempts)
		}
	})
}

func TestLocalRunOfASnooze(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		w := runtime.Must(runtime.New("sleepy", func(_ context.Context, j *runtime.Job[int]) (int, error) {
			if runs++; runs < 5 {
				return 0, runtime.Snooze(3 * time.Hour)
			}
			return j.Attempt, nil
		}))
		var outputs []string
		app, _ := newAppWith(t, runtime.AppConfig{OnOutcome: func(_ context.Context, o runtime.Outcome) {
			if o.Final {
				outputs = append(outputs, string(o.Output))
			}
		}}, w)
		began := time.Now()
		if _, err := localClient(t, app).Dispatch(t.Context(), "sleepy", 1); err != nil || runs != 5 {
			t.Errorf("error %v after %d runs", err, runs)
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("it took %v", took)
		}
		if strings.Join(outputs, " ") != "1" {
			t.Errorf("outputs %q: a snooze uses up no attempt", outputs)
		}
	})
}

func TestLocalRunWithADelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Must(runtime.New("w", func(context.Context, *runtime.Job[int]) (int, error) { return 1, nil }))
		app, _ := newApp(t, w)
		began := time.Now()
		if _, err := localClient(t, app).Dispatch(t.Context(), "w", 1, dispatch.WithDelay(10*time.Minute)); err != nil || time.Since(began) != 10*time.Minute {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
	})
}

func TestLocalRunOfChildren(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string, 1)
		child := runtime.Must(runtime.New("child", func(_ context.Context, j *runtime.Job[string]) (string, error) {
			time.Sleep(time.Minute)
			if j.Input == "loose" {
				done <- j.ID
			}
			return "child of " + j.Input, nil
		}))
		var got string
		w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
			if _, err := j.Dispatch(ctx, "child", "loose"); err != nil {
				return err
			}
			_, err := j.DispatchAwait(ctx, "child", j.ID, &got)
			return err
		})
		store := jobstore.NewMemory()
		app, _ := newAppWith(t, runtime.AppConfig{Store: store}, w, child)
		if _, err := localClient(t, app).Dispatch(t.Context(), "parent", 1, dispatch.WithJobID("job-1")); err != nil || got != "child of job-1" {
			t.Errorf("got %q, %v", got, err)
		}
		select {
		case id := <-done:
			if rec, err := store.Get(t.Context(), id); err != nil || rec.Status != jobstore.Completed {
				t.Errorf("record %+v, %v", rec, err)
			}
		default:
			t.Error("Send returned before the job that nobody awaits")
		}
		rec, err := store.Get(t.Context(), "job-1")
		if err != nil || rec.Status != jobstore.Completed || len(rec.Children) != 2 {
			t.Errorf("record %+v, %v", rec, err)
		}
	})
}

func TestLocalRunOfAnUnknownWorker(t *testing.T) {
	t.Parallel()
	var got error
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, got = j.Dispatch(ctx, "stranger", 1)
		return runtime.Permanent(got)
	})
	// A queue in the environment is a real one, and a local run leaves it alone.
	app, _ := newAppWith(t, runtime.AppConfig{Getenv: queueEnv}, w)
	client := localClient(t, app)
	if _, err := client.Dispatch(t.Context(), "parent", 1); err == nil || !errors.Is(got, dispatch.ErrUnknownWorker) ||
		!strings.Contains(got.Error(), `worker "stranger" is not in this process, which runs: parent`) {
		t.Errorf("error = %v, of the child %v", err, got)
	}
	if _, err := client.Dispatch(t.Context(), "stranger", 1); !errors.Is(err, dispatch.ErrUnknownWorker) {
		t.Errorf("error = %v", err)
	}
}

func TestLocalRunIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Must(runtime.New("w", func(ctx context.Context, _ *runtime.Job[int]) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}))
		app, _ := newApp(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if _, err := localClient(t, app).Dispatch(ctx, "w", 1); !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
	})
}

// "WORKERS run" is a local run too.
func TestRunCommandRetries(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("flaky", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		if j.Attempt == 1 {
			return 0, errors.New("not yet")
		}
		return 10 * j.Input, nil
	}, runtime.WithBackoff(runtime.Constant(0))))
	app, log := newApp(t, w)
	var stdout, stderr bytes.Buffer
	if code := app.Run(t.Context(), []string{"run", "flaky", "4"}, nil, &stdout, &stderr); code != 0 || stdout.String() != "40\n" {
		t.Errorf("exit code %d, output %q", code, &stdout)
	}
	if !strings.Contains(stderr.String(), "job.retrying") || !strings.Contains(stderr.String(), "job.completed") || log.String() != "" {
		t.Errorf("the log belongs to standard error:\n%s\nand not here:\n%s", &stderr, log)
	}
}
