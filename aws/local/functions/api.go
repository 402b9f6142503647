package functions

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// apiVersion is the first path element of the Lambda API that is served.
const apiVersion = "/2015-03-31"

// APIHandler serves the parts of the Lambda REST API that a console needs:
// ListFunctions, GetFunction, GetFunctionConfiguration, GetFunctionConcurrency, Invoke,
// ListTags, TagResource, UntagResource, and List, Get and UpdateEventSourceMapping.
// Route every path that begins with one of Lambda's dates, such as /2015-03-31/, to it.
// Requests are not authenticated.
// See https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html.
func (m *Manager) APIHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(context.Context, *http.Request) (int, any, error)) {
		mux.Handle(pattern, wire.REST(m.cfg.Logger, f))
	}
	handle("GET "+apiVersion+"/functions", m.listFunctions)
	handle("GET "+apiVersion+"/functions/{$}", m.listFunctions) // older clients
	handle("GET "+apiVersion+"/functions/{name}", m.getFunction)
	handle("GET "+apiVersion+"/functions/{name}/configuration", m.getConfiguration)
	mux.Handle("POST "+apiVersion+"/functions/{name}/invocations",
		wire.Recover(m.cfg.Logger, wire.WriteRESTError, http.HandlerFunc(m.serveInvoke)))
	handle("GET "+concurrencyVersion+"/functions/{name}/concurrency", m.getConcurrency)
	handle("GET "+tagsVersion+"/tags/{arn}", m.listTags)
	handle("POST "+tagsVersion+"/tags/{arn}", m.tagResource)
	handle("DELETE "+tagsVersion+"/tags/{arn}", m.untagResource)
	handle("GET "+apiVersion+"/event-source-mappings", m.listMappings)
	handle("GET "+apiVersion+"/event-source-mappings/{$}", m.listMappings)
	handle("GET "+apiVersion+"/event-source-mappings/{uuid}", m.getMapping)
	handle("PUT "+apiVersion+"/event-source-mappings/{uuid}", m.updateMapping)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = wire.ReadBody(r, nil, MaxPayload) // an answer to a client that is still sending is lost
		wire.WriteRESTError(w, wire.UnknownOperation("Lambda "+r.Method+" "+r.URL.Path).WithStatus(http.StatusNotFound))
	})
	return mux
}

// page cuts a sorted list of items to what a request asked for with Marker and
// MaxItems, and returns the marker of what follows, if anything does. A marker is
// the key of the last item of the page before.
func page[T any](items []T, key func(T) string, query url.Values, most int) ([]T, *string, error) {
	size := most
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return nil, nil, wire.Errorf("ValidationException", "MaxItems %q is not a number between 1 and 10000", text)
		}
		size = min(n, most)
	}
	if marker := query.Get("Marker"); marker != "" {
		i := 0
		for i < len(items) && key(items[i]) <= marker {
			i++
		}
		items = items[i:]
	}
	if len(items) <= size {
		return items, nil, nil
	}
	next := key(items[size-1])
	return items[:size], &next, nil
}
