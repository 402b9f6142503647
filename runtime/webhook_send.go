package runtime

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

const (
	// webhookUserAgent is what receivers know from the deployed system.
	webhookUserAgent = "ai-router-worker/1.0"
	// headerWorkflowSecret is by which receivers of the deployed system know a worker.
	headerWorkflowSecret = "x-workflow-secret" //nolint:gosec // a header's name

	// An invocation tries three times within webhookTime; a try takes at most
	// webhookTryTime and is not begun with less than webhookMinTry left.
	webhookTries     = 3
	webhookTime      = 20 * time.Second
	webhookTryTime   = 10 * time.Second
	webhookMinTry    = 100 * time.Millisecond
	webhookRetryBase = 500 * time.Millisecond
	webhookRetryMax  = 5 * time.Second
	// A quarter of the time that is left of the invocation, within these bounds, is
	// kept for handing the callback on and for the invocation's response.
	webhookMinReserve = 150 * time.Millisecond
	webhookMaxReserve = 2 * time.Second
	// webhookShutdownTime is what a callback may take when the process is to stop.
	webhookShutdownTime = time.Second

	webhookRedirects     = 3
	webhookMaxReply      = 64 << 10
	webhookMaxRetryAfter = time.Hour
)

// webhookSender makes the HTTP requests of callbacks.
type webhookSender struct {
	client  *http.Client
	secrets []webhook.Secret
	tracer  dispatch.Tracer // nil: none
	now     func() time.Time

	// workflowSecret goes along to the host of workflowBase; to any when that is nil.
	workflowSecret string
	workflowBase   *url.URL

	// handoffKeys protect what is handed on through the queue; the first one signs.
	handoffKeys [][]byte
	stack       bool
}

// newWebhookSender reads the configuration. The error never shows a secret. Other
// settings that cannot be read are taken in the safe way, and log says so: a
// function that does not start would lose jobs over a callback.
func newWebhookSender(cfg AppConfig, log *slog.Logger) (*webhookSender, error) {
	secrets, err := webhook.ParseSecrets(cmp.Or(cfg.WebhookSecret, cfg.Getenv("WORKER_WEBHOOK_SECRET")))
	if err != nil {
		return nil, fmt.Errorf("read the webhook secret (AppConfig.WebhookSecret or WORKER_WEBHOOK_SECRET): %w", err)
	}
	allow := cfg.WebhookAllowPrivate
	if text := strings.TrimSpace(cfg.Getenv("WORKER_WEBHOOK_ALLOW_PRIVATE")); text != "" {
		yes, err := strconv.ParseBool(text)
		if err != nil {
			log.Warn("WORKER_WEBHOOK_ALLOW_PRIVATE is neither true nor false and is taken for false", "value", text)
		}
		allow = allow || yes
	}
	s := &webhookSender{
		client: webhookClient(cfg.WebhookClient, allow), secrets: secrets, tracer: cfg.Tracer, now: cfg.Now,
		workflowSecret: strings.TrimSpace(cfg.Getenv("WORKFLOW_INTERNAL_SECRET")), stack: cfg.WebhookStack,
	}
	if base := strings.TrimSpace(cfg.Getenv("WORKFLOW_WEBHOOK_BASE_URL")); base != "" && s.workflowSecret != "" {
		if s.workflowBase, err = parseWebhookURL(base); err != nil {
			log.Warn("WORKFLOW_WEBHOOK_BASE_URL names no host, so WORKFLOW_INTERNAL_SECRET is sent to none: set it to the URL of the application that the webhooks go to")
			s.workflowBase = &url.URL{}
		}
	}
	s.handoffKeys = handoffKeys(secrets, s.workflowSecret)
	return s, nil
}

// callback is one event for one receiver.
type callback struct {
	target *url.URL
	shown  string // the target as it may be shown
	id     string // of the event, the same for every try
	body   []byte
}

// sendResult is what came of a callback in this invocation.
type sendResult struct {
	// tries is how often it was tried, and status the last answer's; zero when
	// there was none.
	tries, status int
	// err is why it was not delivered; nil when it was.
	err error
	// final says that another try would fare no better.
	final bool
	// wait is how long the receiver asked to be left alone; zero when it did not say.
	wait time.Duration
}

// webhookLimit is how long a callback may take now.
func webhookLimit(ctx context.Context) time.Duration {
	left, bounded := pause.Left(ctx)
	if !bounded {
		return webhookTime
	}
	return min(webhookTime, left-min(max(left/4, webhookMinReserve), webhookMaxReserve))
}

// send tries to deliver a callback within the time that ctx has left. A shutdown ends
// the handler's context; the caller should still hear of the result, so only the
// deadline is kept, and a moment after a shutdown.
func (s *webhookSender) send(parent context.Context, c callback) sendResult {
	limit := webhookLimit(parent)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), limit)
	defer cancel()
	began, _ := pause.Left(ctx)
	defer context.AfterFunc(parent, func() {
		if pause.Sleep(ctx, webhookShutdownTime) == nil {
			cancel()
		}
	})()

	r := sendResult{err: errors.New("no time was left to send it")}
	if limit < webhookMinTry {
		return r
	}
	for try := 1; ; try++ {
		status, wait, final, err := s.post(ctx, c)
		r = sendResult{tries: try, status: status, err: err, final: final, wait: wait}
		if err == nil || final || try == webhookTries {
			return r
		}
		wait = max(wait, exponential(webhookRetryBase, webhookRetryMax, try))
		if now, _ := pause.Left(ctx); limit-(began-now) < wait+webhookMinTry {
			return r
		}
		if pause.Sleep(ctx, wait) != nil {
			return r
		}
	}
}

