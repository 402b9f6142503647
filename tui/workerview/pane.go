package workerview

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// pane is lines that are made for a width and scrolled through.
type pane struct {
	make          func(width int) []string
	lines         []string
	madeFor       int
	top           int
	width, height int
	drawn         []string // as last drawn, at drawnAt: width, height, top
	drawnAt       [3]int
}

// set replaces what is shown; the place stays.
func (p *pane) set(lines func(width int) []string) { p.make, p.lines, p.madeFor = lines, nil, 0 }

func (p *pane) key(key string) {
	count := len(p.lines)
	if p.madeFor == 0 {
		count = 1 << 30 // nobody knows yet how many there are
	}
	by, _ := moves.By(key, p.height, count)
	p.top += by
	p.clamp()
}

func (p *pane) clamp() {
	if p.madeFor != 0 { // else nobody knows yet how many lines there are
		p.top = max(0, min(p.top, len(p.lines)-p.height))
	}
}

// length is how many lines there are in a width.
func (p *pane) length(width int) int {
	if p.madeFor != width && p.make != nil {
		p.lines, p.madeFor, p.drawn = p.make(width), width, nil
	}
	return len(p.lines)
}

// view draws the pane in exactly width by height cells. The lines are the pane's.
func (p *pane) view(width, height int) []string {
	p.width, p.height = width, height
	p.length(width)
	p.clamp()
	if at := [3]int{width, height, p.top}; p.drawn == nil || p.drawnAt != at {
		p.drawn, p.drawnAt = strings.Split(cell.Box(p.lines[p.top:], width, height), "\n"), at
	}
	return p.drawn
}

// position is the first and last line on the screen, and how many there are.
func (p *pane) position() (first, last, total int) {
	return p.top + 1, min(len(p.lines), p.top+p.height), len(p.lines)
}

// sheet is a text of titles, labelled values and sentences, for a width. All texts given
// to it must be clean.
type sheet struct {
	theme *theme.Theme
	width int
	lines []string
}

const labelWidth = 13

// head begins a part.
func (b *sheet) head(title, note string) {
	if len(b.lines) > 0 {
		b.lines = append(b.lines, "")
	}
	b.lines = append(b.lines, " "+b.theme.Title.Render(title)+"  "+b.theme.Dim.Render(note))
}

// field is a value with its label; an empty value is left out.
func (b *sheet) field(label, value string, tone theme.Tone) {
	if value == "" {
		return
	}
	for i, line := range cell.Wrap(value, max(8, b.width-labelWidth-3)) {
		if i > 0 {
			label = ""
		}
		b.lines = append(b.lines, "  "+b.theme.Dim.Render(cell.Fit(label, labelWidth))+b.theme.Paint(tone, false).Render(line))
	}
}

// say is a sentence.
func (b *sheet) say(text string, indent int, tone theme.Tone) {
	for _, line := range cell.Wrap(text, max(8, b.width-indent-1)) {
		b.lines = append(b.lines, strings.Repeat(" ", indent)+b.theme.Paint(tone, false).Render(line))
	}
}
