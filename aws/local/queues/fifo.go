package queues

import (
	"strconv"
	"time"
)

// dedupWindow is how long a deduplication id is remembered.
const dedupWindow = 5 * time.Minute

// firstSequence begins the sequence numbers, which have twenty digits.
const firstSequence = 10_000_000_000_000_000_000

func (b *Broker) nextSequence() string { return strconv.FormatUint(b.sequence.Add(1), 10) }

// group is the messages of one message group. While some of them are in flight
// the others cannot be received.
type group struct {
	id       string
	visible  ring[message] // in order
	inFlight int
	queued   bool // is in groups.ready
}

// groups are the visible messages of a FIFO queue, and its memory of
// deduplication ids.
type groups struct {
	byID  map[string]*group
	ready ring[group] // groups of which messages can be received
	open  *group      // the group that the receive under way is taking from

	sent      map[string]*sentOnce
	sentOrder ring[sentOnce]
}

// sentOnce is a message that was sent with a deduplication id.
type sentOnce struct {
	key      string
	id       string
	sequence string
	until    int64
}

func newGroups() *groups {
	return &groups{byID: map[string]*group{}, sent: map[string]*sentOnce{}}
}

// add puts a message into its place within its group.
func (g *groups) add(m *message) {
	in := g.byID[m.group]
	if in == nil {
		in = &group{id: m.group}
		g.byID[m.group] = in
	}
	in.visible.insert(m, func(a, b *message) bool { return a.order < b.order })
	g.offer(in)
}

// offer makes a group receivable if it is, and forgets it if it is empty.
func (g *groups) offer(in *group) {
	switch {
	case in.queued || in == g.open || in.inFlight > 0:
	case in.visible.n > 0:
		in.queued = true
		g.ready.pushBack(in)
	default:
		delete(g.byID, in.id)
	}
}

// next takes a message: the next of the open group, or the first of the next group.
func (g *groups) next() *message {
	for {
		if g.open == nil {
			if g.open = g.ready.popFront(); g.open == nil {
				return nil
			}
			g.open.queued = false
		}
		if m := g.open.visible.popFront(); m != nil {
			return m
		}
		g.endBatch()
	}
}

// endBatch ends the receive's taking from its group.
func (g *groups) endBatch() {
	if in := g.open; in != nil {
		g.open = nil
		g.offer(in)
	}
}

// taken notes that a message of a group is in flight, returned that it no longer is.
func (g *groups) taken(m *message) { g.byID[m.group].inFlight++ }

func (g *groups) returned(m *message) {
	in := g.byID[m.group]
	in.inFlight--
	g.offer(in)
}

// remove takes a visible message out.
func (g *groups) remove(m *message) {
	in := g.byID[m.group]
	in.visible.remove(m)
	if in.visible.n == 0 && in.queued {
		in.queued = false
		g.ready.remove(in)
	}
	g.offer(in)
}

func (g *groups) each(f func(*message)) {
	for _, in := range g.byID {
		for i := range in.visible.n {
			f(in.visible.at(i))
		}
	}
}

func (g *groups) clear() {
	g.byID, g.ready, g.open = map[string]*group{}, ring[group]{}, nil
}

// duplicate is the earlier message with that deduplication key, or nil.
func (g *groups) duplicate(key string, now int64) *sentOnce {
	for g.sentOrder.n > 0 && g.sentOrder.at(0).until <= now {
		s := g.sentOrder.popFront()
		delete(g.sent, s.key)
	}
	return g.sent[key]
}

// remember notes a message that was sent with a deduplication key.
func (g *groups) remember(key string, c *content, now int64) {
	s := &sentOnce{key: key, id: c.id, sequence: c.sequence, until: now + int64(dedupWindow)}
	g.sent[key] = s
	g.sentOrder.pushBack(s)
}
