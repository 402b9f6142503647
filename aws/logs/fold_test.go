package logs_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

var foldStart = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// stream parses lines of one stream, ten milliseconds apart.
func stream(name string, texts ...string) []logs.Line {
	var out []logs.Line
	for i, s := range texts {
		out = append(out, logs.Parse("/aws/lambda/f", name, "w", fmt.Sprint(name, i), foldStart.Add(time.Duration(i)*10*time.Millisecond), s))
	}
	return out
}

func foldReport(req, more string) string {
	return "REPORT RequestId: " + req + "\tDuration: 3000.00 ms\tBilled Duration: 3001 ms\tMemory Size: 128 MB\tMax Memory Used: 51 MB\t" + more
}

func foldMarker(req, job string) string {
	return `[AIWORKER_RUN] {"jobId":"` + job + `","workerId":"w","awsRequestId":"` + req + `"}`
}

func foldEvent(name, req, job string, attempt int) string {
	return fmt.Sprintf(`{"level":"INFO","msg":"m","event":"%s","jobId":"%s","workerId":"w","requestId":"%s","attempt":%d,"error":{"message":"boom"}}`, name, job, req, attempt)
}

func TestFold(t *testing.T) {
	t.Parallel()
	node := func(req, level, text string) string {
		return "2026-01-02T03:04:05.678Z\t" + req + "\t" + level + "\t" + text
	}
	for name, tt := range map[string]struct {
		lines    []string
		outcome  string
		err      string
		jobs     string
		cut      string // "start", "end"
		warnings int
		errors   int
		past     bool // the lines end in the past
	}{
		"ok": {
			lines: []string{
				"INIT_START Runtime Version: provided:al2023.v1", "START RequestId: r1 Version: $LATEST", foldMarker("r1", "a"), foldEvent("job.started", "r1", "a", 2),
				`{"level":"WARN","msg":"slow","jobId":"a","requestId":"r1"}`, "a bare print", foldEvent("job.completed", "r1", "a", 2), "END RequestId: r1", foldReport("r1", "Init Duration: 100.00 ms"),
			},
			outcome: "ok", jobs: "a#2 completed", warnings: 1,
		},
		"a batch in which one fails": {
			lines: []string{
				"START RequestId: r1 Version: 1", foldMarker("r1", "a"), foldEvent("job.completed", "r1", "a", 1), foldMarker("r1", "b"), foldEvent("job.retrying", "r1", "b", 1),
				foldMarker("r1", "c"), foldEvent("job.failed", "r1", "c", 3), foldMarker("r1", "d"), foldEvent("job.deferred", "r1", "d", 1), foldMarker("r1", "e"), foldEvent("job.skipped", "r1", "e", 2),
				"END RequestId: r1", foldReport("r1", ""),
			},
			outcome: "ok", jobs: "a#1 completed, b#1 retrying, c#3 failed, d#1 deferred, e#2 skipped",
		},
		"timed out": {
			lines:   []string{"START RequestId: r1 Version: 1", foldMarker("r1", "a"), "2026-01-02T03:04:05.678Z r1 Task timed out after 3.00 seconds", "END RequestId: r1", foldReport("r1", "Status: timeout")},
			outcome: "timed out", err: "Task timed out after 3.00 seconds", jobs: "a timed out",
		},
		"timed out, the old text format": {
			lines:   []string{"START RequestId: r1 Version: 1", "END RequestId: r1", foldReport("r1", ""), "2026-01-02T03:04:05.678Z r1 Task timed out after 3.00 seconds"},
			outcome: "timed out", err: "Task timed out after 3.00 seconds",
		},
		"crashed": {
			lines:   []string{"START RequestId: r1 Version: 1", foldMarker("r1", "a"), "RequestId: r1 Error: Runtime exited with error: exit status 2\nRuntime.ExitError", "END RequestId: r1", foldReport("r1", "Status: error\tError Type: Runtime.ExitError")},
			outcome: "crashed", err: "Runtime exited with error: exit status 2", jobs: "a crashed",
		},
		"panicked": {
			lines:   []string{"START RequestId: r1 Version: 1", "panic: boom", "RequestId: r1 Error: Runtime exited with error: exit status 2\nRuntime.ExitError", "END RequestId: r1", foldReport("r1", "")},
			outcome: "crashed", err: "panic: boom", errors: 1,
		},
		"out of memory": {
			lines:   []string{"START RequestId: r1 Version: 1", "RequestId: r1 Error: Runtime exited with error: signal: killed\nRuntime.ExitError", "END RequestId: r1", foldReport("r1", "Status: error\tError Type: Runtime.OutOfMemory")},
			outcome: "out of memory", err: "Runtime exited with error: signal: killed",
		},
		"TypeScript, thrown": {
			lines: []string{
				"START RequestId: r1 Version: 1", node("r1", "INFO", foldMarker("r1", "a")), node("r1", "ERROR", "[Worker] Error processing SQS record: {\n  jobId: 'a',\n  error: 'no host'\n}"),
				node("r1", "ERROR", "Invoke Error \t"+`{"errorType":"Error","errorMessage":"no host","stack":[]}`), "END RequestId: r1", foldReport("r1", ""),
			},
			outcome: "error", err: "no host", jobs: "a failed", errors: 2,
		},
		"TypeScript, skipped": {
			lines: []string{
				"START RequestId: r1 Version: 1", node("r1", "INFO", foldMarker("r1", "a")),
				node("r1", "INFO", "[Worker] Skipping already terminal job (idempotent): { jobId: 'a', workerId: 'w', status: 'failed' }"), "END RequestId: r1", foldReport("r1", ""),
			},
			outcome: "ok", jobs: "a skipped",
		},
		"Python, raised": {
			lines:   []string{"START RequestId: r1 Version: 1", "[ERROR] KeyError: 'x'\rTraceback (most recent call last):\r  File", "END RequestId: r1", foldReport("r1", "Status: error\tError Type: KeyError")},
			outcome: "error", err: "'x'", errors: 1,
		},
		"JSON": {
			lines: []string{
				`{"type":"platform.start","record":{"requestId":"r1"}}`, `{"level":"ERROR","requestId":"r1","message":"bad"}`, `{"type":"platform.runtimeDone","record":{"requestId":"r1","status":"timeout"}}`,
				`{"type":"platform.report","record":{"requestId":"r1","status":"timeout","metrics":{"durationMs":3000}}}`,
			},
			outcome: "timed out", err: "Task timed out after 3.00 seconds", errors: 1,
		},
		"still running":     {lines: []string{"START RequestId: r1 Version: 1", foldMarker("r1", "a")}, outcome: "running", jobs: "a running", cut: "end"},
		"its end is cut":    {lines: []string{"START RequestId: r1 Version: 1", foldMarker("r1", "a")}, outcome: "unknown", jobs: "a unknown", cut: "end", past: true},
		"its start is cut":  {lines: []string{"left over", foldEvent("job.completed", "r1", "a", 1), "END RequestId: r1", foldReport("r1", "")}, outcome: "ok", jobs: "a#1 completed", cut: "start"},
		"REPORT is missing": {lines: []string{"START RequestId: r1 Version: 1", "END RequestId: r1"}, outcome: "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := stream("s", tt.lines...)
			now := foldStart.Add(time.Minute)
			if tt.past {
				now = time.Time{}
			}
			all := logs.Fold(lines, now)
			if len(all) != 1 {
				t.Fatalf("%d invocations: %+v", len(all), all)
			}
			i := all[0]
			var jobs []string
			for _, j := range i.Jobs {
				n := ""
				if j.Attempt > 0 {
					n = fmt.Sprint("#", j.Attempt)
				}
				jobs = append(jobs, j.JobID+n+" "+j.Outcome)
			}
			message := ""
			if i.Error != nil {
				message = i.Error.Message
			}
			cut := ""
			if i.StartCut {
				cut += "start"
			}
			if i.EndCut {
				cut += "end"
			}
			if i.Outcome != tt.outcome || message != tt.err || strings.Join(jobs, ", ") != tt.jobs || cut != tt.cut || i.Warnings != tt.warnings || i.Errors != tt.errors {
				t.Errorf("got %q, error %q, jobs %q, cut %q, %d warnings, %d errors\nwant %q, error %q, jobs %q, cut %q, %d warnings, %d errors",
					i.Outcome, message, strings.Join(jobs, ", "), cut, i.Warnings, i.Errors, tt.outcome, tt.err, tt.jobs, tt.cut, tt.warnings, tt.errors)
			}
			if i.RequestID != "r1" || i.WorkerID != "w" || i.Stream != "s" || i.Report != nil && i.Duration() != 3*time.Second {
				t.Errorf("%+v", i)
			}
			if i.StartCut && !i.Start.Equal(i.End.Add(-3*time.Second)) {
				t.Errorf("begins at %v", i.Start)
			}
		})
	}
}

