package workersapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// gateway is what stands between HTTP and the function: it makes an event of a
// request, and a response of the answer, as its kind does.
type gateway struct {
	function lambda.Handler
	event    func(r *http.Request, body string) any
}

func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	payload, err := json.Marshal(g.event(r, string(body)))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out, err := g.function.Invoke(r.Context(), payload)
	var answer lambdaAnswer
	if err != nil || json.Unmarshal(out, &answer) != nil || answer.StatusCode == 0 {
		http.Error(w, `{"message":"Internal Server Error"}`, http.StatusBadGateway)
		return
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.WriteString(w, answer.Body)
}

// lowerHeaders are headers as format 2.0 has them.
func lowerHeaders(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[strings.ToLower(name)] = strings.Join(values, ",")
	}
	return out
}

func firsts(values map[string][]string) map[string]string {
	out := map[string]string{}
	for name, v := range values {
		out[name] = v[0]
	}
	return out
}

// gateways are the ways to the API, with the path at which each serves the stage gw.
func gateways() map[string]struct {
	base  string
	event func(r *http.Request, body string) any
} {
	rest := func(version string) func(r *http.Request, body string) any {
		return func(r *http.Request, body string) any {
			path := r.URL.Path
			if version == "" { // a REST API takes the stage out, an HTTP API does not
				path = strings.TrimPrefix(path, "/gw")
			}
			return struct {
				Version string `json:"version,omitempty"`
				events.APIGatewayProxyRequest
			}{version, events.APIGatewayProxyRequest{
				Resource: "/{proxy+}", Path: path, HTTPMethod: r.Method, Body: body,
				Headers: firsts(r.Header), MultiValueHeaders: r.Header,
				QueryStringParameters: firsts(r.URL.Query()), MultiValueQueryStringParameters: r.URL.Query(),
				RequestContext: events.APIGatewayProxyRequestContext{Stage: "gw", Path: r.URL.Path},
			}}
		}
	}
	return map[string]struct {
		base  string
		event func(r *http.Request, body string) any
	}{
		"REST API":     {"/gw", rest("")},
		"HTTP API 1.0": {"/gw", rest("1.0")},
		"HTTP API 2.0": {"/gw", func(r *http.Request, body string) any {
			return events.APIGatewayV2HTTPRequest{
				Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: lowerHeaders(r.Header), Body: body,
				RequestContext: events.APIGatewayV2HTTPRequestContext{Stage: "gw", HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path}},
			}
		}},
		"function URL": {"", func(r *http.Request, body string) any {
			return events.LambdaFunctionURLRequest{
				Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: lowerHeaders(r.Header),
				Body: base64.StdEncoding.EncodeToString([]byte(body)), IsBase64Encoded: true,
				RequestContext: events.LambdaFunctionURLRequestContext{HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path}},
			}
		}},
		"net/http": {"", nil},
	}
}

// Our own clients, through every way to the API.
func TestClients(t *testing.T) {
	t.Parallel()
	for name, way := range gateways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := checkedManifest()
			fake := &fakeSQS{urls: map[string]string{}}
			for _, w := range m.Workers {
				fake.urls["aiw-"+w.ID+"-gw"] = awsQueue + "aiw-" + w.ID + "-gw"
			}
			s := newStage(Config{Manifest: m, Service: "aiw"}, fake, map[string]string{"WORKERS_API_KEY": "k1", "STAGE": "gw"})
			server := s.h
			if way.event != nil {
				server = gateway{lambda.NewHandler(LambdaHandler(s.h)), way.event}
			}
			srv := httptest.NewServer(server)
			t.Cleanup(srv.Close)
			base := srv.URL + way.base

			trigger, err := dispatch.NewTrigger(base, "k1", nil, dispatch.TriggerRetries(-1))
			if err != nil {
				t.Fatal(err)
			}
			job := func(input string) *dispatch.Message {
				return &dispatch.Message{WorkerID: "video", JobID: "job-ü", Input: json.RawMessage(input)}
			}
			good := job(`{"url":"<ü>","width":3}`)
			id, err := trigger.Send(t.Context(), good, 0)
			if err != nil || id != "message-1" {
				t.Fatalf("Send = %q, %v", id, err)
			}
			want, err := good.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if got := fake.messages(); got != string(want) {
				t.Errorf("the queue has\n%s, the message is\n%s", got, want)
			}

			_, err = trigger.Send(t.Context(), job(`{"url":7,"width":3}`), 0)
			status, ok := errors.AsType[*dispatch.StatusError](err)
			if !ok || status.StatusCode != http.StatusBadRequest || !strings.Contains(status.Body, `"pointer":"/url"`) {
				t.Errorf("an input that does not fit: %v", err)
			}
			forced := job(`{"url":7,"width":3}`)
			forced.Unchecked = true
			if _, err := trigger.Send(t.Context(), forced, 0); err != nil || len(fake.sent) != 2 {
				t.Errorf("the same, unchecked: %v", err)
			}
			if _, err := trigger.Send(t.Context(), &dispatch.Message{WorkerID: "none", JobID: "j"}, 0); !errors.Is(err, dispatch.ErrUnknownWorker) {
				t.Errorf("an unknown worker: %v", err)
			}
			stranger, err := dispatch.NewTrigger(base, "k2", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stranger.Send(t.Context(), good, 0); !errors.Is(err, dispatch.ErrUnauthorized) {
				t.Errorf("a wrong key: %v", err)
			}

			cfg, err := dispatch.FetchConfig(t.Context(), base, "k1", nil)
			if err != nil {
				t.Fatal(err)
			}
			if ids := slices.Sorted(maps.Keys(cfg.Workers)); cfg.Stage != "gw" || len(ids) != len(m.Workers) || cfg.Workers["video"].FunctionName != "aiw-gw-workerVideo" {
				t.Errorf("config = %+v", cfg)
			}
			if _, err := dispatch.FetchConfig(t.Context(), base, "", nil); !errors.Is(err, dispatch.ErrUnauthorized) {
				t.Errorf("config without a key: %v", err)
			}
		})
	}
}
