package deadletters

import (
	"cmp"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	selected, found := s.table.Selected()
	none := ""
	if !found {
		none = "there is no message under the cursor"
	}
	replay, all, again := none, "", ""
	switch {
	case s.replay != nil:
		replay, all = "a replay is under way", "a replay is under way"
		again = "a replay is under way"
	case found && len(s.chosen()) == 0:
		replay = "it was replayed already"
	}
	if all == "" && len(waiting(s.table.Rows())) == 0 && (s.table.Filter() != "" || s.depth() == 0) {
		all = "there is nothing to replay"
	}
	if s.requests.Live(forLook) {
		// Two at one queue at a time hide messages from each other.
		again, replay, all = "a look is under way", cmp.Or(replay, "a look is under way"), cmp.Or(all, "a look is under way")
	}
	noJob := none
	if found && selected.letter.Message == nil {
		noJob = "the message is not a job"
	}
	toggle := screen.Action{Keys: []string{"tab"}, Label: "body", Help: "Give the moving keys to the body, and back to the list.", Refused: none, Run: s.do(func() { s.inBody = true })}
	if s.inBody {
		toggle.Label, toggle.Run = "list", s.do(func() { s.inBody = false })
	}
	actions := []screen.Action{
		{Keys: []string{"space"}, Label: "mark", Help: "Mark the message and go to the next.", Refused: none, Run: s.do(s.table.ToggleMark)},
		{Keys: []string{"R"}, Label: "replay", Help: "Replay the marked messages, or the one under the cursor.", Writes: true, Refused: replay, Run: s.askMarked},
		{Keys: []string{"A"}, Label: "replay all", Help: "Replay all: what matches the filter, or without one all that is in the queue.", Writes: true, Refused: all, Run: s.askAll},
		toggle,
		{Keys: []string{"/"}, Label: "filter", Help: "Show only messages that contain a text, in the body too; esc clears it.", Run: s.filter.Open},
		{Keys: []string{"l"}, Label: "job logs", Help: "Log lines of the job under the cursor.", Refused: noJob, Run: s.logs(selected)},
		{Keys: []string{"e"}, Label: "edit", Help: "Open the job's input in the dispatch screen, to send it changed.", Refused: noJob, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDispatch{WorkerID: s.workerID, Input: string(selected.letter.Message.Input)})
		}},
		{Keys: []string{"r"}, Label: "look again", Help: "Receive the messages again. Every look raises their receive counts by one.", Refused: again, Run: s.look},
		{Keys: []string{"a"}, Help: "Mark all that match the filter.", Hidden: true, Refused: none, Run: s.do(s.table.MarkAll)},
		{Keys: []string{"i"}, Help: "Invert the marks of those that match the filter.", Hidden: true, Refused: none, Run: s.do(s.table.InvertMarks)},
		{Keys: []string{"m"}, Help: "Look for twice as many messages.", Hidden: true, Refused: again, Run: func() tea.Cmd {
			s.limit *= 2
			return s.look()
		}},
		{Keys: []string{"s"}, Help: "Sort by the next column.", Hidden: true, Run: s.do(s.table.NextSort)},
		{Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: s.do(s.table.Reverse)},
		{Keys: []string{"y"}, Help: "Copy the message's body.", Hidden: true, Refused: none, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the body of " + selected.name, Text: selected.letter.Body})
		}},
	}
	if s.replay != nil {
		actions = append([]screen.Action{{Keys: []string{"X"}, Label: "stop", Help: "Stop the replay where it is.", Run: s.stop}}, actions...)
	}
	switch {
	case s.inBody:
		actions = append(actions, screen.Action{Keys: []string{"esc"}, Help: "Back to the list.", Hidden: true, Run: s.do(func() { s.inBody = false })})
	case s.filter.Shown() || len(s.table.Marked()) > 0:
		actions = append(actions, screen.Action{Keys: []string{"esc"}, Help: "Clear the filter, then the marks.", Hidden: true, Run: s.do(s.clear)})
	}
	actions = append(actions, screen.Action{Keys: []string{"J", "K"}, Help: "Scroll the body.", Hidden: true})
	return append(actions, table.Moves()...)
}

// do makes an action's Run of something that needs no command.
func (s *Screen) do(fn func()) func() tea.Cmd {
	return func() tea.Cmd {
		fn()
		s.show()
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

func (s *Screen) logs(r row) func() tea.Cmd {
	return func() tea.Cmd {
		ask := screen.OpenLogs{WorkerIDs: []string{s.workerID}, JobID: r.letter.Message.JobID}
		if !r.letter.SentAt.IsZero() {
			ask.Since = r.letter.SentAt.Add(-time.Minute)
		}
		return screen.Send(ask)
	}
}

// queueName is the dead-letter queue's, when it is known.
func (s *Screen) queueName() string {
	if w, ok := s.env.Worker(s.workerID); ok && w.DLQ != nil {
		return cell.Clean(w.DLQ.Name)
	}
	return "the dead-letter queue of " + strings.TrimSpace(cell.Clean(s.workerID))
}
