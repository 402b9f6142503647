package deadletters_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a dead-letter queue in memory.
type engine struct {
	letters  []letter.Letter
	warnings []string
	depth    int
	lookErr  error
	found    why.Found
	whyErr   error
	lines    []logs.Line
	linesErr error
	sent     []redrive.Sent

	// holdLook and holdWhy, when set, are waited for.
	holdLook, holdWhy chan struct{}

	mu       sync.Mutex
	limits   []int
	asked    [][]why.Job
	attempts []string
}

func (e *engine) Look(ctx context.Context, _ aws.Worker, limit int, each func([]letter.Letter) (bool, error)) (*redrive.Look, error) {
	e.mu.Lock()
	e.limits = append(e.limits, limit)
	e.mu.Unlock()
	if e.lookErr != nil {
		return &redrive.Look{}, e.lookErr
	}
	depth := max(e.depth, len(e.letters))
	for from := 0; from < len(e.letters); from += 10 {
		if _, err := each(e.letters[from:min(from+10, len(e.letters))]); err != nil {
			return &redrive.Look{}, err
		}
		if e.holdLook != nil {
			select {
			case <-e.holdLook:
			case <-ctx.Done():
				return &redrive.Look{}, ctx.Err()
			}
		}
	}
	return &redrive.Look{Depth: aws.Depth{Visible: depth}, Seen: len(e.letters), Complete: depth <= len(e.letters), Warnings: e.warnings}, nil
}

func (e *engine) Why(ctx context.Context, _ aws.Worker, jobs []why.Job) (why.Found, error) {
	e.mu.Lock()
	e.asked = append(e.asked, jobs)
	e.mu.Unlock()
	if e.holdWhy != nil {
		select {
		case <-e.holdWhy:
		case <-ctx.Done():
			return why.Found{}, ctx.Err()
		}
	}
	return e.found, e.whyErr
}

func (e *engine) Attempt(_ context.Context, _ aws.Worker, jobID, requestID string, _ time.Time) ([]logs.Line, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attempts = append(e.attempts, jobID+"/"+requestID)
	return e.lines, e.linesErr
}

func (e *engine) Replays(...string) ([]redrive.Sent, error) { return e.sent, nil }

func deadLetter(i int, body string) letter.Letter {
	l := letter.Letter{
		ID: id(i), Body: body, Source: "arn:aws:sqs:us-east-1:000000000000:aiw-orders-demo",
		SentAt:        screentest.Now().Add(-time.Duration(i*i) * time.Minute),
		FirstReceived: screentest.Now().Add(-time.Duration(i*i) * time.Minute / 2), ReceiveCount: 3 + i,
	}
	m, err := dispatch.ParseMessage([]byte(body))
	if err != nil {
		l.ParseErr = errors.New("line 1, column 1: this is not JSON")
		return l
	}
	l.Message = m
	return l
}

func id(i int) string { return fmt.Sprintf("5f3c%04d-8d1e-4b2a-9c3d-0123456789ab", i) }

func job(i int, input string) letter.Letter {
	return deadLetter(i, fmt.Sprintf(`{"workerId":"orders","jobId":"job-%d","input":%s,"context":{"requestId":"r-%d"},"metadata":{},"timestamp":"2026-03-02T03:04:05.000Z"}`, i, input, i))
}

func letters() []letter.Letter {
	tagged := job(1, `{"url":"https://media.example/one.mp4","tags":["a","b"],"retries":0,"fast":true,"note":null}`)
	tagged.Attributes = map[string]types.MessageAttributeValue{"source": {DataType: awssdk.String("String"), StringValue: awssdk.String("checkout")}}
	return []letter.Letter{
		tagged, job(2, `{"url":"https://media.example/two.mp4"}`), deadLetter(3, "hello,\nthis is no job"),
		job(4, `{"url":"https://slow.example/four.mp4"}`), job(5, `{"url":13}`), job(6, `{"url":"https://media.example/six.mp4"}`),
	}
}

func timedOut(i int) why.Failure {
	return why.Failure{
		JobID: fmt.Sprintf("job-%d", i), Kind: why.KindError, Name: "TimeoutError", Message: fmt.Sprintf("no answer from https://media.example/%d in 3000 ms", i),
		Stack: "TimeoutError: no answer\n    at fetch (worker.js:12:4)\n    at handler (worker.js:40:9)", RequestID: fmt.Sprintf("req-%d", i), Attempt: 3,
		At: screentest.Now().Add(-time.Duration(i) * time.Minute), Via: why.ViaLogs,
	}
}

// known is why all but one died: three of one thing, one of another.
func known() why.Found {
	return why.Found{
		Failures: map[string]why.Failure{
			"job-1": timedOut(1), "job-2": timedOut(2), "job-4": timedOut(4),
			"job-5": {JobID: "job-5", Kind: why.KindError, Name: "ValidationError", Message: "url must be a string", At: screentest.Now().Add(-time.Minute), Via: why.ViaRecord},
		},
		Notes: []string{"the logs before 2026-03-01 have expired"},
	}
}

const schema = `{"type":"object","required":["url"],"properties":{"url":{"type":"string"},"retries":{"type":"integer"}}}`

func env(t testing.TB, dead int) screen.Env {
	t.Helper()
	env := screentest.Env(t)
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{
		ID: "orders", InputSchema: json.RawMessage(schema),
		Queue:    &aws.Queue{Name: "aiw-orders-demo", URL: "http://127.0.0.1:4566/000000000000/aiw-orders-demo"},
		DLQ:      &aws.Queue{Name: "aiw-orders-dlq-demo", Depth: aws.Depth{Visible: dead}},
		Function: &aws.Function{Name: "aiw-orders", State: "Active", Runtime: "provided.al2023", LogGroup: "/aws/lambda/aiw-orders"},
		Mapping:  &aws.Mapping{State: "Enabled", ReportsBatchItemFailures: true},
	}}}
	return env
}

// person is somebody at one screen.
type person struct {
	*screentest.Person
	t *testing.T
	s *deadletters.Screen
}

func newScreen(t *testing.T, e *engine, edits *deadletters.Edits) *deadletters.Screen {
	t.Helper()
	return deadletters.New(env(t, len(e.letters)), e, edits, screen.OpenDead{WorkerID: "orders"})
}

func open(t *testing.T, e *engine, width, height int) *person {
	t.Helper()
	s := newScreen(t, e, deadletters.NewEdits())
	return &person{screentest.Drive(t, s, width, height), t, s}
}
