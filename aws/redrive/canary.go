package redrive

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// DefaultCanaryTimeout is how long a canary has to end.
const DefaultCanaryTimeout = 5 * time.Minute

// canary is a message that was sent first, and what is known of it since.
type canary struct {
	result Result
	queue  string // URL of the queue it was sent to
	// done: it has completed, or its queue has let it go. bad is why it has not.
	done bool
	bad  string
}

// CanaryError is why nothing was sent after the canaries.
type CanaryError struct {
	// Sent is how many canaries there were, Bad those that came back, failed or said
	// nothing, with the reason as their Error.
	Sent int
	Bad  []Result
}

func (e *CanaryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s did not complete, and nothing more was sent", len(e.Bad), plural(e.Sent, "canary", "canaries"))
	for i, r := range e.Bad {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(e.Bad)-i)
			break
		}
		name := r.JobID
		if r.NewJobID != "" {
			name = r.NewJobID
		}
		if name == "" {
			name = r.ID
		}
		fmt.Fprintf(&b, "; %s %s", name, r.Error)
	}
	return b.String()
}

// tryCanaries waits until it is known of every canary whether it completed. What
// can know it: the worker's log, the job record, the dead-letter queue, where a
// copy that died has the id it was sent under, and, when none of them speaks, the
// queue itself: a message that has left it and not died was deleted by its
// consumer.
func (m *mover) tryCanaries(ctx context.Context) error {
	if len(m.canaries) == 0 {
		return nil // all were skipped or refused; the others may not be
	}
	ctx, cancel := context.WithTimeout(ctx, m.r.CanaryTimeout)
	defer cancel()
	w := &canaryWatch{m: m, every: m.e.interval(), since: m.began}
	if !m.e.target().Loopback() {
		w.since = w.since.Add(-2 * time.Second) // clocks differ
	}
	var following sync.WaitGroup
	fctx, stop := context.WithCancel(ctx)
	following.Go(func() { w.follow(fctx) })
	defer following.Wait()
	defer stop()
	defer m.r.OnState("")
	// Not read now: a canary that died at once is there already.
	w.base = m.st.depth.Total() - len(m.canaries)
	for {
		w.look(ctx)
		left, bad := w.count()
		m.r.OnState(fmt.Sprintf("canary: %d of %d done", len(m.canaries)-left, len(m.canaries)))
		if left == 0 || bad > 0 {
			break
		}
		if sleep(ctx, w.every) != nil {
			break
		}
	}
	return w.verdict(ctx)
}

// canaryWatch collects what is known of the canaries.
type canaryWatch struct {
	m     *mover
	every time.Duration
	since time.Time
	base  int // what the dead-letter queue held after the last look at it
	// others is whether it has held more since the canaries were sent.
	others bool
	// drained counts the looks in a row that found their queue empty.
	drained int

	mu sync.Mutex // guards the canaries' ends
}

// interval is how often a queue is looked at while something is waited for: an
// endpoint on this machine is exact at once, SQS settles within a minute.
func (e *Engine) interval() time.Duration {
	if e.target().Loopback() {
		return 250 * time.Millisecond
	}
	return 3 * time.Second
}

// drainedFor is how long a queue must have been empty to be believed.
const drainedFor = time.Minute

func (w *canaryWatch) end(i int, bad string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := &w.m.canaries[i]; !c.done && c.bad == "" {
		c.done, c.bad = bad == "", bad
	}
}

func (w *canaryWatch) open(i int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &w.m.canaries[i]
	return !c.done && c.bad == ""
}

func (w *canaryWatch) count() (left, bad int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.m.canaries {
		switch c := &w.m.canaries[i]; {
		case c.bad != "":
			bad++
		case !c.done:
			left++
		}
	}
	return left, bad
}

// jobID is the id under which a canary runs.
func (c *canary) jobID() string {
	if c.result.NewJobID != "" {
		return c.result.NewJobID
	}
	return c.result.JobID
}