// Streams whose lines come in any order are told apart, and every invocation is
// told once, with what belongs to it.
func TestFoldAnyOrder(t *testing.T) {
	t.Parallel()
	var lines []logs.Line
	const streams, each = 5, 4
	for s := range streams {
		var texts []string
		for n := range each {
			req, job := fmt.Sprintf("r-%d-%d", s, n), fmt.Sprintf("j-%d-%d", s, n)
			texts = append(texts, "START RequestId: "+req+" Version: 1", foldMarker(req, job), foldEvent("job.completed", req, job, 1), "END RequestId: "+req, foldReport(req, ""))
		}
		lines = append(lines, stream(fmt.Sprint("s", s), texts...)...)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(a, b int) { lines[a], lines[b] = lines[b], lines[a] })
	all := logs.Fold(lines, time.Time{})
	if len(all) != streams*each {
		t.Fatalf("%d invocations", len(all))
	}
	for _, i := range all {
		want := "j" + strings.TrimPrefix(i.RequestID, "r")
		if i.Outcome != "ok" || i.Lines != 5 || len(i.Jobs) != 1 || i.Jobs[0].JobID != want || i.Jobs[0].Outcome != "completed" || i.StartCut || i.EndCut {
			t.Errorf("%+v", i)
		}
	}
}

