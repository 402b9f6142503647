package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a broker with one queue, and the SDK's client of its faulty API.
type faulty struct {
	*testing.T
	broker *queues.Broker
	client *sqs.Client
	url    string
	arn    string
	// calls is how many HTTP requests the client has sent.
	calls atomic.Int64
}

func newFaulty(t *testing.T, f faults.API) *faulty {
	t.Helper()
	s := &faulty{T: t}
	var server *httptest.Server
	s.broker = queues.New(queues.Config{BaseURL: func() string { return server.URL }})
	handler := faults.Handler(s.broker, f)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		handler.ServeHTTP(w, r)
	}))
	transport := &http.Transport{}
	t.Cleanup(func() {
		s.broker.Close()
		transport.CloseIdleConnections()
		server.Close()
	})
	var err error
	if s.url, s.arn, err = s.broker.CreateQueue("q", nil); err != nil {
		t.Fatal(err)
	}
	s.client = sqs.New(sqs.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:       dispatch.StableHTTPClient(&http.Client{Transport: transport}),
		RetryMaxAttempts: 1,
	})
	return s
}

func (s *faulty) send(body string) error {
	_, err := s.client.SendMessage(s.Context(), &sqs.SendMessageInput{QueueUrl: &s.url, MessageBody: &body})
	return err
}

// sendBatch sends messages "0" to n-1 in one call.
func (s *faulty) sendBatch(n int) *sqs.SendMessageBatchOutput {
	s.Helper()
	in := &sqs.SendMessageBatchInput{QueueUrl: &s.url}
	for i := range n {
		id := strconv.Itoa(i)
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id})
	}
	out, err := s.client.SendMessageBatch(s.Context(), in)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// depth is what the broker itself counts.
func (s *faulty) depth() queues.Depth {
	s.Helper()
	d, err := s.broker.Depth(s.arn)
	if err != nil {
		s.Fatal(err)
	}
	return d
}

func TestNoFaultsInstallNothing(t *testing.T) {
	t.Parallel()
	broker := queues.New(queues.Config{})
	defer broker.Close()
	// A seed alone makes nothing go wrong.
	if got, want := fmt.Sprintf("%T", faults.Handler(broker, faults.API{Seed: 7})), fmt.Sprintf("%T", broker.Handler()); got != want {
		t.Errorf("the handler is a %s, want the broker's own %s", got, want)
	}
}

func TestRefusedCallsHaveNoEffect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults faults.API
		code   string
		status int
		kind   aws.ErrorKind
		slower bool // the SDK takes it for throttling
	}{
		{"throttle", faults.API{Throttle: 1}, "RequestThrottled", 403, aws.KindThrottled, true},
		{"error", faults.API{Error: 1}, "InternalFailure", 500, aws.KindOther, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFaulty(t, tt.faults)
			err := s.send("x")
			var api smithy.APIError
			var answer *smithyhttp.ResponseError
			if !errors.As(err, &api) || api.ErrorCode() != tt.code || !errors.As(err, &answer) || answer.HTTPStatusCode() != tt.status {
				t.Errorf("got %v, want %s with status %d", err, tt.code, tt.status)
			}
			if kind, _ := aws.Classify(err); kind != tt.kind {
				t.Errorf("it is of kind %q, want %q", kind, tt.kind)
			}
			if got := retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool(); got != tt.slower {
				t.Errorf("the SDK takes it for throttling: %v, want %v", got, tt.slower)
			}
			if !retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool() {
				t.Error("the SDK does not try it again")
			}
			if d := s.depth(); d != (queues.Depth{}) {
				t.Errorf("it had an effect: %+v", d)
			}
		})
	}
}

// A client that tries often enough gets through, and nothing is doubled by what is
// refused without effect.
func TestSharesOfCalls(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faults.API{Throttle: 0.3, Error: 0.3, Seed: 1})
	const calls = 200
	count := map[string]int{}
	for range calls {
		err := s.send("x")
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			count[api.ErrorCode()]++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, code := range []string{"RequestThrottled", "InternalFailure"} {
		if n := count[code]; n < 40 || n > 80 {
			t.Errorf("%s: %d of %d calls, want about 60", code, n, calls)
		}
	}
	if sent, refused := s.depth().Visible, count["RequestThrottled"]+count["InternalFailure"]; sent+refused != calls {
		t.Errorf("%d messages of %d calls with %d refused", sent, calls, refused)
	}
	if n := s.calls.Load(); n != calls {
		t.Errorf("the client sent %d requests for %d calls", n, calls)
	}
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faults.API{Cut: 1, Seed: 1})
	const calls = 100
	for range calls {
		err := s.send("x")
		if err == nil {
			t.Fatal("a call was answered")
		}
		if kind, _ := aws.Classify(err); kind != aws.KindNetwork {
			t.Fatalf("%v is of kind %q", err, kind)
		}
		if !retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool() {
			t.Fatalf("the SDK does not try it again: %v", err)
		}
	}
	if n := s.depth().Visible; n < 30 || n > 70 {
		t.Errorf("%d of %d calls took effect, want about half", n, calls)
	}
	if n := s.calls.Load(); n != calls {
		t.Errorf("net/http sent %d requests for %d calls", n, calls)
	}
}

