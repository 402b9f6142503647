package deadletters

import (
	"cmp"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	switch {
	case s.editing != nil:
		return s.editActions()
	case s.text.Typing():
		return nil
	case s.expr.Typing():
		return []screen.Action{{Keys: []string{"tab"}, Label: "complete", Help: "Complete the field or the value at the end; shift+tab goes back through what there is.", WhileTyping: true}}
	}
	none, moving := "", ""
	selected, found := s.letters.Selected()
	if s.level == inGroups {
		_, found = s.groups.Selected()
	}
	if !found {
		none = "there is no message under the cursor"
	}
	looking := ""
	switch {
	case s.requests.Live(forLook):
		// Two at one queue at a time hide messages from each other.
		looking = "a look is under way"
	case s.filtering():
		moving = "the filter is being applied"
	}
	moving = cmp.Or(looking, moving)
	all := moving
	if all == "" && !found && (s.filtered != "" || s.depth.Total() == 0 || s.group != "") {
		all = "there is nothing to replay"
	}
	replay := cmp.Or(moving, none)
	if replay == "" && s.level == inLetters && len(s.marks) == 0 && s.ranged.anchor == "" && selected.gone() {
		replay = "it was moved already"
	}
	actions := s.mainActions(selected, found, none)
	actions = append(actions,
		screen.Action{
			ID: "replay", Keys: []string{"R"}, Label: "replay", Writes: true, Refused: replay, Command: func() string { return s.moveCommand("replay") },
			Help: "Plan the replay of the marked messages, or of the one, or the group, under the cursor.", Run: func() tea.Cmd { return s.askMarked(false) },
		},
		screen.Action{
			ID: "replay-all", Keys: []string{"A"}, Label: "replay all", Writes: true, Refused: all,
			Help: "Plan the replay of all: what passes the filter or is in the open group, else all that is in the queue.", Run: func() tea.Cmd { return s.askAll(false) },
		},
		screen.Action{ID: "mark", Keys: []string{"space"}, Label: "mark", Help: "Mark the message, or all of the group, and go to the next.", Refused: none, Run: s.do(s.toggleMark)},
		screen.Action{ID: "filter", Keys: []string{"/"}, Label: "filter", Help: "Show only messages that contain a text, in the body too; esc clears it.", Run: s.text.Open},
		screen.Action{ID: "where", Keys: []string{"f"}, Label: "where", Help: "Show only messages of which an expression is true: age > \"2h\" and error contains \"timeout\". tab completes.", Run: s.openExpr, Command: s.command},
		screen.Action{
			ID: "delete", Keys: []string{"D"}, Help: "Plan the deletion of the marked messages, or of those under the cursor; they are written to a file first.", Hidden: true, Writes: true, Refused: replay,
			Command: func() string { return s.moveCommand("delete") }, Run: func() tea.Cmd { return s.askMarked(true) },
		},
		screen.Action{ID: "look", Keys: []string{"r"}, Label: "look again", Help: "Receive the messages again. Every look raises their receive counts by one.", Refused: looking, Command: s.command, Run: s.look},
		screen.Action{ID: "look-more", Keys: []string{"m"}, Help: "Look for ten times as many messages.", Hidden: true, Refused: looking, Run: func() tea.Cmd {
			s.limit = min(s.limit*10, mostLook)
			return s.look()
		}},
		screen.Action{ID: "mark-all", Keys: []string{"a"}, Help: "Mark all that are listed: what passes the filter and is in the open group.", Hidden: true, Refused: none, Run: s.do(s.markAll)},
		screen.Action{ID: "invert-marks", Keys: []string{"i"}, Help: "Invert the marks of those that are listed.", Hidden: true, Refused: none, Run: s.do(s.invertMarks)},
		s.flatAction(),
		screen.Action{ID: "sort", Keys: []string{"s"}, Help: "Sort by the next column.", Hidden: true, Run: s.do(func() { s.listed().NextSort(); s.resorted() })},
		screen.Action{ID: "reverse", Keys: []string{"S"}, Help: "Reverse the order.", Hidden: true, Run: s.do(func() { s.listed().Reverse(); s.resorted() })},
	)
	actions = append(actions, s.escape()...)
	return append(actions, table.Moves()...)
}

