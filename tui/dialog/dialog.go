// Package dialog is what the root puts over a screen: a question before a write,
// the help, the list of errors.
package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Dialog takes every key while it is open.
type Dialog interface {
	// Key handles a key. Closed is true when the dialog is done; cmd runs in
	// either case.
	Key(msg tea.KeyPressMsg) (cmd tea.Cmd, closed bool)
	// View renders the dialog, at most width by height cells.
	View(t *theme.Theme, width, height int) string
}

// Paster is a dialog that takes what is pasted; others ignore it.
type Paster interface {
	Paste(msg tea.PasteMsg) tea.Cmd
}

// Watcher is a dialog that is told of what every screen is told of: new data, a tick.
type Watcher interface {
	Watch(msg tea.Msg)
}

// Frame draws a border with a title around lines. Width is the outer width.
func Frame(t *theme.Theme, title string, lines []string, width int) string {
	inner := max(1, width-4)
	line := t.Dialog
	title = cell.Cut(title, inner)
	var b strings.Builder
	b.WriteString(line.Render("╭─") + " " + t.Bold.Render(title) + " ")
	b.WriteString(line.Render(strings.Repeat("─", max(0, inner-cell.Width(title)-1)) + "╮"))
	side := line.Render("│")
	for _, text := range lines {
		b.WriteString("\n" + side + " " + cell.Fit(text, inner) + " " + side)
	}
	b.WriteString("\n" + line.Render("╰"+strings.Repeat("─", inner+2)+"╯"))
	return b.String()
}

// scroll is the part of lines that is on the screen.
type scroll struct{ top, page int }

func (s *scroll) key(key string) bool {
	switch key {
	case "j", "down":
		s.top++
	case "k", "up":
		s.top--
	case "pgdown", "space", "ctrl+d", "ctrl+f":
		s.top += max(1, s.page-1)
	case "pgup", "ctrl+u", "ctrl+b":
		s.top -= max(1, s.page-1)
	case "g", "home":
		s.top = 0
	case "G", "end":
		s.top = 1 << 30
	default:
		return false
	}
	return true
}

// window cuts lines to height and says what is above and below.
func (s *scroll) window(lines []string, height int) (shown []string, more string) {
	s.page = max(1, height)
	s.top = max(0, min(s.top, len(lines)-s.page))
	end := min(len(lines), s.top+s.page)
	switch {
	case s.top > 0 && end < len(lines):
		more = "↑↓ more"
	case end < len(lines):
		more = "↓ more"
	case s.top > 0:
		more = "↑ more"
	}
	return lines[s.top:end], more
}
