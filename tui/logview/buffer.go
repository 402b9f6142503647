package logview

import (
	"slices"
	"sort"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// capacity is how many lines a screen keeps; the oldest go first.
const capacity = 100_000

// buffer keeps lines in order of time, and beside them those that the filter
// keeps, so that neither a frame nor a new line costs more with more lines.
type buffer struct {
	limit   int
	all     deque
	shown   deque
	filter  filter
	dropped int
}

func newBuffer(limit int) *buffer { return &buffer{limit: limit} }

// moved says what adding a line did to the shown lines: at is where it was
// inserted, -1 when the filter left it out; first is whether the first shown
// line was dropped to make room.
type moved struct {
	at    int
	first bool
}

func (b *buffer) add(line *logs.Line) moved {
	b.all.insert(line)
	m := moved{at: -1}
	if b.filter.keeps(line) {
		m.at = b.shown.insert(line)
	}
	if b.all.len() <= b.limit {
		return m
	}
	oldest := b.all.pop()
	b.dropped++
	if b.shown.len() > 0 && b.shown.at(0) == oldest {
		b.shown.pop()
		m.first = true
	}
	return m
}

// setFilter shows the lines that another filter keeps.
func (b *buffer) setFilter(f filter) {
	b.filter = f
	b.shown = deque{}
	for i := range b.all.len() {
		if line := b.all.at(i); f.keeps(line) {
			b.shown.lines = append(b.shown.lines, line)
		}
	}
}

// deque is a list in order of time that grows at the end and shrinks at the
// front.
type deque struct {
	lines []*logs.Line
	head  int
}

func (d *deque) len() int            { return len(d.lines) - d.head }
func (d *deque) at(i int) *logs.Line { return d.lines[d.head+i] }
func (d *deque) index(l *logs.Line) int {
	n := d.len()
	i := sort.Search(n, func(i int) bool { return !d.at(i).Time.Before(l.Time) })
	for ; i < n && !d.at(i).Time.After(l.Time); i++ {
		if d.at(i) == l {
			return i
		}
	}
	return -1
}

// insert puts a line behind all that are not younger and returns where. Most
// lines are the youngest; late ones are few and belong near the end.
func (d *deque) insert(line *logs.Line) int {
	n := d.len()
	if n == 0 || !d.at(n-1).Time.After(line.Time) {
		d.lines = append(d.lines, line)
		return n
	}
	i := sort.Search(n, func(i int) bool { return d.at(i).Time.After(line.Time) })
	d.lines = slices.Insert(d.lines, d.head+i, line)
	return i
}

// pop removes the first line.
func (d *deque) pop() *logs.Line {
	line := d.lines[d.head]
	d.lines[d.head] = nil // let it be collected
	d.head++
	if d.head > 1024 && d.head > len(d.lines)/2 {
		d.lines = append(d.lines[:0:0], d.lines[d.head:]...)
		d.head = 0
	}
	return line
}
