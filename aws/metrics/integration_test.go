package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	localmetrics "github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

// Over HTTP, in the protocol of the real client.
func TestALocalStage(t *testing.T) {
	t.Parallel()
	now := make(chan time.Duration, 1) // how far ahead the clock is
	now <- 0
	clock := func() time.Time {
		by := <-now
		now <- by
		return time.Now().Add(by)
	}
	broker := queues.New(queues.Config{Now: clock})
	defer broker.Close()
	recorder := localmetrics.NewRecorder(localmetrics.RecorderConfig{Queues: broker, Now: clock})
	server := httptest.NewServer(localmetrics.Handler(localmetrics.Config{Recorder: recorder}))
	defer server.Close()
	s, err := aws.Open(t.Context(), aws.Target{EndpointURL: server.URL}, aws.Options{
		Getenv: func(string) string { return "" }, AuditPath: aws.NoAudit, HTTPClient: http.DefaultClient, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := aws.Worker{ID: "w", Function: &aws.Function{Name: "fn"}}
	for name, slot := range map[string]**aws.Queue{"full": &w.Queue, "dead": &w.DLQ} {
		url, arn, err := broker.CreateQueue(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		*slot = &aws.Queue{Name: name, URL: url, ARN: arn}
	}
	for range 3 {
		if _, err := broker.Send(w.Queue.ARN, "", "x"); err != nil {
			t.Fatal(err)
		}
	}
	recorder.Began("fn")
	recorder.Ended("fn", clock(), 250*time.Millisecond, true)
	now <- <-now + time.Hour
	recorder.Sample()

	gone := &aws.Queue{Name: "gone", URL: "http://127.0.0.1/000000000000/gone", ARN: "arn:aws:sqs:us-east-1:000000000000:gone"}
	ages, err := metrics.For(s).Ages(t.Context(), []*aws.Queue{w.Queue, w.DLQ, gone})
	if age := ages[w.Queue.URL]; err != nil || age < time.Hour || age > time.Hour+time.Minute {
		t.Errorf("the age is %s, %v", age, err)
	}
	if age, ok := ages[w.DLQ.URL]; !ok || age != 0 {
		t.Errorf("the age of an empty queue is %s, %v", age, ok)
	}
	if _, ok := ages[gone.URL]; ok || s.Calls() != 1 {
		t.Errorf("the age of no queue is known: %v, after %d calls", ok, s.Calls())
	}

	got, err := metrics.For(s).Read(t.Context(), []aws.Worker{w}, metrics.Question{Set: metrics.ForCharts, Since: clock().Add(-2 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	m := got["w"]
	if sum, known := m.Queue.Sent.Sum(m.Since); sum != 3 || !known {
		t.Errorf("sent: %v, %v", sum, known)
	}
	if sum, known := m.Function.Errors.Sum(m.Since); sum != 1 || !known {
		t.Errorf("errors: %v, %v", sum, known)
	}
	if p, ok := m.Function.DurationP95.Last(m.Since); !ok || p.Value != 250 {
		t.Errorf("p95: %v, %v", p, ok)
	}
}
