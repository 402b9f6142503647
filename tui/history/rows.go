package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/audit"
	trail "github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// row is an action and what its cells say, made once: cleaning a text for each frame
// would take most of it.
type row struct {
	trail.Action
	id string // for the table; actions of the first versions have none

	action, object, count, result, took, stage, by string
	text                                           string // what the filter looks in
}

func rowsOf(actions []trail.Action) []row {
	rows := make([]row, len(actions))
	seen := make(map[string]int, len(actions))
	for i := range actions {
		a := &actions[i]
		id := a.ID
		if id == "" {
			id = fmt.Sprint(a.Time.UnixNano(), a.Action, a.Object)
		}
		if seen[id]++; seen[id] > 1 {
			id = fmt.Sprint(id, "#", seen[id])
		}
		r := row{
			Action: *a, id: id, action: cell.Clean(a.Action), object: cell.Clean(a.Object), count: cell.Count(a.Count),
			result: a.Result(), took: took(a), stage: a.At(), by: strings.TrimPrefix(a.By(), "assumed-role/"),
		}
		if a.Remedy != "" {
			// First, since it is what stands out.
			r.result = theme.GlyphFailed + " unfinished: " + r.result
		}
		r.text = strings.Join([]string{r.action, r.object, r.result, a.By(), a.Who, r.stage, a.Journal, strings.Join(a.IDs, " ")}, " ")
		rows[i] = r
	}
	return rows
}

// newTable makes the table; with the stage of each action when there are several.
func (s *Screen) newTable() *table.Model[row] {
	plain := func(of func(row) string) func(row) table.Cell {
		return func(r row) table.Cell { return table.Cell{Text: of(r)} }
	}
	columns := []table.Column[row]{
		{Title: "WHEN", Min: 8, Cell: func(r row) table.Cell { return table.Cell{Text: s.when(r.Time), Tone: theme.ToneDim} }, Compare: func(a, b row) int { return b.Time.Compare(a.Time) }},
		{Title: "ACTION", Min: 8, Max: 20, Cell: plain(func(r row) string { return r.action }), Compare: func(a, b row) int { return cmp.Compare(a.action, b.action) }},
		{Title: "OBJECT", Min: 10, Max: 48, Grow: true, Cell: plain(func(r row) string { return r.object }), Compare: func(a, b row) int { return cmp.Compare(a.object, b.object) }},
		{Title: "COUNT", Min: 5, Right: true, Priority: 2, Cell: plain(func(r row) string { return r.count }), Compare: func(a, b row) int { return cmp.Compare(b.Count, a.Count) }},
		{Title: "RESULT", Min: 14, Max: 60, Grow: true, Cell: func(r row) table.Cell { return table.Cell{Text: r.result, Tone: tone(r)} }, Compare: func(a, b row) int {
			return cmp.Or(cmp.Compare(weight(b), weight(a)), b.Time.Compare(a.Time))
		}},
		{Title: "TOOK", Min: 4, Right: true, Priority: 4, Cell: plain(func(r row) string { return r.took }), Compare: func(a, b row) int { return cmp.Compare(b.DurationMS, a.DurationMS) }},
		{Title: "WHO", Min: 14, Max: 40, Grow: true, Priority: 3, Cell: plain(func(r row) string { return r.by }), Compare: func(a, b row) int { return cmp.Compare(a.by, b.by) }},
	}
	if s.everywhere {
		columns = slices.Insert(columns, 3, table.Column[row]{
			Title: "STAGE", Min: 8, Max: 40, Grow: true, Priority: 1, Cell: plain(func(r row) string { return r.stage }), Compare: func(a, b row) int { return cmp.Compare(a.stage, b.stage) },
		})
	}
	m := table.New(s.env.Theme, table.Config[row]{
		Columns: columns, ID: func(r row) string { return r.id }, Text: func(r row) string { return r.text }, Sort: -1, DefaultName: "newest",
	})
	m.SetFilter(s.filter.Value())
	return m
}

// when is a time of day, with the date when it is another day's.
func (s *Screen) when(at time.Time) string {
	at, now := at.In(s.zone), s.env.Now().In(s.zone)
	switch {
	case at.Year() != now.Year():
		return at.Format("2006-01-02 15:04")
	case at.YearDay() != now.YearDay():
		return at.Format("01-02 15:04:05")
	}
	return at.Format("15:04:05")
}

