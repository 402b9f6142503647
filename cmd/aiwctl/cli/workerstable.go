package cli

import (
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// workersColumn is a column of workers ls.
type workersColumn struct {
	title string
	// drop says which go first where the line is short: the highest; zero stays.
	drop int
	// least is how narrow it may become; zero means never narrower than it needs.
	least int
	// middle cuts out of the middle: of ids both ends tell them apart.
	middle bool
	cell   func(*workerRow) string
}

func workersColumns() []workersColumn {
	return []workersColumn{
		{title: "WORKER", least: 12, middle: true, cell: func(r *workerRow) string { return r.ID }},
		{title: "GROUP", drop: 3, cell: func(r *workerRow) string { return orDash(r.Group) }},
		{title: "STATE", least: 24, cell: func(r *workerRow) string { return r.State }},
		{title: "VISIBLE", cell: func(r *workerRow) string { return count(r.Visible) }},
		{title: "IN FLIGHT", cell: func(r *workerRow) string { return count(r.InFlight) }},
		{title: "DELAYED", drop: 1, cell: func(r *workerRow) string { return count(r.Delayed) }},
		{title: "DLQ", cell: func(r *workerRow) string { return count(r.Dead) }},
		{title: "OLDEST", cell: func(r *workerRow) string {
			if r.OldestSeconds == nil || *r.OldestSeconds == 0 {
				return "-"
			}
			return span(time.Duration(*r.OldestSeconds) * time.Second)
		}},
		{title: "MAPPING", drop: 2, cell: func(r *workerRow) string { return orDash(r.Mapping) }},
		{title: "PER MIN", drop: 4, cell: func(r *workerRow) string { return perMinute(r.PerMinute) }},
	}
}

// perMinute writes a trend: +40, -120, 0.
func perMinute(v *float64) string {
	if v == nil {
		return "-"
	}
	n := math.Round(*v)
	switch {
	case n > 0:
		return "+" + strconv.FormatFloat(n, 'f', 0, 64)
	case n < 0:
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return "0"
}

// workersTable writes rows into a table as wide as the terminal. Into a file or a
// pipe nothing is cut, unless COLUMNS says how wide it is.
func (a *App) workersTable(t *tableWriter, rows []workerRow) {
	for _, line := range workersLines(rows, a.width()) {
		t.row(line...)
	}
}

// workersLines are the cells, the heading first; width zero cuts nothing.
func workersLines(rows []workerRow, width int) [][]string {
	columns := workersColumns()
	cells := make([][]string, len(rows)+1)
	for _, c := range columns {
		cells[0] = append(cells[0], c.title)
	}
	for i := range rows {
		for _, c := range columns {
			cells[i+1] = append(cells[i+1], oneLine(c.cell(&rows[i]), 0))
		}
	}
	widths := make([]int, len(columns))
	for _, line := range cells {
		for i, text := range line {
			widths[i] = max(widths[i], ansi.StringWidth(text))
		}
	}
	if width <= 0 {
		return cells
	}
	kept := make([]bool, len(columns))
	for i := range kept {
		kept[i] = true
	}
	// need is how wide the line is, with columns as narrow as they may be.
	need := func(least bool) int {
		sum := -2
		for i, c := range columns {
			if !kept[i] {
				continue
			}
			w := widths[i]
			if least && c.least > 0 {
				w = min(w, c.least)
			}
			sum += w + 2
		}
		return sum
	}
	for {
		drop := -1
		for i, c := range columns {
			if kept[i] && c.drop > 0 && (drop < 0 || c.drop > columns[drop].drop) {
				drop = i
			}
		}
		// Rather than names and states are cut, the group and the rate go.
		if drop < 0 || need(columns[drop].drop <= 2) <= width {
			break
		}
		kept[drop] = false
	}
	// What is too much is taken from the widest of those that may be narrower.
	for over := need(false) - width; over > 0; over-- {
		widest := -1
		for i, c := range columns {
			if kept[i] && c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i]-c.least > widths[widest]-columns[widest].least) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	out := make([][]string, len(cells))
	for n, line := range cells {
		for i, text := range line {
			if kept[i] {
				out[n] = append(out[n], cutTo(text, widths[i], columns[i].middle))
			}
		}
	}
	return out
}

// cutTo shortens text to so many cells, at its end or in its middle.
func cutTo(text string, width int, middle bool) string {
	w := ansi.StringWidth(text)
	switch {
	case w <= width:
		return text
	case !middle:
		return ansi.Truncate(text, width, "…")
	}
	left := width / 2
	return ansi.Truncate(text, left, "") + "…" + ansi.TruncateLeft(text, w-(width-left-1), "")
}

// width is how wide the lines on standard output may be; zero means any width.
func (a *App) width() int {
	if n, err := strconv.Atoi(strings.TrimSpace(a.Getenv("COLUMNS"))); err == nil && n > 0 {
		return n
	}
	width, _ := a.size()
	return width
}

// size is the terminal's; zero when standard output is none.
func (a *App) size() (width, height int) {
	if !a.OutTTY {
		return 0, 0
	}
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 80, 24
	}
	return width, height
}
