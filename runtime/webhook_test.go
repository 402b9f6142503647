package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

const (
	testWebhookSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherWebhookSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// webhookEnv lets webhooks go to the servers of a test.
func webhookEnv(more ...string) map[string]string {
	env := map[string]string{"WORKER_WEBHOOK_ALLOW_PRIVATE": "true"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

type webhookCall struct {
	path   string
	header http.Header
	body   string
}

// webhookReceiver is a webhook's target that remembers its calls.
type webhookReceiver struct {
	url    string
	mu     sync.Mutex
	got    []webhookCall
	answer func(w http.ResponseWriter, r *http.Request, n int)
}

// receiver starts one; status says how it answers its n-th call.
func receiver(t testing.TB, status func(n int) int) *webhookReceiver {
	t.Helper()
	return receiverThat(t, func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader(status(n)) })
}

func receiverThat(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, n int)) *webhookReceiver {
	t.Helper()
	rc := &webhookReceiver{answer: answer}
	srv := httptest.NewServer(rc)
	t.Cleanup(srv.Close)
	rc.url = srv.URL
	return rc
}

func (rc *webhookReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	rc.mu.Lock()
	rc.got = append(rc.got, webhookCall{r.URL.Path, r.Header.Clone(), string(text)})
	answer, n := rc.answer, len(rc.got)
	rc.mu.Unlock()
	answer(w, r, n)
}

// now answers with one status from now on.
func (rc *webhookReceiver) now(status int) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.answer = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(status) }
}

func (rc *webhookReceiver) calls() []webhookCall {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return slices.Clone(rc.got)
}

func answering(code int) func(int) int { return func(int) int { return code } }

func webhookBody(worker, url string) string {
	return `{"workerId":"` + worker + `","jobId":"j-1","input":{"number":1},"webhookUrl":"` + url + `","metadata":{"order":12345678901234567890}}`
}

// jumpClock lets waits pass at once.
type jumpClock struct {
	mu    sync.Mutex
	slept []time.Duration
}

func (c *jumpClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *jumpClock) Skipped() (sum time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

// jump hands messages to the function as deliver does, without the waits.
func (q *queueRig) jump(t testing.TB, records ...events.SQSMessage) []string {
	t.Helper()
	resp, err := q.HandleSQS(pause.With(t.Context(), &jumpClock{}), batchOf(records...))
	return failures(t, resp, err)
}

// webhookEvents are the lines about callbacks.
func (r *rig) webhookEvents(t testing.TB) (got []dispatch.JobEvent) {
	t.Helper()
	_, all := r.lines(t)
	for _, e := range all {
		if e.Event == dispatch.EventWebhook {
			got = append(got, e)
		}
	}
	return got
}

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
		{"is a date", time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), 1, 0, 590},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rc := receiverThat(t, func(w http.ResponseWriter, _ *http.Request, n int) {
				if n == 1 {
					w.Header().Set("Retry-After", tt.after)
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

func TestWebhookRedirects(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	for _, tt := range []struct {
		name     string
		status   int
		location string
		calls    int
		delivery bool
		says     string
	}{
		{"within the host", 308, "/new?token=abc", 2, true, ""},
		{"within the host, for now", 307, "/new", 2, true, ""},
		{"losing the body", 301, "/new", 1, false, "lose the body"},
		{"to another host", 307, other.URL, 1, false, "another host"},
		{"to a name of the same host", 307, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), 1, false, "another host"},
		{"for ever", 307, "/hook", 4, false, "more than 3 times"},
		{"to nowhere", 307, "", 1, false, "no URL"},
		{"to nonsense", 307, "http://user:hunter2#@%zz/", 1, false, "no URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rc := receiverThat(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.URL.Path == "/hook" {
					w.Header().Set("Location", tt.location)
					w.WriteHeader(tt.status)
				}
			})
			q := newQueueRig(t, webhookEnv("WORKFLOW_INTERNAL_SECRET", "s", "WORKER_WEBHOOK_SECRET", testWebhookSecret), nil)
			q.jump(t, queued("m1", webhookBody("ok", rc.url+"/hook"), 1))
			calls := rc.calls()
			if len(calls) != tt.calls {
				t.Fatalf("%d calls, want %d", len(calls), tt.calls)
			}
			if w := q.job(t, "j-1").Webhook; w.Delivered != tt.delivery || w.Pending || !strings.Contains(w.Error, tt.says) {
				t.Errorf("recorded: %+v", w)
			}
			last := calls[len(calls)-1]
			if !strings.Contains(last.body, `"status":"success"`) || last.header.Get("X-Workflow-Secret") != "s" || last.header.Get("webhook-signature") == "" {
				t.Errorf("the last request lacks something: %+v", last)
			}
			if strings.Contains(q.text(), "abc") || strings.Contains(q.text(), "hunter2") {
				t.Error("the log shows what a redirect's URL holds")
			}
		})
	}
	t.Cleanup(func() {
		if reached.Load() {
			t.Error("the result went to another host")
		}
	})
}

