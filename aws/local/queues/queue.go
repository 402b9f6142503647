package queues

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"sync"
	"time"
)

// maxInFlight is AWS's quota of received and not yet deleted messages in a queue.
const maxInFlight = 120_000

// maxVisibility is the longest a message can be hidden after one receive.
const maxVisibility = 12 * time.Hour

// queue is one queue. Whoever holds mu may change it, must call settle when a
// message may have become visible, and must let go with unlock.
type queue struct {
	broker  *Broker
	name    string
	arn     string
	nonce   uint64 // tells this queue's receipt handles from others'
	created int64
	deleted chan struct{} // closed when the queue is deleted

	mu       sync.Mutex
	ended    bool
	settings settings
	modified int64
	purged   int64 // when PurgeQueue was last called; 0 means never
	tags     map[string]string

	// Standard queues keep visible messages in order of their becoming visible.
	// A message that is deleted while it is visible stays here, with state gone,
	// until it comes to the front.
	ready  ring[message]
	fifo   *groups // FIFO queues only
	hidden hidden  // delayed and in flight

	readyN, delayedN, inFlightN int

	// sentN, receivedN and deletedN only grow, for CloudWatch's metrics.
	sentN, receivedN, deletedN uint64

	waiters ring[waiter]
	armed   int64 // when the first waiter will look at hidden by itself

	dead   []*message // taken out, on their way to deadTo
	deadTo *queue

	slots   []*message
	free    []uint32
	serials uint64
	orders  uint64

	oldest    int64 // no message is older (by keptFor) than this
	nextSweep int64
}

func newQueue(b *Broker, name string, s settings, now int64) *queue {
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // never fails: it ends the program instead
	q := &queue{
		broker: b, name: name, arn: b.arn(name), nonce: binary.BigEndian.Uint64(nonce[:]),
		created: now, modified: now, settings: s, deleted: make(chan struct{}),
		armed: math.MaxInt64, oldest: math.MaxInt64,
	}
	if s.fifo {
		q.fifo = newGroups()
	}
	return q
}

// unlock lets go of the queue and then carries dead letters to their queue, so
// that no two queues are ever locked at once.
func (q *queue) unlock() {
	dead, to := q.dead, q.deadTo
	q.dead, q.deadTo = nil, nil
	q.mu.Unlock()
	if len(dead) == 0 || to.accept(dead, q.arn) {
		return
	}
	// The dead-letter queue was deleted a moment ago: the messages stay.
	q.mu.Lock()
	now := q.broker.now()
	for _, m := range dead {
		q.enqueue(m, now, 0)
	}
	q.settle(now)
	q.unlock()
}

// end empties a deleted queue and lets its waiters go.
func (q *queue) end() {
	q.mu.Lock()
	q.ended = true
	q.clear()
	q.unlock()
	close(q.deleted)
}

// enqueue puts a message in that is in no queue. One that comes back after its
// dead-letter queue was gone has never left.
func (q *queue) enqueue(m *message, now int64, delay time.Duration) {
	if m.arrived == 0 {
		m.arrived = now
	}
	q.orders++
	m.order = q.orders
	q.oldest = min(q.oldest, m.keptFor)
	if delay > 0 {
		m.state, m.due = delayed, now+int64(delay)
		q.delayedN++
		q.hidden.push(m)
		return
	}
	q.show(m)
}

// show makes a message visible.
func (q *queue) show(m *message) {
	m.state = ready
	q.readyN++
	if q.fifo != nil {
		q.fifo.add(m)
		return
	}
	q.ready.pushBack(m)
}

// hide puts a received message away for its visibility timeout.
func (q *queue) hide(m *message, now int64, timeout time.Duration) {
	m.state, m.due, m.hiddenSince = inFlight, now+int64(timeout), now
	q.inFlightN++
	q.hidden.push(m)
	if q.fifo != nil {
		q.fifo.taken(m)
	}
}

// unhide takes a message out of hidden.
func (q *queue) unhide(m *message) {
	q.hidden.remove(m)
	if m.state == delayed {
		q.delayedN--
		return
	}
	q.inFlightN--
	if q.fifo != nil {
		q.fifo.returned(m)
	}
}

// drop takes a message out of the queue for good.
func (q *queue) drop(m *message) {
	switch m.state {
	case ready:
		q.readyN--
		if q.fifo != nil {
			q.fifo.remove(m)
		}
	case delayed, inFlight:
		q.unhide(m)
	case gone:
		return
	}
	m.state = gone
	q.release(m)
}

// advance lets time do its work: delays and visibility timeouts end, messages
// older than the retention period vanish.
func (q *queue) advance(now int64) {
	if q.oldest < now-int64(q.settings.retention) && now >= q.nextSweep {
		q.sweep(now)
	}
	for len(q.hidden) > 0 && q.hidden[0].due <= now {
		m := q.hidden[0]
		q.unhide(m)
		q.show(m)
	}
}

func (q *queue) expired(m *message, now int64) bool {
	return m.keptFor < now-int64(q.settings.retention)
}

