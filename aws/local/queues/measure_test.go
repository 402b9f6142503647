package queues_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// aged checks the age of a queue's oldest message, to the second.
func (s *stage) aged(name string, want time.Duration) {
	s.Helper()
	m, ok := s.broker.Measure(name)
	if !ok || m.Oldest.Round(10*time.Second) != want {
		s.Errorf("the oldest message of %s is %s old (%v), want %s", name, m.Oldest, ok, want)
	}
}

func TestAgeOfTheOldestMessage(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q", "VisibilityTimeout", "30")
	s.aged("q", 0)
	s.send(url, "first")
	clock.forward(time.Hour)
	s.aged("q", time.Hour)
	s.send(url, "second")
	clock.forward(time.Minute)
	s.aged("q", time.Hour+time.Minute)
	// What is hidden is still there; what comes back has never left.
	s.receive(url, 1)
	s.aged("q", time.Hour+time.Minute)
	clock.forward(time.Minute)
	s.aged("q", time.Hour+2*time.Minute)
	got := s.receive(url, 2)
	if len(got) != 2 {
		t.Fatalf("received %d", len(got))
	}
	for _, m := range got {
		if *m.Body == "first" {
			if err := s.delete(url, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.aged("q", 2*time.Minute)
	if m, _ := s.broker.Measure("q"); m.Depth != (queues.Depth{InFlight: 1}) {
		t.Errorf("the depth is %+v", m.Depth)
	}
	if _, ok := s.broker.Measure("nowhere"); ok {
		t.Error("a queue that is not there has an age")
	}
}

// A delayed message has come when it was sent.
func TestAgeOfADelayedMessage(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	s.send(s.queue("q", "DelaySeconds", "900"), "later")
	clock.forward(10 * time.Minute)
	s.aged("q", 10*time.Minute)
}

// A dead letter counts from when it was moved, in queues of both kinds, although the
// retention period of a standard queue goes on.
func TestAgeOfADeadLetter(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			t.Parallel()
			clock := newAhead()
			s := newStage(t, clock.Now)
			kind := []string{"VisibilityTimeout", "30"}
			var group *string
			if suffix != "" {
				kind, group = append(kind, "FifoQueue", "true", "ContentBasedDeduplication", "true"), ptr("g")
			}
			dlq := s.queue("dlq"+suffix, kind...)
			url := s.queue("q"+suffix, append(kind, "RedrivePolicy", redriveTo("dlq"+suffix, 1))...)
			if _, err := s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("poison"), MessageGroupId: group}); err != nil {
				t.Fatal(err)
			}
			clock.forward(24 * time.Hour)
			s.receive(url, 1)
			clock.forward(time.Hour)
			s.aged("q"+suffix, 25*time.Hour)
			s.receive(url, 1) // moves it
			s.aged("q"+suffix, 0)
			s.aged("dlq"+suffix, 0)
			clock.forward(time.Hour)
			s.aged("dlq"+suffix, time.Hour)
			// A look does not make it younger.
			s.receive(dlq, 1)
			s.aged("dlq"+suffix, time.Hour)
		})
	}
}
