package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

func (m *Model) escape() tea.Cmd {
	if len(m.stack) > 1 {
		return m.back()
	}
	m.tasks.Dismiss()
	return nil
}

// back leaves the visible screen, after asking when that would interrupt
// something.
func (m *Model) back() tea.Cmd {
	busy := busyness(m.visible())
	if busy == "" {
		return m.close()
	}
	id := m.stack[len(m.stack)-1].id
	m.dialogs = append(m.dialogs, dialog.NewConfirm(screen.Confirm{
		Title: "Leave and interrupt it?",
		Lines: []string{"Under way: " + busy + ".", "Leaving stops it where it is."},
		Verb:  "Leave",
		Yes:   func() tea.Cmd { return screen.Send(screen.Back{Owner: id}) },
	}, m.env.Now))
	return nil
}

// home leaves every screen but the first, after asking when that would interrupt
// something.
func (m *Model) home() tea.Cmd {
	leave := func() tea.Cmd {
		var cmds []tea.Cmd
		for len(m.stack) > 1 {
			cmds = append(cmds, m.close())
		}
		return tea.Batch(cmds...)
	}
	busy := busynessOf(m.stack[1:])
	if len(busy) == 0 {
		return leave()
	}
	m.dialogs = append(m.dialogs, dialog.NewConfirm(screen.Confirm{
		Title: "Leave and interrupt it?",
		Lines: []string{"Under way: " + strings.Join(busy, ", ") + ".", "Leaving stops it where it is."},
		Verb:  "Leave",
		Yes:   leave,
	}, m.env.Now))
	return nil
}

// quit ends the console, after asking when that would interrupt something.
// Asked for twice, it does not ask again.
func (m *Model) quit() tea.Cmd {
	busy := busynessOf(m.stack)
	asked := slices.ContainsFunc(m.dialogs, func(d dialog.Dialog) bool { _, ok := d.(*quitting); return ok })
	if len(busy) == 0 || asked || m.tooSmall() {
		return m.end()
	}
	m.dialogs = append(m.dialogs, &quitting{dialog.NewConfirm(screen.Confirm{
		Title: "Quit and interrupt it?",
		Lines: []string{"Under way: " + strings.Join(busy, ", ") + ".", "Quitting stops it where it is."},
		Verb:  "Quit",
		Yes:   m.end,
	}, m.env.Now)})
	return nil
}

// quitting is the question whether to quit.
type quitting struct{ *dialog.Confirm }

// end closes every screen and ends the program.
func (m *Model) end() tea.Cmd {
	m.ending = true
	for _, o := range m.stack {
		o.screen.Close()
	}
	m.source.Close()
	m.requests.Close()
	return tea.Quit
}

func busyness(s screen.Screen) string {
	if b, ok := s.(screen.Busier); ok {
		return b.Busy()
	}
	return ""
}

func busynessOf(screens []opened) []string {
	var busy []string
	for _, o := range screens {
		if b := busyness(o.screen); b != "" {
			busy = append(busy, b)
		}
	}
	return busy
}
