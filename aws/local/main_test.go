package local_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime"
)

// asWorker makes the test binary a worker program: what a user builds, without
// a build.
const asWorker = "AIWCTL_TEST_WORKER"

func TestMain(m *testing.M) {
	switch os.Getenv(asWorker) {
	case "":
		goleak.VerifyTestMain(m)
	case "broken":
		fmt.Fprintln(os.Stderr, "panic: the configuration is missing")
		os.Exit(3)
	case "hang":
		<-time.After(time.Hour)
	case "brood":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), asWorker+"=held")
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		<-time.After(time.Hour)
	case "held":
		// Whoever has the other end sees when this process ends.
		if conn, err := net.Dial("tcp", os.Getenv(asWorker+"_HELD")); err == nil {
			fmt.Fprintln(conn, "here")
			<-time.After(time.Hour)
		}
	case "chatter":
		fmt.Println("hello, I am no worker program")
	default:
		app, err := runtime.NewApp(runtime.AppConfig{}, workers()...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(app.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
}

type pidOutput struct {
	PID int `json:"pid"`
}

// workers are the demo's, one that says which process it is and then stays, and one
// that prints a lot.
func workers() []runtime.Runner {
	pid := runtime.Must(runtime.New("pid", func(ctx context.Context, job *runtime.Job[struct{}]) (pidOutput, error) {
		job.Log.InfoContext(ctx, "here", "pid", os.Getpid())
		<-ctx.Done()
		return pidOutput{os.Getpid()}, nil
	}, runtime.WithTimeout(60*time.Second)))
	flood := runtime.Must(runtime.New("flood", func(_ context.Context, job *runtime.Job[floodInput]) (pidOutput, error) {
		line := strings.Repeat("x", 1<<20-1) + "\n"
		for range job.Input.Megabytes {
			if _, err := os.Stdout.WriteString(line); err != nil {
				return pidOutput{}, err
			}
		}
		return pidOutput{os.Getpid()}, nil
	}, runtime.WithTimeout(60*time.Second)))
	return append(jobs.All(), pid, flood)
}

// floodInput says how much a job prints.
type floodInput struct {
	Megabytes int `json:"megabytes"`
}

// manifest is that of the test program, with times short enough for a test.
func manifest(t *testing.T, only ...string) *dispatch.Manifest {
	t.Helper()
	app, err := runtime.NewApp(runtime.AppConfig{}, workers()...)
	if err != nil {
		t.Fatal(err)
	}
	all := app.Manifest()
	m := &dispatch.Manifest{Version: all.Version}
	for _, w := range all.Workers {
		for _, id := range only {
			if w.ID == id {
				m.Workers = append(m.Workers, w)
			}
		}
		if len(only) == 0 {
			m.Workers = append(m.Workers, w)
		}
	}
	for i := range m.Workers {
		w := &m.Workers[i]
		switch w.ID {
		case "fail", "flaky":
			w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds = 1, 1
		case "timeout":
			// Long enough that a process which starts slowly on a busy machine does not
			// use up a receive before it runs.
			w.TimeoutSeconds, w.SQS.VisibilityTimeoutSeconds = 1, 5
		}
	}
	return m
}

// program is the test binary with a manifest; nil means that it is asked.
func program(m *dispatch.Manifest) local.Program {
	return local.Program{Name: "example.test/workers", Command: []string{os.Args[0]}, Manifest: m}
}

// start runs an endpoint on a free port until the test ends.
func start(t *testing.T, cfg local.Config) *local.Server {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	cfg.Stage, cfg.Service = "demo", "aiw"
	cfg.Env = append(cfg.Env, asWorker+"=1")
	s, err := local.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's context is over by now, which Close must bear.
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// clients are SDK clients for an endpoint.
type clients struct {
	sqs    *sqs.Client
	logs   *cloudwatchlogs.Client
	lambda *lambda.Client
	sts    *sts.Client
	http   *http.Client
}

// connect makes clients; wrap may be nil.
func connect(t *testing.T, s *local.Server, wrap func(dispatch.Doer) dispatch.Doer) clients {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	plain := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	cfg := awssdk.Config{
		Region:       "us-east-1",
		BaseEndpoint: awssdk.String(s.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   plain,
	}
	if wrap != nil {
		cfg.HTTPClient = wrap(plain)
	}
	return clients{
		sqs: sqs.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg),
		lambda: lambda.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), http: plain,
	}
}

func (c clients) queueURL(t *testing.T, name string) *string {
	t.Helper()
	out, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

// send puts a job into a worker's queue.
func (c clients) send(t *testing.T, workerID, jobID, input string) {
	t.Helper()
	_, err := c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl:    c.queueURL(t, "aiw-"+workerID+"-demo"),
		MessageBody: awssdk.String(fmt.Sprintf(`{"workerId":%q,"jobId":%q,"input":%s,"context":{},"metadata":{},"timestamp":"2026-11-23T21:00:00.000Z"}`, workerID, jobID, input)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// search returns the log lines of a function that match a filter pattern.
func (c clients) search(t *testing.T, function, pattern string) []string {
	t.Helper()
	var lines []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(c.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: awssdk.String("/aws/lambda/" + function), FilterPattern: awssdk.String(pattern),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			lines = append(lines, awssdk.ToString(e.Message))
		}
	}
	return lines
}

// waitFor returns the first lines that match, once there are any.
func (c clients) waitFor(t *testing.T, function, pattern string) []string {
	t.Helper()
	var lines []string
	eventually(t, "a log line of "+function+" that matches "+pattern, func() bool {
		lines = c.search(t, function, pattern)
		return len(lines) > 0
	})
	return lines
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	const patience = 3 * time.Minute // on a busy machine
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}
