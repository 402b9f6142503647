package workerlist

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Severities, by which the list is sorted: the higher, the more it needs a
// person.
const (
	calm = iota
	notable
	attention
	stuck
	failing
	broken
)

const (
	// failingFor is how long a worker counts as failing after its dead letters
	// rose.
	failingFor = 2 * time.Minute
	// stalledSamples is how many readings a queue must have waited, without
	// anything in flight and without shrinking, to count as stalled.
	stalledSamples = 5
)

// condition is a worker's state in a word, and in a sentence that says what to
// do about it.
type condition struct {
	word     string
	tone     theme.Tone
	severity int
	text     string
}

// judge says how a worker is.
func judge(w *aws.Worker, c screen.Counts, t *screen.Trend, now time.Time) condition {
	waiting := cell.Plural(c.Backlog(), "job")
	problem := firstProblem(w)
	switch {
	case w.Queue == nil:
		return condition{"no queue", theme.ToneBad, broken, cmp.Or(problem, "its queue was not found: nothing can be sent to it")}
	case w.Queue.Depth.At.IsZero():
		return condition{"unread", theme.ToneDim, notable, cmp.Or(problem, "its queue could not be read yet")}
	case w.Function != nil && strings.EqualFold(w.Function.State, "Failed"):
		return condition{"broken", theme.ToneBad, broken, "its function is in state Failed: deploy it again"}
	case serious(w):
		return condition{"broken", theme.ToneBad, broken, problem}
	case t != nil && !t.DeadRoseAt.IsZero() && now.Sub(t.DeadRoseAt) < failingFor && c.Dead > 0:
		return condition{"failing", theme.ToneBad, failing, fmt.Sprintf("dead letters rose %s ago to %s: x looks at them, l at the logs", cell.Age(now.Sub(t.DeadRoseAt)), cell.Count(c.Dead))}
	case paused(w):
		text := "its event source mapping is " + strings.ToLower(cell.Clean(w.Mapping.State)) + ": nothing runs its jobs"
		if c.Backlog() > 0 {
			return condition{"paused", theme.ToneWarn, stuck, text + ", " + waiting + " wait"}
		}
		return condition{"paused", theme.ToneWarn, notable, text}
	case stalled(t):
		return condition{"stalled", theme.ToneWarn, stuck, waiting + " wait and none is in flight: is something reading the queue?"}
	case c.Dead > 0:
		return condition{"dead letters", theme.ToneWarn, attention, cell.Plural(c.Dead, "dead letter") + ": x looks at them"}
	// A warning of the deployment is told, and does not hide that jobs run.
	case c.InFlight > 0:
		return condition{"working", theme.ToneGood, calm, problem}
	case c.Visible > 0:
		return condition{"waiting", theme.ToneInfo, calm, problem}
	case c.Delayed > 0:
		return condition{"delayed", theme.ToneInfo, calm, problem}
	case problem != "":
		return condition{"check", theme.ToneWarn, notable, problem}
	}
	return condition{"idle", theme.ToneDim, calm, ""}
}

func firstProblem(w *aws.Worker) string {
	if len(w.Problems) == 0 {
		return ""
	}
	return cell.Clean(w.Problems[0].Text)
}

func serious(w *aws.Worker) bool {
	return len(w.Problems) > 0 && w.Problems[0].Severity == "error" && !paused(w)
}

// paused is whether the mapping feeds nothing to the function.
func paused(w *aws.Worker) bool {
	if w.Mapping == nil {
		return false
	}
	switch strings.ToLower(w.Mapping.State) {
	case "disabled", "disabling":
		return true
	}
	return false
}

// stalled is whether messages have waited over the last readings while nothing
// was taken.
func stalled(t *screen.Trend) bool {
	if t == nil || len(t.Samples) < stalledSamples {
		return false
	}
	last := t.Samples[len(t.Samples)-stalledSamples:]
	for i, c := range last {
		if c.Visible == 0 || c.InFlight > 0 || (i > 0 && c.Visible < last[i-1].Visible) {
			return false
		}
	}
	return true
}
