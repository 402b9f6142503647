package logs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestReadMergesGroupsInOrderAcrossPages(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.pageSize = 7
	var want []string
	for i := range 100 {
		group := []string{"a", "b", "c"}[i%3]
		text := fmt.Sprintf("line %03d", i)
		c.put(group, "s", t0.Add(time.Duration(i/2)*time.Millisecond), 0, text)
		want = append(want, text)
	}
	got := texts(readAll(t, c, logs.Query{Sources: source("a", "b", "c", "never-ran")}))
	// Equal times may come in any order between groups.
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %d lines: %q", len(got), got)
	}
}

func TestReadBoundsAndFilters(t *testing.T) {
	t.Parallel()
	c := newCloud()
	for i, s := range []string{"[INFO] [w] [j] one", "[ERROR] [w] [j] two", "[ERROR] [w] [j] three", "[ERROR] [w] [j] four"} {
		c.put("g", "s", t0.Add(time.Duration(i)*time.Second), 0, s)
	}
	got := texts(readAll(t, c, logs.Query{
		Sources: source("g"), Since: t0, Until: t0.Add(2 * time.Second), MinLevel: logs.LevelError,
		Match: func(l *logs.Line) bool { return l.Text != "three" },
	}))
	if !slices.Equal(got, []string{"two"}) {
		t.Errorf("got %q", got)
	}
}

func TestReadRetriesThrottlingAndReportsDenied(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.put("g", "s", t0, 0, "x")
	c.fail = func(call int, _ *cloudwatchlogs.FilterLogEventsInput) error {
		if call == 1 {
			return throttled()
		}
		return nil
	}
	if got := texts(readAll(t, c, logs.Query{Sources: source("g")})); !slices.Equal(got, []string{"x"}) {
		t.Errorf("got %q", got)
	}
	c.fail = func(int, *cloudwatchlogs.FilterLogEventsInput) error {
		return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	}
	calls := c.calls
	err := fastReader(c).Read(t.Context(), logs.Query{Sources: source("g")}, func([]logs.Line) error { return nil })
	if kind, _ := aws.Classify(err); err == nil || kind != aws.KindDenied || !strings.Contains(err.Error(), `"g"`) {
		t.Errorf("err = %v", err)
	}
	if n := c.calls - calls; n != 1 {
		t.Errorf("a denied call was made %d times", n)
	}
}

func TestReadEndsWithTheCallersError(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.put("g", "s", t0, 0, "x")
	stop := errors.New("stop")
	if err := fastReader(c).Read(t.Context(), logs.Query{Sources: source("g")}, func([]logs.Line) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("err = %v", err)
	}
}

// A bare print belongs to the invocation around it, and to its only job.
func TestReadTellsBarePrints(t *testing.T) {
	t.Parallel()
	c := newCloud()
	v := &invocation{c: c, group: "g", stream: "s", req: "r1", at: t0}
	v.say("INIT_START Runtime Version: x")
	v.start()
	v.marker("job-1")
	v.say("bare")
	v.end()
	v.say("between invocations")
	got := readAll(t, c, logs.Query{Sources: source("g")})
	if l := got[3]; l.Text != "bare" || l.RequestID != "r1" || l.JobID != "job-1" {
		t.Errorf("bare print: request %q job %q", l.RequestID, l.JobID)
	}
	if l := got[5]; l.Kind != logs.KindReport || l.JobID != "job-1" {
		t.Errorf("REPORT of a single job names job %q", l.JobID)
	}
	if l := got[6]; l.RequestID != "" || l.JobID != "" {
		t.Errorf("a line outside: request %q job %q", l.RequestID, l.JobID)
	}
}

// While two jobs of an invocation are under way at once, a bare print may be
// either's.
func TestReadJobsSideBySide(t *testing.T) {
	t.Parallel()
	c := newCloud()
	v := &invocation{c: c, group: "g", stream: "s", req: "r1", at: t0}
	v.start()
	v.marker("a")
	v.marker("b")
	v.say("whose?")
	v.event("job.completed", "a", 1, "")
	v.say("print of b")
	got := readAll(t, c, logs.Query{Sources: source("g")})
	if got[3].JobID != "" || got[5].JobID != "b" {
		t.Errorf("prints are said to be of %q and %q", got[3].JobID, got[5].JobID)
	}
	for job, n := range map[string]int{"a": 4, "b": 4} {
		if got := readAll(t, c, logs.Query{Sources: source("g"), JobID: job}); len(got) != n {
			t.Errorf("%s: %q", job, texts(got))
		}
	}
}

