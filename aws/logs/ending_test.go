package logs_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestEnding(t *testing.T) {
	t.Parallel()
	event := func(name, more string) string {
		return `{"level":"INFO","msg":"m","event":"` + name + `","jobId":"j","requestId":"r1","attempt":2` + more + `}`
	}
	node := func(text string) string { return "2026-01-02T03:04:05.678Z\tr1\tERROR\t" + text }
	failed := func(err, stack string) string {
		return node("[Worker] Error processing SQS record: {\n  jobId: 'j',\n  workerId: 'w',\n  error: " + err + ",\n  stack: " + stack + "\n}")
	}
	crashed := func(outOfMemory bool, typ string) logs.Ending {
		return logs.Ending{How: logs.HowCrashed, Whole: true, OutOfMemory: outOfMemory, Error: dispatch.JobError{Message: "the invocation ended with status error" + typ}}
	}
	timedOut := logs.Ending{How: logs.HowTimedOut, Whole: true, Error: dispatch.JobError{Message: "Task timed out after 3.00 seconds"}}
	for name, tt := range map[string]struct {
		line string
		want logs.Ending // zero: the line tells nothing
	}{
		"plain":                  {line: "hello"},
		"START":                  {line: "START RequestId: r1 Version: $LATEST"},
		"REPORT":                 {line: "REPORT RequestId: r1\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB"},
		"an error":               {line: `{"level":"ERROR","msg":"careful","jobId":"j"}`},
		"marker":                 {line: `[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"r1"}`},
		"started":                {line: event("job.started", "")},
		"completed":              {line: event("job.completed", ""), want: logs.Ending{How: logs.HowCompleted, Final: true, Attempt: 2}},
		"retrying":               {line: event("job.retrying", `,"error":{"message":"boom"}`), want: logs.Ending{How: logs.HowFailed, Attempt: 2, Error: dispatch.JobError{Message: "boom"}}},
		"failed":                 {line: event("job.failed", `,"error":{"name":"E","message":"boom"}`), want: logs.Ending{How: logs.HowFailed, Final: true, Attempt: 2, Error: dispatch.JobError{Name: "E", Message: "boom"}}},
		"deferred":               {line: event("job.deferred", ""), want: logs.Ending{How: logs.HowDeferred, Attempt: 2}},
		"skipped":                {line: event("job.skipped", `,"jobStatus":"completed"`), want: logs.Ending{How: logs.HowSkipped, Attempt: 2, Stored: "completed"}},
		"skipped, failed":        {line: event("job.skipped", `,"jobStatus":"failed"`), want: logs.Ending{How: logs.HowSkipped, Attempt: 2}},
		"timeout":                {line: "2026-01-02T03:04:05.678Z r1 Task timed out after 3.00 seconds", want: timedOut},
		"timeout in the REPORT":  {line: "REPORT RequestId: r1\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: timeout", want: timedOut},
		"crash":                  {line: "RequestId: r1 Error: Runtime exited with error: exit status 2\nRuntime.ExitError", want: logs.Ending{How: logs.HowCrashed, Whole: true, Error: dispatch.JobError{Message: "Runtime exited with error: exit status 2"}}},
		"error in the REPORT":    {line: "REPORT RequestId: r1\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 100 MB\tStatus: error\tError Type: Runtime.ExitError", want: crashed(false, " (Runtime.ExitError)")},
		"out of memory":          {line: "REPORT RequestId: r1\tDuration: 3000.00 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error", want: crashed(true, "")},
		"panic":                  {line: "panic: boom", want: logs.Ending{How: logs.HowThrew, Whole: true, Error: dispatch.JobError{Message: "panic: boom"}}},
		"TypeScript running":     {line: node("[Worker] Job status updated to running: { jobId: 'j', workerId: 'w' }"), want: logs.Ending{Stored: "running"}},
		"TypeScript stored":      {line: node("[Worker] Job status updated to failed: { jobId: 'j', workerId: 'w' }"), want: logs.Ending{Stored: "failed"}},
		"TypeScript completed":   {line: node("[Worker] Job status updated to completed: { jobId: 'j', workerId: 'w' }"), want: logs.Ending{How: logs.HowCompleted, Final: true, Stored: "completed"}},
		"TypeScript's last word": {line: node("[Worker] Job completed: { jobId: 'j', workerId: 'w', output: {} }"), want: logs.Ending{How: logs.HowCompleted, Final: true}},
		"TypeScript skipped":     {line: node("[Worker] Skipping already terminal job (idempotent): {\n  jobId: 'j',\n  workerId: 'w',\n  status: 'failed'\n}"), want: logs.Ending{How: logs.HowSkipped, Stored: "failed"}},
		"TypeScript failed": {
			line: failed("'boom'", "'TypeError: boom\\n' +\n    '    at x (w.js:1:2)\\n' +\n    `    at y`"),
			want: logs.Ending{How: logs.HowFailed, Error: dispatch.JobError{Name: "TypeError", Message: "boom", Stack: "TypeError: boom\n    at x (w.js:1:2)\n    at y"}},
		},
		"TypeScript failed, in many words": {
			line: failed(`"it's one,\n" +`+"\n"+`    'stack: \'two\''... 2000 more characters`, "undefined"),
			want: logs.Ending{How: logs.HowFailed, Error: dispatch.JobError{Message: "it's one,\nstack: 'two'..."}},
		},
		"TypeScript failed, fields in front": {
			line: node("[Worker] Error processing SQS record: { jobId: 'j', input: { error: 'no', list: [ 1, 'a, error: b' ] }, error: 'yes' }"),
			want: logs.Ending{How: logs.HowFailed, Error: dispatch.JobError{Message: "yes"}},
		},
		"Invoke Error": {
			line: node("Invoke Error \t" + `{"errorType":"TypeError","errorMessage":"boom","stack":["a","b"]}`),
			want: logs.Ending{How: logs.HowFailed, Whole: true, Error: dispatch.JobError{Name: "TypeError", Message: "boom", Stack: "a\nb"}},
		},
		"Uncaught Exception": {
			line: node("Uncaught Exception \t" + `{"errorType":"TypeError","errorMessage":"boom","stack":[]}`),
			want: logs.Ending{How: logs.HowCrashed, Whole: true, Error: dispatch.JobError{Name: "TypeError", Message: "boom"}},
		},
		"Node's JSON format": {
			line: `{"timestamp":"t","level":"ERROR","requestId":"r1","message":{"errorType":"TypeError","errorMessage":"boom","stackTrace":["a"]},"extra":1}`,
			want: logs.Ending{How: logs.HowThrew, Whole: true, Error: dispatch.JobError{Name: "TypeError", Message: "boom", Stack: "a"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("g", "s", "w", "e", time.Time{}, tt.line)
			got, ok := l.Ending()
			if got != tt.want || ok != (tt.want != logs.Ending{}) {
				t.Errorf("got  %t %+v\nwant %+v", ok, got, tt.want)
			}
		})
	}
}

func FuzzEnding(f *testing.F) {
	for _, s := range []string{
		"[Worker] Error processing SQS record: { error: 'a\\", "[Worker] Error processing SQS record: { jobId: 'j', error: 'a' + , stack: `b` + `", "{'",
		"[Worker] Error processing SQS record: { a: [ { ( , error: 'x' }", `{"level":"ERROR","message":{"errorMessage":"a\u001bb","stackTrace":[1]}}`,
		"2026-01-02T03:04:05.678Z\tr\tERROR\tInvoke Error {\"errorMessage\":\"x\\u0007\"", "RequestId: r Error: Runtime exited", "panic: \x1b[2J",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l := logs.Parse("g", "s", "w", "e", time.Time{}, s)
		e, ok := l.Ending()
		if ok != (e.How != logs.HowUnsaid || e.Stored != "") {
			t.Fatalf("ok is %t of %+v", ok, e)
		}
		for _, v := range []string{e.Error.Name, e.Error.Message, e.Error.Stack} {
			if strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Fatalf("a control character is left in %q", v)
			}
		}
	})
}

func BenchmarkEnding(b *testing.B) {
	for name, s := range map[string]string{
		"none":  `{"level":"INFO","msg":"fetched","jobId":"j","requestId":"r1","attempt":1,"bytes":12345}`,
		"event": `{"level":"ERROR","msg":"m","event":"job.failed","jobId":"j","requestId":"r1","attempt":1,"error":{"message":"boom"}}`,
		"dump":  "2026-01-02T03:04:05.678Z\tr1\tERROR\t[Worker] Error processing SQS record: {\n  jobId: 'j',\n  workerId: 'w',\n  error: 'boom',\n  stack: 'TypeError: boom\\n' +\n    '    at x (w.js:1:2)'\n}",
	} {
		l := logs.Parse("g", "s", "w", "e", time.Time{}, s)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Ending()
			}
		})
	}
}
