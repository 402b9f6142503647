// Package diff shows what somebody changed in a text, line by line: what went, what
// came, and a few lines around it.
package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Op says what became of a line.
type Op byte

// The ops, as they stand before a line.
const (
	Same    Op = ' '
	Removed Op = '-'
	Added   Op = '+'
	// Skipped stands for lines that did not change and are not shown.
	Skipped Op = '~'
)

// Line is a line of a diff.
type Line struct {
	Op   Op
	Text string
}

const (
	// around is how many unchanged lines are shown before and after a change.
	around = 2
	// mostEdits bounds the search for the shortest diff: texts that differ more are
	// shown as one that went and one that came.
	mostEdits = 400
)

// Lines is the diff between two texts. It is empty when they are the same.
func Lines(before, after string) []Line {
	if before == after {
		return nil
	}
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var all []Line
	for _, text := range a[:head] {
		all = append(all, Line{Same, text})
	}
	all = append(all, middle(a[head:len(a)-tail], b[head:len(b)-tail])...)
	for _, text := range a[len(a)-tail:] {
		all = append(all, Line{Same, text})
	}
	return folded(all)
}

// Counts are how many lines went and came.
func Counts(lines []Line) (removed, added int) {
	for _, l := range lines {
		switch l.Op {
		case Removed:
			removed++
		case Added:
			added++
		case Same, Skipped:
		}
	}
	return removed, added
}

// middle is Myers' greedy algorithm ("An O(ND) Difference Algorithm and Its
// Variations", 1986), which finds a shortest diff.
func middle(a, b []string) []Line {
	var trace [][]int
	most := min(len(a)+len(b), mostEdits)
	v := make([]int, 2*most+3)
	at := func(k int) int { return k + most + 1 }
	for d := 0; d <= most; d++ {
		trace = append(trace, slices.Clone(v))
		for k := -d; k <= d; k += 2 {
			x := 0
			if k == -d || k != d && v[at(k-1)] < v[at(k+1)] {
				x = v[at(k+1)]
			} else {
				x = v[at(k-1)] + 1
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[at(k)] = x
			if x >= len(a) && y >= len(b) {
				return back(a, b, trace, at)
			}
		}
	}
	var whole []Line
	for _, text := range a {
		whole = append(whole, Line{Removed, text})
	}
	for _, text := range b {
		whole = append(whole, Line{Added, text})
	}
	return whole
}

// back walks from the end of both texts to their beginning.
func back(a, b []string, trace [][]int, at func(int) int) []Line {
	var lines []Line
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0; d-- {
		v := trace[d]
		k := x - y
		from := k - 1
		if k == -d || k != d && v[at(k-1)] < v[at(k+1)] {
			from = k + 1
		}
		fromX := v[at(from)]
		fromY := fromX - from
		for x > max(fromX, 0) && y > max(fromY, 0) {
			x, y = x-1, y-1
			lines = append(lines, Line{Same, a[x]})
		}
		if d == 0 {
			break
		}
		if x == fromX {
			y--
			lines = append(lines, Line{Added, b[y]})
		} else {
			x--
			lines = append(lines, Line{Removed, a[x]})
		}
	}
	slices.Reverse(lines)
	return lines
}

// folded leaves out unchanged lines that are far from any change.
func folded(all []Line) []Line {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Op == Same {
			continue
		}
		for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
			near[k] = true
		}
	}
	var out []Line
	for i := 0; i < len(all); {
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		n := 0
		for i < len(all) && !near[i] {
			i, n = i+1, n+1
		}
		out = append(out, Line{Skipped, fmt.Sprintf("%s the same", cell.Plural(n, "line"))})
	}
	return out
}

// Render draws a diff, one line for each, cut to width. What went and what came is
// told by - and +, colours only repeat it.
func Render(t *theme.Theme, lines []Line, width int) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		text := cell.Cut(string(rune(l.Op))+" "+cell.Clean(l.Text), width)
		switch l.Op {
		case Removed:
			text = t.Bad.Render(text)
		case Added:
			text = t.Good.Render(text)
		case Skipped:
			text = t.Faint.Render(cell.Cut("  "+theme.GlyphDot+" "+l.Text, width))
		case Same:
			text = t.Dim.Render(text)
		}
		out = append(out, text)
	}
	return out
}
