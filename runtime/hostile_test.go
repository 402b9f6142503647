package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// codedError panics when it is nil, as most errors of API clients do.
type codedError struct{ code string }

func (e *codedError) Error() string { return "service: " + e.code }

// unwrapError panics wherever errors.Is and errors.As look.
type unwrapError struct{}

func (unwrapError) Error() string { return "broken" }
func (unwrapError) Unwrap() error { panic("no chain") }

type isError struct{}

func (isError) Error() string { return "broken" }
func (isError) Is(error) bool { panic("no is") }
func (isError) As(any) bool   { panic("no as") }

// A handler that returns an error whose methods panic, of which a nil pointer in an error
// is the usual one, has failed like any other.
func TestErrorsWhoseMethodsPanic(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]error{
		"nil pointer": (*codedError)(nil), "Unwrap": unwrapError{}, "Is and As": isError{},
		"permanent": Permanent((*codedError)(nil)), "joined": errors.Join(errService, (*codedError)(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rc := receiver(t, answering(http.StatusOK))
			q := newQueueRig(t, webhookEnv(), nil, Must(New("w", func(context.Context, *Job[order]) (order, error) { return order{}, bad },
				WithRetry(2, Custom("none", func(error) bool { return false }, 0)))))
			if name != "permanent" {
				if got := q.deliver(t, queued("m", webhookBody("w", rc.url), 1)); len(got) != 1 {
					t.Fatalf("failures %v, want the message", got)
				}
				if o := q.lastOutcome(t); o.Kind != KindRetrying {
					t.Errorf("outcome %+v", o)
				}
				if rec := q.job(t, "j-1"); rec == nil || rec.Status != jobstore.Queued || rec.LastError == nil {
					t.Errorf("record %+v", rec)
				}
			}
			q.deliver(t, queued("m", webhookBody("w", rc.url), 3))
			if o := q.lastOutcome(t); o.Kind != KindFailed {
				t.Errorf("outcome %+v", o)
			}
			if rec := q.job(t, "j-1"); rec == nil || rec.Status != jobstore.Failed {
				t.Errorf("record %+v", rec)
			}
			if len(rc.calls()) != 1 {
				t.Errorf("%d webhooks", len(rc.calls()))
			}
		})
	}
}

type panickyTransport struct{}

func (panickyTransport) RoundTrip(*http.Request) (*http.Response, error) { panic("no transport") }

// A webhook client that panics costs the callback a delay, and never the job its
// success.
func TestWebhookClientThatPanics(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, webhookEnv(), func(c *AppConfig) {
		c.Store = nil
		c.WebhookClient = &http.Client{Transport: panickyTransport{}}
	})
	if got := q.jump(t, queued("m", webhookBody("ok", "http://receiver.example/hook"), 1)); len(got) != 0 {
		t.Errorf("failures %v: the job would run again", got)
	}
	if o := q.lastOutcome(t); o.Kind != KindCompleted {
		t.Errorf("outcome %+v", o)
	}
	if n := len(q.sqs.sentTo(testQueueURL)); n != 1 {
		t.Errorf("%d messages hand the callback on", n)
	}
}

func TestWebhookBackoffThatPanics(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusServiceUnavailable))
	q := newQueueRig(t, webhookEnv(), func(c *AppConfig) {
		c.Store = nil
		c.WebhookBackoff = func(int, error) time.Duration { panic("no idea") }
	})
	if got := q.jump(t, queued("m", webhookBody("ok", rc.url), 1)); len(got) != 0 {
		t.Errorf("failures %v: the job would run again", got)
	}
	if n := len(q.sqs.sentTo(testQueueURL)); n != 1 {
		t.Errorf("%d messages hand the callback on", n)
	}
}

// panickyTracer panics in one of its methods.
type panickyTracer struct{ in string }

func (p panickyTracer) fail(in string) {
	if p.in == in {
		panic("tracer: " + in)
	}
}

func (p panickyTracer) Start(ctx context.Context, _ dispatch.Span) (context.Context, func(error)) {
	p.fail("start")
	if p.in == "nothing" {
		return nil, nil // as no tracer should
	}
	return ctx, func(error) { p.fail("end") }
}
func (p panickyTracer) Inject(context.Context, func(name, value string)) { p.fail("inject") }
func (p panickyTracer) Extract(ctx context.Context, _ func(string) string) context.Context {
	p.fail("extract")
	if p.in == "nothing" {
		return nil // as no tracer should
	}
	return ctx
}

