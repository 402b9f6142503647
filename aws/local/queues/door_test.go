package queues_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// post calls an operation without a network.
func post(h http.Handler, operation, body string) (status int, answer string) {
	return postContext(context.Background(), h, operation, body)
}

func postContext(ctx context.Context, h http.Handler, operation, body string) (status int, answer string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Body)
	return w.Code, string(text)
}

func TestReceiveByARN(t *testing.T) {
	t.Parallel()
	b := queues.New(queues.Config{Region: "eu-west-1", Account: "123456789012"})
	defer b.Close()
	_, dlqARN, err := b.CreateQueue("dlq.fifo", map[string]string{"FifoQueue": "true"})
	if err != nil {
		t.Fatal(err)
	}
	url, queueARN, err := b.CreateQueue("q.fifo", map[string]string{
		"FifoQueue": "true", "VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `","maxReceiveCount":1}`,
	})
	if err != nil || url != "http://127.0.0.1:4566/123456789012/q.fifo" || queueARN != "arn:aws:sqs:eu-west-1:123456789012:q.fifo" {
		t.Fatalf("got %s, %s, %v", url, queueARN, err)
	}
	status, answer := post(b.Handler(), "SendMessage", `{"QueueUrl":"`+url+`","MessageBody":"hello","MessageGroupId":"g","MessageDeduplicationId":"d",
		"MessageAttributes":{"t":{"DataType":"String","StringValue":"v"},"b":{"DataType":"Binary","BinaryValue":"AAE="}},
		"MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}}}`)
	if status != 200 {
		t.Fatal(answer)
	}
	first, err := b.Receive(t.Context(), queueARN, 100, time.Second)
	if err != nil || len(first) != 1 {
		t.Fatalf("got %v, %v", first, err)
	}
	if _, err := b.Receive(t.Context(), queueARN, 100, 0); err != nil { // moves it
		t.Fatal(err)
	}
	dead, err := b.Receive(t.Context(), dlqARN, 100, time.Second)
	if err != nil || len(dead) != 1 {
		t.Fatalf("got %v, %v", dead, err)
	}
	m := dead[0]
	if m.MessageId != first[0].MessageId || m.Body != "hello" || m.Md5OfBody != "5d41402abc4b2a76b9719d911017c592" ||
		m.EventSource != "aws:sqs" || m.EventSourceARN != dlqARN || m.AWSRegion != "eu-west-1" || m.ReceiptHandle == "" {
		t.Errorf("got %+v", m)
	}
	for name, want := range map[string]string{
		"ApproximateReceiveCount": "2", "SenderId": "123456789012", "MessageGroupId": "g", "MessageDeduplicationId": "d",
		"AWSTraceHeader": "Root=1", "DeadLetterQueueSourceArn": queueARN, "SentTimestamp": first[0].Attributes["SentTimestamp"],
	} {
		if m.Attributes[name] != want {
			t.Errorf("%s: got %q, want %q", name, m.Attributes[name], want)
		}
	}
	if m.Attributes["SequenceNumber"] == "" || m.Attributes["ApproximateFirstReceiveTimestamp"] == "" {
		t.Errorf("got %v", m.Attributes)
	}
	if a := m.MessageAttributes; *a["t"].StringValue != "v" || string(a["b"].BinaryValue) != "\x00\x01" || a["t"].DataType != "String" {
		t.Errorf("got %v", a)
	}
	if err := b.Delete(dlqARN, []string{m.ReceiptHandle, "garbage"}); err != nil {
		t.Error(err)
	}
	if d, err := b.Depth(dlqARN); err != nil || d != (queues.Depth{}) {
		t.Errorf("got %+v, %v", d, err)
	}
	if d, err := b.VisibilityTimeout(dlqARN); err != nil || d != 30*time.Second {
		t.Errorf("got %v, %v", d, err)
	}
}

func TestUnknownARN(t *testing.T) {
	t.Parallel()
	b := queues.New(queues.Config{})
	defer b.Close()
	nowhere := arn("nowhere")
	_, receive := b.Receive(t.Context(), nowhere, 1, 0)
	_, timeout := b.VisibilityTimeout(nowhere)
	_, depth := b.Depth(nowhere)
	_, send := b.Send(nowhere, "", "x")
	for name, err := range map[string]error{
		"receive": receive, "timeout": timeout, "depth": depth, "send": send,
		"delete": b.Delete(nowhere, nil), "visibility": b.SetVisibility(nowhere, nil, 0),
	} {
		e, ok := errors.AsType[*wire.Error](err)
		if !ok || e.Code != "QueueDoesNotExist" || !strings.Contains(err.Error(), nowhere) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestEnsureQueue(t *testing.T) {
	t.Parallel()
	b := queues.New(queues.Config{})
	defer b.Close()
	if _, _, err := b.EnsureQueue("q", map[string]string{"VisibilityTimeout": "10", "DelaySeconds": "1"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.CreateQueue("q", map[string]string{"VisibilityTimeout": "20"}); err == nil {
		t.Error("CreateQueue took other attributes")
	}
	_, queueARN, err := b.EnsureQueue("q", map[string]string{"VisibilityTimeout": "20"})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := b.VisibilityTimeout(queueARN); err != nil || d != 20*time.Second {
		t.Errorf("got %v, %v", d, err)
	}
	if _, _, err := b.EnsureQueue("q", map[string]string{"VisibilityTimeout": "x"}); err == nil {
		t.Error("EnsureQueue took a bad value")
	}
}
