package queues_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (s *stage) sendFIFO(url, group, dedup, body string) *sqs.SendMessageOutput {
	s.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: &group}
	if dedup != "" {
		in.MessageDeduplicationId = &dedup
	}
	out, err := s.sqs.SendMessage(s.ctx(), in)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func TestFIFOOrder(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	last := ""
	for _, m := range []string{"a1", "b1", "a2", "a3", "b2"} {
		out := s.sendFIFO(url, m[:1], "", m)
		if *out.SequenceNumber <= last || len(*out.SequenceNumber) != 20 {
			t.Errorf("got sequence number %s after %s", *out.SequenceNumber, last)
		}
		last = *out.SequenceNumber
	}
	// As many as possible of the first group, then of the next.
	first := s.receive(url, 2)
	if got := bodies(first); got != "a1 a2" {
		t.Fatalf("got %q", got)
	}
	// a is in flight: only b can be received.
	b := s.receive(url, 10)
	if got := bodies(b); got != "b1 b2" {
		t.Fatalf("got %q", got)
	}
	if got := s.receive(url, 10); len(got) != 0 {
		t.Fatalf("got %q while both groups are in flight", bodies(got))
	}
	if a := b[0].Attributes; a["MessageGroupId"] != "b" || len(a["MessageDeduplicationId"]) != 64 || a["SequenceNumber"] == "" {
		t.Errorf("got %v", a)
	}
	// One message back is not enough, and then the order is the old one.
	if err := s.hide(url, first[1], 0); err != nil {
		t.Fatal(err)
	}
	if got := s.receive(url, 10); len(got) != 0 {
		t.Fatalf("got %q while a1 is in flight", bodies(got))
	}
	if err := s.delete(url, first[0]); err != nil {
		t.Fatal(err)
	}
	if got := bodies(s.receive(url, 10)); got != "a2 a3" {
		t.Errorf("got %q", got)
	}
	clock.forward(31 * time.Second)
	s.counts(url, "4 0 0")
	s.fails(s.delete(url, b[0]), "InvalidParameterValue", "Value "+*b[0].ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
	if got := bodies(s.receive(url, 10)); got != "a2 a3 b1 b2" && got != "b1 b2 a2 a3" {
		t.Errorf("got %q", got)
	}
}

func TestFIFODeduplication(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q.fifo", "FifoQueue", "true")
	first := s.sendFIFO(url, "g", "d", "one")
	again := s.sendFIFO(url, "h", "d", "two") // whatever its group and body
	if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("got %s %s, want %s %s", *again.MessageId, *again.SequenceNumber, *first.MessageId, *first.SequenceNumber)
	}
	s.counts(url, "1 0 0")
	// Deleting the message does not forget the id.
	if err := s.delete(url, s.receive(url, 1)[0]); err != nil {
		t.Fatal(err)
	}
	s.sendFIFO(url, "g", "d", "three")
	s.counts(url, "0 0 0")
	clock.forward(5 * time.Minute)
	s.sendFIFO(url, "g", "d", "four")
	s.counts(url, "1 0 0")

	grouped := s.queue("g.fifo", "FifoQueue", "true", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	s.sendFIFO(grouped, "g", "d", "one")
	s.sendFIFO(grouped, "h", "d", "two")
	s.sendFIFO(grouped, "h", "d", "three")
	s.counts(grouped, "2 0 0")
}

func TestFIFODeadLetter(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	dlq := s.queue("dlq.fifo", "FifoQueue", "true")
	url := s.queue("q.fifo", "FifoQueue", "true", "VisibilityTimeout", "0", "RedrivePolicy", redriveTo("dlq.fifo", 2))
	for i := range 3 {
		s.sendFIFO(url, "g", strconv.Itoa(i), strconv.Itoa(i))
	}
	for range 2 {
		if got := bodies(s.receive(url, 1)); got != "0" {
			t.Fatalf("got %q", got)
		}
	}
	if got := bodies(s.receive(url, 1)); got != "1" {
		t.Errorf("got %q after the poison message", got)
	}
	dead := s.receive(dlq, 10)
	if bodies(dead) != "0" || dead[0].Attributes["MessageGroupId"] != "g" || dead[0].Attributes["MessageDeduplicationId"] != "0" || dead[0].Attributes["DeadLetterQueueSourceArn"] != arn("q.fifo") {
		t.Errorf("got %+v", dead)
	}
}

func TestFIFODelayAndPurge(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q.fifo", "FifoQueue", "true", "DelaySeconds", "10")
	s.sendFIFO(url, "g", "1", "one")
	s.counts(url, "0 0 1")
	clock.forward(10 * time.Second)
	s.sendFIFO(url, "g", "2", "two")
	if got := bodies(s.receive(url, 10)); got != "one" {
		t.Errorf("got %q", got)
	}
	if _, err := s.sqs.PurgeQueue(s.ctx(), &sqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
		t.Fatal(err)
	}
	s.counts(url, "0 0 0")
	s.sendFIFO(url, "g", "3", "three")
	clock.forward(10 * time.Second)
	if got := bodies(s.receive(url, 10)); got != "three" {
		t.Errorf("got %q after the purge", got)
	}
}
