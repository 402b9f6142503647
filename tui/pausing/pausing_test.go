package pausing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/pausing"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage takes a change when it is let go.
type stage struct{ accept, finish chan struct{} }

func (s stage) Pause(ctx context.Context, r aws.PauseRequest) (aws.PauseResult, error) {
	for _, step := range []struct {
		wait  chan struct{}
		state string
	}{{s.accept, "Enabling"}, {s.finish, "Enabled"}} {
		select {
		case <-step.wait:
			r.OnState(step.state)
		case <-ctx.Done():
			return aws.PauseResult{}, ctx.Err()
		}
	}
	return aws.PauseResult{Changed: true, Mappings: []aws.MappingState{{State: "Enabled"}}}, nil
}

func worker(id, arn string) aws.Worker {
	return aws.Worker{ID: id, Queue: &aws.Queue{Name: "q", ARN: arn}, Mapping: &aws.Mapping{State: "Disabled"}}
}

func setUp(t *testing.T) (*pausing.Pauser, *screen.Requests, stage, screen.Env) {
	t.Helper()
	p, requests, s, env, _ := setUpAt(t)
	return p, requests, s, env
}

// setUpAt is setUp with a clock that can be moved.
func setUpAt(t *testing.T) (*pausing.Pauser, *screen.Requests, stage, screen.Env, *time.Time) {
	t.Helper()
	env := screentest.Env(t)
	now := screentest.Now()
	env.Now = func() time.Time { return now }
	env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("a", "arn:1"), worker("b\x1b[31m", "arn:1"), worker("c", "arn:2")}}
	s := stage{make(chan struct{}), make(chan struct{})}
	requests := env.Requests()
	return pausing.New(env, s, requests), requests, s, env, &now
}

// ask presses P on a worker.
func ask(t *testing.T, p *pausing.Pauser, w *aws.Worker) screen.Confirm {
	t.Helper()
	q, ok := p.Action(w, "").Run()().(screen.Confirm)
	if !ok {
		t.Fatal("it does not ask")
	}
	return q
}

func TestTheQuestionNamesWhoStopsAsWell(t *testing.T) {
	t.Parallel()
	p, _, _, env := setUp(t)
	q := ask(t, p, &env.Data.Inventory.Workers[0])
	text := strings.Join(q.Lines, "\n")
	if !strings.Contains(text, "b reads the same queue, and is resumed with it") || strings.Contains(text, "c reads") || strings.ContainsRune(text, '\x1b') || !strings.Contains(text, "its depth is not known") {
		t.Errorf("it says:\n%s", text)
	}
	if q.Title != "Resume a?" || q.Command != "aiwctl workers resume a" {
		t.Errorf("it asks %+v", q)
	}
}

// The screen is busy until AWS has taken the change over, and no longer: then leaving
// costs nothing.
func TestBusyUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	p, requests, s, env := setUp(t)
	w := &env.Data.Inventory.Workers[0]
	first := ask(t, p, w).Write("")
	if p.Busy() != "resume a" || p.State(w) != "" {
		t.Errorf("busy with %q, state %q", p.Busy(), p.State(w))
	}
	if again := p.Action(w, ""); again.Refused != "a is being resumed already" {
		t.Errorf("a second one is refused with %q", again.Refused)
	}
	close(s.accept)
	reply := first().(screen.Reply)
	next, _ := requests.Take(reply)
	if _, ours := p.Update(reply); !ours || p.Busy() != "" || p.State(w) != "Enabling" {
		t.Errorf("accepted: busy with %q, state %q", p.Busy(), p.State(w))
	}
	if _, ours := p.Update(screen.Reply{Purpose: "jobs"}); ours {
		t.Error("a reply about something else was taken")
	}
	requests.Close() // the screen is left: AWS goes on
	if msg := next(); msg != nil {
		if r, ok := msg.(screen.Reply); ok && r.Err == nil {
			t.Errorf("after Close came %+v", r)
		}
	}
}

// A result that the reading never shows is forgotten.
func TestAResultIsForgotten(t *testing.T) {
	t.Parallel()
	p, requests, s, env, clock := setUpAt(t)
	close(s.accept)
	close(s.finish)
	w := &env.Data.Inventory.Workers[0]
	cmd := ask(t, p, w).Write("")
	for cmd != nil {
		msg, ok := cmd().(screen.Reply)
		if !ok {
			break
		}
		next, live := requests.Take(msg)
		if live {
			p.Update(msg)
		}
		cmd = next
	}
	if p.State(w) != "Enabled" || p.Action(w, "").Label != "pause worker" {
		t.Errorf("state %q, %s", p.State(w), p.Action(w, "").Label)
	}
	*clock = clock.Add(2 * time.Minute)
	if p.State(w) != "" || p.Action(w, "").Label != "resume worker" {
		t.Errorf("later: state %q, %s", p.State(w), p.Action(w, "").Label)
	}
}
