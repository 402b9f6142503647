package tui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// doer is a screen with actions, for what the root makes of them.
type doer struct {
	probe
	actions []screen.Action
	typing  bool
	busy    string
	done    []string
}

func (d *doer) Busy() string { return d.busy }

func (d *doer) Title() string            { return "Doer" }
func (d *doer) Actions() []screen.Action { return d.actions }
func (d *doer) Typing() bool             { return d.typing }

func newDoer(id screen.ID) *doer {
	d := &doer{probe: probe{id: id}}
	note := func(what string) func() tea.Cmd {
		return func() tea.Cmd { d.done = append(d.done, what); return nil }
	}
	d.actions = []screen.Action{
		{ID: "mark", Keys: []string{"space"}, Label: "mark", Help: "Mark the row.", Run: note("mark")},
		{
			ID: "purge-all", Keys: []string{"D"}, Label: "purge", Help: "Delete all of it.", Writes: true, Run: note("purge"),
			Command: func() string { return screen.Command("dlq", "delete", "orders", "--all") },
		},
		{ID: "undo", Keys: []string{"u"}, Label: "undo", Help: "Take it back.", Refused: "nothing was done", Run: note("undo")},
		{ID: "format", Keys: []string{"ctrl+o"}, Label: "format", Help: "Indent it.", WhileTyping: true, Run: note("format")},
		{Keys: []string{"j", "k"}, Help: "Up and down."},
	}
	return d
}

// openDoer puts a doer over the workers.
func openDoer(t testing.TB, c *console) *doer {
	t.Helper()
	var d *doer
	c.m.openers.logs = func(env screen.Env, _ screen.OpenLogs) screen.Screen {
		d = newDoer(env.ID)
		return d
	}
	c.send(screen.OpenLogs{})
	return d
}

// typed presses the keys of a text.
func (c *console) typed(text string) {
	for _, r := range text {
		key := string(r)
		if r == ' ' {
			key = "space"
		}
		c.send(screentest.Key(key))
	}
	c.pass(100 * time.Millisecond)
}

// asked are the messages that asked for something of a type.
func asked[T any](c *console) []T {
	var all []T
	for _, msg := range c.out {
		if m, ok := msg.(T); ok {
			all = append(all, m)
		}
	}
	return all
}

func only[T comparable](c *console, want T) {
	c.t.Helper()
	if got := asked[T](c); len(got) != 1 || got[0] != want {
		c.t.Errorf("asked for %+v, want %+v", got, want)
	}
}

func TestPaletteGolden(t *testing.T) {
	t.Parallel()
	states := map[string]func(*console){
		"open":    func(c *console) { c.press(":") },
		"typed":   func(c *console) { c.press(":"); c.typed("or") },
		"nothing": func(c *console) { c.press(":"); c.typed("zzz") },
		"refused": func(c *console) { openDoer(c.t, c); c.press(":"); c.typed("undo") },
		"job":     func(c *console) { c.press(":"); c.typed("job-1767225600123-ab12cd34e") },
	}
	for name, prepare := range states {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := open(t, Config{}, size[0], size[1])
					c.press("wait")
					prepare(c)
					screentest.Golden(t, fmt.Sprintf("palette-%s-%d", name, size[0]), c.frame(), size[0], size[1])
				})
			})
		}
	}
}

// Everything that has a name can be gone to by typing it.
func TestPaletteGoes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed string
		check func(*console)
	}{
		{"worker orders", func(c *console) { only(c, screen.OpenWorker{WorkerID: "orders"}) }},
		{"log ord", func(c *console) {
			if top := c.m.visible().Title(); top != "orders logs" {
				c.t.Errorf("on %q", top)
			}
		}},
		{"dead fail", func(c *console) { only(c, screen.OpenDead{WorkerID: "fail"}) }},
		{"dlq sl", func(c *console) { only(c, screen.OpenDead{WorkerID: "slow"}) }},
		{"dispatch echo", func(c *console) { only(c, screen.OpenDispatch{WorkerID: "echo"}) }},
		{"history", func(c *console) { only(c, screen.OpenHistory{}) }},
		{"stages", func(c *console) { only(c, screen.OpenStages{}) }},
		{"ctx", func(c *console) { only(c, screen.OpenStages{}) }},
		{"replay", func(c *console) { only(c, screen.OpenReplay{}) }},
		{"resume", func(c *console) { only(c, screen.OpenReplay{}) }},
		{"w", func(c *console) { c.says("w", "by attention") }},
		{"job 17", func(c *console) { only(c, screen.OpenJob{JobID: "17"}) }},
		{"JOB  my job's id ", func(c *console) { only(c, screen.OpenJob{JobID: "my job's id"}) }},
		{":job x", func(c *console) { only(c, screen.OpenJob{JobID: "x"}) }},
		{"job-1767225600123-ab12cd34e", func(c *console) { only(c, screen.OpenJob{JobID: "job-1767225600123-ab12cd34e"}) }},
		{"order-2026-03-02-0001", func(c *console) { only(c, screen.OpenJob{JobID: "order-2026-03-02-0001"}) }},
		{"help", func(c *console) { c.says("help", "╭─ Keys ─") }},
		{"errors", func(c *console) { c.says("errors", "Nothing has failed.") }},
		{"q", func(c *console) {
			if !c.quit {
				c.t.Error(":q does not quit")
			}
		}},
		{"quit", func(c *console) {
			if !c.quit {
				c.t.Error(":quit does not quit")
			}
		}},
	} {
		t.Run(test.typed, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 100, 30)
				c.press("wait", ":")
				c.typed(test.typed)
				c.press("enter", "wait")
				test.check(c)
			})
		})
	}
}

