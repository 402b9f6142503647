package pane

import "sort"

// step is a step to a match that waits until the search has got there.
type step struct {
	back bool
	// here is whether the row under the cursor may be the match.
	here    bool
	waiting bool
}

// Step is what became of one.
type Step int

// What becomes of a step.
const (
	StepNone    Step = iota // there is no match
	StepWaiting             // the search has not got there yet: Advance goes on
	StepDone
	StepWrapped // it went on from the other end
)

// SetSearch searches for something else; the zero Matcher ends the search.
func (p *Pane) SetSearch(m Matcher) {
	p.step = step{}
	p.Buf.setSearch(m)
	p.Advance()
}

// Step goes to the next match, or back to the one before; with here to the one under
// the cursor if it is one. Following ends. Past the last match it goes on from the
// first.
func (p *Pane) Step(back, here bool) Step {
	if p.Buf.search.Empty() {
		return StepNone
	}
	p.step = step{back: back, here: here, waiting: true}
	return p.stepOn()
}

// Stepping is whether a step waits for the search.
func (p *Pane) Stepping() bool { return p.step.waiting }

func (p *Pane) stepOn() Step {
	if !p.step.waiting {
		return StepNone
	}
	s := p.step
	n := p.matches()
	if p.unsure() {
		return StepWaiting
	}
	current := p.Current()
	// The first that is not before the cursor, and the first that is behind it.
	from := sort.Search(n, func(i int) bool { return current.None() || !p.isBefore(p.find(i), current) })
	behind := from
	if behind < n && p.at(p.find(behind), current) {
		behind++
	}
	i, wrapped := 0, false
	switch {
	case s.back && s.here && behind > 0:
		i = behind - 1
	case s.back && from > 0:
		i = from - 1
	case s.back:
		i, wrapped = n-1, true
	case s.here && from < n:
		i = from
	case behind < n:
		i = behind
	default:
		i, wrapped = 0, true
	}
	if wrapped && p.Buf.Busy() {
		return StepWaiting // there may be more before what was searched
	}
	p.step = step{}
	if n == 0 {
		return StepNone
	}
	p.show(p.find(i))
	if wrapped && (n > 1 || !p.at(p.find(i), current)) {
		return StepWrapped
	}
	return StepDone
}

// unsure is whether matches next to the cursor may not have been found yet.
func (p *Pane) unsure() bool {
	if p.folded {
		return p.Buf.Busy()
	}
	return p.cursor < p.Buf.unsearched
}

// matches is how many there are, find the i-th of them, in the order of rows.
func (p *Pane) matches() int {
	if p.folded {
		return len(p.finds)
	}
	return p.Buf.found.len()
}

func (p *Pane) find(i int) *Entry {
	if p.folded {
		return p.finds[i]
	}
	return p.Buf.found.at(i)
}

func (p *Pane) isBefore(e *Entry, r Row) bool {
	if p.folded {
		return rowBefore(rowOf(e), r)
	}
	return before(e, r.Entry)
}

func (p *Pane) at(e *Entry, r Row) bool { return e == r.Entry }

// show puts the cursor on a match, and opens what it is folded into.
func (p *Pane) show(e *Entry) {
	p.Follow, p.anchor = false, Row{}
	offset := p.cursor - p.top
	r := Row{Entry: e}
	if p.folded {
		if r = rowOf(e); r.Group != nil && !r.Group.Open {
			r.Group.Open = true
			p.collect()
		}
	}
	was := p.cursor
	p.cursor = p.seek(r)
	if d := p.cursor - was; d < -p.height || d > p.height {
		p.top = p.cursor - p.height/2 // far away: with what is around it
	} else {
		p.top = was - offset
	}
	p.clamp()
}

// Match says which of the matches the cursor is on, from 1 in the order of rows, zero
// when it is on none; and how many there are so far.
func (p *Pane) Match() (n, of int) {
	of = p.matches()
	current := p.Current()
	if current.Entry == nil || !p.Buf.hits(current.Entry) || p.Buf.search.Empty() {
		return 0, of
	}
	return 1 + sort.Search(of, func(i int) bool { return !p.isBefore(p.find(i), current) }), of
}
