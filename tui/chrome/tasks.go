package chrome

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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

	stage    string
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

// On says which stage failures are of from now on. What was under way on another one is
// forgotten: its end will not be told. What lasted there is over, for nobody looks there
// any more.
func (k *Tasks) On(stage string, now time.Time) {
	k.stage, k.running = stage, nil
	for i := range k.failures {
		if f := &k.failures[i]; f.Lasting && f.Over.IsZero() {
			f.Over = now
		}
	}
}

// ApplyLate takes the end of a task of a stage that was left.
func (k *Tasks) ApplyLate(stage string, task screen.Task, now time.Time) {
	here := k.stage
	k.stage = stage
	if task.Err == nil {
		task.Text += " (" + stage + ")"
	}
	task.ID = "" // the stage that is shown may have one of the same name under way
	k.Apply(task, now)
	k.stage = here
}

// Rename is On for the same stage, which has told its name.
func (k *Tasks) Rename(stage string) {
	if stage == k.stage {
		return
	}
	for i := range k.failures {
		if f := &k.failures[i]; f.Stage == k.stage {
			f.Stage = stage
		}
	}
	k.stage = stage
}

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
	f := k.keep(what, err, now, false)
	k.failure = &f
}

// Record only keeps a failure in the list: one that happened once, and that nobody waits
// for.
func (k *Tasks) Record(what string, err error, now time.Time) { k.keep(what, err, now, false) }

// Listed ends a task whose failure a panel shows: it is kept in the list only.
func (k *Tasks) Listed(task screen.Task, now time.Time) {
	k.running = slices.DeleteFunc(k.running, func(r running) bool { return r.id == task.ID })
	k.Record(cell.Clean(task.Text), task.Err, now)
}

// Last keeps a failure in the list that goes on until it is over, and that a panel shows
// already: each time it fails again it is counted.
func (k *Tasks) Last(what string, err error, now time.Time) { k.keep(what, err, now, true) }

// Over says that what failed again and again works.
func (k *Tasks) Over(what string, now time.Time) {
	for i := range k.failures {
		if f := &k.failures[i]; f.Lasting && f.Over.IsZero() && f.What == what {
			f.Over = now
		}
	}
}

// keep puts a failure at the end of the list. One that was there already is counted
// instead of listed twice.
func (k *Tasks) keep(what string, err error, now time.Time, lasting bool) dialog.Failure {
	_, hint := aws.Classify(err)
	f := dialog.Failure{
		At: now, Last: now, Stage: k.stage, What: what, Text: cell.Clean(err.Error()), Hint: cell.Clean(hint), Count: 1, Lasting: lasting,
	}
	same := func(old dialog.Failure) bool {
		return old.What == f.What && old.Stage == f.Stage && old.Lasting == lasting && old.Over.IsZero() && unnumbered(old.Text) == unnumbered(f.Text)
	}
	if lasting {
		// It fails for another reason now: for the one before it is over.
		for i := range k.failures {
			if old := &k.failures[i]; old.Lasting && old.What == what && old.Over.IsZero() && !same(*old) {
				old.Over = now
			}
		}
	}
	if at := slices.IndexFunc(k.failures, same); at >= 0 {
		f.At, f.Count = k.failures[at].At, k.failures[at].Count+1
		k.failures = slices.Delete(k.failures, at, at+1)
	}
	k.failures = append(k.failures, f)
	if extra := len(k.failures) - keptFailures; extra > 0 {
		k.failures = append(k.failures[:0], k.failures[extra:]...)
	}
	return f
}

// numbers are what differs between two messages of one failure: the ids of requests,
// times, counts.
var numbers = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9]+`)

func unnumbered(text string) string { return numbers.ReplaceAllString(text, "0") }

// Dismiss takes the failure off the task line; it is false when none is there.
func (k *Tasks) Dismiss() bool {
	there := k.failure != nil
	k.failure = nil
	return there
}

// Failures are those of the whole session, whatever the stage; what failed last comes
// last.
func (k *Tasks) Failures() []dialog.Failure { return k.failures }

// Running is how many tasks have not ended.
func (k *Tasks) Running() int { return len(k.running) }

// Line draws the task line.
func (k *Tasks) Line(t *theme.Theme, now time.Time, width int) string {
	switch {
	case k.failure != nil:
		right := t.Faint.Render(cmp.Or(k.ErrorsKey, "!") + " errors ")
		what := k.failure.What
		if k.failure.Stage != "" && k.failure.Stage != k.stage { // none: it is of no stage, such as the configuration's
			what += " (" + k.failure.Stage + ")"
		}
		left := " " + t.Bad.Render(theme.GlyphFailed+" "+what+": "+k.failure.Text)
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
