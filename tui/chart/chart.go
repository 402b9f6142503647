// Package chart draws numbers over time with block characters: bars from the left to the
// right, an axis with its highest value, the times at both ends. A time of which nothing is
// known is told from one in which there was nothing.
package chart

import (
	"math"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Unit says what the values are.
type Unit int

// The units.
const (
	Count   Unit = iota // of things
	Seconds             // a time
)

// Point is a value of the period that began At.
type Point struct {
	At    time.Time
	Value float64
}

// Series are values of one kind, oldest first.
type Series struct {
	Tone   theme.Tone
	Points []Point
}

// Chart is what is drawn. Its texts must be clean.
type Chart struct {
	Title string
	// Note stands at the right end of the title: the newest value, say.
	Note     string
	NoteTone theme.Tone
	// Series are stacked, the first at the bottom.
	Series []Series
	// From and To bound the time, Period is the time of one value.
	From, To time.Time
	Period   time.Duration
	Unit     Unit
	// Zero says that a period without a value had nothing, as with counts of events;
	// otherwise nothing is known of it.
	Zero bool
	// Empty is said in the chart's place when it has no value at all and Zero is not set.
	Empty string
}

// gone is a column of which nothing is known.
const gone = -1

// Lines draws the chart in exactly width by height cells: in one line a title, a
// sparkline and the note, in more a plot, from four on with its axes.
func (c Chart) Lines(t *theme.Theme, width, height int) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	if height == 1 {
		return []string{c.oneLine(t, width)}
	}
	out := make([]string, 0, height)
	c.Note = cell.Cut(c.Note, width-cell.Width(c.Title)-3) // the title says what it is of
	out = append(out, cell.Ends(" "+t.Bold.Render(c.Title), t.Paint(c.NoteTone, false).Render(c.Note)+" ", width))
	if c.known() == 0 && !c.Zero && c.Empty != "" {
		for _, line := range cell.Wrap(c.Empty, width-3) {
			if len(out) < height {
				out = append(out, cell.Fit("   "+t.Dim.Render(line), width))
			}
		}
		for len(out) < height {
			out = append(out, strings.Repeat(" ", width))
		}
		return out
	}
	axes := height >= 4
	rows := height - 1
	if axes {
		rows--
	}
	label, top := "", c.most()
	if axes {
		top = c.ceiling()
		label = c.text(top)
	}
	margin := max(cell.Width(label), 4) + 2
	if !axes {
		margin = 1
	}
	columns := width - margin - 1
	if columns < 1 {
		return strings.Split(cell.Box(out, width, height), "\n")
	}
	plot := c.plot(columns, rows, top)
	for r := rows - 1; r >= 0; r-- {
		left := strings.Repeat(" ", margin)
		if axes {
			text := ""
			switch r {
			case rows - 1:
				text = label
			case 0:
				text = "0"
			}
			left = t.Faint.Render(cell.FitRight(text, margin-1) + theme.GlyphBar)
		}
		out = append(out, left+paint(t, plot[r])+" ")
	}
	if axes {
		out = append(out, t.Faint.Render(cell.Ends(strings.Repeat(" ", margin)+c.clock(c.From), c.clock(c.To)+" ", width)))
	}
	return out
}

// oneLine is a title, a sparkline and the note.
func (c Chart) oneLine(t *theme.Theme, width int) string {
	const titleWidth = 12
	note := c.Note
	room := width - titleWidth - 4 - cell.Width(note)
	if room < 4 {
		return cell.Ends(" "+t.Bold.Render(c.Title), t.Paint(c.NoteTone, false).Render(note)+" ", width)
	}
	spark := strings.Repeat(" ", room)
	if c.known() > 0 || c.Zero {
		spark = paint(t, c.plot(room, 1, c.most())[0])
	}
	return " " + t.Bold.Render(cell.Fit(c.Title, titleWidth)) + " " + spark + " " + t.Paint(c.NoteTone, false).Render(note) + " "
}

func (c Chart) known() int {
	n := 0
	for _, s := range c.Series {
		n += len(s.Points)
	}
	return n
}

// clock is a time of the axis.
func (c Chart) clock(at time.Time) string {
	if c.To.Sub(c.From) > 24*time.Hour {
		return at.Format("2 Jan 15:04")
	}
	return at.Format("15:04")
}

