package replay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/replay"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a dead-letter queue in memory, whose moves wait where they are told to.
type engine struct {
	chosen    []redrive.Chosen
	selectErr error
	missing   []string
	warnings  []string
	states    []*journal.State
	needs     aws.Protected
	moveErr   error

	// steps has what a move does: each is a result, a state in words, or a channel that it
	// waits for.
	steps  []any
	report redrive.Report
	err    error

	mu        sync.Mutex
	choices   []redrive.Choice
	checks    []redrive.Choice
	replays   []redrive.Replay
	deletes   []redrive.Delete
	tasks     []redrive.MoveTask
	resumed   []string
	confirmed []string
}

func (e *engine) Select(_ context.Context, w aws.Worker, c redrive.Choice) (*redrive.Selection, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.choices = append(e.choices, c)
	if e.selectErr != nil {
		return nil, e.selectErr
	}
	sel := redrive.Selected(w, e.chosen...)
	sel.Missing, sel.Warnings = e.missing, e.warnings
	return sel, nil
}

func (e *engine) Recheck(_ context.Context, s *redrive.Selection, c redrive.Choice) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checks = append(e.checks, c)
	if c.NewJobIDs {
		s.Blocked = nil
	}
	return nil
}

func (e *engine) move(ctx context.Context, onResult func(redrive.Result), onState func(string)) (redrive.Report, error) {
	stage, _ := aws.Confirmed(ctx)
	e.mu.Lock()
	e.confirmed = append(e.confirmed, stage)
	e.mu.Unlock()
	for _, step := range e.steps {
		switch step := step.(type) {
		case redrive.Result:
			onResult(step)
		case string:
			onState(step)
		case chan struct{}:
			select {
			case <-step:
			case <-ctx.Done():
				report := e.report
				report.Unfinished, report.Journal = true, "/state/replays/20260302-030405-abcdef.jsonl"
				return report, &redrive.PartialError{Verb: "replay", Queue: "aiw-orders-dlq-demo", Report: report, Cause: ctx.Err()}
			}
		}
	}
	return e.report, e.err
}

func (e *engine) Replay(ctx context.Context, r redrive.Replay) (redrive.Report, error) {
	e.mu.Lock()
	e.replays = append(e.replays, r)
	e.mu.Unlock()
	return e.move(ctx, r.OnResult, r.OnState)
}

func (e *engine) Delete(ctx context.Context, d redrive.Delete) (redrive.Report, error) {
	e.mu.Lock()
	e.deletes = append(e.deletes, d)
	e.mu.Unlock()
	return e.move(ctx, d.OnResult, func(string) {})
}

func (e *engine) MoveTask(_ context.Context, t redrive.MoveTask) (redrive.Report, error) {
	e.mu.Lock()
	e.tasks = append(e.tasks, t)
	e.mu.Unlock()
	t.OnProgress(500, 20_000)
	return e.report, e.moveErr
}

func (e *engine) Resume(ctx context.Context, r redrive.Resume) (redrive.Report, error) {
	e.mu.Lock()
	e.resumed = append(e.resumed, r.Path)
	e.mu.Unlock()
	return e.move(ctx, r.OnResult, r.OnState)
}

func (e *engine) Unfinished() ([]*journal.State, error) { return e.states, nil }
func (e *engine) Dir() (string, error)                  { return "/state/replays", nil }
func (e *engine) Protected(...string) aws.Protected     { return e.needs }

func id(i int) string { return fmt.Sprintf("5f3c%04d-8d1e-4b2a-9c3d-0123456789ab", i) }

func deadJob(i int) *letter.Letter {
	job := fmt.Sprintf("job-%d", i)
	return &letter.Letter{
		ID: id(i), Body: `{"jobId":"` + job + `"}`, SentAt: screentest.Now().Add(-time.Duration(i) * time.Hour), ReceiveCount: 3,
		Message: &dispatch.Message{WorkerID: "orders", JobID: job, Input: []byte(`{}`)},
	}
}

// jobs are three that are to be replayed: one edited, one that would die again.
func jobs() []redrive.Chosen {
	edited := *deadJob(2)
	return []redrive.Chosen{
		{Letter: deadJob(1)},
		{Letter: deadJob(2), Edit: &edited},
		{Letter: deadJob(3), Problems: []check.Problem{{Kind: check.KindInvalidInput, Blocks: true, Text: "input does not fit the schema of orders: /url must be a string"}}},
	}
}

func ask() screen.PlanReplay {
	edited := *deadJob(2)
	return screen.PlanReplay{WorkerID: "orders", IDs: []string{id(1), id(2), id(3)}, Edited: []letter.Letter{edited}, Chosen: "3 marked"}
}

func env(t testing.TB, dead int) screen.Env {
	t.Helper()
	e := screentest.Env(t)
	worker := func(name string) aws.Worker {
		return aws.Worker{
			ID:    name,
			Queue: &aws.Queue{Name: "aiw-" + name + "-demo", URL: "http://127.0.0.1:4566/000000000000/aiw-" + name + "-demo"},
			DLQ:   &aws.Queue{Name: "aiw-" + name + "-dlq-demo", URL: "http://127.0.0.1:4566/000000000000/aiw-" + name + "-dlq-demo", Depth: aws.Depth{Visible: dead}},
		}
	}
	e.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{worker("orders"), worker("echo")}}
	return e
}

// person is somebody at one screen.
type person struct {
	*screentest.Person
	t *testing.T
	s *replay.Screen
}

func open(t *testing.T, s *replay.Screen, width, height int) *person {
	t.Helper()
	return &person{screentest.Drive(t, s, width, height), t, s}
}

func newReplay(t *testing.T, e *engine, a screen.PlanReplay, dead int) *replay.Screen {
	return replay.New(env(t, dead), e, a)
}

var errDenied = errors.New("look into \"aiw-orders-dlq-demo\": access denied: sqs:ReceiveMessage is missing from role ops-read")
