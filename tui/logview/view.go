package logview

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// narrow is the width below which the time loses its milliseconds and the level
// is a letter.
const narrow = 90

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	if s.ended != nil && s.pane.buf.all.len() == 0 {
		return notice.Failed(t, "Could not follow the logs", s.ended, "q goes back.", width, height)
	}
	lines := s.above(width, height)
	rest := height - len(lines)
	switch {
	case rest <= 0:
		return cell.Box(lines, width, height)
	case s.detail != nil:
		s.detail.view.SetSize(max(1, width-2), rest)
		for _, line := range s.detail.view.Lines() {
			lines = append(lines, " "+line+" ")
		}
	case s.pane.buf.shown.len() == 0:
		lines = append(lines, strings.Split(s.empty(width, rest), "\n")...)
	default:
		lines = append(lines, s.rows(width, rest)...)
	}
	return strings.Join(lines, "\n")
}

// above are the lines over the log: the job, what is wrong, the filter.
func (s *Screen) above(width, height int) []string {
	t := s.env.Theme
	var lines []string
	if s.job != nil {
		lines = append(lines, s.job.lines(t, width, max(2, height/3))...)
	}
	switch {
	case s.ended != nil:
		lines = append(lines, notice.Lines(t, s.ended, width, 2)...)
	case s.state.Err != nil:
		lines = append(lines, notice.Lines(t, s.state.Err, width, 2)...)
		if wait := s.state.RetryIn - s.env.Now().Sub(s.stateAt); wait > 0 {
			lines = append(lines, cell.Fit("   "+t.Dim.Render(fmt.Sprintf("trying again in %.0fs; what came before stays", wait.Seconds()+0.5)), width))
		}
	case len(s.missing) > 0:
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! no log group is known of "+strings.Join(s.missing, ", ")), width))
	}
	if s.filter.Shown() {
		note := fmt.Sprintf("%s of %s", cell.Count(s.pane.buf.shown.len()), cell.Count(s.pane.buf.all.len()))
		if s.badRE != nil {
			note = "the regular expression is not finished"
		}
		lines = append(lines, s.filter.View(note, width))
	}
	if s.job != nil && len(lines) > 0 {
		lines = append(lines, t.Border.Render(strings.Repeat(theme.GlyphRule, width)))
	}
	return lines
}

func (s *Screen) empty(width, height int) string {
	t := s.env.Theme
	switch {
	case s.pane.buf.all.len() > 0:
		return notice.Empty(t, "No line matches the filter.", []string{"esc clears it."}, width, height)
	case s.job != nil:
		return notice.Waiting(t, "Waiting for the job's log lines",
			"CloudWatch shows lines a few seconds after they were written; a job may also wait in its queue.", s.env.Now().Sub(s.opened), width, height)
	default:
		return notice.Waiting(t, "Waiting for log lines",
			"Nothing was logged since "+s.since().Local().Format(time.DateTime)+".", s.env.Now().Sub(s.opened), width, height)
	}
}

func (s *Screen) since() time.Time {
	if s.ask.Since.IsZero() {
		return s.opened.Add(-lookBack)
	}
	return s.ask.Since
}

// rows renders the lines of the window, and only those.
func (s *Screen) rows(width, height int) []string {
	p := s.pane
	p.setHeight(height)
	r := s.renderer(width)
	if !p.wrap {
		out := make([]string, 0, height)
		for i := p.top; i < p.buf.shown.len() && len(out) < height; i++ {
			out = append(out, r.cut(p.buf.shown.at(i), i == p.cursor, p.shift))
		}
		return fill(out, width, height)
	}
	// Wrapped, lines are of unknown height: from the cursor upwards until the
	// window is full says how far down the window has to begin.
	used, first := 0, p.cursor
	for i := p.cursor; i >= p.top; i-- {
		used += len(r.wrapped(p.buf.shown.at(i), false))
		if used > height && i < p.cursor {
			break
		}
		first = i
	}
	p.top = first
	var out []string
	for i := p.top; i < p.buf.shown.len() && len(out) < height; i++ {
		out = append(out, r.wrapped(p.buf.shown.at(i), i == p.cursor)...)
	}
	return fill(out[:min(len(out), height)], width, height)
}