func TestCutReceiveLosesItsAnswerOnly(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faults.API{Cut: 1, Seed: 1})
	const messages = 20
	for range messages {
		if _, err := s.broker.Send(s.arn, "", "x"); err != nil {
			t.Fatal(err)
		}
	}
	for s.depth().InFlight < messages {
		if _, err := s.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.url, MaxNumberOfMessages: 10}); err == nil {
			t.Fatal("a call was answered")
		}
	}
}

func TestPartialBatches(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faults.API{Partial: 0.5, Seed: 1})
	refused := func(failed []types.BatchResultErrorEntry) (ids []string) {
		for _, e := range failed {
			if *e.Code != "InternalError" || e.SenderFault || *e.Message == "" {
				t.Errorf("the entry %s failed with %s, sender %v", *e.Id, *e.Code, e.SenderFault)
			}
			ids = append(ids, *e.Id)
		}
		return ids
	}
	sent := s.sendBatch(10)
	failed := refused(sent.Failed)
	if len(failed) == 0 || len(sent.Successful) == 0 || len(failed)+len(sent.Successful) != 10 {
		t.Fatalf("%d failed, %d did not", len(failed), len(sent.Successful))
	}
	if n := s.depth().Visible; n != len(sent.Successful) {
		t.Errorf("%d messages in the queue for %d sent", n, len(sent.Successful))
	}

	// One of a kind for each message, whatever became of the send above.
	for s.depth().Visible < 10 {
		if _, err := s.broker.Send(s.arn, "", "x"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.url, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 10 {
		t.Fatalf("received %d, %v", len(got.Messages), err)
	}
	show := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &s.url}
	remove := &sqs.DeleteMessageBatchInput{QueueUrl: &s.url}
	for i, m := range got.Messages {
		id := strconv.Itoa(i)
		show.Entries = append(show.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle})
		remove.Entries = append(remove.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle})
	}
	shown, err := s.client.ChangeMessageVisibilityBatch(t.Context(), show)
	if err != nil {
		t.Fatal(err)
	}
	failed = refused(shown.Failed)
	if n := s.depth().InFlight; len(failed) == 0 || len(shown.Successful) == 0 || n != len(failed) {
		t.Errorf("%d messages are hidden, %d failed, %d did not", n, len(failed), len(shown.Successful))
	}
	removed, err := s.client.DeleteMessageBatch(t.Context(), remove)
	if err != nil {
		t.Fatal(err)
	}
	failed = refused(removed.Failed)
	d := s.depth()
	if n := d.Visible + d.InFlight; len(failed) == 0 || len(removed.Successful) == 0 || n != len(failed) {
		t.Errorf("%d messages are left, %d failed, %d did not", n, len(failed), len(removed.Successful))
	}
}

func TestPartialKeepsTheRulesForBatches(t *testing.T) {
	t.Parallel()
	s := newFaulty(t, faults.API{Partial: 1})
	if out := s.sendBatch(10); len(out.Failed) != 10 || len(out.Successful) != 0 {
		t.Errorf("%d of 10 entries failed", len(out.Failed))
	}
	if err := s.send("x"); err != nil {
		t.Errorf("a single message: %v", err)
	}
	x, nowhere := "x", s.url+"-that-is-not-there"
	twice := []types.SendMessageBatchRequestEntry{{Id: &x, MessageBody: &x}, {Id: &x, MessageBody: &x}}
	for _, tt := range []struct {
		in   *sqs.SendMessageBatchInput
		code string
	}{
		{&sqs.SendMessageBatchInput{QueueUrl: &s.url, Entries: twice}, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		{&sqs.SendMessageBatchInput{QueueUrl: &nowhere, Entries: twice[:1]}, "AWS.SimpleQueueService.NonExistentQueue"},
	} {
		_, err := s.client.SendMessageBatch(t.Context(), tt.in)
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != tt.code {
			t.Errorf("got %v, want %s", err, tt.code)
		}
	}
}

// direct is a transport to a handler without a network, for a clock that waits for
// nobody.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broker := queues.New(queues.Config{})
		defer broker.Close()
		url, arn, err := broker.CreateQueue("q", nil)
		if err != nil {
			t.Fatal(err)
		}
		base, body := "http://127.0.0.1:4566", "x"
		client := sqs.New(sqs.Options{
			BaseEndpoint: &base, Region: "us-east-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			HTTPClient:  &http.Client{Transport: direct{faults.Handler(broker, faults.API{Latency: time.Minute})}},
		})
		send := func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
			return time.Since(began), err
		}
		if took, err := send(t.Context()); took != time.Minute || err != nil {
			t.Errorf("it took %s: %v", took, err)
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if took, err := send(hurried); took != time.Second || err == nil {
			t.Errorf("a call that was given up ended after %s with %v", took, err)
		}
		if d, err := broker.Depth(arn); err != nil || d.Visible != 1 {
			t.Errorf("a call that was given up had an effect: %+v, %v", d, err)
		}
		// What is in the process waits for nothing.
		began := time.Now()
		if _, err := broker.Send(arn, "", body); err != nil || time.Since(began) != 0 {
			t.Errorf("the broker itself took %s: %v", time.Since(began), err)
		}
	})
}
