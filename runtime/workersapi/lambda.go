package workersapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

const (
	// stageDefault is what an HTTP API calls the stage that has no name in URLs; the
	// events of function URLs have it too.
	stageDefault = "$default"
	// stageTest is the stage of requests made with the "Test" button of API Gateway's
	// console. No queue is called after it.
	stageTest = "test-invoke-stage"
)

// LambdaHandler serves h, as New makes it, as a Lambda function: what
// lambda.Start takes. It answers
//
//   - a REST API of API Gateway (proxy integration),
//   - an HTTP API of API Gateway, payload formats 1.0 and 2.0,
//   - a function URL,
//
// each in its own form. The stage is the one API Gateway names; a function URL and
// the stage $default name none, and Config.Stage counts. What stands in a path
// before the API's own, such as a stage or the base path of a custom domain, is
// dropped.
//
// An event that is no HTTP request is an error, which says what it is instead.
func LambdaHandler(h http.Handler) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		ev, err := readEvent(payload)
		if err != nil {
			return nil, err
		}
		w := &responseCollector{header: http.Header{}}
		if req, err := ev.request(ctx); err != nil {
			writeJSON(w, http.StatusBadRequest, apiError{Error: "Malformed request", Message: err.Error()})
		} else {
			h.ServeHTTP(w, req)
		}
		return w.response(ev.v2()), nil
	}
}

// httpEvent is what the forms of an HTTP event have that the API needs. Any of it
// may be missing. The types of package events would do, but refuse an event for a
// field that nobody reads, such as an authorizer's.
type httpEvent struct {
	// Formats 1.0, which is a REST API's too.
	Resource        string              `json:"resource"`
	Path            string              `json:"path"`
	HTTPMethod      string              `json:"httpMethod"`
	MultiHeaders    map[string][]string `json:"multiValueHeaders"`
	QueryParams     map[string]string   `json:"queryStringParameters"`
	MultiQueryParam map[string][]string `json:"multiValueQueryStringParameters"`

	// Format 2.0, which is a function URL's too.
	RawPath        string `json:"rawPath"`
	RawQueryString string `json:"rawQueryString"`

	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  struct {
		Stage      string `json:"stage"`
		DomainName string `json:"domainName"`
		HTTP       *struct {
			Method string `json:"method"`
			Path   string `json:"path"`
		} `json:"http"`

		// What shows other events.
		ConnectionID string          `json:"connectionId"`
		ELB          json.RawMessage `json:"elb"`
	} `json:"requestContext"`

	// What shows other events.
	Records    json.RawMessage `json:"Records"`
	DetailType string          `json:"detail-type"`
	MethodARN  string          `json:"methodArn"`
	RouteARN   string          `json:"routeArn"`
}

func readEvent(payload json.RawMessage) (*httpEvent, error) {
	var ev httpEvent
	err := json.Unmarshal(payload, &ev)
	// A payload that is no object at all is described below.
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && (!ok || mismatch.Field != "") {
		return nil, fmt.Errorf("read the event of the workers API: %w", err)
	}
	var what string
	switch {
	case given(ev.Records):
		what = "a batch of records, as of a queue or a stream"
	case ev.DetailType != "":
		what = "an event of EventBridge, such as a schedule's"
	case ev.MethodARN != "" || ev.RouteARN != "":
		what = "a request to an authorizer"
	case ev.RequestContext.ConnectionID != "":
		what = "a message of a WebSocket API"
	case given(ev.RequestContext.ELB):
		what = "a request of a load balancer"
	case ev.v2(), ev.HTTPMethod != "":
		return &ev, nil
	default:
		what = "something else"
	}
	return nil, fmt.Errorf("the event is %s: this function serves the workers API and answers HTTP requests of API Gateway (a REST API or an HTTP API) and of a function URL", what)
}

