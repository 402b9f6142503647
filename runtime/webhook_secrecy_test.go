package runtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestWebhookRedirects(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(other.Close)
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
		func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
		},
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
