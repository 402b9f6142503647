package local

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The limits of API Gateway
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const (
	maxAPIBody = 10 << 20
	apiTimeout = 29 * time.Second
)

// serveWorkersAPI is API Gateway in front of the function that serves the
// workers API: the request becomes a REST proxy event, the function's answer the
// response. With and without the stage in front, as with a custom domain.
func (s *Server) serveWorkersAPI(w http.ResponseWriter, r *http.Request) {
	name := s.apiFunctionName()
	body, err := wire.ReadBody(r, nil, maxAPIBody)
	if err != nil {
		writeAPIError(w, err)
		return
	}
	event, err := json.Marshal(s.proxyEvent(r, body))
	if err != nil {
		writeAPIError(w, fmt.Errorf("make an event of %s %s: %w", r.Method, r.URL.Path, err))
		return
	}
	result, err := s.functions.Invoke(r.Context(), name, event)
	if err != nil {
		if e, _ := wire.AsError(err); e.Status == http.StatusNotFound {
			writeJSON(w, http.StatusNotFound, map[string]string{
				"error": "no worker program is running here: start the endpoint with one, such as aiwctl dev ./workers",
			})
			return
		}
		s.cfg.Logger.Error("invoke the workers API", "function", name, "error", err)
		writeAPIError(w, err)
		return
	}
	var answer events.APIGatewayProxyResponse
	var payload string
	if result.FunctionError == "" && json.Unmarshal(result.Payload, &answer) == nil && answer.StatusCode >= 200 && answer.StatusCode <= 599 {
		payload = answer.Body
		if answer.IsBase64Encoded {
			var decoded []byte
			if decoded, err = base64.StdEncoding.DecodeString(answer.Body); err == nil {
				payload = string(decoded)
			}
		}
	} else {
		err = fmt.Errorf("the answer of request %s is not a response: see its log", result.RequestID)
	}
	if err != nil {
		s.cfg.Logger.Error("the workers API failed", "function", name, "requestId", result.RequestID, "error", err)
		// API Gateway's own words for a function that failed or answered rubbish.
		writeJSON(w, http.StatusBadGateway, map[string]string{"message": "Internal server error"})
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
	_, _ = w.Write([]byte(payload)) // a client that has gone away is no concern of ours
}

// proxyEvent is the request as API Gateway passes it on
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
func (s *Server) proxyEvent(r *http.Request, body []byte) events.APIGatewayProxyRequest {
	path := r.URL.Path
	if rest := strings.TrimPrefix(path, "/"+s.cfg.Stage); isWorkersAPI(rest) {
		path = rest
	}
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
		Resource:                        path,
		Path:                            path,
		HTTPMethod:                      r.Method,
		Headers:                         last(headers),
		MultiValueHeaders:               headers,
		QueryStringParameters:           last(query),
		MultiValueQueryStringParameters: query,
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID:        s.cfg.Account,
			APIID:            "local",
			Stage:            s.cfg.Stage,
			DomainName:       r.Host,
			RequestID:        wire.NewID(),
			Protocol:         r.Proto,
			ResourcePath:     path,
			Path:             "/" + s.cfg.Stage + path,
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

func writeJSON(w http.ResponseWriter, status int, v any) {
	// It fails only on a value that is not JSON, and these are maps of strings.
	_ = wire.WriteJSON(w, status, v)
}

// writeAPIError answers in the form of API Gateway.
func writeAPIError(w http.ResponseWriter, err error) {
	e, _ := wire.AsError(err)
	writeJSON(w, e.HTTPStatus(), map[string]string{"message": e.Message})
}
