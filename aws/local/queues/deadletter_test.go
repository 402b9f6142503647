package queues_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func redriveTo(dlq string, count int) string {
	return `{"deadLetterTargetArn":"` + arn(dlq) + `","maxReceiveCount":` + strconv.Itoa(count) + `}`
}

// TestDeadLetter receives a message maxReceiveCount times and no oftener.
func TestDeadLetter(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	dlq := s.queue("dlq")
	url := s.queue("q", "RedrivePolicy", redriveTo("dlq", 3))
	body := "poison"
	sent, err := s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: ptr("String"), StringValue: ptr("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var last types.Message
	for i := 1; i <= 3; i++ {
		got := s.receive(url, 10)
		if len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != strconv.Itoa(i) {
			t.Fatalf("receive %d: got %v", i, got)
		}
		last = got[0]
		clock.forward(30 * time.Second)
	}
	s.counts(url, "1 0 0") // it moves with the next receive
	s.counts(dlq, "0 0 0")
	if got := s.receive(url, 10); len(got) != 0 {
		t.Fatalf("got a fourth receive: %v", got[0].Attributes)
	}
	s.counts(url, "0 0 0")
	s.counts(dlq, "1 0 0")

	dead := s.receive(dlq, 10)[0]
	if *dead.MessageId != *sent.MessageId || *dead.Body != "poison" || *dead.MessageAttributes["a"].StringValue != "v" {
		t.Errorf("got %+v", dead)
	}
	for name, want := range map[string]string{
		"SentTimestamp":                    last.Attributes["SentTimestamp"],
		"ApproximateFirstReceiveTimestamp": last.Attributes["ApproximateFirstReceiveTimestamp"],
		"DeadLetterQueueSourceArn":         arn("q"),
		"ApproximateReceiveCount":          "4",
	} {
		if dead.Attributes[name] != want {
			t.Errorf("%s: got %q, want %q", name, dead.Attributes[name], want)
		}
	}
	// The handle from the source queue deletes nothing any more.
	if err := s.delete(url, last); err != nil {
		t.Error(err)
	}
	s.counts(dlq, "0 1 0")
}

// TestDeadLetterQueueDeleted: without its dead-letter queue a message stays.
func TestDeadLetterQueueDeleted(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	dlq := s.queue("dlq")
	url := s.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "0")
	s.send(url, "x")
	s.receive(url, 1)
	if _, err := s.sqs.DeleteQueue(s.ctx(), &sqs.DeleteQueueInput{QueueUrl: &dlq}); err != nil {
		t.Fatal(err)
	}
	if got := s.receive(url, 1); len(got) != 1 {
		t.Errorf("the message is gone")
	}
}

func TestListDeadLetterSourceQueues(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	dlq := s.queue("dlq")
	s.queue("other")
	a := s.queue("a", "RedrivePolicy", redriveTo("dlq", 1))
	b := s.queue("b", "RedrivePolicy", redriveTo("dlq", 1))
	out, err := s.sqs.ListDeadLetterSourceQueues(s.ctx(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dlq})
	if err != nil || len(out.QueueUrls) != 2 || out.QueueUrls[0] != a || out.QueueUrls[1] != b {
		t.Errorf("got %v, %v", out, err)
	}
	page, err := s.sqs.ListDeadLetterSourceQueues(s.ctx(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dlq, MaxResults: ptr(int32(1))})
	if err != nil || len(page.QueueUrls) != 1 || page.NextToken == nil {
		t.Errorf("got %v, %v", page, err)
	}
}

// deadLetters makes n dead letters of the queue "q" in "dlq".
func (s *stage) deadLetters(n int) (url, dlq string) {
	s.Helper()
	dlq = s.queue("dlq")
	url = s.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "0")
	for i := range n {
		s.send(url, strconv.Itoa(i))
	}
	for range n {
		s.receive(url, 1)
	}
	s.receive(url, 1)
	s.counts(dlq, strconv.Itoa(n)+" 0 0")
	return url, dlq
}

