package logs

import (
	"context"
	goruntime "runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	// lateWindow is how late an event may arrive and still be shown.
	lateWindow = 60 * time.Second
	// seenMost bounds the event ids remembered per cursor.
	seenMost = 200_000
	// renewMost is how often Read begins again after an expired page token.
	renewMost = 5
)

// cursor walks the events of one log group, or of one stream in it, page by page.
type cursor struct {
	src      Source
	stream   string // empty: all streams
	pattern  string
	from, to int64 // milliseconds; zero: no bound

	token   *string
	done    bool // no more pages
	missing bool // there is no such group

	// seen holds the events passed on, by id, with their time. Those older than
	// keepFrom may be dropped; floor is the time below which some were.
	seen     map[string]int64
	keepFrom func() int64 // nil: lateWindow before the last event
	floor    int64
	last     int64 // the latest event's time, zero before the first

	buf []Line // fetched, not yet merged

	original bool  // lines keep the event's own bytes
	unparsed bool  // and have nothing else
	ways     *ways // nil: lines come by this way only
	renewed  int   // how often a page token was given up

	// ahead, when not nil, begins to fetch a page while the one before is parsed; next is
	// where it will be, nil when none is on its way.
	ahead func(*cloudwatchlogs.FilterLogEventsInput) <-chan fetched
	next  <-chan fetched
}

// fetched is the answer of a call.
type fetched struct {
	out     *cloudwatchlogs.FilterLogEventsOutput
	missing bool
	err     error
}

func newCursor(src Source, since, until time.Time) *cursor {
	return &cursor{src: src, from: millisOf(since), to: millisOf(until), seen: map[string]int64{}}
}

func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// input asks for the page at the token.
func (c *cursor) input() *cloudwatchlogs.FilterLogEventsInput {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &c.src.Group, NextToken: c.token}
	if c.stream != "" {
		in.LogStreamNames = []string{c.stream}
	}
	if c.pattern != "" {
		in.FilterPattern = &c.pattern
	}
	if c.from > 0 {
		in.StartTime = new(c.from)
	}
	if c.to > 0 {
		in.EndTime = new(c.to)
	}
	return in
}

// page fetches the next page and returns its new lines, in order of time. done
// is set when it was the last one. Empty pages with more behind them are normal.
func (c *cursor) page(ctx context.Context, r *Reader) ([]Line, error) {
	var got fetched
	if c.next != nil {
		select {
		case got = <-c.next:
			c.next = nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	} else {
		got.out, got.missing, got.err = r.call(ctx, c.input())
	}
	if got.err != nil {
		return nil, got.err
	}
	c.missing = got.missing
	if got.missing {
		c.done, c.token = true, nil
		return nil, nil
	}
	c.token = got.out.NextToken
	c.done = awssdk.ToString(c.token) == ""
	if c.ahead != nil && !c.done {
		c.next = c.ahead(c.input())
	}
	return c.accept(got.out.Events), nil
}

// renew begins again where it was, without the page token, which may have expired.
// It is false when that was tried too often, or there is no token to blame.
func (c *cursor) renew() bool {
	if c.token == nil || c.renewed >= renewMost {
		return false
	}
	c.renewed++
	c.restart(max(c.from, c.last-lateWindow.Milliseconds()))
	return true
}

// restart begins again at from (milliseconds).
func (c *cursor) restart(from int64) {
	c.from, c.token, c.done, c.next = max(from, c.floor), nil, false, nil
}

// accept parses the events that were not seen before.
func (c *cursor) accept(events []types.FilteredLogEvent) []Line {
	fresh := events[:0]
	ids := make([]string, 0, len(events))
	for i := range events {
		e := &events[i]
		at := awssdk.ToInt64(e.Timestamp)
		if c.from > 0 && at < c.from || c.to > 0 && at > c.to {
			continue
		}
		id := awssdk.ToString(e.EventId)
		if id == "" { // AWS always sends one
			id = awssdk.ToString(e.LogStreamName) + "|" + strconv.FormatInt(at, 10) + "|" + awssdk.ToString(e.Message)
		}
		if _, dup := c.seen[id]; dup {
			continue
		}
		c.seen[id] = at
		c.last = max(c.last, at)
		if c.ways != nil {
			if _, first := c.ways.count(awssdk.ToString(e.LogStreamName), at, awssdk.ToString(e.Message), byPoll); !first {
				continue
			}
		}
		fresh, ids = append(fresh, *e), append(ids, id)
	}
	lines := c.parse(fresh, ids)
	sortLines(lines)
	if len(c.seen) > seenMost/4 {
		c.forget()
	}
	return lines
}

// parseAtOnce is how many events are worth a goroutine of their own.
const parseAtOnce = 500

// parse parses events, a large page on all processors.
func (c *cursor) parse(events []types.FilteredLogEvent, ids []string) []Line {
	lines := make([]Line, len(events))
	part := func(from, to int) {
		for i := from; i < to; i++ {
			e := &events[i]
			if c.unparsed {
				lines[i] = Line{
					ID: ids[i], Time: time.UnixMilli(awssdk.ToInt64(e.Timestamp)), Group: c.src.Group, Stream: awssdk.ToString(e.LogStreamName),
					WorkerID: c.src.WorkerID, Original: awssdk.ToString(e.Message),
				}
				continue
			}
			lines[i] = Parse(c.src.Group, awssdk.ToString(e.LogStreamName), c.src.WorkerID, ids[i], time.UnixMilli(awssdk.ToInt64(e.Timestamp)), awssdk.ToString(e.Message))
			if c.original {
				lines[i].Original = awssdk.ToString(e.Message)
			}
		}
	}
	parts := min(goruntime.GOMAXPROCS(0), len(events)/parseAtOnce+1)
	if parts == 1 || c.unparsed {
		part(0, len(events))
		return lines
	}
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { part(i*len(events)/parts, (i+1)*len(events)/parts) })
	}
	wg.Wait()
	return lines
}

// sortLines puts lines in order of time; mostly they are, and lines are too large to be
// compared by value for nothing.
func sortLines(lines []Line) {
	for i := 1; i < len(lines); i++ {
		if lines[i].Time.Before(lines[i-1].Time) {
			slices.SortStableFunc(lines, byTime)
			return
		}
	}
}

// forget drops ids that cannot come again, and when that is not enough, the
// oldest: nothing older than them is asked for any more.
func (c *cursor) forget() {
	cut := c.last - lateWindow.Milliseconds()
	if c.keepFrom != nil {
		cut = c.keepFrom()
	}
	for id, at := range c.seen {
		if at < cut {
			delete(c.seen, id)
		}
	}
	if len(c.seen) <= seenMost {
		return
	}
	times := make([]int64, 0, len(c.seen))
	for _, at := range c.seen {
		times = append(times, at)
	}
	slices.Sort(times)
	c.floor = max(c.floor, times[len(times)/2])
	for id, at := range c.seen {
		if at < c.floor {
			delete(c.seen, id)
		}
	}
}
