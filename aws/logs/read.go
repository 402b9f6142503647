package logs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"golang.org/x/sync/errgroup"
)

// fetchLimit is how many groups are read at once; the call rate limits further.
const fetchLimit = 8

// Read returns the lines there are now, in order of time, in pages to fn.
// Several groups are merged; a group that does not exist has no lines. An error
// names the group and wraps the SDK's; an error of fn is returned as it is.
//
// With a JobID, CloudWatch itself searches for the lines that name the job
// (filter pattern), which tells the streams and requests it ran in; then only
// those streams are read around those times, because START, END, REPORT,
// timeouts, crashes and bare prints do not name it. An id that a filter pattern
// cannot quote is searched for here, in all lines.
func (r *Reader) Read(ctx context.Context, q Query, fn func([]Line) error) error {
	if q.Last <= 0 {
		return r.read(ctx, q, fn)
	}
	last := lastLines{n: q.Last}
	if err := r.read(ctx, q, func(lines []Line) error { last.add(lines); return nil }); err != nil {
		return err
	}
	if last.cut(); len(last.lines) == 0 {
		return nil
	}
	return fn(last.lines)
}

func (r *Reader) read(ctx context.Context, q Query, fn func([]Line) error) error {
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end()
	f := newFilter(&q)
	emit := func(lines []Line) error {
		if out := f.take(nil, lines); len(out) > 0 {
			return fn(out)
		}
		return nil
	}
	if q.JobID != "" && quotable(q.JobID) {
		return r.readJob(ctx, &q, f, emit)
	}
	if q.JobID == "" && q.Pattern != "" {
		return r.readPattern(ctx, &q, f, fn)
	}
	cs := cursors(&q)
	r.fetchAhead(ctx, &wg, cs)
	return r.merge(ctx, cs, r.pageRetrying, emit)
}

// fetchAhead has each cursor fetch a page while the one before is parsed and passed on. The
// calls end with ctx; wg waits for them.
func (r *Reader) fetchAhead(ctx context.Context, wg *sync.WaitGroup, cs []*cursor) {
	for _, c := range cs {
		c.ahead = func(in *cloudwatchlogs.FilterLogEventsInput) <-chan fetched {
			ch := make(chan fetched, 1)
			wg.Go(func() {
				var got fetched
				got.out, got.missing, got.err = r.call(ctx, in)
				ch <- got
			})
			return ch
		}
	}
}

// readPattern reads the lines that CloudWatch finds the pattern to match.
func (r *Reader) readPattern(ctx context.Context, q *Query, f *filter, fn func([]Line) error) error {
	cs := cursors(q)
	for _, c := range cs {
		c.pattern = q.Pattern
	}
	return r.merge(ctx, cs, r.pageRetrying, func(lines []Line) error {
		var out []Line
		for i := range lines {
			out = f.keep(out, &lines[i])
		}
		if len(out) == 0 {
			return nil
		}
		return fn(out)
	})
}

func cursors(q *Query) []*cursor {
	cs := make([]*cursor, len(q.Sources))
	for i, s := range q.Sources {
		cs[i] = newCursor(s, q.Since, q.Until)
		cs[i].original, cs[i].unparsed = q.Original, q.Unparsed
	}
	return cs
}

type fetch func(context.Context, *cursor) ([]Line, error)

// merge reads cursors to their ends and emits their lines in order of time. It
// holds one page of each.
func (r *Reader) merge(ctx context.Context, cs []*cursor, next fetch, emit func([]Line) error) error {
	for {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(fetchLimit)
		for _, c := range cs {
			if len(c.buf) > 0 || c.done {
				continue
			}
			g.Go(func() error {
				for len(c.buf) == 0 && !c.done {
					lines, err := next(gctx, c)
					if err != nil {
						return err
					}
					c.buf = lines
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		batch, more := ready(cs)
		if len(batch) > 0 {
			if err := emit(batch); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// ready takes from the buffers what no later page can come before. more is
// false when nothing is left.
func ready(cs []*cursor) (batch []Line, more bool) {
	var mark time.Time
	for _, c := range cs {
		if c.done || len(c.buf) == 0 {
			continue
		}
		if last := c.buf[len(c.buf)-1].Time; mark.IsZero() || last.Before(mark) {
			mark = last
		}
		more = true
	}
	if len(cs) == 1 {
		batch, cs[0].buf = cs[0].buf, nil
		return batch, more
	}
	for _, c := range cs {
		n := len(c.buf)
		if !mark.IsZero() {
			n, _ = slices.BinarySearchFunc(c.buf, mark, func(l Line, t time.Time) int {
				if l.Time.After(t) {
					return 1
				}
				return -1
			})
		}
		batch = append(batch, c.buf[:n]...)
		c.buf = c.buf[n:]
	}
	sortLines(batch)
	return batch, more
}
