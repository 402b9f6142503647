package redrive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

// die sends messages to a worker's queue and has them die there.
func die(t *testing.T, c *sqs.Client, url string, n int) {
	t.Helper()
	send(t, c, url, n, job)
	// Not with the receive: the SDK does not send a zero.
	if _, err := c.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": "0"}}); err != nil {
		t.Fatal(err)
	}
	for depth(t, c, url) > 0 { // the second receive is one too many
		if _, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10}); err != nil {
			t.Fatal(err)
		}
	}
}

// queueOf makes a queue, with dlq as its dead-letter queue when that is not nil.
func queueOf(t *testing.T, c *sqs.Client, name string, dlq *aws.Queue) string {
	t.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	if dlq != nil {
		in.Attributes["RedrivePolicy"] = `{"deadLetterTargetArn":"` + dlq.ARN + `","maxReceiveCount":"1"}`
	}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	out, err := c.CreateQueue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

func TestMoveTask(t *testing.T) {
	t.Parallel()
	const n = 130
	s, plain, w, audit := stage(t, "")
	die(t, plain, w.Queue.URL, n)
	if d := depth(t, plain, w.DLQ.URL); d != n {
		t.Fatalf("%d dead letters", d)
	}
	other := queueOf(t, plain, "other", nil)
	e := engine(t, s)
	for _, tt := range []struct {
		to   string
		at   string
		last bool
	}{{to: other, at: other}, {at: w.Queue.URL, last: true}} {
		var told [][2]int
		rep, err := e.MoveTask(t.Context(), redrive.MoveTask{Worker: w, To: tt.to, OnProgress: func(moved, of int) { told = append(told, [2]int{moved, of}) }})
		if err != nil || rep.Replayed != n || len(rep.Warnings) != 0 {
			t.Fatalf("to %q: %+v %v", tt.to, rep, err)
		}
		if len(told) == 0 || told[len(told)-1] != [2]int{n, n} {
			t.Errorf("told %v", told)
		}
		if left, there := depth(t, plain, w.DLQ.URL), depth(t, plain, tt.at); left != 0 || there != n {
			t.Errorf("%d left, %d at %s", left, there, tt.at)
		}
		if !tt.last {
			drain(t, plain, other)
			die(t, plain, w.Queue.URL, n)
		}
	}
	if got := bodiesOf(t, plain, w.Queue.URL); len(got) != n {
		t.Errorf("%d different ones", len(got))
	}
	// Nothing is there: no task is begun for it.
	if rep, err := e.MoveTask(t.Context(), redrive.MoveTask{Worker: w}); err != nil || rep.Replayed != 0 {
		t.Errorf("%+v %v", rep, err)
	}
	if n := auditLines(t, audit); n != 2 {
		t.Errorf("%d lines in the audit trail", n)
	}
}

// With a rate it goes slowly; when ctx ends SQS is told to stop, and what was moved
// stays moved.
func TestMoveTaskCancelled(t *testing.T) {
	t.Parallel()
	const n = 60
	s, plain, w, _ := stage(t, "")
	die(t, plain, w.Queue.URL, n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := engine(t, s)
	busy := false
	rep, err := e.MoveTask(ctx, redrive.MoveTask{Worker: w, Rate: 20, OnProgress: func(moved, _ int) {
		if moved == 0 || busy {
			return
		}
		busy = true
		// AWS has one task for a queue at a time.
		_, err := e.MoveTask(t.Context(), redrive.MoveTask{Worker: w})
		if !errors.Is(err, redrive.ErrNoMoveTask) || !strings.Contains(err.Error(), "one is running for this queue") {
			t.Errorf("a second one: %v", err)
		}
		cancel()
	}})
	p, ok := errors.AsType[*redrive.PartialError](err)
	if !ok || !errors.Is(err, context.Canceled) || p.Report.Replayed != rep.Replayed || rep.Replayed == 0 || rep.Replayed > n/2 {
		t.Fatalf("%+v %v", rep, err)
	}
	left, there := depth(t, plain, w.DLQ.URL), depth(t, plain, w.Queue.URL)
	if left+there != n || there != rep.Replayed {
		t.Errorf("%d left, %d moved, it says %d", left, there, rep.Replayed)
	}
	// The task has ended: another one may begin.
	rep, err = e.MoveTask(t.Context(), redrive.MoveTask{Worker: w})
	if err != nil || rep.Replayed != left {
		t.Errorf("%+v %v", rep, err)
	}
}

func TestMoveTaskRefused(t *testing.T) {
	t.Parallel()
	s, plain, w, audit := stage(t, "")
	fifo := queueOf(t, plain, "x.fifo", nil)
	lonely := queueOf(t, plain, "lonely", nil)
	die(t, plain, w.Queue.URL, 3)
	send(t, plain, lonely, 3, job)
	e := engine(t, s)
	alone := aws.Worker{ID: "lonely", Queue: w.Queue, DLQ: &aws.Queue{Name: "lonely", URL: lonely, ARN: strings.ReplaceAll(w.DLQ.ARN, "orders-dlq", "lonely")}}
	nameless := aws.Worker{ID: "x", Queue: w.Queue, DLQ: &aws.Queue{Name: w.DLQ.Name, URL: w.DLQ.URL}}
	for name, tt := range map[string]struct {
		task redrive.MoveTask
		says string
		is   error
	}{
		"too fast":       {redrive.MoveTask{Worker: w, Rate: 501}, "1 to 500 messages a second", redrive.ErrNoMoveTask},
		"below zero":     {redrive.MoveTask{Worker: w, Rate: -1}, "1 to 500 messages a second", redrive.ErrNoMoveTask},
		"to a FIFO":      {redrive.MoveTask{Worker: w, To: fifo}, "both be FIFO queues, or neither", redrive.ErrNoMoveTask},
		"not a URL":      {redrive.MoveTask{Worker: w, To: "x"}, "is not a queue's URL", redrive.ErrNoMoveTask},
		"of nobody":      {redrive.MoveTask{Worker: alone}, "no queue's redrive policy names this one", redrive.ErrNoMoveTask},
		"without an ARN": {redrive.MoveTask{Worker: nameless}, "ARN is not known", redrive.ErrNoMoveTask},
		"without a DLQ":  {redrive.MoveTask{Worker: aws.Worker{ID: "x"}}, "no dead-letter queue", redrive.ErrNoQueue},
		"to nowhere":     {redrive.MoveTask{Worker: w, To: strings.ReplaceAll(lonely, "lonely", "nowhere")}, "start AWS's move task", nil},
	} {
		rep, err := e.MoveTask(t.Context(), tt.task)
		if err == nil || !strings.Contains(err.Error(), tt.says) || tt.is != nil && !errors.Is(err, tt.is) || rep.Replayed != 0 {
			t.Errorf("%s: %+v %v", name, rep, err)
		}
	}
	if d := depth(t, plain, w.DLQ.URL); d != 3 {
		t.Errorf("%d left", d)
	}
	if n := auditLines(t, audit); n > 1 { // the last one got as far as the guard
		t.Errorf("%d lines in the audit trail", n)
	}
}

// A dead-letter queue that serves several queues is moved as a whole or not at all.
func TestMoveTaskShared(t *testing.T) {
	t.Parallel()
	s, plain, w, _ := stage(t, "")
	mails := queueOf(t, plain, "mails", w.DLQ)
	die(t, plain, w.Queue.URL, 12)
	die(t, plain, mails, 7)
	e := engine(t, s)
	sources, err := e.Sources(t.Context(), w.DLQ)
	slices.Sort(sources)
	if want := []string{mails, w.Queue.URL}; err != nil || !slices.Equal(sources, want) {
		t.Errorf("sources %q %v, want %q", sources, err, want)
	}
	_, err = e.MoveTask(t.Context(), redrive.MoveTask{Worker: w})
	if !errors.Is(err, redrive.ErrNoMoveTask) || !strings.Contains(err.Error(), "orders-dlq is the dead-letter queue of 2 queues (") || !strings.Contains(err.Error(), "mails") {
		t.Errorf("%v", err)
	}
	rep, err := e.MoveTask(t.Context(), redrive.MoveTask{Worker: w, AnySource: true})
	if err != nil || rep.Replayed != 19 || depth(t, plain, mails) != 7 || depth(t, plain, w.Queue.URL) != 12 {
		t.Errorf("%+v %v: %d and %d", rep, err, depth(t, plain, mails), depth(t, plain, w.Queue.URL))
	}
}

// A task that fails in the middle says why, and what to do.
func TestMoveTaskFails(t *testing.T) {
	t.Parallel()
	s, plain, w, _ := stage(t, "")
	queueOf(t, plain, "mails", w.DLQ) // so that there is a choice
	die(t, plain, w.Queue.URL, 2)
	send(t, plain, w.DLQ.URL, 1, job) // nothing says where it came from
	e := engine(t, s)
	rep, err := e.MoveTask(t.Context(), redrive.MoveTask{Worker: w, AnySource: true})
	p, ok := errors.AsType[*redrive.PartialError](err)
	if !ok || rep.Replayed != 2 || p.Report.Replayed != 2 || !strings.Contains(err.Error(), "FAILED: a message does not say which queue it came from") || !strings.Contains(err.Error(), "--to") {
		t.Errorf("%+v %v", rep, err)
	}
	rep, err = e.MoveTask(t.Context(), redrive.MoveTask{Worker: w, To: w.Queue.URL})
	if err != nil || rep.Replayed != 1 {
		t.Errorf("with a destination: %+v %v", rep, err)
	}
}

// What others hide is warned of.
func TestMoveTaskWarns(t *testing.T) {
	t.Parallel()
	s, plain, w, _ := stage(t, "")
	die(t, plain, w.Queue.URL, 5)
	out, err := plain.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.DLQ.URL, MaxNumberOfMessages: 1, VisibilityTimeout: 600})
	if err != nil || len(out.Messages) != 1 {
		t.Fatal(out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	rep, err := engine(t, s).MoveTask(ctx, redrive.MoveTask{Worker: w})
	if err != nil || rep.Replayed != 4 || len(rep.Warnings) != 1 || !strings.Contains(rep.Warnings[0], "1 message is of") && !strings.Contains(rep.Warnings[0], "in flight") {
		t.Errorf("%+v %v", rep, err)
	}
}

func auditLines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte(`"event":"end"`))
}