// given says that a member is there and not null.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// v2 says that the event has payload format 2.0. An HTTP API also writes
// version "2.0", which a hand-written event may lack.
func (ev *httpEvent) v2() bool { return ev.RequestContext.HTTP != nil }

// request makes the HTTP request that the event describes.
func (ev *httpEvent) request(ctx context.Context) (*http.Request, error) {
	if stage := ev.RequestContext.Stage; stage != "" && stage != stageDefault && stage != stageTest {
		ctx = context.WithValue(ctx, gatewayStage{}, stage)
	}
	body := []byte(ev.Body)
	if ev.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(ev.Body)
		if err != nil {
			return nil, fmt.Errorf("the body is not base64: %w", err)
		}
		body = decoded
	}
	method, path := ev.HTTPMethod, cmp.Or(ev.ownResource(), ev.Path)
	if ev.v2() {
		method, path = ev.RequestContext.HTTP.Method, cmp.Or(ev.RawPath, ev.RequestContext.HTTP.Path)
	}
	req, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the method %.20q is none of HTTP", method)
	}
	req.URL.Path, req.URL.RawQuery = ownPath(path), ev.query()
	req.RequestURI = req.URL.RequestURI()
	for name, value := range ev.Headers {
		req.Header.Set(name, value)
	}
	for name, values := range ev.MultiHeaders {
		req.Header.Del(name)
		for _, value := range values {
			req.Header.Add(name, value)
		}
	}
	req.Host = cmp.Or(req.Header.Get("Host"), ev.RequestContext.DomainName)
	req.Header.Del("Host") // where net/http has it: nowhere but in req.Host
	return req, nil
}

// query is the query string. Format 1.0 brings the parameters decoded, in two
// maps of which either may be missing.
func (ev *httpEvent) query() string {
	if ev.RawQueryString != "" {
		return ev.RawQueryString
	}
	query := url.Values{}
	for name, value := range ev.QueryParams {
		query.Set(name, value)
	}
	for name, values := range ev.MultiQueryParam {
		query[name] = values
	}
	return query.Encode()
}

// ownResource is the resource that API Gateway matched if it is one of the API's.
func (ev *httpEvent) ownResource() string {
	if slices.Contains(ownPaths(), ev.Resource) {
		return ev.Resource
	}
	return ""
}

func ownPaths() []string { return []string{pathTrigger, pathConfig, pathDocs} }

// ownPath drops what stands before one of the API's paths. That is the stage in
// the rawPath of an HTTP API, and in the path of a REST API the base path of a
// custom domain; neither can be told from the event for certain, and no path of
// the API ends like another.
func ownPath(path string) string {
	trimmed := strings.TrimSuffix(path, "/")
	for _, own := range ownPaths() {
		if strings.HasSuffix(trimmed, own) {
			return own
		}
	}
	return "/" + strings.TrimPrefix(path, "/")
}

// responseCollector is the http.ResponseWriter of an invocation.
type responseCollector struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var (
	_ http.ResponseWriter = (*responseCollector)(nil)
	_ io.StringWriter     = (*responseCollector)(nil)
)

// Header implements http.ResponseWriter.
func (w *responseCollector) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *responseCollector) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *responseCollector) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// WriteString implements io.StringWriter.
func (w *responseCollector) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.WriteString(s)
}

// response is the answer in the form that the event's sender wants.
func (w *responseCollector) response(v2 bool) any {
	w.WriteHeader(http.StatusOK)
	body, encoded := w.body.String(), false
	if !utf8.ValidString(body) {
		body, encoded = base64.StdEncoding.EncodeToString(w.body.Bytes()), true
	}
	headers := make(map[string]string, len(w.header))
	for name, values := range w.header {
		headers[name] = strings.Join(values, ", ")
	}
	if v2 {
		return events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: headers, Body: body, IsBase64Encoded: encoded}
	}
	return events.APIGatewayProxyResponse{StatusCode: w.status, Headers: headers, Body: body, IsBase64Encoded: encoded}
}
