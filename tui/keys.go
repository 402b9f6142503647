package tui

import (
	"cmp"
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
		if slices.Contains(m.env.Keys.Keys(screen.KindEverywhere, idQuit, []string{"q"}), name) {
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
	for _, action := range m.globals() {
		// A key that types something types it, whatever it is bound to.
		if typing && (!action.WhileTyping || msg.Text != "") || !slices.Contains(action.Keys, name) {
			continue
		}
		return action.Run()
	}
	return m.stamp(visible.Update(msg))
}

// actions are the visible screen's, under the keys a person has bound to them.
func (m *Model) actions() []screen.Action {
	visible := m.visible()
	return m.env.Keys.Apply(visible.Kind(), visible.Actions())
}

// possible are those of the visible screen's actions that a key can reach now: while
// an input has the focus, those that work there.
func (m *Model) possible() []screen.Action {
	actions := m.actions()
	if !m.visible().Typing() {
		return actions
	}
	return slices.DeleteFunc(slices.Clone(actions), func(a screen.Action) bool { return !a.WhileTyping })
}

// act runs an action, or says why not.
func (m *Model) act(action screen.Action) tea.Cmd {
	name := strings.ToLower(cmp.Or(action.Label, action.ID))
	switch {
	case action.Writes && m.env.Stage.ReadOnly:
		m.tasks.Refuse(name+": this stage is read-only", m.env.Now())
		return nil
	case action.Refused != "":
		m.tasks.Refuse(name+": "+action.Refused, m.env.Now())
		return nil
	case action.Run == nil:
		return nil
	case action.Writes && m.env.Stage.Locked:
		return m.askUnlock(action)
	}
	return m.stamp(action.Run())
}

// The root's own actions, by which the configuration file binds other keys to them.
const (
	idHelp    = "help"
	idQuit    = "quit"
	idBack    = "back"
	idPalette = "palette"
	idStages  = "stages"
	idErrors  = "errors"
)

// globals are the keys that work on every screen; the first two are always in the
// footer.
func (m *Model) globals() []screen.Action {
	leave := screen.Action{ID: idQuit, Keys: []string{"q"}, Label: "quit", Help: "Quit; on a screen above the first, back to the one before.", Run: m.quit}
	if len(m.stack) > 1 {
		leave.Label, leave.Run = "back", m.back
	}
	return m.env.Keys.Apply(screen.KindEverywhere, []screen.Action{
		{ID: idHelp, Keys: []string{"?"}, Label: "help", Help: "What can be done here, and with which keys.", WhileTyping: true, Run: m.help},
		leave,
		{
			ID: idPalette, Keys: []string{":", "ctrl+p"}, Label: "palette", WhileTyping: true, Hidden: true, Run: m.palette,
			Help: "Go anywhere and do anything by its name: screens, workers, jobs, what this screen can do. A key that types nothing works while typing too.",
		},
		{ID: idStages, Keys: []string{"T"}, Label: "stages", Help: "Choose another stage, profile or region.", Hidden: true, Run: m.ask(screen.OpenStages{})},
		{ID: idErrors, Keys: []string{"!"}, Label: "errors", Help: "The errors of this session.", Hidden: true, Run: m.errors},
		{ID: idBack, Keys: []string{"esc"}, Label: "back", Help: "Back to the screen before; on the first, dismiss an error.", Hidden: true, Run: m.escape},
	})
}

// ask makes an action's Run that opens a screen.
func (m *Model) ask(msg tea.Msg) func() tea.Cmd {
	return func() tea.Cmd { return screen.Send(msg) }
}

func (m *Model) errors() tea.Cmd {
	m.dialogs = append(m.dialogs, dialog.NewErrors(m.tasks.Failures, m.env.Keys.Keys(screen.KindEverywhere, idErrors, []string{"!"})))
	m.tasks.Dismiss()
	return nil
}

// keyFaults tells of bindings that were left out: all in the list of errors, the first
// on the task line. The keys that they were about are as they are without them.
func (m *Model) keyFaults(faults []error) {
	m.tasks.ErrorsKey = m.env.Key(screen.KindEverywhere, idErrors, "!")
	for _, err := range slices.Backward(faults) { // the newest is on the task line
		m.tasks.Fail("config", err, m.env.Now())
	}
}

// paste gives pasted text to the first that takes it: a dialog, else the screen.
func (m *Model) paste(msg tea.PasteMsg) tea.Cmd {
	if m.tooSmall() {
		return nil
	}
	if n := len(m.dialogs); n > 0 {
		if p, ok := m.dialogs[n-1].(dialog.Paster); ok {
			return p.Paste(msg)
		}
		return nil
	}
	return m.stamp(m.visible().Update(msg))
}

// tellDialogs lets the dialogs that show what changes know that it has.
func (m *Model) tellDialogs(msg tea.Msg) {
	for _, d := range m.dialogs {
		if w, ok := d.(dialog.Watcher); ok {
			w.Watch(msg)
		}
	}
}
