package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/chrome"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	minWidth, minHeight = 60, 15
	// chromeHeight is two lines of header, the title line, the task line and
	// the keys.
	chromeHeight = 5
)

func (m *Model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }

// body is the size of the visible screen.
func (m *Model) body() (width, height int) {
	return max(m.width, minWidth), max(m.height, minHeight) - chromeHeight
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	view := tea.NewView(m.frame())
	view.AltScreen = true
	view.ReportFocus = true
	m.tab(&view)
	return view
}

// frame renders the whole terminal.
func (m *Model) frame() string {
	var frame string
	if m.tooSmall() {
		frame = m.smallFrame()
	} else {
		frame = m.fullFrame()
	}
	if m.ascii {
		return theme.ToASCII(frame)
	}
	return frame
}

func (m *Model) fullFrame() string {
	t, now := m.env.Theme, m.env.Now()
	visible := m.visible()
	crumbs := make([]string, len(m.stack))
	for i, o := range m.stack {
		crumbs[i] = o.screen.Title()
	}
	status := ""
	if s, ok := visible.(screen.Statuser); ok {
		status = s.Status()
	}
	tail := m.globals()[:2]
	actions := m.actions()
	if visible.Typing() {
		tail = nil
		typing := actions[:0:0]
		for _, a := range actions {
			if a.WhileTyping {
				typing = append(typing, a)
			}
		}
		actions = typing
	}
	width, height := m.body()
	frame := chrome.Header(t, m.env.Stage, m.env.Data, now, m.width) + "\n" +
		chrome.Title(t, crumbs, status, m.width) + "\n" +
		visible.View(width, height) + "\n" +
		m.tasks.Line(t, now, m.width) + "\n" +
		chrome.Keys(t, actions, tail, m.env.Stage.ReadOnly, m.width)
	for _, d := range m.dialogs {
		// The task line stays in view: it says what became of a copy, or of a key.
		frame = cell.Center(frame, d.View(t, m.width, m.height-2), m.width, m.height-2)
	}
	return frame
}

// smallFrame is what a terminal shows that is too small for the screens: the
// numbers that matter, as far as they fit.
func (m *Model) smallFrame() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	t, data := m.env.Theme, m.env.Data
	name := t.Bold.Render("aiwctl " + cell.Clean(m.env.Stage.Called()))
	if m.env.Stage.Protected.Needed {
		name = t.Protected.Render("PROTECTED " + cell.Clean(m.env.Stage.Called()))
	}
	lines := []string{name}
	if data.Inventory != nil {
		sum := chrome.SumOf(data)
		dead := t.Text
		if sum.Dead > 0 {
			dead = t.Bad
		}
		lines = append(lines, "",
			cell.Plural(sum.Workers, "worker"),
			fmt.Sprintf("backlog %s, in flight %s", cell.Count(sum.Visible+sum.Delayed), cell.Count(sum.InFlight)),
			dead.Render("dead "+cell.Count(sum.Dead)))
	}
	lines = append(lines, "",
		fmt.Sprintf("This terminal has %dx%d cells.", m.width, m.height),
		fmt.Sprintf("The console needs %dx%d.", minWidth, minHeight),
		m.env.Key(screen.KindEverywhere, idQuit, "q")+" quits.")
	if len(lines) > m.height {
		lines = []string{
			fmt.Sprintf("%dx%d is too small, need %dx%d.", m.width, m.height, minWidth, minHeight),
			m.env.Key(screen.KindEverywhere, idQuit, "q") + " quits.",
		}
	}
	return cell.Box(lines, m.width, m.height)
}
