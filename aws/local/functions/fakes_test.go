package functions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// fakeLogs keeps streams in memory.
type fakeLogs struct {
	mu      sync.Mutex
	streams []string // group + " " + stream
	events  []LogEvent
	where   []string
}

func (l *fakeLogs) CreateStream(group, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams = append(l.streams, group+" "+name)
}

func (l *fakeLogs) Append(group, name string, events ...LogEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		l.events = append(l.events, e)
		l.where = append(l.where, group+" "+name)
	}
}

func (l *fakeLogs) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.streams...)
}

// lines are all messages, in order.
func (l *fakeLogs) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, e := range l.events {
		lines = append(lines, e.Message)
	}
	return lines
}

// of is the part of the log from START to REPORT of one invocation.
func (l *fakeLogs) of(id string) []string {
	var part []string
	inside := false
	for _, line := range l.lines() {
		if strings.HasPrefix(line, "START RequestId: "+id) {
			inside = true
		}
		if inside {
			part = append(part, line)
		}
		if strings.HasPrefix(line, "REPORT RequestId: "+id) {
			return part
		}
	}
	return part
}

func (l *fakeLogs) contains(text string) bool {
	for _, line := range l.lines() {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// fakeQueues is SQS as far as a mapping sees it.
type fakeQueues struct {
	mu     sync.Mutex
	queues map[string]*fakeQueue
}

type fakeQueue struct {
	visibility time.Duration
	maxReceive int // zero: no dead-letter queue
	messages   []*fakeMessage
	dead       []string
	deleted    []string
	arrived    chan struct{}
	number     int
}

type fakeMessage struct {
	id, body, handle string
	count            int
	hidden           time.Time
}

func newFakeQueues() *fakeQueues { return &fakeQueues{queues: map[string]*fakeQueue{}} }

const testQueue = "arn:aws:sqs:us-east-1:000000000000:jobs"

func (q *fakeQueues) make(arn string, visibility time.Duration, maxReceive int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queues[arn] = &fakeQueue{visibility: visibility, maxReceive: maxReceive, arrived: make(chan struct{})}
}

func (q *fakeQueues) remove(arn string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.queues[arn].arrived)
	delete(q.queues, arn)
}

func (q *fakeQueues) send(arn string, bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue := q.queues[arn]
	for _, body := range bodies {
		queue.number++
		queue.messages = append(queue.messages, &fakeMessage{id: fmt.Sprintf("id-%d", queue.number), body: body})
	}
	close(queue.arrived)
	queue.arrived = make(chan struct{})
}

var errNoQueue = errors.New("no such queue")

func (q *fakeQueues) Receive(ctx context.Context, arn string, most int, wait time.Duration) ([]events.SQSMessage, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		q.mu.Lock()
		queue := q.queues[arn]
		if queue == nil {
			q.mu.Unlock()
			return nil, errNoQueue
		}
		got, next := queue.take(most)
		arrived := queue.arrived
		q.mu.Unlock()
		if len(got) > 0 {
			return got, nil
		}
		again := time.NewTimer(next)
		select {
		case <-arrived:
		case <-again.C:
		case <-timer.C:
			again.Stop()
			return nil, nil
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		}
		again.Stop()
	}
}

// take receives what is visible, and says when to look again.
func (queue *fakeQueue) take(most int) ([]events.SQSMessage, time.Duration) {
	var got []events.SQSMessage
	now, next := time.Now(), time.Hour
	for i := 0; i < len(queue.messages) && len(got) < most; i++ {
		m := queue.messages[i]
		if left := m.hidden.Sub(now); left > 0 {
			next = min(next, left)
			continue
		}
		if queue.maxReceive > 0 && m.count >= queue.maxReceive {
			queue.dead = append(queue.dead, m.body)
			queue.messages = append(queue.messages[:i], queue.messages[i+1:]...)
			i--
			continue
		}
		m.count++
		m.hidden = now.Add(queue.visibility)
		m.handle = fmt.Sprintf("%s/%d", m.id, m.count)
		got = append(got, events.SQSMessage{
			MessageId: m.id, ReceiptHandle: m.handle, Body: m.body,
			Attributes: map[string]string{"ApproximateReceiveCount": fmt.Sprint(m.count)},
		})
	}
	return got, next
}

func (q *fakeQueues) Delete(arn string, handles []string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue := q.queues[arn]
	if queue == nil {
		return errNoQueue
	}
	for _, handle := range handles {
		for i, m := range queue.messages {
			if m.handle == handle {
				queue.deleted = append(queue.deleted, m.body)
				queue.messages = append(queue.messages[:i], queue.messages[i+1:]...)
				break
			}
		}
	}
	return nil
}

func (q *fakeQueues) VisibilityTimeout(arn string) (time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if queue := q.queues[arn]; queue != nil {
		return queue.visibility, nil
	}
	return 0, errNoQueue
}

// left, dead and deleted are message bodies.
func (q *fakeQueues) left(arn string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var bodies []string
	for _, m := range q.queues[arn].messages {
		bodies = append(bodies, m.body)
	}
	return bodies
}

func (q *fakeQueues) dead(arn string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]string(nil), q.queues[arn].dead...)
}

func (q *fakeQueues) deleted(arn string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]string(nil), q.queues[arn].deleted...)
}
