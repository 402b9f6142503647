package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Section is a part of the help: the keys of a screen, or those that work
// everywhere.
type Section struct {
	Title   string
	Actions []screen.Action
}

// Help lists keys, from the table they are handled by.
type Help struct {
	sections []Section
	readOnly bool
	scroll   scroll
}

// NewHelp opens the help.
func NewHelp(readOnly bool, sections ...Section) *Help {
	return &Help{sections: sections, readOnly: readOnly}
}

// Key implements Dialog.
func (h *Help) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if h.scroll.key(msg.String()) {
		return nil, false
	}
	switch msg.String() {
	case "?", "q", "esc", "enter":
		return nil, true
	}
	return nil, false
}

// View implements Dialog.
func (h *Help) View(t *theme.Theme, width, height int) string {
	width = min(width-2, 84)
	keys := 0
	for _, s := range h.sections {
		for _, a := range s.Actions {
			keys = max(keys, cell.Width(Keys(a.Keys)))
		}
	}
	var lines []string
	for i, s := range h.sections {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, t.Bold.Render(s.Title))
		for _, a := range s.Actions {
			text := a.Help
			if text == "" {
				text = a.Label
			}
			style := t.Text
			if a.Writes && h.readOnly {
				style, text = t.Faint, text+" Refused: this stage is read-only."
			} else if a.Refused != "" {
				style, text = t.Faint, text+" Not now: "+a.Refused+"."
			}
			for k, part := range cell.Wrap(text, width-4-keys-2) {
				name := ""
				if k == 0 {
					name = Keys(a.Keys)
				}
				lines = append(lines, t.Key.Render(cell.Fit(name, keys))+"  "+style.Render(part))
			}
		}
	}
	shown, more := h.scroll.window(lines, height-4)
	hint := "esc closes"
	if more != "" {
		hint = more + " · " + hint
	}
	shown = append(shown[:len(shown):len(shown)], t.Faint.Render(cell.FitRight(hint, width-4)))
	return Frame(t, "Keys", shown, width)
}

// Keys writes key names for people.
func Keys(keys []string) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		switch key {
		case "up":
			key = "↑"
		case "down":
			key = "↓"
		case "left":
			key = "←"
		case "right":
			key = "→"
		}
		names[i] = key
	}
	return strings.Join(names, " ")
}
