// Package gateway is API Gateway's REST APIs in front of functions: what a stack has described
// is served below one path for each API, and a request becomes the proxy event that a function
// knows. There are no authorizers, keys, models or caches, and no integration but that with
// functions.
package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxBody is the largest request, in bytes
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const maxBody = 10 << 20

// Proxy passes requests on to functions.
type Proxy struct {
	// Account is in the events.
	Account string
	// Invoke runs a function.
	Invoke func(ctx context.Context, function string, payload []byte) (functions.Result, error)
	// Logger gets what an operator of the endpoint should know.
	Logger *slog.Logger
}

// Target is where a request goes, and what its event says of the way there.
type Target struct {
	Function string
	APIID    string
	Stage    string
	// Resource is the path as the API has it (/jobs/{id}), Path as the request has it, without
	// the stage; Parameters are the values of what is in braces.
	Resource, Path string
	Parameters     map[string]string
	// Absent answers when there is no such function; nil answers as API Gateway does.
	Absent func(w http.ResponseWriter)
}

// Serve has a request answered by a function.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, to Target) {
	body, err := wire.ReadBody(r, nil, maxBody)
	if err != nil {
		WriteError(w, err)
		return
	}
	payload, err := json.Marshal(p.event(r, to, body))
	if err != nil {
		WriteError(w, fmt.Errorf("make an event of %s %s: %w", r.Method, r.URL.Path, err))
		return
	}
	result, err := p.Invoke(r.Context(), to.Function, payload)
	if err != nil {
		if e, _ := wire.AsError(err); e.Status == http.StatusNotFound && to.Absent != nil {
			to.Absent(w)
			return
		}
		p.Logger.Error("invoke the function of an API", "function", to.Function, "error", err)
		WriteError(w, err)
		return
	}
	answer, text, err := answerOf(result)
	if err != nil {
		p.Logger.Error("the function of an API failed", "function", to.Function, "requestId", result.RequestID, "error", err)
		// API Gateway's own words for a function that failed or answered rubbish.
		writeJSON(w, http.StatusBadGateway, "Internal server error")
		return
	}
	h := w.Header()
	for k, v := range answer.Headers {
		h.Set(k, v)
	}
	for k, values := range answer.MultiValueHeaders {
		h[http.CanonicalHeaderKey(k)] = values
	}
	h.Del("Content-Length") // ours is right, whatever the function says
	h.Del("Transfer-Encoding")
	h.Set("X-Amzn-Requestid", result.RequestID)
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text) // a client that has gone away is no concern of ours
}

// answerOf is the response that a function's result asks for.
func answerOf(result functions.Result) (answer events.APIGatewayProxyResponse, body []byte, err error) {
	if result.FunctionError != "" || json.Unmarshal(result.Payload, &answer) != nil || answer.StatusCode < 200 || answer.StatusCode > 599 {
		return answer, nil, fmt.Errorf("the answer of request %s is not a response: see its log", result.RequestID)
	}
	if answer.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(answer.Body)
		return answer, body, err
	}
	return answer, []byte(answer.Body), nil
}

// event is the request as API Gateway passes it on
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
func (p *Proxy) event(r *http.Request, to Target, body []byte) events.APIGatewayProxyRequest {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	headers := maps.Clone(r.Header)
	headers.Set("Host", r.Host)
	headers.Set("X-Forwarded-For", client)
	headers.Set("X-Forwarded-Proto", "http")
	query := r.URL.Query()
	now := time.Now()
	ev := events.APIGatewayProxyRequest{
		Resource:                        to.Resource,
		Path:                            to.Path,
		HTTPMethod:                      r.Method,
		Headers:                         last(headers),
		MultiValueHeaders:               headers,
		QueryStringParameters:           last(query),
		MultiValueQueryStringParameters: query,
		PathParameters:                  to.Parameters,
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID:        p.Account,
			APIID:            to.APIID,
			Stage:            to.Stage,
			DomainName:       r.Host,
			RequestID:        wire.NewID(),
			Protocol:         r.Proto,
			ResourcePath:     to.Resource,
			Path:             "/" + to.Stage + to.Path,
			HTTPMethod:       r.Method,
			RequestTime:      now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			RequestTimeEpoch: now.UnixMilli(),
			Identity:         events.APIGatewayRequestIdentity{SourceIP: client, UserAgent: r.UserAgent()},
		},
	}
	if utf8.Valid(body) {
		ev.Body = string(body)
	} else {
		ev.Body, ev.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return ev
}

// last keeps the last value of each key, as API Gateway does.
func last(values map[string][]string) map[string]string {
	single := make(map[string]string, len(values))
	for k, v := range values {
		if len(v) > 0 {
			single[k] = v[len(v)-1]
		}
	}
	return single
}

// WriteError answers in the form of API Gateway.
func WriteError(w http.ResponseWriter, err error) {
	e, _ := wire.AsError(err)
	writeJSON(w, e.HTTPStatus(), e.Message)
}

func writeJSON(w http.ResponseWriter, status int, message string) {
	// It fails only on a value that is not JSON, and this is one.
	_ = wire.WriteJSON(w, status, map[string]string{"message": message})
}
