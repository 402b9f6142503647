package logs_test

import (
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Every line that the TypeScript system writes, as Node prints it: with the prefix
// of Lambda's runtime and without.
func TestTypeScriptLines(t *testing.T) {
	t.Parallel()
	type want struct {
		kind         logs.Kind
		level        logs.Level
		job, request string
		text         string // empty: the line itself, on one line
		runs         bool
		ending       logs.How
		stored       string
		err          string
	}
	const other = "0b1f3b55-xmpl-4a6e-9c3f-3c7f0a6f1c11"
	tests := map[string]struct {
		in string
		want
	}{
		"run": {
			`[AIWORKER_RUN] {"jobId":"job-1","workerId":"w","awsRequestId":"` + reqID + `"}`,
			want{kind: logs.KindMarker, job: "job-1", request: reqID, runs: true},
		},
		"trigger": {
			`[AIWORKER_TRIGGER] {"jobId":"job-1","workerId":"w","awsRequestId":"` + reqID + `"}`,
			want{kind: logs.KindMarker, job: "job-1", request: reqID},
		},
		"trigger without a job": {
			`[AIWORKER_TRIGGER] {"jobId":null,"workerId":"w","awsRequestId":"` + reqID + `"}`,
			want{kind: logs.KindMarker, request: reqID},
		},
		"user logger": {
			`[DEBUG] [w] [job-1] looked {"rows":3}`,
			want{level: logs.LevelDebug, job: "job-1", text: "looked rows=3"},
		},
		"user logger, no data": {"[INFO] [w] [job-1] hello ", want{level: logs.LevelInfo, job: "job-1", text: "hello"}},
		"user logger, brackets in the text": {
			"[WARN] [w] [job-1] [http] got [404] {\"url\":\"https://x.example/a\"}",
			want{level: logs.LevelWarn, job: "job-1", text: "[http] got [404] url=https://x.example/a"},
		},
		"user logger, several lines": {
			"[ERROR] [w] [job-1] it broke:\n  at a\n  at b ",
			want{level: logs.LevelError, job: "job-1", text: "it broke: at a at b"},
		},
		"retry of a handler": {
			`[WARN] [w] [job-1] [worker-retry] Retrying handler (attempt 2/3): fetch failed {"delayMs":1000}`,
			want{level: logs.LevelWarn, job: "job-1", text: "[worker-retry] Retrying handler (attempt 2/3): fetch failed delayMs=1000"},
		},
		"retry of a step": {
			`[WARN] [w] [job-1] [queue-retry] Retrying step (attempt 2/3): 429 {"delayMs":500}`,
			want{level: logs.LevelWarn, job: "job-1", text: "[queue-retry] Retrying step (attempt 2/3): 429 delayMs=500"},
		},
		"trigger: invoked":  {`[workers-trigger] [INFO] invoked {"path":"/workers/trigger"}`, want{level: logs.LevelInfo, text: `invoked {"path":"/workers/trigger"}`}},
		"trigger: rejected": {`[workers-trigger] [WARN] rejected: API key mismatch (worker NOT triggered)`, want{level: logs.LevelWarn, text: "rejected: API key mismatch (worker NOT triggered)"}},
		"trigger: sent":     {`[workers-trigger] [INFO] message ENQUEUED — worker will pick it up from SQS {"messageId":"m"}`, want{level: logs.LevelInfo, text: `message ENQUEUED — worker will pick it up from SQS {"messageId":"m"}`}},
		"trigger: failed":   {`[workers-trigger] [ERROR] SendMessage FAILED (worker NOT triggered) {"name":"AccessDenied"}`, want{level: logs.LevelError, text: `SendMessage FAILED (worker NOT triggered) {"name":"AccessDenied"}`}},
		"entry": {
			"[WorkerEntrypoint] {\n  workerId: 'w',\n  inQueue: false,\n  records: 1,\n  requestId: '" + reqID + "'\n}",
			want{request: reqID},
		},
		"entry of a queue": {
			"[WorkerEntrypoint] {\n  workerId: 'w',\n  inQueue: true,\n  queueId: 'q',\n  queueJobId: 'qj-1',\n  records: 1,\n  requestId: '" + reqID + "'\n}",
			want{request: reqID},
		},
		"event received": {"[Worker] SQS event received { records: 1, awsRequestId: '" + reqID + "' }", want{request: reqID}},
		"user": {
			"[WORKER_USER:u-7] { jobId: 'job-1', workerId: 'w', timestamp: '2026-01-02T03:04:05.678Z' }",
			want{job: "job-1", runs: true},
		},
		"user, local": {
			"[WORKER_USER:u-7] {\n  jobId: 'job-1',\n  workerId: 'w',\n  timestamp: '2026-01-02T03:04:05.678Z',\n  mode: 'local'\n}",
			want{job: "job-1", runs: true},
		},
		"skipped, completed": {
			"[Worker] Skipping already terminal job (idempotent): { jobId: 'job-1', workerId: 'w', status: 'completed' }",
			want{job: "job-1", runs: true, ending: logs.HowSkipped, stored: "completed"},
		},
		"skipped, failed": {
			"[Worker] Skipping already terminal job (idempotent): { jobId: 'job-1', workerId: 'w', status: 'failed' }",
			want{job: "job-1", runs: true, ending: logs.HowSkipped, stored: "failed"},
		},
		"stored running":   {"[Worker] Job status updated to running: { jobId: 'job-1', workerId: 'w' }", want{job: "job-1", runs: true, stored: "running"}},
		"stored completed": {"[Worker] Job status updated to completed: { jobId: 'job-1', workerId: 'w' }", want{job: "job-1", runs: true, ending: logs.HowCompleted, stored: "completed"}},
		"stored failed": {
			"[Worker] Job status updated to failed: {\n  jobId: 'job-1',\n  workerId: 'w',\n  error: 'no host'\n}",
			want{level: logs.LevelError, job: "job-1", runs: true, stored: "failed"},
		},
		"step": {
			"[Worker] Queue job step updated {\n  queueId: 'q',\n  queueJobId: 'qj-1',\n  stepIndex: 0,\n  workerId: 'w',\n  status: 'running'\n}",
			want{},
		},
		"completed": {
			"[Worker] Job completed: {\n  jobId: 'job-1',\n  workerId: 'w',\n  output: { url: 'https://x.example', parts: [ [Object], [Object] ], meta: { deep: [Object] } }\n}",
			want{job: "job-1", runs: true, ending: logs.HowCompleted},
		},
		"completed, its output names another job": {
			"[Worker] Job completed: {\n  output: { jobId: 'job-2', text: \"jobId: 'job-3'\" },\n  jobId: 'job-1',\n  workerId: 'w'\n}",
			want{job: "job-1", runs: true, ending: logs.HowCompleted},
		},
		"webhook delivered": {"[Worker] Webhook callback successful: { jobId: 'job-1', workerId: 'w', status: 200 }", want{job: "job-1", runs: true}},
		"webhook failed":    {"[Worker] Webhook callback failed: {\n  jobId: 'job-1',\n  workerId: 'w',\n  status: 500,\n  statusText: 'Internal'\n}", want{level: logs.LevelWarn, job: "job-1", runs: true}},
		"webhook error":     {"[Worker] Webhook callback error: { jobId: 'job-1', workerId: 'w', error: 'fetch failed' }", want{level: logs.LevelWarn, job: "job-1", runs: true}},
		"failed": {
			"[Worker] Error processing SQS record: {\n  jobId: 'job-1',\n  workerId: 'w',\n  error: \"it's broken\",\n  stack: \"Error: it's broken\\n\" +\n    '    at x (w.js:1:2)'\n}",
			want{level: logs.LevelError, job: "job-1", runs: true, ending: logs.HowFailed, err: "it's broken"},
		},
		"failed, both quotes": {
			"[Worker] Error processing SQS record: {\n  jobId: 'job-1',\n  workerId: 'w',\n  error: `it's \"broken\", jobId: 'job-9'`,\n  stack: undefined\n}",
			want{level: logs.LevelError, job: "job-1", runs: true, ending: logs.HowFailed, err: `it's "broken", jobId: 'job-9'`},
		},
		"failed, all quotes and escapes": {
			"[Worker] Error processing SQS record: {\n  error: 'it\\'s \"so\" `bad`\\\\ \\x1B[31mred\\x1B[0m \\u00e9',\n  jobId: 'job-1'\n}",
			want{level: logs.LevelError, job: "job-1", runs: true, ending: logs.HowFailed, err: "it's \"so\" `bad`\\ red é"},
		},
		"failed, no job": {
			"[Worker] Error processing SQS record: {\n  jobId: '(parse failed)',\n  workerId: '(parse failed)',\n  error: 'Unexpected token'\n}",
			want{level: logs.LevelError, ending: logs.HowFailed, err: "Unexpected token"},
		},
		"warning": {"[Worker] Failed to update job store: { jobId: 'job-1', workerId: 'w', error: 'ECONNREFUSED' }", want{level: logs.LevelWarn, job: "job-1", runs: true}},
		"queue started": {
			"[queue] Dispatched first worker { queueId: 'q', jobId: 'job-1', workerId: 'w', trigger: { type: 'external' } }",
			want{job: "job-1"},
		},
		"no queue": {
			"[workers-config] getQueueUrl failed {\n  workerId: 'w',\n  queueName: 'p-w-prod',\n  name: 'QueueDoesNotExist',\n  message: 'no such queue'\n}",
			want{level: logs.LevelWarn},
		},
		"an object with other things in it": {
			"[Worker] Job completed: {\n  'content-type': 'text/plain',\n  when: 2026-01-02T03:04:05.678Z,\n  n: null,\n  f: [Function: f],\n  m: Map(1) { 'jobId' => 'job-8' },\n  b: <Buffer 7b 7d>,\n  jobId: 'job-1'\n}",
			want{job: "job-1", runs: true, ending: logs.HowCompleted},
		},
		"a dump that was cut": {"[Worker] Job completed: {\n  jobId: 'job-1',\n  output: { text: 'abc", want{job: "job-1", runs: true, ending: logs.HowCompleted}},
		"a number for an id":  {"[Worker] Job completed: { jobId: 7, workerId: 'w' }", want{ending: logs.HowCompleted}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, prefixed := range []bool{false, true} {
				in, w := tt.in, tt.want
				if prefixed {
					level := map[logs.Level]string{logs.LevelError: "ERROR", logs.LevelWarn: "WARN"}[w.level]
					if level == "" {
						level = "INFO"
					}
					in = "2026-01-02T03:04:05.678Z\t" + other + "\t" + level + "\t" + in
					if w.level == logs.LevelNone {
						w.level = logs.LevelInfo
					}
					if w.kind != logs.KindMarker {
						w.request = other // the runtime knows best
					}
				}
				if w.text == "" {
					w.text = logs.Sanitize(tt.in, false)
				}
				l := logs.Parse("g", "s", "w", "e", time.Time{}, in)
				e, _ := l.Ending()
				got := want{l.Kind, l.Level, l.JobID, l.RequestID, l.Text, l.Runs(), e.How, e.Stored, e.Error.Message}
				if got != w {
					t.Errorf("%q\n got %+v\nwant %+v", in, got, w)
				}
			}
		})
	}
}

