package workerview

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// boardWidth and boardHeight are the least that the board needs.
	boardWidth, boardHeight = 120, 28
	// divider stands between the board's columns.
	divider = " " + theme.GlyphBar + " "
)

// board is whether the parts stand side by side.
func (s *Screen) board() bool { return s.large() && !s.zoom }

func (s *Screen) large() bool { return s.width >= boardWidth && s.height >= boardHeight }

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	s.width, s.height, s.viewed = width, height, true
	t, data := s.env.Theme, s.env.Data
	switch {
	case s.worker != nil:
	case data.Inventory == nil && data.Err != nil:
		return notice.Failed(t, "The stage could not be read", data.Err, "Trying again by itself. `aiwctl doctor` finds out why.", width, height)
	case data.Inventory == nil:
		return notice.Waiting(t, "Looking for worker "+s.name, "Reading the stage.", s.env.Now().Sub(s.opened), width, height)
	default:
		return notice.Empty(t, "There is no worker "+s.name+" in stage "+cell.Clean(s.env.Stage.Name)+".",
			[]string{"esc goes back to the workers there are; r looks again."}, width, height)
	}
	data.Shown = append(data.Shown[:0:0], s.id)
	lines := s.head(width)
	if s.board() {
		lines = append(lines, s.boardLines(width, height-len(lines))...)
	} else {
		lines = append(lines, s.part(s.focus, width, height-len(lines))...)
	}
	return strings.Join(lines, "\n")
}

// head is what stands above the parts: the state, what failed, and the names of the parts
// where one is shown at a time.
func (s *Screen) head(width int) []string {
	lines := []string{s.headline(width)}
	if data := s.env.Data; data.Stale() {
		lines = append(lines, notice.Lines(s.env.Theme, data.Err, width, 2)...)
	}
	if !s.board() {
		lines = append(lines, s.tabs(width))
	}
	return lines
}

// tabs names the parts, the one that is shown among them.
func (s *Screen) tabs(width int) string {
	t := s.env.Theme
	line := ""
	for i := range sectionCount {
		title := i.title()
		if width < 72 && i == config {
			title = "Config"
		}
		text := fmt.Sprintf(" %d %s ", i+1, title)
		if i == s.focus {
			line += t.ButtonOn.Render(text)
		} else {
			line += t.Dim.Render(text)
		}
		line += " "
	}
	return cell.Fit(line, width)
}

// part draws one of them in exactly width by height cells.
func (s *Screen) part(which section, width, height int) []string {
	if height <= 0 {
		return nil
	}
	switch which {
	case overview:
		return s.faded(s.overview.view(width, height))
	case charts:
		return s.chartLines(width, height)
	case jobs:
		return s.jobLines(width, height)
	case config:
		return s.faded(s.config.view(width, height))
	case schemas, sectionCount:
	}
	if schemaText(s.worker) == "" {
		return strings.Split(notice.Empty(s.env.Theme, "No schema of "+s.name+" is known.",
			[]string{"No source of the stage has one, so that its input is checked to be JSON and nothing more."}, width, height), "\n")
	}
	s.schema.SetSize(width-1, height)
	lines := s.schema.Lines()
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return lines
}

// faded takes the colours off what is old.
func (s *Screen) faded(lines []string) []string {
	if !s.env.Data.Stale() && !s.gone {
		return lines
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = s.env.Theme.Faint.Render(plain(line))
	}
	return out
}

// boardLines puts the parts side by side: why and what ran on the left, numbers and
// configuration on the right.
func (s *Screen) boardLines(width, height int) []string {
	left := min((width-3)*46/100, 92)
	right := width - 3 - left
	// The overview gets what it needs, up to half; charts a little more than half.
	high := max(6, min(s.overview.length(left)+1, height/2))
	a := s.column(left, []section{overview, jobs}, []int{high, height - high})
	high = height * 57 / 100
	b := s.column(right, []section{charts, s.lower}, []int{high, height - high})
	bar := s.env.Theme.Faint.Render(divider)
	lines := make([]string, height)
	for i := range lines {
		lines[i] = a[i] + bar + b[i]
	}
	return lines
}

// column is parts below each other, each under its title.
func (s *Screen) column(width int, parts []section, heights []int) []string {
	var lines []string
	for i, which := range parts {
		body := s.part(which, width, heights[i]-1) // its title says where it is
		lines = append(lines, s.heading(which, width))
		lines = append(lines, body...)
	}
	return lines
}

// heading is a part's title in a rule.
func (s *Screen) heading(which section, width int) string {
	t := s.env.Theme
	style := t.Dim
	mark := " "
	if which == s.focus {
		style, mark = t.Key.Bold(true), theme.GlyphCursor
	}
	left := style.Render(fmt.Sprintf("%s%d %s ", mark, which+1, which.title()))
	switch which {
	case config:
		left += t.Faint.Render(fmt.Sprintf("(%d %s) ", schemas+1, schemas.title()))
	case schemas:
		left += t.Faint.Render(fmt.Sprintf("(%d %s) ", config+1, config.title()))
	case overview, charts, jobs, sectionCount:
	}
	right := ""
	if status := s.statusOf(which); status != "" {
		right = " " + t.Dim.Render(status) + " "
	}
	rule := max(0, width-cell.Width(left)-cell.Width(right))
	return cell.Fit(left+t.Border.Render(strings.Repeat(theme.GlyphRule, rule))+right, width)
}

// statusOf is a word about a part: how far it is scrolled, how many there are.
func (s *Screen) statusOf(which section) string {
	first, last, total := 1, 0, 0
	switch which {
	case charts:
		return s.chartsStatus()
	case jobs:
		return s.jobsStatus()
	case overview:
		first, last, total = s.overview.position()
	case config:
		first, last, total = s.config.position()
	case schemas:
		if schemaText(s.worker) == "" {
			return ""
		}
		first, last, total = s.schema.Position()
	case sectionCount:
	}
	if total == 0 || first == 1 && last >= total {
		return ""
	}
	return fmt.Sprintf("%d-%d of %d", first, last, total)
}
