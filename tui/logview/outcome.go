package logview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// lines are the job's summary above its log lines, at most most of them.
func (j *job) lines(t *theme.Theme, now time.Time, width, most int) []string {
	head := ""
	switch {
	case j.outcome == nil:
		head = t.Info.Render(theme.GlyphBusy + " " + j.words(now))
	case j.failed():
		// A band, so that nobody takes it for anything else.
		head = t.ButtonDanger.Render(" "+theme.GlyphFailed+" "+strings.ToUpper(cell.Clean(j.outcome.Status))+" ") + t.Bad.Render(j.took())
	default:
		head = t.Good.Render(theme.GlyphDone+" completed") + t.Dim.Render(j.took())
	}
	head = " " + head + "  " + t.Bold.Render(cell.Clean(j.id))
	if of := t.Dim.Render(" of " + cell.Clean(j.worker)); cell.Width(head)+cell.Width(of) <= width {
		head += of
	}
	lines := []string{cell.Fit(head, width)}
	if j.outcome != nil {
		return append(lines, j.result(t, width, max(1, most-1))...)
	}
	if j.running && j.progress > 0 {
		lines = append(lines, j.bar(t, width))
	}
	if j.lastErr != "" {
		for _, part := range limited("last error: "+cell.Clean(j.lastErr), width-4, max(1, most-len(lines))) {
			lines = append(lines, cell.Fit("   "+t.Warn.Render(part), width))
		}
	}
	return lines[:min(len(lines), most)]
}

// bar draws the progress that the job last reported.
func (j *job) bar(t *theme.Theme, width int) string {
	const cells = 24
	full := min(cells, int(j.progress/100*cells+0.5))
	return cell.Fit(fmt.Sprintf("   %s%s %3.0f%%  %s",
		t.Info.Render(strings.Repeat("█", full)), t.Faint.Render(strings.Repeat("▁", cells-full)),
		j.progress, t.Dim.Render(cell.Clean(j.note))), width)
}

// result is the output, or the error, in at most most lines; the last says how to
// read the rest.
func (j *job) result(t *theme.Theme, width, most int) []string {
	style := t.Text
	var texts []string
	switch o := j.outcome; {
	case o.Error != nil:
		style = t.Bad
		for _, line := range cell.CleanLines(errorText(o.Error)) {
			texts = append(texts, cell.Wrap(line, max(1, width-4))...)
		}
	case len(o.Output) > 0:
		texts = output(o.Output, width-4)
	}
	more := ""
	if len(texts) > most {
		more = fmt.Sprintf("%s %d more lines: r shows all", cell.Ellipsis, len(texts)-most+1)
		texts = texts[:most-1]
	}
	lines := make([]string, 0, len(texts)+1)
	for _, text := range texts {
		lines = append(lines, cell.Fit("   "+style.Render(text), width))
	}
	if more != "" {
		lines = append(lines, cell.Fit("   "+t.Key.Render(more), width))
	}
	return lines
}

// output is a job's output on one line when it fits, else indented.
func output(raw json.RawMessage, width int) []string {
	var b bytes.Buffer
	if json.Compact(&b, raw) == nil && b.Len() <= 4*width {
		if one := cell.Clean(b.String()); cell.Width(one) <= width {
			return []string{one}
		}
	}
	b.Reset()
	if json.Indent(&b, raw, "", "  ") != nil {
		return cell.Wrap(cell.Clean(string(raw)), max(1, width))
	}
	return cell.CleanLines(b.String())
}

// limited wraps text into at most most lines; the last one is cut when more
// would follow.
func limited(text string, width, most int) []string {
	lines := cell.Wrap(text, max(1, width))
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}

// detail is the whole outcome, to be scrolled.
func (j *job) detail(t *theme.Theme) *detail {
	o := j.outcome
	if o == nil {
		return nil
	}
	fields := filled(
		jsonview.Field{Name: "job", Value: j.id},
		jsonview.Field{Name: "worker", Value: j.worker},
		jsonview.Field{Name: "ended", Value: o.Status + j.took()},
		jsonview.Field{Name: "request", Value: o.RequestID},
	)
	d := &detail{what: "the job's output", body: string(o.Output), view: jsonview.New(t)}
	if o.Error != nil {
		d.what, d.body = "the job's error", errorText(o.Error)
		if stack := o.Error.Stack; stack != "" {
			d.body += "\n\n" + stack
		}
	}
	d.view.Set(j.id, fields, d.body)
	return d
}

// resultLabel names what r shows.
func (j *job) resultLabel() string {
	if j.outcome != nil && j.outcome.Status == logs.StatusCompleted {
		return "whole output"
	}
	return "whole error"
}
