package live_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/tui/live"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a stage that counts how often it was read.
type stage struct {
	mu         sync.Mutex
	inventory  func() (*aws.Inventory, error)
	refresh    func([]aws.Worker) ([]aws.Worker, error)
	identities error
	discovered int
	refreshed  int
	// limit is how many calls a minute may be made, queues how many refreshes read.
	limit, queues int
}

func (s *stage) Target() aws.Target { return aws.Target{Stage: "demo"} }

func (s *stage) Protected() aws.Protected { return aws.Protected{Name: "demo"} }

// Usage counts ten calls for each reading.
func (s *stage) Usage() aws.Usage {
	d, r := s.counts()
	return aws.Usage{Calls: uint64(10 * (d + r)), SQS: uint64(10 * (d + r))}
}

func (s *stage) Pace() aws.Pace { return aws.Pace{Limit: s.limit} }

func (s *stage) Identity(context.Context) (aws.Identity, error) {
	return aws.Identity{Account: "000000000000"}, s.identities
}

func (s *stage) Inventory(context.Context) (*aws.Inventory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discovered++
	return s.inventory()
}

func (s *stage) Refresh(_ context.Context, workers []aws.Worker) ([]aws.Worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshed++
	s.queues += 2 * len(workers)
	if s.refresh == nil {
		return workers, nil
	}
	return s.refresh(workers)
}

func (s *stage) counts() (discovered, refreshed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discovered, s.refreshed
}

func worker(id string, visible, dead int) aws.Worker {
	return aws.Worker{
		ID:    id,
		Queue: &aws.Queue{Name: id, Depth: aws.Depth{Visible: visible, At: time.Now()}},
		DLQ:   &aws.Queue{Name: id + "-dlq", Depth: aws.Depth{Visible: dead, At: time.Now()}},
	}
}

func found(workers ...aws.Worker) func() (*aws.Inventory, error) {
	return func() (*aws.Inventory, error) {
		return &aws.Inventory{Workers: workers, At: time.Now()}, nil
	}
}

// loop runs a source as the root would, in the time of a synctest bubble.
type loop struct {
	env    screen.Env
	source *live.Source
	msgs   chan tea.Msg
}

func start(t *testing.T, s live.Stage, loopback bool) *loop {
	t.Helper()
	return startWith(t, s, nil, loopback)
}

func startWith(t *testing.T, s live.Stage, m live.Metrics, loopback bool) *loop {
	t.Helper()
	env := screentest.Env(t)
	env.Now = time.Now
	env.Stage.Loopback, env.Stage.Account = loopback, ""
	l := &loop{env: env, source: live.New(env, s, m), msgs: make(chan tea.Msg, 1000)}
	l.run(l.source.Init())
	return l
}

func (l *loop) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				l.run(c)
			}
		default:
			l.msgs <- msg
		}
	}()
}

func (l *loop) send(msg tea.Msg) {
	cmd, _ := l.source.Update(msg)
	l.run(cmd)
}

// pass lets time go by.
func (l *loop) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case msg := <-l.msgs:
			l.send(msg)
		case <-timer.C:
			return
		}
	}
}

// A large stage is read in parts, so that its calls stay within their limit; what is
// on the screen is read each time.
func TestThePaceOfReadingALargeStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		workers := make([]aws.Worker, 500)
		for i := range workers {
			workers[i] = worker(fmt.Sprintf("w%03d", i), 1, 0)
		}
		s := &stage{inventory: found(workers...), limit: 1200}
		l := start(t, s, false)
		l.env.Data.Shown = []string{"w007", "w321"}
		read := map[string]int{}
		s.refresh = func(list []aws.Worker) ([]aws.Worker, error) {
			for _, w := range list {
				read[w.ID]++
			}
			return list, nil
		}
		l.pass(5*time.Minute + time.Second)
		d, r := s.counts()
		s.mu.Lock()
		defer s.mu.Unlock()
		if perMinute := s.queues / 5; d != 1 || r < 55 || perMinute > 1200 || perMinute < 900 {
			t.Errorf("%d discoveries, %d refreshes, %d calls a minute", d, r, perMinute)
		}
		if read["w007"] < r-1 || read["w321"] < r-1 || len(read) != 500 {
			t.Errorf("on the screen %d and %d times of %d, %d workers in all", read["w007"], read["w321"], r, len(read))
		}
	})
}

