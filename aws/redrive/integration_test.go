package redrive_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// stage is an endpoint with a worker's queue and its DLQ, a stage opened on it,
// and a plain SDK client beside it.
func stage(tb testing.TB, suffix string) (*aws.Stage, *sqs.Client, aws.Worker, string) {
	tb.Helper()
	return stageAt(tb, suffix, nil)
}

// stageAt is stage by another clock.
func stageAt(tb testing.TB, suffix string, now func() time.Time) (*aws.Stage, *sqs.Client, aws.Worker, string) {
	tb.Helper()
	var url string
	broker := queues.New(queues.Config{BaseURL: func() string { return url }, Now: now})
	srv := httptest.NewServer(broker.Handler())
	tb.Cleanup(srv.Close)
	url = srv.URL
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	tb.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	audit := filepath.Join(tb.TempDir(), "audit.jsonl")
	s, err := aws.Open(tb.Context(), aws.Target{EndpointURL: url, Stage: "test"}, aws.Options{
		HTTPClient: client, AuditPath: audit, Getenv: func(string) string { return "" },
	})
	if err != nil {
		tb.Fatal(err)
	}
	plain := sqs.New(sqs.Options{
		BaseEndpoint: &url, Region: "us-east-1", HTTPClient: dispatch.StableHTTPClient(client),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	attrs := map[string]string{}
	if suffix != "" {
		attrs["FifoQueue"] = "true"
	}
	w := aws.Worker{ID: "orders", Queue: &aws.Queue{Name: "orders" + suffix}, DLQ: &aws.Queue{Name: "orders-dlq" + suffix}}
	for _, q := range []*aws.Queue{w.DLQ, w.Queue} {
		if q == w.Queue {
			attrs["RedrivePolicy"] = `{"deadLetterTargetArn":"` + w.DLQ.ARN + `","maxReceiveCount":"1"}`
		}
		out, err := plain.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &q.Name, Attributes: attrs})
		if err != nil {
			tb.Fatal(err)
		}
		q.URL = *out.QueueUrl
		a, err := plain.GetQueueAttributes(tb.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
		if err != nil {
			tb.Fatal(err)
		}
		q.ARN = a.Attributes["QueueArn"]
	}
	return s, plain, w, audit
}

// engine is an Engine whose journals end with the test.
func engine(tb testing.TB, s *aws.Stage) *redrive.Engine {
	tb.Helper()
	return redrive.New(s, redrive.Config{Dir: tb.TempDir()})
}

func send(tb testing.TB, c *sqs.Client, url string, n int, body func(i int) string) {
	tb.Helper()
	for i := 0; i < n; i += 10 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &url}
		for j := i; j < min(i+10, n); j++ {
			e := types.SendMessageBatchRequestEntry{
				Id: new(strconv.Itoa(j)), MessageBody: new(body(j)),
				MessageAttributes: map[string]types.MessageAttributeValue{
					"n":   {DataType: new("Number"), StringValue: new(strconv.Itoa(j))},
					"bin": {DataType: new("Binary"), BinaryValue: []byte{byte(j), 0, 255}},
				},
				MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
					"AWSTraceHeader": {DataType: new("String"), StringValue: new("Root=1-00000000-000000000000000000000001")},
				},
			}
			if len(url) > 5 && url[len(url)-5:] == ".fifo" {
				e.MessageGroupId = new(fmt.Sprintf("g%d", j%3))
				e.MessageDeduplicationId = new(strconv.Itoa(j))
			}
			in.Entries = append(in.Entries, e)
		}
		out, err := c.SendMessageBatch(tb.Context(), in)
		if err != nil || len(out.Failed) > 0 {
			tb.Fatalf("send: %v %+v", err, out)
		}
	}
}

