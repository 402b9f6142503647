package logs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// localStage is CloudWatch Logs over HTTP and a stage opened on it.
func localStage(tb testing.TB, cfg ...cwlogs.Config) (*cwlogs.Service, *aws.Stage) {
	tb.Helper()
	svc := cwlogs.New(append(cfg, cwlogs.Config{})[0])
	srv := httptest.NewServer(svc.Handler())
	tb.Cleanup(srv.Close)
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	s, err := aws.Open(tb.Context(), aws.Target{EndpointURL: srv.URL, Stage: "test"}, aws.Options{
		HTTPClient: &http.Client{Transport: transport}, AuditPath: aws.NoAudit, Getenv: func(string) string { return "" },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return svc, s
}

func put(svc *cwlogs.Service, group, stream string, texts ...string) {
	events := make([]functions.LogEvent, len(texts))
	for i, s := range texts {
		events[i] = functions.LogEvent{Time: time.Now(), Message: s}
	}
	svc.Append(group, stream, events...)
}

func attempt(req, job, event string) []string {
	return []string{
		"START RequestId: " + req + " Version: $LATEST\n",
		`[AIWORKER_RUN] {"jobId":"` + job + `","workerId":"w","awsRequestId":"` + req + `"}`,
		"bare print of " + job,
		`{"level":"INFO","msg":"` + event + `","event":"` + event + `","jobId":"` + job + `","workerId":"w","requestId":"` + req + `","attempt":1,"output":{"job":"` + job + `"}}`,
		"END RequestId: " + req + "\n",
		"REPORT RequestId: " + req + "\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\n",
	}
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	svc, s := localStage(t)
	for i := range 30 {
		put(svc, "/aws/lambda/w", fmt.Sprintf("s%d", i%3), attempt(fmt.Sprintf("r%d", i), fmt.Sprintf("job-%d", i), "job.completed")...)
	}
	src := []logs.Source{{WorkerID: "w", Group: "/aws/lambda/w"}, {WorkerID: "v", Group: "/aws/lambda/never-ran"}}
	r := logs.For(s)
	n := 0
	if err := r.Read(t.Context(), logs.Query{Sources: src}, func(l []logs.Line) error { n += len(l); return nil }); err != nil || n != 180 {
		t.Errorf("read all: %d lines, %v", n, err)
	}
	var got []string
	err := r.Read(t.Context(), logs.Query{Sources: src, JobID: "job-1"}, func(l []logs.Line) error { got = append(got, texts(l)...); return nil })
	want := []string{
		"START RequestId: r1 Version: $LATEST", `[AIWORKER_RUN] {"jobId":"job-1","workerId":"w","awsRequestId":"r1"}`, "bare print of job-1",
		`job.completed attempt=1 output={"job":"job-1"}`, "END RequestId: r1", "REPORT RequestId: r1 Duration: 12.00 ms Billed Duration: 12 ms Memory Size: 128 MB Max Memory Used: 30 MB",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("read a job: %q %v", got, err)
	}
}

func TestWaitJobOverHTTP(t *testing.T) {
	t.Parallel()
	svc, s := localStage(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	first := make(chan struct{})
	go func() {
		put(svc, "/aws/lambda/w", "s", attempt("r0", "other", "job.completed")...)
		put(svc, "/aws/lambda/w", "s", attempt("r1", "job-1", "job.retrying")...)
		<-first
		put(svc, "/aws/lambda/w", "s", attempt("r2", "job-1", "job.completed")...)
	}()
	begin := time.Now()
	seen := 0
	out, err := logs.For(s).WaitJob(ctx, logs.Query{Sources: []logs.Source{{WorkerID: "w", Group: "/aws/lambda/w"}}, JobID: "job-1", Since: begin}, 3, func(logs.Line) {
		if seen++; seen == 6 {
			close(first)
		}
	})
	if err != nil || out.Status != logs.StatusCompleted || string(out.Output) != `{"job":"job-1"}` || seen < 10 {
		t.Errorf("%+v %v after %d lines", out, err, seen)
	}
}

func BenchmarkTail(b *testing.B) {
	svc, s := localStage(b)
	const groups, lines = 10, 10_000
	var src []logs.Source
	for g := range groups {
		name := fmt.Sprintf("/aws/lambda/w%d", g)
		src = append(src, logs.Source{WorkerID: name, Group: name})
		for i := 0; i < lines; i += 6 {
			put(svc, name, "s", attempt(fmt.Sprintf("r%d-%d", g, i), fmt.Sprintf("job-%d-%d", g, i), "job.completed")...)
		}
	}
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		total = 0
		if err := logs.For(s).Read(b.Context(), logs.Query{Sources: src}, func(l []logs.Line) error { total += len(l); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
