package logs_test

import (
	"slices"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// With a pattern CloudWatch leaves lines out, so nothing is inferred from those
// that are left: here the second request's START and the first one's END are missing.
func TestReadPattern(t *testing.T) {
	t.Parallel()
	svc, s := localStage(t)
	put(svc, "/aws/lambda/w", "s",
		`[AIWORKER_RUN] {"jobId":"j1","workerId":"w","awsRequestId":"r1"}`, "END RequestId: r1", "START RequestId: r2 Version: $LATEST",
		"a print", "panic: boom", "2026-01-02T03:04:05.678Z r2 Task timed out after 3.00 seconds",
	)
	put(svc, "/aws/lambda/v", "s", "panic: elsewhere", "a print")
	read := func(q logs.Query) []string {
		t.Helper()
		var got []string
		q.Sources = []logs.Source{{WorkerID: "w", Group: "/aws/lambda/w"}, {WorkerID: "v", Group: "/aws/lambda/v"}, {Group: "/aws/lambda/none"}}
		err := logs.For(s).Read(t.Context(), q, func(lines []logs.Line) error {
			for i := range lines {
				got = append(got, lines[i].WorkerID+"|"+lines[i].RequestID+"|"+lines[i].JobID+"|"+lines[i].Text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got) // the groups' times are the clock's
		return got
	}
	q := logs.Query{Pattern: `?"[AIWORKER_RUN]" ?"panic: " ?"Task timed out"`, Since: time.Now().Add(-time.Hour)}
	want := []string{
		"v|||panic: elsewhere",
		"w|r1|j1|[AIWORKER_RUN] {\"jobId\":\"j1\",\"workerId\":\"w\",\"awsRequestId\":\"r1\"}",
		"w|r2||2026-01-02T03:04:05.678Z r2 Task timed out after 3.00 seconds",
		"w|||panic: boom",
	}
	if got := read(q); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	q.MinLevel = logs.LevelError
	if got := read(q); len(got) != 3 {
		t.Errorf("errors only: %q", got)
	}
	// A job is searched for as ever.
	q.MinLevel, q.JobID = logs.LevelNone, "j1"
	if got := read(q); len(got) != 2 {
		t.Errorf("a job: %q", got)
	}
	err := logs.For(s).Read(t.Context(), logs.Query{Sources: []logs.Source{{Group: "/aws/lambda/w"}}, Pattern: `"open`}, func([]logs.Line) error { return nil })
	if err == nil {
		t.Error("a pattern that is none was accepted")
	}
}
