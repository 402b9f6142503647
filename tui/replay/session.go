package replay

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Engine chooses dead letters and moves them; *redrive.Engine is one.
type Engine interface {
	Select(ctx context.Context, w aws.Worker, c redrive.Choice) (*redrive.Selection, error)
	Recheck(ctx context.Context, s *redrive.Selection, c redrive.Choice) error
	Replay(ctx context.Context, r redrive.Replay) (redrive.Report, error)
	Delete(ctx context.Context, d redrive.Delete) (redrive.Report, error)
	MoveTask(ctx context.Context, t redrive.MoveTask) (redrive.Report, error)
	Resume(ctx context.Context, r redrive.Resume) (redrive.Report, error)
	Unfinished() ([]*journal.State, error)
	Dir() (string, error)
	Protected(queues ...string) aws.Protected
}

const (
	// lookFrom is the depth from which a replay of all is not looked at first, unless
	// the worker's runtime asks for it: what is checked is then told as it is sent.
	lookFrom = 1000
	// listed is how many messages are listed one by one; what went wrong always is.
	listed = 10_000
	// every is how often what happened reaches the screen.
	every = 100 * time.Millisecond
)

// session is what runs beside the screen: it chooses, holds what it chose until it
// is told to move it, and lets go of it otherwise. It owns the selection from its
// beginning to its end.
type session struct {
	engine Engine
	worker aws.Worker
	ask    screen.PlanReplay
	orders chan order
	// done is closed when it has ended; after, when not nil, is another's, whose messages
	// are hidden until then.
	done  chan struct{}
	after <-chan struct{}
}

// order is what a person wants next.
type order struct {
	options options
	// start is to move; else only to check again.
	start bool
	// stage is what was typed to agree.
	stage string
}

// The payloads of a session, beside redrive.Report and string, which says what is
// being waited for.
type (
	// plan is what was chosen.
	plan struct {
		count, seen, edits int
		about              bool // count is the queue's depth, and nothing was looked at
		complete           bool
		missing            []string
		blocked            map[check.Kind]int
		notes              []string
		held               int
		lease              time.Duration
		rows               []*row
		err                error // of a check that could not be made again
	}
	// steps are results, in their order.
	steps []redrive.Result
	// task is how far AWS's move task is.
	task struct{ moved, of int }
)

// order hands over an order, in the place of one that was not taken yet.
func (s *session) order(o order) {
	for {
		select {
		case s.orders <- o:
			return
		default:
		}
		select {
		case <-s.orders:
		default:
		}
	}
}

func (s *session) choice(o options) redrive.Choice {
	c := redrive.Choice{IDs: s.ask.IDs, Edited: s.ask.Edited, Check: !s.ask.Delete, NewJobIDs: o.newJobIDs, To: o.to}
	return c
}

// blind is whether all is replayed without a look at each message.
func (s *session) blind() bool {
	w := &s.worker
	nodejs := w.Function != nil && strings.HasPrefix(w.Function.Runtime, "nodejs") // what it recorded as failed it would swallow
	return s.ask.All && w.DLQ.Depth.Total() > lookFrom && (!nodejs || s.ask.Delete)
}

// run is a session from the look to the report.
func (s *session) run(ctx context.Context, emit func(any) error) error {
	defer close(s.done)
	if s.after != nil {
		select {
		case <-s.after:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var sel *redrive.Selection
	p := &plan{count: s.worker.DLQ.Depth.Total(), about: true}
	if !s.blind() {
		c := s.choice(options{})
		c.OnState = func(text string) { _ = emit(text) } // fails when nobody looks any more, and ctx has ended then
		var err error
		if sel, err = s.engine.Select(ctx, s.worker, c); err != nil {
			return err
		}
		if p, err = planOf(sel); err != nil {
			_ = sel.Release(ctx) // the error that led here says more
			return err
		}
	}
	release := func() {
		if sel != nil {
			_ = sel.Release(ctx) // what could not be let go comes back by itself, within the lease
			sel = nil
		}
	}
	defer func() { release() }()
	if err := emit(*p); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o := <-s.orders:
			if o.start {
				given := sel
				if o.options.native {
					release()
				}
				sel = nil // it is the engine's now
				return s.move(ctx, o, given, emit)
			}
			if sel == nil {
				continue
			}
			fresh, err := s.recheck(ctx, sel, o.options)
			if err != nil {
				fresh = p
				fresh.err = err
			}
			p = fresh
			if err := emit(*p); err != nil {
				return err
			}
		}
	}
}

