package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// steadyLogs has a line every fifth of a second, numbered from 1.
type steadyLogs struct{}

func (steadyLogs) Follow(ctx context.Context, q logs.Query, onState func(logs.State), fn func([]logs.Line) error) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case at := <-tick.C:
			onState(logs.State{Groups: 1})
			l := logs.Parse("g", "s", q.Sources[0].WorkerID, fmt.Sprint(n), at, fmt.Sprintf("line %d.", n))
			if err := fn([]logs.Line{l}); err != nil {
				return err
			}
		}
	}
}

// Whatever is opened over a tail and closed again, the tail goes on, loses nothing, and
// says that it follows when it does.
func TestATailIsNotDisturbed(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]struct {
		open  func(c *console)
		close []string
	}{
		"help":           {func(c *console) { c.press("?") }, []string{"esc"}},
		"errors":         {func(c *console) { c.press("!") }, []string{"esc"}},
		"a question":     {func(c *console) { c.send(screen.Confirm{Title: "Sure?", Verb: "Yes"}) }, []string{"esc"}},
		"a screen":       {func(c *console) { c.press("d") }, []string{"esc", "esc"}},
		"another tail":   {func(c *console) { c.send(screen.OpenLogs{WorkerIDs: []string{"echo"}}) }, []string{"q"}},
		"a search":       {func(c *console) { c.press("/") }, []string{"esc"}},
		"a filter":       {func(c *console) { c.press("&") }, []string{"esc"}},
		"its columns":    {func(c *console) { c.press("c") }, []string{"esc"}},
		"a file's name":  {func(c *console) { c.press("S") }, []string{"esc"}},
		"a resize":       {func(c *console) { c.press("w") }, []string{"w"}},
		"invocations":    {func(c *console) { c.press("z") }, []string{"z"}},
		"pausing it":     {func(c *console) { c.press("p") }, []string{"p"}},
		"reading a line": {func(c *console) { c.press("enter") }, []string{"esc", "G"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Config{Backend: Backend{Logs: steadyLogs{}}}, 100, 30)
				c.press("wait", "l", "wait", "wait")
				if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "following") || !strings.Contains(frame, "line 9.") {
					t.Fatalf("it does not follow:\n%s", frame)
				}
				began := time.Now()
				over.open(c)
				c.pass(10 * time.Second)
				c.frame()
				c.press(over.close...)
				c.pass(time.Second)
				n := 9 + int(time.Since(began)/(200*time.Millisecond))
				frame := ansi.Strip(c.frame())
				for i := n - 10; i < n; i++ {
					if !strings.Contains(frame, fmt.Sprintf("line %d.", i)) {
						t.Errorf("line %d is not there", i)
					}
				}
				if !strings.Contains(frame, "following") {
					t.Error("it does not follow any more")
				}
				if t.Failed() {
					t.Log(frame)
				}
				c.press("q")
			})
		})
	}
}
