package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// Trigger sends through POST {base}/workers/trigger. Make one with NewTrigger;
// it is safe for concurrent use.
type Trigger struct {
	url        string
	key        string
	client     *http.Client
	retries    int
	tryTimeout time.Duration
	log        *slog.Logger
}

var _ Sender = (*Trigger)(nil)

// TriggerOption changes a Trigger; nil changes nothing.
type TriggerOption func(*Trigger)

// TriggerRetries sets how often Send tries again. Zero means DefaultRetries, and
// any number below zero switches retries off.
func TriggerRetries(n int) TriggerOption {
	return func(t *Trigger) { t.retries = retryCount(n) }
}

// TriggerTryTimeout bounds each try of Send; zero and below mean
// DefaultTryTimeout. A shorter timeout of the HTTP client applies, too.
func TriggerTryTimeout(d time.Duration) TriggerOption {
	return func(t *Trigger) {
		if d <= 0 {
			d = DefaultTryTimeout
		}
		t.tryTimeout = d
	}
}

// TriggerLogger gets a warning for each further try; nil means none.
func TriggerLogger(l *slog.Logger) TriggerOption {
	return func(t *Trigger) { t.log = cmp.Or(l, slog.New(slog.DiscardHandler)) }
}

// NewTrigger returns a sender over HTTP. baseURL is any form TriggerURL takes.
// key may be empty; client nil means one of net/http's defaults. Redirects are
// not followed: they would turn the POST into a GET and hand the key to another host.
func NewTrigger(baseURL, key string, client *http.Client, opts ...TriggerOption) (*Trigger, error) {
	if strings.TrimSpace(baseURL) == "" {
		return nil, noBaseURL()
	}
	endpoint, err := TriggerURL(baseURL)
	if err != nil {
		return nil, err
	}
	t := &Trigger{
		url: endpoint, key: strings.TrimSpace(key), client: withoutRedirects(client),
		retries: DefaultRetries, tryTimeout: DefaultTryTimeout, log: slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		if opt != nil {
			opt(t)
		}
	}
	return t, nil
}

func noBaseURL() error {
	return fmt.Errorf("%w: set %s (or %s, %s, %s) to the stage's URL, such as https://API-ID.execute-api.REGION.amazonaws.com/STAGE",
		ErrNoBaseURL, envBaseURL, envTriggerURL, envConfigURL, envPublicBaseURL)
}

func withoutRedirects(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Send implements Sender. A delay is refused with ErrDelay and a message group
// with errors.ErrUnsupported: the trigger API has neither. The message id is the
// answer's, or trigger-<jobId> when the answer is a JSON object without one.
//
// After a 429, a 5xx and a call that got no answer Send tries again, with growing
// pauses (a quarter of a second to 5 s, half of it random) and at least what
// Retry-After asks for; an answer that asks for more than 30 s ends it, as does a
// pause that ctx would not outlast. No other answer is tried again.
//
// Every try carries the same job id. An answer that was lost on its way may be
// that of a job in the queue, and the next try puts it there again: a worker with
// a job store runs it once all the same.
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
	if m.GroupID != "" {
		return "", fmt.Errorf("%s: message group: %w: the trigger API has no parameter for it; send straight to the queue instead", op, errors.ErrUnsupported)
	}
	body, err := m.body()
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	id, err := jsontext.Marshal(m.WorkerID)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	payload := slices.Concat([]byte(`{"workerId":`), id, []byte(`,"body":`), body, []byte("}"))
	endpoint := t.url
	if m.Unchecked {
		endpoint += "?validate=off" // the URL has no query: see TriggerURL
	}
	call := &apiCall{client: t.client, op: op, workerID: m.WorkerID, key: t.key, timeout: t.tryTimeout, limit: maxAnswer}
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	for tries := 1; ; tries++ {
		messageID, err := t.try(ctx, call, endpoint, payload)
		if err == nil {
			return cmp.Or(messageID, "trigger-"+m.JobID), nil
		}
		wait, again := tryAgain(ctx, err, tries)
		if !again || tries > t.retries {
			return "", triedTimes(err, tries)
		}
		t.log.WarnContext(ctx, "the workers API did not take a job; trying again",
			"workerId", m.WorkerID, "jobId", m.JobID, "try", tries, "wait", wait, "error", err.Error())
		if !pause(ctx, wait) {
			if cause := context.Cause(ctx); cause != nil {
				err = fmt.Errorf("%w; then %w", err, cause)
			}
			return "", triedTimes(err, tries)
		}
	}
}

// try sends once. The message id is empty when the answer has none.
func (t *Trigger) try(ctx context.Context, call *apiCall, endpoint string, payload []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(payload))
	if err != nil {
		return "", fmt.Errorf("%s: %w", call.op, err)
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
	if err := call.do(req, &answer); err != nil {
		return "", err
	}
	if answer.OK == false {
		reason, _ := answer.Error.(string)
		return "", fmt.Errorf("%s: the workers API answered ok: false: %s", call.op,
			cmp.Or(oneLine(call.withoutKey(reason)), "no reason given"))
	}
	text, _ := answer.MessageID.(string)
	return text, nil
}

// tryAgain says whether a failure may pass, and how long to wait for that.
func tryAgain(ctx context.Context, err error, tries int) (wait time.Duration, again bool) {
	if ctx.Err() != nil {
		return 0, false
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		passing := status.StatusCode == http.StatusTooManyRequests || status.StatusCode >= 500
		return max(backoff(tries), status.RetryAfter), passing && status.RetryAfter <= longestRetryAfter
	}
	return backoff(tries), isConnectionError(err) && !isLasting(err)
}

// isLasting is whether a connection fails in a way that a further try will not
// mend: the host does not exist, or its certificate is not trusted.
func isLasting(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return true
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}

// triedTimes says how often it was tried, when more than once.
func triedTimes(err error, tries int) error {
	if tries == 1 {
		return err
	}
	return fmt.Errorf("%w (tried %d times)", err, tries)
}
