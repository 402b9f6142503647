package redisstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer bounds what is read of an answer. Upstash's largest record is 100 MB, far
	// more than a job whose message has at most 1 MiB.
	maxAnswer = 32 << 20
	// upstashTries is how often a command is sent that got no answer, or one that says
	// to come again, and upstashPause the first pause in between.
	upstashTries = 3
	upstashPause = 50 * time.Millisecond
)

// upstashConn is a conn over Upstash's REST API: the command as a JSON array in a
// POST, {"result": ...} or {"error": "..."} in the answer
// (https://upstash.com/docs/redis/features/restapi).
type upstashConn struct {
	url, server, token string
	client             *http.Client
}

func newUpstashConn(address, token string) (*upstashConn, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	// url.Parse quotes the address in its errors, and an address can have a token in it.
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the URL of Upstash's REST API is not of the form https://<name>.upstash.io")
	case u.User != nil || u.RawQuery != "":
		return nil, fmt.Errorf("the URL of Upstash's REST API at %s has a user or a query; give the token by itself", u.Host)
	case strings.TrimSpace(token) == "":
		return nil, fmt.Errorf("the token for Upstash's REST API at %s is empty", u.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	return &upstashConn{
		url: u.String(), server: "upstash at " + u.Host, token: strings.TrimSpace(token),
		client: &http.Client{
			Transport: transport,
			// The token is for this host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func (c *upstashConn) close() error {
	c.client.CloseIdleConnections()
	return nil
}

// do sends a command again when no answer came: every script of this package does
// nothing when it is run a second time.
func (c *upstashConn) do(ctx context.Context, args ...any) (any, error) {
	body, err := marshal(args)
	if err != nil {
		return nil, fmt.Errorf("%s: write the command: %w", c.server, err)
	}
	pause := upstashPause
	for try := 1; ; try++ {
		answer, again, err := c.post(ctx, body)
		if err == nil {
			return answer, nil
		}
		if !again || try == upstashTries || !wait(ctx, pause/2+rand.N(pause)) { //nolint:gosec // a pause need not be unpredictable
			return nil, explained(ctx, c.server, err)
		}
		pause *= 2
	}
}

// post sends a command once; again says that it is worth sending it again.
func (c *upstashConn) post(ctx context.Context, body []byte) (answer any, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		// Without its frame, which has nothing but the URL.
		if frame, ok := errors.AsType[*url.Error](err); ok {
			err = frame.Err
		}
		return nil, ctx.Err() == nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, fmt.Errorf("read the answer: %w", err)
	case len(text) > maxAnswer:
		return nil, false, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	again = response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  string          `json:"error"`
	}
	switch err := json.Unmarshal(text, &reply); {
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return nil, false, fmt.Errorf("the token is refused: HTTP %s", response.Status)
	case err == nil && reply.Error != "":
		return nil, again, replyError(strings.ReplaceAll(reply.Error, c.token, "***"))
	case response.StatusCode != http.StatusOK:
		return nil, again, fmt.Errorf("HTTP %s", response.Status)
	case err != nil || reply.Result == nil:
		return nil, false, errors.New("the answer is not one of Upstash's REST API; is the URL right?")
	}
	return plainNumbers(value(reply.Result)), false, nil
}

// replyError is what the server says of a command, as go-redis has it.
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (replyError) RedisError() {}

// plainNumbers is an answer with its numbers as int64.
func plainNumbers(answer any) any {
	switch answer := answer.(type) {
	case json.Number:
		if n, err := answer.Int64(); err == nil {
			return n
		}
		return answer.String()
	case []any:
		for i := range answer {
			answer[i] = plainNumbers(answer[i])
		}
	}
	return answer
}

// wait waits, and says whether it did to the end.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