func TestThePaceOfReading(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                  string
		loopback, blurred     bool
		discovered, refreshed int
	}{
		{"loopback", true, false, 2, 30},
		{"remote", false, false, 2, 12},
		{"remote, nobody looks", false, true, 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stage{inventory: found(worker("a", 1, 0))}
				l := start(t, s, test.loopback)
				if test.blurred {
					l.send(tea.BlurMsg{})
				}
				l.pass(61 * time.Second)
				d, r := s.counts()
				if d != test.discovered || r < test.refreshed-1 || r > test.refreshed+1 {
					t.Errorf("in a minute: %d discoveries, %d refreshes; want %d, about %d", d, r, test.discovered, test.refreshed)
				}
				if l.env.Stage.Account != "000000000000" {
					t.Errorf("account %q", l.env.Stage.Account)
				}
				// The minute begins at a reading, so one may be missing or too many.
				if calls, want := int(l.env.Data.CallsPerMinute), 10*(d+r); calls < want-20 || calls > want {
					t.Errorf("%d calls in a minute, want about %d", calls, want)
				}
			})
		})
	}
}

func TestOldDataStaysWhileReadingFailsAndItHeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		s := &stage{inventory: found(worker("a", 7, 0))}
		l := start(t, s, true)
		l.pass(time.Second)
		s.mu.Lock()
		s.refresh = func([]aws.Worker) ([]aws.Worker, error) { return nil, down }
		s.inventory = func() (*aws.Inventory, error) { return nil, down }
		s.mu.Unlock()
		l.pass(10 * time.Minute)
		data := l.env.Data
		if !data.Stale() || !errors.Is(data.Err, down) || len(data.Inventory.Workers) != 1 {
			t.Fatalf("after ten minutes of failure: stale %v, err %v, inventory %v", data.Stale(), data.Err, data.Inventory)
		}
		if since := time.Since(data.FailingSince); since < 9*time.Minute {
			t.Errorf("failing since %v only", since)
		}
		_, before := s.counts()
		if before > 20 {
			t.Errorf("%d refreshes in ten minutes of failure: it does not back off", before)
		}
		s.mu.Lock()
		s.refresh = nil
		s.inventory = found(worker("a", 3, 0), worker("b", 0, 0))
		s.mu.Unlock()
		l.pass(2 * time.Minute)
		if data.Err != nil || len(data.Inventory.Workers) != 2 {
			t.Errorf("after it healed: err %v, %d workers", data.Err, len(data.Inventory.Workers))
		}
	})
}

func TestAFirstReadingThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{inventory: func() (*aws.Inventory, error) { return nil, errors.New("no route to host") }}
		l := start(t, s, true)
		l.pass(time.Second)
		if l.env.Data.Err == nil || l.env.Data.Inventory != nil {
			t.Fatalf("data = %+v", l.env.Data)
		}
		s.mu.Lock()
		s.inventory = found(worker("a", 0, 0))
		s.mu.Unlock()
		l.pass(10 * time.Second)
		if l.env.Data.Err != nil || l.env.Data.Inventory == nil {
			t.Errorf("it did not heal: %v", l.env.Data.Err)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{inventory: found(worker("a", 0, 0))}
		l := start(t, s, true)
		l.pass(time.Second)
		l.send(screen.PauseRefresh{})
		l.pass(time.Hour)
		if _, r := s.counts(); r != 0 {
			t.Errorf("%d refreshes while paused", r)
		}
		l.send(screen.Refresh{})
		l.pass(time.Minute)
		if _, r := s.counts(); r != 1 {
			t.Errorf("%d refreshes after asking once while paused, want 1", r)
		}
		l.send(screen.PauseRefresh{})
		l.pass(10 * time.Second)
		if _, r := s.counts(); r < 4 {
			t.Errorf("%d refreshes after going on", r)
		}
	})
}

func TestWorkersOfASourceThatFailsAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{inventory: found(worker("a", 0, 0), worker("b", 0, 0))}
		l := start(t, s, true)
		l.pass(time.Second)
		s.mu.Lock()
		s.inventory = func() (*aws.Inventory, error) {
			return &aws.Inventory{Workers: []aws.Worker{worker("a", 1, 0)}, At: time.Now(), Warnings: []error{errors.New("lambda: denied")}}, nil
		}
		s.mu.Unlock()
		l.send(screen.Refresh{Discover: true})
		l.pass(time.Second)
		if n := len(l.env.Data.Inventory.Workers); n != 2 {
			t.Errorf("%d workers after a partial discovery, want 2", n)
		}
		s.mu.Lock()
		s.inventory = found(worker("a", 1, 0))
		s.mu.Unlock()
		l.send(screen.Refresh{Discover: true})
		l.pass(time.Second)
		if n := len(l.env.Data.Inventory.Workers); n != 1 {
			t.Errorf("%d workers after a whole discovery, want 1", n)
		}
	})
}

func TestTrends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{inventory: found(worker("a", 1, 0))}
		visible := 1
		s.refresh = func([]aws.Worker) ([]aws.Worker, error) {
			visible++
			dead := 0
			if visible > 4 {
				dead = 2
			}
			return []aws.Worker{worker("a", visible, dead)}, nil
		}
		l := start(t, s, true)
		l.pass(3 * time.Second)
		if before, ok := l.env.Data.Trends["a"].Before(); !ok || before.Visible != 1 {
			t.Errorf("before = %+v, %v", before, ok)
		}
		l.pass(30 * time.Second)
		if v := l.env.Data.Health["a"]; v == nil || v.State != "dead letters +2 in 30 s" && v.State != "dead letters +2 in 32 s" && v.State != "dead letters +2 in 33 s" {
			t.Errorf("the dead letters rose, and the verdict is %+v", v)
		}
		l.pass(10 * time.Minute)
		trend := l.env.Data.Trends["a"]
		if n := len(trend.Samples); n > 60 {
			t.Errorf("%d samples are kept", n)
		}
	})
}

// cloud is a CloudWatch that says how many of ten invocations failed.
type cloud struct {
	mu    sync.Mutex
	asked []int // how many workers, each time
	err   error
}

func (c *cloud) Read(_ context.Context, workers []aws.Worker, _ metrics.Question) (map[string]*metrics.Worker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, len(workers))
	out := map[string]*metrics.Worker{}
	for _, w := range workers {
		count := func(n float64) metrics.Series {
			return metrics.Series{State: metrics.Complete, Points: []metrics.Point{{At: time.Now().Add(-time.Minute), Value: n}}}
		}
		m := &metrics.Worker{At: time.Now(), Since: time.Now().Add(-15 * time.Minute)}
		m.Function.Invocations, m.Function.Errors, m.Function.Throttles = count(10), count(7), count(0)
		m.Queue.Oldest.State = metrics.Complete
		out[w.ID] = m
	}
	return out, c.err
}

func TestCloudWatchIsAskedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := worker("a", 0, 0)
		w.Function = &aws.Function{Name: "fn"}
		s, c := &stage{inventory: found(w), limit: 1200}, &cloud{}
		l := startWith(t, s, c, false)
		l.pass(5*time.Minute + 30*time.Second)
		c.mu.Lock()
		if n := len(c.asked); n < 5 || n > 6 {
			t.Errorf("asked %d times in five minutes and a half", n)
		}
		c.err = errors.New("denied")
		c.mu.Unlock()
		if v := l.env.Data.Health["a"]; v == nil || v.State != "failing: 7 of 10 invocations" {
			t.Errorf("the verdict is %+v", v)
		}
		if d := l.env.Data.DollarsPerDay; d <= 0.05 || d > 0.2 || l.env.Data.MaxCalls != 1200 {
			t.Errorf("about $%.3f a day, at most %d calls", d, l.env.Data.MaxCalls)
		}
		l.pass(2 * time.Minute)
		if l.env.Data.MetricsErr == nil || l.env.Data.Err != nil {
			t.Errorf("CloudWatch fails: %v; the depths: %v", l.env.Data.MetricsErr, l.env.Data.Err)
		}
	})
}
