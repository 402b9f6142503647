package table

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// gutter holds the cursor and the mark.
	gutter = 2
	// gap separates columns.
	gap = 2
)

// layout is which columns are shown and how wide; the zero value shows none.
type layout struct {
	columns []int // indices into Config.Columns
	widths  []int
	natural []int // the widest cell seen in every column, shown or not
}

func (l layout) shows(column int) bool {
	if len(l.columns) == 0 {
		return true // nothing was laid out yet
	}
	for _, c := range l.columns {
		if c == column {
			return true
		}
	}
	return false
}

// arrangeColumns measures the rows on the screen and chooses what fits.
func (m *Model[T]) arrangeColumns(visible []T) {
	natural := m.layout.natural
	changed := false
	if len(natural) != len(m.cfg.Columns) {
		natural = make([]int, len(m.cfg.Columns))
		for i, c := range m.cfg.Columns {
			natural[i] = max(c.Min, cell.Width(c.Title))
		}
		changed = true
	}
	for _, row := range visible {
		for i, c := range m.cfg.Columns {
			content := c.Cell(row)
			w := cell.Width(content.Text) + cell.Width(content.Aside)
			if c.Max > 0 {
				w = min(w, c.Max)
			}
			if w > natural[i] {
				natural[i], changed = w, true
			}
		}
	}
	if changed {
		m.layout = m.fit(natural)
		m.Invalidate()
	}
}

// fit drops columns of the highest priority until the rest fits, then gives what
// is left to the growing ones.
func (m *Model[T]) fit(natural []int) layout {
	l := layout{natural: natural}
	for i := range m.cfg.Columns {
		l.columns = append(l.columns, i)
	}
	need := func(priority int) int {
		sum := gutter + gap*(len(l.columns)-1)
		for _, i := range l.columns {
			switch c := m.cfg.Columns[i]; {
			case c.Grow && c.Wants != nil:
				sum += max(c.Min, c.Wants(priority))
			case c.Grow:
				sum += max(c.Min, cell.Width(c.Title))
			default:
				sum += natural[i]
			}
		}
		return sum
	}
	for {
		drop, priority := -1, 0
		for k, i := range l.columns {
			if p := m.cfg.Columns[i].Priority; p > 0 && p >= priority {
				drop, priority = k, p
			}
		}
		if drop < 0 || need(priority) <= m.width {
			break
		}
		l.columns = append(l.columns[:drop], l.columns[drop+1:]...)
	}
	l.widths = make([]int, len(l.columns))
	left := m.width - gutter - gap*(len(l.columns)-1)
	for k, i := range l.columns {
		l.widths[k] = natural[i]
		if c := m.cfg.Columns[i]; c.Grow {
			l.widths[k] = max(c.Min, cell.Width(c.Title))
		}
		left -= l.widths[k]
	}
	// What their contents need, evenly, those first that always stay. More than that would
	// only tear a row apart.
	for _, staying := range []bool{true, false} {
		for more := true; more && left > 0; {
			more = false
			for k, i := range l.columns {
				c := m.cfg.Columns[i]
				if left > 0 && c.Grow && (c.Priority == 0) == staying && l.widths[k] < natural[i] {
					l.widths[k]++
					left--
					more = true
				}
			}
		}
	}
	return l
}

// Visible are the rows on the screen.
func (m *Model[T]) Visible() []T {
	end := min(m.top+max(0, m.height), len(m.rows))
	return m.rows[min(m.top, end):end]
}

// View renders the heading and the rows into exactly the size that was set.
func (m *Model[T]) View() string {
	visible := m.Visible()
	m.arrangeColumns(visible)

	var b strings.Builder
	b.WriteString(m.heading())
	for i, row := range visible {
		b.WriteByte('\n')
		at := m.top + i
		id := m.cfg.ID(row)
		if at == m.cursor {
			b.WriteString(m.line(row, id, true))
			continue
		}
		line, ok := m.cache[id]
		if !ok {
			line = m.line(row, id, false)
			m.cache[id] = line
		}
		b.WriteString(line)
	}
	blank := strings.Repeat(" ", max(0, m.width))
	for range m.height - len(visible) {
		b.WriteByte('\n')
		b.WriteString(blank)
	}
	return b.String()
}

func (m *Model[T]) heading() string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", gutter))
	for k, i := range m.layout.columns {
		if k > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		style := m.theme.Faint
		if i == m.sortBy {
			style = m.theme.Accent
		}
		b.WriteString(style.Render(m.align(i, m.cfg.Columns[i].Title, m.layout.widths[k])))
	}
	return cell.Fit(b.String(), m.width)
}

func (m *Model[T]) align(column int, text string, width int) string {
	c := m.cfg.Columns[column]
	if c.KeepEnd {
		switch over := cell.Width(text) - width; {
		case over > 0 && c.Bare:
			text = ansi.TruncateLeft(text, over, "")
		case over > 0:
			text = ansi.TruncateLeft(text, over+1, cell.Ellipsis)
		}
	}
	if c.Right {
		return cell.FitRight(text, width)
	}
	return cell.Fit(text, width)
}

// line renders one row. A cell's tail is drawn into the first cell of the gap
// after it.
func (m *Model[T]) line(row T, id string, selected bool) string {
	var b strings.Builder
	paint := func(tone theme.Tone, text string) {
		switch {
		case text == "":
			return
		case m.dim && tone != theme.ToneAccent:
			tone = theme.ToneFaint
		case tone == theme.ToneText && !selected:
			b.WriteString(text)
			return
		}
		b.WriteString(m.theme.Paint(tone, selected).Render(text))
	}
	marker, mark := " ", " "
	if selected {
		marker = theme.GlyphCursor
	}
	if m.marked(row, id) {
		mark = theme.GlyphMark
	}
	paint(theme.ToneAccent, marker+mark)
	used := gutter
	tail, tailTone := "", theme.ToneText
	for k, i := range m.layout.columns {
		if k > 0 {
			space := strings.Repeat(" ", gap)
			if tail != "" {
				paint(tailTone, tail)
				space = space[1:]
			}
			paint(theme.ToneText, space)
			used += gap
		}
		content := m.cfg.Columns[i].Cell(row)
		if text := m.align(i, content.Text+content.Aside, m.layout.widths[k]); content.Aside == "" || !strings.HasPrefix(text, content.Text) {
			paint(content.Tone, text)
		} else {
			paint(content.Tone, content.Text)
			paint(content.AsideTone, text[len(content.Text):])
		}
		used += m.layout.widths[k]
		tail, tailTone = cell.Cut(content.Tail, 1), content.TailTone
	}
	rest := m.width - used
	if rest > 0 && tail != "" {
		paint(tailTone, tail)
		rest--
	}
	if rest < 0 {
		return cell.Fit(b.String(), m.width)
	}
	paint(theme.ToneText, strings.Repeat(" ", rest))
	return b.String()
}
