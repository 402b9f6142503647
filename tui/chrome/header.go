// Package chrome draws what stands around a screen: the header, the title line,
// the task line and the keys.
package chrome

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Header draws where we are and how the stage is, in two lines.
func Header(t *theme.Theme, stage *screen.StageInfo, data *screen.Snapshot, now time.Time, width int) string {
	return place(t, stage, data, now, width) + "\n" + totals(t, data, width)
}

func place(t *theme.Theme, stage *screen.StageInfo, data *screen.Snapshot, now time.Time, width int) string {
	right := freshness(t, data, now)
	if stage.ReadOnly || stage.Locked {
		right = t.ReadOnly.Render(" READ-ONLY ") + "  " + right
	}
	if stage.Protected.Needed {
		right = t.Warn.Render("protected") + "  " + right
	}
	right += " "

	// What matters least goes first when the line is short.
	facts := []string{cell.Clean(stage.Account), cell.Clean(stage.Region)}
	if stage.Endpoint != "" {
		facts = append(facts, cell.Clean(stage.Endpoint))
	}
	if stage.Profile != "" {
		facts = append(facts, cell.Clean(stage.Profile))
	}
	room := width - cell.Width(right) - 2
	for {
		left := " " + t.Bold.Render(cell.Clean(stage.Name))
		for _, fact := range facts {
			if fact != "" {
				left += t.Faint.Render(" "+theme.GlyphDot+" ") + t.Header.Render(fact)
			}
		}
		if cell.Width(left) <= room || len(facts) == 0 {
			return cell.Ends(left, right, width)
		}
		facts = facts[:len(facts)-1]
	}
}

// freshness says how old the data is, and whether that is as it should be.
func freshness(t *theme.Theme, data *screen.Snapshot, now time.Time) string {
	age := ""
	if !data.At.IsZero() {
		age = cell.Age(now.Sub(data.At))
	}
	switch {
	case data.Err != nil && age != "":
		retry := ""
		if wait := data.NextAt.Sub(now); wait >= time.Second && !data.Paused {
			retry = ", again in " + cell.Age(wait)
		}
		return t.Bad.Render(theme.GlyphFailed+" "+age+" old") + t.Dim.Render(retry)
	case data.Err != nil:
		return t.Bad.Render(theme.GlyphFailed + " not connected")
	case data.Paused && age != "":
		return t.Warn.Render("paused " + theme.GlyphDot + " " + age + " old")
	case age == "":
		return t.Dim.Render(theme.GlyphBusy + " reading")
	case now.Sub(data.At) > 30*time.Second:
		return t.Warn.Render(age + " ago")
	}
	return t.Dim.Render(age + " ago")
}

func totals(t *theme.Theme, data *screen.Snapshot, width int) string {
	short := cell.Count(int(min(data.CallsPerMinute, 1<<40))) + " calls/min "
	long := short
	if data.DollarsPerDay > 0 {
		long = strings.TrimSpace(short) + fmt.Sprintf(", about $%.2f a day ", data.DollarsPerDay)
	}
	calls := t.Faint.Render(long)
	if data.Inventory == nil {
		return cell.Ends("", calls, width)
	}
	var sum screen.Counts
	for i := range data.Inventory.Workers {
		c := screen.CountsOf(&data.Inventory.Workers[i])
		sum.Visible += c.Visible
		sum.Delayed += c.Delayed
		sum.InFlight += c.InFlight
		sum.Dead += c.Dead
	}
	dead := t.Dim
	if sum.Dead > 0 {
		dead = t.Bad
	}
	figure := func(name string, n int) string { return t.Dim.Render(name+" ") + cell.Count(n) }
	left := strings.Join([]string{
		" " + cell.Count(len(data.Inventory.Workers)) + t.Dim.Render(noun(len(data.Inventory.Workers), " worker")),
		figure("backlog", sum.Visible+sum.Delayed),
		figure("in flight", sum.InFlight),
		dead.Render("dead " + cell.Count(sum.Dead)),
	}, "   ")
	if cell.Width(left)+cell.Width(calls)+1 > width {
		calls = t.Faint.Render(short)
	}
	if cell.Width(left)+cell.Width(calls)+1 > width {
		return cell.Fit(left, width)
	}
	return cell.Ends(left, calls, width)
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// Title draws the breadcrumbs in a rule, with the screen's status at its end.
func Title(t *theme.Theme, crumbs []string, status string, width int) string {
	var b strings.Builder
	b.WriteString(t.Border.Render(theme.GlyphRule) + " ")
	for i, crumb := range crumbs {
		crumb = cell.Clean(crumb)
		if i < len(crumbs)-1 {
			b.WriteString(t.Crumb.Render(crumb + " " + theme.GlyphCrumb + " "))
		} else {
			b.WriteString(t.Title.Render(crumb))
		}
	}
	left := b.String() + " "
	right := ""
	if status = cell.Clean(status); status != "" {
		right = " " + t.Dim.Render(status) + " " + t.Border.Render(theme.GlyphRule)
	}
	rule := width - cell.Width(left) - cell.Width(right)
	if rule < 0 {
		right = ""
		rule = width - cell.Width(left)
	}
	return cell.Fit(left+t.Border.Render(strings.Repeat(theme.GlyphRule, max(0, rule)))+right, width)
}
