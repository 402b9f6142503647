package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestEcho(t *testing.T) {
	t.Parallel()
	out, err := runtimetest.Run(t, Echo, EchoInput{Text: "hi"}, runtimetest.WithAttempt(2, 3))
	if err != nil || out.Text != "hi" || out.Attempt != 2 || time.Since(out.At) > time.Minute {
		t.Errorf("echo = %+v, %v", out, err)
	}
}

func TestVideoProcessing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, want, err string }{
		{"https://videos.example.com/a/cat.mp4?token=x#t", "https://videos.example.com/a/cat-processed.mp4", ""},
		{"http://user:pw@example.org/cat", "http://example.org/cat-processed", ""},
		{"https://EXAMPLE.net./v.webm", "https://EXAMPLE.net./v-processed.webm", ""},
		{"https://no-such-host.invalid/cat.mp4", "", `host "no-such-host.invalid" does not exist`},
		{"https://example.com.evil.test/cat.mp4", "", "does not exist"},
		{"ftp://example.com/cat.mp4", "", "neither http nor https"},
		{"https://exa mple.com/", "", "read the URL"},
		{"", "", "neither http nor https"},
	} {
		out, err := runtimetest.Run(t, VideoProcessing, VideoInput{URL: tt.url})
		if out.ProcessedURL != tt.want || (err == nil) != (tt.err == "") || (err != nil && !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%q: %+v, %v; want %q, %q", tt.url, out, err, tt.want, tt.err)
		}
		// A host may come back, a malformed URL may not.
		if err != nil && runtime.IsPermanent(err) != !strings.Contains(tt.err, "does not exist") {
			t.Errorf("%q: permanent = %v", tt.url, runtime.IsPermanent(err))
		}
	}
}

type downResolver struct{}

var errDown = errors.New("name server down")

func (downResolver) LookupHost(context.Context, string) ([]string, error) { return nil, errDown }

func TestVideoProcessingWithAnotherResolver(t *testing.T) {
	t.Parallel()
	w := runtime.Must(NewVideoProcessing(downResolver{}))
	if _, err := runtimetest.Run(t, w, VideoInput{URL: "https://example.com/"}); !errors.Is(err, errDown) {
		t.Errorf("error = %v", err)
	}
}

func TestFlakyInAnOutage(t *testing.T) {
	t.Parallel()
	in := FlakyInput{OutageMS: 60_000}
	if _, err := runtimetest.Run(t, Flaky, in, runtimetest.WithAttempt(3, 3), runtimetest.WithSentAt(time.Now())); err == nil || !strings.Contains(err.Error(), "a replay then succeeds") {
		t.Errorf("during the outage: %v", err)
	}
	// A replay keeps the message and starts counting receives again.
	out, err := runtimetest.Run(t, Flaky, in, runtimetest.WithAttempt(1, 3), runtimetest.WithSentAt(time.Now().Add(-2*time.Minute)))
	if err != nil || out.Attempts != 1 {
		t.Errorf("after the outage: %+v, %v", out, err)
	}
}

