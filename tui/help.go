package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// help opens the list of what can be done here.
func (m *Model) help() tea.Cmd {
	m.dialogs = append(m.dialogs, dialog.NewHelp(m.env.Theme, dialog.HelpConfig{
		Sections: m.sections, Do: m.doFromHelp, ReadOnly: m.env.Stage.ReadOnly,
		Keys: m.env.Keys.Keys(screen.KindEverywhere, idHelp, []string{"?"}),
	}))
	return nil
}

func (m *Model) sections() []dialog.Section {
	return []dialog.Section{
		{Title: m.visible().Title(), Actions: m.possible()},
		{Title: "Everywhere", Actions: m.always()},
		{Title: "In inputs and questions", Actions: inside()},
	}
}

// always are the root's own keys, those included that no screen can take and those that
// lists and texts have in common.
func (m *Model) always() []screen.Action {
	return append(m.globals(),
		screen.Action{Keys: []string{"ctrl+c"}, Help: "Quit, wherever you are."},
		screen.Action{Keys: []string{"down", "pgdown", "end"}, Help: "In lists and texts, with up, pgup and home: move as j, ctrl+d and G do, with k, ctrl+u and g; ctrl+f and ctrl+b are pgdown and pgup."})
}

// doFromHelp does what was chosen in the help, as it is by then.
func (m *Model) doFromHelp(a screen.Action) tea.Cmd {
	for _, own := range m.globals() {
		if a.ID != "" && own.ID == a.ID && own.Help == a.Help {
			if a.ID == idHelp {
				return nil // it was open
			}
			return own.Run()
		}
	}
	if a.ID == "" {
		return m.act(a)
	}
	return m.again(a.ID)()
}

// inside describes the keys that inputs and dialogs take for themselves.
func inside() []screen.Action {
	return []screen.Action{
		{Keys: []string{"enter", "esc"}, Help: "In an input: keep what is typed, or clear it and leave. Every other key is typed."},
		{Keys: []string{"ctrl+u", "ctrl+w"}, Help: "In an input: delete to its start, or the word before the cursor."},
		{Keys: []string{"tab", "enter"}, Help: "In a question: choose the other button, press it. Cancel is the first."},
		{Keys: []string{"y", "esc"}, Help: "In a question: agree, cancel. On a protected stage its name is typed instead."},
		{Keys: []string{"c"}, Help: "In a question: copy the command that does the same; ctrl+y where a name is typed."},
	}
}