// Lambda repeats an asynchronous invocation under the id of the first.
func TestFoldSameRequestTwice(t *testing.T) {
	t.Parallel()
	all := logs.Fold(stream("s", "START RequestId: r1 Version: 1", foldReport("r1", "Status: timeout"), "START RequestId: r1 Version: 1", foldReport("r1", "")), time.Time{})
	if len(all) != 2 || all[0].Outcome != "timed out" || all[1].Outcome != "ok" {
		t.Errorf("%+v", all)
	}
}

// A tail goes on for days: what has ended is handed over once, and what is kept has a
// bound.
func TestFolderIsBounded(t *testing.T) {
	t.Parallel()
	f := logs.NewFolder(8)
	told := map[string]int{}
	at := foldStart
	for n := range 100 {
		req := fmt.Sprint("r", n)
		for _, s := range []string{"START RequestId: " + req + " Version: 1", "END RequestId: " + req, foldReport(req, "")} {
			if n%3 == 0 && strings.HasPrefix(s, "REPORT") {
				continue // never arrives
			}
			at = at.Add(time.Second)
			l := logs.Parse("g", "s", "w", "e", at, s)
			f.Add(&l)
		}
		for _, i := range f.Settled(at) {
			told[i.RequestID]++
		}
		if n := len(f.Invocations(at)); n > 8 {
			t.Fatalf("%d are kept", n)
		}
	}
	for _, i := range f.Invocations(at) {
		told[i.RequestID]++
	}
	if len(told) != 100 {
		t.Errorf("%d of 100 were told", len(told))
	}
	for req, n := range told {
		if n != 1 {
			t.Errorf("%s was told %d times", req, n)
		}
	}
}

func TestInvocationAsJSON(t *testing.T) {
	t.Parallel()
	all := logs.Fold(stream("s", "START RequestId: r1 Version: 1", foldMarker("r1", "a"), foldEvent("job.completed", "r1", "a", 1), foldReport("r1", "Init Duration: 100.50 ms")), time.Time{})
	text, err := json.Marshal(all)
	const want = `[{"requestId":"r1","workerId":"w","logGroup":"/aws/lambda/f","stream":"s","start":"2026-01-02T03:04:05Z","end":"2026-01-02T03:04:05.03Z","outcome":"ok",` +
		`"jobs":[{"jobId":"a","attempt":1,"outcome":"completed"}],"lines":4,"durationMs":3000,"billedMs":3001,"initMs":100.5,"memoryMB":128,"maxMemoryMB":51}]`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s\n%s", err, text, want)
	}
}

// Ten lines an invocation, as a tail hands them over.
func BenchmarkFolder(b *testing.B) {
	var lines []logs.Line
	for n := range 100 {
		req := fmt.Sprint("r", n)
		lines = append(lines, stream(fmt.Sprint("s", n%5),
			"START RequestId: "+req+" Version: 1", foldMarker(req, "a"), foldEvent("job.started", req, "a", 1), "a", "b", "c", "d", foldEvent("job.completed", req, "a", 1), "END RequestId: "+req, foldReport(req, ""))...)
	}
	b.ReportAllocs()
	f := logs.NewFolder(0)
	now := foldStart
	for b.Loop() {
		for i := range lines {
			f.Add(&lines[i])
		}
		now = now.Add(time.Hour)
		if n := len(f.Settled(now)); n == 0 {
			b.Fatal("nothing settled")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(lines)), "ns/line")
}