// sorter is a table, whatever its rows.
type sorter interface {
	NextSort()
	Reverse()
}

func (s *Screen) listed() sorter {
	if s.level == inGroups {
		return s.groups
	}
	return s.letters
}

// mainActions are those of the list that is shown: of groups, or of messages.
func (s *Screen) mainActions(selected *item, found bool, none string) []screen.Action {
	if s.level == inGroups {
		return []screen.Action{
			{ID: "open", Keys: []string{"enter", "right"}, Label: "messages", Help: "The messages that died of it.", Refused: none, Run: s.do(s.openGroup)},
			{ID: "copy-cause", Keys: []string{"y"}, Help: "Copy the error.", Hidden: true, Refused: none, Run: func() tea.Cmd {
				g, _ := s.groups.Selected()
				text := g.name
				if g.example != nil {
					text = g.example.failure.Text()
				}
				return screen.Send(screen.Copy{What: "the error", Text: text})
			}},
		}
	}
	noJob, noBody := none, none
	if found {
		if selected.jobID == "" {
			noJob = "the message is not a job"
		}
		if s.letterOf(selected) == nil {
			noBody = "its body is being read"
		}
	}
	edit, redo := noBody, cmp.Or(none, "it was not edited")
	undo := "undo edit"
	if found {
		if selected.gone() {
			edit = cmp.Or(edit, "it was moved already")
		}
		switch {
		case s.edits.get(selected.id) != nil:
			redo = ""
		case s.edits.taken[selected.id] != nil:
			redo, undo = "", "redo edit"
		}
	}
	next := "list"
	if list := s.panes(); !s.inPane {
		next = list[0].name()
	} else {
		for i, p := range list[:len(list)-1] {
			if p == s.pane {
				next = list[i+1].name()
			}
		}
	}
	return []screen.Action{
		{ID: "edit", Keys: []string{"e"}, Label: "edit", Help: "Edit the job's input here, with the differences to the original; it stays in the queue until the edited copy is accepted.", Refused: edit, Run: s.startEdit},
		{ID: "undo-edit", Keys: []string{"u"}, Label: undo, Help: "Take the edit of the message back, or bring it back.", Hidden: redo != "", Refused: redo, Run: s.undoEdit},
		{ID: "pane", Keys: []string{"tab", "enter", "right"}, Label: next, Help: "Give the moving keys to the body, the changes, the error, the log, and back to the list.", Refused: none, Run: func() tea.Cmd { return s.nextPane(1) }},
		{ID: "pane-back", Keys: []string{"shift+tab"}, Help: "The pane before.", Hidden: true, Refused: none, Run: func() tea.Cmd { return s.nextPane(-1) }},
		{ID: "logs", Keys: []string{"l"}, Label: "logs", Help: "Log lines of the job under the cursor.", Refused: noJob, Run: s.openLogs, Command: func() string {
			return screen.Command("logs", s.workerID, "--job", selected.jobID)
		}},
		{ID: "job", Keys: []string{"o"}, Label: "job", Help: "The job's life.", Refused: noJob, Run: s.openJob, Command: func() string { return screen.Command("job", selected.jobID) }},
		{ID: "dispatch", Keys: []string{"d"}, Help: "Open its input in the dispatch screen, to send it as a job of its own; the message stays.", Hidden: true, Refused: cmp.Or(noJob, noBody), Run: s.openDispatch},
		{ID: "mark-range", Keys: []string{"v"}, Help: "Begin a range of marks here; once more, or space, ends it.", Hidden: true, Refused: none, Run: s.do(s.toggleRange)},
		{ID: "mark-down", Keys: []string{"shift+down"}, Help: "Mark this message and the next.", Hidden: true, Refused: none, Run: s.do(func() { s.reach("down") })},
		{ID: "mark-up", Keys: []string{"shift+up"}, Help: "Mark this message and the one before.", Hidden: true, Refused: none, Run: s.do(func() { s.reach("up") })},
		{ID: "copy-body", Keys: []string{"y"}, Help: "Copy the message's body.", Hidden: true, Refused: noBody, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the body of " + selected.name, Text: s.letterOf(selected).Body})
		}},
		{ID: "copy-job-id", Keys: []string{"Y"}, Help: "Copy the job's id.", Hidden: true, Refused: noJob, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the job's id", Text: selected.jobID})
		}},
		{Keys: []string{"J", "K"}, Help: "Scroll the pane.", Hidden: true},
	}
}

