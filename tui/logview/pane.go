package logview

import "github.com/microfox-ai/aiwctl/aws/logs"

// pane is the window on the shown lines: a cursor, and a first line, both as
// indices that follow their lines when others come before them or go.
type pane struct {
	buf    *buffer
	cursor int
	top    int
	// follow keeps the cursor on the newest line; moving up ends it.
	follow bool
	// fresh is how many lines came below the cursor while it did not follow.
	fresh int
	// anchor is the line that the cursor was on before the filter changed, and
	// offset how far below top: a filter that is widened again brings it back.
	anchor *logs.Line
	offset int

	height int
	// rows says how many rows of the screen a line takes; nil: one.
	rows func(*logs.Line) int
	// shift is how many cells of the text are scrolled out on the left.
	shift int
}

func newPane(buf *buffer) *pane { return &pane{buf: buf, follow: true, height: 1} }

func (p *pane) add(lines []logs.Line) {
	for i := range lines {
		p.insert(&lines[i])
	}
	p.clamp()
}

func (p *pane) insert(line *logs.Line) {
	before := p.buf.shown.len()
	c := p.buf.add(line)
	if c.at >= 0 && before > 0 {
		if c.at <= p.top {
			p.top++
		}
		if c.at <= p.cursor {
			p.cursor++
		} else if !p.follow {
			p.fresh++
		}
	}
	p.cursor, p.top = max(0, p.cursor-c.gone), max(0, p.top-c.gone)
}

// setFilter shows the lines that another filter keeps, and keeps the cursor on
// its line when that is one of them, else on the next.
func (p *pane) setFilter(f filter) {
	if !p.follow && p.anchor == nil {
		p.anchor, p.offset = p.current(), p.cursor-p.top
	}
	p.buf.setFilter(f)
	p.search()
}

// search goes on with applying the filter.
func (p *pane) search() {
	found := p.buf.search()
	p.cursor, p.top = p.cursor+found, p.top+found
	if p.anchor != nil && !p.follow {
		p.cursor = p.buf.shown.seek(p.anchor)
		p.top = p.cursor - p.offset
	}
	p.clamp()
}

func (p *pane) current() *logs.Line {
	if p.cursor < 0 || p.cursor >= p.buf.shown.len() {
		return nil
	}
	return p.buf.shown.at(p.cursor)
}

// clamp keeps cursor and window inside the lines, the cursor in the window, and
// the window full as long as there are lines for it.
func (p *pane) clamp() {
	last := p.buf.shown.len() - 1
	if p.follow {
		p.cursor = last
	}
	p.cursor = max(0, min(p.cursor, last))
	p.fresh = max(0, min(p.fresh, last-p.cursor))
	p.top = max(min(p.top, p.cursor), p.back(p.cursor))
	p.top = max(0, min(p.top, p.back(last)))
}

// back is the first line of a window whose last line is i.
func (p *pane) back(i int) int {
	if p.rows == nil {
		return i - p.height + 1
	}
	used := 0
	for at := i; at >= 0 && at < p.buf.shown.len(); at-- {
		used += p.rows(p.buf.shown.at(at))
		if used > p.height {
			return min(i, at+1)
		}
	}
	return 0
}

// visible is how many lines are in the window, at least one.
func (p *pane) visible() int {
	if p.rows == nil {
		return p.height
	}
	lines, used := 0, 0
	for at := p.top; at < p.buf.shown.len(); at++ {
		if used += p.rows(p.buf.shown.at(at)); used > p.height {
			break
		}
		lines++
	}
	return max(1, lines)
}

func (p *pane) setSize(height int, rows func(*logs.Line) int) {
	p.height, p.rows = max(1, height), rows
	p.clamp()
}

// move moves the cursor by lines. Up from the newest line stops following, down
// to it does not start it again: G does, so that the screen never runs away
// under somebody who reads the last line.
func (p *pane) move(lines int) {
	if lines < 0 {
		p.follow = false
	}
	p.anchor = nil
	p.cursor += lines
	p.clamp()
}

// hold stays on the line under the cursor.
func (p *pane) hold() { p.follow = false }

func (p *pane) toEnd() {
	p.follow, p.anchor = true, nil
	p.clamp()
}

func (p *pane) toStart() {
	p.follow, p.anchor = false, nil
	p.cursor, p.top = 0, 0
	p.clamp()
}

// key moves; it is false for a key that does not.
func (p *pane) key(name string) bool {
	switch name {
	case "j", "down":
		p.move(1)
	case "k", "up":
		p.move(-1)
	case "pgdown", "ctrl+f":
		p.move(max(1, p.visible()-1))
	case "pgup", "ctrl+b":
		p.move(-max(1, p.visible()-1))
	case "ctrl+d":
		p.move(max(1, p.visible()/2))
	case "ctrl+u":
		p.move(-max(1, p.visible()/2))
	case "g", "home":
		p.toStart()
	case "G", "end":
		p.toEnd()
	case "right":
		p.shift += 16
	case "left":
		p.shift = max(0, p.shift-16)
	case "0":
		p.shift = 0
	default:
		return false
	}
	return true
}
