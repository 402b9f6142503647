package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// doer is a client made of a function.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// watchedBody tells whether it was closed.
type watchedBody struct {
	io.Reader
	closed bool
	err    error
}

func (b *watchedBody) Close() error { b.closed = true; return b.err }

func request(t *testing.T, body io.Reader, length int64) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1/q", nil)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Body = &watchedBody{Reader: body}
	}
	r.ContentLength = length
	return r
}

func TestStableHTTPClientSendsACopyNobodyCanClose(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	client := dispatch.StableHTTPClient(doer(func(r *http.Request) (*http.Response, error) {
		sent = r
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	r := request(t, strings.NewReader("hello"), 5)
	original := r.Body.(*watchedBody)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := r.Body.Close(); err != nil || !original.closed || r.Body != original {
		t.Error("the caller's request was changed")
	}
	// What smithy-go closes is not what is being sent.
	if got, err := io.ReadAll(sent.Body); string(got) != "hello" || err != nil {
		t.Errorf("body %q, %v", got, err)
	}
	again, err := sent.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(again); string(got) != "hello" || sent.ContentLength != 5 {
		t.Errorf("second body %q of %d", got, sent.ContentLength)
	}
}

func TestStableHTTPClientLeavesStreamsAlone(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*http.Request{
		"unknown length": request(t, strings.NewReader("stream"), -1),
		"over 16 MiB":    request(t, strings.NewReader("big"), 16<<20+1),
		"no body":        request(t, nil, 0),
		"zero length":    request(t, strings.NewReader(""), 0),
	} {
		client := dispatch.StableHTTPClient(doer(func(sent *http.Request) (*http.Response, error) {
			if sent != r {
				t.Errorf("%s: not passed through", name)
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}))
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

func TestStableHTTPClientNoticesAWrongLength(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	tests := map[string]struct {
		body   io.Reader
		length int64
		says   string
	}{
		"short": {strings.NewReader("abc"), 5, "ends after 3 of the 5 bytes"},
		"long":  {strings.NewReader("abcdef"), 5, "longer than the 5 bytes"},
		"read":  {io.MultiReader(strings.NewReader("ab"), &failingReader{broken}), 5, "disk on fire"},
	}
	for name, tt := range tests {
		client := dispatch.StableHTTPClient(doer(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: it was sent", name)
			return nil, errors.New("sent")
		}))
		r := request(t, tt.body, tt.length)
		_, err := client.Do(r) //nolint:bodyclose // there is no response
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
		if !r.Body.(*watchedBody).closed {
			t.Errorf("%s: the body was not closed", name)
		}
	}
}

type failingReader struct{ err error }

func (f *failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestStableHTTPClientWrapsOnce(t *testing.T) {
	t.Parallel()
	once := dispatch.StableHTTPClient(http.DefaultClient)
	if dispatch.StableHTTPClient(once) != once {
		t.Error("wrapped twice")
	}
	if dispatch.StableHTTPClient(nil) == nil {
		t.Error("nil has no default")
	}
}

// sdkBody does what smithy-go's body does when it is closed under net/http's
// write loop: the loop's last read, which looks for bytes beyond the
// Content-Length, comes back with io.EOF as an error.
type sdkBody struct {
	io.Reader
	closed chan struct{}
	once   sync.Once
}

func (b *sdkBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func (b *sdkBody) WriteTo(io.Writer) (int64, error) {
	<-b.closed
	return 0, io.EOF
}

func TestStableHTTPClientKeepsTheConnection(t *testing.T) {
	t.Parallel()
	const answer = 4 << 20
	proceed := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		select { // the headers are out, the body is not
		case <-proceed:
		case <-r.Context().Done():
			return
		}
		_, _ = w.Write(make([]byte, answer))
	}))
	t.Cleanup(server.Close)

	body := &sdkBody{Reader: strings.NewReader("hello"), closed: make(chan struct{})}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body, r.ContentLength = body, 5
	resp, err := dispatch.StableHTTPClient(server.Client()).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_ = r.Body.Close() // as smithy-go does, before it reads the answer
	close(proceed)
	if got, err := io.ReadAll(resp.Body); len(got) != answer || err != nil {
		t.Errorf("the answer was cut at %d of %d bytes: %v", len(got), answer, err)
	}
}

func TestStableHTTPClientUnderTheSDK(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength || !bytes.Contains(body, []byte(`"MessageBody":"hello"`)) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"MessageId":"m","MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592"}`)
	}))
	t.Cleanup(server.Close)
	api := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		HTTPClient: dispatch.StableHTTPClient(server.Client()),
	})
	const clients, each = 8, 20
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				_, err := api.SendMessage(t.Context(), &sqs.SendMessageInput{
					QueueUrl:    awssdk.String(server.URL + "/1/aiw-echo-demo"),
					MessageBody: awssdk.String("hello"),
				})
				if err != nil {
					t.Errorf("SendMessage: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := calls.Load(); got != clients*each {
		t.Errorf("the server got %d calls for %d messages: there were retries", got, clients*each)
	}
}
