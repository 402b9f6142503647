package runtime

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

const (
	// webhookUserAgent is what receivers know from the deployed system.
	webhookUserAgent = "ai-router-worker/1.0"

	webhookTimeout   = 10 * time.Second
	webhookAttempts  = 3
	webhookRetryWait = 200 * time.Millisecond // doubled after each attempt
	// webhookReserve is left of the invocation for its response.
	webhookReserve   = 150 * time.Millisecond
	webhookRedirects = 3
	webhookMaxReply  = 64 << 10
)

// webhookPayload is the body of a completion webhook.
type webhookPayload struct {
	JobID    string             `json:"jobId"`
	WorkerID string             `json:"workerId"`
	Status   string             `json:"status"` // "success" or "error"
	Output   json.RawMessage    `json:"output,omitempty"`
	Error    *dispatch.JobError `json:"error,omitempty"`
	Metadata map[string]any     `json:"metadata"`
}

const (
	webhookSuccess = "success"
	webhookError   = "error"
)

// webhookSender tells a caller that its job has come to an end.
type webhookSender struct {
	client *http.Client
	secret string
	stack  bool
}

func newWebhookSender(client *http.Client, secret string, stack bool) *webhookSender {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = checkWebhookRedirect
	return &webhookSender{client: &own, secret: strings.TrimSpace(secret), stack: stack}
}

// checkWebhookRedirect keeps the body, the secret and the encryption together:
// net/http would send our header along to whichever host it is redirected to.
func checkWebhookRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	switch status := req.Response.StatusCode; {
	case len(via) > webhookRedirects:
		return fmt.Errorf("more than %d redirects", webhookRedirects)
	case status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect:
		return fmt.Errorf("a redirect with status %d would lose the body; name the final URL", status)
	case req.URL.Host != from.Host:
		return errors.New("a redirect to another host is not followed; name the final URL")
	case req.URL.Scheme != from.Scheme && req.URL.Scheme != "https":
		return fmt.Errorf("a redirect from %s to %s is not followed", from.Scheme, req.URL.Scheme)
	}
	return nil
}

// send delivers a payload within the time that ctx has left, at most ten seconds,
// and tries again after a failure that may pass. It returns the last status, zero
// when there was no answer, and how often it tried.
func (s *webhookSender) send(ctx context.Context, target string, p webhookPayload) (status, attempts int, err error) {
	u, err := parseWebhookURL(target)
	if err != nil {
		return 0, 0, err
	}
	if p.Error != nil && !s.stack {
		p.Error = &dispatch.JobError{Message: p.Error.Message, Name: p.Error.Name}
	}
	if p.Metadata == nil {
		p.Metadata = map[string]any{}
	}
	body, err := jsonlog.Encode(p)
	if err != nil {
		return 0, 0, fmt.Errorf("encode the payload: %w", err)
	}

	limit := time.Now().Add(webhookTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-webhookReserve).Before(limit) {
		limit = deadline.Add(-webhookReserve)
	}
	// A shutdown ends the handler's context; the caller should still hear of the
	// result, so only the deadline is kept.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), limit)
	defer cancel()

	for wait := webhookRetryWait; ; wait *= 2 {
		attempts++
		var again bool
		if status, again, err = s.post(ctx, u, body); err == nil || !again || attempts == webhookAttempts {
			return status, attempts, err
		}
		if time.Until(limit) < 2*wait {
			return status, attempts, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return status, attempts, err
		}
	}
}

// post makes one attempt; again says whether another may fare better.
func (s *webhookSender) post(ctx context.Context, u *url.URL, body []byte) (status int, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, false, scrubURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", webhookUserAgent)
	if s.secret != "" {
		req.Header.Set("x-workflow-secret", s.secret)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if resp != nil { // a redirect that is not followed
			return resp.StatusCode, false, scrubURL(err)
		}
		return 0, ctx.Err() == nil, scrubURL(err)
	}
	// The connection is used again only when the answer was read.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, webhookMaxReply))
	_ = resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp.StatusCode, false, nil
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
	return resp.StatusCode, again, fmt.Errorf("the receiver answered %s", resp.Status)
}

func parseWebhookURL(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("the webhook URL is malformed: %w", scrubURL(err))
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("the webhook URL must be http or https with a host, and has the scheme %q", u.Scheme)
	}
	return u, nil
}

// scrubURL takes the URL out of an error of net/http: its query may be a secret.
func scrubURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
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
