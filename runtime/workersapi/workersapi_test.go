package workersapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// logBuffer is a log that can be read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fakeSQS knows one queue per name and keeps what is sent.
type fakeSQS struct {
	SQSAPI  // what the API does not call
	urls    map[string]string
	sent    []string
	to      []string
	sendErr error
}

func (f *fakeSQS) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	url, ok := f.urls[*in.QueueName]
	if !ok {
		text := "The specified queue does not exist."
		return nil, &sqstypes.QueueDoesNotExist{Message: &text}
	}
	if url == "" {
		return &sqs.GetQueueUrlOutput{}, nil
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: &url}, nil
}

func (f *fakeSQS) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if f.sendErr != nil {
		return nil, f.sendErr
	}
	f.sent = append(f.sent, *in.MessageBody)
	f.to = append(f.to, *in.QueueUrl)
	id := "message-1"
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

func apiManifest() dispatch.Manifest {
	return dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{
		{ID: "echo", InputSchema: json.RawMessage(`{"type":"object"}`)},
		{ID: "gone"},
		{ID: "video-processing", Group: "media"},
	}}
}

type apiCase struct {
	name, method, target, body string
	header                     map[string]string
	env                        map[string]string
	sendErr                    error
	status                     int
	want                       string // the whole body; "" is not compared
	sent                       string
}

func TestAPI(t *testing.T) {
	t.Parallel()
	key := map[string]string{"WORKERS_API_KEY": "k1", "WORKERS_TRIGGER_API_KEY": "k2", "WORKERS_CONFIG_API_KEY": "k3"}
	sentEcho := `{"ok":true,"workerId":"echo","stage":"demo","queueName":"aiw-echo-demo","queueUrl":"http://q/echo","messageId":"message-1"}`
	const noWorker = `{"error":"workerId is required (query param workerId or JSON body workerId)"}`
	const noBody = `{"error":"body/messageBody is required"}`
	for _, tt := range []apiCase{
		// The forms of a trigger, in the order of their precedence.
		{name: "body object", body: `{"workerId":"echo","body":{ "jobId": "j", "n": 1.0, "html": "<>" }}`, status: 200, want: sentEcho, sent: `{"jobId":"j","n":1.0,"html":"<>"}`},
		{name: "body text", body: `{"workerId":"echo","body":"as it is"}`, status: 200, want: sentEcho, sent: `as it is`},
		{name: "messageBody wins", body: `{"workerId":"echo","messageBody":"this","body":"that"}`, status: 200, want: sentEcho, sent: `this`},
		{name: "messageBody that is no text", body: `{"workerId":"echo","messageBody":7,"body":"that"}`, status: 200, want: sentEcho, sent: `that`},
		{name: "raw", body: `{"workerId":"echo", "input":{}}`, status: 200, want: sentEcho, sent: `{"workerId":"echo", "input":{}}`},
		{name: "raw text, worker in the query", target: "/workers/trigger?workerId=echo", body: `plain`, status: 200, want: sentEcho, sent: `plain`},
		{name: "body wins over query", target: "/workers/trigger?workerId=gone", body: `{"workerId":"echo","body":1}`, status: 200, want: sentEcho, sent: `1`},
		{
			name: "queue from the environment", env: map[string]string{"WORKER_QUEUE_URL_VIDEO_PROCESSING": "http://env/q"}, body: `{"workerId":"video-processing","body":{}}`,
			status: 200, want: `{"ok":true,"workerId":"video-processing","stage":"demo","queueUrl":"http://env/q","messageId":"message-1"}`, sent: `{}`,
		},
		{name: "no worker", body: `{"body":{}}`, status: 400, want: noWorker},
		{name: "no worker in text", body: `plain`, status: 400, want: noWorker},
		{name: "no message", body: `{"workerId":"echo","body":""}`, status: 400, want: noBody},
		{name: "empty", target: "/workers/trigger?workerId=echo", status: 400, want: noBody},
		{name: "no such queue", body: `{"workerId":"other","body":{}}`, status: 404},
		{name: "queue without URL", body: `{"workerId":"mute","body":{}}`, status: 404, want: `{"error":"Queue URL not found","queueName":"aiw-mute-demo"}`},
		{name: "send fails", sendErr: errors.New("too long"), body: `{"workerId":"echo","body":{}}`, status: 500, want: `{"error":"Failed to send message","message":"too long"}`},
		{name: "too large", target: "/workers/trigger?workerId=echo", body: strings.Repeat("x", maxRequestBytes+1), status: 413},
		{name: "one MiB fits", target: "/workers/trigger?workerId=echo", body: strings.Repeat("x", dispatch.MaxMessageBytes), status: 200, want: sentEcho, sent: strings.Repeat("x", dispatch.MaxMessageBytes)},

		{name: "one MiB as text fits", body: `{"workerId":"echo","messageBody":"` + strings.Repeat(`\"`, dispatch.MaxMessageBytes) + `"}`, status: 200, want: sentEcho, sent: strings.Repeat(`"`, dispatch.MaxMessageBytes)},

		{name: "key with a line feed", env: map[string]string{"WORKERS_API_KEY": "k1\n"}, header: map[string]string{"x-workers-trigger-key": "k1"}, body: `{"workerId":"echo","body":"x"}`, status: 200, want: sentEcho, sent: "x"},
		{name: "key of spaces", env: map[string]string{"WORKERS_API_KEY": " "}, body: `{"workerId":"echo","body":"x"}`, status: 401},
		{name: "no key", env: key, body: `{}`, status: 401, want: `{"error":"Unauthorized"}`},
		{name: "wrong key", env: key, header: map[string]string{"x-workers-trigger-key": "k2"}, body: `{}`, status: 401, want: `{"error":"Unauthorized"}`},
		{name: "key", env: key, header: map[string]string{"X-Workers-Trigger-Key": "k1"}, body: `{"workerId":"echo","body":"x"}`, status: 200, want: sentEcho, sent: "x"},
		{name: "older key", env: map[string]string{"WORKERS_TRIGGER_API_KEY": "k2"}, header: map[string]string{"x-workers-trigger-key": "k2"}, body: `{"workerId":"echo","body":"x"}`, status: 200, want: sentEcho, sent: "x"},
		{name: "config without key", env: key, method: "GET", target: "/workers/config", status: 401, want: `{"error":"Unauthorized"}`},
		{name: "config with the other header", env: key, method: "GET", target: "/workers/config", header: map[string]string{"x-workers-trigger-key": "k1"}, status: 401},

		{
			name: "config", method: "GET", target: "/workers/config", status: 200,
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media"}},"schemas":{"echo":{"type":"object"}},"queues":[]}`,
		},
		{
			name: "debug needs a key", method: "GET", target: "/workers/config?debug=1", status: 200,
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media"}},"schemas":{"echo":{"type":"object"}},"queues":[]}`,
		},
		{
			name: "debug", env: key, header: map[string]string{"x-workers-config-key": "k1"}, method: "GET", target: "/workers/config?debug=true", status: 200,
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media"}},"schemas":{"echo":{"type":"object"}},"queues":[],` +
				`"attemptedQueueNames":["aiw-echo-demo","aiw-gone-demo","aiw-video-processing-demo"],` +
				`"errors":[{"workerId":"gone","queueName":"aiw-gone-demo","name":"QueueDoesNotExist","message":"The specified queue does not exist."}]}`,
		},

		{name: "docs are public", env: key, method: "GET", target: "/docs.json", status: 200},
		{name: "unknown path", method: "GET", target: "/", status: 404, want: `{"error":"Not found"}`},
		{name: "wrong method", method: "GET", target: "/workers/trigger", status: 405, want: `{"error":"Method not allowed"}`},
		{name: "wrong method for config", method: "DELETE", target: "/workers/config", status: 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t)
		})
	}
}

