package logs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Bounds of what is remembered about streams and requests. An execution
// environment serves one request at a time, so even a thousand of them stay
// far below.
const (
	maxStreams  = 4096
	maxRequests = 8192
	maxSpans    = 64
)

// tracker knows which request, and which job of it, each stream is busy with,
// and tells lines that do not say so themselves. One log stream is one
// execution environment, which runs one invocation at a time.
type tracker struct {
	streams  map[string]*streamState
	requests map[string]*request
}

type streamState struct {
	current *request // between its START and its END
	last    time.Time
	spans   []span // oldest first
	dump    spreadDump
}

// span is when a request ran; for lines that arrive late.
type span struct {
	req      *request
	from, to time.Time // to is zero while it runs
}

type request struct {
	id    string
	jobs  map[string]bool // those proven to run in it; true while under way
	ended bool
	last  time.Time

	// For the job filter: whether the wanted job runs in it, and lines that
	// wait for the answer.
	wanted  bool
	pending []Line
}

func newTracker() *tracker {
	return &tracker{streams: map[string]*streamState{}, requests: map[string]*request{}}
}

func (t *tracker) request(id string) *request {
	r := t.requests[id]
	if r == nil {
		r = &request{id: id, jobs: map[string]bool{}}
		t.requests[id] = r
	}
	return r
}

// observe fills RequestID and JobID of a line from what is known, learns from
// the line, and returns its request, nil when there is none. Lines come in
// order of time per stream, except for late ones.
func (t *tracker) observe(l *Line) *request {
	key := l.Group + "\x00" + l.Stream
	st := t.streams[key]
	if st == nil {
		if len(t.streams) >= maxStreams {
			t.forgetStreams()
		}
		st = &streamState{}
		t.streams[key] = st
	}
	if len(t.requests) >= maxRequests {
		t.forgetRequests()
	}
	late := l.Time.Before(st.last)
	if !late {
		st.dump.take(l)
	}
	req := t.find(st, l, late)
	if !late {
		st.last = l.Time
	}
	if req == nil {
		return nil
	}
	if l.Time.After(req.last) {
		req.last = l.Time
	}
	l.RequestID = req.id
	if l.JobID != "" {
		req.learn(l)
		return req
	}
	l.JobID = req.jobOf(l.Kind)
	return req
}

// find names the request of a line and follows START and END.
func (t *tracker) find(st *streamState, l *Line, late bool) *request {
	if l.Kind == KindInit {
		return nil
	}
	if l.RequestID == "" {
		if late {
			return st.at(l.Time)
		}
		return st.current
	}
	req := t.request(l.RequestID)
	switch l.Kind {
	case KindStart:
		st.open(req, l.Time, late)
	case KindEnd, KindReport:
		req.ended = true
		st.end(req, l.Time)
	case KindInit, KindTimeout, KindCrash:
	case KindApp, KindMarker:
		// The reading began in the middle of an invocation.
		if !late && st.current == nil && !req.ended {
			st.open(req, l.Time, false)
		}
	}
	return req
}

func (st *streamState) open(req *request, at time.Time, late bool) {
	if st.current == req {
		return
	}
	if !late {
		if st.current != nil { // its END was never seen
			st.end(st.current, at)
		}
		st.current = req
	}
	st.spans = append(st.spans, span{req: req, from: at})
	if late {
		slices.SortStableFunc(st.spans, func(a, b span) int { return a.from.Compare(b.from) })
	}
	if len(st.spans) > maxSpans {
		st.spans = slices.Delete(st.spans, 0, len(st.spans)-maxSpans)
	}
}

func (st *streamState) end(req *request, at time.Time) {
	if st.current == req {
		st.current = nil
	}
	for i := range st.spans {
		if st.spans[i].req == req && st.spans[i].to.IsZero() {
			st.spans[i].to = at
		}
	}
}

// at is the request that ran at a time gone by.
func (st *streamState) at(when time.Time) *request {
	for _, s := range slices.Backward(st.spans) {
		if s.from.After(when) {
			continue
		}
		if s.to.IsZero() || !s.to.Before(when) {
			return s.req
		}
		return nil
	}
	return nil
}

// learn takes in a line that names its job.
func (r *request) learn(l *Line) {
	if !l.run {
		return
	}
	active, known := r.jobs[l.JobID]
	switch {
	case over(l):
		active = false
	case !known:
		active = true
	}
	r.jobs[l.JobID] = active
}

// over reports whether the line ends its job's part of the request.
func over(l *Line) bool {
	switch l.legacy {
	case legacyCompleted, legacyFailed, legacySkippedCompleted, legacySkippedFailed:
		return true
	case legacyNone, legacyStoredFailed, legacyInvokeError:
	}
	if l.Event == nil {
		return false
	}
	switch l.Event.Event {
	case dispatch.EventCompleted, dispatch.EventFailed, dispatch.EventRetrying, dispatch.EventDeferred, dispatch.EventSkipped:
		return true
	}
	return false
}

// jobOf is the job of a line that names none: the only one under way, or, for
// a platform line, the only one there is.
func (r *request) jobOf(k Kind) string {
	if k.Platform() {
		if len(r.jobs) == 1 {
			for id := range r.jobs {
				return id
			}
		}
		return ""
	}
	only := ""
	for id, active := range r.jobs {
		if !active {
			continue
		}
		if only != "" {
			return ""
		}
		only = id
	}
	return only
}

// forgetStreams drops the half that was silent longest.
func (t *tracker) forgetStreams() {
	keys := slices.SortedFunc(maps.Keys(t.streams), func(a, b string) int {
		return t.streams[a].last.Compare(t.streams[b].last)
	})
	for _, k := range keys[:len(keys)/2] {
		delete(t.streams, k)
	}
}

// forgetRequests drops the older half, those that have ended first.
func (t *tracker) forgetRequests() {
	ids := slices.SortedFunc(maps.Keys(t.requests), func(a, b string) int {
		ra, rb := t.requests[a], t.requests[b]
		if ra.ended != rb.ended {
			if ra.ended {
				return -1
			}
			return 1
		}
		return cmp.Or(ra.last.Compare(rb.last), strings.Compare(a, b))
	})
	for _, id := range ids[:len(ids)/2] {
		delete(t.requests, id)
	}
}
