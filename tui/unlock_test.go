package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// locked is a console on a stage in AWS that nobody has allowed writes to.
func locked(t *testing.T, readOnly bool) (c *console, allowed *int) {
	t.Helper()
	stage := newStage()
	stage.target = aws.Target{Stage: "live", Region: "eu-west-1", ReadOnly: readOnly}
	allowed = new(int)
	return open(t, Config{Backend: Backend{Stage: stage, Unlock: func() { *allowed++ }}}, 100, 30), allowed
}

func TestALockedStageAsksAtTheFirstWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, allowed := locked(t, false)
		c.press("wait", "d", "wait")
		frame := ansi.Strip(c.frame())
		for _, want := range []string{"READ-ONLY", "Allow writes to live?", "live in eu-west-1, account 000000000000", "Cancel"} {
			if !strings.Contains(frame, want) {
				t.Errorf("the question lacks %q:\n%s", want, frame)
			}
		}
		c.press("enter", "wait")
		if *allowed != 0 || len(c.m.stack) != 1 {
			t.Fatalf("enter, on Cancel, allowed writes %d times, %d screens", *allowed, len(c.m.stack))
		}
		c.press("d", "wait", "y", "wait")
		if *allowed != 1 || c.m.visible().Kind() != screen.KindDispatch {
			t.Errorf("y allowed writes %d times, and leads to %s", *allowed, c.m.visible().Kind())
		}
		if frame := ansi.Strip(c.frame()); strings.Contains(frame, "READ-ONLY") {
			t.Errorf("the header still says read-only:\n%s", frame)
		}
		c.press("esc", "esc", "d", "wait")
		if c.m.visible().Kind() != screen.KindDispatch || len(c.m.dialogs) != 0 {
			t.Error("it asked a second time")
		}
	})
}

func TestAReadOnlyStageStaysReadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, allowed := locked(t, true)
		c.press("wait", "d")
		frame := ansi.Strip(c.frame())
		if *allowed != 0 || len(c.m.dialogs) != 0 || !strings.Contains(frame, "dispatch: this stage is read-only") {
			t.Errorf("allowed %d times, %d dialogs:\n%s", *allowed, len(c.m.dialogs), frame)
		}
	})
}

func TestAllowingWritesInAdvance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, allowed := locked(t, false)
		c.press("wait", ":", "w", "r", "i", "t", "e", "enter", "wait", "y", "wait")
		if *allowed != 1 || len(c.m.stack) != 1 {
			t.Errorf("allowed %d times, %d screens", *allowed, len(c.m.stack))
		}
		c.press(":", "w", "r", "i", "t", "e")
		if frame := ansi.Strip(c.frame()); strings.Contains(frame, "Allow writes to this stage") {
			t.Errorf("it offers what was done:\n%s", frame)
		}
	})
}
