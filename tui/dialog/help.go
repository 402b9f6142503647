package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Section is a part of the help: the keys of a screen, or those that work
// everywhere.
type Section struct {
	Title   string
	Actions []screen.Action
}

// HelpConfig is what a help is about.
type HelpConfig struct {
	// Sections lists what can be done now.
	Sections func() []Section
	// Do does an action that was chosen, once the help is closed.
	Do func(screen.Action) tea.Cmd
	// Keys close the help as they open it, beside esc and q.
	Keys []string
	// ReadOnly says that actions that write are refused.
	ReadOnly bool
}

// Help lists actions with their keys, from the table they are handled by. The one
// under the cursor shows the command that does the same, and can be done.
type Help struct {
	cfg    HelpConfig
	theme  *theme.Theme
	filter *prompt.Prompt
	rows   []helpRow // those that the filter lets through
	// chosen is the row under the cursor, top the first line on the screen.
	chosen, top, page int
	// tallest is the number of lines without a filter.
	tallest int
}

// helpRow is an action of a section.
type helpRow struct {
	section string
	action  screen.Action
}

// NewHelp opens the help.
func NewHelp(t *theme.Theme, cfg HelpConfig) *Help {
	h := &Help{cfg: cfg, theme: t, filter: prompt.New(t, "/")}
	h.load()
	return h
}

func (h *Help) load() {
	words := strings.Fields(strings.ToLower(h.filter.Value()))
	h.rows = h.rows[:0]
	for _, s := range h.cfg.Sections() {
		for _, a := range s.Actions {
			text := strings.ToLower(Keys(a.Keys) + " " + a.ID + " " + a.Label + " " + a.Help)
			fits := true
			for _, word := range words {
				fits = fits && strings.Contains(text, word)
			}
			if fits {
				h.rows = append(h.rows, helpRow{s.Title, a})
			}
		}
	}
	h.chosen = max(0, min(h.chosen, len(h.rows)-1))
}

// Watch implements Watcher: what can be done changes with the stage.
func (h *Help) Watch(msg tea.Msg) {
	switch msg.(type) {
	case screen.DataChanged:
		h.load()
	case screen.ThemeChanged:
		h.filter.Restyle()
	}
}

// Paste implements Paster: for the filter.
func (h *Help) Paste(msg tea.PasteMsg) tea.Cmd {
	if !h.filter.Typing() {
		return nil
	}
	return h.narrow(msg)
}

func (h *Help) narrow(msg tea.Msg) tea.Cmd {
	before := h.filter.Value()
	cmd := h.filter.Update(msg)
	if h.filter.Value() != before {
		h.chosen, h.top = 0, 0
		h.load()
	}
	return cmd
}

// current is the row under the cursor.
func (h *Help) current() (screen.Action, bool) {
	if h.chosen >= len(h.rows) {
		return screen.Action{}, false
	}
	return h.rows[h.chosen].action, true
}

// refused is why an action cannot be done now; empty when it can be.
func (h *Help) refused(a screen.Action) string {
	if a.Writes && h.cfg.ReadOnly {
		return "Refused: this stage is read-only."
	}
	if a.Refused != "" {
		return "Not now: " + cell.Clean(a.Refused) + "."
	}
	return ""
}

// Key implements Dialog.
func (h *Help) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	if h.filter.Typing() && key != "up" && key != "down" {
		return h.narrow(msg), false
	}
	a, found := h.current()
	switch key {
	case "j", "down":
		h.move(1)
	case "k", "up":
		h.move(-1)
	case "pgdown", "space", "ctrl+d", "ctrl+f":
		h.move(max(1, h.page/2))
	case "pgup", "ctrl+u", "ctrl+b":
		h.move(-max(1, h.page/2))
	case "g", "home":
		h.move(-len(h.rows))
	case "G", "end":
		h.move(len(h.rows))
	case "/":
		return h.filter.Open(), false
	case "y":
		if found && a.Command != nil {
			return CopyCommand(a.Command()), false
		}
	case "enter":
		if found && a.Run != nil && h.refused(a) == "" {
			return h.cfg.Do(a), true
		}
	case "esc":
		if h.filter.Shown() {
			return h.narrow(msg), false
		}
		return nil, true
	case "q":
		return nil, true
	default:
		for _, k := range h.cfg.Keys {
			if k == key {
				return nil, true
			}
		}
	}
	return nil, false
}

func (h *Help) move(by int) {
	h.chosen = max(0, min(h.chosen+by, len(h.rows)-1))
	if h.chosen == 0 {
		h.top = 0 // the section's title too
	}
}