func (tt apiCase) run(t *testing.T) {
	t.Helper()
	fake := &fakeSQS{sendErr: tt.sendErr, urls: map[string]string{"aiw-echo-demo": "http://q/echo", "aiw-video-processing-demo": "http://q/video", "aiw-mute-demo": ""}}
	var log logBuffer
	h := New(Config{Manifest: apiManifest(), Stage: "demo", Region: "eu-west-1", Service: "aiw", SQS: fake, Output: &log, Getenv: func(name string) string { return tt.env[name] }})
	method, target := tt.method, tt.target
	if method == "" {
		method = "POST"
	}
	if target == "" {
		target = "/workers/trigger"
	}
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(tt.body))
	for name, value := range tt.header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != tt.status {
		t.Errorf("status = %d, want %d (%s)", w.Code, tt.status, w.Body)
	}
	if got := w.Body.String(); tt.want != "" && got != tt.want {
		t.Errorf("body\n got %s\nwant %s", got, tt.want)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("the body is not JSON: %s", w.Body)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers = %v", w.Header())
	}
	if got := strings.Join(fake.sent, "|"); got != tt.sent {
		t.Errorf("sent %.100q, want %.100q", got, tt.sent)
	}
	for _, secret := range []string{"k1", "k2", "k3"} {
		if strings.Contains(log.text(), secret) {
			t.Errorf("a key stands in the log: %s", log.text())
		}
	}
}

