package logs

import (
	"context"
	"slices"
	"strings"
	"time"
)

// longestRun is how long a Lambda invocation can take.
const longestRun = 15 * time.Minute

// afterEnd is how long after a request's END its REPORT, "Task timed out" and
// crash lines are still looked for.
const afterEnd = 2 * time.Second

// quotable reports whether id can be put between the quotes of a filter pattern
// and be found in JSON as it is. Quotes and backslashes need escaping, in JSON
// a second time and differently for <, > and &; those ids are looked for here
// instead.
func quotable(id string) bool {
	if strings.TrimSpace(id) != id || len(id) > 512 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c >= 0x7f || strings.IndexByte("\"\\<>&'`", c) >= 0 {
			return false
		}
	}
	return id != ""
}

// trail is what a search told about one stream: where to read on.
type trail struct {
	src         Source
	stream      string
	first, last time.Time
	open        map[string]bool // requests of the job, true until they have ended
	endedAt     time.Time
}

// readJob searches for the job's name, then reads the streams it was found in.
func (r *Reader) readJob(ctx context.Context, q *Query, f *filter, emit func([]Line) error) error {
	trails, err := r.trails(ctx, q, f)
	if err != nil {
		return err
	}
	byCursor := make(map[*cursor]*trail, len(trails))
	cs := make([]*cursor, 0, len(trails))
	for _, t := range trails {
		from, to := t.first.Add(-longestRun), t.last.Add(longestRun)
		if !q.Since.IsZero() && from.Before(q.Since) {
			from = q.Since
		}
		if !q.Until.IsZero() && to.After(q.Until) {
			to = q.Until
		}
		c := newCursor(t.src, from, to)
		c.stream, c.original = t.stream, q.Original
		byCursor[c] = t
		cs = append(cs, c)
	}
	next := func(ctx context.Context, c *cursor) ([]Line, error) {
		lines, err := r.pageRetrying(ctx, c)
		if err == nil && byCursor[c].finished(lines) {
			c.done = true
		}
		return lines, err
	}
	return r.merge(ctx, cs, next, emit)
}

// trails finds the streams and requests whose lines name the job.
func (r *Reader) trails(ctx context.Context, q *Query, f *filter) ([]*trail, error) {
	cs := cursors(q)
	for _, c := range cs {
		c.pattern = `"` + q.JobID + `"`
	}
	found := map[[2]string]*trail{}
	err := r.merge(ctx, cs, r.pageRetrying, func(lines []Line) error {
		for i := range lines {
			l := &lines[i]
			if l.JobID != f.job && (l.JobID != "" || !mentions(l.Raw, f.job)) {
				continue
			}
			key := [2]string{l.Group, l.Stream}
			t := found[key]
			if t == nil {
				t = &trail{src: Source{WorkerID: l.WorkerID, Group: l.Group}, stream: l.Stream, first: l.Time, open: map[string]bool{}}
				found[key] = t
			}
			t.last = l.Time
			if l.RequestID != "" && l.JobID == f.job {
				t.open[l.RequestID] = true
			}
		}
		return nil
	})
	out := make([]*trail, 0, len(found))
	for _, t := range found {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *trail) int { return a.first.Compare(b.first) })
	return out, err
}

// finished reports whether nothing of the job can follow in the stream.
func (t *trail) finished(lines []Line) bool {
	for i := range lines {
		l := &lines[i]
		if l.Kind == KindEnd || l.Kind == KindReport {
			if t.open[l.RequestID] {
				t.open[l.RequestID] = false
				t.endedAt = l.Time
			}
		}
	}
	if len(t.open) == 0 || len(lines) == 0 || t.endedAt.IsZero() {
		return false
	}
	for _, open := range t.open {
		if open {
			return false
		}
	}
	now := lines[len(lines)-1].Time
	return now.After(t.last) && now.After(t.endedAt.Add(afterEnd))
}
