package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestPalettePaste(t *testing.T) {
	t.Parallel()
	for name, paste := range map[string]string{
		"alone":         "14f493c3-5926-4219-9233-ef86aa79c0f3",
		"with its line": "  14f493c3-5926-4219-9233-ef86aa79c0f3\r\n",
		"after job":     "job 14f493c3-5926-4219-9233-ef86aa79c0f3",
		"hostile":       "\x1b[2J14f493c3-5926-4219-9233-ef86aa79c0f3\x07",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 80, 24)
				c.press("wait", ":")
				c.send(tea.PasteMsg{Content: paste})
				c.frame()
				c.press("enter")
				only(c, screen.OpenJob{JobID: "14f493c3-5926-4219-9233-ef86aa79c0f3"})
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait", "?")
		c.send(tea.PasteMsg{Content: "quit"}) // the help takes none, nor does the screen below
		if c.m.visible().Typing() || c.quit {
			t.Error("a paste went through the help")
		}
	})
}

func TestPaletteCopiesTheCommand(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"logs orders":     "aiwctl logs orders -f",
		"dlq fail":        "aiwctl dlq peek fail",
		"worker slow":     "aiwctl workers describe slow",
		"job-17-abc":      "aiwctl job job-17-abc",
		"purge-all":       "aiwctl dlq delete orders --all",
		"history":         "aiwctl history",
		"dispatch o'hara": `aiwctl dispatch 'o'\''hara'`,
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stage := newStage()
				stage.workers[0].ID = "o'hara"
				c := open(t, Config{Backend: Backend{Stage: stage}}, 100, 30)
				c.press("wait")
				openDoer(t, c)
				c.press(":")
				c.typed(typed)
				c.says("under the list", "$ "+want)
				c.press("ctrl+y")
				only(c, screen.Copy{What: "the command", Text: want})
				if len(c.m.dialogs) != 1 {
					t.Error("copying closed the palette")
				}
			})
		})
	}
}

// Hostile names reach the frame, the input and the command harmless, and lead to the
// worker they belong to.
func TestPaletteHostile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		evil := "e\x1b]0;t\x07vil\x1b[2J\r\u202e"
		stage := newStage()
		stage.workers[1].ID = evil
		stage.workers[2].ID = "日本語-ワーカー\u0301"
		c := open(t, Config{Backend: Backend{Stage: stage}}, 60, 20)
		c.press("wait", ":")
		for _, keys := range []string{"", "d", "日"} {
			c.typed(keys)
			c.frame()
			c.press("tab")
			c.frame()
			c.press("ctrl+u")
		}
		c.typed("dead evil")
		c.frame()
		c.press("ctrl+y")
		if got := asked[screen.Copy](c); len(got) > 0 {
			t.Errorf("copied %q", got)
		}
		c.press("enter")
		only(c, screen.OpenDead{WorkerID: evil})
	})
}

// A tail's and a replay's replies are delivered while the palette is open, and the
// entries follow the stage with the cursor where it is.
func TestPaletteDisturbsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 100, 40)
		c.press("wait")
		d := openDoer(t, c)
		c.press(":")
		reply := screen.Reply{Owner: d.id, Purpose: "tail", Payload: "lines"}
		c.send(reply)
		if !d.saw(reply) {
			t.Error("a reply did not reach the screen behind the palette")
		}
		stage := newStage()
		c.typed("logs")
		c.press("down", "down")
		before := ansi.Strip(c.frame())
		more := append([]aws.Worker{{ID: "aaa"}, {ID: "bbb", Function: &aws.Function{}}}, stage.workers...)
		c.m.env.Data.Inventory = &aws.Inventory{Workers: more}
		c.m.broadcast(screen.DataChanged{})
		after := ansi.Strip(c.frame())
		if !strings.Contains(after, "logs bbb") {
			t.Errorf("new workers are not offered:\n%s", after)
		}
		if !strings.Contains(before, "▌ logs orders") || !strings.Contains(after, "▌ logs orders") {
			t.Errorf("the cursor moved by itself:\n%s\n%s", before, after)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 100, 30)
		c.press("wait")
		var tail *tailer
		c.m.openers.logs = func(env screen.Env, _ screen.OpenLogs) screen.Screen {
			tail = &tailer{requests: env.Requests()}
			return tail
		}
		c.send(screen.OpenLogs{})
		last := 0
		for _, keys := range []string{"wait", ":", "wait", "h e l p", "wait", "esc", "wait", "?", "wait", "/ j", "wait", "esc esc", "wait", "ctrl+p wait esc"} {
			c.press(strings.Fields(keys)...)
			c.pass(300 * time.Millisecond)
			if tail.lines <= last {
				t.Fatalf("nothing came after %q: %d lines", keys, tail.lines)
			}
			last = tail.lines
		}
		c.press("q")
	})
}

// tailer is a screen with a stream that goes on for a minute, a line every tenth of a
// second.
type tailer struct {
	probe
	requests *screen.Requests
	lines    int
}

func (s *tailer) Init() tea.Cmd {
	return s.requests.Stream("tail", func(ctx context.Context, emit func(any) error) error {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range 600 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := emit("line"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *tailer) Update(msg tea.Msg) tea.Cmd {
	reply, ok := msg.(screen.Reply)
	if !ok {
		return nil
	}
	next, live := s.requests.Take(reply)
	if live {
		s.lines++
	}
	return next
}

func (s *tailer) Close() { s.requests.Close() }

// manyWorkers is a stage of n workers.
func manyWorkers(n int) *fakeStage {
	stage := newStage()
	first := stage.workers[2]
	stage.workers = nil
	for i := range n {
		w := first
		w.ID = fmt.Sprintf("tenant-%03d-%s", i, []string{"orders", "invoices", "emails", "thumbnails", "search-index"}[i%5])
		stage.workers = append(stage.workers, w)
	}
	return stage
}

func TestPaletteOf500Workers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{Backend: Backend{Stage: manyWorkers(500)}}, 200, 50)
		c.press("wait", ":")
		c.typed("log 137 em")
		c.press("enter", "wait")
		if top := c.m.visible().Title(); top != "tenant-137-emails logs" {
			t.Errorf("on %q:\n%s", top, ansi.Strip(c.frame()))
		}
	})
}

// One key typed into the palette of 500 workers, about 2,000 entries: what it takes to
// find what fits, and with the frame after it.
func BenchmarkPaletteKey(b *testing.B) {
	for _, drawn := range []bool{false, true} {
		b.Run(map[bool]string{false: "find", true: "find and draw"}[drawn], func(b *testing.B) {
			stage := manyWorkers(500)
			work := screen.NewWork(b.Context())
			defer work.Close(time.Second)
			m := newModel(Config{Backend: Backend{Stage: stage, Logs: fakeLogs{}, Redrive: fakeDead{}}, Getenv: noEnv}.withDefaults(), work)
			m.Init()
			m.Update(tea.WindowSizeMsg{Width: 200, Height: 50})
			m.env.Data.Inventory = &aws.Inventory{Workers: stage.workers}
			m.broadcast(screen.DataChanged{})
			m.Update(screentest.Key(":"))
			keys := []string{"l", "o", "g", "s", "space", "1", "3", "7", "e", "m", "ctrl+u"}
			cost := screentest.Cost(b)
			for i := 0; b.Loop(); i++ {
				m.Update(screentest.Key(keys[i%len(keys)]))
				if drawn {
					_ = m.frame()
				}
			}
			cost()
			if len(m.dialogs) != 1 {
				b.Fatal("the palette has gone")
			}
		})
	}
}