func TestTriggerLeavesAMarker(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"workerId":"echo","body":{"jobId":"j-1"}}`: `[AIWORKER_TRIGGER] {"jobId":"j-1","workerId":"echo","awsRequestId":""}` + "\n",
		// The id of another letter case is another field; and no id makes a line of a megabyte.
		`{"workerId":"echo","body":{"JobId":"j-1"}}`:                               `[AIWORKER_TRIGGER] {"jobId":null,"workerId":"echo","awsRequestId":""}` + "\n",
		`{"workerId":"echo","body":{"jobId":"` + strings.Repeat("x", 1000) + `"}}`: `[AIWORKER_TRIGGER] {"jobId":"` + strings.Repeat("x", jsonlog.MaxID) + `...","workerId":"echo","awsRequestId":""}` + "\n",
		`{"workerId":"echo","body":"text"}`:                                        `[AIWORKER_TRIGGER] {"jobId":null,"workerId":"echo","awsRequestId":""}` + "\n",
	} {
		var log logBuffer
		h := New(Config{Manifest: apiManifest(), SQS: &fakeSQS{}, Output: &log, Getenv: func(name string) string {
			return map[string]string{"WORKER_QUEUE_URL_ECHO": "http://q"}[name]
		}})
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "POST", "/workers/trigger", strings.NewReader(body)))
		if got := log.text(); got != want {
			t.Errorf("log = %q, want %q", got, want)
		}
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	h := New(Config{Stage: "demo", Region: "eu-west-1", Service: "aiw", Getenv: func(string) string { return "" }})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/docs.json", nil))
	var doc struct {
		OpenAPI string                                      `json:"openapi"`
		Info    struct{ Title, Version string }             `json:"info"`
		Paths   map[string]any                              `json:"paths"`
		Servers []struct{ URL string }                      `json:"servers"`
		Service struct{ ServiceName, Stage, Region string } `json:"x-service"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.0.3" || doc.Info.Title != "AI Worker Service" || doc.Info.Version != "1.0.0" || len(doc.Paths) != 3 ||
		doc.Servers[0].URL != "https://{apiId}.execute-api.{region}.amazonaws.com/{stage}" {
		t.Errorf("document = %+v", doc)
	}
	if s := doc.Service; s.ServiceName != "aiw" || s.Stage != "demo" || s.Region != "eu-west-1" {
		t.Errorf("x-service = %+v", s)
	}
}

func TestGateway(t *testing.T) {
	t.Parallel()
	fake := &fakeSQS{urls: map[string]string{"aiw-echo-gw": "http://q/echo", "aiw-echo-prod": "http://q/prod"}}
	env := map[string]string{"WORKERS_API_KEY": "k1"}
	h := GatewayHandler(New(Config{Manifest: apiManifest(), Service: "aiw", SQS: fake, Output: &logBuffer{}, Getenv: func(name string) string { return env[name] }}))
	key := map[string]string{"x-workers-trigger-key": "k1"}
	text := `{"workerId":"echo","body":{"n":1}}`
	for _, tt := range []struct {
		name   string
		ev     events.APIGatewayProxyRequest
		status int
		stage  string
	}{
		{"plain", events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/workers/trigger", Headers: key, Body: text, RequestContext: events.APIGatewayProxyRequestContext{Stage: "gw"}}, 200, "gw"},
		{"base64", events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/workers/trigger", Headers: key, Body: base64.StdEncoding.EncodeToString([]byte(text)), IsBase64Encoded: true}, 200, "prod"},
		{"broken base64", events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/workers/trigger", Headers: key, Body: "%%", IsBase64Encoded: true}, 400, ""},
		{"custom domain", events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/base/workers/trigger", Resource: "/workers/trigger", Headers: key, Body: text}, 200, "prod"},
		{"multi-value", events.APIGatewayProxyRequest{
			HTTPMethod: "POST", Path: "/workers/trigger", MultiValueHeaders: map[string][]string{"X-Workers-Trigger-Key": {"k1"}},
			MultiValueQueryStringParameters: map[string][]string{"workerId": {"echo"}}, Body: "raw",
		}, 200, "prod"},
		{"no headers at all", events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/workers/trigger", Body: text}, 401, ""},
		{"nothing", events.APIGatewayProxyRequest{}, 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := h(t.Context(), tt.ev)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || resp.Headers["Content-Type"] != "application/json" || resp.Headers["Access-Control-Allow-Origin"] != "*" {
				t.Errorf("response = %+v, want status %d", resp, tt.status)
			}
			if tt.stage != "" && !strings.Contains(resp.Body, `"stage":"`+tt.stage+`"`) {
				t.Errorf("body = %s, want stage %s", resp.Body, tt.stage)
			}
		})
	}
}

func TestAPIWarnsOfAnEndpointLeftOpen(t *testing.T) {
	t.Parallel()
	var log logBuffer
	New(Config{Output: &log, Getenv: func(name string) string { return map[string]string{"WORKERS_CONFIG_API_KEY": "k"}[name] }})
	if !strings.Contains(log.text(), "the other is public") {
		t.Errorf("log = %q", log.text())
	}
}
