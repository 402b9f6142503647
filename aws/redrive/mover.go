package redrive

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// mover chooses, moves and keeps the books of one replay.
type mover struct {
	e *Engine
	// verb is "replay" or "delete", success the status of what was done.
	verb, success string
	// step does it to a few messages.
	step func(context.Context, []*letter.Letter)

	r      *Replay
	dlq    *aws.Queue
	st     queueState
	bound  int // how many may be sent with all
	began  time.Time
	lease  *lease
	writer aws.Writer
	sender *sender
	// deletes are the deletions under way: the next batch is received meanwhile.
	deletes errgroup.Group
	limit   *rate.Limiter
	checker *check.Checker
	foreign *check.Checker // of what goes back to another worker's queue
	journal *journal.Journal
	edits   map[string]*letter.Letter // by the id of the original
	// before is what a former run did; nil when there was none. hidden is until
	// when messages of it may be hidden.
	before *journal.State
	hidden time.Time
	// pending are messages that the former run sent and that may still be there.
	pending map[string]bool

	mu        sync.Mutex
	sweep     *sweep // the one that runs now
	want      map[string]bool
	quota     int // how many may be sent in this phase; zero: all
	started   int // of the quota
	chosen    int
	back      int            // messages that came back during the replay
	beyond    int            // messages beyond bound
	sent      map[key]string // the copies' message ids, and those of the originals
	canaries  []canary
	undeleted map[string]Result // sent, not deleted so far
	spare     []string          // received, to be released before the next phase
	uncertain int               // results that leave a message in both queues, perhaps
	fatal     error
	report    Report
}

func newMover(e *Engine, r *Replay, dlq *aws.Queue, st queueState) *mover {
	m := &mover{
		e: e, verb: "replay", success: StatusReplayed, r: r, dlq: dlq, st: st, bound: st.depth.Total(), began: time.Now(),
		sender: &sender{repeat: !r.KeepUnanswered},
		want:   map[string]bool{}, sent: map[key]string{}, undeleted: map[string]Result{}, pending: map[string]bool{},
	}
	m.step = m.move
	m.deletes.SetLimit(r.Concurrency)
	m.report.Warnings = st.warnings
	if r.Rate > 0 {
		m.limit = rate.NewLimiter(rate.Limit(r.Rate), m.batch())
	}
	for _, id := range r.IDs {
		m.want[id] = true
	}
	switch {
	case r.Selection != nil:
		m.lease = r.Selection.look.lease
		m.edits = r.Selection.edited
	default:
		m.lease = newLease(e.queue, dlq.URL, moveLease)
	}
	return m
}

// batch is how many messages are sent at once: with a low rate fewer than SQS
// allows, so that they go evenly.
func (m *mover) batch() int {
	if m.r.Rate <= 0 {
		return batchMost
	}
	return min(max(int(m.r.Rate/5), 1), batchMost)
}

// count is how many messages it is about, as far as is known.
func (m *mover) count() int {
	switch {
	case m.r.Selection != nil:
		return m.r.Selection.Count
	case m.r.All:
		return m.bound
	}
	return len(m.want)
}

// auditIDs is how many ids an audit line names; the journal has them all.
const auditIDs = 200

func (m *mover) action() aws.Action {
	a := aws.Action{Name: "dlq." + m.verb, Object: m.dlq.Name, Count: m.count(), Tally: func() (done, failed int) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.report.Replayed, m.report.Failed
	}}
	a.Queues = []string{m.dlq.Name}
	switch {
	case m.r.To != "":
		a.Queues = append(a.Queues, m.r.To)
	case m.r.Worker.Queue != nil:
		a.Queues = append(a.Queues, m.r.Worker.Queue.Name)
	}
	ids := slices.Sorted(maps.Keys(m.want))
	if m.r.Selection != nil {
		ids = m.r.Selection.ids()
		slices.Sort(ids)
	}
	a.IDs = ids[:min(len(ids), auditIDs)]
	if m.journal != nil {
		a.Journal = m.journal.Path()
	}
	return a
}

