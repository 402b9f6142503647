package dialog

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Named is a question before a write to a protected stage: the person agrees by
// typing its name. Nothing else agrees; what is pasted is not typed.
type Named struct {
	ask       screen.Confirm
	name, why string
	now       func() time.Time
	opened    time.Time
	typed     string
	wrong     bool // enter was pressed on another text
}

// NewNamed opens a question that wants name typed; why says what protects it.
func NewNamed(ask screen.Confirm, name, why string, now func() time.Time) *Named {
	return &Named{ask: ask, name: name, why: why, now: now, opened: now()}
}

// Key implements Dialog.
func (n *Named) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if n.now().Sub(n.opened) < Grace {
		return nil, false
	}
	switch msg.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "enter":
		if n.typed == n.name {
			return n.ask.Write(n.name), true
		}
		n.wrong = n.typed != ""
		return nil, false
	case "backspace":
		if runes := []rune(n.typed); len(runes) > 0 {
			n.typed = string(runes[:len(runes)-1])
		}
	case "ctrl+u":
		n.typed = ""
	default:
		if text := cell.Clean(msg.Text); text != "" && cell.Width(n.typed) < 64 {
			n.typed += text
		}
	}
	n.wrong = false
	return nil, false
}

// View implements Dialog.
func (n *Named) View(t *theme.Theme, width, height int) string {
	width = min(width-2, 72)
	inner := width - 4
	var lines []string
	for _, line := range n.ask.Lines {
		lines = append(lines, cell.Wrap(cell.Clean(line), inner)...)
	}
	if most := max(1, height-9); len(lines) > most {
		lines = append(lines[:most-1], t.Dim.Render("…"))
	}
	lines = append(lines, "")
	for _, line := range cell.Wrap(cell.Clean("This stage is protected ("+n.why+")."), inner) {
		lines = append(lines, t.Warn.Render(line))
	}
	name := cell.Clean(n.name)
	lines = append(lines, "Type its name, "+t.Bold.Render(name)+", to agree:", t.Key.Render("> ")+n.typed+t.Cursor.Render(" "), "")
	hint := "enter " + strings.ToLower(cell.Clean(n.ask.Verb)) + " · esc cancels"
	switch {
	case n.wrong:
		hint = t.Bad.Render("that is not its name") + t.Faint.Render(" · esc cancels")
	case n.typed != n.name:
		hint = t.Faint.Render("esc cancels")
	default:
		hint = t.Faint.Render(hint)
	}
	lines = append(lines, hint)
	return Frame(t, cell.Clean(n.ask.Title), lines, width)
}
