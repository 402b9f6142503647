package dialog

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Failure is one entry of the error list. Its texts must be clean.
type Failure struct {
	At   time.Time
	What string
	Text string
	// Hint says what to do about it; may be empty.
	Hint string
}

// Errors lists what failed, the newest first.
type Errors struct {
	failures []Failure
	keys     []string
	scroll   scroll
}

// NewErrors opens the list of failures, oldest first as given. Keys close it as they
// open it, beside esc, q and enter.
func NewErrors(failures []Failure, keys []string) *Errors {
	return &Errors{failures: failures, keys: keys}
}

// Key implements Dialog.
func (e *Errors) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if e.scroll.key(msg.String()) {
		return nil, false
	}
	switch msg.String() {
	case "y", "c":
		if n := len(e.failures); n > 0 {
			f := e.failures[n-1]
			return screen.Send(screen.Copy{What: "the last error", Text: f.What + ": " + f.Text}), false
		}
	case "q", "esc", "enter":
		return nil, true
	}
	return nil, slices.Contains(e.keys, msg.String())
}

// View implements Dialog.
func (e *Errors) View(t *theme.Theme, width, height int) string {
	width = min(width-2, 110)
	var lines []string
	for i := len(e.failures) - 1; i >= 0; i-- {
		f := e.failures[i]
		lines = append(lines, t.Faint.Render(f.At.Format("15:04:05"))+"  "+t.Bad.Render(f.What))
		for _, part := range cell.Wrap(f.Text, width-4-10) {
			lines = append(lines, "          "+part)
		}
		if f.Hint != "" {
			for _, part := range cell.Wrap(f.Hint, width-4-10) {
				lines = append(lines, "          "+t.Dim.Render(part))
			}
		}
	}
	if len(lines) == 0 {
		lines = []string{"Nothing has failed."}
	}
	shown, more := e.scroll.window(lines, height-4)
	hint := "y copies the newest · esc closes"
	if more != "" {
		hint = more + " · " + hint
	}
	shown = append(shown[:len(shown):len(shown)], t.Faint.Render(cell.FitRight(hint, width-4)))
	return Frame(t, "Errors", shown, width)
}
