package dispatch

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Doer is the SDK's HTTPClient.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// maxBufferedBody is the largest request body StableHTTPClient copies: well
// above an SQS batch (1 MiB) and a Lambda payload (6 MB).
const maxBufferedBody = 16 << 20

// StableHTTPClient wraps an SDK HTTP client so that smithy-go cannot cut its own
// connection.
//
// smithy-go closes the request body as soon as the response headers are there.
// On a fast connection net/http may not have made its last read of the body by
// then; it takes the resulting EOF for a write error and closes the connection
// under the response that is being read. The call fails with "use of closed
// network connection" and is retried after a pause: a ReceiveMessage whose answer is lost
// leaves its messages in flight, and a SendMessageBatch sends twice. Seen with
// smithy-go 1.24 to 1.28. The wrapper reads the body and sends a copy that
// smithy-go cannot close.
//
// Bodies of unknown length and those above 16 MiB go through as they are, so
// that streams stay streams. Set it after the configuration is loaded
// (cfg.HTTPClient = StableHTTPClient(cfg.HTTPClient)): LoadDefaultConfig refuses
// a wrapped client when AWS_CA_BUNDLE is set. A nil client means
// http.DefaultClient. Safe for concurrent use if the client is.
func StableHTTPClient(c Doer) Doer {
	if c == nil {
		c = http.DefaultClient
	}
	if _, done := c.(stableClient); done {
		return c
	}
	return stableClient{c}
}

type stableClient struct{ next Doer }

// Do sends a copy of the request whose body nobody else holds.
func (s stableClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength <= 0 || r.ContentLength > maxBufferedBody {
		return s.next.Do(r)
	}
	body := make([]byte, r.ContentLength)
	if err := readExactly(r.Body, body); err != nil {
		_ = r.Body.Close()
		return nil, fmt.Errorf("read the body of %s %s: %w", r.Method, r.URL.Host, err)
	}
	if err := r.Body.Close(); err != nil {
		return nil, fmt.Errorf("close the body of %s %s: %w", r.Method, r.URL.Host, err)
	}
	// A shallow copy: the caller keeps its own Body, which is read and closed.
	sent := r.WithContext(r.Context())
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	sent.Body, _ = sent.GetBody()
	return s.next.Do(sent)
}

// readExactly fills body and makes sure that nothing follows.
func readExactly(r io.Reader, body []byte) error {
	n, err := io.ReadFull(r, body)
	if err != nil {
		return fmt.Errorf("it ends after %d of the %d bytes its Content-Length promises: %w", n, len(body), err)
	}
	var more [1]byte
	if n, _ := io.ReadFull(r, more[:]); n > 0 {
		return fmt.Errorf("it is longer than the %d bytes its Content-Length promises", len(body))
	}
	return nil
}