// batch writes an invocation with three jobs and one before and after it in
// the same stream; it returns what belongs to job "j2".
func batch(c *cloud, job string) (want []string) {
	v := &invocation{c: c, group: "g", stream: "s", req: "before", at: t0}
	v.start()
	v.marker("other")
	v.say("bare print of other")
	v.end()
	v.req = "r1"
	want = append(want, v.start())
	want = append(want, v.say("bare before any job"))
	v.marker("j1")
	v.say("bare print of j1")
	v.event("job.completed", "j1", 1, "")
	want = append(want, v.say("bare between two jobs"))
	want = append(want, v.marker(job))
	want = append(want, v.event("job.started", job, 1, ""))
	want = append(want, v.say("bare print of "+job))
	v.say(`{"level":"INFO","msg":"late word of j1 about ` + job + `","jobId":"j1","requestId":"r1"}`)
	want = append(want, v.event("job.completed", job, 1, ""))
	v.marker("j3")
	v.say("bare print of j3")
	v.say("panic: j3 broke")
	want = append(want, v.say("RequestId: r1 Error: Runtime exited with error: exit status 2\nRuntime.ExitError"))
	end := v.end()
	want = append(want, end[0], end[1])
	v.req = "after"
	v.start()
	v.marker(job + "0") // an id that begins like ours
	v.say("bare print of another, which names no job")
	v.end()
	// Another environment does something else at the same time.
	w := &invocation{c: c, group: "g", stream: "s2", req: "r9", at: t0}
	w.start()
	w.marker("j9")
	w.say("dispatched " + job) // by its own job, not by ours
	// A line that names our job as a child does not make the request ours.
	want = append(want, w.say(`{"level":"INFO","msg":"child sent","jobId":"`+job+`","requestId":"r9"}`))
	w.say("bare print of j9")
	w.end()
	return want
}

func TestReadJobOfABatch(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"j2", `j"2`, "jöb 2"} { // the last two cannot be quoted
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 3, 1000} {
				c := newCloud()
				c.pageSize = size
				id := strings.ReplaceAll(job, `"`, `\"`)
				want := batch(c, id)
				slices.Sort(want)
				got := readAll(t, c, logs.Query{Sources: source("g"), JobID: job})
				var ids []string
				for i := range got {
					ids = append(ids, got[i].ID)
				}
				slices.Sort(ids)
				if !slices.Equal(ids, want) {
					t.Errorf("pages of %d: got %q\nwant ids %q, got %q", size, texts(got), want, ids)
				}
			}
		})
	}
}

// Searching must not read a busy group whole.
func TestReadJobReadsLittle(t *testing.T) {
	t.Parallel()
	c := newCloud()
	for i := range 50 {
		for j := range 40 {
			v := &invocation{c: c, group: "g", stream: fmt.Sprintf("s%d", i), req: fmt.Sprintf("r%d-%d", i, j), at: t0.Add(time.Duration(j) * time.Minute)}
			v.start()
			v.marker(fmt.Sprintf("job-%d-%d", i, j))
			v.end()
		}
	}
	c.pageSize = 100
	c.fail = func(_ int, in *cloudwatchlogs.FilterLogEventsInput) error {
		if in.FilterPattern == nil && len(in.LogStreamNames) != 1 {
			t.Error("read every stream")
		}
		return nil
	}
	got := readAll(t, c, logs.Query{Sources: source("g"), JobID: "job-7-20"})
	if len(got) != 4 {
		t.Errorf("got %q", texts(got))
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	got := logs.Sources(
		aws.Worker{ID: "a", Function: &aws.Function{Name: "fa"}},
		aws.Worker{ID: "b", Function: &aws.Function{Name: "fb", LogGroup: "/custom"}},
		aws.Worker{ID: "c"},
		aws.Worker{ID: "d", Function: &aws.Function{Name: "fd", LogGroup: "/custom"}},
	)
	if want := []logs.Source{{"a", "/aws/lambda/fa"}, {"", "/custom"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