// weight is how much an action needs a look.
func weight(r row) int {
	switch {
	case r.Remedy != "":
		return 3
	case r.Finished, r.EndedWell():
		return 0
	case r.Outcome == audit.OutcomeNoEnd:
		return 2
	}
	return 1
}

func tone(r row) theme.Tone {
	switch {
	case r.Outcome == audit.OutcomeUnderWay:
		return theme.ToneInfo
	case r.Finished || r.Outcome == audit.OutcomeCancelled:
		return theme.ToneDim
	case r.Remedy != "" || r.Outcome == audit.OutcomeFailed:
		return theme.ToneBad
	case r.Outcome == audit.OutcomeNoEnd:
		return theme.ToneWarn
	}
	return theme.ToneGood
}

func took(r *trail.Action) string {
	if r.Ended == nil {
		return "-"
	}
	d := time.Duration(r.DurationMS) * time.Millisecond
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return cell.Age(d)
}

// read1 opens an action to be read whole.
func (s *Screen) read1(r row) {
	if s.open == nil {
		s.open = jsonview.New(s.env.Theme)
	}
	s.opened = r
	ended := ""
	if r.Ended != nil {
		ended = r.Ended.In(s.zone).Format("2006-01-02 15:04:05.000 MST") + ", after " + r.took
	}
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return cell.Count(*n)
	}
	pid := ""
	if r.PID > 0 {
		pid = fmt.Sprint(r.PID)
	}
	fields := []jsonview.Field{
		{Name: "action", Value: r.Record.Action},
		{Name: "object", Value: r.Object},
		{Name: "stage", Value: strings.TrimSpace(r.Stage + " in " + r.Region + " " + r.Endpoint)},
		{Name: "account", Value: r.Account},
		{Name: "began", Value: r.Time.In(s.zone).Format("2006-01-02 15:04:05.000 MST")},
		{Name: "ended", Value: ended},
		{Name: "result", Value: r.Result()},
		{Name: "meant for", Value: cell.Count(r.Count)},
		{Name: "done", Value: number(r.Done)},
		{Name: "not done", Value: number(r.Failed)},
		{Name: "error", Value: r.ErrorKind},
		{Name: "who", Value: r.Who},
		{Name: "profile", Value: r.Profile},
		{Name: "machine", Value: strings.TrimSpace(r.User + " on " + r.Host)},
		{Name: "process", Value: pid},
		{Name: "journal", Value: r.Journal},
		{Name: "finish it", Value: r.Remedy},
		{Name: "command", Value: command(r)},
		{Name: "id", Value: r.ID},
	}
	filled := fields[:0]
	for _, f := range fields {
		if f.Value != "" {
			filled = append(filled, f)
		}
	}
	s.open.Set(r.id, filled, s.written(r))
}

// written are the ids of what was written to.
func (s *Screen) written(r row) string {
	if len(r.IDs) == 0 {
		return "No ids are in the trail."
	}
	head := fmt.Sprintf("%s it was written to:", cell.Plural(len(r.IDs), "id"))
	if len(r.IDs) < r.Count {
		head = fmt.Sprintf("The first %s of %s it was written to:", cell.Count(len(r.IDs)), cell.Count(r.Count))
	}
	return head + "\n" + strings.Join(r.IDs, "\n")
}

// idsMost is how many ids stand in a command line.
const idsMost = 50

// command is the command line that did it, as far as the trail tells: it has no
// messages and no inputs. Empty where it does not have all ids: a command for all would
// do more.
func command(r row) string {
	ids := func(args ...string) string {
		switch {
		case len(r.IDs) == 0: // everything there was, as it came
			return screen.Command(append(args, "--all")...)
		case len(r.IDs) < r.Count || len(r.IDs) > idsMost:
			return ""
		}
		for _, id := range r.IDs {
			args = append(args, "--id", id)
		}
		return screen.Command(args...)
	}
	object := cell.Clean(r.Object)
	switch r.Record.Action {
	case "dispatch":
		return screen.Command("dispatch", object, "-f", "INPUT.json")
	case "dlq.replay":
		return ids("dlq", "replay", object)
	case "dlq.delete":
		return ids("dlq", "delete", object)
	case "dlq.import":
		return screen.Command("dlq", "import", object, "-f", "FILE.jsonl")
	case "dlq.move-task":
		return screen.Command("dlq", "replay", object, "--all", "--native")
	case "workers.pause":
		return screen.Command("workers", "pause", object)
	case "workers.resume":
		return screen.Command("workers", "resume", object)
	}
	return ""
}
