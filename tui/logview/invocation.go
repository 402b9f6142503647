package logview

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

// wideFold is the width from which an invocation's memory and bill have columns.
const wideFold = 100

// invocation draws an invocation that is folded to one row, or stands above its lines.
func (r renderer) invocation(g *pane.Group, selected bool) string {
	inv := g.Invocation(r.s.env.Now())
	kept, all := r.s.pane.Kept(g)
	paint := func(tone theme.Tone, s string) string { return r.t.Paint(tone, selected).Render(s) }
	c := &r.cols
	var b strings.Builder
	marked := false
	if c.marks {
		for _, e := range r.s.pane.Lines(pane.Row{Group: g}) {
			marked = marked || e.Marked
		}
	}
	b.WriteString(r.mark(marked, selected))
	sign := "+ "
	if g.Open {
		sign = "- "
	}
	b.WriteString(paint(theme.ToneAccent, sign))
	if c.time != "" {
		b.WriteString(paint(theme.ToneFaint, inv.Start.In(c.zone).Format(c.time)+" "))
	}
	b.WriteString(r.source(inv.WorkerID, selected))
	tone, outcome := outcomeOf(&inv)
	b.WriteString(paint(tone, cell.Fit(outcome, 13)+" "))
	b.WriteString(paint(theme.ToneText, cell.FitRight(took(&inv, r.s.env.Now()), 7)+" "))
	if r.width >= wideFold {
		billed, memory := "", ""
		if inv.Report != nil {
			billed = "billed " + brief(inv.Report.Billed)
			memory = fmt.Sprintf("%d/%d MB", inv.Report.MaxMemoryMB, inv.Report.MemoryMB)
		}
		b.WriteString(paint(memoryTone(&inv), cell.FitRight(memory, 12)+" "))
		b.WriteString(paint(theme.ToneFaint, cell.FitRight(billed, 14)+" "))
	}
	count, cells := cell.Plural(all, "line"), 9
	if !r.s.pane.Buf.Filter().Empty() {
		cells = 14
	}
	if kept < all {
		count = fmt.Sprintf("%d of %s", kept, count)
	}
	b.WriteString(paint(theme.ToneDim, cell.FitRight(count, cells)))
	if hits := r.s.pane.Hits(g); hits > 0 {
		b.WriteString(r.t.Match.Render(" " + matches(hits)))
	}
	switch {
	case inv.Errors > 0:
		b.WriteString(paint(theme.ToneBad, " "+cell.Plural(inv.Errors, "error")))
	case inv.Warnings > 0:
		b.WriteString(paint(theme.ToneWarn, " "+cell.Plural(inv.Warnings, "warning")))
	}
	b.WriteString(paint(theme.ToneText, "  "+jobsOf(&inv)))
	if inv.Error != nil {
		b.WriteString(paint(theme.ToneBad, "  "+cell.Clean(errorText(inv.Error.Name, inv.Error.Message))))
	} else if l := r.s.pane.Worst(g); l != nil {
		text, _ := advance(l.Text, r.width) // it may be very long
		b.WriteString(paint(tones.OfLevel(l.Level), "  "+l.Text[:text]))
	}
	line := cell.Cut(b.String(), r.width)
	return line + paint(theme.ToneText, strings.Repeat(" ", max(0, r.width-cell.Width(line))))
}

func matches(n int) string {
	if n == 1 {
		return "1 match"
	}
	return cell.Count(n) + " matches"
}

// outcomeOf is how an invocation ended, by its job when it had one: an invocation that
// went well may have had a job that failed.
func outcomeOf(inv *logs.Invocation) (theme.Tone, string) {
	outcome := inv.Outcome
	if outcome == logs.OutcomeOK && len(inv.Jobs) == 1 && inv.Jobs[0].Outcome != logs.OutcomeUnknown {
		outcome = inv.Jobs[0].Outcome
	}
	if outcome == logs.OutcomeOK && len(inv.Jobs) > 1 {
		bad := 0
		for i := range inv.Jobs {
			if o := inv.Jobs[i].Outcome; o == logs.StatusFailed || o == logs.OutcomeRetrying {
				bad++
			}
		}
		if bad > 0 {
			return theme.ToneBad, fmt.Sprintf("%d of %d failed", bad, len(inv.Jobs))
		}
	}
	return outcomeTone(outcome), cell.Clean(outcome)
}

func outcomeTone(outcome string) theme.Tone {
	switch outcome {
	case logs.OutcomeOK, logs.StatusCompleted:
		return theme.ToneGood
	case logs.OutcomeRunning:
		return theme.ToneInfo
	case logs.OutcomeRetrying, logs.OutcomeDeferred, logs.OutcomeSkipped:
		return theme.ToneWarn
	case logs.OutcomeUnknown:
		return theme.ToneFaint
	}
	return theme.ToneBad
}

// memoryTone warns where nine tenths of the memory were used.
func memoryTone(inv *logs.Invocation) theme.Tone {
	if r := inv.Report; r != nil && r.MemoryMB > 0 && r.MaxMemoryMB*10 >= r.MemoryMB*9 {
		return theme.ToneWarn
	}
	return theme.ToneFaint
}

// took is how long it took, or has been running.
func took(inv *logs.Invocation, now time.Time) string {
	switch d := inv.Duration(); {
	case d > 0:
		return brief(d)
	case inv.Outcome == logs.OutcomeRunning && now.After(inv.Start):
		return cell.Age(now.Sub(inv.Start)) + cell.Ellipsis
	}
	return ""
}

// brief is a duration with three digits or so.
func brief(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

func jobsOf(inv *logs.Invocation) string {
	switch len(inv.Jobs) {
	case 0:
		return "request " + shortID(inv.RequestID)
	case 1:
		j := &inv.Jobs[0]
		text := "job " + shortID(j.JobID)
		if j.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", j.Attempt)
		}
		return text
	}
	return fmt.Sprintf("%d jobs, first %s", len(inv.Jobs), shortID(inv.Jobs[0].JobID))
}

func errorText(name, message string) string {
	if name != "" && name != "Error" {
		return name + ": " + message
	}
	return message
}
