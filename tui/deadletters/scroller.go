package deadletters

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

// scroller is lines of which a part is on the screen.
type scroller struct {
	lines       []string
	top, height int
}

func (p *scroller) move(by int) { p.top = max(0, min(p.top+by, len(p.lines)-p.height)) }

func (p *scroller) key(name string) {
	page := max(1, p.height-1)
	switch name {
	case "j", "down":
		p.move(1)
	case "k", "up":
		p.move(-1)
	case "g", "home":
		p.move(-len(p.lines))
	case "G", "end":
		p.move(len(p.lines))
	case "pgdown", "ctrl+f":
		p.move(page)
	case "pgup", "ctrl+b":
		p.move(-page)
	case "ctrl+d":
		p.move(max(1, p.height/2))
	case "ctrl+u":
		p.move(-max(1, p.height/2))
	}
}

// window is what is on the screen, in exactly that many lines of that width.
func (p *scroller) window(lines []string, width, height int) []string {
	p.lines, p.height = lines, height
	p.move(0)
	return strings.Split(cell.Box(lines[min(p.top, len(lines)):], width, height), "\n")
}
