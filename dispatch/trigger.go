package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	triggerKeyHeader = "x-workers-trigger-key"
	configKeyHeader  = "x-workers-config-key"

	// defaultTimeout bounds one call of the workers API.
	defaultTimeout = 30 * time.Second
	// maxAnswer bounds the answer of a trigger, maxConfig that of a config, and
	// maxErrorBody what is kept of an error's body.
	maxAnswer    = 1 << 20
	maxConfig    = 16 << 20
	maxErrorBody = 4 << 10
)

// Trigger sends through POST {base}/workers/trigger. Make one with NewTrigger;
// it is safe for concurrent use.
type Trigger struct {
	url    string
	key    string
	client *http.Client
}

var _ Sender = (*Trigger)(nil)

// NewTrigger returns a sender over HTTP. baseURL is any form TriggerURL takes.
// key may be empty; client nil means one with a 30 s timeout. Redirects are not
// followed: they would turn the POST into a GET and hand the key to another host.
func NewTrigger(baseURL, key string, client *http.Client) (*Trigger, error) {
	if strings.TrimSpace(baseURL) == "" {
		return nil, noBaseURL()
	}
	endpoint, err := TriggerURL(baseURL)
	if err != nil {
		return nil, err
	}
	return &Trigger{url: endpoint, key: strings.TrimSpace(key), client: withoutRedirects(client)}, nil
}

func noBaseURL() error {
	return fmt.Errorf("%w: set %s (or %s, or %s) to the stage's URL, such as https://API-ID.execute-api.REGION.amazonaws.com/STAGE",
		ErrNoBaseURL, envBaseURL, envTriggerURL, envConfigURL)
}

func withoutRedirects(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{Timeout: defaultTimeout}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Send implements Sender. A delay is refused with ErrDelay: the trigger API has
// none. The message id is the answer's, or trigger-<jobId> when the answer is a
// JSON object without one.
//
// A 2xx answer that is not a JSON object is an error, since it does not come
// from a workers API but from something before it, such as a login page: the
// job was most likely not sent. The other errors are ErrTooLarge and *StatusError.
func (t *Trigger) Send(ctx context.Context, m *Message, delay time.Duration) (string, error) {
	if m == nil {
		m = &Message{}
	}
	op := fmt.Sprintf("trigger worker %q", m.WorkerID)
	if delay != 0 {
		return "", fmt.Errorf("%s: %w: the trigger API has no delay parameter; send straight to the queue instead", op, ErrDelay)
	}
	body, err := m.body()
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	id, err := marshalPlain(m.WorkerID)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	payload := slices.Concat([]byte(`{"workerId":`), id, []byte(`,"body":`), body, []byte("}"))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(payload))
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if t.key != "" {
		req.Header.Set(triggerKeyHeader, t.key)
	}
	// Of any type: the job is in the queue by now, and an error for the form of
	// the answer would make the caller send it again.
	var answer struct {
		OK        any `json:"ok"`
		MessageID any `json:"messageId"`
		Error     any `json:"error"`
	}
	if err := call(t.client, req, op, t.key, maxAnswer, &answer); err != nil {
		return "", err
	}
	if answer.OK == false {
		reason, _ := answer.Error.(string)
		return "", fmt.Errorf("%s: the workers API answered ok: false: %s", op,
			cmp.Or(oneLine(withoutKey(reason, t.key)), "no reason given"))
	}
	if text, ok := answer.MessageID.(string); ok && text != "" {
		return text, nil
	}
	return "trigger-" + m.JobID, nil
}