func TestFlaky(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		input   FlakyInput
		attempt int
		ok      bool
	}{
		{FlakyInput{}, 1, false},
		{FlakyInput{}, 2, true},
		{FlakyInput{SucceedOn: 3}, 2, false},
		{FlakyInput{SucceedOn: 3}, 3, true},
		{FlakyInput{SucceedOn: 1}, 1, true},
	} {
		out, err := runtimetest.Run(t, Flaky, tt.input, runtimetest.WithAttempt(tt.attempt, 3))
		if (err == nil) != tt.ok || (tt.ok && out.Attempts != tt.attempt) {
			t.Errorf("%+v on delivery %d: %+v, %v", tt.input, tt.attempt, out, err)
		}
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	if out, err := runtimetest.Run(t, Fail, FailInput{Order: 12}); err != nil || out.Booked != 12 {
		t.Errorf("order 12: %+v, %v", out, err)
	}
	for _, attempt := range []int{1, 2} {
		_, err := runtimetest.Run(t, Fail, FailInput{Order: 13}, runtimetest.WithAttempt(attempt, 2))
		if err == nil || !strings.Contains(err.Error(), "order 13 cannot be booked") {
			t.Errorf("order 13: %v", err)
		}
	}
	if _, err := runtimetest.Run(t, Fail, FailInput{}); !runtime.IsPermanent(err) || !strings.Contains(err.Error(), "there is no order 0") {
		t.Errorf("no order: %v", err)
	}
	var p *runtime.PanicError
	if _, err := runtimetest.Run(t, Fail, FailInput{Order: 12, Poison: true}); !errors.As(err, &p) {
		t.Errorf("poison: %v", err)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out, err := runtimetest.Run(t, Slow, SlowInput{Steps: 4, StepMS: 250})
		if err != nil || out.Steps != 4 || out.TookMS != 1000 {
			t.Errorf("slow = %+v, %v", out, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := runtimetest.Run(t, Slow, SlowInput{Steps: 100, StepMS: 1000}, runtimetest.WithTimeout(30*time.Second))
		if !errors.Is(err, runtime.ErrTimeLimit) || !strings.Contains(err.Error(), "stopped in step 30 of 100") {
			t.Errorf("slow = %v", err)
		}
		if took := time.Since(start); took != 29*time.Second {
			t.Errorf("stopped after %v", took)
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out, err := runtimetest.Run(t, Timeout, TimeoutInput{SleepMS: 100}, runtimetest.WithTimeout(3*time.Second))
		if err != nil || out.SleptMS != 100 {
			t.Errorf("timeout = %+v, %v", out, err)
		}
		start := time.Now()
		_, err = runtimetest.Run(t, Timeout, TimeoutInput{SleepMS: 10_000}, runtimetest.WithTimeout(3*time.Second))
		if !errors.Is(err, runtime.ErrTimeLimit) {
			t.Errorf("timeout = %v", err)
		}
		if took := time.Since(start); took < 3*time.Second {
			t.Errorf("the function answered after %v, so Lambda has nothing to kill", took)
		}
		time.Sleep(10 * time.Second) // let the handler end
	})
}

// The demo names its workers, and a mapping refuses a visibility timeout below
// the function's.
func TestManifestOfTheDemo(t *testing.T) {
	t.Parallel()
	app, err := runtime.NewApp(runtime.AppConfig{}, All()...)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, w := range app.Manifest().Workers {
		ids = append(ids, w.ID)
		if w.Description == "" || w.SQS.VisibilityTimeoutSeconds < w.TimeoutSeconds || w.SQS.VisibilityTimeoutSeconds > 30 {
			t.Errorf("worker %+v", w)
		}
		schema, err := fullschema.Compile(w.InputSchema)
		if err != nil {
			t.Errorf("worker %q: %v", w.ID, err)
			continue
		}
		if violations := schema.Validate(schema.Skeleton()); len(violations) > 0 {
			t.Errorf("worker %q: the skeleton %s does not fit: %+v", w.ID, schema.Skeleton(), violations)
		}
	}
	if got := strings.Join(ids, " "); got != "digest echo fail flaky publish slow summarize timeout video-processing" {
		t.Errorf("workers = %s", got)
	}
}

// What the console and aiwctl start with when somebody types a job must work as
// it stands.
func TestJobsStartWithAnInputThatWorks(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"echo":             `"text":"hello"`,
		"video-processing": `{"processedUrl":"https://media.example.com/clips/1-processed.mp4"}`,
		"flaky":            `{"attempts":2}`,
		"fail":             `{"booked":12}`,
		"slow":             `"steps":5`,
		"timeout":          `"sleptMs":500`,
		"summarize":        `"summary":"Why do queues fill up?`,
		"publish":          `"summary":"Queues fill up when`,
		"digest":           `"until":"2026-01-01T12:00:00Z"`,
	}
	synctest.Test(t, func(t *testing.T) {
		app, err := runtime.NewApp(runtime.AppConfig{}, All()...)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))) // a bubble begins in 2000, before the digest's example
		h := runtimetest.Start(t, All()...)
		for _, w := range app.Manifest().Workers {
			schema, err := fullschema.Compile(w.InputSchema)
			if err != nil {
				t.Fatal(err)
			}
			job := h.Run(w.ID, schema.Skeleton())
			if err := job.Err(); err != nil || !strings.Contains(string(job.Last().Output), want[w.ID]) {
				t.Errorf("%s with %s: %s, %v; want %s", w.ID, schema.Skeleton(), job.Last().Output, err, want[w.ID])
			}
		}
		if dead := h.DeadLetters(); len(dead) != 0 {
			t.Errorf("dead letters: %+v", dead)
		}
	})
}
