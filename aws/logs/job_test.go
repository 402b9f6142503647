package logs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestJobOutcome(t *testing.T) {
	t.Parallel()
	marker := func(req string) string {
		return `[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"` + req + `"}`
	}
	event := func(name, req string, attempt int, more string) string {
		return fmt.Sprintf(`{"level":"INFO","msg":"m","event":"%s","jobId":"j","workerId":"w","requestId":"%s","attempt":%d%s}`, name, req, attempt, more)
	}
	node := func(req, text string) string { return "2026-01-02T03:04:05.678Z\t" + req + "\tERROR\t" + text }
	timeout := func(req string) string {
		return "2026-01-02T03:04:05.678Z " + req + " Task timed out after 3.00 seconds"
	}
	report := func(req, status string) string {
		s := "REPORT RequestId: " + req + "\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB"
		if status != "" {
			s += "\tStatus: " + status
		}
		return s
	}
	failedRecord := func(req string) string {
		return node(req, "[Worker] Error processing SQS record: {\n  jobId: 'j',\n  workerId: 'w',\n  error: \"it's broken\"\n}")
	}
	tests := map[string]struct {
		max     int
		lines   []string
		status  string // empty: not ended
		attempt int
		message string
	}{
		"nothing yet":                      {lines: []string{marker("r1"), event("job.started", "r1", 1, "")}},
		"completed":                        {lines: []string{marker("r1"), event("job.completed", "r1", 1, `,"output":1`)}, status: "completed", attempt: 1},
		"failed":                           {lines: []string{event("job.failed", "r1", 3, `,"error":{"message":"boom"}`)}, status: "failed", attempt: 3, message: "boom"},
		"failed without a reason":          {lines: []string{event("job.failed", "r1", 3, "")}, status: "failed", attempt: 3, message: "the worker gave no reason"},
		"retrying is not the end":          {max: 3, lines: []string{event("job.retrying", "r1", 1, "")}},
		"retrying, attempts unknown":       {lines: []string{event("job.retrying", "r1", 9, "")}},
		"retrying on the last":             {max: 2, lines: []string{event("job.retrying", "r1", 2, `,"error":{"message":"boom"}`)}, status: "failed", attempt: 2, message: "boom"},
		"deferred on the last":             {max: 2, lines: []string{event("job.started", "r1", 2, ""), event("job.deferred", "r1", 2, `,"delayMs":5000`), report("r1", "")}},
		"skipped, running elsewhere":       {max: 2, lines: []string{marker("r1"), event("job.started", "r1", 1, ""), marker("r2"), event("job.skipped", "r2", 2, `,"jobStatus":"running"`), report("r2", "")}},
		"skipped, completed":               {max: 2, lines: []string{marker("r2"), event("job.skipped", "r2", 2, `,"jobStatus":"completed","output":1`)}, status: "completed", attempt: 2},
		"skipped, failed":                  {max: 3, lines: []string{marker("r2"), event("job.skipped", "r2", 2, `,"jobStatus":"failed","error":{"message":"boom"}`)}, status: "failed", attempt: 2, message: "boom"},
		"another job's end":                {lines: []string{marker("r1"), `{"event":"job.completed","jobId":"k","requestId":"r1"}`}},
		"timed out, attempts left":         {max: 3, lines: []string{marker("r1"), timeout("r1"), report("r1", "timeout")}},
		"timed out on the last":            {max: 2, lines: []string{marker("r1"), timeout("r1"), report("r1", "timeout"), marker("r2"), timeout("r2")}, status: "timed out", attempt: 2, message: "Task timed out after 3.00 seconds"},
		"attempt known from the event":     {lines: []string{event("job.started", "r1", 2, `,"maxAttempts":3`), timeout("r1"), event("job.started", "r2", 3, ""), report("r2", "timeout")}, status: "timed out", attempt: 3, message: "Task timed out after 3.00 seconds"},
		"timed out, attempts unknown":      {lines: []string{marker("r1"), report("r1", "timeout")}, status: "timed out", attempt: 1, message: "Task timed out after 3.00 seconds"},
		"somebody else's timeout":          {lines: []string{marker("r1"), timeout("r2")}},
		"crashed":                          {max: 1, lines: []string{marker("r1"), "RequestId: r1 Error: Runtime exited with error: exit status 2"}, status: "crashed", attempt: 1, message: "Error: Runtime exited with error: exit status 2"},
		"crashed, attempts left":           {max: 2, lines: []string{marker("r1"), "RequestId: r1 Error: Runtime exited with error: exit status 2", report("r1", "error")}},
		"TypeScript completed":             {lines: []string{marker("r1"), node("r1", "[Worker] Job completed: { jobId: 'j', workerId: 'w', output: {} }")}, status: "completed", attempt: 1},
		"TypeScript failed":                {max: 1, lines: []string{marker("r1"), failedRecord("r1")}, status: "failed", attempt: 1, message: "it's broken"},
		"TypeScript failed, attempts left": {max: 3, lines: []string{marker("r1"), failedRecord("r1"), report("r1", "")}},
		"TypeScript failed in its store":   {max: 3, lines: []string{marker("r1"), node("r1", "[Worker] Job status updated to failed: { jobId: 'j', workerId: 'w' }"), failedRecord("r1")}, status: "failed", attempt: 1, message: "it's broken"},
		"TypeScript skipped":               {lines: []string{marker("r2"), node("r2", "[Worker] Skipping already terminal job (idempotent): { jobId: 'j', workerId: 'w', status: 'completed' }")}, status: "completed", attempt: 1},
		"Node invoke error":                {max: 1, lines: []string{marker("r1"), node("r1", `Invoke Error `+"\t"+`{"errorType":"TypeError","errorMessage":"x is undefined","stack":[]}`)}, status: "failed", attempt: 1, message: "x is undefined"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := logs.NewJob("j", tt.max)
			var out logs.Outcome
			var done bool
			for _, s := range tt.lines {
				l := logs.Parse("g", "s", "w", "e", time.Time{}, s)
				out, done = job.Observe(&l)
			}
			if done != (tt.status != "") || out.Status != tt.status || out.Attempt != tt.attempt {
				t.Fatalf("got %v %+v", done, out)
			}
			message := ""
			if out.Error != nil {
				message = out.Error.Message
			}
			if message != tt.message {
				t.Errorf("error %q, want %q", message, tt.message)
			}
		})
	}
}

