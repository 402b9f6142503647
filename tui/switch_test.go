package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/stages"
)

func titles(m *Model) string {
	var all []string
	for _, o := range m.stack {
		all = append(all, o.screen.Title())
	}
	return strings.Join(all, " > ")
}

func to(stage string) screen.SwitchStage {
	return screen.SwitchStage{Choice: screen.Choice{Stage: stage}}
}

// The screens that were open are open on the other stage, in the same order, and of
// the one that was left nothing is to be seen, not even in the first frame.
func TestSwitchKeepsTheView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := openWorld(t, 120, 30)
		c.press("wait", "x", "wait")
		c.send(screen.OpenLogs{WorkerIDs: []string{"fail"}})
		c.pass(time.Second)
		want := titles(c.m)
		stage, data := c.m.env.Stage, c.m.env.Data
		c.send(to("live"))
		seen := 0
		for c.m.env.Stage == stage { // message by message, until the one that goes over
			if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "demo") {
				t.Fatalf("the old stage was left before the new one answered:\n%s", frame)
			}
			c.send(<-c.msgs)
			if seen++; seen > 100 {
				t.Fatal("it never went over")
			}
		}
		frame := ansi.Strip(c.frame())
		for _, old := range []string{"demo ·", "us-east-1", "127.0.0.1", "orders", "1,204", "000000000000", "dead 9"} {
			if strings.Contains(frame, old) {
				t.Errorf("the first frame still says %q:\n%s", old, frame)
			}
		}
		if got := titles(c.m); got != want {
			t.Errorf("on %s, want %s", got, want)
		}
		if c.m.env.Data == data {
			t.Error("the data is the old stage's")
		}
		c.pass(2 * time.Second)
		c.press("q", "q")
		c.says("after a while", "live", "eu-central-1", "invoices")
		if c.m.env.Stage.Account == "" {
			t.Error("the account was never asked for")
		}
	})
}

// Whatever comes late from the stage that was left is dropped.
func TestSwitchDropsWhatComesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := openWorld(t, 120, 30)
		c.press("wait", "x", "wait")
		var old []screen.ID
		for _, o := range c.m.stack {
			old = append(old, o.id)
		}
		source := c.m.sourceID
		asks := c.m.stamp(screen.Send(screen.Confirm{Title: "Replay on the old stage?", Verb: "Replay"}))
		starts := c.m.stamp(screen.Send(screen.Task{ID: "9", Text: "replay of the old stage"}))
		fails := c.m.stamp(screen.Send(screen.Task{ID: "8", Text: "replay orders", Done: true, Err: errors.New("denied")}))
		c.send(to("live"))
		c.pass(3 * time.Second)
		inventory := c.m.env.Data.Inventory
		for gen := range uint64(20) {
			for _, purpose := range []string{"discover", "refresh", "identity", "metrics", "clock"} {
				c.send(screen.Reply{Owner: source, Purpose: purpose, Gen: gen, Payload: &aws.Inventory{Workers: newStage().workers}})
			}
			for _, id := range old {
				c.send(screen.Reply{Owner: id, Purpose: "look", Gen: gen, Err: errors.New("of the old stage")})
			}
		}
		if c.m.env.Data.Inventory != inventory {
			t.Error("a reading of the old stage was taken for the new one's")
		}
		for _, cmd := range []tea.Cmd{asks, starts, fails} {
			c.send(cmd())
		}
		if len(c.m.dialogs) > 0 {
			t.Error("a person is asked about the stage that was left")
		}
		frame := ansi.Strip(c.frame())
		if strings.Contains(frame, "of the old stage") || !strings.Contains(frame, "replay orders (demo · us-east-1): denied") {
			t.Errorf("the task line does not say of which stage the failure is:\n%s", frame)
		}
	})
}

func TestSwitchThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w := openWorld(t, 120, 30)
		c.press("wait", "x", "wait")
		w.err = errors.New("the SSO session has expired")
		stack := titles(c.m)
		c.send(to("live"))
		c.pass(time.Second)
		c.says("after the failure", "demo", "connect to live: the SSO session has expired")
		if titles(c.m) != stack || c.m.env.Stage.Name != "demo" {
			t.Errorf("on %s of %s", titles(c.m), c.m.env.Stage.Name)
		}
		at := c.m.env.Data.At
		c.pass(10 * time.Second)
		if !c.m.env.Data.At.After(at) {
			t.Error("the old stage is not read any more")
		}
	})
}

func TestSwitchTakesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w := openWorld(t, 120, 30)
		c.press("wait")
		w.takes = time.Hour
		c.send(to("live"))
		at := c.m.env.Data.At
		c.pass(15 * time.Second)
		c.says("meanwhile", "connect to live")
		if !c.m.env.Data.At.After(at) {
			t.Error("the old stage is not read while the new one is connected to")
		}
		c.pass(10 * time.Second)
		c.says("after the timeout", "connect to live: ")
		if !c.m.switching.Since.IsZero() {
			t.Error("it is still connecting")
		}
	})
}

