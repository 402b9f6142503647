package jobview

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// besideFrom is the width from which another pane stands beside the timeline, and
	// allFrom and allTall the size from which all four are shown.
	besideFrom       = 110
	allFrom, allTall = 160, 34
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	waited := s.env.Now().Sub(s.opened)
	switch {
	case !s.search.begun && s.env.Data.Err != nil:
		return notice.Failed(t, "The workers of the stage are not known", s.env.Data.Err, "A job is looked for in their logs, so it is looked for as soon as they are. q goes back.", width, height)
	case !s.search.begun:
		return notice.Waiting(t, "Looking for the workers of the stage", "The job is looked for in their logs, once these are known.", waited, width, height)
	case s.life == nil && s.search.err != nil:
		return notice.Failed(t, "The job could not be looked for", s.search.err, s.env.Key(s.Kind(), "look-again", "r")+" tries again, q goes back.", width, height)
	case s.life == nil:
		return notice.Waiting(t, "Looking for job "+cell.Clean(s.ask.JobID), s.lookingWhere(), waited, width, height)
	case !s.life.Found():
		return s.unknown(width, height)
	}
	// Every line is exactly as wide as it should be: to measure them once more would
	// take half of a frame's time.
	lines := s.head(width, max(3, height*2/5))
	lines = append(lines, s.panes(width, height-len(lines))...)
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return strings.Join(lines[:height], "\n")
}

// lookingWhere says where is being looked, and what for.
func (s *Screen) lookingWhere() string {
	where := "In the audit trail and the journals of this machine, the job records, and the logs"
	if s.search.named {
		where += " of " + cell.Clean(s.ask.WorkerID)
	} else {
		where += " of " + cell.Plural(len(s.workers()), "worker")
	}
	where += s.searchedSince() + "."
	if s.search.doing != "" {
		where += " Now: " + cell.Clean(s.search.doing) + "."
	}
	return where
}

// searchedSince is how far back was searched.
func (s *Screen) searchedSince() string {
	since := s.search.since
	if s.life != nil {
		since = s.life.Since
	}
	if since.IsZero() {
		return ", back to their beginning"
	}
	return " since " + since.In(s.zone).Format("2006-01-02 15:04:05")
}

// unknown is for a job that nothing knows.
func (s *Screen) unknown(width, height int) string {
	t := s.env.Theme
	if s.requests.Live(forFollow) {
		return notice.Waiting(t, "Waiting for a sign of job "+cell.Clean(s.ask.JobID),
			"Nothing knows it yet. CloudWatch shows lines a few seconds after they were written. "+upper(s.queueWords()), s.env.Now().Sub(s.opened), width, height)
	}
	var advice []string
	if bad := unread(s.life); bad != "" {
		advice = append(advice, "What might know it could not be read: "+bad+".", "")
	}
	searched := "all workers' logs"
	if s.search.named {
		searched = "the log of " + cell.Clean(s.ask.WorkerID)
	}
	advice = append(advice, "Searched: "+searched+s.searchedSince()+", and what else this machine knows.")
	if _, further, ok := s.furtherBack(); ok {
		all := ""
		if s.search.named {
			all = ", at all workers"
		}
		advice = append(advice, s.env.Key(s.Kind(), "further-back", "b")+" searches "+further+" back"+all+"; "+s.env.Key(s.Kind(), "look-again", "r")+" looks again.")
	}
	if s.requests.Live(forFind) {
		advice = append(advice, "", theme.GlyphBusy+" looking again: "+cell.Clean(s.search.doing))
	}
	if s.search.err != nil {
		advice = append(advice, "", theme.GlyphFailed+" "+cell.Clean(s.search.err.Error()))
	}
	advice = append(advice, "")
	for _, src := range looked(s.life) {
		advice = append(advice, theme.GlyphDot+" "+cell.Clean(src))
	}
	for _, m := range s.life.Missing {
		advice = append(advice, theme.GlyphDot+" "+cell.Clean(m))
	}
	return notice.Empty(t, "Nothing knows job "+cell.Clean(s.ask.JobID), advice, width, height)
}

func upper(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:] + "."
}

// panes draws as many panes as there is room for.
func (s *Screen) panes(width, height int) []string {
	if height <= 0 {
		return nil
	}
	switch {
	case width >= allFrom && height >= allTall:
		s.columns = paneCount
		left := min(width/2, 100)
		right := width - left - 1
		top := max(height/2, min(height*2/3, s.events()+6))
		return append(
			s.besides(s.paneOf(paneTimeline, left, top), s.paneOf(paneLines, right, top)),
			s.besides(s.paneOf(paneInput, left, height-top), s.paneOf(paneResult, right, height-top))...)
	case width >= besideFrom:
		s.columns = 2
		left := width / 2
		return s.besides(s.paneOf(paneTimeline, left, height), s.paneOf(s.beside, width-left-1, height))
	}
	s.columns = 1
	return s.paneOf(s.pane, width, height)
}

func (s *Screen) events() int {
	if s.life == nil {
		return 0
	}
	return len(s.life.Events)
}

// besides puts two blocks of the same height side by side.
func (s *Screen) besides(left, right []string) []string {
	bar := s.env.Theme.Border.Render(theme.GlyphBar)
	out := make([]string, len(left))
	for i := range left {
		out[i] = left[i] + bar + right[i]
	}
	return out
}