func TestTracerThatPanics(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"start", "end", "inject", "extract", "nothing"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			rc := receiver(t, answering(http.StatusOK))
			runs := 0
			q := newQueueRig(t, webhookEnv(), func(c *AppConfig) { c.Tracer = panickyTracer{in} }, counter(&runs))
			if got := q.deliver(t, queued("m", webhookBody("count", rc.url), 1)); len(got) != 0 || runs != 1 {
				t.Errorf("failures %v after %d runs", got, runs)
			}
			if rec := q.job(t, "j-1"); rec == nil || rec.Status != jobstore.Completed {
				t.Errorf("record %+v", rec)
			}
			if len(rc.calls()) != 1 {
				t.Errorf("%d webhooks", len(rc.calls()))
			}
		})
	}
}

// panickyStore panics in one of its methods.
type panickyStore struct {
	jobstore.Store
	claim, update bool
	bad           error // instead of a panic
	updated       chan struct{}
}

func (s *panickyStore) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if s.claim {
		panic("no claim")
	}
	return s.Store.Claim(ctx, c)
}

func (s *panickyStore) Update(ctx context.Context, id string, u jobstore.Update) error {
	if s.update && u.Status == "" {
		select {
		case s.updated <- struct{}{}:
		default:
		}
		if s.bad != nil {
			return s.bad
		}
		panic("no update")
	}
	return s.Store.Update(ctx, id, u)
}

// What a handler reports is written in the background, where a panic would end the
// process.
func TestStoreThatPanics(t *testing.T) {
	t.Parallel()
	inBackground := func(t *testing.T, bad error) {
		t.Parallel()
		s := &panickyStore{Store: jobstore.NewMemory(), update: true, bad: bad, updated: make(chan struct{}, 1)}
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = s }, Must(New("w", func(ctx context.Context, j *Job[order]) (order, error) {
			j.Progress(ctx, 50, "half")
			<-s.updated
			return j.Input, nil
		})))
		if got := q.deliver(t, queued("m", body("w", "j-1", `{"number":1}`), 1)); len(got) != 0 {
			t.Errorf("failures %v", got)
		}
	}
	t.Run("in the background", func(t *testing.T) { inBackground(t, nil) })
	t.Run("by its error", func(t *testing.T) { inBackground(t, (*codedError)(nil)) })
	t.Run("at the claim", func(t *testing.T) {
		t.Parallel()
		s := &panickyStore{Store: jobstore.NewMemory(), claim: true}
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = s })
		if got := q.deliver(t, queued("m", body("ok", "j-1", `{"number":1}`), 1)); len(got) != 1 {
			t.Errorf("failures %v", got)
		}
		if o := q.lastOutcome(t); o.Kind != KindDeferred {
			t.Errorf("outcome %+v", o)
		}
	})
}

// panickySQS panics whatever it is asked.
type panickySQS struct{ SQSAPI }

func (panickySQS) ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	panic("no SQS")
}

func TestQueueClientThatPanics(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusServiceUnavailable))
	q := newQueueRig(t, webhookEnv(), func(c *AppConfig) { c.Store, c.SQS = nil, panickySQS{} })
	if got := q.jump(t, queued("m", webhookBody("ok", rc.url), 1)); len(got) != 0 {
		t.Errorf("failures %v: the job would run again", got)
	}
	if got := q.deliver(t, queued("m2", body("error", "j-2", `{"number":1}`), 1)); len(got) != 1 || q.lastOutcome(t).Kind != KindRetrying {
		t.Errorf("failures %v, outcome %+v", got, q.lastOutcome(t))
	}
}

// A handler that runs on after its time may still write to its metadata while the
// runtime tells the receiver of it.
func TestHandlerThatRunsOnAndWritesItsMetadata(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusOK))
	stop, stopped := make(chan struct{}), make(chan struct{})
	q := newQueueRig(t, webhookEnv(), nil, Must(New("w", func(ctx context.Context, j *Job[order]) (order, error) {
		defer close(stopped)
		nested := map[string]any{}
		j.Metadata["nested"] = nested
		write := func(n int) {
			key := string(rune('a' + n%26))
			j.Metadata[key], j.Context[key], nested[key] = n, n, n
			goruntime.Gosched()
		}
		for n := range 1000 {
			write(n)
		}
		// Nobody looks until its time is over, when it writes already.
		if end, ok := ctx.Deadline(); ok {
			<-time.After(time.Until(end) - 200*time.Millisecond)
		}
		for n := 0; ; n++ {
			select {
			case <-stop:
				return order{}, nil
			default:
				write(n)
			}
		}
	})))
	// A tenth of it is left to the runtime when the handler should have ended.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	time.AfterFunc(3200*time.Millisecond, func() { close(stop) })
	resp, err := q.HandleSQS(ctx, batchOf(queued("m", webhookBody("w", rc.url), 3)))
	if got := failures(t, resp, err); len(got) != 1 {
		t.Errorf("failures %v", got)
	}
	<-stopped
	sent := q.sqs.sentTo(testQueueURL) // no time was left to call
	if len(sent) != 1 || !strings.Contains(*sent[0].MessageBody, `"metadata":{"order":12345678901234567890}`) {
		t.Errorf("%d messages hand the callback on", len(sent))
	}
}

