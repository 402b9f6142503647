// Package memqueue is SQS inside the process, for jobs that run in local mode and
// in tests: messages with delays, visibility, receive counts and dead-letter
// queues; in a FIFO queue, with groups in their order. What cannot matter to one
// process (long polling, deduplication, policies) is left out.
package memqueue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	arnPrefix = "arn:aws:sqs:local:000000000000:"
	urlPrefix = "https://sqs.local.amazonaws.com/000000000000/"

	// Service and Stage are the names by which the runtime looks for the queue of a
	// worker that has none here, so that it asks this broker and not AWS.
	Service = "local"
	Stage   = "local"
)

// Queue describes one worker's queue. It has a dead-letter queue.
type Queue struct {
	// Worker is the worker's id. The queue's name is the same, and ".fifo" for FIFO.
	Worker string
	FIFO   bool
	// MaxReceive is how often a message is delivered before it is dead; at least 1.
	MaxReceive int
	// Visibility is how long a delivered message stays hidden.
	Visibility time.Duration
}

func (q Queue) suffix() string {
	if q.FIFO {
		return ".fifo"
	}
	return ""
}

func (q Queue) name() string     { return q.Worker + q.suffix() }
func (q Queue) deadName() string { return q.Worker + "-dlq" + q.suffix() }

// Broker holds the queues. It implements the SQS API that the runtime uses, and is
// safe for concurrent use. Make one with New.
type Broker struct {
	queues map[string]Queue
	base   func() time.Time
	// limit is the longest wait that really passes; zero: each does.
	limit time.Duration

	mu       sync.Mutex
	skew     time.Duration // by how much Now is before base
	sequence int
	messages []*message
	dead     []Letter
	changed  chan struct{}
}

// message is one message in a queue.
type message struct {
	queue    Queue
	id, body string
	group    string // in a FIFO queue
	attrs    map[string]types.MessageAttributeValue
	sent     time.Time
	received time.Time // first
	receives int
	receipt  string
	inFlight bool
	// due is when the message can be received by the broker's clock, and ready by
	// the one that really passes.
	due, ready time.Time
	// hidden is what the current delivery has asked for; negative when it has not.
	hidden time.Duration
	number int // the order in which messages were sent
}

// Letter is a dead message.
type Letter struct {
	// Worker is whose dead-letter queue it is in.
	Worker string
	// Body and Attributes are the message's.
	Body       string
	Attributes map[string]string
	// Receives is how often it had been delivered; zero for one that was sent there.
	Receives int
}

// New makes a Broker. now is its clock; nil means time.Now. A wait that is longer
// than limit passes as if its end had come by then, and takes the clock of Now
// with it; zero means no limit.
func New(now func() time.Time, limit time.Duration, queues ...Queue) *Broker {
	if now == nil {
		now = time.Now
	}
	b := &Broker{queues: make(map[string]Queue, len(queues)), base: now, limit: limit, changed: make(chan struct{}, 1)}
	for _, q := range queues {
		q.MaxReceive = max(q.MaxReceive, 1)
		b.queues[q.Worker] = q
	}
	return b
}

// Now is the time by which messages are due.
func (b *Broker) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now()
}

func (b *Broker) now() time.Time { return b.base().Add(b.skew) }

// Changed gets a value when a message has become due earlier, or is new.
func (b *Broker) Changed() <-chan struct{} { return b.changed }

func (b *Broker) signal() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// Getenv is the environment of a function that serves a worker's queue, over the
// given one.
func (b *Broker) Getenv(getenv func(string) string, worker string) func(string) string {
	own := map[string]string{
		"AIWORKER_SERVICE":           Service,
		"ENVIRONMENT":                Stage,
		"STAGE":                      Stage,
		"AIWORKER_MAX_RECEIVE_COUNT": strconv.Itoa(max(b.queues[worker].MaxReceive, 1)),
	}
	for id, q := range b.queues {
		own[dispatch.QueueURLEnv(id)] = urlPrefix + q.name()
		own[dispatch.DLQURLEnv(id)] = urlPrefix + q.deadName()
	}
	return func(name string) string {
		if value, ok := own[name]; ok {
			return value
		}
		if strings.HasPrefix(name, dispatch.QueueURLEnv("")) || strings.HasPrefix(name, dispatch.DLQURLEnv("")) {
			return "" // a real queue is none of this broker's business
		}
		return getenv(name)
	}
}

// Message is a message to be sent.
type Message struct {
	// Worker is whose queue it goes to.
	Worker string
	Body   string
	// Group is its group in a FIFO queue; empty: one of its own.
	Group string
	// Delay passes in full, whatever the broker's limit. A FIFO queue has none.
	Delay time.Duration
	// Receives is how often it counts as delivered before, usually zero.
	Receives int
}

// Put sends a message to a worker's queue.
func (b *Broker) Put(in Message) (id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, ok := b.queues[in.Worker]
	if !ok {
		return "", b.unknown(in.Worker)
	}
	if q.FIFO && in.Delay > 0 {
		return "", fmt.Errorf("%w: a FIFO queue takes no delay for a single message", dispatch.ErrDelay)
	}
	m := b.add(q, in.Body, in.Group, nil, in.Delay)
	m.ready = b.base().Add(in.Delay)
	m.receives = in.Receives
	return m.id, nil
}

