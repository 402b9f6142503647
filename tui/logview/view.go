package logview

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// linesLeast is how many rows a job's summary leaves to its log lines.
	linesLeast = 5
	outputMost = 8
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	nothing := s.pane.buf.all.len() == 0
	switch {
	case s.ended != nil && nothing:
		return notice.Failed(t, "Could not follow the logs", s.ended, "R tries again, q goes back.", width, height)
	case !s.started && s.env.Data.Inventory == nil:
		return notice.Waiting(t, "Looking for the workers of the stage", "The logs are read once their log groups are known.", s.env.Now().Sub(s.opened), width, height)
	case !s.started:
		return notice.Failed(t, "No log group to read",
			errors.New("no function of "+strings.Join(s.missing, ", ")+" is known in stage "+cell.Clean(s.env.Stage.Name)),
			"The stage is looked at again from time to time, and this screen begins once there is one. q goes back.", width, height)
	case s.state.Err != nil && nothing && s.job == nil:
		return notice.Failed(t, "Could not read the logs", s.state.Err, s.retrying()+" q goes back.", width, height)
	}
	lines := s.above(width, height)
	rest := height - len(lines)
	switch {
	case rest <= 0:
	case s.detail != nil:
		lines = append(lines, s.detail.lines(t, width, rest)...)
	case s.pane.buf.shown.len() == 0:
		lines = append(lines, strings.Split(s.empty(width, rest), "\n")...)
	default:
		lines = append(lines, s.renderer(width, rest).lines(width)...)
	}
	return cell.Box(lines, width, height)
}

// above are the lines over the log: the job, what is wrong, the filter.
func (s *Screen) above(width, height int) []string {
	t := s.env.Theme
	var lines []string
	if s.job != nil {
		lines = append(lines, s.job.lines(t, s.env.Now(), width, s.summary(height))...)
	}
	switch {
	case s.ended != nil:
		lines = append(lines, notice.Lines(t, s.ended, width, 2)...)
		lines = append(lines, cell.Fit("   "+t.Dim.Render("No new lines come any more. ")+t.Key.Render("R")+t.Dim.Render(" follows again."), width))
	case s.state.Err != nil:
		lines = append(lines, notice.Lines(t, s.state.Err, width, 2)...)
		lines = append(lines, cell.Fit("   "+t.Dim.Render(s.retrying()+" What came before stays."), width))
	case len(s.missing) > 0:
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! no log group is known of "+strings.Join(s.missing, ", ")), width))
	}
	if s.paused != nil {
		n := s.paused.all.len() + s.paused.dropped
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! paused")+t.Dim.Render(fmt.Sprintf(": %s since then, ", cell.Plural(n, "new line")))+t.Key.Render("p")+t.Dim.Render(" goes on"), width))
	}
	if s.filter.Shown() {
		lines = append(lines, s.filter.View(s.found(), width))
	}
	if s.job != nil && s.detail == nil {
		lines = append(lines, t.Border.Render(strings.Repeat(theme.GlyphRule, width)))
	}
	return lines
}

// summary is how many lines the job may take: an error all but a few, since it
// is what somebody came for.
func (s *Screen) summary(height int) int {
	switch {
	case s.detail != nil:
		return 1
	case s.job.failed():
		return max(3, height-linesLeast-1)
	}
	return max(2, min(outputMost, height/3))
}

// retrying says when the logs are asked for again.
func (s *Screen) retrying() string {
	if wait := s.state.RetryIn - s.env.Now().Sub(s.stateAt); wait > 0 {
		return fmt.Sprintf("Trying again in %ds.", (wait+time.Second-1)/time.Second)
	}
	return "Trying again."
}

// found says what the filter keeps.
func (s *Screen) found() string {
	b := s.pane.buf
	switch {
	case s.badRE != nil:
		return "unfinished regular expression"
	case b.searching():
		return "searching"
	}
	counts := fmt.Sprintf("%s of %s", cell.Count(b.shown.len()), cell.Count(b.all.len()))
	if b.filter.text != "" || b.filter.re != nil {
		// Some rows do not show why they are here.
		counts += ", by the whole line"
	}
	return counts
}

func (s *Screen) empty(width, height int) string {
	t := s.env.Theme
	waited := s.env.Now().Sub(s.opened)
	switch b := s.pane.buf; {
	case b.searching():
		return notice.Waiting(t, "Searching "+cell.Plural(b.all.len(), "line"), "", 0, width, height)
	case b.all.len() > 0:
		return notice.Empty(t, "No line matches the filter.", []string{
			fmt.Sprintf("It hides %s. esc shows all.", cell.Plural(b.all.len(), "line")),
		}, width, height)
	case s.job != nil:
		return notice.Waiting(t, "Waiting for the job's log lines", s.queueWords()+
			"CloudWatch shows lines a few seconds after they were written.", waited, width, height)
	}
	return notice.Waiting(t, "Waiting for log lines", "Nothing was logged since "+s.clock(s.since())+".", waited, width, height)
}

// queueWords say what stands before a job that nothing was heard of yet.
func (s *Screen) queueWords() string {
	if len(s.ask.WorkerIDs) != 1 {
		return ""
	}
	w, ok := s.env.Worker(s.ask.WorkerIDs[0])
	if !ok || w.Queue == nil || w.Queue.Depth.At.IsZero() {
		return ""
	}
	d := w.Queue.Depth
	return fmt.Sprintf("Its queue holds %s, %s in flight. ", cell.Plural(d.Visible+d.Delayed, "message"), cell.Count(d.InFlight))
}
