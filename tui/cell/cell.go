// Package cell lays out text in terminal cells: it cleans text from outside,
// and cuts, pads and overlays by the width that the terminal will give it.
package cell

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ellipsis ends text that was cut.
const Ellipsis = "…"

// Width is how many cells a styled line takes.
func Width(s string) int {
	if width, ok := evenWidthOf(s); ok {
		return width
	}
	return ansi.StringWidth(s)
}

// Cut shortens a styled line to at most width cells, ending in an ellipsis when
// something was lost. Its escape sequences stay whole.
func Cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	return head(s, width, Ellipsis)
}

// head is the beginning of a line, tail at its end when something was lost.
func head(s string, width int, tail string) string {
	if all, ok := evenWidthOf(s); ok && width >= Width(tail) {
		if all <= width {
			return s
		}
		return evenHead(s, width-Width(tail), tail)
	}
	return ansi.Truncate(s, width, tail)
}

// Fit makes a line exactly width cells wide: cut, or padded on the right.
func Fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	w := Width(s)
	if w > width {
		s = head(s, width, Ellipsis)
		w = Width(s)
	}
	return s + strings.Repeat(" ", width-w)
}

// FitRight is Fit with the padding on the left.
func FitRight(s string, width int) string {
	if width <= 0 {
		return ""
	}
	w := Width(s)
	if w > width {
		s = head(s, width, Ellipsis)
		w = Width(s)
	}
	return strings.Repeat(" ", width-w) + s
}

// Box makes lines exactly width by height cells, cutting and padding both ways.
func Box(lines []string, width, height int) string {
	var b strings.Builder
	for i := range height {
		if i > 0 {
			b.WriteByte('\n')
		}
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		b.WriteString(Fit(line, width))
	}
	return b.String()
}

// Ends puts left and right at the two ends of a line of exactly width cells.
// When both do not fit, left is cut, down to nothing.
func Ends(left, right string, width int) string {
	rw := Width(right)
	if rw >= width {
		return Fit(right, width)
	}
	if rw == 0 {
		return Fit(left, width)
	}
	return Fit(left, width-rw-1) + " " + right
}

// Overlay puts box over base with its top left corner at column x, row y.
func Overlay(base, box string, x, y int) string {
	lines := strings.Split(base, "\n")
	for i, line := range strings.Split(box, "\n") {
		at := y + i
		if at < 0 || at >= len(lines) {
			continue
		}
		below := lines[at]
		w := Width(line)
		left := Fit(head(below, x, ""), x)
		// The reset keeps a style of the line below from running into the box.
		// Joined, some clusters measure otherwise than apart; the line must not.
		lines[at] = Fit(left+ansi.ResetStyle+line+ansi.ResetStyle+from(below, x+w), max(x+w, Width(below)))
	}
	return strings.Join(lines, "\n")
}

// from is what stands in a line from column x on. Half of a wide letter becomes
// a space.
func from(line string, x int) string {
	all, ok := evenWidthOf(line)
	if !ok {
		all = ansi.StringWidth(line)
	}
	room := all - x
	if room <= 0 {
		return ""
	}
	if ok {
		return evenTail(line, x)
	}
	rest := ansi.TruncateLeft(line, x, "")
	if ansi.StringWidth(rest) > room {
		rest = ansi.TruncateLeft(line, x+1, "")
	}
	return strings.Repeat(" ", max(0, room-ansi.StringWidth(rest))) + rest
}

// Center overlays box in the middle of base, which is width by height cells.
func Center(base, box string, width, height int) string {
	lines := strings.Split(box, "\n")
	w := 0
	for _, line := range lines {
		w = max(w, Width(line))
	}
	return Overlay(base, box, max(0, (width-w)/2), max(0, (height-len(lines))/2))
}

// Wrap breaks plain or styled text into lines of at most width cells, at spaces
// where it can. It does not break at hyphens: options, ids, dates and the names of
// hosts and queues are full of them, and "- -id" is no option any more.
func Wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	// ansi.Wrap breaks at every "-", but not at its twin of the same width.
	const twin = "\u2011"
	if strings.Contains(s, "-") && !strings.Contains(s, twin) {
		return strings.Split(strings.ReplaceAll(ansi.Wrap(strings.ReplaceAll(s, "-", twin), width, ""), twin, "-"), "\n")
	}
	return strings.Split(ansi.Wrap(s, width, ""), "\n")
}
