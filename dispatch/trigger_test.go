package dispatch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// seen is one request as a server got it.
type seen struct {
	method, path, query, key, contentType, body string
}

// workersAPI is a server that answers every request alike and tells what it got.
func workersAPI(t *testing.T, status int, contentType, answer string) (base string, got <-chan seen) {
	t.Helper()
	requests := make(chan seen, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- seen{
			r.Method, r.URL.Path, r.URL.RawQuery,
			r.Header.Get("x-workers-trigger-key") + r.Header.Get("x-workers-config-key"), r.Header.Get("Content-Type"), string(body),
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func newTrigger(t *testing.T, base, key string, opts ...dispatch.TriggerOption) *dispatch.Trigger {
	t.Helper()
	trigger, err := dispatch.NewTrigger(base, key, nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return trigger
}

func TestTriggerSendsWhatTheDeployedClientSends(t *testing.T) {
	t.Parallel()
	base, got := workersAPI(t, 200, "application/json", `{"ok":true,"workerId":"echo","stage":"demo","queueUrl":"q","messageId":"m-1"}`)
	m := &dispatch.Message{
		WorkerID: "echo", JobID: "job-1-a", Input: json.RawMessage(`{"text":"a<b"}`),
		Timestamp: time.UnixMilli(1767225600000),
	}
	id, err := newTrigger(t, base+"/demo/workers/config?debug=1#x", " key-1\n").Send(t.Context(), m, 0)
	if err != nil || id != "m-1" {
		t.Fatalf("Send = %q, %v", id, err)
	}
	want := seen{
		"POST", "/demo/workers/trigger", "", "key-1", "application/json",
		`{"workerId":"echo","body":{"workerId":"echo","jobId":"job-1-a","input":{"text":"a<b"},"context":{},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}}`,
	}
	if r := <-got; r != want {
		t.Errorf("the server got\n%+v\nwant\n%+v", r, want)
	}
}

func TestTriggerAnswers(t *testing.T) {
	t.Parallel()
	const key = "s3cret-key"
	tests := []struct {
		name        string
		status      int
		contentType string
		answer      string
		id          string   // of a success
		is          error    // of a failure
		says        []string // in the failure's text
	}{
		{name: "null message id", status: 200, contentType: "application/json", answer: `{"ok":true,"messageId":null}`, id: "trigger-job-1"},
		{name: "no message id", status: 202, contentType: "text/plain", answer: "{}\n", id: "trigger-job-1"},
		{
			name: "a page instead of an API", status: 200, contentType: "text/html; charset=utf-8", answer: "<!doctype html><title>\x1b[31mlogin",
			says: []string{"200 OK", "not with a JSON object", "text/html", `"<!doctype html><title>\x1b[31mlogin"`},
		},
		{name: "fields of other types", status: 200, contentType: "application/json", answer: `{"ok":"true","messageId":7,"error":{}}`, id: "trigger-job-1"},
		{name: "not ok, in an object", status: 200, contentType: "application/json", answer: `{"ok":false,"error":{}}`, says: []string{"no reason given"}},
		{name: "nothing", status: 200, contentType: "", answer: "", says: []string{"the answer is empty"}},
		{name: "other JSON", status: 200, contentType: "application/json", answer: `"hello"`, says: []string{"not with a JSON object"}},
		{name: "cut off", status: 200, contentType: "application/json", answer: `{"ok":true`, says: []string{"not with a JSON object"}},
		{name: "not ok", status: 200, contentType: "application/json", answer: `{"ok":false,"error":"queue gone"}`, says: []string{"queue gone"}},
		{
			name: "wrong key", status: 401, contentType: "application/json", answer: `{"error":"Unauthorized"}`, is: dispatch.ErrUnauthorized,
			says: []string{`trigger worker "echo": 401 Unauthorized - {"error":"Unauthorized"}`, "WORKERS_API_KEY"},
		},
		{
			name: "wrong path at API Gateway", status: 403, contentType: "application/json", answer: `{"message":"Missing Authentication Token"}`, is: dispatch.ErrUnauthorized,
			says: []string{"403 Forbidden", "check the base URL"},
		},
		{
			name: "unknown worker", status: 404, contentType: "application/json", answer: `{"error":"Queue URL not found","queueName":"aiw-echo-demo"}`, is: dispatch.ErrUnknownWorker,
			says: []string{"404 Not Found", "aiw-echo-demo"},
		},
		{
			name: "an answer that repeats the key", status: 500, contentType: "text/plain", answer: "bad key " + key + "\r\n\x1b[2Jbye",
			says: []string{"500 Internal Server Error - bad key [key] \ufffd[2Jbye"},
		},
		{name: "a huge error", status: 502, contentType: "text/html", answer: strings.Repeat("x", 1<<20), says: []string{"502 Bad Gateway - xxx", "…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base, _ := workersAPI(t, tt.status, tt.contentType, tt.answer)
			id, err := newTrigger(t, base, key, dispatch.TriggerRetries(-1)).Send(t.Context(), &dispatch.Message{WorkerID: "echo", JobID: "job-1"}, 0)
			if tt.id != "" {
				if err != nil || id != tt.id {
					t.Fatalf("Send = %q, %v; want %q", id, err, tt.id)
				}
				return
			}
			if err == nil {
				t.Fatalf("Send = %q, no error", id)
			}
			text := err.Error()
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("error %q does not say %q", text, want)
				}
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %q is not %v", text, tt.is)
			}
			if strings.Contains(text, key) || strings.ContainsAny(text, "\x1b\r\n") || len(text) > 1000 {
				t.Errorf("error %q is not safe to print", text)
			}
			if status, ok := errors.AsType[*dispatch.StatusError](err); ok != (tt.status > 299) || ok && status.StatusCode != tt.status {
				t.Errorf("error %#v for status %d", err, tt.status)
			}
		})
	}
}

func TestTriggerDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed.Store(true)
		_, _ = io.WriteString(w, `{"ok":true,"version":"1.0.0"}`)
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL+"/elsewhere", http.StatusMovedPermanently))
	t.Cleanup(server.Close)

	_, err := newTrigger(t, server.URL, "k").Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, 0)
	if err == nil || !strings.Contains(err.Error(), other.URL+"/elsewhere") {
		t.Errorf("error %v, want one that names the redirect", err)
	}
	if _, err := dispatch.FetchConfig(t.Context(), server.URL, "k", nil); err == nil {
		t.Error("FetchConfig followed the redirect")
	}
	if followed.Load() {
		t.Error("the key went to another host")
	}
}

func TestTriggerRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	base, got := workersAPI(t, 200, "application/json", `{}`)
	trigger := newTrigger(t, base, "")
	if _, err := trigger.Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, time.Second); !errors.Is(err, dispatch.ErrDelay) {
		t.Errorf("a delay: %v", err)
	}
	if _, err := trigger.Send(t.Context(), &dispatch.Message{WorkerID: "echo", GroupID: "g"}, 0); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a message group: %v", err)
	}
	big := &dispatch.Message{WorkerID: "echo", JobID: "job-1", Input: json.RawMessage(`"` + strings.Repeat("x", dispatch.MaxMessageBytes) + `"`)}
	_, err := trigger.Send(t.Context(), big, 0)
	if !errors.Is(err, dispatch.ErrTooLarge) || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("a message over 1 MiB: %v", err)
	}
	if len(got) > 0 {
		t.Errorf("the server got %+v", <-got)
	}
	// Exactly 1 MiB is still fine.
	empty, err := (&dispatch.Message{Input: json.RawMessage(`""`)}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	fits := &dispatch.Message{Input: json.RawMessage(`"` + strings.Repeat("x", dispatch.MaxMessageBytes-len(empty)) + `"`)}
	if _, err := trigger.Send(t.Context(), fits, 0); err != nil {
		t.Errorf("a message of 1 MiB: %v", err)
	}
}

func TestTriggerUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	base := server.URL
	server.Close()
	_, err := newTrigger(t, strings.Replace(base, "http://", "http://user:pa55@", 1), "k3y", dispatch.TriggerRetries(-1)).Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, 0)
	if err == nil || !strings.HasPrefix(err.Error(), `trigger worker "echo": `) || strings.Contains(err.Error(), "pa55") || strings.Contains(err.Error(), "k3y") {
		t.Errorf("error %v", err)
	}
}

func TestFetchConfig(t *testing.T) {
	t.Parallel()
	base, got := workersAPI(t, 200, "application/json", `{"version":"1.0.0","stage":"demo","region":"eu-west-1",
		"workers":{"echo":{"queueUrl":"https://sqs/1/aiw-echo-demo","region":"eu-west-1","group":"default"}},
		"schemas":{"echo":{"type":"object"}},"queues":[{"id":"q","steps":[]}],"new":1}`)
	config, err := dispatch.FetchConfig(t.Context(), base+"/demo/", "ck", nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Stage != "demo" || config.Workers["echo"].QueueURL != "https://sqs/1/aiw-echo-demo" || string(config.Schemas["echo"]) != `{"type":"object"}` || len(config.Queues) != 1 {
		t.Errorf("config %+v", config)
	}
	if r := <-got; r.method != "GET" || r.path != "/demo/workers/config" || r.key != "ck" {
		t.Errorf("the server got %+v", r)
	}
}

func TestFetchConfigRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		answer string
		says   string
	}{
		{"some other API", 200, `{"hello":"world"}`, `neither "version" nor "workers"`},
		{"another form", 200, `{"version":"1.0.0","workers":[1]}`, "unexpected form"},
		{"a page", 200, `<html>`, "not with a JSON object"},
		{"wrong key", 401, `{"error":"Unauthorized"}`, "fetch workers config: 401 Unauthorized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base, _ := workersAPI(t, tt.status, "application/json", tt.answer)
			_, err := dispatch.FetchConfig(t.Context(), base, "", nil)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one with %q", err, tt.says)
			}
			if errors.Is(err, dispatch.ErrUnauthorized) != (tt.status == 401) {
				t.Errorf("errors.Is(%v, ErrUnauthorized) is wrong", err)
			}
		})
	}
	if _, err := dispatch.FetchConfig(t.Context(), " ", "", nil); !errors.Is(err, dispatch.ErrNoBaseURL) {
		t.Errorf("no base URL: %v", err)
	}
	base, _ := workersAPI(t, 404, "application/json", `{}`)
	if _, err := dispatch.FetchConfig(t.Context(), base, "", nil); err == nil || errors.Is(err, dispatch.ErrUnknownWorker) {
		t.Errorf("a stage without a config: %v, which is not an unknown worker", err)
	}
}

