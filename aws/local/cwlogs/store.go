package cwlogs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// eventOverhead is what an event counts besides its message.
const eventOverhead = 26

// idleStream is how long, in milliseconds, a stream that has lost all its
// events stays listed.
const idleStream = 60 * 60 * 1000

// group is a log group.
type group struct {
	name      string
	created   int64
	retention int // days; 0 means for ever
	tags      map[string]string
	streams   map[string]*stream
	events    timeline
	bytes     int64
}

// stream is a log stream. Its events are also in its group's timeline.
type stream struct {
	name     string
	created  int64
	events   timeline
	ingested int64 // when the last event came; 0 means never
}

// event is a log event. It never changes, so it may be read without the lock.
type event struct {
	position
	ingested int64
	stream   *stream
	message  string
}

func (e *event) size() int64 { return int64(len(e.message)) + eventOverhead }

// id is unique and sorts like the position, 56 digits long as AWS's ids are.
func (e *event) id() string { return fmt.Sprintf("%017d%039d", e.time, e.seq) }

// position orders events: by their time, then by their arrival.
type position struct {
	time int64 // milliseconds since 1970
	seq  uint64
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.time, q.time), cmp.Compare(p.seq, q.seq))
}

// beginning of a millisecond: before every event with that time, since events
// are numbered from 1.
func beginning(time int64) position { return position{time: time} }

// endOfTime is after every event.
func endOfTime() position { return position{time: math.MaxInt64, seq: math.MaxUint64} }

// timeline is a list of events in order of position. Events are nearly always
// added at its end and dropped at its beginning, and both are cheap.
type timeline []*event

func (t *timeline) add(e *event) {
	list := *t
	if n := len(list); n == 0 || list[n-1].compare(e.position) < 0 {
		*t = append(list, e)
		return
	}
	*t = slices.Insert(list, list.after(e.position), e)
}

// after is the index of the first event behind a position.
func (t timeline) after(p position) int {
	i, found := slices.BinarySearchFunc(t, p, func(e *event, p position) int { return e.compare(p) })
	if found {
		i++
	}
	return i
}

// before is the index of the first event that is not before a position.
func (t timeline) before(p position) int {
	i, _ := slices.BinarySearchFunc(t, p, func(e *event, p position) int { return e.compare(p) })
	return i
}

// dropFirst takes the oldest event away.
func (t *timeline) dropFirst() {
	(*t)[0] = nil // the array stays for a while; the event need not
	*t = (*t)[1:]
}

// ensureGroup finds or makes a group. The lock is held.
func (s *Service) ensureGroup(name string) *group {
	g := s.groups[name]
	if g == nil {
		g = &group{name: name, created: s.cfg.Now().UnixMilli(), streams: make(map[string]*stream)}
		s.groups[name] = g
	}
	return g
}

// ensureStream finds or makes a stream and its group. The lock is held.
func (s *Service) ensureStream(groupName, streamName string) (*group, *stream) {
	g := s.ensureGroup(groupName)
	st := g.streams[streamName]
	if st == nil {
		st = &stream{name: streamName, created: s.cfg.Now().UnixMilli()}
		g.streams[streamName] = st
	}
	return g, st
}

// add stores one event and drops the oldest ones of the group that are over its
// bounds. The lock is held.
func (s *Service) add(g *group, st *stream, time, now int64, message string) {
	s.seq++
	e := &event{position: position{time: time, seq: s.seq}, ingested: now, stream: st, message: message}
	st.ingested = now
	st.events.add(e)
	g.events.add(e)
	g.bytes += e.size()
	for session := range s.live {
		session.offer(g.name, e)
	}
	g.expire(now)
	for len(g.events) > 1 && (len(g.events) > s.cfg.MaxEvents || g.bytes > s.cfg.MaxBytes) {
		g.dropOldest(now)
	}
}

// dropOldest drops the group's first event, which is also the first of its
// stream, since both are in the same order.
func (g *group) dropOldest(now int64) {
	e := g.events[0]
	g.events.dropFirst()
	g.bytes -= e.size()
	st := e.stream
	st.events.dropFirst()
	if len(st.events) == 0 && now-st.ingested > idleStream {
		delete(g.streams, st.name)
	}
}

// expire drops what is older than the group's retention.
func (g *group) expire(now int64) {
	if g.retention == 0 {
		return
	}
	oldest := now - int64(g.retention)*24*60*60*1000
	for len(g.events) > 0 && g.events[0].time < oldest {
		g.dropOldest(now)
	}
}
