package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

var jobStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func someLife() *jobs.Life {
	at := func(ms int) time.Time { return jobStart.Add(time.Duration(ms) * time.Millisecond) }
	return &jobs.Life{
		JobID: "job-1", WorkerID: "orders", State: jobs.StateFailed, StateFrom: "record", TotalMS: 75_250,
		Attempts:   []jobs.Attempt{{Number: 1, Outcome: "failed"}, {Number: 2, Outcome: "deferred"}, {Number: 2, Outcome: "failed"}},
		Error:      &dispatch.JobError{Name: "HTTPError", Message: "the carrier answered 503 " + strings.Repeat("x", 80)},
		DeadLetter: &jobs.DeadLetter{Queue: "orders-dlq", MessageID: "m1"},
		Replays:    []jobs.Replay{{NewJobID: "job-2"}},
		Events: []jobs.Event{
			{At: at(0), Kind: jobs.EventSent, Text: "dispatched by aiwctl on this machine, by arn:aws:iam::1:user/ops, and more that is long"},
			{At: at(250), Kind: jobs.EventAttempt, Attempt: 1, Text: "begins, request 0b1f3b55-0000-4a6e-9c3f-3c7f0a6f1c11"},
			{At: at(75_250), Kind: jobs.EventEnded, Attempt: 1, Text: "failed after 1m15s: \x1b[31mboom"},
			{At: at(100_000_000), Kind: jobs.EventReplayed, Text: "replayed as job-2"},
		},
		Missing:       []string{"no store is given: output, child jobs and metadata are not known, whatever else this sentence may have to say"},
		Disagreements: []string{"the log says completed, and the record failed"},
	}
}

func TestLifeFitsATerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 0} {
		w := &tableWriter{}
		life := someLife()
		life.Error.Message = "503"
		lifeTable(w, life, width)
		var b strings.Builder
		if err := w.writeTo(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for line := range strings.Lines(text) {
			if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); width > 0 && n > width {
				t.Errorf("%d columns: %q", n, line)
			}
		}
		for _, want := range []string{
			"job-1 of orders: failed (as the record says)", "1m15s in all, 2 attempts, put off 1 time", "   +0s  sent       dispatched by", "+0.25s  attempt 1  begins, request 0b1f3b55",
			"+1m15s  attempt 1  failed after 1m15s: boom", "+1d3h  replayed   replayed as job-2", "error: HTTPError: 503", "sources disagree:\n- the log says", "not known:\n- no store is given",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		if strings.ContainsRune(text, '\x1b') || width == 0 != strings.Contains(text, "and more that is long") {
			t.Errorf("width %d:\n%s", width, text)
		}
	}
}

func TestJobExitCodes(t *testing.T) {
	t.Parallel()
	src := func(status ...string) []jobs.Source {
		var out []jobs.Source
		for _, s := range status {
			out = append(out, jobs.Source{Name: "log " + s, Status: s})
		}
		return out
	}
	for name, tt := range map[string]struct {
		found   bool
		sources []jobs.Source
		err     error
		code    int
		said    string
	}{
		"found":                    {found: true, sources: src(jobs.SourceRead, jobs.SourceNothing, jobs.SourceNotRead), code: exitDone},
		"found, a source denied":   {found: true, sources: src(jobs.SourceRead, jobs.SourceDenied), code: exitPartly, said: "log denied (denied)"},
		"found, a source failed":   {found: true, sources: src(jobs.SourceRead, jobs.SourceFailed), code: exitPartly, said: "log failed (failed)"},
		"found, interrupted":       {found: true, err: context.Canceled, code: exitInterrupted, said: "found until then"},
		"nowhere":                  {sources: src(jobs.SourceNothing, jobs.SourceNotRead), code: exitNothing, said: "looked at: log nothing"},
		"nowhere, denied":          {sources: src(jobs.SourceNothing, jobs.SourceDenied), code: exitDenied},
		"nowhere, a part failed":   {sources: src(jobs.SourceNothing, jobs.SourceFailed), code: exitPartly},
		"nowhere, all of it fails": {sources: src(jobs.SourceFailed), code: exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, stdout, _ := testApp("", nil)
			a.global.output = "json"
			life := &jobs.Life{JobID: "j", Sources: tt.sources, State: jobs.StateUnknown}
			if tt.found {
				life = someLife()
				life.Sources = tt.sources
			}
			err := a.told(life, tt.err)
			if code := exitCode(t.Context(), err); code != tt.code || tt.said != "" && !strings.Contains(err.Error(), tt.said) {
				t.Errorf("exit %d, %v", code, err)
			}
			if tt.found != strings.Contains(stdout.String(), `"jobId": "job-1"`) {
				t.Errorf("printed %q", stdout)
			}
		})
	}
	a, _, _ := testApp("", nil)
	a.global.output = "json"
	if code := exitCode(t.Context(), a.waited(someLife())); code != exitFailed {
		t.Errorf("waited for a job that fails: exit %d", code)
	}
	if err := a.waited(&jobs.Life{JobID: "j", State: jobs.StateCompleted}); err != nil {
		t.Error(err)
	}
}

// A tail reads every log group over and over, so it wants to know which.
func TestWaitSources(t *testing.T) {
	t.Parallel()
	var workers []aws.Worker
	for range waitGroupsMost + 1 {
		id := string(rune('a' + len(workers)))
		workers = append(workers, aws.Worker{ID: id, Function: &aws.Function{Name: id}, Queue: &aws.Queue{MaxReceiveCount: 3}})
	}
	if _, _, err := waitSources(jobs.Request{Workers: workers}, &jobs.Life{JobID: "j"}); exitCode(t.Context(), err) != exitUsage {
		t.Errorf("of all: %v", err)
	}
	if s, n, err := waitSources(jobs.Request{Workers: workers}, &jobs.Life{JobID: "j", WorkerID: "c"}); err != nil || len(s) != 1 || s[0].WorkerID != "c" || n != 3 {
		t.Errorf("of one: %v %d %v", s, n, err)
	}
	if _, _, err := waitSources(jobs.Request{}, &jobs.Life{JobID: "j"}); exitCode(t.Context(), err) != exitNothing {
		t.Errorf("of none: %v", err)
	}
	var coded *codeError
	a, _, _ := testApp("", nil)
	if err := a.jobNotEnded(t.Context(), t.Context(), &jobFlags{}, &jobs.Life{JobID: "j"}, usagef("name it")); !errors.As(err, &coded) || coded.code != exitUsage {
		t.Errorf("%v", err)
	}
}