// tasks lists the move tasks of "dlq", newest first.
func (s *stage) tasks() []types.ListMessageMoveTasksResultEntry {
	s.Helper()
	out, err := s.sqs.ListMessageMoveTasks(s.ctx(), &sqs.ListMessageMoveTasksInput{SourceArn: ptr(arn("dlq")), MaxResults: ptr(int32(10))})
	if err != nil {
		s.Fatal(err)
	}
	return out.Results
}

// eventually looks again until ok or two minutes have gone.
func (s *stage) eventually(what string, ok func() bool) {
	s.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			s.Fatalf("not within two minutes: %s", what)
		}
	}
}

func TestMoveTask(t *testing.T) {
	t.Parallel()
	for _, destination := range []string{"", "q2"} {
		t.Run("to "+destination, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, nil)
			url, dlq := s.deadLetters(5)
			before := s.receive(dlq, 1)[0]
			if err := s.hide(dlq, before, 0); err != nil {
				t.Fatal(err)
			}
			in := &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq"))}
			if destination != "" {
				url = s.queue(destination)
				in.DestinationArn = ptr(arn(destination))
			}
			if _, err := s.sqs.StartMessageMoveTask(s.ctx(), in); err != nil {
				t.Fatal(err)
			}
			s.eventually("the task is done", func() bool { return *s.tasks()[0].Status == "COMPLETED" })
			task := s.tasks()[0]
			if task.ApproximateNumberOfMessagesMoved != 5 || *task.ApproximateNumberOfMessagesToMove != 5 || task.TaskHandle != nil ||
				*task.SourceArn != arn("dlq") || task.StartedTimestamp == 0 || (task.DestinationArn == nil) != (destination == "") {
				t.Errorf("got %+v", task)
			}
			s.counts(dlq, "0 0 0")
			s.counts(url, "5 0 0")
			for _, m := range s.receive(url, 10) {
				if *m.MessageId == *before.MessageId || m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["DeadLetterQueueSourceArn"] != "" {
					t.Errorf("not a new message: %v", m.Attributes)
				}
			}
		})
	}
}

func TestMoveTaskCancel(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url, dlq := s.deadLetters(10)
	start := &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq")), MaxNumberOfMessagesPerSecond: ptr(int32(20))}
	out, err := s.sqs.StartMessageMoveTask(s.ctx(), start)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.sqs.StartMessageMoveTask(s.ctx(), start)
	s.fails(err, "InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	running := s.tasks()[0]
	if *running.Status != "RUNNING" || *running.TaskHandle != *out.TaskHandle || *running.MaxNumberOfMessagesPerSecond != 20 {
		t.Errorf("got %+v", running)
	}
	s.eventually("something has moved", func() bool { return s.tasks()[0].ApproximateNumberOfMessagesMoved > 0 })
	cancelled, err := s.sqs.CancelMessageMoveTask(s.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: out.TaskHandle})
	if err != nil {
		t.Fatal(err)
	}
	if n := cancelled.ApproximateNumberOfMessagesMoved; n < 1 || n > 9 {
		t.Errorf("got %d moved", n)
	}
	s.eventually("the task is cancelled", func() bool { return *s.tasks()[0].Status == "CANCELLED" })
	moved := int(s.tasks()[0].ApproximateNumberOfMessagesMoved)
	s.counts(url, strconv.Itoa(moved)+" 0 0")
	s.counts(dlq, strconv.Itoa(10-moved)+" 0 0")
	_, err = s.sqs.CancelMessageMoveTask(s.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: out.TaskHandle})
	s.fails(err, "AWS.SimpleQueueService.UnsupportedOperation", "")
}

// TestMoveTaskFails: the message that could not be moved stays.
func TestMoveTaskFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url, dlq := s.deadLetters(2)
	s.send(dlq, "sent straight to the dead-letter queue")
	start := func() {
		t.Helper()
		if _, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq"))}); err != nil {
			t.Fatal(err)
		}
	}
	start()
	s.eventually("the task has failed", func() bool { return *s.tasks()[0].Status == "FAILED" })
	if got := s.tasks()[0]; *got.FailureReason != "CouldNotDetermineMessageSource" || got.ApproximateNumberOfMessagesMoved != 2 {
		t.Errorf("got %+v", got)
	}
	s.counts(url, "2 0 0")
	s.counts(dlq, "1 0 0")
}