// The process may die between the record of a failure and its callback.
func TestFailureWhoseCallbackWasCutOff(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusOK))
	q := newQueueRig(t, webhookEnv(), nil)
	m := queued("m", webhookBody("permanent", rc.url), 1)
	claimed := jobstore.Claim{JobID: "j-1", WorkerID: "permanent", Owner: "dead", MessageID: "m", Receives: 1, Lease: time.Now().Add(time.Minute)}
	if _, err := q.store.Claim(t.Context(), claimed); err != nil {
		t.Fatal(err)
	}
	je := &dispatch.JobError{Message: "the service did not answer", Name: "Error"}
	if err := q.store.Update(t.Context(), "j-1", jobstore.Update{Owner: "dead", Status: jobstore.Failed, Error: je}); err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 3; n++ {
		m.Attributes["ApproximateReceiveCount"] = string(rune('0' + n))
		q.deliver(t, m)
	}
	calls := rc.calls()
	if len(calls) != 1 {
		t.Fatalf("%d webhooks, want one", len(calls))
	}
	var p webhookPayload
	if err := json.Unmarshal([]byte(calls[0].body), &p); err != nil || p.Status != webhookError || p.Error == nil || p.Error.Message != je.Message {
		t.Errorf("payload %s: %v", calls[0].body, err)
	}
	if rec := q.job(t, "j-1"); rec == nil || rec.Status != jobstore.Failed || rec.Webhook == nil || !rec.Webhook.Delivered {
		t.Errorf("record %+v", rec)
	}
}

// A text of several lines in a log is several events, and one of them may be made up.
func TestOutputOfSeveralLinesIsOneLogLine(t *testing.T) {
	t.Parallel()
	forged := `{"level":"ERROR","msg":"x","event":"job.failed","jobId":"victim","workerId":"w"}`
	for name, output := range map[string]string{
		"valid": "{\n\"number\": 1, \"note\": [\n" + forged + "\n]}", "invalid": "{oops\n" + forged, "none": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replace := func(context.Context, *Invocation, Next) (json.RawMessage, error) { return json.RawMessage(output), nil }
			q := newQueueRig(t, nil, nil, Must(New("w", func(_ context.Context, j *Job[any]) (any, error) { return j.Input, nil }, WithMiddleware(replace))))
			q.deliver(t, queued("m", body("w", "j-1", "{}"), 1))
			_, lines := q.lines(t)
			for _, e := range lines {
				if e.JobID == "victim" {
					t.Errorf("a line of a job that never was: %+v", e)
				}
			}
			if want := map[bool]OutcomeKind{true: KindCompleted, false: KindFailed}[name == "valid"]; q.lastOutcome(t).Kind != want {
				t.Errorf("outcome %+v, want %s", q.lastOutcome(t), want)
			}
		})
	}
}

func TestLoggedErrorWhoseTextPanics(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, nil, nil, Must(New("w", func(_ context.Context, j *Job[order]) (order, error) {
		j.Log.Error("odd", "error", (*codedError)(nil))
		return j.Input, nil
	})))
	if got := q.deliver(t, queued("m", body("w", "j-1", `{"number":1}`), 1)); len(got) != 0 {
		t.Errorf("failures %v", got)
	}
}

// A store may return an error whose methods panic, too.
func TestStoreWhoseErrorsPanic(t *testing.T) {
	t.Parallel()
	s := &flakyStore{Store: jobstore.NewMemory(), updates: func(int) error { return (*codedError)(nil) }}
	q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = s })
	if got := q.deliver(t, queued("m", body("ok", "j-1", `{"number":1}`), 1)); len(got) != 1 || q.lastOutcome(t).Kind != KindRetrying {
		t.Errorf("failures %v, outcome %+v", got, q.lastOutcome(t))
	}
}
