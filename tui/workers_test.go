package tui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
)

// From the list into a worker and back, on a terminal of any size.
func TestAWorkerIsOpened(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{}, size[0], size[1])
			c.pass(time.Second)
			c.press("j", "enter")
			if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "Workers › orders") || !strings.Contains(frame, "1,204 visible") {
				t.Errorf("enter:\n%s", frame)
			}
			if got := strings.Join(c.m.env.Data.Shown, " "); got != "orders" {
				t.Errorf("what is read first: %s", got)
			}
			c.press("tab", "3", "4", "5", "t", "r", "esc")
			if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "▌ orders") {
				t.Errorf("esc:\n%s", frame)
			}
		})
	}
}

// Pausing asks for the name of a protected stage, and a read-only one refuses it, on the
// list and in the worker.
func TestPausingKeepsToTheStage(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"P"}, {"enter", "P"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			s.target.Stage = "prod"
			s.protection = aws.Protection{Always: true, Origin: "config.yaml:3 stage prod"}
			c := open(t, Config{Backend: Backend{Stage: s}}, 100, 30)
			c.pass(time.Second)
			c.press(keys...)
			c.press("wait")
			c.press(strings.Split("prod", "")...)
			c.press("enter", "wait")
			if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "fail is paused: its mapping is disabled") {
				t.Errorf("%v, the name typed:\n%s", keys, frame)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			s.target.ReadOnly = true
			c := open(t, Config{Backend: Backend{Stage: s}}, 100, 30)
			c.pass(time.Second)
			c.press(keys...)
			if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "this stage is read-only") || len(c.m.dialogs) > 0 {
				t.Errorf("%v, read-only:\n%s", keys, frame)
			}
		})
	}
}

// A terminal at which nothing happens is sent nothing new but the age of the data.
func TestAtRestOnlyTheAgeMoves(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"enter"}} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			for i := range s.workers { // what changes by itself is health's, and told in minutes
				s.workers[i].Queue.Depth, s.workers[i].DLQ.Depth = aws.Depth{At: time.Now()}, aws.Depth{At: time.Now()}
			}
			c := open(t, Config{Backend: Backend{Stage: s}}, 200, 50)
			c.pass(10 * time.Second)
			c.press(keys...)
			c.pass(5 * time.Second)
			before := strings.Split(c.frame(), "\n")
			c.pass(7 * time.Second)
			for i, line := range strings.Split(c.frame(), "\n") {
				if i > 0 && line != before[i] {
					t.Errorf("%v: line %d changed:\n%s\n%s", keys, i+1, ansi.Strip(before[i]), ansi.Strip(line))
				}
			}
		})
	}
}