func (s *session) recheck(ctx context.Context, sel *redrive.Selection, o options) (*plan, error) {
	if err := s.engine.Recheck(ctx, sel, s.choice(o)); err != nil {
		return nil, err
	}
	return planOf(sel)
}

// planOf says what a selection holds.
func planOf(sel *redrive.Selection) (*plan, error) {
	p := &plan{
		count: sel.Count, seen: sel.Seen, edits: sel.Edits, complete: sel.Complete, missing: sel.Missing,
		blocked: map[check.Kind]int{}, held: sel.Held(), lease: sel.Lease(),
	}
	for kind, n := range sel.Blocked {
		p.blocked[kind] = n
	}
	p.notes = append(append([]string(nil), sel.Warnings...), sel.Notes...)
	for _, problem := range sel.WorkerProblems() {
		p.notes = append(p.notes, problem.Text)
	}
	for c, err := range sel.Letters() {
		if err != nil {
			return nil, err
		}
		blocked := len(c.Problems) > 0 && c.Problems[0].Blocks
		if len(p.rows) < listed || blocked && len(p.rows) < 2*listed {
			p.rows = append(p.rows, planned(&c, len(p.rows)))
		}
	}
	for _, id := range sel.Missing {
		p.rows = append(p.rows, &row{id: id, name: cell.Clean(id), seq: len(p.rows), status: redrive.StatusNotFound, fault: "it is not in the queue, or in flight elsewhere"})
	}
	return p, nil
}

// move does what was agreed to. Results reach the screen a few times a second.
func (s *session) move(ctx context.Context, o order, sel *redrive.Selection, emit func(any) error) error {
	ctx = screen.Confirmed(ctx, o.stage)
	told := newTelling(emit)
	var (
		report redrive.Report
		err    error
	)
	switch {
	case s.ask.Delete:
		d := redrive.Delete{Worker: s.worker, All: sel == nil, Selection: sel, OnResult: told.result}
		if o.options.noCopy {
			d.Export = redrive.NoExport
		}
		report, err = s.engine.Delete(ctx, d)
	case o.options.native:
		report, err = s.engine.MoveTask(ctx, redrive.MoveTask{
			Worker: s.worker, To: o.options.to, Rate: int(o.options.rate),
			OnProgress: func(moved, of int) { told.say(task{moved, of}) },
		})
	default:
		r := o.options.replay(s.worker)
		r.All, r.Selection = sel == nil, sel
		r.OnResult, r.OnState = told.result, func(text string) { told.say(text) }
		report, err = s.engine.Replay(ctx, r)
	}
	told.end()
	if emitErr := emit(report); emitErr != nil {
		return emitErr
	}
	return err
}

// telling passes results on in batches, and words as they come.
type telling struct {
	emit func(any) error
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	steps steps
	word  any
}

func newTelling(emit func(any) error) *telling {
	t := &telling{emit: emit, stop: make(chan struct{})}
	t.done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.flush()
			}
		}
	})
	return t
}

func (t *telling) result(r redrive.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, r)
}

// say keeps the newest word.
func (t *telling) say(word any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.word = word
}

func (t *telling) flush() {
	t.mu.Lock()
	batch, word := t.steps, t.word
	t.steps, t.word = nil, nil
	t.mu.Unlock()
	// When nobody looks any more the work's own context ends it.
	if len(batch) > 0 {
		_ = t.emit(batch)
	}
	if word != nil {
		_ = t.emit(word)
	}
}

func (t *telling) end() {
	close(t.stop)
	t.done.Wait()
	t.flush()
}

// resume goes on with a journal.
func resume(ctx context.Context, e Engine, path, stage string, emit func(any) error) error {
	told := newTelling(emit)
	report, err := e.Resume(screen.Confirmed(ctx, stage), redrive.Resume{
		Path: path, OnResult: told.result, OnState: func(text string) { told.say(text) },
	})
	told.end()
	if emitErr := emit(report); emitErr != nil {
		return emitErr
	}
	return err
}
