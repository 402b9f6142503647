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
	case "c":
		if c.ask.Command != "" {
			return CopyCommand(c.ask.Command), false
		}
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
	inner := width - 4
	command := CommandLines(c.ask.Command, inner, 3)
	lines := asked(t, c.ask.Lines, inner, height-5-spaced(command))
	lines = withCommand(t, lines, command)
	cancel, verb := t.ButtonOn, t.Button
	if c.yes {
		cancel, verb = t.Button, t.ButtonDanger
	}
	yes := cell.Clean(c.ask.Verb)
	agree := "y " + strings.ToLower(yes)
	full, short := agree+" · esc cancels", ""
	if len(command) > 0 {
		full, short = agree+" · c copies · esc cancels", agree+" · c copies"
	}
	buttons := cancel.Render("  Cancel  ") + "  " + verb.Render("  "+yes+"  ")
	hint := full
	for _, shorter := range []string{short, ""} { // the button says what esc does
		if cell.Width(buttons)+cell.Width(hint)+1 > inner {
			hint = shorter
		}
	}
	lines = append(lines, "", cell.Ends(buttons, t.Faint.Render(hint), inner))
	return Frame(t, cell.Clean(c.ask.Title), lines, width)
}

// asked are the lines of a question, at most most of them.
func asked(t *theme.Theme, texts []string, width, most int) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, cell.Wrap(cell.Clean(text), width)...)
	}
	if most = max(1, most); len(lines) > most {
		lines = append(lines[:most-1], t.Dim.Render("…"))
	}
	return lines
}

// spaced is how many lines a command takes with the empty one above it.
func spaced(command []string) int {
	if len(command) == 0 {
		return 0
	}
	return len(command) + 1
}

func withCommand(t *theme.Theme, lines, command []string) []string {
	if len(command) == 0 {
		return lines
	}
	lines = append(lines, "")
	for _, line := range command {
		lines = append(lines, t.Faint.Render(line))
	}
	return lines
}
