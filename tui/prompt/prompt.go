// Package prompt is a one-line input at the edge of a screen: what a list is
// filtered by, what is searched for.
package prompt

import (
	"unicode"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Prompt is a one-line input. Enter keeps what was typed, esc clears it.
type Prompt struct {
	theme *theme.Theme
	label string
	input textinput.Model
	width int
}

// New returns a prompt without focus. Label stands before the text: "/".
func New(t *theme.Theme, label string) *Prompt {
	p := &Prompt{theme: t, label: label, input: textinput.New()}
	p.input.Prompt = ""
	p.input.CharLimit = 512
	// Its own deletion panics on the last character: charmbracelet/bubbles issue 1056.
	p.input.KeyMap.DeleteWordForward.SetEnabled(false)
	p.Restyle()
	return p
}

// Restyle takes over a changed theme.
func (p *Prompt) Restyle() {
	styles := textinput.DefaultStyles(p.theme.Dark)
	styles.Focused.Text, styles.Blurred.Text = p.theme.Text, p.theme.Text
	styles.Cursor.Blink = false // calm, and no timer to keep alive
	if p.theme.Mono {
		styles.Cursor.Color = nil
	}
	p.input.SetStyles(styles)
}

// Open gives the prompt the focus.
func (p *Prompt) Open() tea.Cmd {
	p.input.CursorEnd()
	return p.input.Focus()
}

// Leave gives up the focus and keeps the text.
func (p *Prompt) Leave() { p.input.Blur() }

// Typing is whether it has the focus.
func (p *Prompt) Typing() bool { return p.input.Focused() }

// Value is the text; it came from a keyboard or a paste and is clean.
func (p *Prompt) Value() string { return cell.Clean(p.input.Value()) }

// Set replaces the text.
func (p *Prompt) Set(text string) { p.input.SetValue(text) }

// Shown is whether there is something to see.
func (p *Prompt) Shown() bool { return p.Typing() || p.input.Value() != "" }

// Clear empties the prompt and gives up the focus.
func (p *Prompt) Clear() {
	p.input.Reset()
	p.input.Blur()
}

// Update handles a key or a paste while the prompt has the focus, and messages
// of the input's own at any time.
func (p *Prompt) Update(msg tea.Msg) tea.Cmd {
	if key, ok := msg.(tea.KeyPressMsg); ok {
		switch key.String() {
		case "enter":
			p.input.Blur()
			return nil
		case "esc":
			p.Clear()
			return nil
		case "alt+d", "alt+delete", "ctrl+delete":
			if p.Typing() {
				p.deleteWord()
			}
			return nil
		}
	}
	var cmd tea.Cmd
	p.input, cmd = p.input.Update(msg)
	return cmd
}

// deleteWord deletes from the cursor to the end of the next word.
func (p *Prompt) deleteWord() {
	text, at := []rune(p.input.Value()), p.input.Position()
	end := at
	for end < len(text) && unicode.IsSpace(text[end]) {
		end++
	}
	for end < len(text) && !unicode.IsSpace(text[end]) {
		end++
	}
	p.input.SetValue(string(text[:at]) + string(text[end:]))
	p.input.SetCursor(at)
}

// View draws the prompt with a note at its right end, in exactly width cells.
func (p *Prompt) View(note string, width int) string {
	label := " " + p.theme.Key.Render(p.label) + " "
	note = p.theme.Dim.Render(note) + " "
	room := max(8, width-cell.Width(label)-cell.Width(note)-2)
	if room != p.width {
		p.width = room
		p.input.SetWidth(room)
	}
	text := p.input.View()
	if !p.Typing() {
		text = p.theme.Text.Render(cell.Cut(p.Value(), room))
	}
	return cell.Ends(label+text, note, width)
}
