package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	a := aws.Action{Name: "dlq." + m.verb, Object: m.dlq.Name, Count: m.count()}
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
	for _, p := range m.checker.Worker() {
		if p.Blocks && !m.r.Force {
			return fmt.Errorf("replay %q: %w", m.dlq.Name, &BlockedError{Problem: p})
		}
		m.warn(p.Text)
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

// stoppedBy is what keeps the replay from going on: a failure that every message
// would meet, or ctx.
func (m *mover) stoppedBy(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fatal != nil {
		return m.fatal
	}
	if ctx.Err() != nil && m.left() {
		return ctx.Err()
	}
	return nil
}

// left is whether there is more to do, as far as is known.
func (m *mover) left() bool {
	switch {
	case m.r.Selection != nil:
		return m.chosen < m.r.Selection.Count
	case m.r.All:
		return m.chosen < m.bound
	}
	return len(m.want) > 0 || m.report.Failed > 0
}

// outcome is the replay's error.
func (m *mover) outcome(ctx context.Context, err error) error {
	r := &m.report
	if err == nil && r.Failed == 0 && r.Skipped == 0 && r.Unseen == 0 && (r.CameBack == nil || *r.CameBack == 0) {
		return nil
	}
	if err == nil && r.Failed > 0 {
		err = ctx.Err() // nil, or why not everything was done
	}
	if r.Replayed+r.Failed+r.Skipped == 0 && err != nil {
		return fmt.Errorf("%s %q: %w", m.verb, m.dlq.Name, err)
	}
	return &PartialError{Verb: m.verb, Queue: m.dlq.Name, Report: *r, Cause: err}
}

// take moves those of a batch that are to be moved.
func (m *mover) take(ctx context.Context, batch []letter.Letter) {
	if ctx.Err() != nil {
		return
	}
	chosen, again := m.choose(batch)
	m.deleteSent(ctx, again)
	for part := range slices.Chunk(chosen, m.batch()) {
		m.step(ctx, part)
	}
}

// choose picks the messages to send, and those that a former run has sent and that
// only have to be deleted.
func (m *mover) choose(batch []letter.Letter) (chosen []*letter.Letter, again []Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range batch {
		l := &batch[i]
		_, own := m.sent[keyOf(l.ID)]
		before := m.beforeOf(l.ID)
		undeleted, twice := m.undeleted[l.ID]
		switch {
		case own:
			m.back++ // SQS keeps the message id when it moves a message to a DLQ
		case twice: // sent, and delivered once more
			again = append(again, undeleted)
		case before.Sent:
			again = append(again, Result{ID: l.ID, JobID: l.JobID(), Status: StatusReplayed, NewID: before.NewID})
			delete(m.pending, l.ID)
		case before.Skipped:
		case m.fatal != nil, m.quota > 0 && m.started >= m.quota:
			m.spare = append(m.spare, l.ID)
		case m.r.All && m.chosen < m.bound, m.want[l.ID], m.r.Selection != nil:
			delete(m.want, l.ID)
			m.chosen++
			m.started++
			chosen = append(chosen, l)
		case m.r.All:
			m.beyond++
		}
	}
	if m.sweep != nil && (m.enough() || m.quota > 0 && m.started >= m.quota) {
		m.sweep.stop()
	}
	return chosen, again
}

// enough is whether nothing more is wanted of the queue.
func (m *mover) enough() bool {
	if len(m.pending) > 0 {
		return false
	}
	if m.r.All {
		return m.chosen >= m.bound
	}
	return len(m.want) == 0
}

// move sends messages and deletes what was accepted.
func (m *mover) move(ctx context.Context, chosen []*letter.Letter) {
	items, results := m.prepare(ctx, chosen)
	if len(items) == 0 {
		return
	}
	if m.limit != nil {
		if m.limit.WaitN(ctx, len(items)) != nil {
			<-ctx.Done() // the limiter refuses at once when its turn would come too late
			m.tellAll(results, fmt.Errorf("not sent: %w", ctx.Err()))
			return
		}
	}
	if err := m.journalTry(items); err != nil {
		m.stop(err)
		m.tellAll(results, fmt.Errorf("not sent: %w", err))
		return
	}
	outcomes, fatal := m.sender.send(ctx, items)
	accepted := m.book(items, outcomes, results)
	if fatal != nil {
		m.stop(fatal)
	}
	if err := m.journalSent(results); err != nil {
		m.stop(err) // what was accepted is deleted all the same
	}
	m.deletes.Go(func() error {
		kept := remove(ctx, m.writer, m.lease, accepted)
		m.journalDeleted(accepted, kept)
		for _, r := range results {
			if r.Status == StatusReplayed {
				m.deleted(r, kept[r.ID])
			} else {
				m.tell(r)
			}
		}
		return nil
	})
}

// book fills in results from a send and returns the ids of what was accepted.
func (m *mover) book(items []item, outcomes []outcome, results []Result) (accepted []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range outcomes {
		r := &results[i]
		maybe := o.maybe || m.beforeOf(r.ID).Tried
		r.NewID, r.MaybeSent = o.newID, maybe && (o.err != nil || !isFIFO(items[i].to))
		if o.err != nil {
			r.Status, r.Error = StatusFailed, o.err.Error()
			continue
		}
		accepted = append(accepted, r.ID)
		// Its own copy: an id that was received holds on to all the texts that were
		// received with it.
		m.sent[keyOf(o.newID)] = strings.Clone(r.ID)
		if m.quota > 0 {
			m.canaries = append(m.canaries, canary{result: *r, queue: items[i].to})
		}
	}
	return accepted
}

// stop ends the replay for a reason that every further message would meet.
func (m *mover) stop(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fatal == nil {
		m.fatal = err
	}
	if m.sweep != nil {
		m.sweep.stop()
	}
}

func (m *mover) tellAll(results []Result, err error) {
	for _, r := range results {
		r.Status, r.Error = StatusFailed, err.Error()
		m.tell(r)
	}
}

func (m *mover) tell(r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch r.Status {
	case m.success:
		m.report.Replayed++
		if r.MaybeSent {
			m.report.MaybeTwice++
		}
	case StatusSkipped:
		m.report.Skipped++
	default:
		m.report.Failed++
	}
	if r.Status != m.success && len(m.report.Problems) < problemsMost {
		m.report.Problems = append(m.report.Problems, r)
	}
	m.r.OnResult(r)
}

// deleteSent deletes what was sent already: by a former run, which finish tells of,
// or by this one.
func (m *mover) deleteSent(ctx context.Context, again []Result) {
	if len(again) == 0 {
		return
	}
	ids := make([]string, len(again))
	for i := range again {
		ids[i] = again[i].ID
	}
	kept := remove(ctx, m.writer, m.lease, ids)
	m.journalDeleted(ids, kept)
	for _, r := range again {
		m.deleted(r, kept[r.ID])
	}
}

// deleted books the deletion of a message that was sent.
func (m *mover) deleted(r Result, err error) {
	m.mu.Lock()
	if err != nil {
		r.Status, r.Error = StatusNotDeleted, err.Error()
		m.undeleted[r.ID] = r // deleting is tried once more in the end
		m.mu.Unlock()
		return
	}
	delete(m.undeleted, r.ID)
	m.mu.Unlock()
	if m.beforeOf(r.ID).Sent {
		return // finish tells of it
	}
	r.Status, r.Error = m.success, ""
	m.tell(r)
}

// deleteAgain tries once more to delete what was sent and could not be deleted.
func (m *mover) deleteAgain(ctx context.Context) {
	if len(m.undeleted) == 0 {
		return
	}
	m.deleteSent(ctx, slices.Collect(maps.Values(m.undeleted)))
	for _, id := range slices.Sorted(maps.Keys(m.undeleted)) {
		m.tell(m.undeleted[id])
	}
}

// finish accounts for what was not found and says what a person should know.
// Nothing is moved any more.
func (m *mover) finish(ctx context.Context, ended error) {
	m.tellBefore(ctx)
	if s := m.r.Selection; s != nil {
		for _, id := range s.Missing {
			m.tell(Result{ID: id, Status: StatusNotFound, Error: "it is not in the queue, or in flight elsewhere"})
		}
	}
	early := ctx.Err() != nil || ended != nil || m.fatal != nil
	for _, id := range slices.Sorted(maps.Keys(m.want)) {
		r := Result{ID: id, Status: StatusNotFound}
		switch {
		case errors.As(ended, new(*CanaryError)):
			continue // not sent on purpose; the error says so
		case early:
			r.Status, r.Error = StatusFailed, "it was not reached"
		case m.st.depth.InFlight > 0:
			r.Error = "it is not in the queue, or in flight elsewhere"
		case m.st.fifo:
			r.Error = "it is not in the queue, or behind other messages of its message group"
		}
		m.tell(r)
	}
	if m.back > 0 {
		m.warn(fmt.Sprintf("%s back to %q during the replay and stayed there", plural(m.back, "message came", "messages came"), m.dlq.Name))
	}
	if m.beyond > 0 {
		m.warn(fmt.Sprintf("%q holds more than the %s it had by its depth when the replay began; the rest stayed there", m.dlq.Name, plural(m.bound, "message", "messages")))
	}
	if missing := m.bound - m.chosen; m.r.All && !early && missing > 0 {
		if m.unseen(ctx) {
			m.warn(incomplete(m.chosen, m.st, m.dlq.Name))
		} else if m.before == nil {
			m.warn(fmt.Sprintf("%s fewer in %q than its depth said: something else has taken them, or its own redrive policy", plural(missing, "message was", "messages were"), m.dlq.Name))
		}
	}
	if n := m.report.MaybeTwice; n > 0 {
		m.warn(fmt.Sprintf("%s sent twice: the answer to a send was lost, and it was made again", plural(n, "message may have been", "messages may have been")))
	}
}

// unseen finds out whether messages are left that should have been seen: depths
// are approximate, and fewer is not always too few.
func (m *mover) unseen(ctx context.Context) bool {
	attributes, err := m.e.attributes(ctx, m.dlq.URL)
	if err != nil {
		m.report.Unseen = m.bound - m.chosen
		return true
	}
	left := depthOf(attributes).Total() - m.lease.len()
	m.report.Unseen = max(0, min(m.bound-m.chosen, left))
	return m.report.Unseen > 0
}

// tellBefore tells of what a former run has sent and this one deleted, or found
// deleted.
func (m *mover) tellBefore(ctx context.Context) {
	if m.before == nil {
		return
	}
	// What was not seen is gone, unless something else holds messages.
	hiding := false
	if len(m.pending) > 0 {
		attributes, err := m.e.attributes(ctx, m.dlq.URL)
		hiding = err != nil || depthOf(attributes).Total() > m.lease.len()
	}
	for msg := range m.before.Messages() {
		r := Result{ID: msg.ID, Status: StatusReplayed, NewID: msg.NewID}
		switch _, failed := m.undeleted[msg.ID]; {
		case msg.Deleted:
			m.report.Before++
		case msg.Sent && m.pending[msg.ID] && hiding:
			r.Status, r.Error = StatusNotDeleted, "it was not seen, and something else holds messages of the queue"
			m.tell(r)
		case msg.Sent && !failed:
			m.tell(r)
		}
	}
}
