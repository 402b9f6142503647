package workerlist

import (
	"cmp"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

const (
	sparkWidth = 16
	// arrowReadings is for how many readings a change stays marked.
	arrowReadings = 4
	// oldReading is how much older than the newest a row's reading may be before the row
	// says so.
	oldReading = 30 * time.Second
)

// row is one worker as the list shows it.
type row struct {
	worker    *aws.Worker
	id        string // the worker's, clean
	counts    screen.Counts
	before    screen.Counts // some readings ago
	hasBefore bool
	verdict   *health.Verdict
	age       string // of the row's reading, when it is older than the others; else empty
	changing  string // the mapping's state while it is being changed from here
	trend     *screen.Trend
}

// workerID is empty for the zero row, that of an empty list.
func (r row) workerID() string {
	if r.worker == nil {
		return ""
	}
	return r.worker.ID
}

// byNeed puts first what most needs a person.
func byNeed(a, b row) int { return health.Compare(a.need(), b.need()) }

func (r row) need() health.Row {
	return health.Row{ID: r.id, Verdict: r.verdict, Dead: r.counts.Dead, Backlog: r.counts.Backlog()}
}

func columns() []table.Column[row] {
	number := func(title string, priority int, tone theme.Tone, of func(screen.Counts) int) table.Column[row] {
		return table.Column[row]{
			Title: title, Right: true, Min: 5, Priority: priority,
			Cell: func(r row) table.Cell {
				n := of(r.counts)
				c := table.Cell{Text: cell.Count(n), Tone: tone}
				if n == 0 || r.age != "" {
					c.Tone = theme.ToneFaint
				}
				if r.worker.Queue == nil || r.worker.Queue.Depth.At.IsZero() {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				if r.hasBefore {
					switch before := of(r.before); {
					case n > before:
						c.Tail, c.TailTone = theme.GlyphUp, theme.ToneFaint
						if tone == theme.ToneBad {
							c.TailTone = theme.ToneBad
						}
					case n < before:
						c.Tail, c.TailTone = theme.GlyphDown, theme.ToneFaint
					}
				}
				return c
			},
			Compare: func(a, b row) int { return cmp.Compare(of(b.counts), of(a.counts)) },
		}
	}
	word := func(title string, priority int, of func(row) (string, theme.Tone)) table.Column[row] {
		return table.Column[row]{
			Title: title, Max: 20, Priority: priority,
			Cell: func(r row) table.Cell {
				text, tone := of(r)
				return table.Cell{Text: text, Tone: tone}
			},
			Compare: func(a, b row) int {
				x, _ := of(a)
				y, _ := of(b)
				return cmp.Compare(x, y)
			},
		}
	}
	dead := number("DEAD", 0, theme.ToneBad, func(c screen.Counts) int { return c.Dead })
	deadCell := dead.Cell
	dead.Cell = func(r row) table.Cell {
		if r.worker.DLQ == nil {
			return table.Cell{Text: "–", Tone: theme.ToneFaint}
		}
		return deadCell(r)
	}
	return []table.Column[row]{
		{
			Title: "WORKER", Min: 16, Max: 48, Grow: true,
			Cell:    func(r row) table.Cell { return table.Cell{Text: r.id} },
			Compare: func(a, b row) int { return cmp.Compare(a.id, b.id) },
		},
		{
			Title: "STATE", Min: 24, Max: 96, Grow: true, Wants: stateWants,
			Cell:    stateCell,
			Compare: byNeed,
		},
		number("VISIBLE", 0, theme.ToneText, func(c screen.Counts) int { return c.Visible }),
		number("IN FLIGHT", 3, theme.ToneText, func(c screen.Counts) int { return c.InFlight }),
		number("DELAYED", 5, theme.ToneText, func(c screen.Counts) int { return c.Delayed }),
		dead,
		{
			Title: "OLDEST", Right: true, Priority: 2,
			Cell: func(r row) table.Cell {
				if oldest(r) <= 0 {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				c := table.Cell{Text: cell.Age(*r.verdict.Oldest), Tone: theme.ToneText}
				if r.verdict.Has(health.Overdue) {
					c.Tone = theme.ToneWarn
				}
				return c
			},
			Compare: func(a, b row) int { return cmp.Compare(oldest(b), oldest(a)) },
		},
		{
			Title: "TREND", Min: 8, Max: sparkWidth, Grow: true, KeepEnd: true, Bare: true, Priority: 1,
			Cell: func(r row) table.Cell { return table.Cell{Text: spark(r.trend), Tone: theme.ToneFaint} },
		},
		word("GROUP", 6, func(r row) (string, theme.Tone) { return orDash(cell.Clean(r.worker.Group)) }),
		word("MAPPING", 7, func(r row) (string, theme.Tone) {
			if r.worker.Mapping == nil {
				return orDash("")
			}
			text, tone := orDash(strings.ToLower(cmp.Or(r.changing, cell.Clean(r.worker.Mapping.State))))
			if r.changing != "" || r.verdict.Has(health.Paused) || r.verdict.Has(health.Stalled) {
				tone = theme.ToneWarn
			}
			return text, tone
		}),
	}
}

// stateWants is the room for a state with its reason: they are what the list is for, so
// that on a narrow screen numbers that the words tell of make way for them, and on a wide
// one those that are seldom asked for.
func stateWants(priority int) int {
	if priority >= 5 {
		return 66
	}
	return 34
}

// stateCell is the state in words, and why. It is made for the rows on the screen only.
func stateCell(r row) table.Cell {
	state, why := cell.Clean(r.verdict.State), reason(r.verdict)
	c := table.Cell{Text: state, Tone: tones.OfReason(&r.verdict.Reason), Aside: why, AsideTone: theme.ToneDim}
	switch {
	case r.changing != "":
		c.Text, c.Tone, c.Aside = strings.ToLower(r.changing), theme.ToneWarn, separator+state+why
	case r.age != "":
		c.Text, c.Tone, c.Aside, c.AsideTone = "read "+r.age+" ago", theme.ToneFaint, separator+state+why, theme.ToneFaint
	}
	return c
}

func oldest(r row) time.Duration {
	if r.verdict.Oldest == nil {
		return -1
	}
	return *r.verdict.Oldest
}

func orDash(text string) (string, theme.Tone) {
	if text == "" {
		return "–", theme.ToneFaint
	}
	return text, theme.ToneDim
}

// spark draws the backlog of the last minutes, the present one at the right; a minute
// of which nothing is known is blank. Its scale is the row's own, but never finer than
// one step a message, and it changes in doublings only: a single job coming and going is
// not a mountain range, and one minute that passes out of sight does not redraw the rest.
func spark(t *screen.Trend) string {
	if t == nil || len(t.Minutes) == 0 {
		return ""
	}
	steps := []rune(theme.Sparks)
	values := t.Minutes
	if extra := len(values) - sparkWidth; extra > 0 {
		values = values[extra:]
	}
	most := 0
	for _, n := range values {
		most = max(most, n)
	}
	top := len(steps) - 1
	for top < most {
		top *= 2
	}
	out := make([]rune, 0, sparkWidth)
	for range sparkWidth - len(values) {
		out = append(out, ' ')
	}
	for _, n := range values {
		if n < 0 {
			out = append(out, ' ')
			continue
		}
		out = append(out, steps[(n*(len(steps)-1)+top-1)/top])
	}
	return string(out)
}
