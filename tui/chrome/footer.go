package chrome

import (
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Keys draws the keys of the actions that can be done now, as many as fit, and
// always the last ones given in tail.
func Keys(t *theme.Theme, actions, tail []screen.Action, readOnly bool, width int) string {
	item := func(a screen.Action) string {
		return t.Key.Render(dialog.Keys(a.Keys[:1])) + " " + t.Dim.Render(a.Label)
	}
	end := ""
	for _, a := range tail {
		if len(a.Keys) == 0 {
			continue // bound to none
		}
		end += "   " + item(a)
	}
	line := ""
	room := width - cell.Width(end) - 1
	for _, a := range actions {
		if a.Hidden || a.Refused != "" || a.Label == "" || len(a.Keys) == 0 || (a.Writes && readOnly) {
			continue
		}
		next := item(a)
		if line != "" {
			next = "   " + next
		}
		if cell.Width(line)+cell.Width(next) > room {
			break
		}
		line += next
	}
	if line == "" && len(end) > 3 {
		end = end[3:]
	}
	return cell.Fit(" "+line+end, width)
}
