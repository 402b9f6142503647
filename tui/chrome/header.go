// Package chrome draws what stands around a screen: the header, the title line,
// the task line and the keys.
package chrome

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Header draws where we are and how the stage is, in two lines. The stage's name and
// what keeps it from being written to always stand on the first; what does not fit there
// goes to the second, and what matters least is left out.
func Header(t *theme.Theme, stage *screen.StageInfo, data *screen.Snapshot, now time.Time, width int) string {
	first, rest := place(t, stage, data, now, width)
	return first + "\n" + totals(t, data, rest, width)
}

// The words that keep somebody from writing to a stage by mistake.
const (
	protectedWord = "PROTECTED"
	readOnlyWord  = "READ-ONLY"
)

// fact is something about where we are.
type fact struct {
	text  string
	style lipgloss.Style
	// right puts it at the right end. whenRoom leaves it out where the line is too short,
	// instead of moving it to the second line.
	right, whenRoom bool
}

// place draws the first line, and says what has to stand on the second. A protected
// stage's is a bar.
func place(t *theme.Theme, stage *screen.StageInfo, data *screen.Snapshot, now time.Time, width int) (line string, rest []fact) {
	style := func(s lipgloss.Style) lipgloss.Style {
		if stage.Protected.Needed {
			return t.Protected
		}
		return s
	}
	age, retry, tone := freshness(t, data, now)
	// Those that matter most come first.
	var facts []fact
	own := ""
	if stage.Name != stage.Called() {
		own = cell.Clean(stage.Name)
	}
	for _, f := range []fact{
		{text: own, style: style(t.Header)},
		{text: cell.Clean(stage.Account), style: style(t.Header)},
		{text: cell.Clean(stage.Region), style: style(t.Header)},
		{text: cell.Clean(stage.Endpoint), style: style(t.Header)},
		{text: age, style: style(tone), right: true},
		{text: cell.Clean(stage.Profile), style: style(t.Header), whenRoom: true},
		{text: retry, style: style(t.Dim), right: true, whenRoom: true},
	} {
		if f.text != "" {
			facts = append(facts, f)
		}
	}
	where, core := 0, 0 // of the facts, those that say where we are, and those that are not left out
	for _, f := range facts {
		if !f.whenRoom {
			core++
			if !f.right {
				where++
			}
		}
	}
	type attempt struct {
		facts int
		tight bool
	}
	var attempts []attempt
	for n := len(facts); n >= where; n-- {
		attempts = append(attempts, attempt{n, false})
	}
	for n := core; n >= 0; n-- {
		attempts = append(attempts, attempt{n, true})
	}
	for _, try := range attempts {
		var fits bool
		line, fits = firstLine(t, style, stage, facts[:try.facts], try.tight, width)
		rest = nil
		for _, f := range facts[try.facts:] {
			if f.whenRoom {
				continue
			}
			f.style = t.Header // the second line is no bar
			if f.right {
				f.style = tone
			}
			rest = append(rest, f)
		}
		if fits {
			break
		}
	}
	return line, rest
}

// firstLine draws the first line with some of the facts; ok is false when that is too much.
func firstLine(t *theme.Theme, style func(lipgloss.Style) lipgloss.Style, stage *screen.StageInfo, facts []fact, tight bool, width int) (line string, ok bool) {
	sep, gap := " "+theme.GlyphDot+" ", "  "
	if tight {
		sep, gap = " ", " "
	}
	left, right := style(t.Text).Render(" "), ""
	if stage.Protected.Needed {
		left += style(t.Bold).Render(protectedWord) + style(t.Text).Render(gap)
	}
	if stage.ReadOnly || stage.Locked {
		word := style(t.ReadOnly).Render(readOnlyWord)
		if !stage.Protected.Needed && !tight {
			word = t.ReadOnly.Render(" " + readOnlyWord + " ")
		}
		right = word
	}
	for _, f := range facts {
		switch {
		case !f.right:
		case strings.HasPrefix(f.text, ","): // the sentence goes on
			right += f.style.Render(f.text)
		case right == "":
			right = f.style.Render(f.text)
		default:
			right += style(t.Text).Render(gap) + f.style.Render(f.text)
		}
	}
	if right != "" {
		right = style(t.Text).Render(" ") + right
	}
	right += style(t.Text).Render(" ")
	room := width - cell.Width(left) - cell.Width(right)
	left += style(t.Bold).Render(middle(cell.Clean(stage.Called()), room))
	for _, f := range facts {
		if !f.right {
			left += style(t.Faint).Render(sep) + f.style.Render(f.text)
		}
	}
	air := width - cell.Width(left) - cell.Width(right)
	line = left + style(t.Text).Render(strings.Repeat(" ", max(0, air))) + right
	return cell.Fit(line, width), air >= 0
}

// middle cuts a name in its middle: names of stages tell themselves apart at their ends.
func middle(name string, width int) string {
	if cell.Width(name) <= width || width < 3 {
		return cell.Cut(name, width)
	}
	tail := (width - 1) / 2
	return cell.Cut(name, width-tail) + ansi.TruncateLeft(name, cell.Width(name)-tail, "")
}

// freshUntil is the age below which data has none to speak of: a figure that changes with every
// reading would catch the eye for nothing.
const freshUntil = 5 * time.Second

