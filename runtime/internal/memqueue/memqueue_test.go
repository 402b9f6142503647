package memqueue_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/memqueue"
)

// clock is a clock that stands still unless it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newBroker(limit time.Duration) (*memqueue.Broker, *clock) {
	c := &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	return memqueue.New(c.now, limit, memqueue.Queue{Worker: "w", MaxReceive: 2, Visibility: time.Minute}), c
}

func put(t *testing.T, b *memqueue.Broker, body string, delay time.Duration) {
	t.Helper()
	if _, err := b.Put(memqueue.Message{Worker: "w", Body: body, Delay: delay}); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, b *memqueue.Broker) memqueue.Delivery {
	t.Helper()
	d, ok := b.Receive()
	if !ok {
		t.Fatal("no message can be received")
	}
	return d
}

func TestVisibilityAndDeadLetters(t *testing.T) {
	t.Parallel()
	b, c := newBroker(0)
	put(t, b, "one", 0)
	for n, count := range []string{"1", "2"} {
		d := receive(t, b)
		if got := d.Message.Attributes["ApproximateReceiveCount"]; got != count || d.Message.Body != "one" {
			t.Errorf("delivery %d: %s times %q", n+1, got, d.Message.Body)
		}
		if _, ok := b.Receive(); ok {
			t.Error("a message that is worked on was delivered")
		}
		if hidden := b.Done(d, false); hidden != time.Minute {
			t.Errorf("hidden for %v", hidden)
		}
		if _, ok := b.Receive(); ok {
			t.Error("a hidden message was delivered")
		}
		c.at = c.at.Add(time.Minute)
	}
	if _, ok := b.Receive(); ok {
		t.Error("the message was delivered a third time")
	}
	if dead := b.DeadLetters(); len(dead) != 1 || dead[0].Body != "one" || dead[0].Receives != 2 || dead[0].Worker != "w" {
		t.Errorf("dead letters %+v", dead)
	}
	if _, more := b.Next(); more {
		t.Error("the queue is not empty")
	}
}

func TestChangeVisibility(t *testing.T) {
	t.Parallel()
	b, c := newBroker(0)
	put(t, b, "one", 0)
	d := receive(t, b)
	if _, err := b.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{ReceiptHandle: &d.Message.ReceiptHandle, VisibilityTimeout: 5}); err != nil {
		t.Fatal(err)
	}
	if hidden := b.Done(d, false); hidden != 5*time.Second {
		t.Errorf("hidden for %v", hidden)
	}
	var stale *types.ReceiptHandleIsInvalid
	if _, err := b.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{ReceiptHandle: &d.Message.ReceiptHandle}); !errors.As(err, &stale) {
		t.Errorf("error = %v", err)
	}
	c.at = c.at.Add(5 * time.Second)
	receive(t, b)
}

func TestOrderIsByTimeAndThenByAge(t *testing.T) {
	t.Parallel()
	b, c := newBroker(0)
	put(t, b, "late", time.Minute)
	put(t, b, "a", 0)
	put(t, b, "b", 0)
	var got []string
	for range 2 {
		got = append(got, receive(t, b).Message.Body)
	}
	if at, ok := b.Next(); !ok || at.Sub(c.at) != time.Minute {
		t.Errorf("next at %v, %v", at, ok)
	}
	c.at = c.at.Add(time.Minute)
	got = append(got, receive(t, b).Message.Body)
	if strings.Join(got, " ") != "a b late" {
		t.Errorf("order %q", got)
	}
}

// A wait beyond the limit is cut, and the broker's clock goes on as if it had passed.
func TestLimitedWaits(t *testing.T) {
	t.Parallel()
	b, c := newBroker(2 * time.Second)
	url := b.Getenv(func(string) string { return "" }, "w")(dispatch.QueueURLEnv("w"))
	if _, err := b.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: awssdk.String("snoozed"), DelaySeconds: 900}); err != nil {
		t.Fatal(err)
	}
	began := b.Now()
	if _, ok := b.Receive(); ok {
		t.Error("delivered at once")
	}
	c.at = c.at.Add(2 * time.Second)
	receive(t, b)
	if got := b.Now().Sub(began); got != 15*time.Minute {
		t.Errorf("the clock went on by %v", got)
	}
	// What a caller asked for is not cut.
	put(t, b, "delayed", time.Hour)
	if at, ok := b.Next(); !ok || at.Sub(c.at) != time.Hour {
		t.Errorf("next in %v", at.Sub(c.at))
	}
}

