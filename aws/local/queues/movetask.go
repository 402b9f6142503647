package queues

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

const (
	maxMoveRate = 500 // messages a second, AWS's limit
	keptTasks   = 10  // finished and running tasks that are listed for a source
	moveChunk   = 100 // messages moved before a task looks up
)

// moveTasks are the message move tasks of a broker, newest first, by source ARN.
type moveTasks struct {
	mu       sync.Mutex
	bySource map[string][]*moveTask
	running  sync.WaitGroup
}

// moveTask carries messages from a dead-letter queue to another queue. Its fields
// below the line are guarded by moveTasks.mu.
type moveTask struct {
	id, source, destination string
	rate                    int // messages a second; 0 means as fast as possible
	started                 int64
	cancel                  context.CancelFunc

	status  string // RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED
	moved   int
	toMove  int
	failure string
}

func (t *moveTask) active() bool { return t.status == "RUNNING" || t.status == "CANCELLING" }

// taskHandle is what a task handle holds; AWS's holds the same.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (t *moveTask) handle() string {
	text, err := json.Marshal(taskHandle{TaskID: t.id, SourceARN: t.source})
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}

func errNoSource() error {
	return notFound("The resource that you specified for the SourceArn parameter doesn't exist.")
}

func (b *Broker) startMove(source, destination string, rate *int) (*moveTask, error) {
	if source == "" {
		return nil, missing("SourceArn")
	}
	from := b.byARN(source)
	if from == nil {
		return nil, errNoSource()
	}
	n := 0
	if rate != nil {
		if n = *rate; n < 1 || n > maxMoveRate {
			return nil, invalidValue(n, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
		}
	}
	if len(b.sourcesOf(source)) == 0 {
		return nil, invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if destination != "" {
		to := b.byARN(destination)
		switch {
		case to == nil:
			return nil, notFound("The resource that you specified for the DestinationArn parameter doesn't exist.")
		case to == from:
			return nil, invalid("Source queue arn and destination queue arn cannot be the same.")
		case to.isFIFO() != from.isFIFO():
			return nil, invalid("Source queue and destination queue must be of the same type.")
		}
	}
	ctx, cancel := context.WithCancel(b.closing)
	t := &moveTask{
		id: wire.NewID(), source: source, destination: destination, rate: n,
		started: b.now(), cancel: cancel, status: "RUNNING", toMove: from.depth().Visible,
	}
	b.tasks.mu.Lock()
	defer b.tasks.mu.Unlock()
	list := b.tasks.bySource[source]
	if len(list) > 0 && list[0].active() {
		cancel()
		return nil, invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	if b.closing.Err() != nil {
		cancel()
		return nil, b.closing.Err()
	}
	if b.tasks.bySource == nil {
		b.tasks.bySource = map[string][]*moveTask{}
	}
	list = append([]*moveTask{t}, list...)
	b.tasks.bySource[source] = list[:min(len(list), keptTasks)]
	b.tasks.running.Go(func() { b.runMove(ctx, t) })
	return t, nil
}

// sourcesOf are the queues whose dead-letter queue has that ARN.
func (b *Broker) sourcesOf(arn string) []*queue {
	var list []*queue
	for _, q := range b.all() {
		if q.deadLetterTarget() == arn {
			list = append(list, q)
		}
	}
	return list
}

// runMove moves as many messages as were visible when the task began: a message
// that fails again while the task runs, and so comes back, is not moved twice.
func (b *Broker) runMove(ctx context.Context, t *moveTask) {
	defer t.cancel()
	chunk, pause := moveChunk, time.Duration(0)
	if t.rate > 0 {
		chunk, pause = 1, time.Second/time.Duration(t.rate)
	}
	var tick <-chan time.Time
	if pause > 0 {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		tick = ticker.C
	}
	left := t.toMove
	for left > 0 {
		if tick != nil {
			select {
			case <-tick:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			b.endMove(t, "CANCELLED", "")
			return
		}
		n, failure := b.moveSome(t, min(left, chunk))
		left -= n
		b.tasks.mu.Lock()
		t.moved += n
		b.tasks.mu.Unlock()
		if failure != "" {
			b.endMove(t, "FAILED", failure)
			return
		}
		if n == 0 {
			break
		}
	}
	b.endMove(t, "COMPLETED", "")
}

func (b *Broker) endMove(t *moveTask, status, failure string) {
	b.tasks.mu.Lock()
	defer b.tasks.mu.Unlock()
	t.status, t.failure = status, failure
}

// moveSome moves up to n messages, and says how many and what stopped it.
func (b *Broker) moveSome(t *moveTask, n int) (moved int, failure string) {
	const noQueue = "AWS.SimpleQueueService.NonExistentQueue"
	from := b.byARN(t.source)
	if from == nil {
		return 0, noQueue
	}
	for moved < n {
		m := from.takeOut()
		if m == nil {
			return moved, ""
		}
		destination := t.destination
		if destination == "" {
			destination = m.source
		}
		to := b.byARN(destination)
		switch {
		case destination == "":
			failure = "CouldNotDetermineMessageSource"
		case to == nil || !to.acceptMoved(m):
			failure = noQueue
		}
		if failure != "" {
			from.putBack(m)
			return moved, failure
		}
		moved++
	}
	return moved, ""
}

// takeOut takes the next visible message out for good, without receiving it.
func (q *queue) takeOut() *message {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	q.advance(now)
	m := q.next(now, false)
	if m != nil {
		m.state = gone
		q.release(m)
	}
	if q.fifo != nil {
		q.fifo.endBatch()
	}
	return m
}

// putBack undoes takeOut.
func (q *queue) putBack(m *message) {
	q.mu.Lock()
	defer q.unlock()
	if q.ended {
		return
	}
	q.oldest = min(q.oldest, m.keptFor)
	if q.fifo != nil {
		q.show(m) // its order is the old one
	} else {
		m.state = ready
		q.readyN++
		q.ready.pushFront(m)
	}
	q.settle(q.broker.now())
}

// acceptMoved takes a message that a move task brings. It counts as a new message
// with a new id and time. Source: developer guide, "Configuring a dead-letter
// queue redrive".
func (q *queue) acceptMoved(old *message) bool {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	if q.ended {
		return false
	}
	c := *old.content
	c.id, c.source, c.sentAt = wire.NewID(), "", now
	if q.fifo != nil {
		c.sequence = q.broker.nextSequence()
	}
	q.enqueue(&message{content: &c, keptFor: now}, now, 0)
	q.settle(now)
	return true
}

func (b *Broker) cancelMove(handle string) (moved int, err error) {
	if handle == "" {
		return 0, missing("TaskHandle")
	}
	var h taskHandle
	text, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(text, &h) != nil || h.TaskID == "" || h.SourceARN == "" {
		return 0, invalid("Value for parameter TaskHandle is invalid.")
	}
	if b.byARN(h.SourceARN) == nil {
		return 0, errNoSource()
	}
	b.tasks.mu.Lock()
	defer b.tasks.mu.Unlock()
	for _, t := range b.tasks.bySource[h.SourceARN] {
		if t.id != h.TaskID {
			continue
		}
		if t.status != "RUNNING" {
			return 0, unsupported("Only active tasks can be cancelled.")
		}
		t.status = "CANCELLING"
		t.cancel()
		return t.moved, nil
	}
	return 0, notFound("Task does not exist.")
}

// moveEntry is a task as ListMessageMoveTasks shows it.
type moveEntry struct {
	TaskHandle     string `json:",omitempty"` // of running tasks only
	Status         string
	SourceArn      string
	DestinationArn string `json:",omitempty"`
	Rate           int    `json:"MaxNumberOfMessagesPerSecond,omitempty"`
	Moved          int    `json:"ApproximateNumberOfMessagesMoved"`
	ToMove         int    `json:"ApproximateNumberOfMessagesToMove"`
	Failure        string `json:"FailureReason,omitempty"`
	Started        int64  `json:"StartedTimestamp"` // milliseconds
}

func (b *Broker) listMoves(source string, limit *int) ([]moveEntry, error) {
	n := 1
	if limit != nil {
		if n = *limit; n < 1 || n > keptTasks {
			return nil, invalidValue(n, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	if source == "" {
		return nil, missing("SourceArn")
	}
	if !isQueueARN(source) {
		return nil, invalid("You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>")
	}
	if b.byARN(source) == nil {
		return nil, errNoSource()
	}
	b.tasks.mu.Lock()
	defer b.tasks.mu.Unlock()
	list := b.tasks.bySource[source]
	entries := make([]moveEntry, 0, n)
	for _, t := range list[:min(n, len(list))] {
		e := moveEntry{
			Status: t.status, SourceArn: t.source, DestinationArn: t.destination, Rate: t.rate,
			Moved: t.moved, ToMove: t.toMove, Failure: t.failure, Started: millis(t.started),
		}
		if t.status == "RUNNING" {
			e.TaskHandle = t.handle()
		}
		entries = append(entries, e)
	}
	return entries, nil
}
