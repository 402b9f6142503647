package logs

import (
	"strings"
	"testing"
	"time"
)

// An object that Node printed on several lines and that arrives as as many events is
// read as one, and no event is lost.
func TestSpreadDumpIsJoined(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	feed := func(texts ...string) []Line {
		f := newFilter(&Query{})
		var out []Line
		for i, s := range texts {
			out = f.take(out, []Line{Parse("g", "s", "w", "e", at.Add(time.Duration(i)*time.Millisecond), s)})
		}
		return out
	}
	failed := []string{
		"START RequestId: r1 Version: $LATEST",
		`[AIWORKER_RUN] {"jobId":"j","workerId":"w","awsRequestId":"r1"}`,
		"[Worker] Error processing SQS record: {", "  jobId: 'j',", "  workerId: 'w',", "  error: 'no host',", "  more: {", "    deep: [Object]", "  }", "}",
	}
	lines := feed(failed...)
	if len(lines) != len(failed) {
		t.Fatalf("%d lines of %d", len(lines), len(failed))
	}
	last := lines[len(lines)-1]
	e, ok := last.Ending()
	if !ok || e.How != HowFailed || e.Error.Message != "no host" || last.JobID != "j" || last.RequestID != "r1" || last.Level != LevelError || last.Raw != "}" ||
		last.Text != "[Worker] Error processing SQS record: { jobId: 'j', workerId: 'w', error: 'no host', more: { deep: [Object] } }" {
		t.Errorf("the last line says %+v of %+v", e, last)
	}
	job := NewJob("j", 1)
	for i := range lines {
		out, ended := job.Observe(&lines[i])
		if ended != (i == len(lines)-1) {
			t.Errorf("after line %d %q: ended %v", i, lines[i].Raw, ended)
		}
		if ended && (out.Error == nil || out.Error.Message != "no host") {
			t.Errorf("the outcome is %+v", out)
		}
	}

	for name, texts := range map[string][]string{
		"something in between": {"[Worker] Job completed: {", "  jobId: 'j',", "other", "}"},
		"another invocation":   {"[Worker] Job completed: {", "  jobId: 'j',", "END RequestId: r1", "}"},
		"too long":             append([]string{"[Worker] Job completed: {"}, append(strings.Split(strings.Repeat("  a: 'b',\n", dumpLines), "\n"), "}")...),
		"no dump":              {"config {", "  jobId: 'j',", "}"},
	} {
		for _, l := range feed(texts...) {
			if _, ok := l.Ending(); ok {
				t.Errorf("%s: %q ends a job", name, l.Raw)
			}
		}
	}
}
