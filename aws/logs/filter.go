package logs

import (
	"strings"
	"time"
)

// Bounds of the lines that wait until it is known whose they are.
const (
	maxPending        = 20_000
	maxPendingRequest = 2_000
	pendingAge        = 2 * time.Minute
)

// filter turns the lines of all streams into those a query wants.
type filter struct {
	q   *Query
	job string
	tr  *tracker

	pending int       // lines that wait, in all requests
	newest  time.Time // the latest line seen
	swept   time.Time
}

func newFilter(q *Query) *filter {
	return &filter{q: q, job: Sanitize(q.JobID, false), tr: newTracker()}
}

// take looks at lines in order and appends to out those the query wants, in
// order of time. Without a job and an out the lines' own memory is used for them.
func (f *filter) take(out []Line, lines []Line) []Line {
	if out == nil && f.job == "" {
		return f.takeAll(lines)
	}
	from := len(out)
	for i := range lines {
		l := &lines[i]
		req := f.tr.observe(l)
		if f.job == "" {
			out = f.keep(out, l)
			continue
		}
		if l.Time.After(f.newest) {
			f.newest = l.Time
		}
		out = f.takeJob(out, l, req)
	}
	if f.job != "" {
		f.sweep()
		// Lines that waited are older than those that decided about them.
		sortLines(out[from:])
	}
	return out
}

func (f *filter) takeAll(lines []Line) []Line {
	if f.q.Unparsed {
		return lines
	}
	kept := 0
	for i := range lines {
		f.tr.observe(&lines[i])
		if f.q.keeps(&lines[i]) {
			if kept != i {
				lines[kept] = lines[i]
			}
			kept++
		}
	}
	clear(lines[kept:])
	return lines[:kept]
}

func (f *filter) keep(out []Line, l *Line) []Line {
	if f.q.keeps(l) {
		out = append(out, *l)
	}
	return out
}

// takeJob keeps the wanted job's lines: those that name it, and those of its
// requests that name no other job. A request's lines wait until a line says
// which jobs run in it: START comes before the marker.
func (f *filter) takeJob(out []Line, l *Line, req *request) []Line {
	switch {
	case l.JobID == f.job:
		// A line may name another job than its own (a parent its child) unless it
		// proves to run it.
		if req != nil && !req.wanted && (l.run || len(req.jobs) == 0) {
			req.wanted = true
			f.pending -= len(req.pending)
			for i := range req.pending {
				out = f.keep(out, &req.pending[i])
			}
			req.pending = nil
		}
		return f.keep(out, l)
	case l.JobID != "":
		return out
	case req == nil:
		if mentions(l.Raw, f.job) {
			return f.keep(out, l)
		}
		return out
	case req.wanted:
		return f.keep(out, l)
	}
	if len(req.pending) < maxPendingRequest {
		req.pending = append(req.pending, *l)
		f.pending++
	}
	return out
}

// sweep drops waiting lines whose request has ended and was not the wanted one,
// once late lines need no longer be expected, and earlier when there are many.
func (f *filter) sweep() {
	if f.pending <= maxPending && f.newest.Sub(f.swept) < pendingAge/4 {
		return
	}
	f.swept = f.newest
	for age := pendingAge; ; age /= 2 {
		f.pending = 0
		for _, r := range f.tr.requests {
			if r.pending != nil && (r.ended && f.newest.Sub(r.last) > age || age < time.Second) {
				r.pending = nil
			}
			f.pending += len(r.pending)
		}
		if f.pending <= maxPending || age < time.Second {
			return
		}
	}
}

// mentions reports whether text holds id as a whole word.
func mentions(text, id string) bool {
	if id == "" {
		return false
	}
	for from := 0; ; {
		i := strings.Index(text[from:], id)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(id)
		if (i == 0 || !idByte(text[i-1])) && (end == len(text) || !idByte(text[end])) {
			return true
		}
		from = i + 1
	}
}

func idByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_'
}

func byTime(a, b Line) int { return a.Time.Compare(b.Time) }
