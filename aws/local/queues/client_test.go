package queues_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient is the real SDK's client of a handler behind HTTP.
func newClient(tb testing.TB, handler http.Handler) (*sqs.Client, string) {
	tb.Helper()
	server := httptest.NewServer(handler)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return sqs.New(sqs.Options{
		BaseEndpoint:     &server.URL,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:       dispatch.StableHTTPClient(&http.Client{Transport: transport}),
		RetryMaxAttempts: 1,
	}), server.URL
}

// stage is a broker and the SDK's client of it.
type stage struct {
	*testing.T
	broker *queues.Broker
	sqs    *sqs.Client
	base   string
}

// ahead is a clock that can be put forward. Waiting still takes real time.
type ahead struct{ by chan time.Duration }

func newAhead() *ahead {
	a := &ahead{by: make(chan time.Duration, 1)}
	a.by <- 0
	return a
}

func (a *ahead) Now() time.Time {
	by := <-a.by
	a.by <- by
	return time.Now().Add(by)
}

func (a *ahead) forward(d time.Duration) { a.by <- <-a.by + d }

func newStage(t *testing.T, now func() time.Time) *stage {
	t.Helper()
	s := &stage{T: t}
	s.broker = queues.New(queues.Config{BaseURL: func() string { return s.base }, Now: now})
	t.Cleanup(s.broker.Close)
	s.sqs, s.base = newClient(t, s.broker.Handler())
	return s
}

func (s *stage) ctx() context.Context { return s.Context() }

// queue makes a queue and returns its URL; attributes are name, value, name, value.
func (s *stage) queue(name string, attributes ...string) string {
	s.Helper()
	m := map[string]string{}
	for i := 0; i+1 < len(attributes); i += 2 {
		m[attributes[i]] = attributes[i+1]
	}
	out, err := s.sqs.CreateQueue(s.ctx(), &sqs.CreateQueueInput{QueueName: &name, Attributes: m})
	if err != nil {
		s.Fatalf("create %s: %v", name, err)
	}
	return *out.QueueUrl
}

func arn(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

// fails checks the error that a client sees: the code (the older one, where AWS
// has two) and the message.
func (s *stage) fails(err error, code, message string) {
	s.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		s.Errorf("got error %v, want code %s", err, code)
		return
	}
	if api.ErrorCode() != code {
		s.Errorf("got code %s (%s), want %s", api.ErrorCode(), api.ErrorMessage(), code)
	}
	if message != "" && api.ErrorMessage() != message {
		s.Errorf("got message %q, want %q", api.ErrorMessage(), message)
	}
}

func ptr[T any](v T) *T { return &v }
