package jobview

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// head is what matters most of a job, in at most most lines: where it is and since
// when, how that is known, how far it is, what it failed with, what could not be read.
func (s *Screen) head(width, most int) []string {
	t, l := s.env.Theme, s.life
	first := " " + s.state() + "  " + t.Bold.Render(cell.Clean(s.ask.JobID))
	if of := s.workerID(); of != "" {
		if of = t.Dim.Render(" of " + cell.Clean(of)); cell.Width(first)+cell.Width(of) <= width {
			first += of
		}
	}
	lines := []string{cell.Fit(first, width)}
	// What is wrong is not pushed out by what is worth knowing.
	troubles := s.troubles(width)
	room := func() int { return most - len(lines) - len(troubles) }
	if facts := s.facts(); len(facts) > 0 && room() > 0 {
		lines = append(lines, cell.Fit("   "+t.Dim.Render(strings.Join(facts, " "+theme.GlyphDot+" ")), width))
	}
	if p := s.progress(); p != nil && room() > 0 {
		lines = append(lines, s.bar(p, width))
	}
	if l.Error != nil && l.State != jobs.StateCompleted && room() > 0 {
		style := t.Warn
		if l.State.Ended() {
			style = t.Bad
		}
		for _, part := range limited(cell.Clean(errorText(l)), width-4, min(3, room())) {
			lines = append(lines, cell.Fit("   "+style.Render(part), width))
		}
	}
	return append(lines, troubles...)[:min(most, len(lines)+len(troubles))]
}

// state says in words where the job is, with a mark and a colour.
func (s *Screen) state() string {
	t, l, now := s.env.Theme, s.life, s.env.Now()
	word, rest := s.words(now)
	switch {
	case l.State == jobs.StateCompleted:
		return t.Good.Render(theme.GlyphDone+" "+word) + t.Dim.Render(rest)
	case l.State.Ended():
		// A band, so that nobody takes it for anything else.
		return t.ButtonDanger.Render(" "+theme.GlyphFailed+" "+strings.ToUpper(word)+" ") + t.Bad.Render(rest)
	case l.State == jobs.StateRetrying || l.State == jobs.StateUnknown:
		return t.Warn.Render(theme.GlyphBusy+" "+word) + t.Dim.Render(rest)
	}
	return t.Info.Render(theme.GlyphBusy+" "+word) + t.Dim.Render(rest)
}

// words are the state, and since when, how long and in which attempt.
func (s *Screen) words(now time.Time) (word, rest string) {
	l, last := s.life, s.last()
	ago := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return " " + span(now.Sub(at)) + " ago"
	}
	attempt := ""
	if last != nil {
		attempt = ", attempt " + fmt.Sprint(last.Number)
		if l.MaxAttempts > 0 && last.Number <= l.MaxAttempts {
			attempt += fmt.Sprintf(" of %d", l.MaxAttempts)
		}
	}
	switch l.State {
	case jobs.StateCompleted, jobs.StateFailed, jobs.StateTimedOut, jobs.StateCrashed:
		word = string(l.State)
		if last != nil && last.Outcome == logs.OutcomeOutOfMemory && l.State == jobs.StateCrashed {
			word = logs.OutcomeOutOfMemory
		}
		rest = ago(l.EndedAt)
		if last != nil && last.DurationMS > 0 {
			how := " after "
			if l.State == jobs.StateCompleted {
				how = " in "
			}
			rest += how + took(last.DurationMS)
		}
		return word, rest + attempt
	case jobs.StateRunning:
		word = "running"
		if last != nil && !last.Start.IsZero() {
			rest = " for " + span(now.Sub(last.Start))
		}
		return word, rest + attempt
	case jobs.StateRetrying:
		if last != nil && last.Outcome != logs.StatusFailed {
			return last.Outcome + ago(last.End), s.nextDelivery(now) + attempt
		}
		word = "failed"
		if last != nil {
			word += ago(last.End)
		}
		return word, s.nextDelivery(now) + attempt
	case jobs.StateDeferred:
		return "put off", s.nextDelivery(now)
	case jobs.StateSent:
		since := time.Time{}
		if l.Sent != nil {
			since = l.Sent.At
		}
		if n := len(l.Replays); n > 0 {
			since = l.Replays[n-1].At
			word = "replayed, "
		}
		word += "waiting in its queue"
		if !since.IsZero() {
			rest = " for " + span(now.Sub(since))
		}
		return word, rest + ", not delivered yet"
	case jobs.StateUnknown:
	}
	if !l.Found() {
		return "not known", ""
	}
	return "its end is not known", attempt
}

// nextDelivery is when SQS delivers the job again.
func (s *Screen) nextDelivery(now time.Time) string {
	last := s.last()
	if last == nil {
		return ", waiting for its next delivery"
	}
	at := last.End
	if at.IsZero() {
		at = last.Start
	}
	wait := at.Add(millis(last.RetryInMS)).Sub(now)
	switch {
	case last.RetryInMS <= 0:
		return ", waiting for its next delivery"
	case wait <= 0:
		return ", its next delivery is due since " + span(-wait)
	}
	return ", delivered again in " + span(wait+time.Second-1)
}