// A job that ended and is replayed runs again under its id: it is not over then,
// and has an end of its own.
func TestJobRunsAgain(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	line := func(second int, text string) *logs.Line {
		l := logs.Parse("g", "s", "w", "e", start.Add(time.Duration(second)*time.Second), text)
		return &l
	}
	event := func(second int, name, req string, attempt int) *logs.Line {
		return line(second, fmt.Sprintf(`{"level":"INFO","msg":"m","event":"%s","jobId":"j","workerId":"w","requestId":"%s","attempt":%d}`, name, req, attempt))
	}
	marker := func(second int, req string) *logs.Line {
		return line(second, `[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"`+req+`"}`)
	}
	for name, begin := range map[string]func(second int, req string) *logs.Line{
		"a start":                       func(s int, req string) *logs.Line { return event(s, "job.started", req, 1) },
		"a marker (TypeScript's start)": marker,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := logs.NewJob("j", 3)
			observe := func(l *logs.Line, status string, attempt int) {
				t.Helper()
				out, ended := job.Observe(l)
				if ended != (status != "") || out.Status != status || out.Attempt != attempt {
					t.Fatalf("after %q: ended %v, %+v; want %q of attempt %d", l.Raw, ended, out, status, attempt)
				}
			}
			observe(begin(1, "r1"), "", 0)
			observe(event(2, "job.failed", "r1", 3), "failed", 3)
			observe(begin(1, "r0"), "failed", 3)                                                      // an earlier attempt's, late
			observe(begin(3, "r1"), "failed", 3)                                                      // the same invocation goes on
			observe(event(9, "job.progress", "r2", 1), "failed", 3)                                   // no beginning
			observe(line(9, "START RequestId: r2"), "failed", 3)                                      // says nothing of a job
			observe(begin(10, "r2"), "", 0)                                                           // the replay
			observe(event(2, "job.failed", "r1", 3), "", 0)                                           // of the former run, late
			observe(line(11, "2026-01-02T03:04:05.678Z r2 Task timed out after 3.00 seconds"), "", 0) // attempts are counted anew
			observe(begin(12, "r3"), "", 0)
			observe(event(13, "job.completed", "r3", 2), "completed", 2)
			observe(event(14, "job.progress", "r3", 2), "completed", 2)
			observe(begin(20, "r4"), "", 0)
		})
	}
}

// A second delivery of a message whose job has ended begins like a run, and is none:
// the job keeps the end that it had.
func TestSkippedDeliveryKeepsTheEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"completed", "failed"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			job := logs.NewJob("j", 3)
			at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			observe := func(text string) (logs.Outcome, bool) {
				at = at.Add(time.Second)
				l := logs.Parse("g", "s", "w", "e", at, text)
				return job.Observe(&l)
			}
			observe(`[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"r1"}`)
			first, ended := observe(`{"level":"INFO","msg":"m","event":"job.` + status + `","jobId":"j","requestId":"r1","attempt":1,"durationMs":7}`)
			if !ended {
				t.Fatal("the first run has not ended")
			}
			observe(`[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"r2"}`)
			again, ended := observe(`{"level":"INFO","msg":"m","event":"job.skipped","jobStatus":"` + status + `","jobId":"j","requestId":"r2","attempt":2}`)
			if !ended || again.RequestID != "r1" || again.Status != first.Status || again.Attempt != 1 || again.Duration != 7*time.Millisecond {
				t.Errorf("after the second delivery: ended %v, %+v; want %+v", ended, again, first)
			}
		})
	}
}
