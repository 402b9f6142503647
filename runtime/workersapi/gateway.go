package workersapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// GatewayHandler answers API Gateway's proxy events with an http.Handler.
func GatewayHandler(h http.Handler) func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	return func(ctx context.Context, ev events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		req, err := gatewayRequest(ctx, ev)
		w := &gatewayWriter{header: http.Header{}}
		if err != nil {
			writeJSON(w, http.StatusBadRequest, apiError{Error: "Malformed request", Message: err.Error()})
		} else {
			h.ServeHTTP(w, req)
		}
		return w.response(), nil
	}
}

// gatewayRequest makes the HTTP request that an event describes. Maps of an event
// may be missing, and a body may be in base64.
func gatewayRequest(ctx context.Context, ev events.APIGatewayProxyRequest) (*http.Request, error) {
	if stage := ev.RequestContext.Stage; stage != "" {
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
	query := url.Values{}
	for name, value := range ev.QueryStringParameters {
		query.Set(name, value)
	}
	for name, values := range ev.MultiValueQueryStringParameters {
		query[name] = values
	}
	target := url.URL{Path: gatewayPath(ev), RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, ev.HTTPMethod, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range ev.Headers {
		req.Header.Set(name, value)
	}
	for name, values := range ev.MultiValueHeaders {
		req.Header.Del(name)
		for _, value := range values {
			req.Header.Add(name, value)
		}
	}
	return req, nil
}

// gatewayPath is the path within the API. The event's path holds the base path of
// a custom domain too; the resource does not.
func gatewayPath(ev events.APIGatewayProxyRequest) string {
	if slices.Contains([]string{pathTrigger, pathConfig, pathDocs}, ev.Resource) {
		return ev.Resource
	}
	return "/" + strings.TrimPrefix(ev.Path, "/")
}

// gatewayWriter collects a response.
type gatewayWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *gatewayWriter) Header() http.Header { return w.header }

func (w *gatewayWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *gatewayWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *gatewayWriter) response() events.APIGatewayProxyResponse {
	w.WriteHeader(http.StatusOK)
	resp := events.APIGatewayProxyResponse{StatusCode: w.status, Body: w.body.String(), Headers: map[string]string{}}
	for name, values := range w.header {
		resp.Headers[name] = strings.Join(values, ", ")
	}
	return resp
}
