package logs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

const (
	// flushEvery is the shortest time between two batches.
	flushEvery = 100 * time.Millisecond
	// batchMost is how many lines wait for a flush before reading pauses.
	batchMost = 20_000
	// shallowWindow is how far back every poll looks, and deepEvery how often a
	// poll looks back the whole lateWindow: reading a minute again with every
	// poll would cost a busy group many pages each time.
	shallowWindow = 5 * time.Second
	deepEvery     = 10 * time.Second
	// searchAfter is how far back a job's tail may begin and still read every
	// line from there; beyond it CloudWatch searches for the job first.
	searchAfter = 2 * time.Minute
	// searchOverlap is where reading every line begins after such a search.
	searchOverlap = 5 * time.Minute
	// lagAfter is the age of a group's data from which it is called lag.
	lagAfter = 5 * time.Second
)

// Follow is Read that goes on until ctx ends or fn fails. Batches come at most
// ten times a second, each in order of time. A failing call does not end it: it is retried with
// backoff and told to onState (may be nil). It returns ctx's error or fn's. fn and onState
// are never called at the same time.
//
// First comes what there is, in order of time over all groups, then each group
// is polled. Every poll overlaps the one before, since events arrive late and
// many share a millisecond; event ids keep each line from coming twice. A line
// that arrives up to a minute late is delivered within about ten seconds, in a
// batch after lines that are younger than it. A group that does not exist yet
// is waited for. With Query.Settle lines wait that long for older ones. What has been read
// when ctx ends is still passed on.
//
// A Live query, of a Reader with WithLive, also opens live sessions, one for each ten groups: lines come within a second or
// so. Groups are then polled every fifteen seconds only, for what live tail left out.
//
// With a JobID every line of the groups is read and sorted out here: CloudWatch
// cannot search for the lines of a request whose id is not known yet. Only when
// Since lies back more than two minutes, the past is searched as in Read.
func (r *Reader) Follow(ctx context.Context, q Query, onState func(State), fn func([]Line) error) error {
	fw := &follower{r: r, q: &q, f: newFilter(&q), start: time.Now()}
	fw.report = &reporter{onState: onState, throttled: r.budget.isThrottled, errs: map[*tail]error{}, read: map[*tail]time.Time{}}
	fw.out = batcher{settle: q.Settle, fn: func(lines []Line) error {
		fw.report.mu.Lock()
		defer fw.report.mu.Unlock()
		return fn(lines)
	}}
	for _, c := range cursors(&q) {
		t := &tail{cursor: c, since: c.from, wake: make(chan struct{}, 1)}
		if q.Live && r.live != nil {
			t.ways = newWays()
			c.ways = t.ways
		}
		c.keepFrom = func() int64 { return min(c.last, fw.start.UnixMilli()) - lateWindow.Milliseconds() }
		fw.tails = append(fw.tails, t)
		fw.report.read[t] = fw.start
	}
	err := fw.catchUp(ctx)
	if err == nil {
		err = fw.poll(ctx)
	}
	if ctx.Err() != nil && fw.fnErr == nil {
		if err := fw.out.end(); err != nil {
			return err
		}
	}
	return err
}

type follower struct {
	r      *Reader
	q      *Query
	f      *filter
	tails  []*tail
	start  time.Time
	report *reporter
	out    batcher
	fnErr  error
	past   *lastLines // not nil while catching up with a query for the Last lines
}

// tail is a cursor that is read over and over.
type tail struct {
	*cursor
	since int64
	// deepMark is where the latest look back over the whole lateWindow had its
	// present; everything that arrived since then is younger than
	// deepMark-lateWindow. deepAt is when it was made.
	deepMark int64
	deepAt   time.Time
	failures int // since the last page

	// A pass that is under way: whether it is a look back over the whole window,
	// and the present as it was when it began.
	under, deep bool
	mark        int64
	begun       time.Time

	wake    chan struct{}
	live    atomic.Bool  // a live session carries it
	sampled atomic.Int64 // until when that leaves lines out, in nanoseconds
	ways    *ways        // nil without live sessions
}

// emit is called on Follow's goroutine only.
func (fw *follower) emit(ctx context.Context, lines []Line) error {
	out := fw.f.take(nil, lines)
	if len(out) == 0 {
		return nil
	}
	if fw.past != nil {
		fw.past.add(out)
		return nil
	}
	if err := fw.out.add(ctx, out); err != nil {
		if ctx.Err() == nil {
			fw.fnErr = err
		}
		return err
	}
	return nil
}