func TestSendToQueues(t *testing.T) {
	t.Parallel()
	b, _ := newBroker(0)
	env := b.Getenv(func(name string) string { return "real " + name }, "w")
	for name, want := range map[string]string{
		"AIWORKER_MAX_RECEIVE_COUNT": "2",
		"WORKER_QUEUE_URL_OTHER":     "",
		"WORKER_DLQ_URL_OTHER":       "",
		"HOME":                       "real HOME",
	} {
		if got := env(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	reason := map[string]types.MessageAttributeValue{"why": {DataType: awssdk.String("String"), StringValue: awssdk.String("broken")}}
	dlq, queue := env(dispatch.DLQURLEnv("w")), env(dispatch.QueueURLEnv("w"))
	if _, err := b.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &dlq, MessageBody: awssdk.String("x"), MessageAttributes: reason}); err != nil {
		t.Fatal(err)
	}
	if dead := b.DeadLetters(); len(dead) != 1 || dead[0].Attributes["why"] != "broken" || dead[0].Receives != 0 {
		t.Errorf("dead letters %+v", dead)
	}
	out, err := b.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &queue, Entries: []types.SendMessageBatchRequestEntry{
		{Id: awssdk.String("1"), MessageBody: awssdk.String("a"), MessageAttributes: reason}, {Id: awssdk.String("2"), MessageBody: awssdk.String("b")},
	}})
	if err != nil || len(out.Successful) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	d := receive(t, b)
	if a := d.Message.MessageAttributes["why"]; a.StringValue == nil || *a.StringValue != "broken" || a.DataType != "String" || d.Message.MessageId != *out.Successful[0].MessageId {
		t.Errorf("message %+v", d.Message)
	}
	if _, err := b.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: awssdk.String("https://sqs.eu-west-1.amazonaws.com/1/other"), MessageBody: awssdk.String("x")}); !errors.Is(err, dispatch.ErrUnknownWorker) {
		t.Errorf("error = %v", err)
	}
	if _, err := b.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String("local-other-local")}); err == nil || !strings.Contains(err.Error(), `worker "other" is not in this process, which runs: w`) {
		t.Errorf("error = %v", err)
	}
	got, err := b.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String("local-w-local")})
	if err != nil || *got.QueueUrl != queue {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGroupsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	b := memqueue.New(nil, 0, memqueue.Queue{Worker: "w", MaxReceive: 3, FIFO: true})
	for _, m := range []memqueue.Message{{Body: "a1", Group: "a"}, {Body: "a2", Group: "a"}, {Body: "alone"}, {Body: "b1", Group: "b"}} {
		m.Worker = "w"
		if _, err := b.Put(m); err != nil {
			t.Fatal(err)
		}
	}
	first := receive(t, b)
	got := []string{first.Message.Body, receive(t, b).Message.Body, receive(t, b).Message.Body}
	if strings.Join(got, " ") != "a1 alone b1" {
		t.Errorf("order %q", got)
	}
	if first.Message.Attributes["MessageGroupId"] != "a" || !strings.HasSuffix(first.Message.EventSourceARN, ":w.fifo") {
		t.Errorf("message %+v", first.Message)
	}
	if _, ok := b.Receive(); ok {
		t.Error("a2 was delivered before a1 was done")
	}
	b.Done(first, true)
	if d := receive(t, b); d.Message.Body != "a2" {
		t.Errorf("then %q", d.Message.Body)
	}
	if _, err := b.Put(memqueue.Message{Worker: "w", Delay: time.Second}); !errors.Is(err, dispatch.ErrDelay) {
		t.Errorf("error = %v", err)
	}
}
