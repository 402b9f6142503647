// Package live reads a stage again and again: the console's one refresh clock.
// It keeps what was read when a reading fails, says how old it is, backs off
// while AWS does not answer, and slows down when nobody looks. What to read next is
// package watch's to say.
package live

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/watch"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Stage is what is read; *aws.Stage is one.
type Stage interface {
	Target() aws.Target
	Protected() aws.Protected
	Identity(ctx context.Context) (aws.Identity, error)
	Inventory(ctx context.Context) (*aws.Inventory, error)
	Refresh(ctx context.Context, workers []aws.Worker) ([]aws.Worker, error)
	Usage() aws.Usage
	Pace() aws.Pace
}

// Metrics asks CloudWatch; *metrics.Reader is one.
type Metrics interface {
	Read(ctx context.Context, workers []aws.Worker, q metrics.Question) (map[string]*metrics.Worker, error)
}

// The pace of reading.
const (
	// blurredFactor slows the refresh while the terminal has not the focus.
	blurredFactor = 4
	slowest       = 60 * time.Second
	timeout       = 20 * time.Second
	trendLength   = 60
)

// The purposes of requests.
const (
	forIdentity = "identity"
	forDiscover = "discover"
	forRefresh  = "refresh"
	forMetrics  = "metrics"
	forClock    = "clock"
)

// Source reads one stage.
type Source struct {
	env      screen.Env
	stage    Stage
	metrics  Metrics // nil: CloudWatch is not asked
	requests *screen.Requests
	board    *watch.Board

	failures   int
	calls, sqs watch.Meter
	blurred    bool
}

// New returns a Source that keeps env.Data up to date. It makes no call before
// Init. Metrics may be nil.
func New(env screen.Env, stage Stage, m Metrics) *Source {
	return &Source{
		env: env, stage: stage, metrics: m, requests: env.Requests(),
		board: watch.New(watch.Config{MaxCalls: stage.Pace().Limit, Metrics: m != nil, Free: env.Stage.Loopback}),
	}
}

// Init starts the first reading and the clock.
func (s *Source) Init() tea.Cmd {
	return tea.Batch(s.identify(), s.discover())
}

// Close cancels what is under way.
func (s *Source) Close() { s.requests.Close() }

func (s *Source) identify() tea.Cmd {
	return s.requests.Start(forIdentity, timeout, func(ctx context.Context) (any, error) {
		return s.stage.Identity(ctx)
	})
}

func (s *Source) discover() tea.Cmd {
	return s.requests.Start(forDiscover, s.board.DiscoverTimeout(timeout), func(ctx context.Context) (any, error) {
		return s.stage.Inventory(ctx)
	})
}

func (s *Source) refresh() tea.Cmd {
	if s.env.Data.Inventory == nil {
		return s.discover()
	}
	workers := s.board.Next(s.env.Data.Shown, s.every(), s.stage.Pace().Free())
	return s.requests.Start(forRefresh, timeout, func(ctx context.Context) (any, error) {
		return s.stage.Refresh(ctx, workers)
	})
}

// measure asks CloudWatch, when it is time.
func (s *Source) measure() tea.Cmd {
	if s.metrics == nil || s.requests.Live(forMetrics) {
		return nil
	}
	workers, q := s.board.NextMetrics(s.env.Data.Shown, s.env.Now())
	if len(workers) == 0 {
		return nil
	}
	return s.requests.Start(forMetrics, timeout, func(ctx context.Context) (any, error) {
		return s.metrics.Read(ctx, workers, q)
	})
}

// Update handles the source's replies and the requests of people. Changed is
// true when env.Data changed.
func (s *Source) Update(msg tea.Msg) (cmd tea.Cmd, changed bool) {
	switch msg := msg.(type) {
	case screen.Reply:
		return s.reply(msg)
	case screen.Refresh:
		if msg.Discover || s.env.Data.Inventory == nil {
			if s.requests.Live(forDiscover) {
				return nil, false
			}
			return s.discover(), false
		}
		if s.requests.Live(forRefresh) {
			return nil, false
		}
		return s.refresh(), false
	case screen.PauseRefresh:
		s.env.Data.Paused = !s.env.Data.Paused
		if s.env.Data.Paused {
			s.requests.Cancel(forClock)
			return nil, true
		}
		return s.refresh(), true
	case tea.BlurMsg:
		s.blurred = true
	case tea.FocusMsg:
		if s.blurred {
			s.blurred = false
			if s.requests.Live(forClock) { // not paused, nothing under way: look at once
				return s.refresh(), false
			}
		}
	}
	return nil, false
}

