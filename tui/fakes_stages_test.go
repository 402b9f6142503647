package tui

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// fakeWorld connects to stages in memory.
type fakeWorld struct {
	mu     sync.Mutex
	err    error
	takes  time.Duration // what connecting takes
	opened []*fakeStage
	closed atomic.Int32
}

func (f *fakeWorld) connect(ctx context.Context, to screen.Choice) (Backend, error) {
	f.mu.Lock()
	err, takes := f.err, f.takes
	f.mu.Unlock()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return Backend{}, ctx.Err()
	}
	if err != nil {
		return Backend{}, err
	}
	stage := newStage()
	stage.target = aws.Target{Stage: to.Stage, Region: "eu-central-1", Profile: to.Profile}
	stage.workers = stage.workers[1:3]
	stage.workers[1].ID = "invoices"
	f.mu.Lock()
	f.opened = append(f.opened, stage)
	f.mu.Unlock()
	return Backend{Stage: stage, Logs: fakeLogs{}, Redrive: fakeDead{}, Close: func() { f.closed.Add(1) }}, nil
}

// openWorld is the console on stage demo, in a world with others.
func openWorld(t *testing.T, width, height int) (*console, *fakeWorld) {
	t.Helper()
	w := &fakeWorld{takes: 100 * time.Millisecond}
	return open(t, Config{Connect: w.connect}, width, height), w
}