// post makes one try. wait is what the receiver's Retry-After asks for, and final
// says that another try would fare no better.
func (s *webhookSender) post(ctx context.Context, c callback) (status int, wait time.Duration, final bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, webhookTryTime)
	defer cancel()
	target := c.target
	for range webhookRedirects + 1 {
		resp, err := s.request(ctx, target, c)
		if err != nil {
			_, private := errors.AsType[*privateAddressError](err)
			return 0, 0, private || errors.Is(err, errBadRedirect), err
		}
		switch status := resp.StatusCode; {
		case status >= 200 && status <= 299:
			return status, 0, false, nil
		case status >= 300 && status <= 399:
			if target, err = redirectTarget(target, resp); err != nil {
				return status, 0, true, err
			}
		default:
			// Not resp.Status: its text is whatever the receiver likes.
			return status, s.retryAfter(resp.Header), !mayPass(status), fmt.Errorf("the receiver answered %d %s", status, http.StatusText(status))
		}
	}
	return 0, 0, true, fmt.Errorf("the receiver redirected more than %d times; name the final URL", webhookRedirects)
}

// request sends the callback to one URL. The response's body is read and closed.
func (s *webhookSender) request(ctx context.Context, target *url.URL, c callback) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, scrubURL(err)
	}
	if err := s.setHeaders(req, c); err != nil {
		return nil, err
	}
	resp, err := s.do(req)
	if err != nil {
		err = scrubURL(err)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("the receiver did not answer in time: %w", err)
		case strings.Contains(err.Error(), "Location header"):
			// net/http quotes it, and a URL may hold a password.
			return nil, errBadRedirect
		}
		return nil, err
	}
	return resp, nil
}

// do sends a request, and reads and closes the body of the answer. A given client may
// panic.
func (s *webhookSender) do(req *http.Request) (resp *http.Response, err error) {
	defer soundInto(&err)
	defer recoverInto(&err)
	if resp, err = s.client.Do(req); err != nil {
		return nil, err
	}
	// The connection is used again only when the answer was read.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, webhookMaxReply))
	_ = resp.Body.Close()
	return resp, nil
}

var errBadRedirect = errors.New("the receiver redirected to something that is no URL")

// redirectTarget keeps the method, the body, the secret and the encryption together.
func redirectTarget(from *url.URL, resp *http.Response) (*url.URL, error) {
	status := resp.StatusCode
	if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
		return nil, fmt.Errorf("a redirect with status %d would lose the body; name the final URL", status)
	}
	to, err := resp.Location()
	switch {
	case err != nil:
		return nil, errBadRedirect
	case to.Host != from.Host:
		return nil, errors.New("a redirect to another host is not followed; name the final URL")
	case to.Scheme != from.Scheme && to.Scheme != "https":
		return nil, fmt.Errorf("a redirect from %s to another scheme is not followed; name the final URL", from.Scheme)
	}
	return to, nil
}

// mayPass says whether another try may get another answer.
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

func (s *webhookSender) setHeaders(req *http.Request, c callback) error {
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", webhookUserAgent)
	if s.tracer != nil {
		s.tracer.Inject(req.Context(), req.Header.Set)
	}
	if s.workflowSecret != "" && s.isWorkflowHost(req.URL) {
		req.Header.Set(headerWorkflowSecret, s.workflowSecret)
	}
	if len(s.secrets) == 0 {
		return nil
	}
	return webhook.Sign(s.secrets, req.Header, c.id, s.now(), c.body)
}

// isWorkflowHost says whether a receiver may see WORKFLOW_INTERNAL_SECRET.
func (s *webhookSender) isWorkflowHost(u *url.URL) bool {
	base := s.workflowBase
	return base == nil || u.Scheme == base.Scheme && strings.EqualFold(u.Hostname(), base.Hostname()) && portOf(u) == portOf(base)
}

func portOf(u *url.URL) string {
	if u.Scheme == "https" {
		return cmp.Or(u.Port(), "443")
	}
	return cmp.Or(u.Port(), "80")
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110, 10.2.3).
func (s *webhookSender) retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, webhookMaxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(s.now()), 0), webhookMaxRetryAfter)
	}
	return 0
}

// webhookID names an event. Deliveries of one message that end alike are one event,
// so a receiver that has seen it can drop the next; a failure, the success after it,
// and a replay from the dead-letter queue (which is a new message) are different
// ones. It is a hash because ids of jobs are the caller's, and an id that is signed must
// not hold a full stop.
func webhookID(workerID, jobID, messageID string, status webhook.Status) string {
	h := sha256.New()
	for _, part := range []string{workerID, jobID, cmp.Or(messageID, jobID), string(status)} {
		fmt.Fprintf(h, "%d:%s;", len(part), part)
	}
	return "msg_" + hex.EncodeToString(h.Sum(nil)[:16])
}

func parseWebhookURL(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("the webhook URL is malformed") // err may quote a password
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("the webhook URL must be http or https with a host, and has the scheme %q", u.Scheme)
	}
	return u, nil
}

// scrubURL takes the URL out of an error of net/http: its query may be a secret.
func scrubURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// loggableURL is a URL without user, query and fragment.
func loggableURL(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "(malformed)"
	}
	return cmp.Or((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), "(empty)")
}