// drain receives and deletes everything that is visible.
func drain(tb testing.TB, c *sqs.Client, url string) []types.Message {
	tb.Helper()
	var all []types.Message
	for {
		out, err := c.ReceiveMessage(tb.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			tb.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
		for i, m := range out.Messages {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := c.DeleteMessageBatch(tb.Context(), in); err != nil {
			tb.Fatal(err)
		}
		all = append(all, out.Messages...)
	}
}

func job(i int) string {
	return fmt.Sprintf(`{"workerId":"orders","jobId":"job-%d","input":{"n":%d},"context":{},"metadata":{}}`, i, i)
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	const n = 230
	s, plain, w, audit := stage(t, "")
	send(t, plain, w.DLQ.URL, n, func(i int) string {
		if i == 7 {
			return "not JSON \u202e <&>"
		}
		return job(i)
	})
	engine := engine(t, s)
	for range 2 { // a look must not be in the way of the next one
		list, err := engine.Peek(t.Context(), w, 0)
		if err != nil || len(list.Letters) != n || !list.Complete || len(list.Warnings) != 0 {
			t.Fatalf("peek: %d letters, complete %v, %q, %v", len(list.Letters), list.Complete, list.Warnings, err)
		}
	}
	list, err := engine.Peek(t.Context(), w, 5)
	if err != nil || len(list.Letters) != 5 || list.Letters[0].ReceiveCount < 1 {
		t.Fatalf("peek 5: %+v %v", list, err)
	}
	some := []string{list.Letters[0].ID, list.Letters[3].ID}
	rep, err := engine.Replay(t.Context(), redrive.Replay{Worker: w, IDs: some})
	if err != nil || rep.Replayed != 2 {
		t.Fatalf("replay two: %+v %v", rep, err)
	}
	rep, err = engine.Replay(t.Context(), redrive.Replay{Worker: w, All: true})
	if err != nil || rep.Replayed != n-2 || len(rep.Warnings) != 0 {
		t.Fatalf("replay all: %d replayed, %q, %v", rep.Replayed, rep.Warnings, err)
	}
	if left := drain(t, plain, w.DLQ.URL); len(left) != 0 {
		t.Errorf("%d left in the DLQ", len(left))
	}
	seen := map[string]bool{}
	for _, m := range drain(t, plain, w.Queue.URL) {
		i, err := strconv.Atoi(*m.MessageAttributes["n"].StringValue)
		if err != nil {
			t.Fatal(err)
		}
		want := job(i)
		if i == 7 {
			want = "not JSON \u202e <&>"
		}
		if *m.Body != want || !bytes.Equal(m.MessageAttributes["bin"].BinaryValue, []byte{byte(i), 0, 255}) ||
			m.Attributes["AWSTraceHeader"] != "Root=1-00000000-000000000000000000000001" {
			t.Errorf("message %d is not what it was: %q %v %v", i, *m.Body, m.MessageAttributes, m.Attributes)
		}
		seen[*m.Body] = true
	}
	if len(seen) != n {
		t.Errorf("%d different messages of %d", len(seen), n)
	}
	trail, err := os.ReadFile(audit)
	if err != nil || bytes.Count(trail, []byte("\n")) != 4 || !bytes.Contains(trail, []byte(some[0])) {
		t.Errorf("audit trail: %v\n%s", err, trail)
	}
}

// A message that dies again during the replay comes back and stays.
func TestBounceOverHTTP(t *testing.T) {
	t.Parallel()
	s, plain, w, _ := stage(t, "")
	if _, err := plain.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &w.Queue.URL, Attributes: map[string]string{"VisibilityTimeout": "0"}}); err != nil {
		t.Fatal(err)
	}
	send(t, plain, w.DLQ.URL, 30, job)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // a consumer under which everything dies at once
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := plain.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.Queue.URL, MaxNumberOfMessages: 10}); err != nil {
				return
			}
		}
	}()
	rep, err := engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
	close(stop)
	<-done
	if err != nil || rep.Replayed != 30 {
		t.Errorf("%d replayed, %q, %v", rep.Replayed, rep.Warnings, err)
	}
}

func TestFIFOOverHTTP(t *testing.T) {
	t.Parallel()
	s, plain, w, _ := stage(t, ".fifo")
	send(t, plain, w.DLQ.URL, 40, job)
	rep, err := engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
	if err != nil || rep.Replayed != 40 {
		t.Fatalf("%+v %v", rep, err)
	}
	last := map[string]int{}
	got := drain(t, plain, w.Queue.URL)
	for _, m := range got {
		i, _ := strconv.Atoi(*m.MessageAttributes["n"].StringValue)
		g := m.Attributes["MessageGroupId"]
		if want := fmt.Sprintf("g%d", i%3); g != want {
			t.Errorf("message %d is in group %q", i, g)
		}
		if before, ok := last[g]; ok && i < before {
			t.Errorf("group %s: %d after %d", g, i, before)
		}
		last[g] = i
	}
	if len(got) != 40 {
		t.Errorf("%d messages", len(got))
	}
}

func BenchmarkReplay(b *testing.B) {
	s, plain, w, _ := stage(b, "")
	const n = 2000
	body := fmt.Sprintf(`{"workerId":"orders","jobId":"j","input":{"text":%q}}`, bytes.Repeat([]byte("x"), 950))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		send(b, plain, w.DLQ.URL, n, func(int) string { return body })
		b.StartTimer()
		rep, err := engine(b, s).Replay(b.Context(), redrive.Replay{Worker: w, All: true})
		if err != nil || rep.Replayed != n {
			b.Fatal(rep.Replayed, err)
		}
		b.StopTimer()
		drain(b, plain, w.Queue.URL)
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