// name is what a pane is called above it, with how much is in it.
func (s *Screen) name(pane int) string {
	switch pane {
	case paneTimeline:
		return "timeline"
	case paneLines:
		shown, all := len(s.lines.shown), len(s.lines.all)
		switch {
		case s.lines.filter != "":
			return fmt.Sprintf("lines %s of %s", cell.Count(shown), cell.Count(all))
		case s.lines.dropped > 0:
			return fmt.Sprintf("lines %s, %s older dropped", cell.Count(all), cell.Count(s.lines.dropped))
		}
		return "lines " + cell.Count(all)
	case paneResult:
		switch {
		case s.life.Error != nil && s.life.State != jobs.StateCompleted:
			return "error"
		case len(s.life.Output) > 0:
			return "output"
		}
		return "result"
	}
	return "input"
}

// order is the order of the panes in the rule above them.
var order = [...]int{paneTimeline, paneLines, paneResult, paneInput}

// paneOf draws a pane under the rule that names it, in exactly that size.
func (s *Screen) paneOf(pane, width, height int) []string {
	t := s.env.Theme
	focused := pane == s.pane || s.columns == 1
	lines := []string{""} // the rule, once it is known how far the pane is scrolled
	rest := height - 1
	if pane == paneLines && s.filter.Shown() && rest > 1 {
		lines = append(lines, s.filter.View(fmt.Sprintf("%s of %s", cell.Count(len(s.lines.shown)), cell.Count(len(s.lines.all))), width))
		rest--
	}
	first, last, total := 0, 0, 0
	switch {
	case rest <= 0:
	case s.detail != nil && focused:
		s.detail.view.SetSize(max(1, width-2), rest)
		lines = append(lines, indented(s.detail.view.Lines())...)
		first, last, total = s.detail.view.Position()
	case pane == paneTimeline:
		lines = append(lines, s.timeline.lines(t, width, rest, focused, s.goesOn())...)
		first, last, total = s.timeline.top+1, s.timeline.top+s.timeline.height, len(s.timeline.rows)
	case pane == paneLines && len(s.lines.shown) == 0:
		lines = append(lines, s.noLines(width)...)
	case pane == paneLines:
		lines = append(lines, s.lines.lines(t, s.zone, width, rest, focused)...)
		first, last, total = s.lines.position()
	default:
		d := s.result
		if pane == paneInput {
			d = s.input
		}
		d.view.SetSize(max(1, width-2), rest)
		lines = append(lines, indented(d.view.Lines())...)
		first, last, total = d.view.Position()
	}
	where := ""
	if total > last-first+1 {
		where = fmt.Sprintf("%d–%d of %s", first, min(last, total), cell.Count(total))
	}
	lines[0] = s.rule(pane, where, width)
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return lines[:height]
}

// indented puts a space at both ends of lines.
func indented(lines []string) []string {
	for i := range lines {
		lines[i] = " " + lines[i] + " "
	}
	return lines
}

// rule names the pane below it; where only one of several is shown, also the others.
// The one with the keys stands in brackets.
func (s *Screen) rule(pane int, where string, width int) string {
	t := s.env.Theme
	names := []int{pane}
	switch {
	case s.columns == 1:
		names = order[:]
	case s.columns == 2 && pane != paneTimeline:
		names = order[1:]
	}
	line := t.Border.Render(theme.GlyphRule)
	for _, p := range names {
		name := s.name(p)
		if p == s.pane && s.detail != nil {
			name = s.detail.what
		}
		switch {
		case p == s.pane:
			line += t.Key.Render("[ " + name + " ]")
		case p == pane && len(names) > 1:
			line += t.Bold.Render("  " + name + "  ")
		default:
			line += t.Dim.Render("  " + name + "  ")
		}
	}
	if where != "" {
		where = t.Dim.Render(" "+where+" ") + t.Border.Render(theme.GlyphRule)
	}
	if fill := width - cell.Width(line) - cell.Width(where); fill > 0 {
		line += t.Border.Render(strings.Repeat(theme.GlyphRule, fill))
	}
	return cell.Ends(cell.Cut(line, width-cell.Width(where)), where, width)
}

// goesOn is what happens at this moment.
func (s *Screen) goesOn() string {
	word, rest := s.words(s.env.Now())
	switch s.life.State {
	case jobs.StateRunning, jobs.StateRetrying, jobs.StateDeferred, jobs.StateSent:
		return word + rest
	default:
		return ""
	}
}

// noLines is the pane without lines.
func (s *Screen) noLines(width int) []string {
	t := s.env.Theme
	said := "It has no log line" + s.searchedSince() + "."
	switch {
	case s.lines.filter != "":
		said = fmt.Sprintf("None of %s contains that; esc shows all.", cell.Plural(len(s.lines.all), "line"))
	case s.requests.Live(forFollow):
		said = "Waiting for its first line."
	case unread(s.life) != "":
		said = "Not known: " + unread(s.life) + "."
	}
	var out []string
	for _, line := range cell.Wrap(said, max(10, width-4)) {
		out = append(out, cell.Fit("  "+t.Dim.Render(line), width))
	}
	return out
}
