// Package runtimetest runs workers in a test the way Lambda runs them: through the
// production pipeline, over a queue and a job store in memory.
//
// Run delivers one message to one worker:
//
//	func TestResize(t *testing.T) {
//		out, err := runtimetest.Run(t, resize, ResizeInput{URL: "https://example.com/1.png"})
//		...
//	}
//
// Start makes a stage of several workers, whose jobs are delivered until they have
// come to their end, so that a test sees retries, snoozes, child jobs, dead letters
// and webhooks:
//
//	h := runtimetest.Start(t, resize, notify)
//	job := h.Run("resize", ResizeInput{URL: "https://example.com/1.png"})
//	if job.Err() != nil || len(job.Deliveries) != 2 { ... }
//
// Time jumps: where the runtime waits, for a backoff, a snooze, a delayed message, a
// retry within a delivery or an awaited child, the clock of the stage goes on and the
// test does not wait. Time that a handler itself spends is real; inside
// testing/synctest it costs nothing.
package runtimetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/internal/memqueue"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Option changes the delivery that Run makes.
type Option func(*single)

// single is one delivery.
type single struct {
	message     dispatch.Message
	attempt     int
	maxAttempts int
	delay       time.Duration
	timeout     time.Duration
	store       jobstore.Store
	workers     []runtime.Runner
}

// WithAttempt delivers the message for the n-th time, of at most limit; a limit of
// zero is unknown to the worker. Default: the first delivery of one.
func WithAttempt(n, limit int) Option {
	return func(s *single) { s.attempt, s.maxAttempts = n, limit }
}

// WithJobID sets the job's id. Default: "job-under-test".
func WithJobID(id string) Option {
	return func(s *single) { s.message.JobID = id }
}

// WithMetadata gives the job metadata. Default: none.
func WithMetadata(md map[string]any) Option {
	return func(s *single) { s.message.Metadata = md }
}

// WithContext gives the job a context: requestId, trace context, the caller's own
// keys. Default: none.
func WithContext(values map[string]any) Option {
	return func(s *single) { s.message.Context = values }
}

// WithSentAt says when the job was dispatched. Default: the message does not say.
func WithSentAt(at time.Time) Option {
	return func(s *single) { s.message.Timestamp = at }
}

// WithUserID says whom the job is for. Default: nobody.
func WithUserID(id string) Option {
	return func(s *single) { s.message.UserID = id }
}

// WithMaxTokens gives the job a token budget. Default: none.
func WithMaxTokens(n int) Option {
	return func(s *single) { s.message.MaxTokens = &n }
}

// WithWebhookURL gives the job a completion webhook, which is really sent; it may be
// an httptest.Server. Default: none.
func WithWebhookURL(url string) Option {
	return func(s *single) { s.message.WebhookURL = url }
}

// WithDelay delays the message. Default: it is delivered at once.
func WithDelay(d time.Duration) Option {
	return func(s *single) { s.delay = d }
}

// WithTimeout sets the time until the function's deadline. Default: one minute.
func WithTimeout(timeout time.Duration) Option {
	return func(s *single) { s.timeout = timeout }
}

// WithStore sets the job store; a record that is in it before the delivery is the
// job's past. Default: one in memory.
func WithStore(store jobstore.Store) Option {
	return func(s *single) { s.store = store }
}

// WithWorkers adds workers that the one under test may dispatch jobs to. Such a job
// runs only while the one under test awaits it. Default: none.
func WithWorkers(workers ...runtime.Runner) Option {
	return func(s *single) { s.workers = append(s.workers, workers...) }
}

// Run delivers one message with the given input to the worker, once, and returns
// what came of it: the output, or the error of the attempt, which wraps the
// handler's. Schemas, retries within the delivery, panics, deadline and partial batch
// response are those of production, since it is the same code. The worker's log is
// shown when the test fails.
func Run[In, Out any](t testing.TB, w *runtime.Worker[In, Out], in In, opts ...Option) (Out, error) {
	t.Helper()
	var out Out
	s := single{attempt: 1, maxAttempts: 1, timeout: time.Minute}
	s.message.JobID = "job-under-test"
	for _, o := range opts {
		o(&s)
	}
	input, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode the input: %w", err)
	}
	s.message.WorkerID, s.message.Input = w.ID(), input
	body, err := json.Marshal(&s.message)
	if err != nil {
		return out, fmt.Errorf("encode the message: %w", err)
	}
	h, err := newHarness(t, Config{
		App:     runtime.AppConfig{Store: s.store, WebhookClient: &http.Client{}, WebhookAllowPrivate: true},
		Timeout: s.timeout,
	}, append([]runtime.Runner{w}, s.workers...), func(id string) (int, bool) {
		return max(s.maxAttempts, s.attempt), id == w.ID()
	}, s.maxAttempts <= 0)
	if err != nil {
		return out, err
	}
	if _, err := h.broker.Put(memqueue.Message{Worker: w.ID(), Body: string(body), Delay: s.delay, Receives: s.attempt - 1}); err != nil {
		return out, err
	}
	h.settle(func() bool { return len(h.of(s.message.JobID)) > 0 })
	deliveries := h.of(s.message.JobID)
	if len(deliveries) == 0 {
		return out, fmt.Errorf("worker %q was not run", w.ID())
	}
	d := deliveries[0]
	if d.Err != nil {
		return out, d.Err
	}
	if !d.Deleted {
		t.Errorf("the job is %s, but its message is to be delivered again", d.Kind)
	}
	if err := json.Unmarshal(d.Output, &out); err != nil {
		return out, fmt.Errorf("decode the output: %w", err)
	}
	return out, nil
}