// values are the greatest value in each column, of one series; gone where none is known.
func (c Chart) values(s Series, columns int) []float64 {
	out := make([]float64, columns)
	for i := range out {
		out[i] = gone
		if c.Zero {
			out[i] = 0
		}
	}
	length := c.To.Sub(c.From)
	if length <= 0 {
		return out
	}
	at := func(when time.Time) float64 { return float64(when.Sub(c.From)) / float64(length) * float64(columns) }
	for _, p := range s.Points {
		if math.IsNaN(p.Value) || p.Value < 0 {
			continue
		}
		first := int(math.Floor(at(p.At) + 1e-9))
		last := int(math.Ceil(at(p.At.Add(c.Period))-1e-9)) - 1
		for i := max(0, first); i <= min(columns-1, max(first, last)); i++ {
			out[i] = max(out[i], p.Value)
		}
	}
	return out
}

// most is the highest value, and not zero.
func (c Chart) most() float64 {
	most := 0.0
	sums := map[int64]float64{}
	for _, s := range c.Series {
		for _, p := range s.Points {
			if p.Value > 0 && !math.IsInf(p.Value, 0) {
				at := p.At.Unix()
				sums[at] += p.Value
				most = max(most, sums[at])
			}
		}
	}
	if most == 0 {
		return 1
	}
	return most
}

// ceiling is the axis's highest value: a round one, so that it seldom changes.
func (c Chart) ceiling() float64 {
	most := c.most()
	if c.Unit == Seconds {
		for _, d := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 4 * 3600, 12 * 3600, 24 * 3600, 48 * 3600, 96 * 3600} {
			if most <= d {
				return d
			}
		}
		return math.Ceil(most/86400) * 86400
	}
	if most <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, f := range []float64{1, 2, 3, 5, 10} {
		if most <= f*unit {
			return f * unit
		}
	}
	return 10 * unit
}

// text writes a value of the axis.
func (c Chart) text(v float64) string { return Text(c.Unit, v) }

// Text writes a value: 1,204 · 250ms · 1.5s · 14m.
func Text(u Unit, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "?"
	}
	if u == Count {
		return cell.Count(int(math.Round(min(v, 1e15))))
	}
	d := time.Duration(min(v, 1e9) * float64(time.Second))
	switch {
	case d == 0:
		return "0s"
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return cell.Age(d)
}

// dot is a cell of the plot.
type dot struct {
	glyph rune
	tone  theme.Tone
}

// plot fills the cells, the lowest row first.
func (c Chart) plot(columns, rows int, top float64) [][]dot {
	steps := []rune(theme.Sparks)
	plot := make([][]dot, rows)
	for r := range plot {
		plot[r] = make([]dot, columns)
		for i := range plot[r] {
			plot[r][i] = dot{' ', theme.ToneText}
		}
	}
	stacks := make([][]float64, len(c.Series))
	for k, s := range c.Series {
		stacks[k] = c.values(s, columns)
	}
	missing := []rune(theme.GlyphMissing)[0]
	for i := range columns {
		known, total := false, 0.0
		for k := range stacks {
			if v := stacks[k][i]; v >= 0 {
				known = true
				total += v
			}
		}
		switch {
		case !known:
			plot[0][i] = dot{missing, theme.ToneFaint}
			continue
		case total == 0:
			plot[0][i] = dot{steps[0], theme.ToneFaint}
			continue
		}
		// From the top down: the lower series is drawn over the higher.
		eighths := float64(rows * 8)
		for k := len(stacks) - 1; k >= 0; k-- {
			if stacks[k][i] <= 0 {
				total -= max(0, stacks[k][i])
				continue
			}
			fill := max(2, int(math.Round(total/top*eighths))) // the lowest step is zero's
			for r := range rows {
				if left := fill - 8*r; left >= 8 {
					plot[r][i] = dot{steps[7], c.Series[k].Tone}
				} else if left > 0 && (plot[r][i].glyph == ' ' || left > 4) {
					if glyph := steps[left-1]; plot[r][i].glyph == ' ' {
						plot[r][i] = dot{glyph, c.Series[k].Tone}
					} else {
						plot[r][i].tone = c.Series[k].Tone
					}
				}
			}
			total -= stacks[k][i]
		}
	}
	return plot
}

// paint styles a row, run by run.
func paint(t *theme.Theme, row []dot) string {
	var b, run strings.Builder
	tone := theme.ToneText
	flush := func() {
		if run.Len() > 0 {
			b.WriteString(t.Paint(tone, false).Render(run.String()))
			run.Reset()
		}
	}
	for _, d := range row {
		if d.tone != tone && d.glyph != ' ' {
			flush()
			tone = d.tone
		}
		run.WriteRune(d.glyph)
	}
	flush()
	return b.String()
}