// freshness says how old the data is, and whether that is as it should be; retry goes on
// with when it is read again.
func freshness(t *theme.Theme, data *screen.Snapshot, now time.Time) (age, retry string, style lipgloss.Style) {
	if !data.At.IsZero() {
		age = cell.Age(now.Sub(data.At))
	}
	switch {
	case data.Err != nil && data.Paused:
		// Nothing will be read again by itself, whatever is wrong.
		if age == "" {
			age = "not connected"
		} else {
			age += " old"
		}
		return theme.GlyphFailed + " paused " + theme.GlyphDot + " " + age, "", t.Bad
	case data.Err != nil && age != "":
		if wait := data.NextAt.Sub(now); wait >= time.Second {
			retry = ", again in " + cell.Age(wait)
		}
		return theme.GlyphFailed + " " + age + " old", retry, t.Bad
	case data.Err != nil:
		return theme.GlyphFailed + " not connected", "", t.Bad
	case data.Paused && age != "":
		return "paused " + theme.GlyphDot + " " + age + " old", "", t.Warn
	case age == "":
		return theme.GlyphBusy + " reading", "", t.Dim
	case now.Sub(data.At) > 30*time.Second:
		return age + " ago", "", t.Warn
	case now.Sub(data.At) < freshUntil:
		return "fresh", "", t.Dim
	}
	return age + " ago", "", t.Dim
}

// totals draws the second line: the stage in numbers, and what did not fit on the first.
func totals(t *theme.Theme, data *screen.Snapshot, rest []fact, width int) string {
	right := ""
	for _, f := range rest {
		right += f.style.Render(f.text) + " "
	}
	calls := cell.Count(int(min(data.CallsPerMinute, 1<<40))) + " calls/min"
	ends := []string{right + t.Faint.Render(calls) + " ", right}
	if data.DollarsPerDay >= 0.005 { // what would not be "$0.00"
		ends = append([]string{right + t.Faint.Render(calls+fmt.Sprintf(", about $%.2f a day", data.DollarsPerDay)) + " "}, ends...)
	}
	figures := figures(t, data)
	// What matters least goes first: what looking costs, then numbers, the dead last.
	for _, end := range ends {
		if left := " " + strings.Join(figures, "   "); cell.Width(left)+cell.Width(end)+1 <= width {
			return cell.Ends(left, end, width)
		}
	}
	for _, keep := range [][]int{{0, 1, 3}, {0, 3}, {3}} {
		if len(figures) == 0 {
			break
		}
		var some []string
		for _, i := range keep {
			some = append(some, figures[i])
		}
		if left := " " + strings.Join(some, "  "); cell.Width(left)+cell.Width(right)+1 <= width {
			return cell.Ends(left, right, width)
		}
	}
	return cell.Ends(" ", right, width)
}

// figures are the stage's numbers: workers, backlog, in flight, dead; none before the
// first reading.
func figures(t *theme.Theme, data *screen.Snapshot) []string {
	if data.Inventory == nil {
		return nil
	}
	sum := SumOf(data)
	dead := t.Dim
	if sum.Dead > 0 {
		dead = t.Bad
	}
	figure := func(name string, n int) string { return t.Dim.Render(name+" ") + cell.Count(n) }
	workers := cell.Count(sum.Workers) + t.Dim.Render(noun(sum.Workers, " worker"))
	if sum.Failing > 0 {
		workers += t.Dim.Render(", ") + t.Bad.Render(cell.Count(sum.Failing)+" failing")
	}
	return []string{
		workers,
		figure("backlog", sum.Visible+sum.Delayed),
		figure("in flight", sum.InFlight),
		dead.Render("dead " + cell.Count(sum.Dead)),
	}
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Title draws the breadcrumbs in a rule, with the screen's status at its end. What is too
// much for the width is left out from the stack's bottom: where one is, and what goes on
// there, says more than the way that led to it.
func Title(t *theme.Theme, crumbs []string, status string, width int) string {
	const least = 12 // cells of the last crumb for which the status makes way
	right := ""
	if status = cell.Clean(status); status != "" {
		right = " " + t.Dim.Render(status) + " " + t.Border.Render(theme.GlyphRule)
	}
	clean := make([]string, len(crumbs))
	for i, crumb := range crumbs {
		clean[i] = cell.Clean(crumb)
	}
	for first := range clean {
		left := trail(t, clean[first:], first > 0)
		if rule := width - cell.Width(left) - cell.Width(right); rule >= 0 {
			return left + t.Border.Render(strings.Repeat(theme.GlyphRule, rule)) + right
		}
	}
	if len(clean) == 0 {
		return cell.Fit(right, width)
	}
	frame := cell.Width(trail(t, []string{""}, len(clean) > 1))
	if width-frame-cell.Width(right) < least {
		right = ""
	}
	last := cell.Cut(clean[len(clean)-1], max(1, width-frame-cell.Width(right)))
	left := trail(t, []string{last}, len(clean) > 1)
	rule := max(0, width-cell.Width(left)-cell.Width(right))
	return cell.Fit(left+t.Border.Render(strings.Repeat(theme.GlyphRule, rule))+right, width)
}

// trail draws crumbs, the last one as where one is; more says that others came before.
func trail(t *theme.Theme, crumbs []string, more bool) string {
	var b strings.Builder
	b.WriteString(t.Border.Render(theme.GlyphRule) + " ")
	if more {
		b.WriteString(t.Crumb.Render("… " + theme.GlyphCrumb + " "))
	}
	for i, crumb := range crumbs {
		if i < len(crumbs)-1 {
			b.WriteString(t.Crumb.Render(crumb + " " + theme.GlyphCrumb + " "))
		} else {
			b.WriteString(t.Title.Render(crumb) + " ")
		}
	}
	return b.String()
}