func (s *Screen) flatAction() screen.Action {
	label, help := "flat list", "List all messages in one list, without groups."
	if s.flat {
		label, help = "groups", "Group the messages by what they died of."
	}
	return screen.Action{ID: "flat", Keys: []string{"t"}, Label: label, Help: help, Run: s.do(func() { s.setFlat(!s.flat) })}
}

// escape is what esc leaves here; none when it leaves the screen.
func (s *Screen) escape() []screen.Action {
	is := func(help string, run func() tea.Cmd, keys ...string) []screen.Action {
		return []screen.Action{{ID: "leave", Keys: append(keys, "esc"), Help: help, Hidden: true, Run: run}}
	}
	switch {
	case s.inPane:
		return is("Back to the list.", s.do(func() { s.inPane = false }), "left")
	case s.ranged.anchor != "":
		return is("Give up the range.", s.do(s.cancelRange))
	case s.filterShown():
		return is("Clear the filter.", s.clearFilter)
	case s.level == inLetters && !s.flat:
		return is("Back to the groups.", s.do(func() { s.setFlat(false) }), "left")
	case len(s.marks) > 0:
		return is("Clear the marks.", s.do(s.clearMarks))
	}
	return nil
}

func (s *Screen) openExpr() tea.Cmd {
	s.offer = offer{}
	return s.expr.Open()
}

// editActions are those of the editor.
func (s *Screen) editActions() []screen.Action {
	none := ""
	if len(s.editing.violations) == 0 {
		none = "there is none"
	}
	return []screen.Action{
		{ID: "keep-edit", Keys: []string{"ctrl+s"}, Label: "keep", Help: "Keep the edit and close the editor; replaying sends it so.", WhileTyping: true, Run: s.finishEdit},
		{ID: "leave-editor", Keys: []string{"esc"}, Label: "stop typing", Help: "Close the editor; the text is kept as it is.", WhileTyping: true, Run: s.do(s.leaveEditor)},
		{ID: "next-problem", Keys: []string{"ctrl+n"}, Label: "next problem", Help: "Put the cursor on the next place that does not fit the schema.", WhileTyping: true, Refused: none, Run: s.nextProblem},
		{ID: "format", Keys: []string{"ctrl+o"}, Label: "format", Help: "Indent the JSON.", WhileTyping: true, Run: s.formatEdit},
		{ID: "external", Keys: []string{"ctrl+e"}, Label: "$EDITOR", Help: "Edit it in your own editor.", WhileTyping: true, Run: s.external},
		{Keys: []string{"ctrl+z", "ctrl+y"}, Help: "Undo and redo.", Hidden: true, WhileTyping: true},
		{Keys: []string{"ctrl+w", "ctrl+k", "ctrl+u"}, Help: "Delete the word before the cursor, to the end of the line, to its start.", Hidden: true, WhileTyping: true},
	}
}

// do makes an action's Run of something that needs no command of its own.
func (s *Screen) do(fn func()) func() tea.Cmd {
	return func() tea.Cmd {
		fn()
		return s.show()
	}
}
