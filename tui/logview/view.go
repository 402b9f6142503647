package logview

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	s.width = width
	if whole := s.instead(width, height); whole != "" {
		return whole
	}
	lines := s.above(width, height)
	var below []string
	if s.detail == nil && s.pane.Len() > 0 {
		below = s.edge(width)
	}
	rest := height - len(lines) - len(below)
	switch {
	case rest <= 0:
	case s.detail != nil:
		lines = append(lines, s.detail.lines(t, width, rest)...)
	case s.pane.Len() == 0:
		lines = append(lines, strings.Split(s.empty(width, rest), "\n")...)
	default:
		lines = append(lines, s.renderer(width, rest).lines()...)
	}
	return cell.Box(append(lines, below...), width, height)
}

// instead is what stands in place of everything, empty when there is something to show.
func (s *Screen) instead(width, height int) string {
	t, tl := s.env.Theme, &s.tail
	if s.pane.Buf.Len() > 0 || s.menu != nil || s.input != nil {
		return ""
	}
	key := func(id, standard string) string { return s.env.Key(screen.KindLogs, id, standard) }
	switch {
	case tl.ended != nil:
		return notice.Failed(t, "Could not read the logs", tl.ended, key("read-again", "R")+" tries again, q goes back.", width, height)
	case !tl.started && s.env.Data.Inventory == nil:
		return notice.Waiting(t, "Looking for the workers of the stage", "The logs are read once their log groups are known.", s.env.Now().Sub(s.opened), width, height)
	case !tl.started:
		return notice.Failed(t, "No log group to read",
			errors.New("no function of "+strings.Join(tl.missing, ", ")+" is known in stage "+cell.Clean(s.env.Stage.Name)),
			"The stage is looked at again from time to time, and this screen begins once there is one. "+key("workers", "W")+" reads another worker, q goes back.", width, height)
	case tl.state.Err != nil:
		return notice.Failed(t, "Could not read the logs", tl.state.Err, s.retrying()+" q goes back.", width, height)
	}
	return ""
}

// above are the lines over the log: what is wrong, what is chosen, what is typed.
func (s *Screen) above(width, height int) []string {
	t, tl := s.env.Theme, &s.tail
	var lines []string
	add := func(line string) { lines = append(lines, cell.Fit(line, width)) }
	warn := func(text string) {
		for i, part := range cell.Wrap(text, width-4) {
			head := "   "
			if i == 0 {
				head = " ! "
			}
			add(t.Warn.Render(head + part))
		}
	}
	switch {
	case tl.ended != nil:
		lines = append(lines, notice.Lines(t, tl.ended, width, 2)...)
		add("   " + t.Dim.Render("No new lines come any more. ") + t.Key.Render(s.env.Key(screen.KindLogs, "read-again", "R")) + t.Dim.Render(" reads again."))
	case tl.state.Err != nil:
		lines = append(lines, notice.Lines(t, tl.state.Err, width, 2)...)
		add("   " + t.Dim.Render(s.retrying()+" What came before stays."))
	}
	if text := s.trouble(); text != "" && tl.ended == nil && tl.state.Err == nil {
		warn(text)
	}
	if len(tl.missing) > 0 {
		warn("no log group is known of " + strings.Join(tl.missing, ", "))
	}
	if s.inflow.paused {
		n := s.inflow.lines + s.inflow.dropped
		add(" " + t.Warn.Render("! paused") + t.Dim.Render(fmt.Sprintf(": %s since then, ", cell.Plural(n, "new line"))) +
			t.Key.Render(s.env.Key(screen.KindLogs, "pause", "p")) + t.Dim.Render(" goes on"))
	}
	if !tl.until.IsZero() {
		add(t.Dim.Render(" from " + s.clock(tl.since) + " to " + s.clock(tl.until)))
	}
	if len(s.choice.hidden) > 0 {
		lines = append(lines, s.legend(width))
	}
	if text := s.chosen(); text != "" {
		add(" " + text)
	}
	if s.filter.Shown() {
		lines = append(lines, s.filter.View(s.keptNote(), width))
	}
	if s.search.Shown() {
		lines = append(lines, s.search.View(s.foundNote(), width))
	}
	if s.input != nil {
		lines = append(lines, s.input.view(s, width)...)
	}
	if s.menu != nil {
		lines = append(lines, s.menu.lines(t, width, max(3, height-len(lines)-2))...)
		add(t.Border.Render(strings.Repeat(theme.GlyphRule, width)))
	}
	return lines
}

