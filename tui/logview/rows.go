package logview

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

// renderer draws rows for one frame.
type renderer struct {
	s      *Screen
	t      *theme.Theme
	cols   layout
	width  int
	room   int // cells for the text
	height int
}

func (s *Screen) renderer(width, height int) renderer {
	cols := s.layout(width)
	return renderer{s: s, t: s.env.Theme, cols: cols, width: width, room: max(roomLeast, width-cols.width()), height: height}
}

// lines renders the rows of the window, and only those.
func (r renderer) lines() []string {
	p := r.s.pane
	var rows func(pane.Row) int
	if r.s.wrap {
		rows = func(row pane.Row) int {
			if row.Entry == nil {
				return 1
			}
			return len(wrapped(row.Entry.Text, r.room, r.height))
		}
	}
	p.SetSize(r.height, rows)
	out := make([]string, 0, r.height)
	for i := p.Top(); i < p.Len() && len(out) < r.height; i++ {
		row, selected := p.At(i), i == p.Cursor()
		if row.Entry == nil {
			out = append(out, r.invocation(row.Group, selected))
			continue
		}
		text := row.Entry.Text
		pieces := []piece{}
		if r.s.wrap {
			pieces = wrapped(text, r.room, r.height)
		} else {
			pieces = append(pieces, window(text, p.Shift, r.room))
		}
		out = append(out, r.draw(row, pieces, selected)...)
	}
	for i := range out {
		out[i] = cell.Fit(out[i], r.width)
	}
	for len(out) < r.height {
		out = append(out, strings.Repeat(" ", r.width))
	}
	return out[:r.height]
}

// draw draws the pieces of a line, one on each row.
func (r renderer) draw(row pane.Row, pieces []piece, selected bool) []string {
	l := row.Line()
	style := r.t.Paint(tones.OfText(l), selected)
	b := r.s.pane.Buf
	hits := b.Search().Hits(l.Text)
	if b.Search().Empty() {
		hits = b.Filter().Hits(l.Text)
	}
	out := make([]string, len(pieces))
	for i, p := range pieces {
		head := ""
		if i == 0 {
			head = r.head(row, selected)
		} else {
			head = r.t.Paint(theme.ToneText, selected).Render(strings.Repeat(" ", r.cols.width()))
		}
		out[i] = head + r.text(l.Text, p, hits, style)
	}
	return out
}

// text draws a piece of a line, with what was found in it marked.
func (r renderer) text(text string, p piece, hits []pane.Hit, style *theme.Pen) string {
	var b strings.Builder
	put := func(s string) {
		if s != "" {
			b.WriteString(style.Render(s))
		}
	}
	left, right, pad := "", "", r.room-p.cells
	if p.cutLeft {
		left, pad = cell.Ellipsis, pad-1
	}
	if p.cutRight {
		right, pad = cell.Ellipsis, pad-1
	}
	put(left)
	at := p.from
	for _, h := range hits {
		from, to := max(h.From, at), min(h.To, p.to)
		if from >= to {
			continue
		}
		put(text[at:from])
		b.WriteString(r.t.Match.Render(text[from:to]))
		at = to
	}
	put(text[at:p.to] + right + strings.Repeat(" ", max(0, pad)))
	return b.String()
}

// mark is the cursor, and whether a person has marked the row.
func (r renderer) mark(marked, selected bool) string {
	cursor := " "
	if selected {
		cursor = theme.GlyphCursor
	}
	if !r.cols.marks {
		return r.t.Paint(theme.ToneAccent, selected).Render(cursor)
	}
	mark := " "
	if marked {
		mark = theme.GlyphMark
	}
	return r.t.Paint(theme.ToneAccent, selected).Render(cursor + mark)
}

// head is what stands before a line's text.
func (r renderer) head(row pane.Row, selected bool) string {
	l, c := row.Line(), &r.cols
	paint := func(tone theme.Tone, s string) string { return r.t.Paint(tone, selected).Render(s) }
	var b strings.Builder
	b.WriteString(r.mark(row.Entry.Marked, selected))
	if c.fold > 0 {
		indent := "  "
		if row.Group != nil {
			indent = theme.GlyphBar + " "
		}
		b.WriteString(paint(theme.ToneFaint, indent))
	}
	if c.time != "" {
		b.WriteString(paint(theme.ToneFaint, l.Time.In(c.zone).Format(c.time)+" "))
	}
	b.WriteString(r.source(l.WorkerID, selected))
	if c.level > 0 {
		level := strings.ToUpper(l.Level.String())
		b.WriteString(paint(tones.OfLevel(l.Level), cell.Fit(level[:min(len(level), c.level)], c.level)+" "))
	}
	if c.job > 0 {
		b.WriteString(paint(theme.ToneFaint, cell.Fit(shortID(l.JobID), c.job)+" "))
	}
	if c.request > 0 {
		b.WriteString(paint(theme.ToneFaint, cell.Fit(shortID(l.RequestID), c.request)+" "))
	}
	return b.String()
}

// source is the column of the worker.
func (r renderer) source(id string, selected bool) string {
	if r.cols.worker == 0 {
		return ""
	}
	name := r.s.shortName(id, r.cols.worker) + " "
	if selected {
		return r.t.Paint(theme.ToneText, true).Render(name)
	}
	return r.s.sourceTone(id)(name)
}