// From deep below, :workers and :q lead all the way, after asking when something is
// under way.
func TestPaletteHomeAndQuit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		busy  bool
		keys  string
		stack int
		quit  bool
	}{
		{false, ": w enter", 1, false},
		{false, ": w o r k e r s enter", 1, false},
		{false, ": q enter", 3, true},
		{true, ": w enter wait", 3, false}, // it asks
		{true, ": w enter wait enter", 3, false},
		{true, ": w enter wait y", 1, false},
		{true, ": q enter wait", 3, false},
		{true, ": q enter wait esc", 3, false},
		{true, ": q enter wait y", 3, true},
	} {
		t.Run(fmt.Sprintf("%v %s", test.busy, test.keys), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 100, 30)
				c.press("wait")
				if below := openDoer(t, c); test.busy {
					below.busy = "a replay of 12 messages"
				}
				openDoer(t, c).actions = nil
				c.press(strings.Fields(test.keys)...)
				if len(c.m.stack) != test.stack || c.quit != test.quit {
					t.Errorf("%d screens, quit %v; want %d, %v:\n%s", len(c.m.stack), c.quit, test.stack, test.quit, ansi.Strip(c.frame()))
				}
			})
		})
	}
}

func TestPaletteDoesWhatTheScreenCan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, typed string
		readOnly    bool
		done, says  string
	}{
		{name: "an action", typed: "mark", done: "mark"},
		{name: "part of its name", typed: "pu al", done: "purge"},
		{name: "its label", typed: "purge", done: "purge"},
		{name: "read-only", typed: "purge-all", readOnly: true, says: "! purge: this stage is read-only"},
		{name: "read-only dispatch", typed: "dispatch orders", readOnly: true, says: "! dispatch orders: this stage is read-only"},
		{name: "refused", typed: "undo", says: "! undo: nothing was done"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stage := newStage()
				stage.target.ReadOnly = test.readOnly
				c := open(t, Config{Backend: Backend{Stage: stage}}, 100, 30)
				c.press("wait")
				d := openDoer(t, c)
				c.press(":")
				c.typed(test.typed)
				if test.readOnly {
					c.says("before it is chosen", "not now: this stage is read-only")
				}
				c.press("enter")
				if got := strings.Join(d.done, " "); got != test.done {
					t.Errorf("did %q, want %q", got, test.done)
				}
				if len(asked[screen.OpenDispatch](c)) > 0 {
					t.Error("a dispatch was opened on a read-only stage")
				}
				c.says("afterwards", test.says)
			})
		})
	}
	// Names that a screen gives its own actions do not take others from where they lead.
	t.Run("the same names", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, 100, 30)
			c.press("wait")
			d := openDoer(t, c)
			for _, id := range []string{"workers", "replay", "job"} {
				d.actions = append(d.actions, screen.Action{ID: id, Keys: []string{"w"}, Run: func() tea.Cmd { d.done = append(d.done, id); return nil }})
			}
			c.press(":")
			c.typed("replay")
			c.press("enter", ":")
			c.typed("job")
			c.press("enter")
			c.typed("7")
			c.press("enter", ":")
			c.typed("workers")
			c.press("enter")
			only(c, screen.OpenJob{JobID: "7"})
			if got := strings.Join(d.done, " "); got != "replay" || len(c.m.stack) != 1 {
				t.Errorf("did %q, on %d screens", got, len(c.m.stack))
			}
		})
	})
	t.Run("what went meanwhile", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, 100, 30)
			c.press("wait")
			d := openDoer(t, c)
			c.press(":")
			c.typed("mark")
			d.actions = d.actions[1:]
			c.press("enter")
			if len(d.done) > 0 {
				t.Errorf("did %q", d.done)
			}
			c.says("afterwards", "mark: this cannot be done any more")
		})
	})
}

// A write that the palette began asks for a protected stage's name like any other.
func TestPaletteProtected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		stage.protection.Always, stage.protection.Origin = true, "config.yaml:3 stage demo"
		c := open(t, Config{Backend: Backend{Stage: stage}}, 100, 30)
		c.press("wait", ":")
		c.typed("dispatch fail")
		c.press("enter", "wait", "ctrl+s", "wait")
		c.says("before the name", "Type its name, demo, to agree:")
		// A palette is not what a protected stage's question can be left by.
		c.typed(":demo")
		c.press("enter")
		if len(stage.dispatched) > 0 {
			t.Error("dispatched with :demo typed for the name")
		}
	})
}

