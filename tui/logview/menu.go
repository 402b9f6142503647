package logview

import (
	"fmt"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// menu is a short list over the lines, from which something is chosen.
type menu struct {
	title string
	// key is the one that opened it, and closes it.
	key    string
	foot   string
	items  func() []item // as they are now
	cursor int
}

// item is a thing to choose.
type item struct {
	on    bool
	label string
	note  string
	tone  func(string) string // of the label; nil: plain
	run   func() tea.Cmd
	// closes has the menu closed once it is chosen.
	closes bool
}

func (m *menu) move(by int) { m.cursor = max(0, min(m.cursor+by, len(m.items())-1)) }

func (m *menu) pressed(name string) {
	switch name {
	case "j", "down":
		m.move(1)
	case "k", "up":
		m.move(-1)
	case "g", "home":
		m.cursor = 0
	case "G", "end":
		m.move(len(m.items()))
	}
}

// lines draws it in at most most lines.
func (m *menu) lines(t *theme.Theme, width, most int) []string {
	items := m.items()
	m.move(0)
	rows := max(1, min(len(items), most-2))
	first := max(0, min(m.cursor-rows/2, len(items)-rows))
	out := []string{cell.Fit(" "+t.Accent.Render(m.title)+t.Dim.Render("  enter chooses, esc closes"), width)}
	for i := first; i < first+rows && i < len(items); i++ {
		it, selected := items[i], i == m.cursor
		mark, cursor := " ", " "
		if it.on {
			mark = theme.GlyphMark
		}
		if selected {
			cursor = theme.GlyphCursor
		}
		number := " "
		if i < 9 {
			number = strconv.Itoa(i + 1)
		}
		text := t.Paint(theme.ToneText, selected).Render
		label := text(it.label)
		if it.tone != nil && !selected {
			label = it.tone(it.label)
		}
		line := t.Paint(theme.ToneAccent, selected).Render(cursor+number+" "+mark) + text(" ") + label
		if it.note != "" {
			line += t.Paint(theme.ToneDim, selected).Render("  " + it.note)
		}
		out = append(out, cell.Fit(line, width))
	}
	if m.foot != "" && len(out) < most {
		out = append(out, cell.Fit(" "+t.Dim.Render(m.foot), width))
	}
	if left := len(items) - rows; left > 0 {
		out[0] = cell.Ends(" "+t.Accent.Render(m.title), t.Dim.Render(fmt.Sprintf("%d–%d of %d ", first+1, first+rows, len(items))), width)
	}
	return out
}

// choose runs the item under the cursor.
func (s *Screen) choose() tea.Cmd {
	m := s.menu
	items := m.items()
	if m.cursor >= len(items) {
		return nil
	}
	it := items[m.cursor]
	if it.closes {
		s.menu = nil
	}
	return it.run()
}

func (s *Screen) menuActions() []screen.Action {
	m := s.menu
	leave := do(func() { s.menu = nil })
	actions := []screen.Action{
		{ID: "menu-choose", Keys: []string{"enter", "space"}, Label: "choose", Help: "Choose what is under the cursor.", Run: s.choose},
		{Keys: []string{"esc", m.key}, Label: "close", Help: "Close the list.", Run: leave},
		{Keys: []string{"q"}, Help: "Close the list.", Hidden: true, Run: leave},
		{Keys: []string{"j", "k", "g", "G"}, Help: "Move; also the arrow keys.", Hidden: true},
	}
	for i := range min(9, len(m.items())) {
		actions = append(actions, screen.Action{Keys: []string{strconv.Itoa(i + 1)}, Help: "Choose number " + strconv.Itoa(i+1) + ".", Hidden: true, Run: func() tea.Cmd {
			m.cursor = i
			return s.choose()
		}})
	}
	return actions
}
