package dialog

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Failure is one entry of the error list: something that failed, once or again and
// again. Its texts must be clean.
type Failure struct {
	// At is when it failed first, Last when it did last.
	At, Last time.Time
	// Stage is the stage it was of.
	Stage string
	What  string
	Text  string
	// Hint says what to do about it; may be empty.
	Hint string
	// Count is how often it failed.
	Count int
	// Lasting is set on what goes on until it is over, such as reading the stage. Over is
	// when that was; zero while it goes on.
	Lasting bool
	Over    time.Time
}

// about says of which stage it was, and how often it failed.
func (f Failure) about() string {
	var parts []string
	if f.Stage != "" {
		parts = append(parts, f.Stage)
	}
	if f.Count > 1 {
		parts = append(parts, cell.Count(f.Count)+" times since "+f.At.Format("15:04:05"))
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// Errors lists what failed, what failed last first.
type Errors struct {
	failures func() []Failure
	keys     []string
	scroll   scroll
}

// NewErrors opens the list of failures, which is asked for again for every frame: oldest
// first. Keys close it as they open it, beside esc, q and enter.
func NewErrors(failures func() []Failure, keys []string) *Errors {
	return &Errors{failures: failures, keys: keys}
}

// Key implements Dialog.
func (e *Errors) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	if e.scroll.key(msg.String()) {
		return nil, false
	}
	switch msg.String() {
	case "y", "c":
		if all := e.failures(); len(all) > 0 {
			f := all[len(all)-1]
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
	all := e.failures()
	for i := len(all) - 1; i >= 0; i-- {
		f := all[i]
		head := t.Faint.Render(f.Last.Format("15:04:05")) + "  " + t.Bad.Render(f.What)
		state := ""
		switch {
		case f.Lasting && f.Over.IsZero():
			state = t.Warn.Render("still so")
		case f.Lasting:
			state = t.Good.Render("over since " + f.Over.Format("15:04:05"))
		}
		about := f.about()
		if cell.Width(head)+cell.Width(about)+cell.Width(state)+4 <= width-4 {
			head += "  " + t.Dim.Render(about)
			about = ""
		}
		lines = append(lines, cell.Ends(head, state, width-4))
		if about != "" {
			lines = append(lines, "          "+t.Dim.Render(cell.Cut(about, width-4-10)))
		}
		for _, part := range cell.Wrap(f.Text, width-4-10) {
			lines = append(lines, "          "+part)
		}
		if f.Hint != "" {
			for _, part := range cell.Wrap(f.Hint, width-4-10) {
				lines = append(lines, "          "+t.Dim.Render(part))
			}
		}
	}
	hint := "y copies the newest · esc closes"
	if len(lines) == 0 {
		lines, hint = []string{"Nothing has failed."}, "esc closes"
	}
	shown, more := e.scroll.window(lines, height-4)
	if more != "" {
		hint = more + " · " + hint
	}
	shown = append(shown[:len(shown):len(shown)], t.Faint.Render(cell.FitRight(hint, width-4)))
	return Frame(t, "Errors", shown, width)
}