// took is how long something ran, as the timeline says it.
func took(ms float64) string {
	d := millis(ms)
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return "under 1ms"
}

// span is a duration in whole seconds, in words of one or two units.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Hour:
		return d.Truncate(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// facts are what is worth knowing beside it.
func (s *Screen) facts() []string {
	l := s.life
	var out []string
	if r := len(l.Replays); r > 0 {
		if id := l.Replays[r-1].NewJobID; id != "" {
			out = append(out, "replayed as "+cell.Clean(id))
		} else {
			out = append(out, "replayed under its id")
		}
	}
	if d := l.DeadLetter; d != nil {
		out = append(out, "dead: its message is in "+cell.Clean(d.Queue))
	}
	if w := l.Webhook; w != nil && !w.Delivered {
		out = append(out, "webhook not delivered")
	}
	if l.StateFrom != "" {
		out = append(out, "as the "+l.StateFrom+" says")
	}
	if l.TotalMS > 0 && len(l.Attempts) > 1 {
		out = append(out, cell.Offset(millis(l.TotalMS))+" in all")
	}
	if l.State == jobs.StateSent {
		if words := s.queueWords(); words != "" {
			out = append(out, words)
		}
	}
	if o := l.Sent; o != nil && o.How != "" {
		for i := range l.Events {
			if e := &l.Events[i]; e.Kind == jobs.EventSent {
				out = append(out, cell.Clean(e.Text))
				break
			}
		}
	}
	return out
}

// queueWords say what stands before a job that was not delivered yet.
func (s *Screen) queueWords() string {
	w, ok := s.env.Worker(s.workerID())
	if !ok || w.Queue == nil || w.Queue.Depth.At.IsZero() {
		return ""
	}
	words := "its queue holds " + cell.Plural(w.Queue.Depth.Visible+w.Queue.Depth.Delayed, "message")
	if w.Mapping != nil && w.Mapping.State == "Disabled" {
		words = "its worker is paused, " + words
	}
	return words
}

// bar draws the progress that the job last reported.
func (s *Screen) bar(p *jobs.Progress, width int) string {
	t := s.env.Theme
	cells := max(8, min(40, width/3))
	full := min(cells, int(p.Percent/100*float64(cells)+0.5))
	age := ""
	if d := s.env.Now().Sub(p.At); d >= 10*time.Second {
		age = "  " + span(d) + " ago"
	}
	return cell.Fit(fmt.Sprintf("   %s%s %3.0f%%  %s",
		t.Info.Render(strings.Repeat("█", full)), t.Faint.Render(strings.Repeat("▁", cells-full)),
		p.Percent, t.Dim.Render(cell.Clean(p.Note)+age)), width)
}

// troubles are what keeps the screen from knowing more.
func (s *Screen) troubles(width int) []string {
	t := s.env.Theme
	var lines []string
	switch {
	case s.search.err != nil:
		lines = append(lines, notice.Lines(t, s.search.err, width, 2)...)
	case s.follow.err != nil:
		lines = append(lines, notice.Lines(t, s.follow.err, width, 2)...)
	case s.follow.state.Err != nil && !s.life.State.Ended():
		lines = append(lines, notice.Lines(t, s.follow.state.Err, width, 2)...)
		lines = append(lines, cell.Fit("   "+t.Dim.Render(s.retrying()), width))
	case s.follow.why != "" && !s.life.State.Ended():
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! not followed: "+s.follow.why), width))
	}
	if bad := unread(s.life); bad != "" {
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! could not be read: "+bad), width))
	}
	return lines
}

// unread names the sources that could not be read.
func unread(l *jobs.Life) string {
	var bad []string
	for _, src := range l.Sources {
		if src.Status == jobs.SourceDenied || src.Status == jobs.SourceFailed {
			bad = append(bad, cell.Clean(src.Name)+" ("+src.Status+")")
		}
	}
	if len(bad) > 2 {
		bad = append(bad[:1:1], fmt.Sprintf("%d more", len(bad)-1))
	}
	return strings.Join(bad, ", ")
}

// retrying says when the logs are asked for again.
func (s *Screen) retrying() string {
	if wait := s.follow.state.RetryIn - s.env.Now().Sub(s.follow.stateAt); wait > 0 {
		return fmt.Sprintf("Trying again in %ds. What is known stays.", (wait+time.Second-1)/time.Second)
	}
	return "Trying again. What is known stays."
}

// limited wraps text into at most most lines; the last one is cut when more would
// follow.
func limited(text string, width, most int) []string {
	lines := cell.Wrap(head1(text, 4*width), max(1, width))
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}
