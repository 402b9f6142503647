package chrome_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/chrome"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// What fails a hundred times is one row with a count; what differs only in its numbers
// is the same.
func TestFailuresAreCounted(t *testing.T) {
	t.Parallel()
	var k chrome.Tasks
	now := screentest.Now()
	k.On("prod", now)
	for i := range 100 {
		err := fmt.Errorf("throttled: RequestID %08x-1111-2222-3333-444444444444, try %d", i, i)
		k.Fail("replay orders", err, now.Add(time.Duration(i)*time.Second))
		if i == 50 {
			k.Fail("dispatch to echo", errors.New("denied"), now)
		}
	}
	got := k.Failures()
	if len(got) != 2 {
		t.Fatalf("%d rows: %+v", len(got), got)
	}
	if f := got[1]; f.Count != 100 || f.At != now || f.Last != now.Add(99*time.Second) || f.Stage != "prod" || !strings.Contains(f.Text, "try 99") {
		t.Errorf("%+v", f)
	}
	k.On("qa", now)
	k.Fail("replay orders", errors.New("throttled: RequestID 1, try 1"), now)
	if got := k.Failures(); len(got) != 3 {
		t.Errorf("another stage's failure was taken for the same: %+v", got)
	}
}

func TestFailuresThatLast(t *testing.T) {
	t.Parallel()
	var k chrome.Tasks
	now := screentest.Now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	k.On("prod", now)
	for i := range 3 {
		k.Last("read the stage", errors.New("no answer"), at(i))
	}
	if f := k.Failures()[0]; f.Count != 3 || !f.Lasting || !f.Over.IsZero() {
		t.Errorf("while it lasts: %+v", f)
	}
	k.Last("read the stage", errors.New("access denied"), at(3))
	if got := k.Failures(); len(got) != 2 || got[0].Over != at(3) || !got[1].Over.IsZero() {
		t.Errorf("for another reason: %+v", got)
	}
	k.Over("read the stage", at(4))
	k.Last("read the stage", errors.New("access denied"), at(5)) // again, and not the same any more
	if got := k.Failures(); len(got) != 3 || got[1].Over != at(4) || got[2].Count != 1 {
		t.Errorf("again: %+v", got)
	}
	k.On("qa", at(6))
	if got := k.Failures(); got[2].Over != at(6) {
		t.Errorf("nobody looks there any more: %+v", got[2])
	}
	if line := k.Line(theme.NewMono(true), at(6), 80); strings.TrimSpace(ansi.Strip(line)) != "" {
		t.Errorf("a panel shows it already, and the line says %q", line)
	}
}

func TestTaskLineSaysOfWhichStage(t *testing.T) {
	t.Parallel()
	var k chrome.Tasks
	now := screentest.Now()
	k.On("prod", now)
	k.Apply(screen.Task{ID: "1", Text: "replay orders"}, now)
	k.Apply(screen.Task{ID: "2", Text: "dispatch", Done: true, Err: errors.New("denied")}, now)
	k.On("qa", now)
	line := func() string { return strings.TrimSpace(ansi.Strip(k.Line(theme.New(true, false), now, 80))) }
	if got := line(); !strings.HasPrefix(got, "✗ dispatch (prod): denied") {
		t.Errorf("after leaving: %q", got)
	}
	k.Dismiss()
	if got := line(); got != "" || k.Running() != 0 {
		t.Errorf("what was under way on the other stage: %q", got)
	}
	k.ApplyLate("prod", screen.Task{ID: "1", Text: "replayed 3 messages", Done: true}, now)
	if got := line(); got != "✓ replayed 3 messages (prod)" {
		t.Errorf("late: %q", got)
	}
	k.ApplyLate("prod", screen.Task{ID: "1", Text: "replay", Done: true, Err: errors.New("denied")}, now)
	if got := line(); !strings.HasPrefix(got, "✗ replay (prod): denied") || k.Failures()[1].Stage != "prod" {
		t.Errorf("late: %q", got)
	}
}

func TestOldFailuresAreForgottenFirst(t *testing.T) {
	t.Parallel()
	var k chrome.Tasks
	for i := range 250 {
		k.Fail(strings.Repeat("x", i+1), errors.New("denied"), screentest.Now())
	}
	if got := k.Failures(); len(got) != 100 || len(got[99].What) != 250 {
		t.Errorf("%d rows", len(got))
	}
}
