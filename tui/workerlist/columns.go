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
)

const sparkWidth = 16

// row is one worker as the list shows it.
type row struct {
	worker    *aws.Worker
	id        string // the worker's, clean
	counts    screen.Counts
	before    screen.Counts
	hasBefore bool
	verdict   *health.Verdict
	story     string
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
				if n == 0 {
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
			Title: "STATE", Min: 24, Max: 44, Grow: true,
			Cell: func(r row) table.Cell {
				return table.Cell{Text: cell.Clean(r.verdict.State), Tone: toneOf(&r.verdict.Reason)}
			},
			Compare: byNeed,
		},
		number("VISIBLE", 0, theme.ToneText, func(c screen.Counts) int { return c.Visible }),
		number("IN FLIGHT", 2, theme.ToneText, func(c screen.Counts) int { return c.InFlight }),
		number("DELAYED", 3, theme.ToneText, func(c screen.Counts) int { return c.Delayed }),
		dead,
		{
			Title: "OLDEST", Right: true, Priority: 1,
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
			Title: "TREND", Min: 8, Max: sparkWidth, Grow: true, KeepEnd: true, Bare: true, Priority: 4,
			Cell: func(r row) table.Cell { return table.Cell{Text: spark(r.trend), Tone: theme.ToneFaint} },
		},
		word("GROUP", 5, func(r row) (string, theme.Tone) { return orDash(cell.Clean(r.worker.Group)) }),
		word("MAPPING", 6, func(r row) (string, theme.Tone) {
			if r.worker.Mapping == nil {
				return orDash("")
			}
			text, tone := orDash(strings.ToLower(cell.Clean(r.worker.Mapping.State)))
			if r.verdict.Has(health.Paused) || r.verdict.Has(health.Stalled) {
				tone = theme.ToneWarn
			}
			return text, tone
		}),
		{
			Title: "NOTE", Min: 24, Grow: true, Priority: 7,
			Cell: func(r row) table.Cell {
				return table.Cell{Text: r.story, Tone: theme.ToneDim}
			},
		},
	}
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

// spark draws the backlog of the last readings, the newest at the right. Its
// scale is the row's own, but never finer than one step a message: a single job
// coming and going is not a mountain range.
func spark(t *screen.Trend) string {
	if t == nil || len(t.Samples) == 0 {
		return ""
	}
	steps := []rune(theme.Sparks)
	samples := t.Samples
	if extra := len(samples) - sparkWidth; extra > 0 {
		samples = samples[extra:]
	}
	highest := len(steps) - 1
	for _, c := range samples {
		highest = max(highest, c.Backlog())
	}
	out := make([]rune, 0, sparkWidth)
	for range sparkWidth - len(samples) {
		out = append(out, ' ')
	}
	for _, c := range samples {
		step := (c.Backlog()*(len(steps)-1) + highest - 1) / highest
		out = append(out, steps[step])
	}
	return string(out)
}
