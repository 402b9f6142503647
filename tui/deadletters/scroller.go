package deadletters

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
)

// scroller is lines of which a part is on the screen.
type scroller struct {
	lines       []string
	top, height int
}

func (p *scroller) move(by int) { p.top = max(0, min(p.top+by, len(p.lines)-p.height)) }

func (p *scroller) key(name string) {
	by, _ := moves.By(name, p.height, len(p.lines))
	p.move(by)
}

// window is what is on the screen, in exactly that many lines of that width.
func (p *scroller) window(lines []string, width, height int) []string {
	p.lines, p.height = lines, height
	p.move(0)
	return strings.Split(cell.Box(lines[min(p.top, len(lines)):], width, height), "\n")
}
