// Package workerlist is the console's first screen: every worker of the stage
// with what is in its queues, those that need a person first.
package workerlist

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Screen is the workers screen. It reads nothing itself: the root's source keeps
// Env.Data up to date.
type Screen struct {
	env    screen.Env
	table  *table.Model[row]
	filter *prompt.Prompt
	opened time.Time

	width, height int
}

// New returns the workers screen.
func New(env screen.Env) *Screen {
	s := &Screen{
		env:    env,
		filter: prompt.New(env.Theme, "/"),
		opened: env.Now(),
		table: table.New(env.Theme, table.Config[row]{
			Columns:     columns(),
			ID:          func(r row) string { return r.worker.ID },
			Text:        func(r row) string { return r.id + " " + r.verdict.State + " " + r.worker.Group },
			Sort:        -1,
			Default:     byNeed,
			DefaultName: "attention",
		}),
	}
	s.load()
	return s
}

// Kind implements screen.Screen.
func (s *Screen) Kind() screen.Kind { return screen.KindWorkers }

// Title implements screen.Screen.
func (s *Screen) Title() string { return "Workers" }

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	if s.env.Data.Inventory == nil {
		return ""
	}
	var parts []string
	if marked, hidden := s.table.Marks(); hidden > 0 {
		parts = append(parts, fmt.Sprintf("%d marked, %d of them hidden", marked, hidden))
	} else if marked > 0 {
		parts = append(parts, fmt.Sprintf("%d marked", marked))
	}
	return strings.Join(append(parts, "by "+s.table.SortName()), " "+theme.GlyphDot+" ")
}

// Init implements screen.Screen.
func (s *Screen) Init() tea.Cmd { return nil }

// Close implements screen.Screen.
func (s *Screen) Close() {}

// Typing implements screen.Screen.
func (s *Screen) Typing() bool { return s.filter.Typing() }

// Update implements screen.Screen.
func (s *Screen) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case screen.DataChanged:
		s.load()
		return nil
	case screen.ThemeChanged:
		s.table.Invalidate()
		s.filter.Restyle()
		return nil
	case screen.Resized:
		s.width, s.height = msg.Width, msg.Height
		s.resize()
		return nil
	case tea.KeyPressMsg:
		if s.filter.Typing() {
			cmd := s.filter.Update(msg)
			s.table.SetFilter(s.filter.Value())
			return cmd
		}
		s.table.Key(msg.String())
		return nil
	}
	cmd := s.filter.Update(msg)
	if _, pasted := msg.(tea.PasteMsg); pasted {
		s.table.SetFilter(s.filter.Value())
	}
	return cmd
}

// load makes the rows from the last reading.
func (s *Screen) load() {
	data := s.env.Data
	s.table.SetDim(data.Stale())
	if data.Inventory == nil {
		s.table.SetRows(nil)
		return
	}
	now := s.env.Now()
	workers := data.Inventory.Workers
	rows := make([]row, len(workers))
	for i := range workers {
		w := &workers[i]
		trend := data.Trends[w.ID]
		counts := screen.CountsOf(w)
		before, ok := trend.Before()
		rows[i] = row{
			worker: w, id: cell.Clean(w.ID), counts: counts, before: before, hasBefore: ok,
			verdict: verdictOf(data, w, now), trend: trend,
		}
	}
	for i := range rows {
		rows[i].story = story(rows[i].verdict)
	}
	s.table.SetRows(rows)
}

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	selected, found := s.table.Selected()
	none := ""
	if !found {
		none = "there is no worker under the cursor"
	}
	noDead, noLogs := none, none
	if found && selected.worker.DLQ == nil {
		noDead = selected.id + " has no dead-letter queue"
	}
	if found && selected.worker.Function == nil && len(s.table.Marked()) == 0 {
		noLogs = "the function of " + selected.id + " is not known"
	}
	actions := []screen.Action{
		{
			Keys: []string{"d", "enter"}, Label: "dispatch", Help: "Send a job to the worker under the cursor.",
			Writes: true, Refused: none,
			Run: s.chosen(screen.OpenDispatch{WorkerID: selected.workerID()}),
		},
		{
			Keys: []string{"l"}, Label: "logs", Help: "Logs of the marked workers, or of the one under the cursor.",
			Refused: noLogs, Run: s.logs,
		},
		{
			Keys: []string{"x"}, Label: "dead letters", Help: "Dead letters of the worker under the cursor: look, then replay.",
			Refused: noDead,
			Run:     s.chosen(screen.OpenDead{WorkerID: selected.workerID()}),
		},
		{
			Keys: []string{"/"}, Label: "filter", Help: "Show only workers whose name, state or group contains a text; esc clears it.",
			Run: s.filter.Open,
		},
		{Keys: []string{"s"}, Label: "sort", Help: "Sort by the next column.", Run: s.do(s.table.NextSort)},
		{Keys: []string{"space"}, Label: "mark", Help: "Mark the worker and go to the next: for logs of several.", Refused: none, Run: s.do(s.table.ToggleMark)},
		s.pause(),
		{
			Keys: []string{"r"}, Label: "refresh", Help: "Read the stage again now, and look for workers that came or went.",
			Run: func() tea.Cmd { return screen.Send(screen.Refresh{Discover: true}) },
		},
		{Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: s.do(s.table.Reverse)},
		{
			Keys: []string{"y"}, Help: "Copy the URL of the worker's queue.", Hidden: true, Refused: s.noQueue(none),
			Run: func() tea.Cmd {
				return screen.Send(screen.Copy{What: "the queue URL of " + selected.id, Text: selected.worker.Queue.URL})
			},
		},
	}
	if s.filter.Shown() || len(s.table.Marked()) > 0 {
		actions = append(actions, screen.Action{
			Keys: []string{"esc"}, Label: "clear", Help: "Clear the filter, then the marks.", Run: s.do(s.clear),
		})
	}
	return append(actions, table.Moves()...)
}

func (s *Screen) noQueue(none string) string {
	if selected, ok := s.table.Selected(); ok && selected.worker.Queue == nil {
		return "the queue of " + selected.id + " was not found"
	}
	return none
}

func (s *Screen) pause() screen.Action {
	a := screen.Action{
		Keys: []string{"p"}, Label: "pause", Help: "Stop reading the stage again and again.",
		Run: func() tea.Cmd { return screen.Send(screen.PauseRefresh{}) },
	}
	if s.env.Data.Paused {
		a.Label, a.Help = "resume", "Go on reading the stage."
	}
	return a
}

// chosen makes an action's Run that opens something for the worker under the
// cursor, which stays under it from then on.
func (s *Screen) chosen(msg tea.Msg) func() tea.Cmd {
	return func() tea.Cmd {
		s.table.Hold()
		return screen.Send(msg)
	}
}

// do makes an action's Run of something that needs no command.
func (s *Screen) do(fn func()) func() tea.Cmd {
	return func() tea.Cmd {
		fn()
		return nil
	}
}

func (s *Screen) clear() {
	if s.filter.Shown() {
		s.filter.Clear()
		s.table.SetFilter("")
		return
	}
	s.table.ClearMarks()
}

func (s *Screen) logs() tea.Cmd {
	s.table.Hold()
	var ids []string
	for _, r := range s.table.MarkedOrSelected() {
		ids = append(ids, r.worker.ID)
	}
	return screen.Send(screen.OpenLogs{WorkerIDs: ids})
}
