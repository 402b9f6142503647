package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// counting is a screen with an end in sight.
type counting struct {
	probe
	done, total int
}

func (c *counting) Progress() (done, total int) { return c.done, c.total }

func TestTab(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 80, 24)
		c.press("wait")
		if view := c.m.View(); !strings.HasPrefix(view.WindowTitle, "aiwctl demo: ") || !strings.Contains(view.WindowTitle, "9 dead") || view.ProgressBar != nil || view.ProgramStatus != nil {
			t.Errorf("title %q, bar %v, status %v", view.WindowTitle, view.ProgressBar, view.ProgramStatus)
		}
		moving := &counting{done: 30, total: 120}
		c.m.openers.logs = func(screen.Env, screen.OpenLogs) screen.Screen { return moving }
		c.send(screen.OpenLogs{})
		c.send(tea.ProgramStatusSupportMsg{})
		view := c.m.View()
		if view.ProgressBar == nil || view.ProgressBar.Value != 25 || view.ProgramStatus.State != tea.ProgramStateWorking || view.ProgramStatus.Progress != 25 {
			t.Errorf("bar %+v, status %+v", view.ProgressBar, view.ProgramStatus)
		}
		c.send(screen.OpenDead{WorkerID: "fail"}) // it goes on behind another screen
		if view := c.m.View(); view.ProgressBar == nil {
			t.Error("the bar is gone while it goes on")
		}
		moving.done = 1000
		if view := c.m.View(); view.ProgressBar.Value != 100 {
			t.Errorf("bar %+v", view.ProgressBar)
		}
		c.send(screen.Confirm{Title: "Sure?", Yes: func() tea.Cmd { return nil }})
		if view := c.m.View(); view.ProgramStatus.State != tea.ProgramStateBlocked || view.ProgramStatus.Kind != tea.ProgramStatusKindQuestion {
			t.Errorf("status %+v", view.ProgramStatus)
		}
		moving.total = 0
		c.press("wait", "esc")
		if view := c.m.View(); view.ProgressBar != nil || view.ProgramStatus.State != tea.ProgramStateIdle {
			t.Errorf("it has ended: bar %+v, status %+v", view.ProgressBar, view.ProgramStatus)
		}
		moving.total = 2000
		c.press("ctrl+c")
		if view := c.m.View(); view.ProgramStatus.State != tea.ProgramStateIdle {
			t.Errorf("the console ends and leaves %+v behind", view.ProgramStatus)
		}
	})
}

func TestTabsOfTerminals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		vars       map[string]string
		title, bar bool
	}{
		"xterm":         {map[string]string{"TERM": "xterm-256color"}, true, true},
		"Linux console": {map[string]string{"TERM": "linux"}, false, false},
		"iTerm2, old":   {map[string]string{"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.4.19"}, true, false},
		"iTerm2":        {map[string]string{"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.6"}, true, true},
		"iTerm2, next":  {map[string]string{"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "4.0"}, true, true},
		"Terminal":      {map[string]string{"TERM_PROGRAM": "Apple_Terminal"}, true, false},
		"urxvt":         {map[string]string{"TERM": "rxvt-unicode-256color"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{Getenv: func(name string) string { return want.vars[name] }}, 80, 24)
				c.press("wait")
				c.m.openers.logs = func(screen.Env, screen.OpenLogs) screen.Screen { return &counting{done: 1, total: 2} }
				c.send(screen.OpenLogs{})
				view := c.m.View()
				if (view.WindowTitle != "") != want.title || (view.ProgressBar != nil) != want.bar {
					t.Errorf("title %q, bar %v", view.WindowTitle, view.ProgressBar)
				}
			})
		})
	}
}
