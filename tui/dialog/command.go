package dialog

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// errHostile is why a command line is not copied.
var errHostile = errors.New("a name in it holds characters that act on a terminal, and a shell would get them")

// CopyCommand asks for a command line to be put on the clipboard. One that a terminal
// would not show as it is stays where it is: nobody has read what would be pasted.
func CopyCommand(command string) tea.Cmd {
	plain := strings.ReplaceAll(command, "\t", " ") // what a quoted text may have, as newlines
	if strings.Join(cell.CleanLines(plain), "\n") != plain {
		return screen.Send(screen.Task{Text: "copy the command", Done: true, Err: errHostile})
	}
	return screen.Send(screen.Copy{What: "the command", Text: command})
}

// CommandLines are a command line in at most most lines of a width, as it is shown.
func CommandLines(command string, width, most int) []string {
	if command == "" {
		return nil
	}
	lines := cell.Wrap(cell.Clean(command), width-2)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width-2))
	}
	for i := range lines {
		lead := "  "
		if i == 0 {
			lead = "$ "
		}
		lines[i] = lead + lines[i]
	}
	return lines
}

// Hints joins what can be done, leaving out the first ones when the width is too small
// for all; the last one is cut.
func Hints(width int, hints ...string) string {
	for len(hints) > 0 {
		text := strings.Join(hints, " "+theme.GlyphDot+" ")
		if len(hints) == 1 || cell.Width(text) <= width {
			return cell.Cut(text, width)
		}
		hints = hints[1:]
	}
	return ""
}