// Where the application is known, its secret goes there and nowhere else.
func TestWorkflowSecretStaysWithItsHost(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(200))
	u, err := url.Parse(rc.url)
	if err != nil {
		t.Fatal(err)
	}
	for base, want := range map[string]bool{
		"":                             true,
		rc.url:                         true,
		rc.url + "/api/":               true,
		"http://app.example.com":       false,
		"http://127.0.0.1":             false, // another port
		"https://" + u.Host:            false,
		"http://localhost:" + u.Port(): false,
		"app.example.com":              false, // no URL
	} {
		q := newQueueRig(t, webhookEnv("WORKFLOW_INTERNAL_SECRET", "s3cret", "WORKFLOW_WEBHOOK_BASE_URL", base), nil)
		q.deliver(t, queued("m1", webhookBody("ok", rc.url), 1))
		calls := rc.calls()
		if got := calls[len(calls)-1].header.Get("x-workflow-secret") != ""; got != want {
			t.Errorf("base %q: the secret was sent: %t, want %t", base, got, want)
		}
		if warned := strings.Contains(q.text(), "names no host"); warned != (base == "app.example.com") {
			t.Errorf("base %q: warned: %t", base, warned)
		}
		if strings.Contains(q.text(), "s3cret") {
			t.Error("the secret stands in the log")
		}
	}
}

// No request, message or line of the log has a key of the workers API, nor a secret
// that is not the receiver's.
func TestWebhookNeverCarriesAKey(t *testing.T) {
	t.Parallel()
	env := webhookEnv(
		"WORKERS_API_KEY", "key-one", "WORKERS_TRIGGER_API_KEY", "key-two", "WORKERS_CONFIG_API_KEY", "key-three",
		"MICROFOX_PROJECT_ID", "key-four", "WORKFLOW_INTERNAL_SECRET", "inner", "WORKFLOW_WEBHOOK_BASE_URL", "https://app.example.com",
		"WORKER_WEBHOOK_SECRET", testWebhookSecret)
	for _, answer := range []func(http.ResponseWriter, *http.Request, int){
		func(http.ResponseWriter, *http.Request, int) {},
		func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(500) },
		func(w http.ResponseWriter, r *http.Request, _ int) { http.Redirect(w, r, "/next", 307) },
	} {
		rc := receiverThat(t, answer)
		q := newQueueRig(t, env, nil)
		q.jump(t, queued("m1", webhookBody("ok", rc.url), 1))
		q.jump(t, queued("m2", strings.Replace(webhookBody("permanent", rc.url), "j-1", "j-2", 1), 3))
		for _, in := range slices.Clone(q.sqs.sent) {
			q.jump(t, sentAgain("m3", in, 3))
		}
		calls := rc.calls()
		text, err := json.Marshal([]any{calls, q.sqs.sent})
		if err != nil || len(calls) < 2 {
			t.Fatalf("%d calls, %v", len(calls), err)
		}
		for _, secret := range []string{"key-", "inner", "MfKQ9r8G"} {
			if strings.Contains(string(text)+q.text(), secret) {
				for _, c := range calls {
					t.Errorf("%q was given away: %v", secret, c)
				}
			}
		}
		// The body of a call is a string in that text, so its bytes are looked at too.
		for _, c := range calls {
			if strings.Contains(fmt.Sprint(c), "key-") {
				t.Errorf("a key was given away: %v", c)
			}
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
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