func fill(lines []string, width, height int) []string {
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return lines
}

// renderer draws lines for one frame.
type renderer struct {
	s      *Screen
	t      *theme.Theme
	width  int
	worker int // cells for the worker's id; zero leaves it out
	job    int // cells for the job's id; zero leaves it out
}

func (s *Screen) renderer(width int) renderer {
	r := renderer{s: s, t: s.env.Theme, width: width}
	if len(s.ask.WorkerIDs) > 1 {
		for _, id := range s.ask.WorkerIDs {
			r.worker = max(r.worker, cell.Width(cell.Clean(id)))
		}
		r.worker = min(r.worker, width/5)
	}
	if s.job == nil && width >= 120 {
		r.job = 9 // the part of an id that differs
	}
	return r
}

// head is what stands before the text, with its width in cells.
func (r renderer) head(l *logs.Line, selected bool) (string, int) {
	paint := func(tone theme.Tone) lipgloss.Style { return r.t.Paint(tone, selected) }
	gap := paint(theme.ToneText).Render(" ")
	mark := gap
	if selected {
		mark = paint(theme.ToneAccent).Render(theme.GlyphCursor)
	}
	layout, level, levelWidth := "15:04:05.000", strings.ToUpper(l.Level.String()), 5
	if r.width < narrow {
		layout, levelWidth = "15:04:05", 1
	}
	var b strings.Builder
	b.WriteString(mark)
	b.WriteString(paint(theme.ToneFaint).Render(l.Time.Local().Format(layout)))
	b.WriteString(gap)
	width := 2 + len(layout)
	if r.worker > 0 {
		style := r.t.Sources[r.s.colours[l.WorkerID]%len(r.t.Sources)]
		if selected {
			style = paint(theme.ToneText)
		}
		b.WriteString(style.Render(cell.Fit(cell.Clean(l.WorkerID), r.worker)))
		b.WriteString(gap)
		width += r.worker + 1
	}
	b.WriteString(paint(levelTone(l.Level)).Render(cell.Fit(level[:min(len(level), levelWidth)], levelWidth)))
	b.WriteString(gap)
	width += levelWidth + 1
	if r.job > 0 {
		b.WriteString(paint(theme.ToneFaint).Render(cell.Fit(shortID(l.JobID), r.job)))
		b.WriteString(gap)
		width += r.job + 1
	}
	return b.String(), width
}

// shortID is the end of a job's id, which is what tells jobs apart.
func shortID(id string) string {
	if i := strings.LastIndexByte(id, '-'); i >= 0 && i < len(id)-1 {
		id = id[i+1:]
	}
	return cell.Clean(id)
}

// cut draws a line on one row.
func (r renderer) cut(l *logs.Line, selected bool, shift int) string {
	head, used := r.head(l, selected)
	text := l.Text
	if shift > 0 {
		text = ansi.TruncateLeft(text, shift, "")
	}
	return head + r.t.Paint(textTone(l), selected).Render(cell.Fit(text, r.width-used))
}

// wrapped draws a line on as many rows as it takes.
func (r renderer) wrapped(l *logs.Line, selected bool) []string {
	head, used := r.head(l, selected)
	style := r.t.Paint(textTone(l), selected)
	room := max(8, r.width-used)
	parts := strings.Split(ansi.Hardwrap(l.Text, room, true), "\n")
	out := make([]string, len(parts))
	for i, part := range parts {
		if i > 0 {
			head = r.t.Paint(theme.ToneText, selected).Render(strings.Repeat(" ", used))
		}
		out[i] = cell.Fit(head+style.Render(cell.Fit(part, room)), r.width)
	}
	return out
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
	case l.Kind == logs.KindTimeout, l.Kind == logs.KindCrash:
		return theme.ToneBad
	case l.Kind == logs.KindMarker, l.Kind.Platform():
		return theme.ToneFaint
	case l.Level == logs.LevelError:
		return theme.ToneBad
	}
	return theme.ToneText
}
