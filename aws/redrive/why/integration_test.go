package why_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

// localStage is CloudWatch Logs over HTTP and a stage opened on it.
func localStage(t *testing.T) (*cwlogs.Service, *aws.Stage) {
	t.Helper()
	svc := cwlogs.New(cwlogs.Config{})
	srv := httptest.NewServer(svc.Handler())
	t.Cleanup(srv.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := aws.Open(t.Context(), aws.Target{EndpointURL: srv.URL, Stage: "test"}, aws.Options{
		HTTPClient: &http.Client{Transport: transport}, AuditPath: aws.NoAudit, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return svc, s
}

// Both ways of searching find the same, through CloudWatch's own filter.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	svc, s := localStage(t)
	begin := time.Now()
	want := map[string]string{}
	var jobs []why.Job
	for i := range 60 {
		id, req := fmt.Sprintf("job-%d", i), fmt.Sprintf("r-%d", i)
		texts := []string{"START RequestId: " + req + " Version: $LATEST", "loading", marker(id, req), "bare print of " + id}
		var end []string
		switch i % 6 {
		case 0:
			end, want[id] = []string{event("job.failed", id, req, 1, `,"error":{"name":"NotFound","message":"no such host"}`)}, "NotFound: no such host"
		case 1:
			end, want[id] = []string{timedOut(req), report(req, "timeout", 30)}, "Task timed out after 3.00 seconds"
		case 2:
			end, want[id] = []string{"panic: boom", exited(req, "exit status 2"), report(req, "error", 30)}, "panic: boom"
		case 3:
			end, want[id] = []string{node(req, "ERROR", dump(id, "'boom'", nodeStack)), node(req, "INFO", status(id, "failed"))}, "TypeError: boom"
		case 4:
			end, want[id] = []string{node(req, "ERROR", "Invoke Error \t"+`{"errorType":"RangeError","errorMessage":"too far","stack":[]}`)}, "RangeError: too far"
		case 5:
			end = []string{event("job.completed", id, req, 1, `,"output":1`), report(req, "", 30)}
		}
		var events []functions.LogEvent
		for _, text := range append(append(texts, end...), "END RequestId: "+req) {
			events = append(events, functions.LogEvent{Time: time.Now(), Message: text})
		}
		svc.Append(group, fmt.Sprintf("s%d", i%3), events...)
		jobs = append(jobs, why.Job{ID: id, From: begin})
	}
	src := []logs.Source{{WorkerID: "w", Group: group}, {WorkerID: "v", Group: "/aws/lambda/never-ran"}}
	f := why.New(logs.For(s))
	for _, n := range []int{6, len(jobs)} {
		found, err := f.Find(t.Context(), src, jobs[:n])
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs[:n] {
			failure, ok := found.Failures[j.ID]
			if ok != (want[j.ID] != "") || ok && failure.Text() != want[j.ID] {
				t.Errorf("%d jobs: %s failed with %q, want %q", n, j.ID, failure.Text(), want[j.ID])
			}
		}
		if len(found.Status) != n/6 || len(found.Notes) != 1 {
			t.Errorf("%d jobs: status %v, notes %q", n, found.Status, found.Notes)
		}
	}
}