// follow reads the worker's log for the canaries' ends.
func (w *canaryWatch) follow(ctx context.Context) {
	sources := logs.Sources(w.m.r.Worker)
	if w.m.e.logs == nil || len(sources) == 0 {
		return
	}
	receives := 0
	if q := w.m.r.Worker.Queue; q != nil {
		receives = q.MaxReceiveCount
	}
	jobs := make([]*logs.Job, len(w.m.canaries))
	for i := range w.m.canaries {
		if id := w.m.canaries[i].jobID(); id != "" {
			jobs[i] = logs.NewJob(id, receives)
		}
	}
	// Its only errors are ctx's: what cannot be read is waited for, like what says
	// nothing.
	_ = w.m.e.logs.Follow(ctx, logs.Query{Sources: sources, Since: w.since}, nil, func(lines []logs.Line) error {
		for i, job := range jobs {
			for n := range lines {
				if job == nil {
					break
				}
				if end, ended := job.Observe(&lines[n]); ended {
					w.end(i, badEnd(end))
					break
				}
			}
		}
		return nil
	})
}

// badEnd is what is wrong with a job's end; empty when it completed.
func badEnd(end logs.Outcome) string {
	if end.Status == logs.StatusCompleted {
		return ""
	}
	text := end.Status + " again"
	if end.Error != nil {
		text += ": " + end.Error.Message
	}
	return text
}

// look asks records and queues.
func (w *canaryWatch) look(ctx context.Context) {
	w.records(ctx)
	dead := w.depth(ctx, w.m.dlq.URL).Total()
	if dead > w.base {
		// Every look is a receive: others that die are looked at once.
		w.others = true
		if w.findDead(ctx) {
			w.base = dead
		}
	}
	empty := true
	for _, url := range w.queues() {
		d := w.depth(ctx, url)
		empty = empty && !d.At.IsZero() && d.Total() == 0
	}
	if !empty {
		w.drained = 0
		return
	}
	w.drained++
	enough := 3
	if !w.m.e.target().Loopback() {
		enough = int(drainedFor / w.every)
	}
	if w.drained < enough || w.others && !w.findDead(ctx) {
		return
	}
	for i := range w.m.canaries {
		w.end(i, "")
	}
}

// findDead looks for canaries in the dead-letter queue, and reports whether it could.
func (w *canaryWatch) findDead(ctx context.Context) bool {
	back, err := w.m.cameBack(ctx)
	if err != nil {
		return false
	}
	for i := range w.m.canaries {
		if back[keyOf(w.m.canaries[i].result.NewID)] {
			w.end(i, "came back to the dead-letter queue")
		}
	}
	return true
}

// queues are those that canaries are waited for in.
func (w *canaryWatch) queues() []string {
	var urls []string
	for i := range w.m.canaries {
		if url := w.m.canaries[i].queue; w.open(i) && (len(urls) == 0 || urls[len(urls)-1] != url) {
			urls = append(urls, url)
		}
	}
	return urls
}

func (w *canaryWatch) records(ctx context.Context) {
	for i := range w.m.canaries {
		if !w.open(i) {
			continue
		}
		r, found := w.m.e.record(ctx, w.m.canaries[i].jobID())
		if !found || r.At.Before(w.since) {
			continue
		}
		switch r.Status {
		case logs.StatusCompleted:
			w.end(i, "")
		case logs.StatusFailed:
			w.end(i, badEnd(logs.Outcome{Status: r.Status, Error: r.Error}))
		}
	}
}

// depth is a queue's depth; its At is zero when it could not be read.
func (w *canaryWatch) depth(ctx context.Context, url string) (d aws.Depth) {
	if attributes, err := w.m.e.attributes(ctx, url); err == nil {
		d = depthOf(attributes)
	}
	return d
}

// verdict is nil when every canary is done.
func (w *canaryWatch) verdict(ctx context.Context) error {
	e := &CanaryError{Sent: len(w.m.canaries)}
	_, bad := w.count()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.m.canaries {
		c := &w.m.canaries[i]
		r := c.result
		switch {
		case c.done, bad > 0 && c.bad == "": // the latter was not waited for
			continue
		case c.bad != "":
			r.Status, r.Error = StatusCameBack, c.bad
		default:
			r.Error = fmt.Sprintf("has not ended within %s, as far as log, record and queue say", w.m.r.CanaryTimeout)
		}
		e.Bad = append(e.Bad, r)
	}
	if len(e.Bad) == 0 {
		return nil
	}
	if cause := context.Cause(ctx); cause == context.Canceled { //nolint:errorlint // not the timeout's, which wraps nothing either
		return cause
	}
	return e
}