// ordered is whether messages have to be moved one batch after the other.
func (m *mover) ordered() bool {
	return m.st.fifo || isFIFO(m.r.To) || m.r.To == "" && m.r.Worker.Queue != nil && isFIFO(m.r.Worker.Queue.URL)
}

func (m *mover) workers(n int) int {
	most := m.r.Concurrency
	if m.r.Rate > 0 { // what waits for its turn is hidden meanwhile
		most = min(most, max(2, int(m.r.Rate/50)))
	}
	return workersFor(n, most, m.ordered())
}

// prepareDestination reads what the queues that are sent to take, and builds what
// checks messages.
func (m *mover) prepareDestination(ctx context.Context) error {
	to := m.r.To
	if to == "" && m.r.Worker.Queue != nil {
		to = m.r.Worker.Queue.URL
	}
	maxBytes := 0
	if to != "" {
		q := aws.Queue{Name: queueName(to), URL: to}
		st, err := m.e.state(ctx, &q)
		if err != nil {
			return fmt.Errorf("replay %q: the queue to send to: %w", m.dlq.Name, err)
		}
		maxBytes = st.maxBytes
	}
	m.checker = check.New(m.r.Worker, check.Options{
		DestinationMaxBytes: maxBytes,
		ToOther:             m.r.Worker.Queue == nil || to != m.r.Worker.Queue.URL,
	})
	m.foreign = check.New(m.r.Worker, check.Options{ToOther: true})
	told := m.r.Selection != nil && m.r.Selection.checker != nil // by Selection.WorkerProblems
	for _, p := range m.checker.Worker() {
		if p.Blocks && !m.r.Force {
			return fmt.Errorf("replay %q: %w", m.dlq.Name, &BlockedError{Problem: p})
		}
		if !told {
			m.warn(p.Text)
		}
	}
	return nil
}

// BlockedError is why nothing at all is sent: what is wrong with the worker.
type BlockedError struct{ Problem check.Problem }

func (e *BlockedError) Error() string {
	text := e.Problem.Text
	if e.Problem.Hint != "" {
		text += ": " + e.Problem.Hint
	}
	return text
}

func (m *mover) warn(text string) { m.report.Warnings = append(m.report.Warnings, text) }

// run is the replay itself, with write access.
func (m *mover) run(ctx context.Context) error {
	if m.r.Selection == nil {
		defer m.lease.keep()()
	}
	if m.journal != nil {
		m.lease.tellTo(func() { _ = m.journal.Append(journal.Record{}) }) // its time of writing is what counts
		defer m.lease.tellTo(nil)
	}
	m.settleBefore(ctx)
	supply := m.supply()
	defer supply.close()
	var err error
	if m.r.Canary > 0 && m.r.Canary < m.count() {
		if err = m.sendCanaries(ctx, supply); err == nil {
			err = m.tryCanaries(ctx)
		}
		if err == nil {
			m.journalPassed()
		}
	}
	if err == nil && m.stoppedBy(ctx) == nil {
		err = m.runSupply(ctx, supply)
	}
	m.deleteAgain(ctx)
	m.finish(ctx, err)
	if rel := m.lease.release(ctx); rel != nil {
		m.warn(rel.Error())
	}
	if err == nil {
		err = m.stoppedBy(ctx)
	}
	if m.r.Watch > 0 && m.report.moved() && err == nil {
		err = m.watch(ctx)
	}
	return m.outcome(ctx, err)
}

// sendCanaries sends as many as are asked for, others in the place of those that are
// skipped or refused, for as long as there are any.
func (m *mover) sendCanaries(ctx context.Context, supply supply) (err error) {
	defer func() { m.quota = 0 }()
	for chosen := -1; err == nil && m.chosen > chosen && m.stoppedBy(ctx) == nil; {
		if m.quota = m.r.Canary - len(m.canaries); m.quota <= 0 {
			return nil
		}
		chosen = m.chosen
		err = m.runSupply(ctx, supply)
	}
	return err
}

// runSupply moves what a supply brings, deletions included.
func (m *mover) runSupply(ctx context.Context, s supply) error {
	err := s.run(ctx)
	_ = m.deletes.Wait() // their results are told
	return err
}