// unknown says that a worker has no queue here.
func (b *Broker) unknown(worker string) error {
	return fmt.Errorf("%w: worker %q is not in this process, which runs: %s", dispatch.ErrUnknownWorker, worker,
		cmp.Or(strings.Join(slices.Sorted(maps.Keys(b.queues)), ", "), "none"))
}

// add makes a message; b.mu is held.
func (b *Broker) add(q Queue, body, group string, attrs map[string]types.MessageAttributeValue, delay time.Duration) *message {
	b.sequence++
	m := &message{
		queue: q, id: fmt.Sprintf("local-%d-%d", b.base().UnixMilli(), b.sequence), body: body, attrs: attrs,
		sent: b.now(), number: b.sequence,
	}
	if q.FIFO {
		m.group = cmp.Or(group, m.id)
	}
	b.wait(m, delay)
	b.messages = append(b.messages, m)
	b.signal()
	return m
}

// wait makes the message due after d; b.mu is held.
func (b *Broker) wait(m *message, d time.Duration) {
	m.due = b.now().Add(d)
	if b.limit > 0 {
		d = min(d, b.limit)
	}
	m.ready = b.base().Add(d)
}

// Next is when the next message can be received, by the clock that New was given;
// ok is false when all that is left is being worked on.
func (b *Broker) Next() (at time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.first(); m != nil {
		return m.ready, true
	}
	return time.Time{}, false
}

// first is the message that is ready first; b.mu is held.
func (b *Broker) first() *message {
	var first *message
	for _, m := range b.messages {
		if m.inFlight || b.blocked(m) {
			continue
		}
		if first == nil || m.ready.Before(first.ready) || m.ready.Equal(first.ready) && m.number < first.number {
			first = m
		}
	}
	return first
}

// blocked reports whether an earlier message of the group is still in the queue. b.mu
// is held.
func (b *Broker) blocked(m *message) bool {
	if m.group == "" {
		return false
	}
	return slices.ContainsFunc(b.messages, func(other *message) bool {
		return other.number < m.number && other.group == m.group && other.queue.Worker == m.queue.Worker
	})
}

// Delivery is a message that somebody works on.
type Delivery struct {
	// Worker is whose queue it came from.
	Worker string
	// Message is what the worker's function gets.
	Message events.SQSMessage
	// Due is when the message could be received, by the broker's clock.
	Due time.Time

	m *message
}

// Receive delivers the next message that can be received now. A message that has
// been delivered too often becomes a dead letter instead. ok is false when there is
// none.
func (b *Broker) Receive() (d Delivery, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		m := b.first()
		if m == nil || m.ready.After(b.base()) {
			return Delivery{}, false
		}
		if m.receives >= m.queue.MaxReceive {
			b.remove(m)
			b.bury(m.queue.Worker, m.body, m.attrs, m.receives)
			continue
		}
		if late := m.due.Sub(b.now()); late > 0 {
			b.skew += late
		}
		due := m.due
		m.receives++
		m.inFlight = true
		m.receipt = fmt.Sprintf("%s-%d", m.id, m.receives)
		if m.received.IsZero() {
			m.received = b.now()
		}
		b.wait(m, m.queue.Visibility)
		m.hidden = -1
		return Delivery{Worker: m.queue.Worker, Message: m.record(), Due: due, m: m}, true
	}
}

// record is the message as an event source mapping hands it over.
func (m *message) record() events.SQSMessage {
	rec := events.SQSMessage{
		MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body,
		EventSource: "aws:sqs", EventSourceARN: arnPrefix + m.queue.name(), AWSRegion: "local",
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(m.receives),
			"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.received.UnixMilli(), 10),
		},
	}
	if m.group != "" {
		rec.Attributes["MessageGroupId"] = m.group
	}
	if len(m.attrs) > 0 {
		rec.MessageAttributes = make(map[string]events.SQSMessageAttribute, len(m.attrs))
		for name, a := range m.attrs {
			out := events.SQSMessageAttribute{StringValue: a.StringValue, BinaryValue: a.BinaryValue}
			if a.DataType != nil {
				out.DataType = *a.DataType
			}
			rec.MessageAttributes[name] = out
		}
	}
	return rec
}

// Done ends a delivery: the message is deleted, or can be received again when its
// visibility timeout ends, after the returned time. That is the timeout which the
// delivery has asked for, to the second, else what is left of the queue's.
func (b *Broker) Done(d Delivery, deleted bool) (hidden time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d.m.inFlight = false
	if deleted {
		b.remove(d.m)
	} else {
		hidden = d.m.hidden
		if hidden < 0 {
			hidden = max(d.m.due.Sub(b.now()), 0)
		}
	}
	b.signal()
	return hidden
}

func (b *Broker) remove(m *message) {
	b.messages = slices.DeleteFunc(b.messages, func(other *message) bool { return other == m })
}

// bury adds a dead letter; b.mu is held.
func (b *Broker) bury(worker, body string, attrs map[string]types.MessageAttributeValue, receives int) {
	l := Letter{Worker: worker, Body: body, Receives: receives}
	for name, a := range attrs {
		if a.StringValue != nil {
			if l.Attributes == nil {
				l.Attributes = make(map[string]string, len(attrs))
			}
			l.Attributes[name] = *a.StringValue
		}
	}
	b.dead = append(b.dead, l)
}

// DeadLetters are the messages in the dead-letter queues, oldest first.
func (b *Broker) DeadLetters() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.dead)
}
