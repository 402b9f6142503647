package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// A program that does not answer holds up nothing once the caller gives up.
func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := local.Start(ctx, local.Config{Listen: "127.0.0.1:0", Programs: []local.Program{program(nil)}, Env: []string{asWorker + "=hang"}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "example.test/workers") {
		t.Errorf("got %v, want the end of the context and the program's name", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s to give up", took)
	}
}

// Whoever gives up on a program that hangs gives up on what it has started, too.
func TestNothingIsLeftOfAManifestThatHangs(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS == "windows" {
		t.Skip("Windows has no signal for a group of processes")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan error, 1)
	go func() {
		_, err := local.Start(ctx, local.Config{Listen: "127.0.0.1:0", Programs: []local.Program{program(nil)}, Env: []string{
			asWorker + "=brood", asWorker + "_HELD=" + listener.Addr().String(),
		}})
		started <- err
	}()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	child, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	cancel()
	if err := <-started; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if err := child.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	// The connection ends, in one way or another, when the process does.
	if _, err := io.ReadAll(child); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("what the program had started is still running")
	}
}

// A job that prints more than a log group holds runs to its end, the group stays
// within its bounds, and the next job is served.
func TestFloodOfOutput(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t, "flood"))}})
	c := connect(t, s, dispatch.StableHTTPClient)
	c.send(t, "flood", "job-flood", `{"megabytes":100}`)
	c.waitFor(t, "aiw-demo-workerFlood", `{ $.jobId = "job-flood" && $.event = "job.completed" }`)
	c.waitFor(t, "aiw-demo-workerFlood", `"REPORT RequestId"`)
	groups, err := c.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.LogGroups {
		n := awssdk.ToInt64(g.StoredBytes)
		if flooded := awssdk.ToString(g.LogGroupName) == "/aws/lambda/aiw-demo-workerFlood"; flooded && (n < cwlogs.DefaultMaxBytes/2 || n > cwlogs.DefaultMaxBytes) {
			t.Errorf("the log group holds %d bytes of 100 MB, want nearly %d", n, cwlogs.DefaultMaxBytes)
		}
	}
	c.send(t, "flood", "job-after", `{"megabytes":0}`)
	c.waitFor(t, "aiw-demo-workerFlood", `{ $.jobId = "job-after" && $.event = "job.completed" }`)
}

// Close with a context that is over must still leave nothing behind: no process,
// no waiting request, no file.
func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t, "pid"))}, Env: []string{"TMPDIR=" + temp}})
	c := connect(t, s, dispatch.StableHTTPClient)
	c.send(t, "pid", "job-pid", `{}`)
	lines := c.waitFor(t, "aiw-demo-workerPid", `{ $.msg = "here" }`)
	var line pidOutput
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || line.PID == 0 {
		t.Fatalf("the line %s has no process id: %v", lines[0], err)
	}
	if !alive(line.PID) {
		t.Fatalf("process %d is not running", line.PID)
	}
	url := c.queueURL(t, "aiw-pid-dlq-demo")
	polled := make(chan error, 1)
	go func() {
		_, err := c.sqs.ReceiveMessage(context.WithoutCancel(t.Context()), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20},
			func(o *sqs.Options) { o.Retryer = awssdk.NopRetryer{} })
		polled <- err
	}()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(over); err != nil {
		t.Errorf("Close: %v", err)
	}
	if alive(line.PID) {
		t.Errorf("process %d outlives Close", line.PID)
	}
	// Answered or cut off, but not after 20 s: the endpoint is not there any more.
	if err := <-polled; err != nil {
		t.Logf("the request that was waiting was cut off: %v", err)
	}
	if _, err := c.http.Get(s.Endpoint() + "/health"); err == nil {
		t.Error("the endpoint still answers")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// alive says whether a process runs; one that has ended and was not waited for does not.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release() //nolint:errcheck // nothing depends on it
	return probe(p) == nil
}
