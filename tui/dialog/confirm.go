package dialog

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Grace is how long a question ignores keys after it appeared: those a person
// pressed before they could have seen it.
const Grace = 300 * time.Millisecond

// Confirm is a question with two buttons, Cancel being the default.
type Confirm struct {
	ask    screen.Confirm
	now    func() time.Time
	opened time.Time
	yes    bool
}

// NewConfirm opens a question.
func NewConfirm(ask screen.Confirm, now func() time.Time) *Confirm {
	return &Confirm{ask: ask, now: now, opened: now()}
}

// Key implements Dialog.
func (c *Confirm) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if c.now().Sub(c.opened) < Grace {
		return nil, false
	}
	switch msg.String() {
	case "left", "right", "h", "l", "tab", "shift+tab":
		c.yes = !c.yes
	case "esc", "n", "q", "ctrl+c":
		return nil, true
	case "y":
		return c.agree(), true
	case "enter":
		if c.yes {
			return c.agree(), true
		}
		return nil, true
	}
	return nil, false
}

func (c *Confirm) agree() tea.Cmd {
	if c.ask.Yes == nil {
		return nil
	}
	return c.ask.Yes()
}

// View implements Dialog.
func (c *Confirm) View(t *theme.Theme, width, height int) string {
	width = min(width-2, 72)
	var lines []string
	for _, line := range c.ask.Lines {
		lines = append(lines, cell.Wrap(cell.Clean(line), width-4)...)
	}
	if most := max(1, height-5); len(lines) > most {
		lines = append(lines[:most-1], t.Dim.Render("…"))
	}
	cancel, verb := t.ButtonOn, t.Button
	if c.yes {
		cancel, verb = t.Button, t.ButtonDanger
	}
	yes := cell.Clean(c.ask.Verb)
	hint := t.Faint.Render("y " + strings.ToLower(yes) + " · esc cancels")
	buttons := cancel.Render("  Cancel  ") + "  " + verb.Render("  "+yes+"  ")
	lines = append(lines, "", cell.Ends(buttons, hint, width-4))
	if cell.Width(buttons)+cell.Width(hint)+1 > width-4 {
		lines[len(lines)-1] = buttons
	}
	return Frame(t, cell.Clean(c.ask.Title), lines, width)
}
