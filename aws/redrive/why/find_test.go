package why_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// jobsOf asks for jobs that were sent when the lines begin.
func jobsOf(ids ...string) []why.Job {
	out := make([]why.Job, len(ids))
	for i, id := range ids {
		out[i] = why.Job{ID: id, From: start, To: start.Add(time.Hour)}
	}
	return out
}

func find(t *testing.T, f *why.Finder, jobs []why.Job) why.Found {
	t.Helper()
	found, err := f.Find(t.Context(), sources, jobs)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFailures(t *testing.T) {
	t.Parallel()
	const ref = "TypeError: Cannot read properties of undefined (reading 'name')"
	const refJSON = `"errorType":"TypeError","errorMessage":"Cannot read properties of undefined (reading 'name')"`
	tests := map[string]struct {
		lines  []string
		text   string // of job j; empty: none is found
		kind   why.Kind
		req    string
		tries  int
		status string
		stack  string // part of it
	}{
		"nothing":        {lines: []string{"START RequestId: r1 Version: $LATEST"}},
		"failed":         {lines: []string{marker("j", "r1"), event("job.failed", "j", "r1", 3, `,"error":{"name":"NotFound","message":"no such host","stack":"a\nb"}`)}, text: "NotFound: no such host", kind: why.KindError, req: "r1", tries: 3, stack: "a\nb"},
		"no reason":      {lines: []string{event("job.failed", "j", "r1", 3, "")}, text: "the worker gave no reason", kind: why.KindError, req: "r1", tries: 3},
		"its own limit":  {lines: []string{event("job.retrying", "j", "r1", 1, `,"error":{"name":"Timeout","message":"time is up"}`)}, text: "Timeout: time is up", kind: why.KindTimeout, req: "r1", tries: 1},
		"the latest":     {lines: []string{event("job.retrying", "j", "r1", 1, `,"error":{"message":"one"}`), marker("j", "r2"), timedOut("r2")}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r2"},
		"completed then": {lines: []string{event("job.failed", "j", "r1", 1, `,"error":{"message":"one"}`), marker("j", "r2"), event("job.completed", "j", "r2", 1, `,"output":1`)}, text: "one", kind: why.KindError, req: "r1", tries: 1},
		"another's end":  {lines: []string{marker("j", "r1"), event("job.failed", "k", "r1", 1, `,"error":{"message":"one"}`)}},
		"the batch timed out after the job was over": {
			lines: []string{event("job.failed", "j", "r1", 1, `,"error":{"message":"one"}`), marker("j", "r2"), event("job.completed", "j", "r2", 2, ""), timedOut("r2")},
			text:  "one", kind: why.KindError, req: "r1", tries: 1,
		},
		"only its batch failed": {
			lines: []string{marker("j", "r1"), event("job.completed", "j", "r1", 2, ""), timedOut("r1")},
			text:  "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r1", tries: 2,
		},
		"put off until the end":      {lines: []string{event("job.deferred", "j", "r1", 1, `,"error":{"name":"StoreError","message":"no store"}`)}, text: "StoreError: no store", kind: why.KindError, req: "r1", tries: 1},
		"skipped, completed":         {lines: []string{marker("j", "r2"), event("job.skipped", "j", "r2", 2, `,"jobStatus":"completed"`)}, status: "completed"},
		"skipped, failed":            {lines: []string{marker("j", "r2"), event("job.skipped", "j", "r2", 2, `,"jobStatus":"failed","error":{"message":"one"}`)}, text: "one", kind: why.KindError, req: "r2", tries: 2},
		"timeout":                    {lines: []string{event("job.started", "j", "r1", 2, ""), timedOut("r1"), exited("r1", "signal: killed"), report("r1", "timeout", 128)}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r1", tries: 2},
		"timeout in the report":      {lines: []string{marker("j", "r1"), report("r1", "timeout", 30)}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r1"},
		"timeout in JSON":            {lines: []string{marker("j", "r1"), nodeJSON("r1", "ERROR", `"message":"2026-01-02T03:04:05.678Z r1 Task timed out after 3.00 seconds","x":1`)}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r1"},
		"somebody else's":            {lines: []string{marker("j", "r1"), timedOut("r2")}},
		"a report before its marker": {lines: []string{timedOut("r1"), marker("j", "r1")}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r1"},
		"crash":                      {lines: []string{marker("j", "r1"), exited("r1", "exit status 2"), report("r1", "error", 30)}, text: "Runtime exited with error: exit status 2", kind: why.KindCrash, req: "r1"},
		"out of memory":              {lines: []string{marker("j", "r1"), exited("r1", "signal: killed"), report("r1", "error", 128)}, text: "Runtime exited with error: signal: killed (all of its memory was in use)", kind: why.KindCrash, req: "r1"},
		"a panic":                    {lines: []string{marker("j", "r1"), "panic: boom", "panic: again", "goroutine 1 [running]:", exited("r1", "exit status 2"), report("r1", "error", 30)}, text: "panic: boom", kind: why.KindCrash, req: "r1"},
		"Node's memory":              {lines: []string{marker("j", "r1"), "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", exited("r1", "signal: aborted")}, text: "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", kind: why.KindCrash, req: "r1"},
		"uncaught":                   {lines: []string{marker("j", "r1"), node("r1", "ERROR", "Uncaught Exception \t{"+refJSON+`,"stack":["TypeError: x","    at y"]}`), exited("r1", "exit status 129")}, text: ref, kind: why.KindCrash, req: "r1", stack: "\n    at y"},
		"unhandled": {
			lines: []string{marker("j", "r1"), node("r1", "ERROR", "Unhandled Promise Rejection \t"+`{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: boom","reason":{},"stack":["x"]}`), exited("r1", "exit status 128")},
			text:  "Runtime.UnhandledPromiseRejection: Error: boom", kind: why.KindCrash, req: "r1", stack: "x",
		},
		"platform.report":       {lines: []string{marker("j", "r1"), `{"time":"t","type":"platform.report","record":{"requestId":"r1","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":3000,"memorySizeMB":128,"maxMemoryUsedMB":30}}}`}, text: "the invocation ended with status error (Runtime.ExitError)", kind: why.KindCrash, req: "r1"},
		"platform.report, well": {lines: []string{marker("j", "r1"), `{"time":"t","type":"platform.report","record":{"requestId":"r1","status":"success","metrics":{"durationMs":3000}}}`}},
		"an error in Node's JSON format": {
			lines: []string{marker("j", "r1"), nodeJSON("r1", "ERROR", `"message":{`+refJSON+`,"stackTrace":["a","b"]}`), `{"time":"t","type":"platform.report","record":{"requestId":"r1","status":"error","metrics":{}}}`},
			text:  ref, kind: why.KindCrash, req: "r1", stack: "a\nb",
		},
		"a panic in aws-lambda-go": {
			lines: []string{marker("j", "r1"), `{"errorMessage":"boom","errorType":"string","stackTrace":[{"path":"x","line":1,"label":"y"}]}`, exited("r1", "exit status 1")},
			text:  "string: boom", kind: why.KindCrash, req: "r1",
		},
		"an error that was survived": {lines: []string{marker("j", "r1"), nodeJSON("r1", "ERROR", `"message":{`+refJSON+`,"stackTrace":[]}`), report("r1", "", 30)}},
		"TypeScript": {
			lines: []string{marker("j", "r1"), node("r1", "INFO", status("j", "running")), node("r1", "INFO", status("j", "failed")), node("r1", "ERROR", dump("j", "\"Cannot read properties of undefined (reading 'name')\"", nodeStack)), node("r1", "ERROR", "Invoke Error \t{"+refJSON+`,"stack":[]}`)},
			text:  ref, kind: why.KindError, req: "r1", status: "failed", stack: "\n    at Object.<anonymous> (/var/task/w.js:2:5)",
		},
		"TypeScript, message in pieces": {
			lines: []string{marker("j", "r1"), node("r1", "ERROR", dump("j", "'first line\\n' +\n    \"it's the second, with a stack: 'x'\"", "`Error: first line\\n` +\n    '    at y'"))},
			text:  "first line it's the second, with a stack: 'x'", kind: why.KindError, req: "r1", stack: "    at y",
		},
		"TypeScript with carriage returns": {
			lines: []string{node("r1", "ERROR", strings.ReplaceAll(dump("j", "'boom'", nodeStack), "\n", "\r"))},
			text:  "TypeError: boom", kind: why.KindError, req: "r1", stack: "w.js:2:5",
		},
		"TypeScript, thrown without an error": {lines: []string{node("r1", "ERROR", dump("j", "'nothing'", "undefined"))}, text: "nothing", kind: why.KindError, req: "r1"},
		"TypeScript in JSON": {
			lines: []string{nodeJSON("r1", "INFO", `"message":"[AIWORKER_RUN] {\"jobId\":\"j\",\"workerId\":\"w\",\"awsRequestId\":\"r1\"}"`), nodeJSON("r1", "ERROR", `"message":"[Worker] Error processing SQS record: {\n  jobId: 'j',\n  workerId: 'w',\n  error: 'boom',\n  stack: 'RangeError: boom\\n' +\n    '    at x'\n}"`)},
			text:  "RangeError: boom", kind: why.KindError, req: "r1", stack: "\n    at x",
		},
		"TypeScript, only the invocation": {lines: []string{marker("j", "r1"), node("r1", "ERROR", "Invoke Error \t{"+refJSON+`,"stack":["a","b"]}`)}, text: ref, kind: why.KindError, req: "r1", stack: "a\nb"},
		"TypeScript, skipped":             {lines: []string{marker("j", "r1"), node("r1", "INFO", "[Worker] Skipping already terminal job (idempotent): {\n  jobId: 'j',\n  workerId: 'w',\n  status: 'failed'\n}")}, status: "failed"},
		"TypeScript, completed":           {lines: []string{marker("j", "r1"), node("r1", "INFO", status("j", "completed"))}, status: "completed"},
		"TypeScript, without a store":     {lines: []string{marker("j", "r1"), node("r1", "INFO", "[Worker] Job completed: { jobId: 'j', workerId: 'w', output: {} }")}},
		"TypeScript, begun anew":          {lines: []string{node("r1", "INFO", status("j", "failed")), marker("j", "r2"), node("r2", "INFO", status("j", "running")), timedOut("r2")}, text: "Task timed out after 3.00 seconds", kind: why.KindTimeout, req: "r2"},
		"a parent's word of its child":    {lines: []string{`{"level":"INFO","msg":"child sent","jobId":"j","requestId":"r1"}`, timedOut("r1")}},
		"hostile":                         {lines: []string{event("job.failed", "j", "r1", 1, `,"error":{"name":"E\u001b[2J","message":"a\u001b]0;x\u0007\u202eb"}`)}, text: "E: ab", kind: why.KindError, req: "r1", tries: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := new(script).say(tt.lines...).lines
			found := find(t, why.New(&lake{lines: lines}), jobsOf("j"))
			if got := found.Status["j"]; got != tt.status {
				t.Errorf("status %q, want %q", got, tt.status)
			}
			f, ok := found.Failures["j"]
			if !ok || tt.text == "" {
				if ok != (tt.text != "") {
					t.Fatalf("found %t, want %t: %+v", ok, !ok, f)
				}
				return
			}
			if f.Text() != tt.text || f.Kind != tt.kind || f.RequestID != tt.req || f.Attempt != tt.tries || f.Via != why.ViaLogs || f.JobID != "j" || f.At.IsZero() {
				t.Errorf("got %q %+v\nwant %q, kind %s, request %s, attempt %d", f.Text(), f, tt.text, tt.kind, tt.req, tt.tries)
			}
			if !strings.Contains(f.Stack, tt.stack) || tt.stack == "" && f.Stack != "" {
				t.Errorf("stack %q, want %q in it", f.Stack, tt.stack)
			}
			if f.Signature() != why.Signature(tt.text) {
				t.Errorf("signature %q", f.Signature())
			}
		})
	}
}

// Many jobs are found by reading each log group once; a few by their ids.
func TestSearches(t *testing.T) {
	t.Parallel()
	s := new(script)
	var ids []string
	for i := range 20 {
		id := fmt.Sprintf("j%d", i)
		ids = append(ids, id)
		s.say(marker(id, "r"+id), event("job.failed", id, "r"+id, 1, `,"error":{"message":"`+id+`"}`))
	}
	groups := []logs.Source{{Group: group}, {Group: "/aws/lambda/v"}, {WorkerID: "w", Group: group}, {}}
	for name, tt := range map[string]struct{ jobs, reads int }{"one": {1, 2}, "few": {3, 6}, "many": {20, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lake{lines: s.lines, page: 7}
			found, err := why.New(l).Find(t.Context(), groups, jobsOf(ids[:tt.jobs]...))
			if err != nil || len(found.Failures) != tt.jobs || len(found.Notes) != 0 {
				t.Errorf("%d failures, notes %q, %v", len(found.Failures), found.Notes, err)
			}
			if len(l.asked) != tt.reads {
				t.Errorf("%d reads, want %d", len(l.asked), tt.reads)
			}
			for _, q := range l.asked {
				if (q.JobID == "") != (tt.jobs == 20) || (q.Pattern == "") == (tt.jobs == 20) || len(q.Pattern) > 1024 {
					t.Errorf("asked for job %q, pattern %q", q.JobID, q.Pattern)
				}
				if q.Since.After(start) || q.Since.Before(start.Add(-time.Hour)) || q.Until.Before(start.Add(time.Hour)) {
					t.Errorf("asked for %v to %v", q.Since, q.Until)
				}
			}
		})
	}
	t.Run("an id CloudWatch cannot search for", func(t *testing.T) {
		t.Parallel()
		l := &lake{}
		if _, err := why.New(l).Find(t.Context(), sources, jobsOf(`a"b`)); err != nil || len(l.asked) != 1 || l.asked[0].Pattern == "" {
			t.Errorf("asked %+v, %v", l.asked, err)
		}
	})
}

// What was logged before a message was sent is of another message.
func TestOnlyWithinTheJobsTime(t *testing.T) {
	t.Parallel()
	lines := new(script).say(marker("j", "r1"), timedOut("r1"), marker("k", "r2"), timedOut("r2")).lines
	jobs := jobsOf("j", `k"`, "k")
	jobs[0].From = start.Add(30 * time.Minute)
	found := find(t, why.New(&lake{lines: lines}), jobs)
	if _, ok := found.Failures["j"]; ok || len(found.Failures) != 1 {
		t.Errorf("found %+v", found.Failures)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: arn:aws:sts::1:assumed-role/ops-read/x is not authorized to perform: logs:FilterLogEvents on resource: y"}
	lines := new(script).say(marker("a", "r1"), marker("b", "r2"), timedOut("r2")).lines
	two := []logs.Source{{Group: group}, {Group: "/aws/lambda/v"}}
	for name, tt := range map[string]struct {
		lake    *lake
		none    bool // no reader
		sources []logs.Source
		jobs    []why.Job
		want    []string
	}{
		"all is known": {lake: &lake{lines: lines}, sources: sources, jobs: jobsOf("b")},
		"unseen and unsaid": {
			lake: &lake{lines: lines}, sources: sources, jobs: jobsOf("a", "b", "c", "d", ""),
			want: []string{
				"no reason can be looked for where there is no job id: 1 dead letter",
				"no log line of 2 of 4 jobs between 2026-01-02 03:00:00Z and 2026-01-02 04:00:00Z: never started, or logged elsewhere, or its lines have expired",
				"1 of 4 jobs left log lines between 2026-01-02 03:00:00Z and 2026-01-02 04:00:00Z, and none tells of a failure",
			},
		},
		"no reader":    {none: true, sources: sources, jobs: jobsOf("b")},
		"no log group": {lake: &lake{}, jobs: jobsOf("b"), want: []string{"no logs were searched: no log group is known"}},
		"denied": {
			lake: &lake{fail: func(logs.Query) error { return denied }}, sources: sources, jobs: jobsOf("a", "b"),
			want: []string{"the logs could not be read: api error AccessDeniedException: User: arn:aws:sts::1:assumed-role/ops-read/x is not authorized to perform: logs:FilterLogEvents on resource: y (access denied: logs:FilterLogEvents is missing from role ops-read)"},
		},
		"one group denied": {
			lake: &lake{lines: lines, fail: func(q logs.Query) error {
				if q.Sources[0].Group != group {
					return errors.New("broken\x1b[2J")
				}
				return nil
			}}, sources: two, jobs: jobsOf("b"),
			want: []string{"the logs could not be read of 1 of 2 log groups: broken"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r why.LogReader
			if !tt.none {
				r = tt.lake
			}
			found, err := why.New(r).Find(t.Context(), tt.sources, tt.jobs)
			if err != nil || strings.Join(found.Notes, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("notes %q %v\nwant  %q", found.Notes, err, tt.want)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(script)
		var ids []string
		for i := range 100 {
			id := fmt.Sprintf("j%02d", i)
			ids = append(ids, id)
			s.say(event("job.failed", id, "r"+id, 1, `,"error":{"message":"x"}`))
		}
		time.Sleep(time.Until(start.Add(2 * time.Hour))) // the bubble's clock begins earlier
		begin := time.Now()
		slow := func(ctx context.Context, _ string) (why.Record, bool, error) {
			select {
			case <-ctx.Done():
				return why.Record{}, false, ctx.Err()
			case <-time.After(time.Second):
				return why.Record{}, false, nil
			}
		}
		f := why.New(&lake{lines: s.lines, page: 10, delay: 2 * time.Second}, why.WithLimit(5*time.Second), why.WithRecords(slow))
		found := find(t, f, jobsOf(ids...))
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("took %v", d)
		}
		if len(found.Failures) != 20 {
			t.Errorf("%d failures, want those of the two pages that were read", len(found.Failures))
		}
		all := strings.Join(found.Notes, "\n")
		for _, want := range []string{"the search of the logs was ended after 5s: 1 of 1 log group not read to the end", "no log line of 80 of 100 jobs", "of 100 job records were not looked up: the search was ended after 5s"} {
			if !strings.Contains(all, want) {
				t.Errorf("notes %q, want %q", found.Notes, want)
			}
		}
		// The caller's own end is an error.
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		found, err := f.Find(ctx, sources, jobsOf(ids...))
		if !errors.Is(err, context.DeadlineExceeded) || len(found.Failures) != 10 {
			t.Errorf("%d failures, %v", len(found.Failures), err)
		}
	})
}

func TestRecords(t *testing.T) {
	t.Parallel()
	at := start.Add(time.Minute)
	lines := new(script).say(
		event("job.failed", "both", "r1", 2, `,"error":{"message":"logged"}`), node("r2", "INFO", status("reset", "failed")),
		event("job.failed", "logged", "r3", 1, `,"error":{"message":"logged"}`),
	).lines
	records := map[string]why.Record{
		"both":     {Status: "failed", Error: &dispatch.JobError{Name: "E\x1b[2J", Message: "recorded\x07\nmore", Stack: strings.Repeat("é", why.MaxStack)}},
		"recorded": {Status: "failed", Error: &dispatch.JobError{Name: "Timeout"}, At: at},
		"reset":    {Status: "queued"},
		"logged":   {Status: "completed"},
	}
	f := why.New(&lake{lines: lines}, why.WithRecords(func(_ context.Context, id string) (why.Record, bool, error) {
		r, ok := records[id]
		return r, ok, nil
	}))
	found := find(t, f, jobsOf("both", "recorded", "reset", "logged"))
	both := found.Failures["both"]
	if both.Name != "E" || both.Message != "recorded\nmore" || both.Via != why.ViaRecord || both.RequestID != "r1" || both.Attempt != 2 || !both.At.Equal(start) || len(both.Stack) > why.MaxStack || !strings.HasSuffix(both.Stack, "é…") {
		t.Errorf("both: %.300v", both)
	}
	if r := found.Failures["recorded"]; r.Kind != why.KindTimeout || r.Text() != "Timeout" || !r.At.Equal(at) || r.JobID != "recorded" {
		t.Errorf("recorded: %+v", r)
	}
	if l := found.Failures["logged"]; l.Text() != "logged" || l.Via != why.ViaLogs {
		t.Errorf("logged: %+v", l)
	}
	if got := fmt.Sprint(found.Status); got != "map[both:failed logged:completed recorded:failed]" {
		t.Errorf("status %s", got)
	}
}

func TestRecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 1000 {
		ids = append(ids, fmt.Sprint("j", i))
	}
	for name, tt := range map[string]struct {
		err  error
		most int
		note string
	}{
		"denied":         {&smithy.GenericAPIError{Code: "AccessDeniedException"}, 8, "the job records could not be read: "},
		"something else": {errors.New("odd"), 28, "the job records could not be read: odd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			calls, now, most := 0, 0, 0
			f := why.New(nil, why.WithRecords(func(context.Context, string) (why.Record, bool, error) {
				mu.Lock()
				defer mu.Unlock()
				calls++
				now++
				most = max(most, now)
				now--
				return why.Record{}, false, tt.err
			}))
			found := find(t, f, jobsOf(ids...))
			if calls > tt.most || most > 8 || len(found.Notes) != 1 || !strings.HasPrefix(found.Notes[0], tt.note) {
				t.Errorf("%d calls, %d at once, notes %q", calls, most, found.Notes)
			}
		})
	}
	f := why.New(nil, why.WithRecords(func(_ context.Context, id string) (why.Record, bool, error) {
		if id == "j1" {
			return why.Record{}, false, errors.New("odd")
		}
		return why.Record{Status: "failed"}, true, nil
	}))
	found := find(t, f, jobsOf(ids[:10]...))
	if len(found.Status) != 9 || len(found.Notes) != 1 || found.Notes[0] != "1 of 10 job records could not be read: odd" {
		t.Errorf("%d statuses, notes %q", len(found.Status), found.Notes)
	}
}

func BenchmarkFind(b *testing.B) {
	const jobs, lines = 10_000, 100_000
	texts := make([]string, 0, lines)
	ids := make([]string, jobs)
	for i := range ids {
		id, req := fmt.Sprintf("job-1767323045678-%09d", i), fmt.Sprintf("8f507cfc-0000-4000-8000-%012d", i)
		ids[i] = id
		texts = append(texts, marker(id, req))
		switch i % 3 {
		case 0:
			texts = append(texts, event("job.failed", id, req, 1, `,"error":{"name":"NotFound","message":"order `+id+` not found"}`))
		case 1:
			texts = append(texts, timedOut(req))
		case 2:
			texts = append(texts, node(req, "ERROR", dump(id, "'boom'", nodeStack)))
		}
	}
	for i := 0; len(texts) < lines; i++ { // other jobs of the same worker
		id, req := fmt.Sprintf("job-1767323099999-%09d", i), fmt.Sprintf("9f507cfc-0000-4000-8000-%012d", i)
		texts = append(texts, marker(id, req), event("job.completed", id, req, 1, `,"output":{"n":1}`))
	}
	s := new(script).say(texts...)
	for i := range s.lines {
		s.lines[i].Time = start.Add(time.Duration(i) * time.Millisecond)
	}
	f := why.New(&lake{lines: s.lines, page: 10_000})
	asked := jobsOf(ids...)
	b.ReportAllocs()
	for b.Loop() {
		found, err := f.Find(b.Context(), sources, asked)
		if err != nil || len(found.Failures) != jobs {
			b.Fatalf("%d failures, notes %q, %v", len(found.Failures), found.Notes, err)
		}
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
}