// catchUp reads what there is.
func (fw *follower) catchUp(ctx context.Context) error {
	if fw.q.Last > 0 {
		fw.past = &lastLines{n: fw.q.Last}
	}
	if fw.f.job != "" && quotable(fw.q.JobID) && fw.start.Sub(fw.q.Since) > searchAfter {
		if err := fw.search(ctx); err != nil {
			return err
		}
	}
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end()
	cs := make([]*cursor, len(fw.tails))
	byCursor := make(map[*cursor]*tail, len(fw.tails))
	for i, t := range fw.tails {
		cs[i], byCursor[t.cursor] = t.cursor, t
	}
	next := func(ctx context.Context, c *cursor) ([]Line, error) {
		t := byCursor[c]
		for {
			lines, err := c.page(ctx, fw.r)
			if err == nil {
				if c.done {
					fw.report.ok(t)
				} else if t.failures > 0 {
					fw.report.goes(t)
				}
				t.failures = 0
				return lines, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			t.failures++
			wait := fw.r.backoff.after(t.failures)
			fw.report.fail(t, t.failures, err, wait)
			if t.failures >= min(tries(err), readTries) {
				// The others must not wait for this one: polling goes on with it.
				c.done = true
				return nil, nil
			}
			if err := sleep(ctx, wait); err != nil {
				return nil, err
			}
		}
	}
	fw.r.fetchAhead(ctx, &wg, cs)
	err := fw.r.merge(ctx, cs, next, func(lines []Line) error { return fw.emit(ctx, lines) })
	for _, t := range fw.tails {
		t.buf, t.ahead, t.next = nil, nil, nil
		t.deepMark, t.deepAt = min(t.last, fw.start.UnixMilli()), fw.start
		t.keepFrom = func() int64 { return t.deepMark - lateWindow.Milliseconds() }
	}
	if past := fw.past; past != nil && err == nil {
		fw.past = nil
		past.cut()
		if len(past.lines) > 0 {
			if err = fw.out.add(ctx, past.lines); err != nil && ctx.Err() == nil {
				fw.fnErr = err
			}
		}
	}
	return err
}

// search delivers a job's past through CloudWatch's own search, and has the
// tails begin where it ended.
func (fw *follower) search(ctx context.Context) error {
	type seen struct {
		group string
		at    int64
	}
	delivered := map[string]seen{}
	emit := func(lines []Line) error {
		fresh := make([]Line, 0, len(lines))
		for i := range lines {
			if _, dup := delivered[lines[i].ID]; !dup {
				delivered[lines[i].ID] = seen{lines[i].Group, lines[i].Time.UnixMilli()}
				fresh = append(fresh, lines[i])
			}
		}
		return fw.emit(ctx, fresh)
	}
	for failures := 1; ; failures++ {
		err := fw.r.readJob(ctx, fw.q, fw.f, emit)
		if err == nil {
			break
		}
		if ctx.Err() != nil || fw.fnErr != nil {
			return err
		}
		wait := fw.r.backoff.after(failures)
		fw.report.fail(nil, failures, err, wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	fw.report.ok(nil)
	for _, t := range fw.tails {
		t.since = max(t.since, fw.start.Add(-searchOverlap).UnixMilli())
		t.restart(t.since)
		for id, s := range delivered {
			if s.group == t.src.Group && s.at >= t.since {
				t.seen[id] = s.at
			}
		}
	}
	return nil
}

// poll has each tail read again and again by a goroutine of its own, and
// delivers what they find.
func (fw *follower) poll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	pages := make(chan []Line)
	for _, t := range fw.tails {
		wg.Go(func() { fw.pollTail(ctx, t, pages) })
	}
	fw.runLive(ctx, &wg, pages)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var flush <-chan time.Time
		if wait, waiting := fw.out.due(); waiting {
			flush = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case lines := <-pages:
			if err := fw.emit(ctx, lines); err != nil {
				return err
			}
		case <-flush:
			if err := fw.out.flush(); err != nil {
				return err
			}
		case <-tick.C:
			fw.report.tick()
		}
	}
}

// pollTail reads one tail until ctx ends.
func (fw *follower) pollTail(ctx context.Context, t *tail, pages chan<- []Line) {
	interval := fw.r.fast
	for wait := fw.first(t); t.rest(ctx, wait) == nil; {
		n, err := fw.pass(ctx, t, pages)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.failures++
			wait = fw.r.backoff.after(t.failures)
			fw.report.fail(t, t.failures, err, wait)
			if sleep(ctx, wait) != nil { // a stir does not shorten it
				return
			}
			wait = 0
			continue
		case n > 0:
			interval = fw.r.fast
		default:
			interval = min(interval*3/2, fw.r.slow)
		}
		t.failures = 0
		fw.report.ok(t)
		wait = t.paced(interval)
	}
}

// first is when a tail is polled first after catching up.
func (fw *follower) first(t *tail) time.Duration {
	if t.failures > 0 {
		return fw.r.backoff.after(t.failures)
	}
	return fw.r.fast
}

// begin starts a pass at the overlap.
func (t *tail) begin() {
	now := time.Now()
	// An event may carry a time to come; the present is not later than now.
	t.mark, t.begun = min(t.last, now.UnixMilli()), now
	t.deep = now.Sub(t.deepAt) >= deepEvery || t.failures > 0
	from := t.since
	switch {
	case t.last == 0:
	case t.deep:
		from = t.deepMark - lateWindow.Milliseconds()
	default:
		from = t.mark - shallowWindow.Milliseconds()
	}
	t.restart(max(from, t.since))
	t.under = true
}

// pass reads a tail from its overlap to its end. One that failed on the way
// goes on where it was, else many short pages and some throttling would never
// get to an end.
func (fw *follower) pass(ctx context.Context, t *tail, pages chan<- []Line) (n int, err error) {
	if !t.under {
		t.begin()
	}
	for !t.done {
		lines, err := t.page(ctx, fw.r)
		if err != nil {
			if kind, _ := aws.Classify(err); kind == aws.KindInvalid {
				t.under = false // the page token may have expired
			}
			return n, err
		}
		if t.failures > 0 {
			t.failures = 0
			fw.report.goes(t)
		}
		if len(lines) == 0 {
			continue
		}
		n += len(lines)
		select {
		case pages <- lines:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	t.under = false
	if t.deep {
		t.deepMark, t.deepAt = max(t.deepMark, t.mark), t.begun
	}
	return n, nil
}
