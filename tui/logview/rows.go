package logview

import (
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// narrow is the width below which the time loses its milliseconds and the
	// level is a letter; jobFrom the one from which lines show their job.
	narrow  = 90
	jobFrom = 120
	// jobWidth are the cells of a job's id: its end, which tells jobs apart.
	jobWidth = 9
	// roomLeast is what wrapped text gets at the least.
	roomLeast = 8
)

// columns are the cells of what stands before a line's text.
type columns struct {
	layout string // of the time
	worker int    // zero leaves it out
	level  int
	job    int // zero leaves it out
}

func (s *Screen) columns(width int) columns {
	c := columns{layout: "15:04:05.000", level: 5}
	if width < narrow {
		c.layout, c.level = "15:04:05", 1
	}
	if len(s.ask.WorkerIDs) > 1 {
		for _, id := range s.ask.WorkerIDs {
			c.worker = max(c.worker, cell.Width(cell.Clean(id)))
		}
		c.worker = min(c.worker, width/5)
	}
	if s.job == nil && width >= jobFrom {
		c.job = jobWidth
	}
	return c
}

// width is what the columns take together, with the cursor and their gaps.
func (c columns) width() int {
	w := 1 + len(c.layout) + 1 + c.level + 1
	if c.worker > 0 {
		w += c.worker + 1
	}
	if c.job > 0 {
		w += c.job + 1
	}
	return w
}

// renderer draws lines for one frame.
type renderer struct {
	s      *Screen
	t      *theme.Theme
	cols   columns
	room   int // cells for the text
	height int
}

func (s *Screen) renderer(width, height int) renderer {
	cols := s.columns(width)
	return renderer{s: s, t: s.env.Theme, cols: cols, room: max(roomLeast, width-cols.width()), height: height}
}

// lines renders the lines of the window, and only those.
func (r renderer) lines(width int) []string {
	p := r.s.pane
	var rows func(*logs.Line) int
	if r.s.wrap {
		rows = func(l *logs.Line) int { return len(wrapped(l.Text, r.room, r.height)) }
	}
	p.setSize(r.height, rows)
	out := make([]string, 0, r.height)
	for i := p.top; i < p.buf.shown.len() && len(out) < r.height; i++ {
		line := p.buf.shown.at(i)
		pieces := []piece{}
		if r.s.wrap {
			pieces = wrapped(line.Text, r.room, r.height)
		} else {
			pieces = append(pieces, window(line.Text, p.shift, r.room))
		}
		out = append(out, r.draw(line, pieces, i == p.cursor)...)
	}
	for i := range out {
		out[i] = cell.Fit(out[i], width)
	}
	for len(out) < r.height {
		out = append(out, strings.Repeat(" ", width))
	}
	return out[:r.height]
}

// draw draws the pieces of a line, one on each row.
func (r renderer) draw(l *logs.Line, pieces []piece, selected bool) []string {
	style := r.t.Paint(textTone(l), selected)
	hits := r.s.pane.buf.filter.hits(l.Text)
	out := make([]string, len(pieces))
	for i, p := range pieces {
		head := ""
		if i == 0 {
			head = r.head(l, selected)
		} else {
			head = r.t.Paint(theme.ToneText, selected).Render(strings.Repeat(" ", r.cols.width()))
		}
		out[i] = head + r.text(l.Text, p, hits, style)
	}
	return out
}

// text draws a piece of a line, with what the filter found in it marked.
func (r renderer) text(text string, p piece, hits []hit, style lipgloss.Style) string {
	var b strings.Builder
	put := func(style lipgloss.Style, s string) {
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
	put(style, left)
	at := p.from
	for _, h := range hits {
		from, to := max(h.from, at), min(h.to, p.to)
		if from >= to {
			continue
		}
		put(style, text[at:from])
		put(r.t.Match, text[from:to])
		at = to
	}
	put(style, text[at:p.to]+right+strings.Repeat(" ", max(0, pad)))
	return b.String()
}

// head is what stands before the text.
func (r renderer) head(l *logs.Line, selected bool) string {
	paint := func(tone theme.Tone, s string) string { return r.t.Paint(tone, selected).Render(s) }
	mark := paint(theme.ToneText, " ")
	if selected {
		mark = paint(theme.ToneAccent, theme.GlyphCursor)
	}
	var b strings.Builder
	b.WriteString(mark)
	b.WriteString(paint(theme.ToneFaint, l.Time.In(r.s.zone).Format(r.cols.layout)+" "))
	if r.cols.worker > 0 {
		id := cell.Fit(cell.Clean(l.WorkerID), r.cols.worker) + " "
		if selected {
			b.WriteString(paint(theme.ToneText, id))
		} else {
			b.WriteString(r.t.Sources[r.s.colours[l.WorkerID]%len(r.t.Sources)].Render(id))
		}
	}
	level := strings.ToUpper(l.Level.String())
	b.WriteString(paint(levelTone(l.Level), cell.Fit(level[:min(len(level), r.cols.level)], r.cols.level)+" "))
	if r.cols.job > 0 {
		b.WriteString(paint(theme.ToneFaint, cell.Fit(shortID(l.JobID), r.cols.job)+" "))
	}
	return b.String()
}

// shortID is the end of a job's id, which is what tells jobs apart.
func shortID(id string) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 && i < len(id)-1 {
		id = id[i+1:]
	}
	return cell.Clean(id)
}

func levelTone(l logs.Level) theme.Tone {
	switch l {
	case logs.LevelError:
		return theme.ToneBad
	case logs.LevelWarn:
		return theme.ToneWarn
	case logs.LevelInfo:
		return theme.ToneInfo
	default:
		return theme.ToneFaint
	}
}

// textTone sets what Lambda itself wrote back behind what the worker says.
func textTone(l *logs.Line) theme.Tone {
	switch {
	case l.Kind == logs.KindTimeout, l.Kind == logs.KindCrash, l.Level == logs.LevelError:
		return theme.ToneBad
	case l.Kind == logs.KindMarker, l.Kind.Platform():
		return theme.ToneFaint
	}
	return theme.ToneText
}
