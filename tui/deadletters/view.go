package deadletters

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// wideFrom is the width from which list and body stand side by side.
	wideFrom   = 110
	sideEffect = "Looking receives every message once, so each look raises the receive counts. They are visible again afterwards."
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	switch {
	case s.listing == nil && s.err != nil:
		return notice.Failed(t, "Could not look into "+s.queueName(), s.err, "r tries again, q goes back.", width, height)
	case s.listing == nil && !s.requests.Live(forLook) && s.env.Data.Inventory != nil:
		return notice.Failed(t, "No such worker", errors.New("the stage has no worker "+cell.Clean(s.workerID)+" any more"), "q goes back.", width, height)
	case s.listing == nil:
		return notice.Waiting(t, "Looking into "+s.queueName(), sideEffect, s.env.Now().Sub(s.askedAt), width, height)
	case len(s.listing.Letters) == 0 && s.err == nil:
		return notice.Empty(t, "No dead letters in "+s.queueName()+".", s.emptyAdvice(), width, height)
	}
	lines := s.above(width)
	height -= len(lines)
	if len(s.table.Rows()) == 0 {
		lines = append(lines, notice.Empty(t, "No message matches the filter.", []string{"esc clears it."}, width, height))
		return strings.Join(lines, "\n")
	}
	if width >= wideFrom {
		lines = append(lines, s.sideBySide(width, height)...)
	} else {
		lines = append(lines, s.stacked(width, height)...)
	}
	return strings.Join(lines, "\n")
}

func (s *Screen) emptyAdvice() []string {
	advice := []string{}
	for _, w := range s.warnings {
		advice = append(advice, cell.Clean(w))
	}
	if depth := s.listing.Depth.Total(); depth > 0 {
		advice = append(advice, fmt.Sprintf("SQS counts about %s there: they may be in flight elsewhere, or the count may be old.", cell.Plural(depth, "message")))
	}
	return append(advice, "r looks again, q goes back.")
}

// above are the lines over list and body.
func (s *Screen) above(width int) []string {
	t := s.env.Theme
	var lines []string
	switch {
	case s.err != nil:
		lines = append(lines, notice.Lines(t, s.err, width, 2)...)
	case s.requests.Live(forLook):
		lines = append(lines, cell.Fit(" "+t.Info.Render(theme.GlyphBusy)+t.Dim.Render(" looking again"), width))
	case len(s.warnings) > 0:
		text := cell.Clean(s.warnings[0])
		if n := len(s.warnings); n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! "+text), width))
	default:
		text := "Each look raises the receive counts."
		if !s.listing.Complete {
			text = "Some were not seen: m looks for more. " + text
		}
		lines = append(lines, cell.Fit(" "+t.Faint.Render(text), width))
	}
	if s.filter.Shown() {
		lines = append(lines, s.filter.View(fmt.Sprintf("%d of %d", len(s.table.Rows()), s.table.Total()), width))
	}
	return lines
}

func (s *Screen) sideBySide(width, height int) []string {
	t := s.env.Theme
	left := width * 46 / 100
	right := width - left - 3
	s.table.SetSize(left, height)
	s.body.SetSize(right, height)
	bar := t.Border
	if s.inBody {
		bar = t.Accent
	}
	sep := bar.Render(theme.GlyphBar)
	list := strings.Split(s.table.View(), "\n")
	body := s.body.Lines()
	lines := make([]string, height)
	for i := range lines {
		lines[i] = list[i] + " " + sep + " " + body[i]
	}
	return lines
}

func (s *Screen) stacked(width, height int) []string {
	t := s.env.Theme
	// The list gets what it needs, at most two fifths.
	list := min(len(s.table.Rows())+1, max(4, height*2/5))
	rest := height - list - 1
	s.table.SetSize(width, list)
	s.body.SetSize(width-2, rest)
	lines := strings.Split(s.table.View(), "\n")
	lines = append(lines, s.rule(t, width))
	for _, line := range s.body.Lines() {
		lines = append(lines, " "+line+" ")
	}
	return lines
}

// rule separates list and body, and says how far the body is scrolled.
func (s *Screen) rule(t *theme.Theme, width int) string {
	style := t.Border
	if s.inBody {
		style = t.Accent
	}
	note := ""
	if first, last, total := s.body.Position(); total > last-first+1 {
		note = fmt.Sprintf(" %d–%d of %d ", first, last, total)
	}
	return style.Render(strings.Repeat(theme.GlyphRule, max(0, width-cell.Width(note)-1))) + t.Faint.Render(note) + style.Render(theme.GlyphRule)
}
