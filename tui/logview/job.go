package logview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// job is what is known of the job whose lines are shown.
type job struct {
	id      string
	worker  string
	watch   *logs.Job
	outcome *logs.Outcome

	attempt  int
	state    string // while it has not ended
	progress float64
	note     string
	lastErr  string
	at       time.Time // of the first line
}

func newJob(id, worker string, maxReceives int) *job {
	return &job{id: id, worker: worker, watch: logs.NewJob(id, maxReceives), state: "waiting for its first log line"}
}

// observe learns from a line. Only the newest outcome counts: a job that was
// replayed runs again under its id.
func (j *job) observe(l *logs.Line) {
	if j.at.IsZero() {
		j.at = l.Time
		j.state = "delivered"
	}
	if out, ended := j.watch.Observe(l); ended && j.outcome == nil {
		j.outcome = &out
	}
	e := l.Event
	if e == nil || e.JobID != j.id {
		return
	}
	if e.Attempt > 0 {
		j.attempt = e.Attempt
	}
	switch e.Event {
	case dispatch.EventStarted:
		j.state, j.progress, j.note = "running", 0, ""
	case dispatch.EventProgress:
		j.state, j.progress, j.note = "running", e.Percent, e.Note
	case dispatch.EventRetrying:
		j.state = "failed, waiting for its next delivery"
		if e.Error != nil {
			j.lastErr = e.Error.Message
		}
	}
}

// failed is whether it ended in another way than completing.
func (j *job) failed() bool { return j.outcome != nil && j.outcome.Status != logs.StatusCompleted }

// lines are the job's summary above its log lines, at most most of them.
func (j *job) lines(t *theme.Theme, width, most int) []string {
	head := " " + t.Bold.Render(cell.Clean(j.id)) + t.Dim.Render(" of "+cell.Clean(j.worker)) + "  "
	switch o := j.outcome; {
	case o == nil:
		head += t.Info.Render(theme.GlyphBusy + " " + j.words())
	case o.Status == logs.StatusCompleted:
		head += t.Good.Render(theme.GlyphDone+" completed") + t.Dim.Render(took(o))
	default:
		head += t.Bad.Render(theme.GlyphFailed+" "+o.Status) + t.Dim.Render(took(o))
	}
	lines := []string{cell.Fit(head, width)}
	if j.outcome == nil {
		if j.progress > 0 {
			lines = append(lines, j.bar(t, width))
		}
		if j.lastErr != "" {
			lines = append(lines, cell.Fit("   "+t.Warn.Render("last error: "+cell.Clean(j.lastErr)), width))
		}
		return lines[:min(len(lines), most)]
	}
	return append(lines, j.result(t, width, max(1, most-1))...)
}

func (j *job) words() string {
	words := j.state
	if j.attempt > 1 {
		words += fmt.Sprintf(", attempt %d", j.attempt)
	}
	return words
}

func took(o *logs.Outcome) string {
	text := ""
	if o.Duration > 0 {
		text = " in " + o.Duration.Round(time.Millisecond).String()
		if o.Duration < time.Millisecond {
			text = " in under 1ms"
		}
	}
	if o.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", o.Attempt)
	}
	return text
}

// bar draws the progress that the job last reported.
func (j *job) bar(t *theme.Theme, width int) string {
	const cells = 24
	full := min(cells, int(j.progress/100*cells+0.5))
	return cell.Fit(fmt.Sprintf("   %s%s %3.0f%%  %s",
		t.Info.Render(strings.Repeat("█", full)), t.Faint.Render(strings.Repeat("▁", cells-full)),
		j.progress, t.Dim.Render(cell.Clean(j.note))), width)
}

// result is the output, or the error, in at most most lines.
func (j *job) result(t *theme.Theme, width, most int) []string {
	var texts []string
	style := t.Text
	switch o := j.outcome; {
	case o.Error != nil:
		style = t.Bad
		texts = cell.Wrap(cell.Clean(o.Error.Message), max(1, width-4))
	case len(o.Output) > 0:
		var pretty bytes.Buffer
		texts = []string{cell.Clean(string(o.Output))}
		if cell.Width(texts[0]) > width-4 && json.Indent(&pretty, o.Output, "", "  ") == nil {
			texts = cell.CleanLines(pretty.String())
		}
	}
	if len(texts) > most {
		texts = append(texts[:most-1:most-1], fmt.Sprintf("… %d more lines: enter on the last log line shows all", len(texts)-most+1))
	}
	lines := make([]string, len(texts))
	for i, text := range texts {
		lines[i] = cell.Fit("   "+style.Render(text), width)
	}
	return lines
}
