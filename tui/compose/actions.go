package compose

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	switch {
	case s.naming != nil:
		return []screen.Action{
			{ID: "save-template", Keys: []string{"enter"}, Label: "save", Help: "Save the template under this name.", WhileTyping: true, Run: s.save},
			{ID: "cancel-template", Keys: []string{"esc"}, Label: "cancel", Help: "Save nothing.", WhileTyping: true, Run: s.unname},
		}
	case s.list != nil:
		return s.listActions()
	case s.editor.Focused() || s.pane.Focused():
		return s.typingActions()
	}
	return s.readingActions()
}

// typingActions are those of both sides; the order is the footer's.
func (s *Screen) typingActions() []screen.Action {
	other := "JSON"
	if s.side == sideText {
		other = "form"
	}
	actions := []screen.Action{
		s.sendAction(),
		{ID: "stop-typing", Keys: []string{"esc"}, Label: "stop typing", Help: "Leave the editor; the text is kept.", WhileTyping: true, Run: s.leave},
		{ID: "other-side", Keys: []string{"ctrl+t"}, Label: other, Help: "Go from the form to the JSON, and back.", WhileTyping: true, Run: s.other},
		s.problemAction(), s.recentAction(), s.outsideAction(), s.overrideAction(), s.optionsAction(), s.formatAction(),
		{ID: "save-as-template", Keys: []string{"alt+s"}, Help: "Save the input under a name, to begin with another time.", WhileTyping: true, Hidden: true, Run: s.templateOfText},
	}
	if s.side == sideText {
		return append(actions, textKeys()...)
	}
	_, _, typed := s.pane.Value()
	none := ""
	if !typed {
		none = "no text is typed into this field"
	}
	actions = append(actions, screen.Action{
		ID: "value-in-editor", Keys: []string{"alt+o"}, Help: "Edit the text of this field in your own editor: several lines, say.",
		WhileTyping: true, Hidden: true, Refused: none, Run: s.valueOutside,
	})
	return append(actions, formKeys()...)
}

// textKeys tells the help of what the editor does with keys.
func textKeys() []screen.Action {
	return []screen.Action{
		{Keys: []string{"ctrl+z", "ctrl+y"}, Help: "Undo and redo.", Hidden: true},
		{Keys: []string{"tab", "shift+tab"}, Help: "Indent by two spaces, and back.", Hidden: true},
		{Keys: []string{"ctrl+w", "ctrl+k", "ctrl+u"}, Help: "Delete the word before the cursor, to the end of the line, to its start.", Hidden: true},
		{Keys: []string{"alt+left", "alt+right"}, Help: "By words; home and end, pgup and pgdown, ctrl+home and ctrl+end as usual.", Hidden: true},
	}
}

// formKeys tells the help of what the form does with keys.
func formKeys() []screen.Action {
	return []screen.Action{
		{Keys: []string{"tab", "down", "enter"}, Help: "The next field; shift+tab and up go back. Enter folds, unfolds and adds.", Hidden: true},
		{Keys: []string{"left", "right", "space"}, Help: "Choose a value, or which form of it; a letter goes to the value that begins with it.", Hidden: true},
		{Keys: []string{"alt+d", "alt+e"}, Help: "Put in the default; an example, then the next one.", Hidden: true},
		{Keys: []string{"alt+n", "alt+v"}, Help: "Make it null; make it another of its forms.", Hidden: true},
		{Keys: []string{"alt+x"}, Help: "Take the field or the item out.", Hidden: true},
		{Keys: []string{"alt+up", "alt+down"}, Help: "Move an item of a list.", Hidden: true},
		{Keys: []string{"ctrl+j"}, Help: "A line break within a text.", Hidden: true},
		{Keys: []string{"ctrl+z", "ctrl+y"}, Help: "Undo and redo.", Hidden: true},
	}
}

func (s *Screen) sendAction() screen.Action {
	return screen.Action{
		ID: "send", Keys: []string{"ctrl+s"}, Label: "send", Writes: true, WhileTyping: true, Refused: s.refused(),
		Help:    "Send the job. Input that does not fit the schema is refused, and the cursor put on the place.",
		Command: func() string { return s.command(false) }, Run: s.send,
	}
}

