package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.uber.org/goleak"
)

// programVariable makes the test binary behave as a Lambda function.
const programVariable = "FUNCTIONS_TEST_PROGRAM"

// TestMain lets the test binary be its own Lambda function, with aws-lambda-go as
// it is, so that what the tests run is what is deployed.
func TestMain(m *testing.M) {
	switch os.Getenv(programVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "exit":
		fmt.Println("cannot start: no configuration")
		os.Exit(3)
	case "hang":
		fmt.Println("starting for ever")
		select {}
	case "parent":
		parent()
	case "sigterm":
		lambda.StartWithOptions(program, lambda.WithEnableSIGTERM(func() { fmt.Println("cleaning up") }))
	default:
		lambda.Start(program)
	}
}

// parent runs a function, prints the processes it started, and waits to be killed.
func parent() {
	m := New(Config{Queues: newFakeQueues(), Logs: &fakeLogs{}, RuntimeAPI: func() string { return os.Getenv("PARENT_LISTENS") }})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.Setenv("PARENT_LISTENS", listener.Addr().String())
	}
	if err == nil {
		go func() { _ = http.Serve(listener, m.RuntimeHandler()) }()
		err = m.Put(context.Background(), Function{Name: "f", Command: os.Args[:1], Env: []string{programVariable + "=run"}})
	}
	var result Result
	if err == nil {
		result, err = m.Invoke(context.Background(), "f", []byte(`{"do":"pid"}`))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(string(result.Payload))
	select {}
}

// order is what a test tells the program to do. SQS events carry one per message.
type order struct {
	Do    string `json:"do,omitempty"`
	Text  string `json:"text,omitempty"`
	Size  int    `json:"size,omitempty"`
	Sleep string `json:"sleep,omitempty"`

	Records []events.SQSMessage `json:"Records,omitempty"`
}

// program is the function.
func program(ctx context.Context, in order) (any, error) {
	if in.Records != nil {
		return batchProgram(in.Records)
	}
	if in.Sleep != "" {
		d, err := time.ParseDuration(in.Sleep)
		if err != nil {
			return nil, err
		}
		<-time.After(d)
	}
	switch in.Do {
	case "echo":
		return map[string]string{"text": in.Text}, nil
	case "error":
		return nil, errors.New(in.Text)
	case "panic":
		panic(in.Text)
	case "exit":
		fmt.Println("about to exit")
		os.Exit(1)
	case "print":
		for i := range in.Size {
			fmt.Printf("line %d of %s\n", i, in.Text)
		}
		fmt.Print("no newline at the end")
		return "printed", nil
	case "long":
		fmt.Println(strings.Repeat("é", in.Size/2))
		return nil, nil
	case "big":
		return strings.Repeat("x", in.Size), nil
	case "length":
		return len(in.Text), nil
	case "stream":
		return io.MultiReader(strings.NewReader(`{"half":`), failingReader{}), nil
	case "pid":
		return os.Getpid(), nil
	case "child":
		cmd := exec.Command("sleep", "300")
		cmd.Stdout = os.Stdout
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return []int{os.Getpid(), cmd.Process.Pid}, nil
	case "env":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"arn": lc.InvokedFunctionArn, "id": lc.AwsRequestID, "left": time.Until(deadline).Seconds(),
			"client": lc.ClientContext.Custom["who"],
		}, nil
	case "block":
		fmt.Println("blocked in " + in.Text)
		select {}
	}
	return nil, fmt.Errorf("unknown order %q", in.Do)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("the source dried up") }

// batchProgram does what the bodies of the messages say.
func batchProgram(records []events.SQSMessage) (any, error) {
	var response events.SQSEventResponse
	for _, r := range records {
		fmt.Printf("message %s receive %s\n", r.Body, r.Attributes["ApproximateReceiveCount"])
		switch {
		case r.Body == "fail":
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
		case r.Body == "throw":
			return nil, errors.New("the batch failed")
		case r.Body == "exit":
			os.Exit(1)
		case strings.HasPrefix(r.Body, "answer "):
			return json.RawMessage(strings.TrimPrefix(r.Body, "answer ")), nil
		case strings.HasPrefix(r.Body, "sleep "):
			d, _ := time.ParseDuration(strings.TrimPrefix(r.Body, "sleep "))
			<-time.After(d)
		}
	}
	return response, nil
}

// stage is a manager with its listener and fakes around it.
type stage struct {
	*Manager
	t      testing.TB
	queues *fakeQueues
	logs   *fakeLogs
	url    string
}

func newStage(t testing.TB, change ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, queues: newFakeQueues(), logs: &fakeLogs{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	cfg := Config{
		Queues: s.queues, Logs: s.logs,
		RuntimeAPI: func() string { return server.Listener.Addr().String() },
	}
	for _, f := range change {
		f(&cfg)
	}
	s.Manager = New(cfg)
	s.url = server.URL
	mux.Handle("/", s.RuntimeHandler())
	mux.Handle("/2015-03-31/", s.APIHandler())
	mux.Handle("/2019-09-30/", s.APIHandler())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
	})
	return s
}

// function puts the test program as a function.
func (s *stage) function(name string, change ...func(*Function)) {
	s.t.Helper()
	f := Function{
		Name: name, Handler: "worker.test", Command: []string{testBinary(s.t)},
		Env: []string{programVariable + "=run"}, Timeout: 20 * time.Second,
	}
	for _, c := range change {
		c(&f)
	}
	if err := s.Put(s.t.Context(), f); err != nil {
		s.t.Fatalf("put %s: %v", name, err)
	}
}

func testBinary(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *stage) invoke(name string, in order) Result {
	s.t.Helper()
	payload, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	result, err := s.Invoke(s.t.Context(), name, payload)
	if err != nil {
		s.t.Fatalf("invoke %s: %v", name, err)
	}
	return result
}

// eventually polls until ok, with a deadline that only a broken machine reaches.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}
