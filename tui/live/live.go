// Package live reads a stage again and again: the console's one refresh clock.
// It keeps what was read when a reading fails, says how old it is, backs off
// while AWS does not answer, and slows down when nobody looks.
package live

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Stage is what is read; *aws.Stage is one.
type Stage interface {
	Target() aws.Target
	Protected() aws.Protected
	Identity(ctx context.Context) (aws.Identity, error)
	Inventory(ctx context.Context) (*aws.Inventory, error)
	Refresh(ctx context.Context, workers []aws.Worker) ([]aws.Worker, error)
	Calls() uint64
}

// The pace of reading.
const (
	everyLoopback = 2 * time.Second
	everyRemote   = 5 * time.Second
	discoverEvery = 60 * time.Second
	// mostPerMinute bounds the calls of the refresh on a stage in AWS: one call
	// reads one queue, so a stage of 500 workers with their dead-letter queues is
	// read every 50 seconds.
	mostPerMinute = 1200
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
	forClock    = "clock"
)

// Source reads one stage.
type Source struct {
	env      screen.Env
	stage    Stage
	requests *screen.Requests

	discoveredAt time.Time
	failures     int
	calls        meter
	blurred      bool
}

// New returns a Source that keeps env.Data up to date. It makes no call before
// Init.
func New(env screen.Env, stage Stage) *Source {
	return &Source{env: env, stage: stage, requests: env.Requests()}
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
	return s.requests.Start(forDiscover, timeout, func(ctx context.Context) (any, error) {
		return s.stage.Inventory(ctx)
	})
}

func (s *Source) refresh() tea.Cmd {
	inv := s.env.Data.Inventory
	if inv == nil {
		return s.discover()
	}
	workers := inv.Workers
	return s.requests.Start(forRefresh, timeout, func(ctx context.Context) (any, error) {
		return s.stage.Refresh(ctx, workers)
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
	s.env.Data.CallsPerMinute = s.calls.note(s.env.Now(), s.stage.Calls())
	switch reply.Purpose {
	case forIdentity:
		if id, ok := reply.Payload.(aws.Identity); ok && reply.Err == nil {
			s.env.Stage.Account = id.Account
		}
		return nil, true
	case forClock:
		if s.env.Data.Paused || s.requests.Live(forDiscover) || s.requests.Live(forRefresh) {
			return nil, false // a reading that is under way starts the clock again
		}
		if s.env.Now().Sub(s.discoveredAt) >= discoverEvery {
			if s.env.Stage.Account == "" {
				return tea.Batch(s.identify(), s.discover()), false
			}
			return s.discover(), false
		}
		return s.refresh(), false
	case forDiscover:
		inv, _ := reply.Payload.(*aws.Inventory)
		s.outcome(reply.Err)
		if inv != nil {
			s.discovered(inv)
		}
		return s.clock(), true
	case forRefresh:
		workers, _ := reply.Payload.([]aws.Worker)
		s.outcome(reply.Err)
		s.refreshed(workers)
		return s.clock(), true
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

// clock starts the wait for the next reading.
func (s *Source) clock() tea.Cmd {
	if s.env.Data.Paused || s.requests.Live(forDiscover) || s.requests.Live(forRefresh) {
		return nil
	}
	wait := max(everyRemote, time.Duration(s.queues())*time.Minute/mostPerMinute)
	if s.env.Stage.Loopback {
		wait = everyLoopback
	}
	if s.blurred {
		wait *= blurredFactor
	}
	for range min(s.failures, 6) {
		wait *= 2
	}
	wait = min(wait, slowest)
	s.env.Data.NextAt = s.env.Now().Add(wait)
	return s.requests.After(forClock, wait)
}

// queues is how many queues a refresh reads.
func (s *Source) queues() int {
	n := 0
	if s.env.Data.Inventory == nil {
		return n
	}
	for _, w := range s.env.Data.Inventory.Workers {
		for _, q := range []*aws.Queue{w.Queue, w.DLQ} {
			if q != nil {
				n++
			}
		}
	}
	return n
}

// discovered takes over a new inventory.
func (s *Source) discovered(inv *aws.Inventory) {
	s.discoveredAt = s.env.Now()
	// A stage that nothing named has said now what it is.
	s.env.Stage.Name, s.env.Stage.Protected = s.stage.Target().Stage, s.stage.Protected()
	old := s.env.Data.Inventory
	if old != nil && len(inv.Warnings) > 0 {
		// A source could not be read: workers that only it knows have not gone.
		// They are kept as they were.
		known := make(map[string]bool, len(inv.Workers))
		for i := range inv.Workers {
			known[inv.Workers[i].ID] = true
		}
		grown := *inv
		grown.Workers = append([]aws.Worker(nil), inv.Workers...)
		for i := range old.Workers {
			if !known[old.Workers[i].ID] {
				grown.Workers = append(grown.Workers, old.Workers[i])
			}
		}
		inv = &grown
	}
	s.env.Data.Inventory = inv
	s.record(inv.At)
}

// refreshed puts new depths into the inventory there is by now, which may be
// newer than the one the refresh began with.
func (s *Source) refreshed(workers []aws.Worker) {
	old := s.env.Data.Inventory
	if old == nil || len(workers) == 0 {
		return
	}
	fresh := make(map[string]*aws.Worker, len(workers))
	for i := range workers {
		fresh[workers[i].ID] = &workers[i]
	}
	inv := *old
	inv.Workers = make([]aws.Worker, len(old.Workers))
	var newest time.Time
	for i := range old.Workers {
		inv.Workers[i] = old.Workers[i]
		w, ok := fresh[old.Workers[i].ID]
		if !ok {
			continue
		}
		// Only the depths are new; the rest belongs to discovery.
		inv.Workers[i].Queue = deeper(inv.Workers[i].Queue, w.Queue)
		inv.Workers[i].DLQ = deeper(inv.Workers[i].DLQ, w.DLQ)
		for _, q := range []*aws.Queue{inv.Workers[i].Queue, inv.Workers[i].DLQ} {
			if q != nil && q.Depth.At.After(newest) {
				newest = q.Depth.At
			}
		}
	}
	s.env.Data.Inventory = &inv
	s.record(newest)
}

// deeper is the queue with the newer depth of the two.
func deeper(q, read *aws.Queue) *aws.Queue {
	if q == nil || read == nil || read.Depth.At.Before(q.Depth.At) {
		return q
	}
	fresh := *q
	fresh.Depth = read.Depth
	return &fresh
}

// record notes the time of a reading and adds it to the trends.
func (s *Source) record(at time.Time) {
	d := s.env.Data
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
		now := screen.CountsOf(w)
		if n := len(t.Samples); n > 0 && now.Dead > t.Samples[n-1].Dead {
			t.DeadRoseAt = s.env.Now()
		}
		t.Samples = append(t.Samples, now)
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