// keysMost is the width that keys get; more of them are wrapped.
const keysMost = 14

// helpFoot is what stands below the list: a rule, two lines for the command, the hints.
const helpFoot = 4

// View implements Dialog.
func (h *Help) View(t *theme.Theme, width, height int) string {
	width = min(width-2, 84)
	inner := width - 4
	lines, from, to := h.lines(t, inner)
	if !h.filter.Shown() {
		h.tallest = len(lines)
	}
	room := height - 2 - helpFoot
	var all []string
	if h.filter.Shown() {
		room--
		all = append(all, h.filter.View(cell.Plural(len(h.rows), "action"), inner))
	}
	if h.page = max(1, room); h.tallest > 0 { // else it was narrowed before it was drawn
		h.page = max(1, min(room, max(h.tallest, len(lines))))
	}
	h.scroll(from, to, len(lines))
	end := min(len(lines), h.top+h.page)
	all = append(all, lines[h.top:end]...)
	for range h.page - (end - h.top) {
		all = append(all, "")
	}
	all = append(all, t.Border.Render(strings.Repeat(theme.GlyphRule, inner)))
	all = append(all, h.foot(t, inner, end < len(lines))...)
	return Frame(t, "Keys", all, width)
}

// scroll brings the lines of the row under the cursor onto the screen.
func (h *Help) scroll(from, to, lines int) {
	h.top = max(h.top, to-h.page)
	h.top = min(h.top, from)
	h.top = max(0, min(h.top, lines-h.page))
}

// lines are the rows below their sections' titles; from and to are those of the row
// under the cursor.
func (h *Help) lines(t *theme.Theme, inner int) (lines []string, from, to int) {
	if len(h.rows) == 0 {
		return []string{"  " + t.Bold.Render("No action says that."), "  " + t.Dim.Render("esc shows all of them again.")}, 0, 0
	}
	keys := 0
	for _, r := range h.rows {
		keys = max(keys, cell.Width(Keys(r.action.Keys)))
	}
	keys = min(keys, keysMost)
	section := ""
	for i, r := range h.rows {
		if i == 0 || r.section != section {
			if i > 0 {
				lines = append(lines, "")
			}
			section = r.section
			lines = append(lines, t.Bold.Render(cell.Cut(cell.Clean(section), inner)))
		}
		if i == h.chosen {
			from = len(lines)
			if from == 1 {
				from = 0
			}
		}
		lines = append(lines, h.row(t, r.action, i == h.chosen, keys, inner)...)
		if i == h.chosen {
			to = len(lines)
		}
	}
	return lines, from, to
}

func (h *Help) row(t *theme.Theme, a screen.Action, chosen bool, keys, inner int) []string {
	text, tone := cell.Clean(a.Help), theme.ToneText
	if text == "" {
		text = cell.Clean(a.Label)
	}
	if why := h.refused(a); why != "" {
		text, tone = text+" "+why, theme.ToneFaint
	}
	mark := " "
	if chosen {
		mark = theme.GlyphCursor
	}
	names, parts := cell.Wrap(Keys(a.Keys), keys), cell.Wrap(text, inner-4-keys)
	lines := make([]string, max(len(names), len(parts)))
	for i := range lines {
		name, part := "", ""
		if i < len(names) {
			name = names[i]
		}
		if i < len(parts) {
			part = parts[i]
		}
		lines[i] = t.Cursor.Render(mark) +
			t.Paint(theme.ToneAccent, chosen).Render(" "+cell.Fit(name, keys)+"  ") +
			t.Paint(tone, chosen).Render(cell.Fit(part, inner-4-keys))
	}
	return lines
}

// foot is the command of the action under the cursor, and what can be done with it.
func (h *Help) foot(t *theme.Theme, inner int, more bool) []string {
	lines := make([]string, helpFoot-1)
	hints := []string{"/ narrows", "esc closes"}
	if h.filter.Typing() {
		hints = []string{"enter keeps it", "esc shows all"}
	} else if a, ok := h.current(); ok {
		if a.Run != nil && h.refused(a) == "" {
			hints = append([]string{"enter does it"}, hints...)
		}
		if a.Command != nil {
			for i, line := range CommandLines(a.Command(), inner, 2) {
				lines[i] = t.Faint.Render(line)
			}
			hints = append([]string{"y copies"}, hints...)
		}
	}
	if more {
		hints = append([]string{"↓ more"}, hints...)
	}
	lines[len(lines)-1] = t.Faint.Render(cell.FitRight(Hints(inner, hints...), inner))
	return lines
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
