package compose

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	none := ""
	if len(s.violations) == 0 {
		none = "there is none"
	}
	empty := ""
	if !s.begun {
		empty = "there is no text yet"
	}
	send := screen.Action{
		Keys: []string{"ctrl+s", "alt+enter"}, Label: "send", Writes: true, WhileTyping: true, Refused: s.refused(),
		Help: "Send the job. Input that does not fit the schema is refused, and the cursor put on the place.",
		Run:  s.send,
	}
	problem := screen.Action{
		Keys: []string{"ctrl+n"}, Label: "next problem", WhileTyping: true, Refused: none,
		Help: "Put the cursor on the next place that does not fit the schema.", Run: s.nextProblem,
	}
	format := screen.Action{
		Keys: []string{"ctrl+o"}, Label: "format", WhileTyping: true, Refused: empty,
		Help: "Indent the JSON.", Run: s.format,
	}
	if s.editor.Focused() {
		return append([]screen.Action{
			send,
			{Keys: []string{"esc"}, Label: "stop typing", Help: "Leave the editor; the text is kept.", WhileTyping: true, Run: s.leave},
			problem, format,
		}, typingKeys()...)
	}
	var actions []screen.Action
	if s.result != nil {
		actions = append(actions,
			screen.Action{Keys: []string{"l", "enter"}, Label: "follow the job", Help: "The log lines of the job that was sent, and how it ends.", Run: s.follow},
			screen.Action{Keys: []string{"y"}, Help: "Copy the job's id.", Hidden: true, Run: func() tea.Cmd {
				return screen.Send(screen.Copy{What: "the job's id", Text: s.result.JobID})
			}})
	}
	edit := screen.Action{Keys: []string{"e", "i"}, Label: "edit", Help: "Type in the editor.", Run: s.edit}
	if s.result == nil {
		edit.Keys = append(edit.Keys, "enter")
	}
	return append(actions,
		edit, send, problem, format,
		screen.Action{Keys: []string{"R"}, Label: "start over", Refused: empty, Help: "Fill the editor from the schema again; ctrl+z in the editor takes it back.", Run: s.reset},
		screen.Action{Keys: []string{"Y"}, Help: "Copy the input.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the input", Text: s.editor.Text()})
		}},
		screen.Action{Keys: []string{"L"}, Help: "The worker's logs.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.workerID}})
		}},
		screen.Action{Keys: []string{"x"}, Help: "The worker's dead letters.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDead{WorkerID: s.workerID})
		}},
		screen.Action{Keys: []string{"j", "k", "g", "G"}, Help: "Read the text: down, up, its start, its end.", Hidden: true},
	)
}

// typingKeys tells the help of what the editor does with keys.
func typingKeys() []screen.Action {
	return []screen.Action{
		{Keys: []string{"ctrl+z", "ctrl+y"}, Help: "Undo and redo.", Hidden: true},
		{Keys: []string{"tab", "shift+tab"}, Help: "Indent by two spaces, and back.", Hidden: true},
		{Keys: []string{"ctrl+w", "ctrl+k", "ctrl+u"}, Help: "Delete the word before the cursor, to the end of the line, to its start.", Hidden: true},
		{Keys: []string{"alt+left", "alt+right"}, Help: "By words; home and end, pgup and pgdown, ctrl+home and ctrl+end as usual.", Hidden: true},
	}
}

func (s *Screen) leave() tea.Cmd {
	s.editor.Blur()
	s.keep()
	return nil
}

func (s *Screen) edit() tea.Cmd {
	if s.begun {
		s.editor.Focus()
	}
	return nil
}

// jobID is the id of the job that was sent, for the screen.
func (s *Screen) jobID() string { return cell.Clean(s.result.JobID) }
