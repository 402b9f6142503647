// Package runtimetest runs a worker in a test the way Lambda runs it.
//
//	func TestResize(t *testing.T) {
//		out, err := runtimetest.Run(t, resize, ResizeInput{URL: "https://example.com/1.png"})
//		...
//	}
package runtimetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
)

// Option changes the delivery that Run makes.
type Option func(*delivery)

type delivery struct {
	message     dispatch.Message
	attempt     int
	maxAttempts int
	timeout     time.Duration
}

// WithAttempt delivers the message for the n-th time, of at most limit; a limit of
// zero is unknown to the worker. Default: the first delivery of one.
func WithAttempt(n, limit int) Option {
	return func(d *delivery) { d.attempt, d.maxAttempts = n, limit }
}

// WithMetadata gives the job metadata. Default: none.
func WithMetadata(md map[string]any) Option {
	return func(d *delivery) { d.message.Metadata = md }
}

// WithSentAt says when the job was dispatched. Default: the message does not say.
func WithSentAt(at time.Time) Option {
	return func(d *delivery) { d.message.Timestamp = at }
}

// WithUserID says whom the job is for. Default: nobody.
func WithUserID(id string) Option {
	return func(d *delivery) { d.message.UserID = id }
}

// WithWebhookURL gives the job a completion webhook. Default: none.
func WithWebhookURL(url string) Option {
	return func(d *delivery) { d.message.WebhookURL = url }
}

// WithTimeout sets the time until the function's deadline. Default: one minute.
func WithTimeout(timeout time.Duration) Option {
	return func(d *delivery) { d.timeout = timeout }
}

// lockedBuffer is a log that a handler may still write to when Run has returned
// without it, because it ran on after its deadline.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
}

// Run delivers one message with the given input to the worker and returns what
// came of it: the output, or the error of the attempt, which wraps the handler's.
// Schemas, panics, deadline and partial batch response are those of production,
// since it is the same code. The worker's log is shown when the test fails.
func Run[In, Out any](t testing.TB, w *runtime.Worker[In, Out], in In, opts ...Option) (Out, error) {
	t.Helper()
	var out Out
	d := delivery{attempt: 1, maxAttempts: 1, timeout: time.Minute}
	for _, o := range opts {
		o(&d)
	}
	input, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode the input: %w", err)
	}
	d.message.WorkerID, d.message.JobID, d.message.Input = w.ID(), "job-under-test", input
	body, err := json.Marshal(&d.message)
	if err != nil {
		return out, fmt.Errorf("encode the message: %w", err)
	}

	var log lockedBuffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of worker %q:\n%s", w.ID(), log.text())
		}
	})
	outcome := runtime.Outcome{Err: errors.New("the worker did not run")}
	app, err := runtime.NewApp(runtime.AppConfig{
		Output:    &log,
		OnOutcome: func(_ context.Context, o runtime.Outcome) { outcome = o },
		Getenv: func(name string) string {
			if name == "AIWORKER_MAX_RECEIVE_COUNT" && d.maxAttempts > 0 {
				return strconv.Itoa(d.maxAttempts)
			}
			return ""
		},
	}, w)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), d.timeout)
	defer cancel()
	const id = "message-under-test"
	resp, err := app.HandleSQS(ctx, events.SQSEvent{Records: []events.SQSMessage{{
		MessageId:  id,
		Body:       string(body),
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(d.attempt)},
	}}})
	if err != nil {
		return out, err
	}
	if reported := len(resp.BatchItemFailures) == 1 && resp.BatchItemFailures[0].ItemIdentifier == id; reported != (outcome.Err != nil) {
		t.Errorf("the outcome is %v, but the response to SQS is %+v", outcome.Err, resp.BatchItemFailures)
	}
	if outcome.Err != nil {
		return out, outcome.Err
	}
	if err := json.Unmarshal(outcome.Output, &out); err != nil {
		return out, fmt.Errorf("decode the output: %w", err)
	}
	return out, nil
}
