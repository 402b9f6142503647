package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// help opens the list of what can be done here.
func (m *Model) help() tea.Cmd {
	m.dialogs = append(m.dialogs, dialog.NewHelp(m.env.Stage.ReadOnly,
		dialog.Section{Title: m.visible().Title(), Actions: m.actions()},
		dialog.Section{Title: "Everywhere", Actions: m.always()},
	))
	return nil
}

// always are the root's own keys, for the help.
func (m *Model) always() []screen.Action {
	return append(m.globals(), screen.Action{Keys: []string{"ctrl+c"}, Help: "Quit, wherever you are."})
}
