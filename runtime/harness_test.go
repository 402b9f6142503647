package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// envFakeLambda makes the test binary behave as a worker program, so that the
// Lambda role is tested in a process of its own.
const envFakeLambda = "AIWCTL_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(envFakeLambda) != "" {
		Main(testWorkers()...)
	}
	goleak.VerifyTestMain(m)
}

// order is the input and output of the test workers.
type order struct {
	Number int    `json:"number"`
	Note   string `json:"note,omitempty"`
}

// rig is an App whose log can be read.
type rig struct {
	*App
	mu  sync.Mutex
	log bytes.Buffer
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func newRig(t testing.TB, env map[string]string, workers ...Runner) *rig {
	t.Helper()
	r := &rig{}
	app, err := NewApp(AppConfig{Output: r, SQS: &fakeSQS{}, Getenv: func(name string) string { return env[name] }}, workers...)
	if err != nil {
		t.Fatal(err)
	}
	r.App = app
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", r.text())
		}
	})
	return r
}

func (r *rig) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// lines parses the log: markers apart, every line must be a JobEvent.
func (r *rig) lines(t testing.TB) (runs []dispatch.Run, jobEvents []dispatch.JobEvent) {
	t.Helper()
	for line := range strings.Lines(r.text()) {
		if text, ok := strings.CutPrefix(line, dispatch.RunMarker+" "); ok {
			var run dispatch.Run
			if err := json.Unmarshal([]byte(text), &run); err != nil {
				t.Errorf("marker %q: %v", line, err)
			}
			runs = append(runs, run)
			continue
		}
		var e dispatch.JobEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("log line %q: %v", line, err)
		}
		jobEvents = append(jobEvents, e)
	}
	return runs, jobEvents
}

// eventOf returns the only event of a kind.
func (r *rig) eventOf(t testing.TB, kind string) dispatch.JobEvent {
	t.Helper()
	_, all := r.lines(t)
	var found []dispatch.JobEvent
	for _, e := range all {
		if e.Event == kind {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d events %q, want 1", len(found), kind)
	}
	return found[0]
}

func (r *rig) eventNames(t testing.TB) string {
	t.Helper()
	_, all := r.lines(t)
	var names []string
	for _, e := range all {
		if e.Event != "" {
			names = append(names, e.Event)
		}
	}
	return strings.Join(names, " ")
}

func record(id, body string, attempt int) events.SQSMessage {
	return events.SQSMessage{
		MessageId:  id,
		Body:       body,
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(attempt)},
	}
}

func body(worker, job, input string) string {
	return fmt.Sprintf(`{"workerId":%q,"jobId":%q,"input":%s,"context":{"userId":"u-7"},"metadata":{"k":1}}`, worker, job, input)
}

func batchOf(records ...events.SQSMessage) events.SQSEvent { return events.SQSEvent{Records: records} }

// failures are the message ids that SQS shall deliver again.
func failures(t testing.TB, resp events.SQSEventResponse, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatalf("HandleSQS: %v", err)
	}
	ids := []string{}
	for _, f := range resp.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

var errService = errors.New("the service did not answer")

// testWorkers are one worker for each way of ending.
func testWorkers() []Runner {
	return []Runner{
		Must(New("ok", func(_ context.Context, j *Job[order]) (order, error) { return j.Input, nil })),
		Must(New("error", func(context.Context, *Job[order]) (order, error) { return order{}, errService })),
		Must(New("permanent", func(context.Context, *Job[order]) (order, error) { return order{}, Permanent(errService) })),
		Must(New("panic", func(context.Context, *Job[order]) (order, error) { panic("no such\norder") })),
		Must(New("exit", func(context.Context, *Job[order]) (order, error) { goexit(); return order{}, nil })),
		Must(New("bad-output", func(context.Context, *Job[order]) (order, error) { return order{Number: -1}, nil },
			WithOutputSchema(json.RawMessage(`{"type":"object","properties":{"number":{"minimum":0}}}`)))),
		Must(New("secret", func(context.Context, *Job[order]) (order, error) {
			return order{Number: len(os.Getenv("THE_KEY"))}, nil
		},
			WithSecrets("THE_KEY"))),
		Must(New("unencodable", func(context.Context, *Job[order]) (any, error) { return make(chan int), nil })),
	}
}
