package pane

import (
	"sort"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Row is a row to show: a line, or an invocation. The zero value is none.
type Row struct {
	// Entry is nil for an invocation's row.
	Entry *Entry
	// Group is the invocation: of its row, and of the lines shown under it.
	Group *Group
}

// Line is the row's line, nil for an invocation's.
func (r Row) Line() *logs.Line {
	if r.Entry == nil {
		return nil
	}
	return r.Entry.Line
}

// None is whether there is no such row.
func (r Row) None() bool { return r == Row{} }

// Pane is the window on the shown rows: a cursor, and a first row, both as indices that
// follow their rows when others come before them or go.
type Pane struct {
	Buf *Buffer
	// Follow keeps the cursor on the newest row; moving up ends it.
	Follow bool
	// Fresh is how many rows came below the cursor while it did not follow.
	Fresh int
	// Shift is how many cells of the text are scrolled out on the left.
	Shift int

	cursor int
	top    int
	// anchor is the row that the cursor was on before the filter changed, and offset
	// how far below top: a filter that is widened again brings it back.
	anchor Row
	offset int

	height int
	// rowsOf says how many rows of the screen one takes; nil: one.
	rowsOf func(Row) int

	folded bool
	rows   []Row    // while folded
	finds  []*Entry // what the search has found in the order of rows, while folded
	step   step
}

// New returns the pane of a buffer, which follows.
func New(buf *Buffer) *Pane { return &Pane{Buf: buf, Follow: true, height: 1} }

// Len is how many rows there are.
func (p *Pane) Len() int {
	if p.folded {
		return len(p.rows)
	}
	return p.Buf.shown.len()
}

// At is a row.
func (p *Pane) At(i int) Row {
	if p.folded {
		return p.rows[i]
	}
	return Row{Entry: p.Buf.shown.at(i)}
}

// Cursor and Top are the indices of the cursor and of the window's first row.
func (p *Pane) Cursor() int { return p.cursor }

// Top is the index of the window's first row.
func (p *Pane) Top() int { return p.top }

// Current is the row under the cursor, the zero Row when there is none.
func (p *Pane) Current() Row {
	if p.cursor < 0 || p.cursor >= p.Len() {
		return Row{}
	}
	return p.At(p.cursor)
}

// Add takes lines in; they must not be changed afterwards.
func (p *Pane) Add(lines []logs.Line) {
	fresh := entries(lines)
	if p.folded {
		p.refold(func() {
			for i := range fresh {
				p.Buf.add(&fresh[i])
			}
		}, true)
		return
	}
	for i := range fresh {
		p.insert(&fresh[i])
	}
	p.clamp()
}

func (p *Pane) insert(e *Entry) {
	before := p.Buf.shown.len()
	c := p.Buf.add(e)
	if c.at >= 0 && before > 0 {
		if c.at <= p.top {
			p.top++
		}
		if c.at <= p.cursor {
			p.cursor++
		} else if !p.Follow {
			p.Fresh++
		}
	}
	p.cursor, p.top = max(0, p.cursor-c.gone), max(0, p.top-c.gone)
}

// SetFilter shows the lines that another filter keeps, and keeps the cursor on its row
// when that is still there, else on the next.
func (p *Pane) SetFilter(f Filter) {
	p.hold()
	p.step = step{}
	p.Buf.setFilter(f)
	p.Advance()
}

// hold remembers where the cursor is, through what may take its row away for a while.
func (p *Pane) hold() {
	if !p.Follow && p.anchor.None() {
		p.anchor, p.offset = p.Current(), p.cursor-p.top
	}
}

// Advance goes on with applying the filter and the search, and says what became of a
// step that waited for that.
func (p *Pane) Advance() Step {
	if p.folded {
		p.refold(func() { p.Buf.advance() }, false)
	} else {
		found := p.Buf.advance()
		p.cursor, p.top = p.cursor+found, p.top+found
	}
	p.toAnchor()
	p.clamp()
	return p.stepOn()
}

func (p *Pane) toAnchor() {
	if !p.anchor.None() && !p.Follow {
		p.cursor = p.seek(p.anchor)
		p.top = p.cursor - p.offset
	}
}

// seek is where a row is, or where it would be.
func (p *Pane) seek(r Row) int {
	if p.folded {
		return sort.Search(len(p.rows), func(i int) bool { return !rowBefore(p.rows[i], r) })
	}
	if r.Entry != nil {
		return p.Buf.shown.seek(r.Entry)
	}
	// An invocation is where the first of its lines is that is shown.
	for i := range r.Group.lines.len() {
		if e := r.Group.lines.at(i); p.Buf.keeps(e) {
			return p.Buf.shown.seek(e)
		}
	}
	return p.Buf.shown.seek(r.Group)
}

// clamp keeps cursor and window inside the rows, the cursor in the window, and the
// window full as long as there are rows for it.
func (p *Pane) clamp() {
	last := p.Len() - 1
	if p.Follow {
		p.cursor = last
	}
	p.cursor = max(0, min(p.cursor, last))
	p.Fresh = max(0, min(p.Fresh, last-p.cursor))
	p.top = max(min(p.top, p.cursor), p.back(p.cursor))
	p.top = max(0, min(p.top, p.back(last)))
}

// back is the first row of a window whose last row is i.
func (p *Pane) back(i int) int {
	if p.rowsOf == nil {
		return i - p.height + 1
	}
	used := 0
	for at := i; at >= 0 && at < p.Len(); at-- {
		used += p.rowsOf(p.At(at))
		if used > p.height {
			return min(i, at+1)
		}
	}
	return 0
}

// Visible is how many rows are in the window, at least one.
func (p *Pane) Visible() int {
	if p.rowsOf == nil {
		return p.height
	}
	rows, used := 0, 0
	for at := p.top; at < p.Len(); at++ {
		if used += p.rowsOf(p.At(at)); used > p.height {
			break
		}
		rows++
	}
	return max(1, rows)
}

// SetSize tells how high the window is, and how many of its rows a row takes; nil: one.
func (p *Pane) SetSize(height int, rowsOf func(Row) int) {
	p.height, p.rowsOf = max(1, height), rowsOf
	p.clamp()
}

// Move moves the cursor by rows. Up from the newest row stops following, down to it
// does not start it again: ToEnd does, so that the screen never runs away under
// somebody who reads the last line.
func (p *Pane) Move(rows int) {
	if rows < 0 {
		p.Follow = false
	}
	p.anchor, p.step = Row{}, step{}
	p.cursor += rows
	p.clamp()
}

// Hold stays on the row under the cursor.
func (p *Pane) Hold() { p.Follow = false }

// ToEnd goes to the newest row and follows.
func (p *Pane) ToEnd() {
	p.Follow, p.anchor, p.step = true, Row{}, step{}
	p.clamp()
}

// ToStart goes to the oldest row.
func (p *Pane) ToStart() {
	p.Follow, p.anchor, p.step = false, Row{}, step{}
	p.cursor, p.top = 0, 0
	p.clamp()
}

// ToTime goes to the first row that is not older; it is false when all are, and goes to
// the newest.
func (p *Pane) ToTime(at time.Time) bool {
	n := p.Len()
	i := sort.Search(n, func(i int) bool { return !p.timeOf(i).Before(at) })
	p.Follow, p.anchor, p.step = false, Row{}, step{}
	p.cursor, p.top = min(i, n-1), i-p.height/3
	p.clamp()
	return i < n
}

// timeOf is the time by which a row has its place.
func (p *Pane) timeOf(i int) time.Time {
	r := p.At(i)
	if r.Group != nil {
		return r.Group.from
	}
	return r.Entry.Time
}

// Key moves; it is false for a key that does not.
func (p *Pane) Key(name string) bool {
	switch name {
	case "j", "down":
		p.Move(1)
	case "k", "up":
		p.Move(-1)
	case "pgdown", "ctrl+f":
		p.Move(max(1, p.Visible()-1))
	case "pgup", "ctrl+b":
		p.Move(-max(1, p.Visible()-1))
	case "ctrl+d":
		p.Move(max(1, p.Visible()/2))
	case "ctrl+u":
		p.Move(-max(1, p.Visible()/2))
	case "g", "home":
		p.ToStart()
	case "G", "end":
		p.ToEnd()
	case "right":
		p.Shift += 16
	case "left":
		p.Shift = max(0, p.Shift-16)
	case "0":
		p.Shift = 0
	default:
		return false
	}
	return true
}
