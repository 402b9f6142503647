package workerlist

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	if s.findings != nil {
		return s.findingsActions()
	}
	selected, found := s.table.Selected()
	none := ""
	if !found {
		none = "there is no worker under the cursor"
	}
	noDead, noLogs, noQueue := none, none, none
	var worker *aws.Worker
	if found {
		worker = selected.worker
		if worker.DLQ == nil {
			noDead = selected.id + " has no dead-letter queue"
		}
		if worker.Function == nil && len(s.table.Marked()) == 0 {
			noLogs = "the function of " + selected.id + " is not known"
		}
		if worker.Queue == nil {
			noQueue = "the queue of " + selected.id + " was not found"
		}
	}
	id := selected.workerID()
	notRead := ""
	if s.env.Data.Inventory == nil {
		notRead = notReadYet
	}
	// Without a worker under the cursor there is no command about it.
	about := func(words ...string) func() string {
		if !found {
			return nil
		}
		return func() string { return screen.Command(words...) }
	}
	actions := []screen.Action{
		{
			ID: "worker", Keys: []string{"enter"}, Label: "open", Help: "Everything about the worker under the cursor: why it is in its state, charts, jobs, configuration, schemas.",
			Refused: none, Run: s.chosen(screen.OpenWorker{WorkerID: id}),
			Command: about("workers", "describe", id),
		},
		{
			ID: "dispatch", Keys: []string{"d"}, Label: "dispatch", Help: "Send a job to the worker under the cursor.",
			Writes: true, Refused: none, Run: s.chosen(screen.OpenDispatch{WorkerID: id}),
			Command: about("dispatch", id),
		},
		{
			ID: "logs", Keys: []string{"l"}, Label: "logs", Help: "Logs of the marked workers, or of the one under the cursor.",
			Refused: noLogs, Run: s.logs,
			Command: func() string { return screen.Command(append(append([]string{"logs"}, s.ids()...), "-f")...) },
		},
		{
			ID: "dead-letters", Keys: []string{"x"}, Label: "dead letters", Help: "Dead letters of the worker under the cursor: look, then replay.",
			Refused: noDead, Run: s.chosen(screen.OpenDead{WorkerID: id}),
			Command: about("dlq", "peek", id),
		},
		{
			ID: "filter", Keys: []string{"/"}, Label: "filter", Help: "Show only workers whose name, states or group contains a text; esc clears it.",
			Refused: notRead, Run: s.filter.Open,
		},
		{
			ID: "findings", Keys: []string{"f"}, Label: s.findingsLabel(), Help: "What is wrong with the stage and with no one worker of it, what could not be read, and the chains of workers.",
			Refused: s.noFindings(), Run: s.do(s.openFindings),
			Command: func() string { return screen.Command("workers") },
		},
		s.pauser.Action(worker, none),
		{ID: "sort", Keys: []string{"s"}, Label: "sort", Help: "Sort by the next column.", Refused: notRead, Run: s.do(s.table.NextSort)},
		{
			ID: "mark", Keys: []string{"space"}, Label: "mark", Help: "Mark the worker and go to the next: for logs of several.",
			Refused: none, Run: s.do(s.table.ToggleMark),
		},
		s.pause(),
		{
			ID: "refresh", Keys: []string{"r"}, Label: "refresh", Help: "Read the stage again now, and look for workers that came or went.",
			Run: func() tea.Cmd { return screen.Send(screen.Refresh{Discover: true}) },
		},
		{ID: "reverse", Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: s.do(s.table.Reverse)},
		{
			ID: "copy-queue-url", Keys: []string{"y"}, Help: "Copy the URL of the worker's queue.", Hidden: true, Refused: noQueue,
			Run: func() tea.Cmd {
				return screen.Send(screen.Copy{What: "the queue URL of " + selected.id, Text: worker.Queue.URL})
			},
		},
	}
	if s.filter.Shown() || len(s.table.Marked()) > 0 {
		actions = append(actions, screen.Action{
			ID: "clear", Keys: []string{"esc"}, Label: "clear", Help: "Clear the filter, then the marks.", Run: s.do(s.clear),
		})
	}
	return append(actions, table.Moves()...)
}

func (s *Screen) pause() screen.Action {
	a := screen.Action{
		ID: "pause-refresh", Keys: []string{"p"}, Label: "pause", Help: "Stop reading the stage again and again.",
		Run: func() tea.Cmd { return screen.Send(screen.PauseRefresh{}) },
	}
	if s.env.Data.Paused {
		a.Label, a.Help = "go on", "Go on reading the stage."
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

// ids are the marked workers', else that of the one under the cursor.
func (s *Screen) ids() []string {
	var ids []string
	for _, r := range s.table.MarkedOrSelected() {
		ids = append(ids, r.worker.ID)
	}
	return ids
}

func (s *Screen) logs() tea.Cmd {
	s.table.Hold()
	return screen.Send(screen.OpenLogs{WorkerIDs: s.ids()})
}
