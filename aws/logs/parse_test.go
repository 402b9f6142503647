package logs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const reqID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"

func TestParse(t *testing.T) {
	t.Parallel()
	node := "2026-01-02T03:04:05.678Z\t" + reqID + "\t"
	tests := map[string]struct {
		in           string
		kind         logs.Kind
		level        logs.Level
		job, request string
		text         string
	}{
		"plain": {in: "just text\n", text: "just text"},
		"start": {
			in: "START RequestId: " + reqID + " Version: $LATEST\n", kind: logs.KindStart, request: reqID,
			text: "START RequestId: " + reqID + " Version: $LATEST",
		},
		"end": {in: "END RequestId: " + reqID + "\n", kind: logs.KindEnd, request: reqID, text: "END RequestId: " + reqID},
		"init": {
			in: "INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: arn:x", kind: logs.KindInit,
			text: "INIT_START Runtime Version: provided:al2023.v1 Runtime Version ARN: arn:x",
		},
		"timeout": {
			in: "2026-01-02T03:04:05.678Z " + reqID + " Task timed out after 3.00 seconds\n\n", kind: logs.KindTimeout,
			level: logs.LevelError, request: reqID, text: "2026-01-02T03:04:05.678Z " + reqID + " Task timed out after 3.00 seconds",
		},
		"crash": {
			in: "RequestId: " + reqID + " Error: Runtime exited with error: exit status 1\nRuntime.ExitError", kind: logs.KindCrash,
			level: logs.LevelError, request: reqID, text: "RequestId: " + reqID + " Error: Runtime exited with error: exit status 1 Runtime.ExitError",
		},
		"run marker": {
			in: `[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"` + reqID + `"}`, kind: logs.KindMarker,
			job: "job-1", request: reqID, text: `[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"` + reqID + `"}`,
		},
		"run marker in Node": {
			in:   node + `INFO` + "\t" + `[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"` + reqID + `"}`,
			kind: logs.KindMarker, level: logs.LevelInfo, job: "job-1", request: reqID,
			text: `[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"` + reqID + `"}`,
		},
		"trigger marker without job": {
			in:   `[AIWORKER_TRIGGER] {"jobId":null,"workerId":"echo","awsRequestId":"` + reqID + `"}`,
			kind: logs.KindMarker, request: reqID, text: `[AIWORKER_TRIGGER] {"jobId":null,"workerId":"echo","awsRequestId":"` + reqID + `"}`,
		},
		"progress": {
			in:   `{"level":"INFO","msg":"step 1 of 5","event":"job.progress","jobId":"job-1","attempt":1,"maxAttempts":2,"percent":20,"note":"step 1 of 5"}`,
			kind: logs.KindApp, level: logs.LevelInfo, job: "job-1", text: "step 1 of 5 attempt=1/2 percent=20",
		},
		"progress of somebody else's writing": {
			in:   `{"level":"INFO","msg":"progress","event":"job.progress","jobId":"job-1","percent":20,"note":"half way there"}`,
			kind: logs.KindApp, level: logs.LevelInfo, job: "job-1", text: `progress percent=20 note="half way there"`,
		},
		"a worker's own line": {
			in:    `{"level":"INFO","msg":"echoing","jobId":"job-1","workerId":"echo","attempt":1,"maxAttempts":3,"characters":2}`,
			level: logs.LevelInfo, job: "job-1", text: "echoing attempt=1/3 characters=2",
		},
		"another try in the same delivery": {
			in:    `{"level":"WARN","msg":"try 1 of 4 failed (rate limit): busy","jobId":"job-1","workerId":"echo","attempt":1,"pattern":"rate limit","error":{"message":"busy","name":"ModelError"}}`,
			level: logs.LevelWarn, job: "job-1", text: `try 1 of 4 failed (rate limit): busy attempt=1 pattern="rate limit"`,
		},
		"an error that the message does not say": {
			in:    `{"level":"WARN","msg":"careful","jobId":"job-1","workerId":"echo","attempt":2,"error":{"message":"disk is full","stack":"at x"}}`,
			level: logs.LevelWarn, job: "job-1", text: `careful attempt=2 error="disk is full"`,
		},
		"another program's attempt": {
			in:    `{"level":"INFO","msg":"calling","jobId":"job-1","attempt":1,"maxAttempts":"many","error":{"code":7}}`,
			level: logs.LevelInfo, job: "job-1", text: `calling attempt=1 error={"code":7} maxAttempts=many`,
		},
		"marker that is not JSON": {in: `[AIWORKER_RUN] {"jobId":`, text: `[AIWORKER_RUN] {"jobId":`},
		"user logger": {
			in: node + "WARN\t" + `[WARN] [echo] [job-1] slow reply {"ms":1200,"host":"a b"}`, level: logs.LevelWarn,
			job: "job-1", request: reqID, text: `slow reply host="a b" ms=1200`,
		},
		"user logger without data": {in: "[INFO] [echo] [job-1] hello ", level: logs.LevelInfo, job: "job-1", text: "hello"},
		"trigger log": {
			in: `[workers-trigger] [ERROR] SendMessage FAILED (worker NOT triggered) {"name":"x"}`, level: logs.LevelError,
			text: `SendMessage FAILED (worker NOT triggered) {"name":"x"}`,
		},
		"Node dump": {
			in:    node + "ERROR\t[Worker] Error processing SQS record: {\n  jobId: 'job-1',\n  workerId: 'echo',\n  error: 'it broke'\n}",
			level: logs.LevelError, job: "job-1", request: reqID,
			text: "[Worker] Error processing SQS record: { jobId: 'job-1', workerId: 'echo', error: 'it broke' }",
		},
		"dump of a record that was no JSON": {
			in:    "[Worker] Error processing SQS record: { jobId: '(parse failed)', workerId: '(parse failed)' }",
			level: logs.LevelError, text: "[Worker] Error processing SQS record: { jobId: '(parse failed)', workerId: '(parse failed)' }",
		},
		"queueJobId is not the job": {
			in: "[Worker] Queue job step updated { queueJobId: 'q-1', jobId: 'job-2' }", job: "job-2",
			text: "[Worker] Queue job step updated { queueJobId: 'q-1', jobId: 'job-2' }",
		},
		"Python": {in: "[ERROR]\t2026-01-02T03:04:05.678Z\t" + reqID + "\tbad", level: logs.LevelError, request: reqID, text: "bad"},
		"slog": {
			in:    `{"time":"2026-01-02T03:04:05Z","level":"WARN","msg":"careful","jobId":"job-1","requestId":"` + reqID + `","n":3,"a":"b c","o":{"x":1},"z":null}`,
			level: logs.LevelWarn, job: "job-1", request: reqID, text: `careful a="b c" n=3 o={"x":1}`,
		},
		"slog with an escape sequence": {
			in:    `{"level":"INFO","msg":"\u001b[31mred\u001b[0m \u202e","k\u001b[2J":"\u0007v"}`,
			level: logs.LevelInfo, text: "red  k=v",
		},
		"Lambda's JSON format": {
			in:    `{"timestamp":"2026-01-02T03:04:05Z","level":"INFO","requestId":"` + reqID + `","message":"hello"}`,
			level: logs.LevelInfo, request: reqID, text: "hello",
		},
		"marker in Lambda's JSON format": {
			in:   `{"timestamp":"t","level":"INFO","requestId":"` + reqID + `","message":"[AIWORKER_RUN] {\"jobId\":\"job-1\",\"workerId\":\"echo\",\"awsRequestId\":\"` + reqID + `\"}"}`,
			kind: logs.KindMarker, level: logs.LevelInfo, job: "job-1", request: reqID,
			text: `[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"` + reqID + `"}`,
		},
		"object message": {in: `{"level":"INFO","message":{"a":1}}`, level: logs.LevelInfo, text: `{"a":1}`},
		"platform.start": {
			in:   `{"time":"t","type":"platform.start","record":{"requestId":"` + reqID + `","version":"$LATEST"}}`,
			kind: logs.KindStart, request: reqID, text: "platform.start requestId=" + reqID,
		},
		"almost JSON":           {in: `{"a":`, text: `{"a":`},
		"a print about a START": {in: "START RequestId: not an id", kind: logs.KindStart, request: "not", text: "START RequestId: not an id"},
		"panic":                 {in: "panic: boom", level: logs.LevelError, text: "panic: boom"},
		"empty":                 {in: "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("/aws/lambda/f", "s", "echo", "e1", time.Unix(1, 0), tt.in)
			if l.Kind != tt.kind || l.Level != tt.level || l.JobID != tt.job || l.RequestID != tt.request || l.Text != tt.text {
				t.Errorf("Parse(%q)\n got kind %v level %v job %q request %q text %q\nwant kind %v level %v job %q request %q text %q",
					tt.in, l.Kind, l.Level, l.JobID, l.RequestID, l.Text, tt.kind, tt.level, tt.job, tt.request, tt.text)
			}
			if l.ID != "e1" || l.Group != "/aws/lambda/f" || l.Stream != "s" || l.WorkerID != "echo" || !l.Time.Equal(time.Unix(1, 0)) {
				t.Errorf("the event's own fields were not kept: %+v", l)
			}
		})
	}
}

