package history

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	key := func(id, standard string) string { return s.env.Key(s.Kind(), id, standard) }
	switch {
	case errors.Is(s.err, errNoTrail):
		return notice.Empty(t, "No trail of writes is kept here.", []string{
			"What is done to a stage that ends with this process, or without a home directory to keep state in, is not written down.",
		}, width, height)
	case s.page == nil && s.err != nil:
		return notice.Failed(t, "The trail of writes could not be read", s.err, key("refresh", "r")+" tries again, q goes back.", width, height)
	case s.page == nil:
		return notice.Waiting(t, "Reading the trail of writes", "", s.env.Now().Sub(s.began), width, height)
	}
	lines := s.above(width)
	rest := height - len(lines)
	switch {
	case rest <= 0:
	case s.open != nil:
		lines = append(lines, s.whole(width, rest)...)
	case len(s.table.Rows()) == 0:
		lines = append(lines, strings.Split(s.empty(width, rest), "\n")...)
	default:
		s.table.SetDim(s.err != nil)
		s.table.SetSize(width, rest)
		lines = append(lines, strings.Split(s.table.View(), "\n")...)
	}
	return cell.Box(lines, width, height)
}

// above are the lines over the list: what is wrong, what did not end, the filter.
func (s *Screen) above(width int) []string {
	t := s.env.Theme
	var lines []string
	if s.err != nil {
		lines = append(lines, notice.Lines(t, s.err, width, 2)...)
	}
	if n := s.page.UnreadableCount; n > 0 {
		said := cell.Plural(n, "line") + " of the trail are no records"
		if n == 1 {
			said = "1 line of the trail is no record"
		}
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! "+said+", as after a crash or a full disk: "+cell.Clean(s.page.Unreadable[0])), width))
	}
	if s.unfinished > 0 {
		lines = append(lines, cell.Fit(" "+t.Bad.Render(fmt.Sprintf("%s %s did not end and can be finished", theme.GlyphFailed, cell.Plural(s.unfinished, "action")))+
			t.Dim.Render(": ")+t.Key.Render(s.env.Key(s.Kind(), "repeat", "R"))+t.Dim.Render(" on it, or ")+t.Key.Render(s.env.Key(s.Kind(), "failed", "f"))+t.Dim.Render(" shows what did not end well"), width))
	} else if s.lost > 0 {
		lines = append(lines, cell.Fit(" "+t.Warn.Render(fmt.Sprintf("! %s did not end, as after a kill or a crash", cell.Plural(s.lost, "action"))), width))
	}
	if s.filter.Shown() {
		lines = append(lines, s.filter.View(fmt.Sprintf("%s of %s", cell.Count(len(s.table.Rows())), cell.Count(s.table.Total())), width))
	}
	return lines
}

// whole is one action under a rule that says what it is.
func (s *Screen) whole(width, height int) []string {
	t := s.env.Theme
	s.open.SetSize(max(1, width-2), max(1, height-1))
	title := " " + cell.Clean(s.opened.Record.Action) + " "
	where := ""
	if first, last, total := s.open.Position(); total > last-first+1 {
		where = fmt.Sprintf(" %d–%d of %d ", first, last, total)
	}
	rule := strings.Repeat(theme.GlyphRule, max(0, width-cell.Width(title)-cell.Width(where)-2))
	lines := []string{cell.Fit(t.Border.Render(theme.GlyphRule)+t.Bold.Render(title)+t.Border.Render(rule)+t.Dim.Render(where)+t.Border.Render(theme.GlyphRule), width)}
	for _, line := range s.open.Lines() {
		lines = append(lines, " "+line+" ")
	}
	return lines
}

func (s *Screen) empty(width, height int) string {
	t := s.env.Theme
	key := func(id, standard string) string { return s.env.Key(s.Kind(), id, standard) }
	switch {
	case s.table.Filter() != "":
		return notice.Empty(t, "No action matches the filter.", []string{
			fmt.Sprintf("It hides %s. %s shows all.", cell.Plural(s.table.Total(), "action"), key("clear", "esc")),
		}, width, height)
	case s.bad:
		return notice.Empty(t, "Everything ended well.", []string{
			fmt.Sprintf("That is so of %s. %s shows all.", cell.Plural(len(s.page.Actions), "action"), key("failed", "f")),
		}, width, height)
	case s.everywhere:
		return notice.Empty(t, "Nothing was written to AWS from this machine yet.", []string{
			"Every dispatch, replay, deletion, import, pause and resume will be here, with who did it and what came of it.",
		}, width, height)
	}
	return notice.Empty(t, "Nothing was written to this stage from this machine yet.", []string{
		"Every dispatch, replay, deletion, import, pause and resume will be here, with who did it and what came of it.",
		key("all-stages", "a") + " shows all stages.",
	}, width, height)
}