func (s *Screen) overrideAction() screen.Action {
	return screen.Action{
		ID: "send-anyway", Keys: []string{"ctrl+x"}, Label: "send anyway", Writes: true, WhileTyping: true, Refused: s.overridden(),
		Help:    "Send input that does not fit the schema, after naming what does not.",
		Command: func() string { return s.command(true) }, Run: s.override,
	}
}

func (s *Screen) problemAction() screen.Action {
	none := ""
	if len(s.violations) == 0 {
		none = "there is none"
	}
	return screen.Action{
		ID: "next-problem", Keys: []string{"ctrl+n"}, Label: "next problem", WhileTyping: true, Refused: none,
		Help: "Put the cursor on the next place that does not fit the schema.", Run: s.nextProblem,
	}
}

func (s *Screen) recentAction() screen.Action {
	return screen.Action{
		ID: "recent", Keys: []string{"ctrl+r"}, Label: "recent", WhileTyping: true, Refused: s.nothingYet(),
		Help: "What was sent to this worker before, and its templates, to begin with.", Run: s.choose,
		Command: func() string { return screen.Command("inputs", s.workerID) },
	}
}

func (s *Screen) outsideAction() screen.Action {
	return screen.Action{
		ID: "editor", Keys: []string{"ctrl+e"}, Label: "$EDITOR", WhileTyping: true, Refused: s.nothingYet(),
		Help: "Edit the JSON in your own editor: $VISUAL, else $EDITOR.", Run: s.outside,
	}
}

func (s *Screen) optionsAction() screen.Action {
	return screen.Action{
		ID: "options", Keys: []string{"ctrl+g"}, Label: "options", WhileTyping: true, Refused: s.nothingYet(),
		Help: "Job id, metadata, webhook, delay and mode.", Run: s.toOptions,
	}
}

func (s *Screen) formatAction() screen.Action {
	return screen.Action{
		ID: "format", Keys: []string{"ctrl+o"}, Label: "format", WhileTyping: true, Refused: s.nothingYet(),
		Help: "Indent the JSON.", Run: s.format,
	}
}

func (s *Screen) nothingYet() string {
	if !s.begun {
		return "there is no text yet"
	}
	return ""
}

// readingActions are those of single letters, while nobody types.
func (s *Screen) readingActions() []screen.Action {
	var actions []screen.Action
	dryKeys := []string{"y", "D"}
	if s.result != nil {
		actions = append(actions,
			screen.Action{
				ID: "open-job", Keys: []string{"enter"}, Label: "its job", Help: "The job that was sent: how far it is, and how it ends.", Run: s.follow,
				Command: func() string { return screen.Command("job", s.result.JobID) },
			},
			screen.Action{
				ID: "follow-job", Keys: []string{"l"}, Label: "its logs", Help: "The log lines of the job that was sent, and how it ends.", Run: s.tail,
				Command: func() string { return screen.Command("logs", s.workerID, "--job", s.result.JobID, "-f") },
			})
		if s.sentAs == s.editor.Version() {
			dryKeys = dryKeys[1:]
			actions = append(actions, screen.Action{ID: "copy-job-id", Keys: []string{"y"}, Help: "Copy the job's id.", Hidden: true, Run: s.copyJobID})
		}
	}
	edit := screen.Action{ID: "edit", Keys: []string{"e", "i"}, Label: "edit", Help: "Type in the form or the editor.", Refused: s.nothingYet(), Run: s.resume}
	if s.result == nil {
		edit.Keys = append(edit.Keys, "enter")
	}
	return append(actions,
		edit, s.sendAction(), s.problemAction(), s.recentAction(),
		screen.Action{
			ID: "copy-dry-run", Keys: dryKeys, Label: "copy dry run", Refused: s.nothingYet(),
			Help: "Copy what aiwctl dispatch --dry-run prints: the message as it would be sent.", Run: s.dryRun,
			Command: func() string { return s.command(false) + " --dry-run" },
		},
		screen.Action{ID: "copy-command", Keys: []string{"c"}, Help: "Copy the command line that sends the same.", Hidden: true, Refused: s.nothingYet(), Run: s.copyCommand},
		s.outsideAction(), s.overrideAction(), s.optionsAction(), s.formatAction(),
		screen.Action{ID: "switch-side", Keys: []string{"tab", "ctrl+t"}, Help: "Go from the form to the JSON, and back.", Hidden: true, Refused: s.bothShown(), Run: s.peek},
		screen.Action{ID: "save-as-template", Keys: []string{"t", "alt+s"}, Help: "Save the input under a name, to begin with another time.", Hidden: true, Refused: s.nothingYet(), Run: s.templateOfText},
		screen.Action{ID: "start-over", Keys: []string{"R"}, Label: "start over", Refused: s.nothingYet(), Help: "Fill the editor from the schema again; ctrl+z in the editor takes it back.", Run: s.reset},
		screen.Action{ID: "copy-input", Keys: []string{"Y"}, Help: "Copy the input.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the input", Text: s.editor.Text()})
		}},
		screen.Action{ID: "logs", Keys: []string{"L"}, Help: "The worker's logs.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.OpenLogs{WorkerIDs: []string{s.workerID}})
		}},
		screen.Action{ID: "dead-letters", Keys: []string{"x"}, Help: "The worker's dead letters.", Hidden: true, Run: func() tea.Cmd {
			return screen.Send(screen.OpenDead{WorkerID: s.workerID})
		}},
		screen.Action{Keys: []string{"j", "k", "g", "G"}, Help: "Read: down, up, the start, the end.", Hidden: true},
	)
}