// Lines of Lambda itself and of its runtimes for other languages.
func TestPlatformLines(t *testing.T) {
	t.Parallel()
	record := func(typ, record string) string {
		return `{"time":"2026-01-02T03:04:05.678Z","type":"` + typ + `","record":` + record + `}`
	}
	for name, tt := range map[string]struct {
		in      string
		kind    logs.Kind
		level   logs.Level
		request string
		text    string
		how     logs.How
		err     string
	}{
		"init, timed out": {in: "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout", kind: logs.KindInit, level: logs.LevelError, text: "INIT_REPORT Init Duration: 9999.79 ms Phase: init Status: timeout"},
		"init, failed":    {in: "INIT_REPORT Init Duration: 150.79 ms\tPhase: init\tStatus: error\tError Type: Runtime.UserCodeSyntaxError", kind: logs.KindInit, level: logs.LevelError, text: "INIT_REPORT Init Duration: 150.79 ms Phase: init Status: error Error Type: Runtime.UserCodeSyntaxError"},
		"restore":         {in: "RESTORE_START Runtime Version: java:11.v21\tRuntime Version ARN: arn:x", kind: logs.KindInit, text: "RESTORE_START Runtime Version: java:11.v21 Runtime Version ARN: arn:x"},
		"restored":        {in: "RESTORE_REPORT Restore Duration: 511.25 ms", kind: logs.KindInit, text: "RESTORE_REPORT Restore Duration: 511.25 ms"},
		"not restored":    {in: "RESTORE_REPORT Restore Duration: 1236.04 ms\tStatus: error\tError Type: Runtime.ExitError", kind: logs.KindInit, level: logs.LevelError, text: "RESTORE_REPORT Restore Duration: 1236.04 ms Status: error Error Type: Runtime.ExitError"},
		"extension":       {in: "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]", kind: logs.KindInit, text: "EXTENSION Name: agent State: Ready Events: [INVOKE, SHUTDOWN]"},
		"telemetry":       {in: "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform]", kind: logs.KindInit, text: "TELEMETRY Name: agent State: Subscribed Types: [Platform]"},
		"killed": {
			in: "RequestId: " + reqID + " Error: Runtime exited with error: signal: killed\nRuntime.ExitError", kind: logs.KindCrash, level: logs.LevelError, request: reqID,
			text: "RequestId: " + reqID + " Error: Runtime exited with error: signal: killed Runtime.ExitError", how: logs.HowCrashed, err: "Runtime exited with error: signal: killed",
		},
		"exited": {
			in: "RequestId: " + reqID + " Process exited before completing request", kind: logs.KindCrash, level: logs.LevelError, request: reqID,
			text: "RequestId: " + reqID + " Process exited before completing request", how: logs.HowCrashed, err: "Process exited before completing request",
		},
		"no reason": {
			in: "RequestId: " + reqID + " Error: Runtime exited without providing a reason\nRuntime.ExitError", kind: logs.KindCrash, level: logs.LevelError, request: reqID,
			text: "RequestId: " + reqID + " Error: Runtime exited without providing a reason Runtime.ExitError", how: logs.HowCrashed, err: "Runtime exited without providing a reason",
		},
		"Python's handler raised": {
			in: "[ERROR] ValueError: no such order\rTraceback (most recent call last):\r\u00a0\u00a0File \"/var/task/app.py\", line 3, in handler\r", level: logs.LevelError,
			text: "[ERROR] ValueError: no such order Traceback (most recent call last): \u00a0\u00a0File \"/var/task/app.py\", line 3, in handler", how: logs.HowThrew, err: "no such order",
		},
		"Python's warning": {in: "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code.", level: logs.LevelWarn, text: "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code."},
		"Python":           {in: "[WARNING]\t2026-01-02T03:04:05.678Z\t" + reqID + "\tslow\n", level: logs.LevelWarn, request: reqID, text: "slow"},
		"Node, no request": {
			in:    "2026-01-02T03:04:05.678Z\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.UserCodeSyntaxError\",\"errorMessage\":\"SyntaxError: Unexpected end of input\",\"stack\":[\"a\"]}",
			level: logs.LevelError, text: `Uncaught Exception  {"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: Unexpected end of input","stack":["a"]}`,
			how: logs.HowCrashed, err: "SyntaxError: Unexpected end of input",
		},
		"Go's log":     {in: "2026/01/02 03:04:05 listening", text: "2026/01/02 03:04:05 listening"},
		"Go's panic":   {in: "panic: runtime error: index out of range [1] with length 1", level: logs.LevelError, text: "panic: runtime error: index out of range [1] with length 1", how: logs.HowThrew, err: "panic: runtime error: index out of range [1] with length 1"},
		"JSON start":   {in: record("platform.start", `{"requestId":"`+reqID+`","version":"$LATEST"}`), kind: logs.KindStart, request: reqID, text: "platform.start requestId=" + reqID},
		"JSON done":    {in: record("platform.runtimeDone", `{"requestId":"`+reqID+`","status":"success","metrics":{"durationMs":140.0,"producedBytes":16}}`), kind: logs.KindEnd, request: reqID, text: "platform.runtimeDone requestId=" + reqID},
		"JSON done so": {in: record("platform.runtimeDone", `{"requestId":"`+reqID+`","status":"error","errorType":"Error"}`), kind: logs.KindEnd, level: logs.LevelError, request: reqID, text: "platform.runtimeDone status=error errorType=Error requestId=" + reqID},
		"JSON init":    {in: record("platform.initStart", `{"initializationType":"on-demand","phase":"init","runtimeVersion":"nodejs:22.v1"}`), kind: logs.KindInit, text: "platform.initStart phase=init"},
		"JSON inited":  {in: record("platform.initReport", `{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":125.33}}`), kind: logs.KindInit, text: "platform.initReport duration=125ms phase=init"},
		"JSON init runtime": {
			in: record("platform.initRuntimeDone", `{"initializationType":"on-demand","status":"timeout"}`), kind: logs.KindInit, level: logs.LevelError,
			text: "platform.initRuntimeDone status=timeout",
		},
		"JSON restored":  {in: record("platform.restoreReport", `{"status":"success","metrics":{"durationMs":500.1}}`), kind: logs.KindInit, text: "platform.restoreReport duration=500ms"},
		"JSON extension": {in: record("platform.extension", `{"name":"agent","state":"Ready","events":["INVOKE"]}`), kind: logs.KindInit, text: "platform.extension name=agent state=Ready"},
		"JSON dropped":   {in: record("platform.logsDropped", `{"droppedBytes":12345,"droppedRecords":123,"reason":"it fell behind"}`), level: logs.LevelWarn, text: `platform.logsDropped droppedRecords=123 reason="it fell behind"`},
		"JSON fault": {
			in: record("platform.fault", `"RequestId: `+reqID+` Error: Runtime exited with error: signal: killed\nRuntime.ExitError"`), kind: logs.KindCrash, level: logs.LevelError, request: reqID,
			text: "platform.fault RequestId: " + reqID + " Error: Runtime exited with error: signal: killed Runtime.ExitError", how: logs.HowCrashed, err: "Runtime exited with error: signal: killed",
		},
		"JSON timeout": {
			in:   `{"timestamp":"2026-01-02T03:04:05.678Z","level":"ERROR","requestId":"` + reqID + `","message":"2026-01-02T03:04:05.678Z ` + reqID + ` Task timed out after 3.00 seconds"}`,
			kind: logs.KindTimeout, level: logs.LevelError, request: reqID, text: "2026-01-02T03:04:05.678Z " + reqID + " Task timed out after 3.00 seconds", how: logs.HowTimedOut, err: "Task timed out after 3.00 seconds",
		},
		"JSON function, object": {in: `{"timestamp":"t","level":"WARN","requestId":"` + reqID + `","message":{"a":1},"x":"y"}`, level: logs.LevelWarn, request: reqID, text: `{"a":1} x=y`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("g", "s", "w", "e", time.Time{}, tt.in)
			e, _ := l.Ending()
			if l.Kind != tt.kind || l.Level != tt.level || l.RequestID != tt.request || l.Text != tt.text || e.How != tt.how || e.Error.Message != tt.err {
				t.Errorf("%q\n got kind %v level %v request %q text %q how %v error %q\nwant kind %v level %v request %q text %q how %v error %q", tt.in,
					l.Kind, l.Level, l.RequestID, l.Text, e.How, e.Error.Message, tt.kind, tt.level, tt.request, tt.text, tt.how, tt.err)
			}
		})
	}
}

func TestReportsOfOtherKinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want logs.Report
		oom  bool
	}{
		"traced": {
			in:   "REPORT RequestId: " + reqID + "\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\nXRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n",
			want: logs.Report{Duration: time.Millisecond, Billed: 2 * time.Millisecond, MemoryMB: 128, MaxMemoryMB: 30, TraceID: "1-5e34a614-10bdxmplf1fb44f07bc535a1"},
		},
		"restored": {
			in:   "REPORT RequestId: " + reqID + "\tDuration: 13.82 ms\tBilled Duration: 129 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\tRestore Duration: 204.27 ms\tBilled Restore Duration: 114 ms\t",
			want: logs.Report{Duration: 13820 * time.Microsecond, Billed: 129 * time.Millisecond, MemoryMB: 512, MaxMemoryMB: 90, Restore: 204270 * time.Microsecond, BilledRestore: 114 * time.Millisecond},
		},
		"out of memory": {
			in:   "REPORT RequestId: " + reqID + "\tDuration: 812.40 ms\tBilled Duration: 813 ms\tMemory Size: 1024 MB\tMax Memory Used: 1023 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n",
			want: logs.Report{Duration: 812400 * time.Microsecond, Billed: 813 * time.Millisecond, MemoryMB: 1024, MaxMemoryMB: 1023, Status: "error", ErrorType: "Runtime.OutOfMemory"},
			oom:  true,
		},
		"JSON, restored and traced": {
			in:   `{"time":"t","type":"platform.report","record":{"requestId":"` + reqID + `","status":"success","tracing":{"spanId":"5","type":"X-Amzn-Trace-Id","value":"Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"},"metrics":{"durationMs":1,"billedDurationMs":2,"memorySizeMB":128,"maxMemoryUsedMB":30,"restoreDurationMs":3,"billedRestoreDurationMs":4}}}`,
			want: logs.Report{Duration: time.Millisecond, Billed: 2 * time.Millisecond, MemoryMB: 128, MaxMemoryMB: 30, Restore: 3 * time.Millisecond, BilledRestore: 4 * time.Millisecond, TraceID: "1-62e900b2-710d76f009d6e7785905449a"},
		},
		"JSON, failed": {
			in:   `{"time":"t","type":"platform.report","record":{"requestId":"` + reqID + `","status":"failure","errorType":"Runtime.ExitError","metrics":{"durationMs":1,"billedDurationMs":1,"memorySizeMB":128,"maxMemoryUsedMB":128}}}`,
			want: logs.Report{Duration: time.Millisecond, Billed: time.Millisecond, MemoryMB: 128, MaxMemoryMB: 128, Status: "error", ErrorType: "Runtime.ExitError"},
			oom:  true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("g", "s", "w", "e", time.Time{}, tt.in)
			if l.Kind != logs.KindReport || l.RequestID != reqID || l.Report == nil || *l.Report != tt.want || l.Report.OutOfMemory() != tt.oom {
				t.Errorf("got %v %q %+v", l.Kind, l.RequestID, l.Report)
			}
		})
	}
}