func TestSwitchGivenUp(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]time.Duration{"early": time.Minute, "late": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, w := openWorld(t, 120, 30)
				c.press("wait")
				w.takes = takes
				c.send(to("live"))
				synctest.Wait()
				c.send(screen.CancelSwitch{})
				c.pass(2 * time.Second)
				if c.m.env.Stage.Name != "demo" || c.m.visit != 1 {
					t.Errorf("on %s", c.m.env.Stage.Name)
				}
				w.takes = time.Second
				// A second one takes the first one's place.
				c.send(to("live"))
				c.send(to("qa"))
				c.pass(2 * time.Minute)
				if c.m.env.Stage.Name != "qa" || c.m.visit != 2 {
					t.Errorf("on %s after %d visits", c.m.env.Stage.Name, c.m.visit)
				}
			})
		})
	}
}

func TestSwitchAsksBeforeItInterrupts(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T) (*console, *fakeWorld) {
		w := &fakeWorld{takes: 500 * time.Millisecond}
		c := open(t, Config{Connect: w.connect, Backend: Backend{Redrive: fakeDead{hold: make(chan struct{})}}}, 120, 30)
		c.press("wait", "x", "wait", "R", "wait", "enter", "wait") // the plan, and the question before it begins
		return c, w
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := begin(t)
		c.press("y", "wait")
		c.send(to("live"))
		c.pass(2 * time.Second)
		c.says("while a replay goes on", "Go to live and interrupt it?", "a replay of 1 message of fail")
		c.press("enter", "wait", "wait")
		if c.m.env.Stage.Name != "demo" || len(busynessOf(c.m.stack)) == 0 {
			t.Fatal("Cancel went over")
		}
		c.send(to("live"))
		c.press("wait", "y", "wait", "wait")
		if c.m.env.Stage.Name != "live" || len(busynessOf(c.m.stack)) > 0 {
			t.Errorf("on %s, busy with %v", c.m.env.Stage.Name, busynessOf(c.m.stack))
		}
		if frame := ansi.Strip(c.frame()); strings.Contains(frame, "replay 1 message") {
			t.Errorf("the replay that was interrupted still goes on, it seems:\n%s", frame)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it begins while the stage is connected to
		c, w := begin(t)
		c.send(to("live"))
		c.press("y", "wait")
		if c.m.env.Stage.Name != "demo" {
			t.Fatal("a replay was interrupted, and nobody was asked")
		}
		c.says("when it was connected", "interrupt it?")
		if w.closed.Load() != 1 {
			t.Error("the stage that was connected to was not let go")
		}
	})
}

// The list of errors says of which stage each one was, also after that was left.
func TestErrorsOfSeveralStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWorld{}
		stage := newStage()
		stage.set(errors.New("connection refused"))
		c := open(t, Config{Connect: w.connect, Backend: Backend{Stage: stage}}, 120, 30)
		c.pass(3 * time.Minute)
		c.press("!")
		c.says("while it lasts", "read the stage", "times since", "demo · us-east-1", "still so")
		c.press("esc")
		c.send(to("live"))
		c.pass(time.Second)
		c.send(screen.Task{ID: "1", Text: "dispatch to orders", Done: true, Err: errors.New("denied")})
		c.press("!")
		c.says("on the other stage", "dispatch to orders live · eu-central-1", "demo · us-east-1", "over since")
	})
}

// A reading that fails again and again is one row; when it works again, the row says so
// without being opened anew.
func TestErrorsThatHeal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		c := open(t, Config{Backend: Backend{Stage: stage}}, 120, 30)
		c.press("wait")
		stage.set(errors.New("throttled, request id 11111111-2222-3333-4444-555555555555"))
		c.pass(2 * time.Minute)
		stage.set(errors.New("throttled, request id 21111111-2222-3333-4444-555555555555"))
		c.pass(2 * time.Minute)
		c.press("!")
		c.says("while it lasts", "still so")
		stage.set(errors.New("access denied"))
		c.pass(2 * time.Minute)
		c.says("for another reason", "access denied", "still so", "over since")
		stage.set(nil)
		c.pass(2 * time.Minute)
		c.silentAbout("when it is over", "still so")
		if n := strings.Count(ansi.Strip(c.frame()), "read the stage"); n != 2 {
			t.Errorf("%d rows, want one for each reason:\n%s", n, ansi.Strip(c.frame()))
		}
	})
}