func TestParseReport(t *testing.T) {
	t.Parallel()
	want := logs.Report{
		Duration: 3000 * time.Millisecond, Billed: 3001 * time.Millisecond, Init: 100500 * time.Microsecond,
		MemoryMB: 128, MaxMemoryMB: 51, Status: "timeout",
	}
	for name, in := range map[string]string{
		"text": "REPORT RequestId: " + reqID + "\tDuration: 3000.00 ms\tBilled Duration: 3001 ms\tMemory Size: 128 MB\t" +
			"Max Memory Used: 51 MB\tInit Duration: 100.50 ms\tStatus: timeout\n",
		"json": `{"time":"t","type":"platform.report","record":{"requestId":"` + reqID + `","status":"timeout","metrics":{` +
			`"durationMs":3000,"billedDurationMs":3001,"memorySizeMB":128,"maxMemoryUsedMB":51,"initDurationMs":100.5}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("g", "s", "w", "e", time.Time{}, in)
			if l.Kind != logs.KindReport || l.RequestID != reqID || l.Report == nil || *l.Report != want || l.Level != logs.LevelError {
				t.Errorf("got %v %q %+v level %v", l.Kind, l.RequestID, l.Report, l.Level)
			}
		})
	}
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	l := logs.Parse("g", "s", "echo", "e", time.Time{}, `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"job completed","event":"job.completed",`+
		`"jobId":"job-1","workerId":"echo","requestId":"`+reqID+`","attempt":2,"maxAttempts":3,"durationMs":1234.5,`+
		`"output":{"text":"a\u001b[31m`+"\u202e"+`"},"tenant":"blue"}`)
	if l.Event == nil || l.Event.Event != dispatch.EventCompleted || l.Event.Attempt != 2 || l.JobID != "job-1" || l.RequestID != reqID {
		t.Fatalf("not read as an event: %+v", l)
	}
	var out struct{ Text string }
	if err := json.Unmarshal(l.Event.Output, &out); err != nil || out.Text != "a\x1b[31m\u202e" {
		t.Errorf("the output is not what the worker wrote: %q %v", out.Text, err)
	}
	if strings.ContainsRune(string(l.Event.Output), '\u202e') {
		t.Errorf("the output can turn the text of a screen around: %q", l.Event.Output)
	}
	if want := `job completed attempt=2/3 duration=1.23s output={"text":"a\u001b[31m\u202e"} tenant=blue`; l.Text != want {
		t.Errorf("Text = %s\nwant   %s", l.Text, want)
	}
	l = logs.Parse("g", "s", "echo", "e", time.Time{}, `{"level":"ERROR","msg":"job failed","event":"job.failed","jobId":"j","error":{"name":"E","message":"no\u001b[2J host","stack":"a\nb\u0007"}}`)
	if l.Event == nil || l.Event.Error.Message != "no host" || l.Event.Error.Stack != "a\nb" {
		t.Errorf("error not read or not clean: %+v", l.Event)
	}
	if want := `job failed error="no host"`; l.Text != want {
		t.Errorf("Text = %s, want %s", l.Text, want)
	}
	l = logs.Parse("g", "s", "echo", "e", time.Time{}, `{"level":"ERROR","msg":"job failed: no host","event":"job.failed","jobId":"j","error":{"message":"no host"}}`)
	if want := "job failed: no host"; l.Text != want {
		t.Errorf("Text = %s, want %s", l.Text, want)
	}
	l = logs.Parse("g", "s", "echo", "e", time.Time{}, `{"msg":"mine","event":"user.signup","jobId":"j"}`)
	if l.Event != nil || l.JobID != "j" {
		t.Errorf("an event of the author's own was taken for a lifecycle event: %+v", l)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"plain", "START RequestId: x Version: 1", "REPORT RequestId: x\tDuration: 1e400 ms\tMemory Size: -1 MB", "INIT_START x",
		"2026-01-02T03:04:05.678Z r Task timed out after 3 seconds", "RequestId: r Error: x", `[AIWORKER_RUN] {"jobId":"a"}`,
		"[Worker] Job completed: { jobId: 'a\\", "[Worker] Error processing SQS record: { error: `", "[INFO] [w] [j] {", `[INFO] [w] [j] m {"a":1}`,
		`{"event":"job.completed","jobId":"j","output":"\u009b"}`, `{"type":"platform.report","record":{"metrics":{"durationMs":1e308}}}`,
		"2026-01-02T03:04:05.678Z\tr\tERROR\tInvoke Error {\"errorMessage\":\"x\"}", `{"message":"[Worker] {"}`, "\x1b]0;", "\tINFO\tx\ty",
		"[Worker] Error processing SQS record: {\n  jobId: 'j',\n  error: 'a\\x1B[2J\\u202e' +\n    \"b\"... 3 more characters\n}", "[ERROR] E: x\x07\rTraceback (most recent call last):\r",
		`{"type":"platform.fault","record":"RequestId: r Error: \u001b[2J"}`, `{"type":"platform.extension","record":{"name":"\u0007"}}`, "EXTENSION\tName: \x1b[0m", "REPORT RequestId: r\tStatus: error\tError Type: \x1b[2J\tXRAY TraceId: \x07",
		`[Worker] x { 'a\': 'b', 'c": `, "[INFO] [w] [j] [worker-retry] Retrying handler (attempt 2/3): x {\"delayMs\":1}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l := logs.Parse("g", "s", "w", "e", time.Time{}, s)
		for name, v := range map[string]string{"Text": l.Text, "JobID": l.JobID, "RequestID": l.RequestID} {
			if i := strings.IndexFunc(v, unicode.IsControl); i >= 0 {
				t.Fatalf("%s of %q keeps a control character: %q", name, s, v)
			}
		}
		for _, r := range l.Raw {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("Raw of %q keeps %U", s, r)
			}
		}
		if l.Event != nil && len(l.Event.Output) > 0 && !json.Valid(l.Event.Output) {
			t.Fatalf("output of %q is not JSON any more: %q", s, l.Event.Output)
		}
		e, _ := l.Ending()
		invocations := logs.Fold([]logs.Line{l}, time.Time{})
		if len(invocations) > 1 {
			t.Fatalf("%d invocations of one line", len(invocations))
		}
		texts := []string{e.Error.Name, e.Error.Message, e.Error.Stack}
		for _, i := range invocations {
			if i.Error != nil {
				texts = append(texts, i.Error.Name, i.Error.Message, i.Error.Stack)
			}
			if i.Report != nil {
				texts = append(texts, i.Report.ErrorType, i.Report.TraceID, i.Report.Status)
			}
		}
		for _, text := range texts {
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Fatalf("an ending of %q keeps a control character: %q", s, text)
			}
		}
		o, done := logs.NewJob(l.JobID, 1).Observe(&l)
		if done && o.Status == "" {
			t.Fatalf("an end without a status: %+v", o)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, s := range map[string]string{
		"plain":  "processing item 17 of 240 from the nightly import",
		"slog":   `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"fetched","jobId":"job-1767323045678-abcdefghi","workerId":"echo","requestId":"` + reqID + `","attempt":1,"bytes":12345}`,
		"event":  `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-1767323045678-abcdefghi","workerId":"echo","requestId":"` + reqID + `","attempt":1,"durationMs":12.5,"output":{"text":"hi"}}`,
		"report": "REPORT RequestId: " + reqID + "\tDuration: 3000.00 ms\tBilled Duration: 3001 ms\tMemory Size: 128 MB\tMax Memory Used: 51 MB\n",
		"node":   "2026-01-02T03:04:05.678Z\t" + reqID + "\tINFO\t[INFO] [echo] [job-1] hello {\"n\":1}",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logs.Parse("g", "s", "w", "e", time.Time{}, s)
			}
		})
	}
}
