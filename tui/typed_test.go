package tui

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// What was typed on a stage and not sent is there again after another stage was looked
// at, and is not on the other one.
func TestTypedTextOutlivesAnotherStage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		open  tea.Msg
		typed []string // until the text stands there
		back  []string // until it can be read again
	}{
		"a job that was not sent": {screen.OpenDispatch{WorkerID: "fail"}, []string{"ctrl+g"}, nil},
		"an edited dead letter":   {screen.OpenDead{WorkerID: "fail"}, []string{"enter", "wait", "e", "wait"}, []string{"enter", "wait", "e", "wait"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _ := openWorld(t, 120, 30)
				c.press("wait")
				c.send(to("live"))
				c.pass(2 * time.Second)
				c.send(test.open)
				c.pass(time.Second)
				c.press(append(test.typed, strings.Split("zebra", "")...)...)
				c.says("while it is typed", "zebra")
				c.send(to("qa"))
				c.pass(2 * time.Second)
				if frame := ansi.Strip(c.frame()); strings.Contains(frame, "zebra") || c.m.env.Stage.Name != "qa" {
					t.Errorf("on %s, where nobody has typed it:\n%s", c.m.env.Stage.Name, frame)
				}
				c.send(to("live"))
				c.pass(2 * time.Second)
				c.press(test.back...)
				c.says("back on the stage", "live", "zebra")
			})
		})
	}
}

// While a text is in a person's own editor no other stage takes its screen away, though
// it may answer before the text is back.
func TestEditorsTextOutlivesAConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		open tea.Msg
		keys []string
	}{
		"a job":         {screen.OpenDispatch{WorkerID: "fail"}, nil},
		"a dead letter": {screen.OpenDead{WorkerID: "fail"}, []string{"enter", "wait", "e", "wait"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &fakeWorld{takes: time.Second}
				env := map[string]string{"EDITOR": `echo '{"zebra":1}' >`}
				c := open(t, Config{Connect: w.connect, Getenv: func(name string) string { return env[name] }}, 120, 30)
				closed := make(chan struct{})
				c.m.env.Exec = func(cmd tea.ExecCommand, done tea.ExecCallback) tea.Cmd {
					return func() tea.Msg {
						<-closed
						cmd.SetStdin(strings.NewReader(""))
						cmd.SetStdout(io.Discard)
						cmd.SetStderr(io.Discard)
						return done(cmd.Run())
					}
				}
				c.press("wait")
				c.send(test.open)
				c.pass(time.Second)
				c.press(test.keys...)
				c.send(to("live"))
				c.press("ctrl+e")
				c.pass(3 * time.Second)
				if c.m.env.Stage.Name != "demo" || w.closed.Load() != 1 {
					t.Fatalf("on %s while the editor is open, %d connections let go", c.m.env.Stage.Name, w.closed.Load())
				}
				c.says("while the editor is open", "Go to live and interrupt it?", "what your editor has open")
				close(closed)
				c.pass(time.Second)
				c.press("esc", "wait")
				c.says("when the editor was closed", "demo", `"zebra"`)
			})
		})
	}
}
