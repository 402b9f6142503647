package editor

import (
	"fmt"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// place is a row on the screen: a part of a line.
type place struct{ line, part int }

func (p place) above(q place) bool { return p.line < q.line || (p.line == q.line && p.part < q.part) }

// place is the row of the cursor.
func (e *Editor) place() place {
	starts := rowsOf(e.lines[e.row], e.room)
	part := 0
	for part+1 < len(starts) && starts[part+1] <= e.col {
		part++
	}
	return place{e.row, part}
}

// walk is the row so many below, or above, as far as there are any.
func (e *Editor) walk(from place, rows int) place {
	parts := len(rowsOf(e.lines[from.line], e.room))
	for ; rows > 0; rows-- {
		switch {
		case from.part+1 < parts:
			from.part++
		case from.line+1 < len(e.lines):
			from = place{from.line + 1, 0}
			parts = len(rowsOf(e.lines[from.line], e.room))
		default:
			return from
		}
	}
	for ; rows < 0; rows++ {
		switch {
		case from.part > 0:
			from.part--
		case from.line > 0:
			parts = len(rowsOf(e.lines[from.line-1], e.room))
			from = place{from.line - 1, parts - 1}
		default:
			return from
		}
	}
	return from
}

// gutter is how many cells stand before the text: a mark, a number, a blank.
func (e *Editor) gutter() int {
	if e.bare {
		return 0
	}
	return e.digits() + 3
}

// Rows is how many rows the text takes in width cells.
func (e *Editor) Rows(width, most int) int {
	rows := 0
	for _, line := range e.lines {
		if rows += len(rowsOf(line, max(2, width-e.gutter()-1))); rows >= most {
			return most
		}
	}
	return rows
}

func (e *Editor) digits() int { return max(2, len(strconv.Itoa(len(e.lines)))) }

// reveal moves the window so that the cursor is in it and it is not empty at the
// end while there is text above.
func (e *Editor) reveal() {
	last := len(e.lines) - 1
	e.top.line = min(e.top.line, last)
	e.top.part = min(e.top.part, len(rowsOf(e.lines[e.top.line], e.room))-1)
	cursor := e.place()
	if cursor.above(e.top) {
		e.top = cursor
	}
	if lowest := e.walk(cursor, 1-e.height); e.top.above(lowest) {
		e.top = lowest
	}
	end := place{last, len(rowsOf(e.lines[last], e.room)) - 1}
	if full := e.walk(end, 1-e.height); full.above(e.top) {
		e.top = full
	}
}

// Lines draws the part of the text around the cursor: exactly height lines, each
// width cells wide.
func (e *Editor) Lines(width, height int) []string {
	// The last cell of a row is the cursor's, behind the text.
	e.room, e.height = max(2, width-e.gutter()-1), max(1, height)
	e.reveal()
	out := make([]string, 0, height)
	for line := e.top.line; line < len(e.lines) && len(out) < height; line++ {
		text := e.lines[line]
		starts := rowsOf(text, e.room)
		var paint []token
		if !e.bare {
			paint = tokens(text)
		}
		first := 0
		if line == e.top.line {
			first = e.top.part
		}
		for part := first; part < len(starts) && len(out) < height; part++ {
			end := len(text)
			if part+1 < len(starts) {
				end = starts[part+1]
			}
			out = append(out, cell.Fit(e.head(line, part)+e.drawn(line, starts[part], end, part+1 == len(starts), paint), width))
		}
	}
	for len(out) < height {
		out = append(out, strings.Repeat(" ", width))
	}
	return out
}

// head is what stands before a row.
func (e *Editor) head(line, part int) string {
	t := e.theme
	if e.bare {
		return ""
	}
	if part > 0 {
		return strings.Repeat(" ", e.gutter())
	}
	mark := " "
	switch e.marks[line+1] {
	case MarkError:
		mark = t.Bad.Render(theme.GlyphFailed)
	case MarkWarning:
		mark = t.Warn.Render("!")
	case MarkNone:
	}
	style := t.Faint
	if line == e.row {
		style = t.Dim
	}
	return mark + " " + style.Render(fmt.Sprintf("%*d", e.digits(), line+1)) + " "
}

// drawn draws the bytes from begin to end of a line. The cursor behind the text
// belongs to its last row.
func (e *Editor) drawn(line, begin, end int, last bool, paint []token) string {
	text := e.lines[line]
	cursor := -1
	if e.focused && line == e.row {
		cursor = e.col
	}
	var b, run strings.Builder
	plain := e.theme.Text
	if e.faint {
		plain = e.theme.Faint
	}
	style := plain
	flush := func() {
		if run.Len() > 0 {
			b.WriteString(style.Render(run.String()))
			run.Reset()
		}
	}
	next := 0
	for at := begin; at < end; {
		for next < len(paint) && paint[next].end <= at {
			next++
			flush()
		}
		size, shown, _ := char(text[at:])
		if at == cursor {
			flush()
			b.WriteString(e.block.Render(shown))
		} else {
			if run.Len() == 0 {
				style = plain
				if next < len(paint) {
					style = e.style(paint[next].kind)
				}
			}
			run.WriteString(shown)
		}
		at += size
	}
	flush()
	if last && cursor == len(text) {
		b.WriteString(e.block.Render(" "))
	}
	return b.String()
}

func (e *Editor) style(k kind) lipgloss.Style {
	switch k {
	case key:
		return e.theme.JSONKey
	case str:
		return e.theme.JSONString
	case number:
		return e.theme.JSONNumber
	case literal:
		return e.theme.JSONLiteral
	case punctuation:
		return e.theme.Dim
	case other:
	}
	return e.theme.Text
}
