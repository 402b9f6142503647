package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// key gives a key to the first that wants it: a dialog, the focused input, the
// screen's actions, the keys that work everywhere, the screen itself.
func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	if name == "ctrl+c" {
		return m.quit()
	}
	if m.tooSmall() {
		// Nothing can be seen, so nothing but leaving can be meant.
		if name == "q" {
			return m.quit()
		}
		return nil
	}
	if n := len(m.dialogs); n > 0 {
		top := m.dialogs[n-1]
		cmd, closed := top.Key(msg)
		if closed {
			m.dialogs = slices.DeleteFunc(m.dialogs, func(d dialog.Dialog) bool { return d == top })
		}
		return m.stamp(cmd)
	}
	visible := m.visible()
	typing := visible.Typing()
	for _, action := range m.actions() {
		if action.Run == nil || (typing && !action.WhileTyping) || !slices.Contains(action.Keys, name) {
			continue
		}
		return m.act(action)
	}
	if typing {
		return m.stamp(visible.Update(msg))
	}
	for _, action := range m.globals() {
		if slices.Contains(action.Keys, name) {
			return action.Run()
		}
	}
	return m.stamp(visible.Update(msg))
}

// actions are the visible screen's, under the keys a person has bound to them.
func (m *Model) actions() []screen.Action {
	visible := m.visible()
	return m.env.Keys.Apply(visible.Kind(), visible.Actions())
}

// act runs an action, or says why not.
func (m *Model) act(action screen.Action) tea.Cmd {
	label := strings.ToLower(action.Label)
	switch {
	case action.Writes && m.env.Stage.ReadOnly:
		m.tasks.Refuse(label+": this stage is read-only", m.env.Now())
		return nil
	case action.Refused != "":
		m.tasks.Refuse(label+": "+action.Refused, m.env.Now())
		return nil
	}
	return m.stamp(action.Run())
}

// globals are the keys that work on every screen.
func (m *Model) globals() []screen.Action {
	leave := screen.Action{Keys: []string{"q"}, Label: "quit", Help: "Quit.", Run: m.quit}
	if len(m.stack) > 1 {
		leave = screen.Action{Keys: []string{"q"}, Label: "back", Help: "Back to the screen before.", Run: m.back}
	}
	return []screen.Action{
		{Keys: []string{"?"}, Label: "help", Help: "This list.", Run: m.help},
		leave,
		{Keys: []string{"esc"}, Help: "Back to the screen before; on the first, dismiss an error.", Hidden: true, Run: m.escape},
		{Keys: []string{"!"}, Help: "The errors of this session.", Hidden: true, Run: m.errors},
	}
}

// always are keys of the root that are not in globals, for the help.
func (m *Model) always() []screen.Action {
	return append(m.globals(), screen.Action{Keys: []string{"ctrl+c"}, Help: "Quit, wherever you are."})
}

func (m *Model) help() tea.Cmd {
	visible := m.visible()
	m.dialogs = append(m.dialogs, dialog.NewHelp(m.env.Stage.ReadOnly,
		dialog.Section{Title: visible.Title(), Actions: m.actions()},
		dialog.Section{Title: "Everywhere", Actions: m.always()},
	))
	return nil
}

func (m *Model) errors() tea.Cmd {
	m.dialogs = append(m.dialogs, dialog.NewErrors(m.tasks.Failures))
	m.tasks.Dismiss()
	return nil
}

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

// quit ends the console, after asking when that would interrupt something.
// Asked for twice, it does not ask again.
func (m *Model) quit() tea.Cmd {
	busy := m.busy()
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

// busy names what would be interrupted if every screen were closed.
func (m *Model) busy() []string {
	var busy []string
	for _, o := range m.stack {
		if b := busyness(o.screen); b != "" {
			busy = append(busy, b)
		}
	}
	return busy
}

func busyness(s screen.Screen) string {
	if b, ok := s.(screen.Busier); ok {
		return b.Busy()
	}
	return ""
}
