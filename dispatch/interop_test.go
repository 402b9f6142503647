package dispatch_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const echoQueue = "https://sqs.eu-west-1.amazonaws.com/111122223333/p-a1b2c3d4e5f6789-echo-prod"

// TestDeployedTriggerGetsTheFormItKnows compares whole requests.
func TestDeployedTriggerGetsTheFormItKnows(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"/prod", "/prod/", "//prod//", // an API's base, as API Gateway's console shows it
		"/prod/workers/trigger", "/prod/workers/trigger/?workerId=other#top",
		"/prod/workers/config", "/prod/workers/config?debug=1",
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			d := &deployed{stage: "/prod", key: "key-1", queues: map[string]string{"echo": echoQueue}}
			if strings.HasPrefix(form, "//") {
				d.stage = "//prod" // only the end of a base URL is tidied
			}
			base := d.start(t)
			client := newClient(t, dispatch.Config{BaseURL: base + form, TriggerKey: "key-1"})
			got, err := client.Dispatch(t.Context(), "echo", map[string]any{"text": "a<b & \u00fc"},
				dispatch.WithJobID("job-1"), dispatch.WithUserID("u-1"), dispatch.WithWebhookURL("https://example.com/hook?a=1&b=2"),
				dispatch.WithMetadata(map[string]any{"source": "test"}), dispatch.WithMaxTokens(100))
			if err != nil || got != (dispatch.Result{MessageID: "m-1", Status: "queued", JobID: "job-1"}) {
				t.Fatalf("Dispatch = %+v, %v", got, err)
			}
			message := `{"workerId":"echo","jobId":"job-1","input":{"text":"a<b & ü"},"context":{"userId":"u-1"},` +
				`"webhookUrl":"https://example.com/hook?a=1&b=2","metadata":{"source":"test"},"timestamp":"2026-01-01T00:00:00.123Z","maxTokens":100}`
			body := `{"workerId":"echo","body":` + message + `}`
			want := "POST " + d.stage + "/workers/trigger HTTP/1.1\r\nHost: " + strings.TrimPrefix(base, "http://") +
				"\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: " + strconv.Itoa(len(body)) +
				"\r\nContent-Type: application/json\r\nX-Workers-Trigger-Key: key-1\r\nAccept-Encoding: gzip\r\n\r\n" + body
			requests, messages := d.seen(t)
			if len(requests) != 1 || requests[0] != want {
				t.Errorf("the endpoint got\n%q\nwant\n%q", requests, want)
			}
			if len(messages) != 1 || messages[0] != message {
				t.Errorf("the queue got\n%q\nwant\n%q", messages, message)
			}
		})
	}
}

// The deployed endpoint has no validation to switch off, and takes no offence.
func TestDeployedTriggerGetsUncheckedInput(t *testing.T) {
	t.Parallel()
	d := &deployed{stage: "/prod", queues: map[string]string{"echo": echoQueue}}
	client := newClient(t, dispatch.Config{BaseURL: d.start(t) + "/prod/workers/config?debug=1"})
	if _, err := client.Dispatch(t.Context(), "echo", nil, dispatch.WithoutValidation()); err != nil {
		t.Fatal(err)
	}
	requests, messages := d.seen(t)
	if !strings.HasPrefix(requests[0], "POST /prod/workers/trigger?validate=off HTTP/1.1\r\n") || strings.Contains(messages[0], "alidat") {
		t.Errorf("the endpoint got %q, the queue %q", requests, messages)
	}
}

