package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	denied := errors.New("list event source mappings in us-east-1: AccessDeniedException: lambda:ListEventSourceMappings is missing")
	states := map[string]func(*console){
		"workers": func(c *console) { c.press("wait") },
		"denied":  func(c *console) { c.press("wait") },
		"stale": func(c *console) {
			c.press("wait")
			c.m.source.Update(screen.PauseRefresh{})
			c.m.source.Update(screen.PauseRefresh{})
			c.m.env.Data.Err = denied
			c.press("wait", "wait", "wait", "wait")
		},
		"help":    func(c *console) { c.press("wait", "?") },
		"dead":    func(c *console) { c.press("wait", "x", "wait") },
		"confirm": func(c *console) { c.press("wait", "x", "wait", "R", "wait", "enter") },
		"plan":    func(c *console) { c.press("wait", "x", "wait", "R", "wait") },
		"errors": func(c *console) {
			c.press("wait")
			c.send(screen.Task{ID: "1", Text: "dispatch to orders", Done: true, Err: denied})
			c.press("!")
		},
	}
	for name, prepare := range states {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					stage := newStage()
					if name == "denied" {
						stage.set(denied)
					}
					c := open(t, Config{Backend: Backend{Stage: stage}}, size[0], size[1])
					prepare(c)
					screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), c.frame(), size[0], size[1])
				})
			})
		}
	}
}

func TestKeysGoWhereTheyShould(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		keys string
		top  string // the visible screen; empty after quitting
	}{
		{"wait q", ""},
		{"wait ctrl+c", ""},
		{"wait / q u i t", "Workers"},
		{"wait / ctrl+c", ""},
		{"wait x wait q", "Workers"},
		{"wait x wait esc", "Workers"},
		{"wait x wait q q", ""},
		{"wait x wait / q", "fail dead letters"},
		{"wait x wait / q esc q", "Workers"},
		{"wait ? q", "Workers"},
		{"wait ? esc q", ""},
		{"wait ? x esc", "Workers"}, // the help takes every key
		{"wait ! esc q", ""},
		{"wait esc esc", "Workers"},
		{"q", ""}, // before anything was read
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 80, 24)
				c.press(strings.Fields(test.keys)...)
				top := ""
				if !c.quit {
					top = c.m.visible().Title()
				}
				if top != test.top || len(c.m.dialogs) > 0 {
					t.Errorf("on %q with %d dialogs, want %q", top, len(c.m.dialogs), test.top)
				}
			})
		})
	}
}

func TestDataKeepsComingBehindDialogsAndScreens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait", "?")
		before := c.m.env.Data.At
		c.pass(10 * time.Second)
		if !c.m.env.Data.At.After(before) {
			t.Error("the refresh stopped while the help was open")
		}
		c.press("esc", "x", "wait")
		before = c.m.env.Data.At
		c.pass(10 * time.Second)
		if !c.m.env.Data.At.After(before) {
			t.Error("the refresh stopped while another screen was visible")
		}
	})
}

// probe is a screen that notes what reaches it.
type probe struct {
	id  screen.ID
	got []tea.Msg
}

func (p *probe) Kind() screen.Kind { return "probe" }
func (p *probe) Title() string     { return "Probe" }
func (p *probe) Init() tea.Cmd     { return nil }
func (p *probe) View(w, h int) string {
	return strings.TrimSuffix(strings.Repeat(strings.Repeat(" ", w)+"\n", h), "\n")
}
func (p *probe) Actions() []screen.Action { return nil }
func (p *probe) Typing() bool             { return false }
func (p *probe) Close()                   {}
func (p *probe) Update(msg tea.Msg) tea.Cmd {
	p.got = append(p.got, msg)
	return nil
}

func (p *probe) saw(want tea.Msg) bool {
	for _, msg := range p.got {
		if fmt.Sprintf("%#v", msg) == fmt.Sprintf("%#v", want) {
			return true
		}
	}
	return false
}

func TestRepliesReachTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait")
		var probes []*probe
		c.m.openers.logs = func(env screen.Env, _ screen.OpenLogs) screen.Screen {
			p := &probe{id: env.ID}
			probes = append(probes, p)
			return p
		}
		c.press("l", "wait")
		c.send(screen.OpenLogs{})
		c.press("?")
		hidden, visible := probes[0], probes[1]
		reply := screen.Reply{Owner: hidden.id, Purpose: "tail", Payload: "lines"}
		c.send(reply)
		if !hidden.saw(reply) {
			t.Error("a reply did not reach its hidden owner behind a dialog")
		}
		if visible.saw(reply) {
			t.Error("a reply reached another screen")
		}
		type blink struct{ n int }
		c.send(blink{1})
		if !hidden.saw(blink{1}) || !visible.saw(blink{1}) {
			t.Error("a message that the root does not know did not reach every screen")
		}
		c.press("esc", "q")
		late := screen.Reply{Owner: visible.id}
		c.send(late)
		if visible.saw(late) || hidden.saw(late) {
			t.Error("a reply to a closed screen was delivered")
		}
		c.send(screen.Back{Owner: visible.id})
		if c.m.visible() != screen.Screen(hidden) {
			t.Error("a screen that is not visible closed the one that is")
		}
	})
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		keys []string
		yes  bool
	}{
		{"enter is Cancel", []string{"wait", "enter"}, false},
		{"y agrees", []string{"wait", "y"}, true},
		{"the other button", []string{"wait", "tab", "enter"}, true},
		{"there and back", []string{"wait", "right", "left", "enter"}, false},
		{"esc cancels", []string{"wait", "esc"}, false},
		{"keys in flight do nothing", []string{"y", "enter"}, false},
		{"keys in flight, then yes", []string{"y", "y", "wait", "y"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, 80, 24)
				c.press("wait")
				done := false
				c.send(screen.Confirm{Title: "Purge?", Verb: "Purge", Yes: func() tea.Cmd { done = true; return nil }})
				c.press(test.keys...)
				if done != test.yes {
					t.Errorf("done = %v, want %v", done, test.yes)
				}
			})
		})
	}
}

// On a protected stage nothing is written before its name was typed.
func TestProtected(t *testing.T) {
	t.Parallel()
	const replay, dispatch = "wait x wait R wait enter ", "wait d wait ctrl+s "
	for _, test := range []struct {
		keys    string
		open    bool   // unprotected, to compare
		sent    bool   // the write was made
		dialogs int    // that stay open
		says    string // on the screen
	}{
		{keys: replay + "wait", dialogs: 1, says: "Type its name, demo, to agree:"},
		{keys: replay + "wait d e m o enter wait", sent: true},
		{keys: replay + "wait y enter tab enter", dialogs: 1, says: "that is not its name"},
		{keys: replay + "wait q", dialogs: 1, says: "> q"}, // a letter of a name like any other
		{keys: replay + "wait p r o d enter ctrl+u d e m x backspace o enter wait", sent: true},
		{keys: replay + "wait d e m enter", dialogs: 1, says: "that is not its name"},
		{keys: replay + "wait d e m o esc wait"},
		{keys: replay + "d e m o enter wait", dialogs: 1}, // in flight before anybody could read the question
		{keys: replay + "wait y wait", open: true, sent: true},
		{keys: dispatch + "wait", dialogs: 1, says: "Send a job to fail?"},
		{keys: dispatch + "wait d e m o enter wait", sent: true},
		{keys: dispatch + "wait y enter esc wait"},
		{keys: dispatch + "wait", open: true, sent: true},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stage, dead := newStage(), fakeDead{confirmed: make(chan string, 10)}
				stage.protection.Always, stage.protection.Origin = !test.open, "config.yaml:3 stage demo"
				c := open(t, Config{Backend: Backend{Stage: stage, Redrive: dead}}, 80, 24)
				c.press(strings.Fields(test.keys)...)
				want := map[bool]string{true: "", false: "demo"}[test.open]
				var got []string
				for len(dead.confirmed) > 0 {
					got = append(got, <-dead.confirmed)
				}
				for _, ctx := range stage.dispatched {
					name, _ := aws.Confirmed(ctx)
					got = append(got, name)
				}
				if test.sent != (len(got) == 1) || test.sent && got[0] != want {
					t.Errorf("written with %q, want %v with %q", got, test.sent, want)
				}
				frame := ansi.Strip(c.frame())
				if len(c.m.dialogs) != test.dialogs || !strings.Contains(frame, test.says) {
					t.Errorf("%d dialogs, want %d, and %q in:\n%s", len(c.m.dialogs), test.dialogs, test.says, frame)
				}
				if strings.Contains(strings.ToLower(frame), "protected") == test.open {
					t.Errorf("the header does not say whether the stage is protected:\n%s", frame)
				}
			})
		})
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		stage.target.ReadOnly = true
		c := open(t, Config{Backend: Backend{Stage: stage}}, 80, 24)
		c.press("wait", "d")
		frame := ansi.Strip(c.frame())
		if len(c.m.stack) != 1 || !strings.Contains(frame, "! dispatch: this stage is read-only") {
			t.Errorf("a write was not refused with a reason:\n%s", frame)
		}
		if !strings.Contains(frame, "READ-ONLY") || strings.Contains(frame, "d dispatch") {
			t.Errorf("want the mark in the header, and no key for writes:\n%s", frame)
		}
	})
}

func TestErrorsStayUntilTheyWereRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 100, 24)
		c.press("wait")
		c.send(screen.Task{ID: "r", Text: "replay 3 messages of orders"})
		if !strings.Contains(c.frame(), "replay 3 messages of orders") {
			t.Error("a task that started is not on the task line")
		}
		c.send(screen.Task{ID: "r", Text: "replay 3 messages of orders", Done: true, Err: errors.New("throttled\x1b[2J")})
		c.send(screen.Task{ID: "c", Text: "counted", Done: true})
		c.pass(time.Hour)
		if !strings.Contains(ansi.Strip(c.frame()), "✗ replay 3 messages of orders: throttled") {
			t.Errorf("the error went away by itself:\n%s", ansi.Strip(c.frame()))
		}
		c.press("!")
		if !strings.Contains(ansi.Strip(c.frame()), "Errors") {
			t.Error("! does not open the list")
		}
		c.press("esc")
		if strings.Contains(c.frame(), "throttled") {
			t.Error("the error is still on the task line after it was read")
		}
		c.press("!")
		if !strings.Contains(c.frame(), "throttled") {
			t.Error("the list forgot the error")
		}
	})
}

func TestAReadingThatFailsIsInTheErrorList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		stage.set(errors.New("connection refused"))
		c := open(t, Config{Backend: Backend{Stage: stage}}, 100, 24)
		c.pass(5 * time.Minute)
		c.press("!")
		if n := strings.Count(ansi.Strip(c.frame()), "read the stage"); n != 1 {
			t.Errorf("the error list names the failing readings %d times, want once:\n%s", n, ansi.Strip(c.frame()))
		}
	})
}

func TestLeavingAReplayAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		c := open(t, Config{Backend: Backend{Redrive: fakeDead{hold: hold}}}, 100, 30)
		c.press("wait", "x", "wait", "R", "wait", "enter", "wait", "y", "wait", "q")
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "a replay of 1 message of fail") || len(c.m.stack) != 3 {
			t.Fatalf("q did not ask:\n%s", frame)
		}
		c.press("wait", "esc", "ctrl+c")
		if frame := ansi.Strip(c.frame()); c.quit || !strings.Contains(frame, "Quit and interrupt it?") {
			t.Fatalf("ctrl+c did not ask:\n%s", frame)
		}
		c.press("wait", "esc")
		close(hold)
		c.pass(time.Second)
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "✓ replayed 1 message of fail") {
			t.Errorf("the replay's end is not on the task line:\n%s", frame)
		}
		c.press("q", "q", "q")
		if !c.quit {
			t.Error("nothing is under way any more, and q does not quit")
		}
	})
}

func TestCtrlCTwiceQuitsWhateverIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{Backend: Backend{Redrive: fakeDead{hold: make(chan struct{})}}}, 100, 30)
		c.press("wait", "x", "wait", "R", "wait", "enter", "wait", "y", "wait", "ctrl+c", "ctrl+c")
		if !c.quit {
			t.Error("the second ctrl+c did not quit")
		}
	})
}

func TestSmallTerminals(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{40, 10}, {59, 40}, {200, 14}, {20, 4}, {12, 2}, {5, 1}, {1, 1}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{}, size[0], size[1])
				c.press("wait", "x", "R", "d")
				if len(c.m.stack) != 1 {
					t.Error("keys acted on what cannot be seen")
				}
				frame := ansi.Strip(c.frame())
				if size == [2]int{40, 10} {
					screentest.Golden(t, "small-40", c.frame(), 40, 10)
				}
				if size[0] >= 40 && size[1] >= 9 && !strings.Contains(frame, "dead 9") {
					t.Errorf("the numbers that matter are not there:\n%s", frame)
				}
				c.press("q")
				if !c.quit {
					t.Error("q does not quit")
				}
			})
		})
	}
}

func TestAnySizeIsDrawnWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait", "x", "wait", "?")
		for w := 1; w < 160; w += 7 {
			for h := 1; h < 60; h += 5 {
				c.send(tea.WindowSizeMsg{Width: w, Height: h})
				c.frame()
			}
		}
		c.press("esc", "R")
		for w := 60; w < 160; w += 7 {
			for h := 15; h < 60; h += 5 {
				c.send(tea.WindowSizeMsg{Width: w, Height: h})
				c.frame()
			}
		}
	})
}

func TestColours(t *testing.T) {
	t.Parallel()
	coloured := func(frame string) bool {
		return strings.Contains(frame, "38;") || strings.Contains(frame, "48;")
	}
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait")
		dark := c.frame()
		c.send(tea.BackgroundColorMsg{Color: ansi.BrightWhite})
		if light := c.frame(); light == dark || !coloured(light) {
			t.Error("a light background changes nothing")
		}
		c.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
		if coloured(c.frame()) {
			t.Error("colours are sent to a terminal without them")
		}
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "▌") {
			t.Errorf("the cursor cannot be seen without colours:\n%s", frame)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{ASCII: true, Getenv: func(name string) string {
			return map[string]string{"NO_COLOR": "1"}[name]
		}}, 80, 24)
		c.press("wait", "?")
		frame := c.frame()
		if coloured(frame) {
			t.Error("NO_COLOR is set, and there are colours")
		}
		for _, r := range frame {
			if r > 0x7e {
				t.Fatalf("%q is not ASCII:\n%s", r, ansi.Strip(frame))
			}
		}
	})
}

func TestHostileStageIsHarmless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		evil := "e\x1b]0;t\x07\x1b[2J\r\u202e\u009b31m"
		stage := newStage()
		stage.target = aws.Target{Stage: evil, Region: evil, Profile: evil, EndpointURL: "http://" + evil}
		stage.workers[1].ID = evil
		c := open(t, Config{Backend: Backend{Stage: stage}}, 120, 30)
		c.press("wait")
		c.frame()
		c.send(screen.Task{ID: "1", Text: evil, Done: true, Err: errors.New(evil)})
		c.frame()
		c.press("!")
		c.frame()
		c.press("esc", "x", "wait", "R")
		c.frame()
		c.press("wait", "esc", "?")
		c.frame()
		if title := c.m.View().WindowTitle; strings.ContainsAny(title, "\x1b\x07\u009b") {
			t.Errorf("the window's title is %q", title)
		}
	})
}
