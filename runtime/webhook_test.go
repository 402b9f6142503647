package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

func TestWebhookPayloads(t *testing.T) {
	t.Parallel()
	env := webhookEnv("WORKFLOW_INTERNAL_SECRET", " s3cret ", "WORKERS_API_KEY", "fleet-key")
	for _, tt := range []struct {
		worker  string
		attempt int
		want    string // empty: no webhook
	}{
		{"ok", 1, `{"jobId":"j-1","workerId":"ok","status":"success","output":{"number":1},"metadata":{"order":12345678901234567890}}`},
		{"error", 1, ""},
		{"error", 3, `{"jobId":"j-1","workerId":"error","status":"error","error":{"message":"the service did not answer","name":"Error"},"metadata":{"order":12345678901234567890}}`},
		{"permanent", 1, `{"jobId":"j-1","workerId":"permanent","status":"error","error":{"message":"the service did not answer","name":"Error"},"metadata":{"order":12345678901234567890}}`},
		{"panic", 3, `{"jobId":"j-1","workerId":"panic","status":"error","error":{"message":"panic: no such\norder","name":"PanicError"},"metadata":{"order":12345678901234567890}}`},
		{"nobody", 3, ""},
	} {
		t.Run(tt.worker+strconv.Itoa(tt.attempt), func(t *testing.T) {
			t.Parallel()
			rc := receiver(t, answering(200))
			q := newQueueRig(t, env, nil)
			q.deliver(t, queued("m1", webhookBody(tt.worker, rc.url+"/hook?token=abc"), tt.attempt))
			got := rc.calls()
			if tt.want == "" {
				if len(got) != 0 {
					t.Fatalf("a webhook was sent for an outcome that is not final: %s", got[0].body)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d calls, want 1", len(got))
			}
			if got[0].body != tt.want {
				t.Errorf("body\n got %s\nwant %s", got[0].body, tt.want)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/json", "User-Agent": "ai-router-worker/1.0", "X-Workflow-Secret": "s3cret",
				"Webhook-Signature": "", "Webhook-Id": "",
			} {
				if v := got[0].header.Get(name); v != want {
					t.Errorf("%s = %q, want %q", name, v, want)
				}
			}
			if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "INFO" {
				t.Errorf("webhook event = %+v", e)
			}
			if strings.Contains(q.text(), "abc") || strings.Contains(q.text(), "s3cret") {
				t.Error("a secret stands in the log")
			}
			if w := q.job(t, "j-1").Webhook; w == nil || !w.Delivered || w.Attempts != 1 || w.Status != 200 || w.Pending || w.Error != "" || time.Since(w.At).Abs() > time.Minute {
				t.Errorf("recorded: %+v", w)
			}
		})
	}
}

func TestWebhookStackIsSentOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for _, with := range []bool{false, true} {
		rc := receiver(t, answering(200))
		q := newQueueRig(t, webhookEnv(), func(cfg *AppConfig) { cfg.WebhookStack = with })
		q.deliver(t, queued("m1", webhookBody("panic", rc.url), 3))
		if got := strings.Contains(rc.calls()[0].body, `"stack"`); got != with {
			t.Errorf("WebhookStack %t: a stack in the payload: %t", with, got)
		}
	}
}

func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	rc := receiver(t, func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] })
	q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", otherWebhookSecret+" "+testWebhookSecret), nil)
	q.jump(t, queued("m1", webhookBody("ok", rc.url), 1))
	calls := rc.calls()
	if len(calls) != 3 {
		t.Fatalf("%d calls, want 3", len(calls))
	}
	for _, text := range []string{testWebhookSecret, otherWebhookSecret} {
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls {
			if err := webhook.Verify([]webhook.Secret{secret}, call.header, []byte(call.body)); err != nil {
				t.Error(err)
			}
			if id := call.header.Get("webhook-id"); id != calls[0].header.Get("webhook-id") {
				t.Errorf("a repetition has another id: %s", id)
			}
		}
	}
	e, err := webhook.Parse[order](calls[0].header, []byte(calls[0].body))
	if err != nil || e.Output.Number != 1 || e.JobID != "j-1" {
		t.Errorf("event %+v, %v", e, err)
	}
	if strings.Contains(q.text(), "whsec") || strings.Contains(q.text(), testWebhookSecret[6:]) {
		t.Error("the secret stands in the log")
	}
}

