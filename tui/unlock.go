package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// unlock is a person's word that the stage may be written to. Then is the action that
// they meant to do; its zero value is none.
type unlock struct {
	visit int
	owner screen.ID
	then  screen.Action
}

// askUnlock asks whether the stage, which is Locked, may be written to, before anything that writes is
// even begun: whoever opens a console looks first.
func (m *Model) askUnlock(then screen.Action) tea.Cmd {
	is := m.env.Stage
	where := is.Called() + " in " + is.Region
	if is.Account != "" {
		where += ", account " + is.Account
	}
	lines := []string{"stage  " + where, "The console was opened to look. From now on it may write, until it ends or goes to another stage; each write still asks."}
	if is.Protected.Needed {
		lines = append(lines, "The stage is protected ("+is.Protected.Why+"): each write will want its name.")
	}
	agreed := unlock{visit: m.visit, owner: m.stack[len(m.stack)-1].id, then: then}
	m.dialogs = append(m.dialogs, dialog.NewConfirm(screen.Confirm{
		Title: "Allow writes to " + is.Called() + "?", Lines: lines, Verb: "Allow", Command: screen.Command(append(m.cfg.current.Args(), "--write")...),
		Yes: func() tea.Cmd { return screen.Send(agreed) },
	}, m.env.Now))
	return nil
}

// unlocked allows writes and goes on with what a person meant to do, when it is still
// what they see.
func (m *Model) unlocked(agreed unlock) tea.Cmd {
	if agreed.visit != m.visit || m.cfg.Unlock == nil {
		return nil
	}
	m.cfg.Unlock()
	m.env.Stage.Locked = false
	m.tasks.Say("writes to "+m.env.Stage.Called()+" are allowed", m.env.Now())
	if m.stack[len(m.stack)-1].id != agreed.owner {
		return nil
	}
	for _, action := range m.actions() {
		if action.Run != nil && action.ID == agreed.then.ID && slices.Equal(action.Keys, agreed.then.Keys) {
			return m.act(action)
		}
	}
	return nil
}
