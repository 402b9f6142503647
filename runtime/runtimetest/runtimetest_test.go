package runtimetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
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
	synctest.Test(t, func(t *testing.T) {
		if _, err := runtimetest.Run(t, w, 0, runtimetest.WithTimeout(time.Minute)); !errors.Is(err, runtime.ErrTimeLimit) {
			t.Errorf("deadline: %v", err)
		}
	})
}

func TestRunGivesTheJobWhatTheMessageSays(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	defer receiver.Close()
	sent := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := runtime.Must(runtime.New("who", func(_ context.Context, j *runtime.Job[struct{}]) (string, error) {
		if !j.SentAt.Equal(sent) {
			t.Errorf("sent at %v", j.SentAt)
		}
		return j.UserID + " " + j.Metadata["source"].(string), nil
	}))
	out, err := runtimetest.Run(t, w, struct{}{},
		runtimetest.WithUserID("u-7"), runtimetest.WithMetadata(map[string]any{"source": "nightly"}),
		runtimetest.WithSentAt(sent), runtimetest.WithWebhookURL(receiver.URL))
	if err != nil || out != "u-7 nightly" {
		t.Errorf("Run = %q, %v", out, err)
	}
	const want = `{"jobId":"job-under-test","workerId":"who","status":"success","output":"u-7 nightly","metadata":{"source":"nightly"}}`
	if body := <-got; body != want {
		t.Errorf("webhook %s\nwant    %s", body, want)
	}
}

// A handler that ignores its deadline writes its log while the test reads it.
func TestRunOfAHandlerThatRunsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, ended := make(chan struct{}), make(chan struct{})
		w := runtime.Must(runtime.New("deaf", func(_ context.Context, j *runtime.Job[int]) (int, error) {
			defer close(ended)
			<-release
			for range 100 {
				j.Log.Info("still here")
			}
			return 0, nil
		}))
		rec := &failed{TB: t}
		if _, err := runtimetest.Run(rec, w, 1, runtimetest.WithTimeout(time.Minute)); !errors.Is(err, runtime.ErrTimeLimit) {
			t.Errorf("error = %v", err)
		}
		close(release)
		for _, f := range rec.cleanups {
			f()
		}
		<-ended
		if !strings.Contains(rec.log, "job.failed") {
			t.Errorf("the log of a failed test: %q", rec.log)
		}
	})
}

// failed is a test that has failed.
type failed struct {
	testing.TB
	cleanups []func()
	log      string
}

func (f *failed) Failed() bool               { return true }
func (f *failed) Cleanup(c func())           { f.cleanups = append(f.cleanups, c) }
func (f *failed) Logf(s string, args ...any) { f.log += fmt.Sprintf(s, args...) }
