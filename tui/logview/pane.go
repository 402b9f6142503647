package logview

import (
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// pane is the window on the shown lines: a cursor, and a first line, both as
// indices that follow their lines when others come before them or go.
type pane struct {
	buf    *buffer
	cursor int
	top    int
	// follow keeps the cursor on the newest line; moving away from it ends it.
	follow bool
	// fresh is how many lines came while it did not follow.
	fresh  int
	height int
	// shift is how many cells of the text are scrolled out on the left.
	shift int
	wrap  bool
}

func newPane(buf *buffer) *pane { return &pane{buf: buf, follow: true, height: 1} }

func (p *pane) add(lines []logs.Line) {
	for i := range lines {
		m := p.buf.add(&lines[i])
		if m.at >= 0 {
			if m.at <= p.cursor && p.buf.shown.len() > 1 {
				p.cursor++
			}
			if m.at <= p.top && m.at < p.buf.shown.len()-1 {
				p.top++
			}
			if !p.follow {
				p.fresh++
			}
		}
		if m.first {
			p.cursor, p.top = p.cursor-1, p.top-1
		}
	}
	p.clamp()
}

// setFilter keeps the cursor on its line when the filter keeps that, else on the
// next one.
func (p *pane) setFilter(f filter) {
	current := p.current()
	offset := p.cursor - p.top
	p.buf.setFilter(f)
	if current != nil && !p.follow {
		if i := p.buf.shown.index(current); i >= 0 {
			p.cursor = i
		} else {
			p.cursor = p.buf.shown.after(current)
		}
		p.top = p.cursor - offset
	}
	p.clamp()
}

// after is the index of the first line that is not older than l.
func (d *deque) after(l *logs.Line) int {
	i := 0
	for n := d.len(); i < n && d.at(i).Time.Before(l.Time); i++ {
	}
	return i
}

func (p *pane) current() *logs.Line {
	if p.cursor < 0 || p.cursor >= p.buf.shown.len() {
		return nil
	}
	return p.buf.shown.at(p.cursor)
}

// clamp keeps cursor and window inside the lines and the cursor in the window.
// With wrapped lines the window may hold fewer than height lines; the view then
// moves top on.
func (p *pane) clamp() {
	last := p.buf.shown.len() - 1
	if p.follow {
		p.cursor, p.fresh = last, 0
	}
	p.cursor = max(0, min(p.cursor, last))
	p.top = min(p.top, p.cursor)
	p.top = max(p.top, p.cursor-p.height+1)
	p.top = max(0, min(p.top, last-p.height+1))
}

func (p *pane) setHeight(height int) {
	p.height = max(1, height)
	p.clamp()
}

// move moves the cursor by lines. Up from the newest line stops following, down
// to it does not start it again: G does, so that the screen never runs away
// under somebody who reads the last line.
func (p *pane) move(lines int) {
	if lines < 0 {
		p.follow = false
	}
	p.cursor += lines
	p.clamp()
}

func (p *pane) toEnd() {
	p.follow = true
	p.clamp()
}

func (p *pane) toStart() {
	p.follow = false
	p.cursor = 0
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
		p.move(max(1, p.height-1))
	case "pgup", "ctrl+b":
		p.move(-max(1, p.height-1))
	case "ctrl+d":
		p.move(max(1, p.height/2))
	case "ctrl+u":
		p.move(-max(1, p.height/2))
	case "g", "home":
		p.toStart()
	case "G", "end":
		p.toEnd()
	case "right":
		p.shift += 16
	case "left":
		p.shift = max(0, p.shift-16)
	default:
		return false
	}
	return true
}
