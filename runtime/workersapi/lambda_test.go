package workersapi

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

// lambdaAnswer is an answer in any of the forms.
type lambdaAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// invoke calls the API as Lambda does: JSON in, JSON out.
func (s stage) invoke(t *testing.T, event string) (lambdaAnswer, error) {
	t.Helper()
	out, err := lambda.NewHandler(LambdaHandler(s.h)).Invoke(t.Context(), []byte(event))
	if err != nil {
		return lambdaAnswer{}, err
	}
	var answer lambdaAnswer
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("the answer %s: %v", out, err)
	}
	return answer, nil
}

type lambdaCase struct {
	name, event string
	status      int
	body        string
}

// The events are cut down from those that AWS documents for each kind
// (developer guides of API Gateway and Lambda).
func lambdaEvents() []lambdaCase {
	const job = `{\"workerId\":\"echo\",\"body\":{\"workerId\":\"echo\",\"jobId\":\"j\",\"input\":{}}}`
	const accepted = `{"ok":true,"workerId":"echo","stage":"STAGE","queueName":"aiw-echo-STAGE","queueUrl":"http://q/STAGE","messageId":"message-1"}`
	on := func(stage string) string { return strings.ReplaceAll(accepted, "STAGE", stage) }
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"workerId":"echo","body":{"jobId":"j"}}`))
	const unauthorized = `{"error":"Unauthorized"}`
	return []lambdaCase{
		{"REST", `{"resource":"/workers/trigger","path":"/workers/trigger","httpMethod":"POST","headers":{"X-Workers-Trigger-Key":"k1"},
			"multiValueHeaders":{"X-Workers-Trigger-Key":["k1"]},"queryStringParameters":null,"multiValueQueryStringParameters":null,
			"requestContext":{"resourcePath":"/workers/trigger","path":"/gw/workers/trigger","stage":"gw","authorizer":"a text"},"body":"` + job + `","isBase64Encoded":false}`, 200, on("gw")},
		{"REST, multi-value maps only", `{"path":"/workers/trigger","httpMethod":"POST","headers":null,"multiValueHeaders":{"x-workers-trigger-key":["k1"]},
			"multiValueQueryStringParameters":{"workerId":["echo"],"validate":["on","off"]},"requestContext":{"stage":"gw"},"body":"{\"jobId\":\"j\"}"}`, 200, on("gw")},
		{"REST, single-value maps only", `{"path":"/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},
			"queryStringParameters":{"workerId":"echo","validate":"off"},"requestContext":{"stage":"gw"},"body":"any text"}`, 200, on("gw")},
		{"REST, custom domain", `{"resource":"/workers/trigger","path":"/base/path/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},
			"requestContext":{"path":"/base/path/workers/trigger","stage":"gw"},"body":"` + job + `"}`, 200, on("gw")},
		{"REST, proxy resource on a custom domain", `{"resource":"/{proxy+}","path":"/base/workers/trigger/","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},
			"pathParameters":{"proxy":"workers/trigger"},"requestContext":{"stage":"gw"},"body":"` + job + `"}`, 200, on("gw")},
		{"REST, base64", `{"path":"/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},"requestContext":{"stage":"gw"},"body":"` + encoded + `","isBase64Encoded":true}`, 200, on("gw")},
		{"REST, broken base64", `{"path":"/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},"body":"%%","isBase64Encoded":true}`, 400, ""},
		{"REST, the console's test button", `{"path":"/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},"requestContext":{"stage":"test-invoke-stage"},"body":"` + job + `"}`, 200, on("demo")},
		{"REST, no headers", `{"path":"/workers/trigger","httpMethod":"POST","headers":null,"multiValueHeaders":null,"body":"` + job + `"}`, 401, unauthorized},
		{
			"REST, no body", `{"path":"/workers/trigger","httpMethod":"POST","headers":{"x-workers-trigger-key":"k1"},"body":null}`, 400,
			`{"error":"workerId is required (query param workerId or JSON body workerId)"}`,
		},
		{"REST, another path", `{"path":"/workers/triggers","httpMethod":"POST","requestContext":{"stage":"gw"}}`, 404, `{"error":"Not found"}`},
		{"REST, another method", `{"path":"/workers/trigger","httpMethod":"GET"}`, 405, `{"error":"Method not allowed"}`},
		{"REST, no method of HTTP", `{"path":"/workers/trigger","httpMethod":"GE T"}`, 400, ""},

		{"HTTP API 1.0", `{"version":"1.0","resource":"/workers/trigger","path":"/gw/workers/trigger","httpMethod":"POST","headers":{"X-Workers-Trigger-Key":"k1"},
			"multiValueHeaders":{"X-Workers-Trigger-Key":["k1"]},"requestContext":{"path":"/gw/workers/trigger","stage":"gw","protocol":"HTTP/1.1"},"body":"` + job + `"}`, 200, on("gw")},
		{"HTTP API 1.0, stage without a name", `{"version":"1.0","resource":"$default","path":"/workers/trigger","httpMethod":"POST","headers":{"X-Workers-Trigger-Key":"k1"},
			"requestContext":{"stage":"$default"},"body":"` + job + `"}`, 200, on("demo")},

		{"HTTP API 2.0, stage without a name", `{"version":"2.0","routeKey":"$default","rawPath":"/workers/trigger","rawQueryString":"","cookies":["a=b"],"headers":{"x-workers-trigger-key":"k1"},
			"requestContext":{"stage":"$default","domainName":"abc.execute-api.eu-west-1.amazonaws.com","http":{"method":"POST","path":"/workers/trigger"}},"body":"` + job + `","isBase64Encoded":false}`, 200, on("demo")},
		{"HTTP API 2.0, named stage", `{"version":"2.0","routeKey":"POST /workers/trigger","rawPath":"/gw/workers/trigger","rawQueryString":"workerId=echo&validate=off","headers":{"x-workers-trigger-key":"k1"},
			"requestContext":{"stage":"gw","http":{"method":"POST","path":"/gw/workers/trigger"}},"body":"plain text"}`, 200, on("gw")},
		{"HTTP API 2.0, query as a map only", `{"version":"2.0","rawPath":"/workers/trigger","headers":{"x-workers-trigger-key":"k1"},"queryStringParameters":{"workerId":"echo","validate":"off"},
			"requestContext":{"http":{"method":"POST"}},"body":"plain text"}`, 200, on("demo")},
		{"HTTP API 2.0, header twice", `{"version":"2.0","rawPath":"/workers/trigger","headers":{"x-workers-trigger-key":"k1,k1"},"requestContext":{"http":{"method":"POST"}},"body":"` + job + `"}`, 401, unauthorized},

		{"function URL", `{"version":"2.0","rawPath":"/workers/trigger","rawQueryString":"","headers":{"x-workers-trigger-key":"k1"},
			"requestContext":{"accountId":"anonymous","domainName":"abc.lambda-url.eu-west-1.on.aws","http":{"method":"POST","path":"/workers/trigger"}},"body":"` + encoded + `","isBase64Encoded":true}`, 200, on("demo")},
		{"function URL, no headers", `{"version":"2.0","rawPath":"/workers/trigger","requestContext":{"http":{"method":"POST"}}}`, 401, unauthorized},
		{"function URL, document", `{"version":"2.0","rawPath":"/docs.json","requestContext":{"http":{"method":"GET"}}}`, 200, ""},
	}
}

func TestLambdaEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range lambdaEvents() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeSQS{urls: map[string]string{"aiw-echo-gw": "http://q/gw", "aiw-echo-demo": "http://q/demo"}}
			// The stage is that of ENVIRONMENT where the event names none.
			s := newStage(Config{Manifest: apiManifest(), Service: "aiw"}, fake, map[string]string{"WORKERS_API_KEY": "k1", "ENVIRONMENT": "demo", "STAGE": "other"})
			answer, err := s.invoke(t, tt.event)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != tt.status || tt.body != "" && answer.Body != tt.body {
				t.Errorf("answer = %d %s\nwant     %d %s", answer.StatusCode, answer.Body, tt.status, tt.body)
			}
			if answer.Headers["Content-Type"] != "application/json" || answer.Headers["Access-Control-Allow-Origin"] != "*" || answer.IsBase64Encoded {
				t.Errorf("headers = %v, base64 = %v", answer.Headers, answer.IsBase64Encoded)
			}
		})
	}
}

func TestLambdaRefusesOtherEvents(t *testing.T) {
	t.Parallel()
	for event, says := range map[string]string{
		`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`:                                                               "a batch of records",
		`{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`:                                 "an event of EventBridge",
		`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:x","requestContext":{"http":{"method":"POST"}}}`: "a request to an authorizer",
		`{"type":"REQUEST","methodArn":"arn:aws:execute-api:x","httpMethod":"POST","path":"/workers/trigger"}`:              "a request to an authorizer",
		`{"requestContext":{"connectionId":"c","eventType":"MESSAGE","stage":"gw"},"body":"x"}`:                             "a message of a WebSocket API",
		`{"requestContext":{"elb":{"targetGroupArn":"arn:x"}},"httpMethod":"GET","path":"/docs.json"}`:                      "a request of a load balancer",
		`{}`:                     "something else",
		`null`:                   "something else",
		`[1]`:                    "something else",
		`"text"`:                 "something else",
		`{"headers":"a text"}`:   "headers",
		`{"httpMethod":["GET"]}`: "httpMethod",
		`{"Records":null,"requestContext":{"elb":null}}`: "something else",
	} {
		_, err := newStage(Config{}, &fakeSQS{}, nil).invoke(t, event)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", event, err, says)
			continue
		}
		if !strings.Contains(err.Error(), "workers API") {
			t.Errorf("%s: the error does not say whose it is: %v", event, err)
		}
	}
}

// LambdaHandler carries what any handler answers, since one may be wrapped around
// the API.
func TestLambdaAnswers(t *testing.T) {
	t.Parallel()
	s := stage{h: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		if r.Host == "abc.example.com" {
			w.WriteHeader(http.StatusTeapot)
		}
		w.WriteHeader(http.StatusOK) // too late, as in net/http
		_, _ = io.WriteString(w, "\xff"+r.RequestURI)
	})}
	for event, status := range map[string]int{
		`{"httpMethod":"GET","path":"/a b","queryStringParameters":{"q":"ü&"},"headers":{"host":"abc.example.com"}}`:                                       http.StatusTeapot,
		`{"version":"2.0","rawPath":"/a b","rawQueryString":"q=%C3%BC%26","requestContext":{"domainName":"abc.example.com","http":{"method":"GET"}}}`:      http.StatusTeapot,
		`{"version":"2.0","rawPath":"/a b","rawQueryString":"q=%C3%BC%26","requestContext":{"domainName":"other.example.com","http":{"method":"DELETE"}}}`: http.StatusOK,
	} {
		answer, err := s.invoke(t, event)
		if err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(answer.Body)
		if err != nil || !answer.IsBase64Encoded || string(text) != "\xff/a%20b?q=%C3%BC%26" {
			t.Errorf("%s: body %q (base64: %v), %v", event, text, answer.IsBase64Encoded, err)
		}
		if answer.StatusCode != status || answer.Headers["X-Two"] != "a, b" {
			t.Errorf("%s: answer = %+v, want status %d", event, answer, status)
		}
	}
}
