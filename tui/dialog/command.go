package dialog

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
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