func (s *Source) reply(reply screen.Reply) (tea.Cmd, bool) {
	_, live := s.requests.Take(reply)
	if !live {
		return nil, false
	}
	now, usage := s.env.Now(), s.stage.Usage()
	d := s.env.Data
	d.CallsPerMinute = s.calls.Note(now, usage.Calls)
	d.DollarsPerDay = s.board.PerDay(float64(s.sqs.Note(now, usage.SQS)))
	d.MaxCalls = s.stage.Pace().Limit
	switch reply.Purpose {
	case forIdentity:
		if id, ok := reply.Payload.(aws.Identity); ok && reply.Err == nil {
			s.env.Stage.Account = id.Account
		}
		return nil, true
	case forClock:
		if d.Paused || s.requests.Live(forDiscover) || s.requests.Live(forRefresh) {
			return nil, false // a reading that is under way starts the clock again
		}
		if s.board.DiscoverDue(now) {
			if s.env.Stage.Account == "" {
				return tea.Batch(s.identify(), s.discover()), false
			}
			return s.discover(), false
		}
		return s.refresh(), false
	case forDiscover:
		s.outcome(reply.Err)
		if inv, _ := reply.Payload.(*aws.Inventory); inv != nil {
			s.board.Discovered(inv, now)
			// A stage that nothing named has said now what it is.
			s.env.Stage.Name, s.env.Stage.Protected = s.stage.Target().Stage, s.stage.Protected()
			s.record(inv.At)
		}
		return tea.Batch(s.clock(), s.measure()), true
	case forRefresh:
		workers, _ := reply.Payload.([]aws.Worker)
		s.outcome(reply.Err)
		if len(workers) > 0 && d.Inventory != nil {
			s.record(s.board.Refreshed(workers))
		}
		return tea.Batch(s.clock(), s.measure()), true
	case forMetrics:
		got, _ := reply.Payload.(map[string]*metrics.Worker)
		s.board.Measured(got, reply.Err)
		d.MetricsErr = reply.Err
		d.Health = s.board.Verdicts(now)
		return nil, true
	}
	return nil, false
}

// outcome notes how a reading went.
func (s *Source) outcome(err error) {
	d := s.env.Data
	if err == nil {
		s.failures = 0
		d.Err, d.FailingSince = nil, time.Time{}
		return
	}
	s.failures++
	if d.Err == nil {
		d.FailingSince = s.env.Now()
	}
	d.Err = err
}

// every is the time between two readings that succeed.
func (s *Source) every() time.Duration {
	wait := watch.Every
	if s.env.Stage.Loopback {
		wait = watch.EveryFree
	}
	if s.blurred {
		wait *= blurredFactor
	}
	return wait
}

// clock starts the wait for the next reading.
func (s *Source) clock() tea.Cmd {
	if s.env.Data.Paused || s.requests.Live(forDiscover) || s.requests.Live(forRefresh) {
		return nil
	}
	wait := s.every()
	for range min(s.failures, 6) {
		wait *= 2
	}
	wait = min(wait, slowest)
	s.env.Data.NextAt = s.env.Now().Add(wait)
	return s.requests.After(forClock, wait)
}

// record takes a reading over from the board, notes its time and adds it to the
// trends.
func (s *Source) record(at time.Time) {
	d := s.env.Data
	d.Inventory = s.board.Inventory()
	d.Health = s.board.Verdicts(s.env.Now())
	if at.IsZero() {
		at = s.env.Now()
	}
	if at.After(d.At) {
		d.At = at
	}
	if d.Trends == nil {
		d.Trends = make(map[string]*screen.Trend)
	}
	there := make(map[string]bool, len(d.Inventory.Workers))
	for i := range d.Inventory.Workers {
		w := &d.Inventory.Workers[i]
		there[w.ID] = true
		t := d.Trends[w.ID]
		if t == nil {
			t = &screen.Trend{}
			d.Trends[w.ID] = t
		}
		t.Minutes = minutes(s.board.Samples(w.ID), s.env.Now())
		if w.Queue != nil && !w.Queue.Depth.At.IsZero() && w.Queue.Depth.At.Equal(t.ReadAt) {
			continue // it was not its turn
		}
		if w.Queue != nil {
			t.ReadAt = w.Queue.Depth.At
		}
		t.Samples = append(t.Samples, screen.CountsOf(w))
		if extra := len(t.Samples) - trendLength; extra > 0 {
			t.Samples = append(t.Samples[:0], t.Samples[extra:]...)
		}
	}
	for id := range d.Trends {
		if !there[id] {
			delete(d.Trends, id)
		}
	}
}
