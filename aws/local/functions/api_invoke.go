package functions

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

func (m *Manager) serveInvoke(w http.ResponseWriter, r *http.Request) {
	if err := m.apiInvoke(w, r); err != nil {
		wire.WriteRESTError(w, err)
	}
}

// maxAsyncPayload is the largest payload of an asynchronous invocation.
const maxAsyncPayload = 1 << 20

func (m *Manager) apiInvoke(w http.ResponseWriter, r *http.Request) error {
	limit := int64(MaxPayload)
	kind := r.Header.Get("X-Amz-Invocation-Type")
	if kind == "Event" {
		limit = maxAsyncPayload
	}
	payload, err := wire.ReadBody(r, nil, limit)
	if err != nil {
		if e, _ := wire.AsError(err); e.HTTPStatus() == http.StatusRequestEntityTooLarge {
			return wire.Errorf("RequestTooLargeException", "Request must be smaller than %d bytes for the InvokeFunction operation", limit).
				WithStatus(http.StatusRequestEntityTooLarge)
		}
		return err
	}
	f, err := m.named(r)
	if err != nil {
		return err
	}
	if len(payload) > 0 && !json.Valid(payload) {
		return wire.NewError("InvalidRequestContentException", "Could not parse request body into json.")
	}
	var clientContext []byte
	if text := r.Header.Get("X-Amz-Client-Context"); text != "" {
		clientContext, err = base64.StdEncoding.DecodeString(text)
		if err != nil || !json.Valid(clientContext) {
			return wire.NewError("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
		}
	}
	name := f.pool.spec.Name
	h := w.Header()
	h.Set("X-Amz-Executed-Version", latest)
	switch kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Event":
		id, err := m.invokeAsync(name, payload, string(clientContext))
		if err != nil {
			return err
		}
		h.Set("X-Amzn-Requestid", id)
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusAccepted)
		return nil
	case "", "RequestResponse":
	default:
		return wire.Errorf("InvalidParameterValueException", "Invocation type %q is none of RequestResponse, Event, DryRun", kind)
	}
	result, err := m.invoke(r.Context(), name, payload, string(clientContext))
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(result.Payload)))
	h.Set("X-Amzn-Requestid", result.RequestID)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.LogTail))
	}
	_, _ = w.Write(result.Payload) // a client that has gone away is no concern of ours
	return nil
}

// maxAsync is how many asynchronous invocations may be waiting or running.
const maxAsync = 1000

// asyncRetries are the waits before a failed asynchronous invocation is tried
// again (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
var asyncRetries = [...]time.Duration{time.Minute, 2 * time.Minute}

// InvokeLater accepts an invocation and runs it in the background, as the Lambda API does for
// the invocation type Event. Name may be an ARN.
func (m *Manager) InvokeLater(name string, payload []byte) error {
	name, err := m.resolve(name)
	if err != nil {
		return err
	}
	if m.function(name) == nil {
		return m.notFound(name)
	}
	_, err = m.invokeAsync(name, payload, "")
	return err
}

// invokeAsync accepts an invocation and runs it in the background; the result is
// in the log only. A failed one is tried twice more, as in Lambda; all of it ends
// with Close.
func (m *Manager) invokeAsync(name string, payload []byte, clientContext string) (string, error) {
	select {
	case m.async <- struct{}{}:
	default:
		return "", throttled()
	}
	ok := m.run(func() {
		defer func() { <-m.async }()
		for attempt := 0; ; attempt++ {
			result, err := m.invoke(m.life, name, payload, clientContext)
			if err == nil && result.FunctionError == "" || attempt == len(asyncRetries) {
				return
			}
			if !sleep(m.life, asyncRetries[attempt]) {
				return
			}
		}
	})
	if !ok {
		<-m.async
		return "", errClosed
	}
	return wire.NewID(), nil
}