// The keys of the palette itself.
func TestPaletteKeys(t *testing.T) {
	t.Parallel()
	at := func(c *console) (input, chosen string) {
		for _, line := range strings.Split(ansi.Strip(c.frame()), "\n") {
			_, line, ok := strings.Cut(line, "│ ")
			if !ok {
				continue
			}
			line = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(line, " "), "│"), " ")
			if rest, ok := strings.CutPrefix(line, " : "); ok {
				input = strings.TrimRight(strings.SplitN(rest, "  ", 2)[0], " ")
			}
			if rest, ok := strings.CutPrefix(line, "▌ "); ok && chosen == "" {
				chosen = strings.SplitN(rest, "  ", 2)[0]
			}
		}
		return input, chosen
	}
	for _, test := range []struct {
		keys          string
		input, chosen string
		closed        bool
	}{
		{keys: "", chosen: "workers"},
		{keys: "down down", chosen: "history"},
		{keys: "ctrl+n ctrl+n ctrl+p", chosen: "job ID"},
		{keys: "up up", chosen: "workers"}, // nothing was chosen before
		{keys: "l o g s tab", input: "logs echo", chosen: "logs echo"},
		{keys: "l o tab tab", input: "logs echo", chosen: "logs echo"},
		{keys: "j o tab 1 2", input: "job 12", chosen: "job 12"},
		{keys: "j o b enter 1 2", input: "job 12", chosen: "job 12"},
		{keys: "j o b space", input: "job", chosen: "job ID"},
		{keys: "d e a d space f backspace s", input: "dead s", chosen: "dead slow"},
		{keys: "h e l ctrl+u s t", input: "st", chosen: "stages"},
		{keys: "esc", closed: true},
		{keys: "x y z esc", closed: true},
		{keys: "z z z enter", input: "zzz"}, // there is nothing to do
		{keys: "q ?", input: "q?"},
		{keys: ":", input: ":", chosen: "workers"},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 100, 40)
				c.press("wait")
				openDoer(t, c).actions = nil
				c.press(":")
				c.press(strings.Fields(test.keys)...)
				if closed := len(c.m.dialogs) == 0; closed != test.closed {
					t.Fatalf("closed: %v", closed)
				}
				if c.quit {
					t.Fatal("it quit")
				}
				if test.closed {
					return
				}
				if input, chosen := at(c); input != test.input || chosen != test.chosen {
					t.Errorf("%q is typed and %q chosen, want %q and %q:\n%s", input, chosen, test.input, test.chosen, ansi.Strip(c.frame()))
				}
			})
		})
	}
	t.Run("history", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, 100, 40)
			c.press("wait")
			for _, text := range []string{"errors", "job 1", "help"} {
				c.press(":")
				c.typed(text)
				c.press("enter", "esc")
			}
			c.press(":")
			for i, want := range []string{"help", "job 1", "errors", "errors"} {
				c.press("up")
				if input, _ := at(c); input != want {
					t.Errorf("after %d times up: %q, want %q", i+1, input, want)
				}
			}
			c.press("down", "enter")
			if got := asked[screen.OpenJob](c); len(got) != 2 || got[1].JobID != "1" {
				t.Errorf("asked for %v", got)
			}
		})
	})
}

func TestPaletteOpens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys   string
		typing bool
		open   bool
	}{
		{"wait :", false, true},
		{"wait ctrl+p", false, true},
		{"wait / :", true, false}, // typed
		{"wait / q ? :", true, false},
		{"wait / ctrl+p", true, true},
		{"wait ? :", false, false}, // the help takes it
		{"wait : : :", false, true},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 80, 24)
				c.press(strings.Fields(test.keys)...)
				is := strings.Contains(ansi.Strip(c.frame()), "Go to, or do")
				if is != test.open || c.m.visible().Typing() != test.typing || c.quit {
					t.Errorf("open %v, typing %v", is, c.m.visible().Typing())
				}
			})
		})
	}
	t.Run("while typing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, 80, 24)
			c.press("wait")
			d := openDoer(t, c)
			d.typing = true
			c.press("ctrl+p")
			c.silentAbout("while typing", "purge-all")
			c.typed("format")
			c.press("enter")
			if got := strings.Join(d.done, " "); got != "format" {
				t.Errorf("did %q", got)
			}
			d.actions = append(d.actions, screen.Action{ID: "older", Keys: []string{"ctrl+p"}, WhileTyping: true, Run: func() tea.Cmd {
				d.done = append(d.done, "older")
				return nil
			}})
			c.press("ctrl+p")
			if len(c.m.dialogs) > 0 || d.done[len(d.done)-1] != "older" {
				t.Error("the palette took a key that the screen wants")
			}
		})
	})
}