// A receiver that drops what it has seen must hear of what is new.
func TestWebhookIDs(t *testing.T) {
	t.Parallel()
	id := func(worker, message string, receives int) string {
		rc := receiver(t, answering(200))
		q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret), func(cfg *AppConfig) { cfg.Store = nil })
		q.deliver(t, queued(message, webhookBody(worker, rc.url), receives))
		return rc.calls()[0].header.Get("webhook-id")
	}
	success := id("ok", "m1", 1)
	if again := id("ok", "m1", 2); again != success {
		t.Errorf("the same message was completed twice, as events %s and %s", success, again)
	}
	failed := id("permanent", "m1", 1)
	for what, other := range map[string]string{"a replay": id("ok", "m2", 1), "a failure": failed, "the replay's failure": id("permanent", "m2", 1)} {
		if other == success || what != "a failure" && other == failed {
			t.Errorf("%s has the id of another event", what)
		}
	}
	if strings.Contains(success, ".") || !strings.HasPrefix(success, "msg_") {
		t.Errorf("id = %s", success)
	}
}

func TestWebhookTries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		status  func(int) int
		calls   int
		level   string
		pending bool // handed on
	}{
		{"recovers", func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] }, 3, "INFO", false},
		{"500", answering(500), 3, "WARN", true},
		{"502", answering(502), 3, "WARN", true},
		{"408", answering(408), 3, "WARN", true},
		{"425", answering(425), 3, "WARN", true},
		{"429", answering(429), 3, "WARN", true},
		{"400", answering(400), 1, "WARN", false},
		{"401", answering(401), 1, "WARN", false},
		{"404", answering(404), 1, "WARN", false},
		{"410", answering(410), 1, "WARN", false},
		{"422", answering(422), 1, "WARN", false},
		{"302", answering(302), 1, "WARN", false},
		{"304", answering(304), 1, "WARN", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rc := receiver(t, tt.status)
			q := newQueueRig(t, webhookEnv(), nil)
			if failed := q.jump(t, queued("m1", webhookBody("ok", rc.url), 1)); len(failed) != 0 {
				t.Errorf("the job's message is delivered again: %q", failed)
			}
			if n := len(rc.calls()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
			if e := q.eventOf(t, dispatch.EventWebhook); e.Level != tt.level {
				t.Errorf("level = %s, want %s", e.Level, tt.level)
			}
			q.eventOf(t, dispatch.EventCompleted) // the job itself is done in any case
			w := q.job(t, "j-1").Webhook
			if w.Pending != tt.pending || w.Attempts != tt.calls || w.Delivered == (tt.level == "WARN") || (w.Error == "") != w.Delivered {
				t.Errorf("recorded: %+v", w)
			}
			if n := len(q.sqs.sent); n != map[bool]int{true: 1}[tt.pending] {
				t.Errorf("%d messages were sent", n)
			}
		})
	}
}

func TestWebhookRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, after string
		calls       int
		waited      time.Duration // at least, before the second call; zero: the usual wait
		delay       int32         // of the message that hands it on, at least
	}{
		{"fits", "7", 2, 7 * time.Second, 0},
		{"does not fit", "120", 1, 0, 120},
		{"is more than SQS can delay", "5000", 1, 0, 900},
		{"is no number", "soon", 2, 0, 0},
		{"is in the past", "Thu, 01 Jan 1970 00:00:01 GMT", 2, 0, 0},
		{"is a date", "in ten minutes", 1, 0, 590},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rc := receiverThat(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				if n == 1 {
					after := tt.after
					if after == "in ten minutes" {
						after = time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)
					}
					w.Header().Set("Retry-After", after)
					w.WriteHeader(http.StatusTooManyRequests)
				}
			})
			q := newQueueRig(t, webhookEnv(), nil)
			clock := &jumpClock{}
			if _, err := q.HandleSQS(pause.With(t.Context(), clock), batchOf(queued("m1", webhookBody("ok", rc.url), 1))); err != nil {
				t.Fatal(err)
			}
			if n := len(rc.calls()); n != tt.calls {
				t.Fatalf("%d calls, want %d", n, tt.calls)
			}
			if tt.calls == 2 && (clock.Skipped() < tt.waited || tt.waited == 0 && clock.Skipped() > webhookRetryBase) {
				t.Errorf("waited %v, want %v", clock.Skipped(), tt.waited)
			}
			if tt.calls == 1 {
				if got := q.sqs.sent[0].DelaySeconds; got < tt.delay || got > tt.delay+11 {
					t.Errorf("handed on with a delay of %d s, want %d", got, tt.delay)
				}
			}
		})
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"file:///etc/passwd", "gopher://x/", "//host/path", "not a url", "http://", "http://:80", "http://user:hunter2#x@host/", "%zz"} {
		q := newQueueRig(t, webhookEnv(), nil)
		if failed := q.deliver(t, queued("m1", webhookBody("ok", target), 1)); len(failed) != 0 {
			t.Errorf("%s: the job is delivered again", target)
		}
		if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "WARN" || !strings.Contains(e.Message, "webhook URL") {
			t.Errorf("%s: event = %+v", target, e)
		}
		if strings.Contains(q.text(), "hunter2") {
			t.Errorf("the log shows a password")
		}
		if len(q.sqs.sent) != 0 {
			t.Errorf("%s: handed on", target)
		}
	}
}

func TestNewAppRefusesABadWebhookSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2hunter2hunter2hunter2hunter2", "whsec_hunter2", testWebhookSecret + " hunter2"} {
		for _, cfg := range []AppConfig{
			{Output: io.Discard, WebhookSecret: text, Getenv: func(string) string { return "" }},
			{Output: io.Discard, Getenv: func(name string) string { return map[string]string{"WORKER_WEBHOOK_SECRET": text}[name] }},
		} {
			_, err := NewApp(cfg)
			if err == nil || !strings.Contains(err.Error(), "WORKER_WEBHOOK_SECRET") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "MfKQ") {
				t.Errorf("%s: error = %v", text, err)
			}
		}
	}
}

func TestHangingWebhookDoesNotOutliveTheInvocation(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	rc := receiverThat(t, func(http.ResponseWriter, *http.Request, int) { <-release })
	defer close(release)
	q := newQueueRig(t, webhookEnv(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	resp, err := q.HandleSQS(ctx, batchOf(queued("m1", webhookBody("ok", rc.url), 1)))
	if ctx.Err() != nil {
		t.Error("the webhook used up the time of the invocation")
	}
	if got := failures(t, resp, err); len(got) != 0 {
		t.Errorf("failures = %q: a webhook must not fail the job", got)
	}
	if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "WARN" || !strings.Contains(e.Message, "in time") {
		t.Errorf("event = %+v", e)
	}
	if w := q.job(t, "j-1").Webhook; !w.Pending || len(q.sqs.sent) != 1 {
		t.Errorf("%+v recorded, %d messages sent: it was to be handed on", w, len(q.sqs.sent))
	}
}

func TestAShutdownLeavesAWebhookAMoment(t *testing.T) {
	t.Parallel()
	release, entered := make(chan struct{}), make(chan struct{})
	rc := receiverThat(t, func(http.ResponseWriter, *http.Request, int) { close(entered); <-release })
	defer close(release)
	q := newQueueRig(t, webhookEnv(), nil)
	ctx, shutdown := context.WithCancelCause(pause.With(t.Context(), &jumpClock{}))
	go func() {
		<-entered
		shutdown(ErrShutdown)
	}()
	// The receiver never answers, so this returns only because of the shutdown.
	resp, err := q.HandleSQS(ctx, batchOf(queued("m1", webhookBody("ok", rc.url), 1)))
	if got := failures(t, resp, err); len(got) != 0 {
		t.Errorf("failures = %q", got)
	}
	if w := q.job(t, "j-1").Webhook; w == nil || !w.Pending {
		t.Errorf("recorded: %+v", w)
	}
}

// A store that lost the record, or is down, must not cost the job its callback.
func TestWebhookWithoutItsRecord(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(200))
	q := newQueueRig(t, webhookEnv(), func(cfg *AppConfig) { cfg.Store = noWebhookStore{cfg.Store} })
	if failed := q.deliver(t, queued("m1", webhookBody("ok", rc.url), 1)); len(failed) != 0 {
		t.Errorf("failures = %q", failed)
	}
	if len(rc.calls()) != 1 || !strings.Contains(q.text(), "record what became of the webhook") {
		t.Errorf("%d calls", len(rc.calls()))
	}
}

// noWebhookStore cannot record callbacks.
type noWebhookStore struct{ jobstore.Store }

func (s noWebhookStore) Update(ctx context.Context, id string, u jobstore.Update) error {
	if u.Webhook != nil {
		return errors.New("the store is full")
	}
	return s.Store.Update(ctx, id, u)
}

// fixedTracer has one trace for everything.
type fixedTracer struct {
	mu    sync.Mutex
	spans []dispatch.Span
}

func (f *fixedTracer) Start(ctx context.Context, span dispatch.Span) (context.Context, func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spans = append(f.spans, span)
	return ctx, func(error) {}
}

func (f *fixedTracer) Inject(_ context.Context, set func(name, value string)) {
	set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
}

func (f *fixedTracer) Extract(ctx context.Context, _ func(string) string) context.Context { return ctx }

func TestWebhookTrace(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(200))
	tracer := &fixedTracer{}
	q := newQueueRig(t, webhookEnv(), func(cfg *AppConfig) { cfg.Tracer = tracer })
	q.deliver(t, queued("m1", webhookBody("ok", rc.url+"/hook?token=abc"), 1))
	if got := rc.calls()[0].header.Get("traceparent"); !strings.HasPrefix(got, "00-0af7") {
		t.Errorf("traceparent = %q", got)
	}
	i := slices.IndexFunc(tracer.spans, func(s dispatch.Span) bool { return s.Name == "webhook ok" })
	if i < 0 || tracer.spans[i].Kind != dispatch.SpanClient || strings.Contains(fmt.Sprint(tracer.spans), "abc") {
		t.Errorf("spans = %+v", tracer.spans)
	}
}
