package logview

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// copyMost is how much text is put on a clipboard: terminals drop more than that
// without a word.
const copyMost = 1 << 20

// copyRow copies the line under the cursor, or all lines of the invocation.
func (s *Screen) copyRow() tea.Cmd {
	r := s.pane.Current()
	if r.Entry != nil {
		return s.copyLines("the log line", s.pane.Lines(r))
	}
	lines := s.pane.Lines(r)
	return s.copyLines("the invocation's "+cell.Plural(len(lines), "line"), lines)
}

// copyMany copies the marked lines, or those on the screen when none is marked.
func (s *Screen) copyMany() tea.Cmd {
	lines, what := s.pane.Marked(), "marked "
	if len(lines) == 0 {
		lines, what = s.pane.InWindow(), "visible "
	}
	return s.copyLines(fmt.Sprintf("%d %slog lines", len(lines), what), lines)
}

func (s *Screen) copyLines(what string, lines []*pane.Entry) tea.Cmd {
	var b strings.Builder
	for i, e := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(e.Raw, "\n"))
		if b.Len() > copyMost {
			return screen.Send(screen.Task{
				ID: "copy", Text: "copy " + what, Done: true,
				Err: errors.New("more than 1 MB is too much for a clipboard: " + s.env.Key(screen.KindLogs, "save", "S") + " saves to a file"),
			})
		}
	}
	return screen.Send(screen.Copy{What: what, Text: b.String()})
}
