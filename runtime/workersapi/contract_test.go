package workersapi

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

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
		{name: "raw text, worker in the query", target: "/workers/trigger?validate=off&workerId=echo", body: `plain`, status: 200, want: sentEcho, sent: `plain`},
		{name: "body wins over query", target: "/workers/trigger?validate=off&workerId=gone", body: `{"workerId":"echo","body":1}`, status: 200, want: sentEcho, sent: `1`},
		{
			name: "queue from the environment", env: map[string]string{"WORKER_QUEUE_URL_VIDEO_PROCESSING": "http://env/q"}, body: `{"workerId":"video-processing","body":{}}`,
			status: 200, want: `{"ok":true,"workerId":"video-processing","stage":"demo","queueUrl":"http://env/q","messageId":"message-1"}`, sent: `{}`,
		},
		{
			name: "queue of a group's service", env: map[string]string{"AIWORKER_GROUP_SERVICES": "true"}, body: `{"workerId":"video-processing","body":{}}`,
			status: 404, want: `{"error":"Queue does not exist or not accessible","queueName":"aiw-media-video-processing-demo","message":"QueueDoesNotExist: The specified queue does not exist."}`,
		},
		{name: "no worker", body: `{"body":{}}`, status: 400, want: noWorker},
		{name: "no worker in text", body: `plain`, status: 400, want: noWorker},
		{name: "no message", body: `{"workerId":"echo","body":""}`, status: 400, want: noBody},
		{name: "empty", target: "/workers/trigger?validate=off&workerId=echo", status: 400, want: noBody},
		{name: "no such queue", body: `{"workerId":"other","body":{}}`, status: 404},
		{name: "queue without URL", body: `{"workerId":"mute","body":{}}`, status: 404, want: `{"error":"Queue URL not found","queueName":"aiw-mute-demo"}`},
		{name: "send fails", sendErr: errors.New("too long"), body: `{"workerId":"echo","body":{}}`, status: 500, want: `{"error":"Failed to send message","message":"too long"}`},
		{name: "too large", target: "/workers/trigger?validate=off&workerId=echo", body: strings.Repeat("x", maxRequestBytes+1), status: 413},
		{name: "one MiB fits", target: "/workers/trigger?validate=off&workerId=echo", body: strings.Repeat("x", dispatch.MaxMessageBytes), status: 200, want: sentEcho, sent: strings.Repeat("x", dispatch.MaxMessageBytes)},

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
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default","functionName":"aiw-demo-workerEcho"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media","functionName":"aiw-demo-workerVideoProcessing"}},"schemas":{"echo":{"type":"object"}},"queues":[]}`,
		},
		{
			name: "debug needs a key", method: "GET", target: "/workers/config?debug=1", status: 200,
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default","functionName":"aiw-demo-workerEcho"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media","functionName":"aiw-demo-workerVideoProcessing"}},"schemas":{"echo":{"type":"object"}},"queues":[]}`,
		},
		{
			name: "debug", env: key, header: map[string]string{"x-workers-config-key": "k1"}, method: "GET", target: "/workers/config?debug=true", status: 200,
			want: `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/echo","region":"eu-west-1","group":"default","functionName":"aiw-demo-workerEcho"},` +
				`"video-processing":{"queueUrl":"http://q/video","region":"eu-west-1","group":"media","functionName":"aiw-demo-workerVideoProcessing"}},"schemas":{"echo":{"type":"object"}},"queues":[],` +
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
	s := newStage(demoConfig(apiManifest()), &fakeSQS{sendErr: tt.sendErr, urls: demoQueues()}, tt.env)
	method, target := tt.method, tt.target
	if method == "" {
		method = "POST"
	}
	// With validate=off the API is the deployed system's, which takes any text.
	if target == "" {
		target = "/workers/trigger?validate=off"
	}
	w := s.do(t, method, target, tt.body, tt.header)
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
	if got := s.sqs.messages(); got != tt.sent {
		t.Errorf("sent %.100q, want %.100q", got, tt.sent)
	}
	for _, secret := range []string{"k1", "k2", "k3"} {
		if strings.Contains(s.log.text(), secret) {
			t.Errorf("a key stands in the log: %s", s.log.text())
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
		s := newStage(Config{Manifest: apiManifest()}, &fakeSQS{}, map[string]string{"WORKER_QUEUE_URL_ECHO": "http://q"})
		s.do(t, "POST", "/workers/trigger?validate=off", body, nil)
		if got := s.log.text(); got != want {
			t.Errorf("log = %q, want %q", got, want)
		}
	}
}

func TestAPIWarnsOfAnEndpointLeftOpen(t *testing.T) {
	t.Parallel()
	s := newStage(Config{}, &fakeSQS{}, map[string]string{"WORKERS_CONFIG_API_KEY": "k"})
	if !strings.Contains(s.log.text(), "the other is public") {
		t.Errorf("log = %q", s.log.text())
	}
}