// Going from stage to stage all day leaves nothing behind: no goroutine (synctest
// and goleak would tell), no backend, no screen.
func TestSwitchFiftyTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, w := openWorld(t, 120, 30)
		c.press("wait", "x", "wait")
		c.send(screen.OpenLogs{WorkerIDs: []string{"fail"}})
		for i := range 50 {
			c.send(to([]string{"live", "qa"}[i%2]))
			c.pass(time.Second)
		}
		if got := int(w.closed.Load()); got != 49 || len(w.opened) != 50 || c.m.visit != 51 {
			t.Errorf("%d opened, %d closed, %d visits", len(w.opened), got, c.m.visit)
		}
		if len(c.m.stack) != 3 || len(c.m.cfg.accounts) > 3 {
			t.Errorf("%d screens, %d accounts", len(c.m.stack), len(c.m.cfg.accounts))
		}
		calls := func() (n int) {
			for _, s := range w.opened[:49] {
				n += s.reads()
			}
			return n
		}
		before := calls()
		c.pass(time.Minute)
		if after := calls(); after != before {
			t.Errorf("the stages that were left were read %d times more", after-before)
		}
	})
}

// The same with stages as they are, over the SDK: nothing of one that was left asks AWS
// for anything any more.
func TestSwitchAmongRealStages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clouds := map[string]*cloud{"a": newCloud(t), "b": newCloud(t)}
		p := newProfile(t)
		backend := func(name string) Backend {
			s := clouds[name].stage(t, p)
			return Backend{Stage: s, Logs: logs.For(s), Redrive: redrive.New(s, redrive.Config{Dir: redrive.NoJournal})}
		}
		c := open(t, Config{Backend: backend("a"), Connect: func(_ context.Context, to screen.Choice) (Backend, error) { return backend(to.Stage), nil }}, 100, 30)
		c.send(screen.OpenLogs{WorkerIDs: []string{"orders"}})
		c.pass(5 * time.Second)
		seen := func(name string) (n int) {
			clouds[name].mu.Lock()
			defer clouds[name].mu.Unlock()
			for _, calls := range clouds[name].seen {
				n += calls
			}
			return n
		}
		for i := range 10 {
			here, left := "b", "a"
			if i%2 == 1 {
				here, left = left, here
			}
			c.send(to(here))
			c.pass(time.Second)
			before, read := seen(left), seen(here)
			c.pass(time.Minute)
			if after := seen(left); after != before {
				t.Errorf("the stage that was left was asked %d times more", after-before)
			}
			if seen(here) == read {
				t.Error("the stage that is shown is not read")
			}
		}
	})
}

func TestNoOtherStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 120, 30)
		c.press("wait")
		c.send(to("live"))
		c.pass(time.Second)
		c.says("without Connect", "this console has one stage only")
	})
}

// The picker, by its keys: a failure is read there, and success leaves it.
func TestSwitchByThePicker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeWorld{takes: 3 * time.Second}
		c := open(t, Config{Connect: w.connect, Choices: func(context.Context) (stages.Offer, error) {
			return stages.Offer{Exists: true, Stages: []stages.Stage{
				{Begun: true, Choice: screen.Choice{Begun: true}, Stage: "demo"},
				{Name: "live", Stage: "live", Choice: screen.Choice{Stage: "live"}, Protected: true},
			}}, nil
		}}, 100, 30)
		c.press("wait", "x", "wait")
		want := titles(c.m)
		c.send(screen.OpenStages{})
		c.pass(time.Second)
		c.says("at first", "demo (as begun)", "PROTECTED")
		c.send(screen.OpenStages{}) // asked for twice, it is there once
		w.err = errors.New("the SSO session has expired")
		c.press("G", "enter", "wait")
		c.says("meanwhile", "connecting to live", "esc give up")
		c.press("wait", "wait", "wait")
		c.says("after the failure", "live was not connected to; this stage stays", "the SSO session has expired")
		c.silentAbout("which the picker says", "connect to live")
		c.press("!")
		c.says("in the list of errors", "connect to live demo · us-east-1")
		c.press("esc")
		w.err = nil
		c.press("enter", "wait", "esc", "wait", "wait", "wait")
		if c.m.visit != 1 || titles(c.m) != want+" > Stages" {
			t.Fatalf("given up, and on %s after %d visits", titles(c.m), c.m.visit)
		}
		c.press("enter", "wait", "q", "wait", "wait", "wait") // whoever leaves the picker gives up
		if c.m.visit != 1 || titles(c.m) != want {
			t.Fatalf("left, and on %s after %d visits", titles(c.m), c.m.visit)
		}
		c.send(screen.OpenStages{})
		c.press("wait", "G", "enter", "wait", "wait", "wait", "wait")
		if c.m.visit != 2 || titles(c.m) != want {
			t.Fatalf("on %s after %d visits", titles(c.m), c.m.visit)
		}
		c.send(screen.OpenStages{})
		c.pass(time.Second)
		if r := ansi.Strip(c.frame()); !strings.Contains(r, "▌ live") || strings.Count(r, "000000000000") != 3 {
			t.Errorf("the picker does not begin on the stage that is shown, or forgot an account:\n%s", r)
		}
		c.press("g", "enter", "wait", "wait", "wait", "wait")
		if !c.m.cfg.current.Begun {
			t.Error("there is no way back")
		}
	})
}