func TestDeployedTriggerAnswers(t *testing.T) {
	t.Parallel()
	queues := map[string]string{"echo": echoQueue}
	tests := []struct {
		name     string
		endpoint *deployed
		key      string
		worker   string
		id       string // of a success
		is       error
		status   int
		says     string
		tries    int
	}{
		{name: "200", endpoint: &deployed{queues: queues}, id: "m-1"},
		{name: "200 with a key", endpoint: &deployed{key: "k3y", queues: queues}, key: "k3y", id: "m-1"},
		{name: "200, the queue found by its name", endpoint: &deployed{lookup: queues}, id: "m-1"},
		{name: "200 without a message id", endpoint: &deployed{queues: queues, noMessageID: true}, id: "trigger-job-1"},
		{name: "200, a key nobody asked for", endpoint: &deployed{queues: queues}, key: "k3y", id: "m-1"},
		{name: "401 without a key", endpoint: &deployed{key: "k3y", queues: queues}, is: dispatch.ErrUnauthorized, status: 401, says: "WORKERS_API_KEY"},
		{name: "401 with another key", endpoint: &deployed{key: "k3y", queues: queues}, key: "other", is: dispatch.ErrUnauthorized, status: 401, says: `{"error":"Unauthorized"}`},
		{name: "404, no such queue", endpoint: &deployed{queues: queues}, worker: "nobody", is: dispatch.ErrUnknownWorker, status: 404, says: "p-a1b2c3d4e5f6789-nobody-prod"},
		{name: "404, no URL", endpoint: &deployed{lookup: map[string]string{"nobody": ""}}, worker: "nobody", is: dispatch.ErrUnknownWorker, status: 404, says: "Queue URL not found"},
		{name: "500", endpoint: &deployed{queues: queues, sendError: "One or more parameters are invalid"}, is: errAny, status: 500, says: "One or more parameters are invalid", tries: 2},
		{name: "502, headers lost", endpoint: &deployed{key: "k3y", queues: queues, nullHeaders: true}, key: "k3y", is: errAny, status: 502, says: "Internal server error", tries: 2},
		{name: "headers lost, no key asked for", endpoint: &deployed{queues: queues, nullHeaders: true}, key: "k3y", id: "m-1"},
		{name: "403, a base URL of another stage", endpoint: &deployed{stage: "/prod", queues: queues}, is: dispatch.ErrUnauthorized, status: 403, says: "check the base URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := tt.endpoint.start(t)
			client := newClient(t, dispatch.Config{BaseURL: base, TriggerKey: tt.key, Retries: 1})
			worker := "echo"
			if tt.worker != "" {
				worker = tt.worker
			}
			got, err := client.Dispatch(t.Context(), worker, nil, dispatch.WithJobID("job-1"))
			requests, messages := tt.endpoint.seen(t)
			if len(requests) != max(tt.tries, 1) {
				t.Errorf("%d requests, want %d", len(requests), max(tt.tries, 1))
			}
			if tt.is == nil {
				if err != nil || got.MessageID != tt.id || len(messages) != 1 {
					t.Errorf("Dispatch = %+v, %v; %d messages in the queue", got, err, len(messages))
				}
				return
			}
			status, _ := errors.AsType[*dispatch.StatusError](err)
			if status == nil || status.StatusCode != tt.status || !isError(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want status %d, %v, with %q", err, tt.status, tt.is, tt.says)
			}
			if len(messages) > 0 {
				t.Errorf("the queue got %q", messages)
			}
		})
	}
}

// TestDeployedTriggerItself holds the stand-in to what is known of the deployed
// endpoint, where our client would not show it.
func TestDeployedTriggerItself(t *testing.T) {
	t.Parallel()
	d := &deployed{key: "k3y", queues: map[string]string{"echo": echoQueue}}
	base := d.start(t)
	for _, tt := range []struct {
		name, header, query, body string
		status                    int
		message                   string
	}{
		{"messageBody goes first", "x-workers-trigger-key", "", `{"workerId":"echo","messageBody":" {\"a\":1} ","body":{"b":2}}`, 200, ` {"a":1} `},
		{"a body of text is passed on verbatim", "X-Workers-Trigger-Key", "", `{"workerId":"echo","body":"{ }"}`, 200, `{ }`},
		{"any other is written as JSON", "x-workers-trigger-key", "", `{"workerId":"echo","body": [1, 2]}`, 200, `[1,2]`},
		{"else the request", "x-workers-trigger-key", "?workerId=echo", `{"jobId":"j"}`, 200, `{"jobId":"j"}`},
		{"even when it is not JSON", "x-workers-trigger-key", "?workerId=echo", `hello`, 200, `hello`},
		{"the body's worker goes first", "x-workers-trigger-key", "?workerId=nobody", `{"workerId":"echo","body":{}}`, 200, `{}`},
		{"no worker", "x-workers-trigger-key", "", `{"body":{}}`, 400, ""},
		{"no message", "x-workers-trigger-key", "", `{"workerId":"echo","body":""}`, 400, ""},
		{"a third spelling of the header", "X-WORKERS-TRIGGER-KEY", "", `{"workerId":"echo","body":{}}`, 401, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/workers/trigger"+tt.query, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header[tt.header] = []string{"k3y"} // not Set, which would change the spelling
		_, before := d.seen(t)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		_, now := d.seen(t)
		var want []string
		if tt.status == 200 {
			want = []string{tt.message}
		}
		if resp.StatusCode != tt.status || !slices.Equal(now[len(before):], want) {
			t.Errorf("%s: status %d, the queue got %q; want %d, %q", tt.name, resp.StatusCode, now[len(before):], tt.status, want)
		}
	}
}
