package runtime

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
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
