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
	case "ctrl+y":
		if n.ask.Command != "" {
			return CopyCommand(n.ask.Command), false
		}
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
	command := CommandLines(n.ask.Command, inner, 3)
	why := cell.Wrap(cell.Clean("This stage is protected ("+n.why+")."), inner)
	lines := asked(t, n.ask.Lines, inner, height-7-len(why)-spaced(command))
	lines = append(withCommand(t, lines, command), "")
	for _, line := range why {
		lines = append(lines, t.Warn.Render(line))
	}
	name := cell.Clean(n.name)
	lines = append(lines, "Type its name, "+t.Bold.Render(name)+", to agree:", t.Key.Render("> ")+n.typed+t.Cursor.Render(" "), "")
	hints := []string{"esc cancels"}
	if n.typed == n.name {
		hints = append([]string{"enter " + strings.ToLower(cell.Clean(n.ask.Verb))}, hints...)
	}
	if len(command) > 0 {
		hints = append([]string{"ctrl+y copies the command"}, hints...)
	}
	wrong := ""
	if n.wrong {
		wrong = "that is not its name"
	}
	hint := cell.Ends(t.Bad.Render(wrong), t.Faint.Render(Hints(inner-cell.Width(wrong)-1, hints...)), inner)
	lines = append(lines, hint)
	return Frame(t, cell.Clean(n.ask.Title), lines, width)
}
