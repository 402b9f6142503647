package logview

import (
	"slices"
	"sort"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// deque is a list of lines in order of time that grows at the end and shrinks at
// the front. Lines of the same time keep the order in which they came.
type deque struct {
	lines []*logs.Line
	head  int
}

func (d *deque) len() int            { return len(d.lines) - d.head }
func (d *deque) at(i int) *logs.Line { return d.lines[d.head+i] }

// seek is where a line is, or where it would be: the first line that is not
// older, or the number of lines.
func (d *deque) seek(l *logs.Line) int {
	n := d.len()
	first := sort.Search(n, func(i int) bool { return !d.at(i).Time.Before(l.Time) })
	for i := first; i < n && !d.at(i).Time.After(l.Time); i++ {
		if d.at(i) == l {
			return i
		}
	}
	return first
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

// prepend puts older lines, given youngest first, before all others.
func (d *deque) prepend(reversed []*logs.Line) {
	n := len(reversed)
	if d.head < n {
		fresh := make([]*logs.Line, n+len(d.lines)-d.head)
		copy(fresh[n:], d.lines[d.head:])
		d.lines, d.head = fresh, n
	}
	for _, line := range reversed {
		d.head--
		d.lines[d.head] = line
	}
}
