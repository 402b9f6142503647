package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

const (
	triggerKeyHeader = "x-workers-trigger-key"
	configKeyHeader  = "x-workers-config-key"

	// maxAnswer bounds the answer of a trigger, maxConfig that of a config,
	// maxErrorBody what is kept of an error's body, and maxRefusal a list of
	// violations.
	maxAnswer    = 1 << 20
	maxConfig    = 16 << 20
	maxErrorBody = 4 << 10
	maxRefusal   = 256 << 10
)

// apiCall is one call of the workers API.
type apiCall struct {
	client *http.Client
	// op says in errors what is being done, for workerID if there is one.
	op, workerID string
	// key is kept out of errors.
	key string
	// timeout bounds the call, limit the answer.
	timeout time.Duration
	limit   int64
}

// connectionError is a call that got no answer.
type connectionError struct {
	op  string
	err error
}

func (e *connectionError) Error() string { return e.op + ": " + e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// do sends the request and decodes a JSON object into answer. The errors are
// *connectionError, *StatusError, and those for an answer of another form.
func (c *apiCall) do(req *http.Request, answer any) error {
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	resp, err := c.client.Do(req.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil && req.Context().Err() == nil {
			err = fmt.Errorf("no answer within %s: %w", c.timeout, err)
		}
		return &connectionError{op: c.op, err: err}
	}
	defer func() {
		// Reading the rest lets the connection be used again.
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
		_ = resp.Body.Close()
	}()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refused(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.limit+1))
	if err != nil {
		return fmt.Errorf("%s: read the answer of %s: %w", c.op, req.URL.Redacted(), err)
	}
	if int64(len(body)) > c.limit {
		return fmt.Errorf("%s: the answer of %s is over %d bytes", c.op, req.URL.Redacted(), c.limit)
	}
	start := bytes.TrimSpace(body)
	if len(start) == 0 || start[0] != '{' || !json.Valid(start) {
		return fmt.Errorf("%s: %s answered %s, but not with a JSON object (%s): is this the workers API, or something before it?",
			c.op, req.URL.Redacted(), jsontext.Printable(resp.Status), c.withoutKey(what(resp, start)))
	}
	if err := json.Unmarshal(start, answer); err != nil {
		return fmt.Errorf("%s: the answer of %s has an unexpected form: %w", c.op, req.URL.Redacted(), err)
	}
	return nil
}

// refused makes the error of a non-2xx answer.
func (c *apiCall) refused(resp *http.Response) *StatusError {
	limit := int64(maxErrorBody)
	if resp.StatusCode == http.StatusBadRequest {
		limit = maxRefusal
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, limit))
	e := &StatusError{
		Op: c.op, StatusCode: resp.StatusCode, Status: resp.Status,
		Location:   c.withoutKey(resp.Header.Get("Location")),
		RetryAfter: retryAfter(resp.Header, time.Now()),
	}
	if resp.StatusCode == http.StatusBadRequest {
		e.Invalid = violationsIn(text, c.workerID, c.withoutKey)
	}
	// The key first: cut in two it would be shown in part.
	kept := c.withoutKey(string(text))
	e.Body = kept[:min(len(kept), maxErrorBody)]
	return e
}

// what describes an answer that is not what was expected.
func what(resp *http.Response, body []byte) string {
	if len(body) == 0 {
		return "the answer is empty"
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind == "" {
		kind = "no content type"
	}
	return jsontext.Printable(kind) + ", " + jsontext.QuoteShort(string(body))
}

func (c *apiCall) withoutKey(text string) string {
	if c.key == "" {
		return text
	}
	return strings.ReplaceAll(text, c.key, "[key]")
}

// isConnectionError is whether the call got no answer at all.
func isConnectionError(err error) bool {
	_, ok := errors.AsType[*connectionError](err)
	return ok
}
