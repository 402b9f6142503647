package tui

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) {
	// Hundreds of stages are opened here, and each would read the bundle again. No test
	// goes where it is needed.
	_ = os.Unsetenv("AWS_CA_BUNDLE")
	// Their heaps are small and of short life: collecting them less often spares a tenth of
	// the processor's time. Whoever sets GOGC is heeded.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	goleak.VerifyTestMain(m)
}

// fakeStage is a stage in memory.
type fakeStage struct {
	mu         sync.Mutex
	target     aws.Target
	protection aws.Protection
	// dispatched has the contexts of the dispatches.
	dispatched []context.Context
	workers    []aws.Worker
	err        error
	read       int
}

// reads is how often it was read.
func (f *fakeStage) reads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read
}

func newStage() *fakeStage {
	queue := func(name string, visible, inFlight int) *aws.Queue {
		return &aws.Queue{
			Name: name, URL: "http://127.0.0.1:4566/000000000000/" + name, MaxReceiveCount: 3,
			Depth: aws.Depth{Visible: visible, InFlight: inFlight, At: time.Now()},
		}
	}
	worker := func(id string, visible, inFlight, dead int) aws.Worker {
		return aws.Worker{
			ID: id, Group: "default",
			Queue: queue("aiw-"+id+"-demo", visible, inFlight), DLQ: queue("aiw-"+id+"-dlq-demo", dead, 0),
			Function: &aws.Function{Name: "aiw-demo-worker-" + id, State: "Active", LogGroup: "/aws/lambda/aiw-demo-worker-" + id, Timeout: 30 * time.Second, MemoryMB: 256},
			Mapping:  &aws.Mapping{State: "Enabled", BatchSize: 10, ReportsBatchItemFailures: true},
		}
	}
	return &fakeStage{
		target: aws.Target{Stage: "demo", Region: "us-east-1", EndpointURL: "http://127.0.0.1:4566"},
		workers: []aws.Worker{
			worker("echo", 0, 0, 0), worker("fail", 3, 1, 9), worker("orders", 1204, 8, 0), worker("slow", 12, 4, 0),
		},
	}
}

func (f *fakeStage) Target() aws.Target { return f.target }
func (f *fakeStage) Usage() aws.Usage   { return aws.Usage{Calls: 128, SQS: 120} }
func (f *fakeStage) Pace() aws.Pace     { return aws.Pace{} }

func (f *fakeStage) Protected() aws.Protected { return f.protection.Of(f.target) }

func (f *fakeStage) Identity(context.Context) (aws.Identity, error) {
	return aws.Identity{Account: "000000000000"}, nil
}

func (f *fakeStage) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeStage) Inventory(context.Context) (*aws.Inventory, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read++
	if f.err != nil {
		return nil, f.err
	}
	return &aws.Inventory{Workers: f.workers, At: time.Now(), Sources: []string{"workers/config"}}, nil
}

func (f *fakeStage) Refresh(_ context.Context, workers []aws.Worker) ([]aws.Worker, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read++
	if f.err != nil {
		return nil, f.err
	}
	fresh := append([]aws.Worker(nil), workers...)
	for i := range fresh {
		if q := fresh[i].Queue; q != nil {
			read := *q
			read.Depth.At = time.Now()
			fresh[i].Queue = &read
		}
	}
	return fresh, nil
}

func (f *fakeStage) Dispatch(ctx context.Context, _ aws.DispatchRequest) (aws.DispatchResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dispatched = append(f.dispatched, ctx)
	return aws.DispatchResult{}, errors.New("not in this test")
}

// fakeLogs has no lines.
type fakeLogs struct{}

func (fakeLogs) Follow(ctx context.Context, _ logs.Query, _ func(logs.State), _ func([]logs.Line) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func noEnv(string) string { return "" }

// console runs a root model as Bubble Tea would, in the time of a synctest
// bubble.
type console struct {
	t    testing.TB
	m    *Model
	msgs chan tea.Msg
	quit bool
	out  []tea.Msg // what nobody but Bubble Tea itself handles
}

func open(t testing.TB, cfg Config, width, height int) *console {
	t.Helper()
	if cfg.Stage == nil {
		cfg.Stage = newStage()
	}
	if cfg.Logs == nil {
		cfg.Logs = fakeLogs{}
	}
	if cfg.Redrive == nil {
		cfg.Redrive = fakeDead{}
	}
	if cfg.Getenv == nil {
		cfg.Getenv = noEnv
	}
	if cfg.clipboard == nil {
		cfg.clipboard = &fakeClipboard{} // never that of whoever runs the tests
	}
	work := screen.NewWork(t.Context())
	t.Cleanup(func() {
		if !work.Close(time.Minute) {
			t.Error("the console left work behind")
		}
	})
	c := &console{t: t, m: newModel(cfg.withDefaults(), work), msgs: make(chan tea.Msg, 1000)}
	c.run(c.m.Init())
	c.send(tea.WindowSizeMsg{Width: width, Height: height})
	return c
}

func (c *console) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, one := range msg {
				c.run(one)
			}
		default:
			c.msgs <- msg
		}
	}()
}

func (c *console) send(msg tea.Msg) {
	if _, ok := msg.(tea.QuitMsg); ok {
		c.quit = true
		return
	}
	_, cmd := c.m.Update(msg)
	c.run(cmd)
}

// pass lets time go by.
func (c *console) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case msg := <-c.msgs:
			c.out = append(c.out, msg)
			c.send(msg)
		case <-timer.C:
			return
		}
	}
}

// press presses keys, a tenth of a second apart; "wait" lets a second pass.
func (c *console) press(keys ...string) {
	for _, key := range keys {
		if key == "wait" {
			c.pass(time.Second)
			continue
		}
		c.send(screentest.Key(key))
		c.pass(100 * time.Millisecond)
	}
}

// frame is the screen, checked.
func (c *console) frame() string {
	c.t.Helper()
	frame := c.m.frame()
	screentest.Frame(c.t, frame, c.m.width, c.m.height)
	return frame
}
