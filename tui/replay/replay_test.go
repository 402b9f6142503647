package replay_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/tui/replay"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func replayed(i int) redrive.Result {
	return redrive.Result{ID: id(i), JobID: fmt.Sprintf("job-%d", i), Status: redrive.StatusReplayed, NewID: "new-" + id(i), To: "aiw-orders-demo"}
}

func skipped(i int) redrive.Result {
	return redrive.Result{ID: id(i), JobID: fmt.Sprintf("job-%d", i), Status: redrive.StatusSkipped, Error: "input does not fit the schema of orders: /url must be a string; edit the input"}
}

func failed(i int) redrive.Result {
	return redrive.Result{ID: id(i), JobID: fmt.Sprintf("job-%d", i), Status: redrive.StatusFailed, Error: "send to aiw-orders-demo: throttled"}
}

// written is a journal of a replay that was killed half-way.
func written(t *testing.T) *journal.State {
	t.Helper()
	dir := t.TempDir()
	j, err := journal.Create(dir, journal.Header{
		ID: "20260302-000405-abcdef", Kind: "replay", Time: screentest.Now().Add(-3 * time.Hour), Worker: "orders",
		Queue: "aiw-orders-dlq-demo", Count: 12, Stage: "demo", Region: "us-east-1", Request: []byte(`{}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []journal.Record{
		{Try: []journal.Pair{{"a", "r"}, {"b", "r"}, {"c", "r"}}}, {Sent: []journal.Pair{{"a", "x"}, {"b", "y"}}}, {Deleted: []string{"a"}},
	} {
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	at := screentest.Now().Add(-3 * time.Hour)
	if err := os.Chtimes(j.Path(), at, at); err != nil {
		t.Fatal(err)
	}
	st, err := journal.Read(filepath.Clean(j.Path()))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestGolden(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	two := 2
	partial := func(report redrive.Report, cause error) error {
		return &redrive.PartialError{Verb: "replay", Queue: "aiw-orders-dlq-demo", Report: report, Cause: cause}
	}
	done := redrive.Report{Replayed: 2, Skipped: 1, Journal: "/home/ops/.local/state/aiwctl/replays/20260302-030405-abcdef.jsonl"}
	states := map[string]struct {
		engine *engine
		ask    screen.PlanReplay
		dead   int
		keys   string
		early  bool
		resume bool
	}{
		"looking":   {engine: &engine{}, ask: ask(), early: true},
		"denied":    {engine: &engine{selectErr: errDenied}, ask: ask()},
		"nothing":   {engine: &engine{}, ask: ask()},
		"plan":      {engine: &engine{chosen: jobs(), warnings: []string{"the event source mapping is disabled: nothing runs what is sent"}}, ask: ask()},
		"options":   {engine: &engine{chosen: jobs()}, ask: ask(), keys: "right right j right right j right j space j right j space"},
		"typing":    {engine: &engine{chosen: jobs()}, ask: ask(), keys: "e f a s t enter"},
		"messages":  {engine: &engine{chosen: jobs()}, ask: ask(), keys: "tab"},
		"all":       {engine: &engine{}, ask: screen.PlanReplay{WorkerID: "orders", All: true, Chosen: "all that are in the queue when it begins, seen here or not"}, dead: 20_000},
		"native":    {engine: &engine{}, ask: screen.PlanReplay{WorkerID: "orders", All: true}, dead: 20_000, keys: "G space"},
		"delete":    {engine: &engine{chosen: jobs()}, ask: screen.PlanReplay{WorkerID: "orders", IDs: []string{id(1), id(2), id(3)}, Delete: true}},
		"progress":  {engine: &engine{chosen: jobs(), steps: []any{replayed(1), skipped(3), wait}}, ask: ask(), keys: "enter yes"},
		"canary":    {engine: &engine{chosen: jobs(), steps: []any{replayed(1), replayed(2), "canary: 1 of 2 done", wait}}, ask: ask(), keys: "j right right enter yes"},
		"watch":     {engine: &engine{chosen: jobs(), steps: []any{replayed(1), replayed(2), skipped(3), "watching for 1m30s more: 1 in the dead-letter queue", wait}}, ask: ask(), keys: "enter yes"},
		"cancelled": {engine: &engine{chosen: jobs(), report: redrive.Report{Replayed: 1}, steps: []any{replayed(1), wait}}, ask: ask(), keys: "enter yes X"},
		"done":      {engine: &engine{chosen: jobs()[:2], report: redrive.Report{Replayed: 2, Journal: done.Journal, CameBack: new(int)}, steps: []any{replayed(1), replayed(2)}}, ask: ask(), keys: "enter yes"},
		"partly": {engine: &engine{
			chosen: jobs(), report: redrive.Report{Replayed: 1, Skipped: 1, Failed: 1, MaybeTwice: 1, Journal: done.Journal, Unfinished: true, Warnings: []string{"3 messages of \"aiw-orders-dlq-demo\" are in flight elsewhere"}},
			steps: []any{replayed(1), failed(2), skipped(3)}, err: partial(redrive.Report{Replayed: 1, Skipped: 1, Failed: 1}, nil),
		}, ask: ask(), keys: "enter yes"},
		"came-back": {engine: &engine{
			chosen: jobs(), report: redrive.Report{Replayed: 3, CameBack: &two, Journal: done.Journal},
			steps: []any{replayed(1), replayed(2), replayed(3), redrive.Result{ID: id(1), Status: redrive.StatusCameBack}, redrive.Result{ID: id(3), Status: redrive.StatusCameBack}},
			err:   partial(redrive.Report{Replayed: 3, CameBack: &two}, nil),
		}, ask: ask(), keys: "enter yes f"},
		"canary-died": {engine: &engine{
			chosen: jobs(), report: redrive.Report{Replayed: 1, Journal: done.Journal, Unfinished: true}, steps: []any{replayed(1)},
			err: partial(redrive.Report{Replayed: 1}, &redrive.CanaryError{Sent: 1, Bad: []redrive.Result{{JobID: "job-1", Error: "came back"}}}),
		}, ask: ask(), keys: "j right enter yes"},
		"deleted": {engine: &engine{
			chosen: jobs()[:1], report: redrive.Report{Replayed: 1, Export: "/home/ops/.local/state/aiwctl/exports/aiw-orders-dlq-demo-20260302-030405.jsonl"},
			steps: []any{redrive.Result{ID: id(1), JobID: "job-1", Status: redrive.StatusDeleted}},
		}, ask: screen.PlanReplay{WorkerID: "orders", IDs: []string{id(1)}, Delete: true}, keys: "enter yes"},
		"resume":         {engine: &engine{states: []*journal.State{written(t)}}, resume: true},
		"resume-nothing": {engine: &engine{}, resume: true},
		"resume-running": {engine: &engine{states: []*journal.State{written(t)}, report: redrive.Report{Before: 1}, err: fmt.Errorf("open the journal: %w", journal.ErrRunning)}, resume: true, keys: "enter yes"},
	}
	for name, state := range states {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := engine{
						chosen: state.engine.chosen, selectErr: state.engine.selectErr, warnings: state.engine.warnings, states: state.engine.states,
						report: state.engine.report, err: state.engine.err,
					}
					for _, step := range state.engine.steps { // a channel of the bubble's own
						if _, waits := step.(chan struct{}); waits {
							step = make(chan struct{})
						}
						e.steps = append(e.steps, step)
					}
					s := replay.New(env(t, state.dead), &e, state.ask)
					if state.resume {
						s = replay.Interrupted(env(t, 0), &e, screen.OpenReplay{})
					}
					w, h := size[0], size[1]-5
					if state.early {
						t.Cleanup(s.Close)
						s.Update(screen.Resized{Width: w, Height: h})
						s.Init()
					} else {
						open(t, s, w, h).Press(state.keys)
					}
					screentest.Golden(t, fmt.Sprintf("%s-%d", name, w), s.View(w, h), w, h)
				})
			})
		}
	}
}

// in runs a test of one screen in a bubble.
func in(t *testing.T, e *engine, a screen.PlanReplay, dead int, fn func(*person)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fn(open(t, newReplay(t, e, a, dead), 120, 35))
	})
}

func (p *person) frame() string { return ansi.Strip(p.s.View(120, 35)) }

func (p *person) says(texts ...string) {
	p.t.Helper()
	frame := p.frame()
	for _, text := range texts {
		if !strings.Contains(frame, text) {
			p.t.Errorf("the screen does not say %q:\n%s", text, frame)
		}
	}
}

func TestNothingMovesBeforeSomebodyAgrees(t *testing.T) {
	t.Parallel()
	e := &engine{chosen: jobs(), steps: []any{replayed(1), replayed(2), skipped(3)}, report: redrive.Report{Replayed: 2, Skipped: 1}}
	in(t, e, ask(), 3, func(p *person) {
		p.Press("enter")
		if len(e.replays) != 0 {
			t.Fatal("messages were moved before anybody agreed")
		}
		question := p.Asks[0]
		text := question.Title + "\n" + strings.Join(question.Lines, "\n")
		for _, want := range []string{"Replay 2 messages of orders?", "demo in us-east-1 at 127.0.0.1:4566, account 000000000000", "aiw-orders-dlq-demo", "aiw-orders-demo", "1 more would die again", "1 message as edited"} {
			if !strings.Contains(text, want) {
				t.Errorf("the question does not say %q:\n%s", want, text)
			}
		}
		if question.Verb != "Replay 2" || question.Write == nil || question.Protected != nil {
			t.Errorf("asked %+v", question)
		}
		c := e.choices[0]
		if len(c.IDs) != 3 || len(c.Edited) != 1 || !c.Check {
			t.Errorf("chosen by %+v, want the ids with their edit, checked", c)
		}
		p.Press("yes")
		if len(e.replays) != 1 || e.replays[0].Selection == nil || e.replays[0].Force {
			t.Errorf("replayed %+v, want what was held", e.replays)
		}
		p.says("2 messages replayed, 1 skipped", "✓ replayed", "– skipped: input does not fit")
	})
}

func TestEveryOptionReachesTheEngine(t *testing.T) {
	t.Parallel()
	e := &engine{chosen: jobs(), report: redrive.Report{Replayed: 3}}
	in(t, e, ask(), 3, func(p *person) {
		p.Press("right right j right j right right j space j right j space")
		p.says("5/s", "1 message", "1m0s", "new job ids  yes", "aiw-echo-demo", "force        yes")
		p.says("--canary 1 --watch 1m0s --new-job-id")
		if last := e.checks[len(e.checks)-1]; !last.NewJobIDs || !strings.HasSuffix(last.To, "aiw-echo-demo") {
			t.Errorf("checked again as %+v", last)
		}
		p.Press("enter yes")
		r := e.replays[0]
		if r.Rate != 5 || r.Canary != 1 || r.Watch != time.Minute || !r.NewJobIDs || !strings.HasSuffix(r.To, "/aiw-echo-demo") || !r.Force {
			t.Errorf("replayed as %+v", r)
		}
	})
}

func TestWhatIsTypedIsCheckedAndKept(t *testing.T) {
	t.Parallel()
	e := &engine{chosen: jobs(), report: redrive.Report{Replayed: 3}}
	in(t, e, ask(), 3, func(p *person) {
		p.Press("e x enter")
		p.says("✗ write it as 50/s or 600/m", "x")
		p.Press("backspace 6 0 0 / m enter")
		p.says("10/s")
		p.Press("j j j j e n o n e enter")
		p.says(`the stage has no worker and no queue "none"`)
		p.Press("esc e e c h o enter")
		p.says("aiw-echo-demo")
		p.Press("enter yes")
		if r := e.replays[0]; r.Rate != 10 || !strings.HasSuffix(r.To, "/aiw-echo-demo") {
			t.Errorf("replayed as %+v", r)
		}
	})
}

func TestAReplayCanBeStoppedAndGoneOnWith(t *testing.T) {
	t.Parallel()
	st := written(t)
	synctest.Test(t, func(t *testing.T) {
		e := &engine{chosen: jobs(), steps: []any{replayed(1), make(chan struct{})}, report: redrive.Report{Replayed: 1}, states: []*journal.State{st}}
		p := open(t, newReplay(t, e, ask(), 3), 120, 35)
		p.Press("enter yes")
		if busy := p.s.Busy(); busy != "a replay of 3 messages of orders" {
			t.Errorf("busy with %q", busy)
		}
		if done, total := p.s.Progress(); done != 1 || total != 3 {
			t.Errorf("%d of %d in the tab", done, total)
		}
		p.Press("X")
		p.says("! stopped: 1 message replayed", "R goes on where it ended")
		if p.s.Busy() != "" {
			t.Error("it is over, and the screen is busy")
		}
		last := p.lastTask()
		if !last.Done || last.Err != nil || last.Text != "replayed 1 message of orders, then stopped" {
			t.Errorf("the last word is %+v", last)
		}
		e.steps = []any{replayed(2)}
		p.Press("R")
		p.says("was interrupted 3h ago", "not known", "aiwctl dlq resume 20260302-000405-abcdef")
		p.Press("enter")
		if len(e.resumed) != 0 {
			t.Fatal("it went on before anybody agreed")
		}
		p.Press("yes")
		if len(e.resumed) != 1 || e.resumed[0] != "/state/replays/20260302-000405-abcdef.jsonl" {
			t.Errorf("resumed %v", e.resumed)
		}
		p.says("✓ replayed")
	})
}

// Who stops a replay with a rate stops it while messages wait for their turn. They are
// where they were, as those behind them are: nothing failed.
func TestWhatAStopDidNotReachHasNotFailed(t *testing.T) {
	t.Parallel()
	waiting := redrive.Result{ID: jobs()[1].ID, Status: redrive.StatusFailed, Error: "it was not reached"}
	synctest.Test(t, func(t *testing.T) {
		e := &engine{
			chosen: jobs(), steps: []any{replayed(1), waiting, make(chan struct{})},
			report: redrive.Report{Replayed: 1, Failed: 1, Problems: []redrive.Result{waiting}, Unfinished: true},
		}
		p := open(t, newReplay(t, e, ask(), 3), 120, 35)
		p.Press("enter yes X")
		p.says("! stopped: 1 message replayed ", "– left where it is", "R goes on where it ended")
		for _, word := range []string{"✗", "1 failed", "canceled"} {
			if frame := p.frame(); strings.Contains(frame, word) {
				t.Errorf("a stop is told as a failure, %q:\n%s", word, frame)
			}
		}
		if last := p.lastTask(); last.Err != nil || last.Text != "replayed 1 message of orders, then stopped" {
			t.Errorf("the last word is %+v", last)
		}
	})
}

func (p *person) lastTask() (last screen.Task) {
	for _, msg := range p.Out {
		if task, ok := msg.(screen.Task); ok {
			last = task
		}
	}
	return last
}

func TestEveryScreenIsToldWhatBecameOfEachMessage(t *testing.T) {
	t.Parallel()
	e := &engine{chosen: jobs(), steps: []any{replayed(1), failed(2)}, report: redrive.Report{Replayed: 1, Failed: 1}, err: &redrive.PartialError{Report: redrive.Report{Failed: 1}}}
	in(t, e, ask(), 3, func(p *person) {
		p.Press("enter yes")
		var fates []screen.Fate
		refreshed := false
		for _, msg := range p.Out {
			switch msg := msg.(type) {
			case screen.Fates:
				fates = append(fates, msg.Fates...)
			case screen.Refresh:
				refreshed = true
			}
		}
		if len(fates) != 2 || fates[0].NewMessageID != "new-"+id(1) || fates[1].Status != redrive.StatusFailed || !refreshed {
			t.Errorf("told of %+v, refreshed %v", fates, refreshed)
		}
		if last := p.lastTask(); last.Err == nil {
			t.Errorf("the last word is %+v, want the failure", last)
		}
	})
}

func TestTheResultOpensTheJob(t *testing.T) {
	t.Parallel()
	renamed := replayed(1)
	renamed.NewJobID = "job-new"
	e := &engine{chosen: jobs()[:1], steps: []any{renamed}, report: redrive.Report{Replayed: 1, Journal: "/state/j.jsonl"}}
	in(t, e, screen.PlanReplay{WorkerID: "orders", IDs: []string{id(1)}}, 1, func(p *person) {
		p.Press("enter yes enter")
		job, ok := p.Out[len(p.Out)-1].(screen.OpenJob)
		if !ok || job.JobID != "job-new" || job.WorkerID != "orders" {
			t.Errorf("enter asked for %#v, want the job under its new id", p.Out[len(p.Out)-1])
		}
		p.Press("Y")
		if got := p.Out[len(p.Out)-1]; got != (screen.Copy{What: "the journal's path", Text: "/state/j.jsonl"}) {
			t.Errorf("Y asked for %#v", got)
		}
	})
}

func TestLeavingAPlanLetsGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{chosen: jobs()}
		p := open(t, newReplay(t, e, ask(), 3), 80, 19)
		p.s.Close() // the bubble ends only when nothing is left behind
		p.Pass(time.Second)
		if len(e.replays) != 0 {
			t.Error("leaving moved something")
		}
	})
}

func TestHugeQueuesAreNotLookedAtFirst(t *testing.T) {
	t.Parallel()
	e := &engine{report: redrive.Report{Replayed: 20_000}}
	all := screen.PlanReplay{WorkerID: "orders", All: true}
	in(t, e, all, 20_000, func(p *person) {
		p.says("about 20,000 messages", "so many go faster by AWS itself")
		if len(e.choices) != 0 {
			t.Error("twenty thousand messages were received for a plan")
		}
		p.Press("enter yes")
		if len(e.replays) != 1 || !e.replays[0].All {
			t.Errorf("replayed %+v", e.replays)
		}
	})
	e = &engine{moveErr: fmt.Errorf("%w: the queue is FIFO", redrive.ErrNoMoveTask)}
	in(t, e, all, 20_000, func(p *person) {
		p.Press("G space j right enter")
		if text := strings.Join(p.Asks[0].Lines, "\n"); !strings.Contains(text, "AWS moves everything that is there") {
			t.Errorf("asked with %s", text)
		}
		p.Press("yes")
		if len(e.tasks) != 1 || e.tasks[0].Rate != 1 {
			t.Errorf("tasks: %+v", e.tasks)
		}
		p.says("the queue is FIFO")
	})
}

func TestDeletingKeepsACopy(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"": "", "space ": redrive.NoExport} {
		e := &engine{chosen: jobs(), report: redrive.Report{Replayed: 3}}
		in(t, e, screen.PlanReplay{WorkerID: "orders", IDs: []string{id(1), id(2), id(3)}, Delete: true}, 3, func(p *person) {
			p.Press(keys + "enter yes")
			if len(e.deletes) != 1 || e.deletes[0].Export != want || e.deletes[0].Selection == nil || e.choices[0].Check {
				t.Errorf("deleted %+v", e.deletes)
			}
			if kept := strings.Contains(strings.Join(p.Asks[0].Lines, " "), "gone for good"); kept != (want != "") {
				t.Errorf("asked with %v", p.Asks[0].Lines)
			}
		})
	}
}

func TestAQueueOfAnotherProtectedStageWantsItsName(t *testing.T) {
	t.Parallel()
	e := &engine{chosen: jobs(), needs: aws.Protected{Needed: true, Name: "prod", Why: "the queue's name"}}
	in(t, e, ask(), 3, func(p *person) {
		p.Press("enter")
		if got := p.Asks[0].Protected; got == nil || got.Name != "prod" {
			t.Errorf("protected by %+v", got)
		}
		p.Agree("prod")
		p.Pass(time.Second)
		if len(e.confirmed) != 1 || e.confirmed[0] != "prod" {
			t.Errorf("confirmed with %v", e.confirmed)
		}
	})
}

func TestAFailedPlanCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	e := &engine{selectErr: errDenied, chosen: jobs()}
	in(t, e, ask(), 3, func(p *person) {
		p.says("access denied")
		p.Send(screen.DataChanged{})
		p.Pass(time.Second)
		if len(e.choices) != 1 {
			t.Error("a plan that failed was made again by itself: looking is not free")
		}
		e.selectErr = nil
		p.Press("r")
		p.says("3 messages of orders")
		p.Press("r") // what the first plan holds is let go before the second looks
		p.says("3 messages of orders")
		if len(e.choices) != 3 {
			t.Errorf("%d looks", len(e.choices))
		}
	})
}

func TestAnySizeIsDrawnWhole(t *testing.T) {
	t.Parallel()
	for _, keys := range []string{"", "tab", "tab / x", "e x", "enter yes", "enter yes f / x"} {
		e := &engine{
			chosen: jobs(), warnings: []string{"one", "two", "three", "four"}, steps: []any{replayed(1), failed(2)},
			report: redrive.Report{Replayed: 1, Failed: 1, Journal: "/j", Export: "/e", Unfinished: true, Warnings: []string{"one", "two", "three"}}, err: errDenied,
		}
		in(t, e, ask(), 3, func(p *person) {
			p.Press(keys)
			for _, size := range [][2]int{{60, 10}, {61, 11}, {109, 10}, {110, 10}, {110, 16}, {160, 10}, {300, 80}, {60, 60}} {
				p.Send(screen.Resized{Width: size[0], Height: size[1]})
				screentest.Frame(t, p.s.View(size[0], size[1]), size[0], size[1])
			}
		})
	}
}

func TestWaitsForTheStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{chosen: jobs()}
		is := env(t, 3)
		inventory := is.Data.Inventory
		is.Data.Inventory = nil
		s := replay.New(is, e, ask())
		p := open(t, s, 120, 35)
		if len(e.choices) != 0 {
			t.Fatal("it looked before it knew where")
		}
		is.Data.Inventory = inventory
		p.Send(screen.DataChanged{})
		p.Pass(time.Second)
		p.says("3 messages of orders")
	})
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	evil := "\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\u202e\u009b31m\x00\ttext"
	list := jobs()
	list[0].Message.JobID = evil
	list[2].Problems[0].Text = evil
	bad := failed(1)
	bad.Error, bad.JobID, bad.NewJobID = evil, evil, evil
	for _, mono := range []bool{false, true} {
		for _, width := range []int{60, 120, 200} {
			synctest.Test(t, func(t *testing.T) {
				e := &engine{chosen: list, warnings: []string{evil}, steps: []any{bad, evil}, report: redrive.Report{Failed: 1, Warnings: []string{evil}, Journal: evil}, err: errors.New(evil)}
				is := env(t, 3)
				if mono {
					*is.Theme = *theme.NewMono(true)
				}
				s := replay.New(is, e, screen.PlanReplay{WorkerID: "orders", IDs: []string{evil, id(1)}, Chosen: evil})
				p := open(t, s, width, 30)
				screentest.Frame(t, s.View(width, 30), width, 30)
				p.Press("enter yes")
				screentest.Frame(t, s.View(width, 30), width, 30)
				s.Update(screen.ThemeChanged{})
				s.Update(screen.Tick{Now: screentest.Now()})
				screentest.Frame(t, s.View(width, 30), width, 30)
			})
		}
	}
}