// sweep drops what has expired. It looks at every message, hence at most once a
// second; receives look at each message themselves.
func (q *queue) sweep(now int64) {
	q.nextSweep = now + int64(time.Second)
	q.oldest = math.MaxInt64
	var old []*message
	q.each(func(m *message) {
		if q.expired(m, now) {
			old = append(old, m)
			return
		}
		q.oldest = min(q.oldest, m.keptFor)
	})
	for _, m := range old {
		q.drop(m)
	}
	if q.fifo != nil {
		return
	}
	var kept ring[message] // without what was dropped while visible
	for m := q.ready.popFront(); m != nil; m = q.ready.popFront() {
		if m.state == ready {
			kept.pushBack(m)
		}
	}
	q.ready = kept
}

// each calls f for every message; f must not change the queue.
func (q *queue) each(f func(*message)) {
	for _, m := range q.hidden {
		f(m)
	}
	for i := range q.ready.n {
		if m := q.ready.at(i); m.state == ready {
			f(m)
		}
	}
	if q.fifo != nil {
		q.fifo.each(f)
	}
}

// next takes the next visible message out of its place; nil when there is none.
// Expired messages are dropped on the way, and with redrive messages that have
// been received often enough are set aside for the dead-letter queue. For a FIFO
// queue end the taking with endBatch.
func (q *queue) next(now int64, redrive bool) *message {
	for {
		var m *message
		if q.fifo != nil {
			m = q.fifo.next()
		} else {
			m = q.ready.popFront()
		}
		switch {
		case m == nil:
			return nil
		case m.state != ready:
			continue
		}
		q.readyN--
		if q.expired(m, now) {
			m.state = gone
			q.release(m)
			continue
		}
		if p := q.settings.redrive; redrive && p != nil && m.receives >= p.maxReceiveCount {
			if to := q.broker.byARN(p.target); to != nil && to != q {
				m.state = gone
				q.release(m)
				q.dead, q.deadTo = append(q.dead, m), to
				continue
			}
			// Without its dead-letter queue a message goes on being delivered.
		}
		return m
	}
}

// delivery is a received message as it is answered: the content, and what was
// true of it at that moment.
type delivery struct {
	m             *message
	generation    uint32
	content       *content
	handle        handle
	receives      int
	firstReceived int64
	first         bool // this is the first receive
}

// take receives up to n messages, hiding them for the given time.
func (q *queue) take(out []delivery, n int, now int64, visibility time.Duration) []delivery {
	n = min(n, maxInFlight-q.inFlightN)
	for len(out) < n {
		m := q.next(now, true)
		if m == nil {
			break
		}
		q.assign(m)
		m.receives++
		m.generation++
		d := delivery{m: m, content: m.content, generation: m.generation, receives: m.carried + m.receives}
		if m.firstReceived == 0 {
			m.firstReceived, d.first = now, true
		}
		d.firstReceived = m.firstReceived
		q.hide(m, now, visibility)
		d.handle = q.handleOf(m)
		out = append(out, d)
		q.receivedN++
	}
	if q.fifo != nil {
		q.fifo.endBatch()
	}
	return out
}

// giveBack undoes a receive that nobody will see.
func (q *queue) giveBack(list []delivery) {
	for i := len(list) - 1; i >= 0; i-- {
		d := list[i]
		m := d.m
		if m.state != inFlight || m.generation != d.generation {
			continue // its visibility timeout has ended already
		}
		m.receives--
		q.receivedN--
		if d.first {
			m.firstReceived = 0
		}
		q.unhide(m)
		if q.fifo != nil {
			q.show(m)
			continue
		}
		m.state = ready
		q.readyN++
		q.ready.pushFront(m)
	}
}

// clear drops everything, as PurgeQueue does.
func (q *queue) clear() {
	for _, m := range q.slots {
		if m != nil {
			m.state, m.serial = gone, 0
		}
	}
	q.ready, q.hidden = ring[message]{}, nil
	if q.fifo != nil {
		q.fifo.clear()
	}
	q.readyN, q.delayedN, q.inFlightN = 0, 0, 0
	q.slots, q.free = nil, nil
	q.oldest = math.MaxInt64
}

// depth counts the messages.
func (q *queue) depth() Depth {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	q.nextSweep = 0
	q.settle(now)
	return Depth{Visible: q.readyN, InFlight: q.inFlightN, Delayed: q.delayedN}
}

// measure is depth with the age of what came first.
func (q *queue) measure() Measure {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	q.nextSweep = 0
	q.settle(now)
	first := now
	q.each(func(m *message) { first = min(first, m.arrived) })
	return Measure{
		Depth:  Depth{Visible: q.readyN, InFlight: q.inFlightN, Delayed: q.delayedN},
		Oldest: time.Duration(now - first),
		Sent:   q.sentN, Received: q.receivedN, Deleted: q.deletedN,
	}
}

// accept takes messages that come from another queue as dead letters. False means
// that this queue is gone.
func (q *queue) accept(list []*message, source string) bool {
	now := q.broker.now()
	q.mu.Lock()
	defer q.unlock()
	if q.ended {
		return false
	}
	for _, old := range list {
		c := *old.content
		c.source = source
		m := &message{content: &c, keptFor: old.keptFor, carried: old.carried + old.receives, firstReceived: old.firstReceived}
		if q.fifo != nil {
			// The retention period of a FIFO queue begins anew, that of a standard
			// queue goes on: SQS API reference, SetQueueAttributes.
			m.keptFor = now
			c.sequence = q.broker.nextSequence()
		}
		q.enqueue(m, now, 0)
	}
	q.settle(now)
	return true
}