// FetchConfig reads GET {base}/workers/config. baseURL is any form ConfigURL
// takes. key may be empty; client nil means one with a 30 s timeout. Redirects
// are not followed. The errors are ErrNoBaseURL, *StatusError, and those for an
// answer that is not a workers config.
func FetchConfig(ctx context.Context, baseURL, key string, client *http.Client) (*WorkersConfig, error) {
	const op = "fetch workers config"
	if strings.TrimSpace(baseURL) == "" {
		return nil, fmt.Errorf("%s: %w", op, noBaseURL())
	}
	endpoint, err := ConfigURL(baseURL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Accept", "application/json")
	key = strings.TrimSpace(key)
	if key != "" {
		req.Header.Set(configKeyHeader, key)
	}
	var out WorkersConfig
	if err := call(withoutRedirects(client), req, op, key, maxConfig, &out); err != nil {
		return nil, err
	}
	if out.Version == "" && out.Workers == nil {
		return nil, fmt.Errorf("%s: the answer of %s is JSON, but has neither \"version\" nor \"workers\": is this the workers API?",
			op, req.URL.Redacted())
	}
	return &out, nil
}

// call sends a request and decodes a JSON object. key is kept out of errors.
func call(client *http.Client, req *http.Request, op, key string, limit int64, answer any) (err error) {
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer func() {
		// Reading the rest lets the connection be used again.
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
		_ = resp.Body.Close()
	}()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return &StatusError{
			Op: op, StatusCode: resp.StatusCode, Status: resp.Status,
			Body: withoutKey(string(text), key), Location: withoutKey(resp.Header.Get("Location"), key),
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return fmt.Errorf("%s: read the answer of %s: %w", op, req.URL.Redacted(), err)
	}
	if int64(len(body)) > limit {
		return fmt.Errorf("%s: the answer of %s is over %d bytes", op, req.URL.Redacted(), limit)
	}
	start := bytes.TrimSpace(body)
	if len(start) == 0 || start[0] != '{' || !json.Valid(start) {
		return fmt.Errorf("%s: %s answered %s, but not with a JSON object (%s): is this the workers API, or something before it?",
			op, req.URL.Redacted(), printable(resp.Status), withoutKey(what(resp, start), key))
	}
	if err := json.Unmarshal(start, answer); err != nil {
		return fmt.Errorf("%s: the answer of %s has an unexpected form: %w", op, req.URL.Redacted(), err)
	}
	return nil
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
	return printable(kind) + ", " + quoteShort(string(body))
}

func withoutKey(text, key string) string {
	if key == "" {
		return text
	}
	return strings.ReplaceAll(text, key, "[key]")
}

// StatusError is a non-2xx answer of the workers API.
//
// errors.Is finds ErrUnauthorized in a 401 and a 403, and ErrUnknownWorker in a
// 404 for a trigger.
type StatusError struct {
	// Op is what was being done, such as `trigger worker "echo"`.
	Op string
	// StatusCode is the HTTP status, such as 404.
	StatusCode int
	// Status is the status line, such as "404 Not Found".
	Status string
	// Body is the start of the answer as it came (at most 4 KiB), the key that
	// was sent cut out. It is not safe to print; Error makes it so.
	Body string
	// Location is where a redirect points; it was not followed.
	Location string
}

// Error is "<op>: <status> [- <body>]", on one line, with a hint where the answer
// has a well-known cause.
func (e *StatusError) Error() string {
	text := e.Op + ": " + printable(cmp.Or(strings.TrimSpace(e.Status), fmt.Sprint(e.StatusCode)))
	if body := oneLine(e.Body); body != "" {
		text += " - " + body
	}
	switch {
	case e.Location != "":
		text += fmt.Sprintf(" (a redirect to %s, not followed: use that as the base URL)", quoteShort(e.Location))
	case e.StatusCode == http.StatusForbidden && strings.Contains(e.Body, "Missing Authentication Token"):
		text += " (API Gateway answers so for a path it does not have: check the base URL and its stage)"
	case e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden:
		text += " (check " + envKey + ")"
	}
	return text
}

// Is tells the sentinel errors of this package apart by the status.
func (e *StatusError) Is(target error) bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return errors.Is(target, ErrUnauthorized)
	case http.StatusNotFound:
		return errors.Is(target, ErrUnknownWorker) && strings.HasPrefix(e.Op, "trigger ")
	}
	return false
}

// oneLine makes text from outside safe to print: one line, nothing that acts on
// a terminal, not too long.
func oneLine(text string) string {
	const most = 500
	return shorten(printable(strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " ")), most)
}
