package chrome

import (
	"cmp"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// resultStays is how long the word of a success stays on the task line.
	resultStays = 8 * time.Second
	// keptFailures bounds the error list.
	keptFailures = 100
)

// Tasks is what was started, what ended, and what failed. The zero value works.
type Tasks struct {
	// ErrorsKey opens the list of failures; empty means !.
	ErrorsKey string

	running  []running
	result   string // the newest success or word to the person
	refused  bool   // it says why something was not done
	resultAt time.Time
	failure  *dialog.Failure // shown until dismissed or replaced
	failures []dialog.Failure
}

type running struct {
	id, text string
	since    time.Time
}

// Apply takes a task's start or end.
func (k *Tasks) Apply(task screen.Task, now time.Time) {
	text := cell.Clean(task.Text)
	at := -1
	for i := range k.running {
		if k.running[i].id == task.ID {
			at = i
		}
	}
	if !task.Done && task.Err == nil {
		if at >= 0 {
			k.running[at].text = text
			return
		}
		k.failure = nil // a person went on to something else
		k.running = append(k.running, running{id: task.ID, text: text, since: now})
		return
	}
	if at >= 0 {
		if text == "" {
			text = k.running[at].text
		}
		k.running = append(k.running[:at], k.running[at+1:]...)
	}
	if task.Err != nil {
		k.Fail(text, task.Err, now)
		return
	}
	k.Say(text, now)
}

// Leave forgets what is under way: it was of a stage that was left, and its end will
// not be told.
func (k *Tasks) Leave() { k.running = nil }

// Say shows that something was done.
func (k *Tasks) Say(text string, now time.Time) {
	k.result, k.refused, k.resultAt = text, false, now
}

// Refuse shows why something was not done.
func (k *Tasks) Refuse(text string, now time.Time) {
	k.result, k.refused, k.resultAt = text, true, now
}

// Fail shows a failure and keeps it in the list.
func (k *Tasks) Fail(what string, err error, now time.Time) {
	f := k.Record(what, err, now)
	k.failure = &f
}

// Record only keeps a failure in the list: one that a panel shows already.
func (k *Tasks) Record(what string, err error, now time.Time) dialog.Failure {
	_, hint := aws.Classify(err)
	f := dialog.Failure{At: now, What: what, Text: cell.Clean(err.Error()), Hint: cell.Clean(hint)}
	k.failures = append(k.failures, f)
	if extra := len(k.failures) - keptFailures; extra > 0 {
		k.failures = append(k.failures[:0], k.failures[extra:]...)
	}
	return f
}

// Dismiss takes the failure off the task line; it is false when none is there.
func (k *Tasks) Dismiss() bool {
	there := k.failure != nil
	k.failure = nil
	return there
}

// Failures are those of the whole session, oldest first.
func (k *Tasks) Failures() []dialog.Failure { return k.failures }

// Running is how many tasks have not ended.
func (k *Tasks) Running() int { return len(k.running) }

// Line draws the task line.
func (k *Tasks) Line(t *theme.Theme, now time.Time, width int) string {
	switch {
	case k.failure != nil:
		right := t.Faint.Render(cmp.Or(k.ErrorsKey, "!") + " errors ")
		left := " " + t.Bad.Render(theme.GlyphFailed+" "+k.failure.What+": "+k.failure.Text)
		return cell.Ends(left, right, width)
	case len(k.running) > 0:
		newest := k.running[len(k.running)-1]
		text := newest.text
		if len(k.running) > 1 {
			text = fmt.Sprintf("%s (and %d more)", text, len(k.running)-1)
		}
		right := ""
		if d := now.Sub(newest.since); d >= 2*time.Second {
			right = t.Faint.Render(cell.Age(d) + " ")
		}
		return cell.Ends(" "+t.Info.Render(theme.GlyphBusy)+" "+text, right, width)
	case k.result != "" && now.Sub(k.resultAt) < resultStays:
		if k.refused {
			return cell.Fit(" "+t.Warn.Render("! "+k.result), width)
		}
		return cell.Fit(" "+t.Good.Render(theme.GlyphDone)+" "+k.result, width)
	}
	return cell.Fit("", width)
}
