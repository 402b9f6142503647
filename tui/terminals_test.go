package tui

import (
	"image/color"
	"strings"
	"testing"
	"testing/synctest"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func env(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i+1 < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

// A terminal that never says what its background is gets colours for any; one that says
// it late gets its own then, on every screen.
func TestBackgroundThatIsToldLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait", "x", "wait")
		unknown := theme.NewUnknown(false)
		if got := c.m.env.Theme.Warn.GetForeground(); got != unknown.Warn.GetForeground() {
			t.Errorf("before it has said, warnings are %v", got)
		}
		before := c.frame()
		c.send(tea.BackgroundColorMsg{Color: color.White})
		late := c.frame()
		if late == before || ansi.Strip(late) != ansi.Strip(before) {
			t.Error("the visible screen did not take over the colours, or more than those")
		}
		c.press("q")
		if got, want := c.m.env.Theme.Warn.GetForeground(), theme.New(false, false).Warn.GetForeground(); got != want {
			t.Errorf("warnings are %v, want %v", got, want)
		}
		c.send(tea.BackgroundColorMsg{Color: color.Black}) // changed at dusk
		if got, want := c.m.env.Theme.Warn.GetForeground(), theme.New(true, false).Warn.GetForeground(); got != want {
			t.Errorf("warnings are %v, want %v", got, want)
		}
	})
}

func TestWhatTheEnvironmentSaysOfTheTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env    []string
		ground ground
		ascii  bool
		flag   bool
	}{
		{nil, unknownGround, false, false},
		{[]string{"COLORFGBG", "15;0"}, darkGround, false, false},
		{[]string{"COLORFGBG", "0;15"}, lightGround, false, false},
		{[]string{"COLORFGBG", "0;default;15"}, lightGround, false, false},
		{[]string{"COLORFGBG", "12;8"}, darkGround, false, false},
		{[]string{"COLORFGBG", "default;default"}, unknownGround, false, false},
		{[]string{"COLORFGBG", "15"}, unknownGround, false, false},
		{[]string{"TERM", "linux"}, unknownGround, true, false},
		{[]string{"TERM", "vt220"}, unknownGround, true, false},
		{[]string{"TERM", "linux", "AIWCTL_ASCII", "0"}, unknownGround, false, false},
		{[]string{"AIWCTL_ASCII", "1"}, unknownGround, true, false},
		{[]string{"AIWCTL_ASCII", "yes"}, unknownGround, true, false},
		{[]string{"AIWCTL_ASCII", "0"}, unknownGround, true, true},
		{[]string{"TERM", "tmux-256color"}, unknownGround, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{Getenv: env(tt.env...), ASCII: tt.flag}, 80, 24)
			if c.m.ground != tt.ground || c.m.ascii != tt.ascii {
				t.Errorf("%v: background %d, ASCII %v", tt.env, c.m.ground, c.m.ascii)
			}
		})
	}
}

// Wide letters, combining ones, emoji, marks that turn the direction of writing and
// joiners: whatever a stage and its workers are called, every frame is exact.
func TestNamesOfTheWholeWorld(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"本番環境", "e\u0301e\u0301e\u0301", "🚒👩‍🚒🏳️‍🌈🇩🇪", "\u202eevil\u202c", "a\u200db\u200cc\u200bd\ufeff", "שלום", "नमस्ते", "ﷺ", "a\tb\rc", "\u2066x\u2069",
	} {
		synctest.Test(t, func(t *testing.T) {
			stage := newStage()
			stage.target = aws.Target{Stage: name, Region: "eu-west-1", Profile: name}
			stage.protection.Always = true
			stage.workers[1].ID = name
			stage.workers[2].Group = name
			c := open(t, Config{Backend: Backend{Stage: stage}}, 80, 24)
			c.press("wait")
			for width := 60; width <= 300; width += 17 {
				c.send(tea.WindowSizeMsg{Width: width, Height: 20})
				if frame := ansi.Strip(c.frame()); strings.ContainsAny(frame, "\u202e\u2066\u200b\ufeff") {
					t.Fatalf("%q: a mark without width reached the frame:\n%s", name, frame)
				}
			}
			c.send(screen.OpenStages{})
			c.send(screen.OpenDead{WorkerID: name})
			c.press("wait")
			c.frame()
			if title := c.m.View().WindowTitle; strings.ContainsAny(title, "\u202e\t\r\u2066") {
				t.Errorf("the title is %q", title)
			}
		})
	}
}

// While a window is dragged there is a size for every frame, down to none and back.
func TestResizeStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 120, 40)
		c.press("wait", "x", "wait")
		c.send(screen.OpenStages{})
		want := titles(c.m)
		for i := range 400 {
			w, h := 1+(i*37)%300, 1+(i*23)%90
			c.send(tea.WindowSizeMsg{Width: w, Height: h})
			c.frame()
			if i%50 == 0 {
				c.press("j")
			}
		}
		c.send(tea.WindowSizeMsg{})
		_ = c.m.View()
		c.send(tea.WindowSizeMsg{Width: 120, Height: 40})
		if got := titles(c.m); got != want {
			t.Errorf("on %s, want %s", got, want)
		}
		c.frame()
	})
}

// Without colours and without glyphs a protected, read-only stage still says so, and the
// whole frame is ASCII.
func TestPlainTerminalSaysTheSame(t *testing.T) {
	t.Parallel()
	for name, vars := range map[string][]string{
		"Linux console": {"TERM", "linux"}, "NO_COLOR": {"NO_COLOR", "1", "AIWCTL_ASCII", "1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			stage := newStage()
			stage.target.ReadOnly, stage.protection.Always = true, true
			c := open(t, Config{Backend: Backend{Stage: stage}, Getenv: env(vars...)}, 60, 20)
			c.press("wait")
			for range 2 {
				frame := c.frame()
				text := ansi.Strip(frame)
				if !strings.Contains(text, "PROTECTED") || !strings.Contains(text, "READ-ONLY") || strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e }) {
					t.Errorf("%s:\n%s", name, text)
				}
				screentest.Harmless(t, frame)
				c.send(screen.OpenStages{})
				c.press("wait")
			}
		})
	}
}