func TestEndpointURLs(t *testing.T) {
	t.Parallel()
	const trigger, config = "https://api.example.com/prod/workers/trigger", "https://api.example.com/prod/workers/config"
	for _, base := range []string{
		"https://api.example.com/prod",
		"https://api.example.com/prod/",
		"  https://api.example.com/prod//\n",
		trigger, config,
		config + "/",
		trigger + "?key=1&x=2#top",
		"https://api.example.com/prod?x",
		"https://api.example.com/prod/#",
	} {
		if got, err := dispatch.TriggerURL(base); got != trigger || err != nil {
			t.Errorf("TriggerURL(%q) = %q, %v", base, got, err)
		}
		if got, err := dispatch.ConfigURL(base); got != config || err != nil {
			t.Errorf("ConfigURL(%q) = %q, %v", base, got, err)
		}
	}
	for base, want := range map[string]string{
		"http://127.0.0.1:4566":                  "http://127.0.0.1:4566/workers/trigger",
		"http://[::1]:4566/":                     "http://[::1]:4566/workers/trigger",
		"https://x.example.com/a%2Fb/c%20d":      "https://x.example.com/a%2Fb/c%20d/workers/trigger",
		"https://x.example.com/myworkers/config": "https://x.example.com/myworkers/config/workers/trigger",
		"https://u:p@x.example.com":              "https://u:p@x.example.com/workers/trigger",
	} {
		if got, err := dispatch.TriggerURL(base); got != want || err != nil {
			t.Errorf("TriggerURL(%q) = %q, %v; want %q", base, got, err, want)
		}
	}
	for _, base := range []string{"", "example.com/prod", "localhost:4566", "ftp://x", "https://", "https:///prod", "mailto:a@b", "https://user:pa55 word@x y/", "https://user:pa55@[::"} {
		got, err := dispatch.TriggerURL(base)
		if err == nil {
			t.Errorf("TriggerURL(%q) = %q", base, got)
		} else if strings.Contains(err.Error(), "pa55") {
			t.Errorf("TriggerURL(%q): the error shows the password: %v", base, err)
		}
	}
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestEnvironmentPrecedence(t *testing.T) {
	t.Parallel()
	const project = "a1b2c3d4-e5f6-7890-abcd-ef0123456789"
	const derived = "37d8a917ebd5aa1cf3db95a91ffbf27db5de7cbf190dc261dbdca29bb64f59aa"
	if got := dispatch.DeriveKey(project); got != derived {
		t.Errorf("DeriveKey = %s", got)
	}
	all := map[string]string{
		"WORKER_BASE_URL": "b1", "WORKERS_TRIGGER_API_URL": "b2", "WORKERS_CONFIG_API_URL": "b3", "NEXT_PUBLIC_WORKER_BASE_URL": "b4",
		"WORKERS_TRIGGER_API_KEY": "t", "WORKERS_CONFIG_API_KEY": "c", "WORKERS_API_KEY": "k", "MICROFOX_PROJECT_ID": project,
	}
	steps := []struct{ unset, base, trigger, config string }{
		{"", "b1", "t", "c"},
		{"WORKER_BASE_URL", "b2", "t", "c"},
		{"WORKERS_TRIGGER_API_URL", "b3", "t", "c"},
		{"WORKERS_CONFIG_API_URL", "b4", "t", "c"},
		{"NEXT_PUBLIC_WORKER_BASE_URL", "", "t", "c"},
		{"WORKERS_TRIGGER_API_KEY", "", "k", "c"},
		{"WORKERS_CONFIG_API_KEY", "", "k", "k"},
		{"WORKERS_API_KEY", "", derived, derived},
		{"MICROFOX_PROJECT_ID", "", "", ""},
	}
	for _, step := range steps {
		all[step.unset] = " " // blank counts as unset
		base, trigger, config := dispatch.BaseURLFromEnv(env(all)), dispatch.TriggerKeyFromEnv(env(all)), dispatch.ConfigKeyFromEnv(env(all))
		if base != step.base || trigger != step.trigger || config != step.config {
			t.Errorf("after %s: %q %q %q, want %q %q %q", step.unset, base, trigger, config, step.base, step.trigger, step.config)
		}
	}
}

func TestStatusErrorWithoutAStatusLine(t *testing.T) {
	t.Parallel()
	err := error(&dispatch.StatusError{Op: `trigger worker "a"`, StatusCode: 404})
	if got := err.Error(); got != `trigger worker "a": 404` {
		t.Errorf("got %s", got)
	}
	if !errors.Is(fmt.Errorf("wrapped: %w", err), dispatch.ErrUnknownWorker) || errors.Is(err, dispatch.ErrUnauthorized) {
		t.Error("404 is not told apart")
	}
}
