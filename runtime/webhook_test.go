package runtime

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

type webhookCall struct {
	header http.Header
	body   string
}

// receiver is a webhook's target; status says how it answers its n-th call.
func receiver(t *testing.T, status func(n int) int) (url string, calls func() []webhookCall) {
	t.Helper()
	var got []webhookCall
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got = append(got, webhookCall{r.Header.Clone(), string(text)})
		if code := status(len(got)); code != 200 {
			w.WriteHeader(code)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() []webhookCall {
		srv.Client().CloseIdleConnections()
		return got
	}
}

func always(code int) func(int) int { return func(int) int { return code } }

func webhookBody(worker, url string) string {
	return `{"workerId":"` + worker + `","jobId":"j-1","input":{"number":1},"webhookUrl":"` + url + `","metadata":{"order":12345678901234567890}}`
}

func runWebhook(t *testing.T, env map[string]string, worker, url string, attempt int) *rig {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	r := &rig{}
	app, err := NewApp(AppConfig{Output: r, WebhookClient: &http.Client{Transport: transport}, Getenv: func(name string) string { return env[name] }}, testWorkers()...)
	if err != nil {
		t.Fatal(err)
	}
	r.App = app
	resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", webhookBody(worker, url), attempt)))
	failures(t, resp, err)
	return r
}

func TestWebhookPayloads(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"AIWORKER_MAX_RECEIVE_COUNT": "3", "WORKFLOW_INTERNAL_SECRET": " s3cret ", "WORKERS_API_KEY": "fleet-key",
	}
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
		t.Run(tt.worker, func(t *testing.T) {
			t.Parallel()
			url, calls := receiver(t, always(200))
			r := runWebhook(t, env, tt.worker, url+"/hook?token=abc", tt.attempt)
			got := calls()
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
			} {
				if v := got[0].header.Get(name); v != want {
					t.Errorf("%s = %q, want %q", name, v, want)
				}
			}
			if e := r.eventOf(t, dispatch.EventWebhook); e.Level != "INFO" {
				t.Errorf("webhook event = %+v", e)
			}
			if strings.Contains(r.text(), "abc") || strings.Contains(r.text(), "s3cret") {
				t.Error("a secret stands in the log")
			}
		})
	}
}

func TestWebhookNeverCarriesTheAPIKey(t *testing.T) {
	t.Parallel()
	url, calls := receiver(t, always(200))
	runWebhook(t, map[string]string{"WORKERS_API_KEY": "fleet-key"}, "ok", url, 1)
	call := calls()[0]
	text, _ := json.Marshal(call.header)
	if strings.Contains(string(text)+call.body, "fleet-key") || call.header.Get("x-workflow-secret") != "" {
		t.Errorf("the receiver learnt the key: %s", text)
	}
}

func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status func(int) int
		calls  int
		level  string
	}{
		{"recovers", func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] }, 3, "INFO"},
		{"gives up", always(500), 3, "WARN"},
		{"refused", always(403), 1, "WARN"},
		{"redirect that loses the body", always(302), 1, "WARN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, calls := receiver(t, tt.status)
			r := runWebhook(t, nil, "ok", url, 1)
			if n := len(calls()); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
			if e := r.eventOf(t, dispatch.EventWebhook); e.Level != tt.level {
				t.Errorf("level = %s, want %s", e.Level, tt.level)
			}
			r.eventOf(t, dispatch.EventCompleted) // the job itself is done in any case
		})
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"file:///etc/passwd", "gopher://x/", "//host/path", "not a url", "http://"} {
		r := runWebhook(t, nil, "ok", url, 1)
		if e := r.eventOf(t, dispatch.EventWebhook); e.Level != "WARN" || !strings.Contains(e.Message, "webhook URL") {
			t.Errorf("%s: event = %+v", url, e)
		}
	}
}

func TestWebhookDoesNotFollowToAnotherHost(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	r := runWebhook(t, map[string]string{"WORKFLOW_INTERNAL_SECRET": "s"}, "ok", first.URL, 1)
	if reached.Load() {
		t.Error("the secret went to another host")
	}
	if e := r.eventOf(t, dispatch.EventWebhook); !strings.Contains(e.Message, "another host") {
		t.Errorf("event = %+v", e)
	}
}

func TestWebhookFollowsWithinTheHost(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/old", http.RedirectHandler("/new", http.StatusPermanentRedirect))
	var got string
	mux.HandleFunc("/new", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got = string(text)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	runWebhook(t, nil, "ok", srv.URL+"/old", 1)
	if !strings.Contains(got, `"status":"success"`) {
		t.Errorf("body after the redirect = %q", got)
	}
}

func TestHangingWebhookDoesNotOutliveTheInvocation(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	app := newRig(t, nil, testWorkers()...)
	app.webhook = newWebhookSender(srv.Client(), "", false)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	resp, err := app.HandleSQS(ctx, batchOf(record("m1", webhookBody("ok", srv.URL), 1)))
	if ctx.Err() != nil {
		t.Error("the webhook used up the time of the invocation")
	}
	if got := failures(t, resp, err); !slices.Equal(got, []string{}) {
		t.Errorf("failures = %q: a webhook must not fail the job", got)
	}
	if e := app.eventOf(t, dispatch.EventWebhook); e.Level != "WARN" {
		t.Errorf("event = %+v", e)
	}
}