// edge is the bottom line while somebody reads what is not the newest: what came
// meanwhile, and how to follow again.
func (s *Screen) edge(width int) []string {
	t := s.env.Theme
	marks := s.pane.Marks()
	if s.pane.Follow && marks == 0 {
		return nil
	}
	left := ""
	if !s.pane.Follow {
		key := s.env.Key(screen.KindLogs, "follow", "G")
		verb := " follows"
		if !s.tail.until.IsZero() || s.tail.ended != nil {
			verb = " goes to the newest"
		}
		if n := s.pane.Fresh; n > 0 {
			left = t.ButtonOn.Render(fmt.Sprintf(" %s %s new below, %s%s ", theme.GlyphDown, cell.Count(n), key, verb))
		} else {
			left = t.Dim.Render(" "+theme.GlyphDown+" nothing new below, ") + t.Key.Render(key) + t.Dim.Render(verb)
		}
	}
	if marks > 0 {
		left += " " + t.Marked.Render(theme.GlyphMark+" "+cell.Count(marks)+" marked") + t.Dim.Render(", ") +
			t.Key.Render(s.env.Key(screen.KindLogs, "copy-lines", "Y")) + t.Dim.Render(" copies them")
	}
	noun := "line"
	if s.pane.Folded() {
		noun = "row"
	}
	right := t.Dim.Render(fmt.Sprintf("%s %s of %s ", noun, cell.Count(s.pane.Cursor()+1), cell.Count(s.pane.Len())))
	return []string{cell.Ends(left, right, width)}
}

// empty is the panel without a line to show.
func (s *Screen) empty(width, height int) string {
	t, tl, b := s.env.Theme, &s.tail, s.pane.Buf
	key := func(id, standard string) string { return s.env.Key(screen.KindLogs, id, standard) }
	switch {
	case b.Judging():
		return notice.Waiting(t, "Searching "+cell.Plural(b.Len(), "line"), "", 0, width, height)
	case b.Len() > 0:
		return notice.Empty(t, "No line matches the filter.", []string{
			fmt.Sprintf("It hides %s. %s shows all.", cell.Plural(b.Len(), "line"), key("all-lines", "esc")),
		}, width, height)
	case !tl.heard:
		return notice.Waiting(t, "Reading the logs of "+s.names(), "From "+s.clock(tl.since)+" on.", s.env.Now().Sub(s.opened), width, height)
	}
	advice := []string{key("range", "t") + " reads further back."}
	what := "No line since " + s.clock(tl.since) + "."
	switch {
	case tl.jobID != "":
		what = "No line of job " + cell.Clean(tl.jobID) + " since " + s.clock(tl.since) + "."
		advice = append(advice, key("only-job", "O")+" shows the lines of all jobs, "+key("open-job", "o")+" opens the job.")
	case tl.requestID != "":
		what = "No line of request " + cell.Clean(tl.requestID) + " since " + s.clock(tl.since) + "."
		advice = append(advice, key("only-invocation", "i")+" shows the lines of all invocations.")
	}
	if tl.until.IsZero() {
		advice = append([]string{"It is followed: CloudWatch shows lines a few seconds after they were written."}, advice...)
	}
	advice = append(advice, s.queueWords()...)
	return notice.Empty(t, what, advice, width, height)
}

// queueWords say why a worker may have nothing to log.
func (s *Screen) queueWords() []string {
	if len(s.tail.ids) != 1 || !s.tail.until.IsZero() {
		return nil
	}
	w, ok := s.env.Worker(s.tail.ids[0])
	if !ok || w.Queue == nil || w.Queue.Depth.At.IsZero() {
		return nil
	}
	d := w.Queue.Depth
	words := []string{fmt.Sprintf("Its queue holds %s, %s in flight.", cell.Plural(d.Visible+d.Delayed, "message"), cell.Count(d.InFlight))}
	if w.Mapping != nil && w.Mapping.State != "" && w.Mapping.State != "Enabled" {
		words = append(words, "Its event source mapping is "+strings.ToLower(cell.Clean(w.Mapping.State))+": it takes no message.")
	}
	return words
}