// listActions are those of the list of what was sent before.
func (s *Screen) listActions() []screen.Action {
	j, ok := s.list.Chosen()
	nothing, noJob, noTemplate := "", "", ""
	if !ok {
		nothing = "there is nothing to choose"
	}
	if j.JobID == "" {
		noJob = "this was not sent: enter puts it into the editor"
	}
	if j.Name == "" {
		noTemplate = "only templates are deleted one by one"
	}
	return []screen.Action{
		{ID: "use", Keys: []string{"enter"}, Label: "use", Help: "Put this input into the editor; ctrl+z brings back what was there.", Refused: nothing, Run: s.use},
		{
			ID: "send-again", Keys: []string{"R"}, Label: "send again", Help: "Send this input once more, after asking.", Writes: true, Refused: noJob, Run: s.resend,
			Command: func() string { return screen.Command("dispatch", s.workerID, "--again="+j.JobID) },
		},
		{ID: "save-as-template", Keys: []string{"t"}, Label: "save as template", Help: "Save this input under a name.", Refused: nothing, Run: s.templateOfChosen},
		{ID: "delete-template", Keys: []string{"delete", "X"}, Help: "Delete this template, after asking.", Hidden: true, Refused: noTemplate, Run: s.remove},
		{ID: "close-list", Keys: []string{"esc"}, Label: "close", Help: "Back to the input.", Run: s.unlist},
		{Keys: []string{"j", "k", "g", "G"}, Help: "Down, up, the first, the last.", Hidden: true},
	}
}

// peek shows the other side without typing into it.
// bothShown is why there is no other side to be looked at.
func (s *Screen) bothShown() string {
	switch {
	case !s.begun:
		return s.nothingYet()
	case s.width >= wideFrom:
		return "both are shown; " + s.env.Key(s.Kind(), "edit", "e") + " types, and " + s.env.Key(s.Kind(), "other-side", "ctrl+t") + " there goes to the other side"
	}
	return ""
}

func (s *Screen) peek() tea.Cmd {
	if s.side == sideForm {
		s.side = sideText
	} else {
		s.side = sideForm
	}
	return nil
}

func (s *Screen) copyJobID() tea.Cmd {
	return screen.Send(screen.Copy{What: "the job's id", Text: s.result.JobID})
}

// jobID is the id of the job that was sent, for the screen.
func (s *Screen) jobID() string { return cell.Clean(s.result.JobID) }
