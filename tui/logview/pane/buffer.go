// Package pane is the window on a tail's lines, without its looks: a bounded buffer, a
// filter, a search with its matches, invocations folded to one row, a cursor that stays
// on its line. What a key costs does not grow with the lines: whatever has to look at
// all of them does so in chunks.
package pane

import (
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

const (
	// Capacity is how many lines a screen keeps, and capacityBytes how much text:
	// the oldest go first.
	Capacity      = 100_000
	capacityBytes = 256 << 20
	// chunk is how much of a search is done at once (see Matcher.cost): less than a
	// frame's time, so that typing never waits for it.
	chunk = 2 << 20
)

// Buffer keeps lines in order of time; beside them those that the filter keeps and
// those that the search finds among these, so that neither a frame nor a new line costs
// more with more lines; and the invocations that they belong to.
//
// A new filter or search is applied in chunks, the newest lines first: what somebody
// who follows sees is there at once, and the rest comes while they type.
type Buffer struct {
	// Dropped is how many lines were too old to be kept.
	Dropped int

	limit  int
	all    list[*Entry]
	shown  list[*Entry]
	found  list[*Entry] // of those shown
	filter Filter
	search Matcher
	bytes  int
	budget int // of one chunk
	seq    uint64
	// unjudged is how many of the oldest lines the filter has not seen yet, and
	// unsearched how many of the oldest shown ones the search has not.
	unjudged, unsearched int
	filterGen, searchGen uint32

	groups    list[*Group]
	byRequest map[groupKey]*Group
	marked    int
}

// NewBuffer returns a buffer that keeps at most limit lines.
func NewBuffer(limit int) *Buffer {
	return &Buffer{limit: limit, budget: chunk, filterGen: 1, searchGen: 1, byRequest: map[groupKey]*Group{}}
}

// change says what adding a line did to the shown lines: at is where it was inserted,
// -1 when it is not shown; gone is how many were dropped at the front after that.
type change struct{ at, gone int }

func weight(l *logs.Line) int {
	n := len(l.Text) + len(l.Raw) + 256
	if !strings.HasPrefix(l.Original, l.Raw) { // else the two are one text in memory
		n += len(l.Original)
	}
	return n
}

// entries makes lines into entries, which are allocated together as the lines were.
func entries(lines []logs.Line) []Entry {
	out := make([]Entry, len(lines))
	for i := range lines {
		out[i].Line = &lines[i]
	}
	return out
}

func (b *Buffer) add(e *Entry) change {
	c := change{at: -1}
	b.seq++
	e.seq = b.seq
	b.bytes += weight(e.Line)
	b.group(e)
	if i := b.all.insert(e); i < b.unjudged {
		b.unjudged++
	} else if b.filter.Keeps(e.Line) {
		b.keep(e)
		c.at = b.shown.insert(e)
		b.look(e, c.at)
	}
	for b.all.len() > b.limit || (b.bytes > capacityBytes && b.all.len() > 1) {
		if b.drop() {
			c.gone++
		}
	}
	return c
}

// look has the search see a line that came, at its place among the shown ones.
func (b *Buffer) look(e *Entry, at int) {
	switch {
	case b.search.Empty():
	case at < b.unsearched:
		b.unsearched++
	case b.search.Matches(e.Line):
		b.match(e)
		b.found.insert(e)
	}
}

// drop drops the oldest line; it is true when that was shown.
func (b *Buffer) drop() (shown bool) {
	e := b.all.pop()
	b.bytes -= weight(e.Line)
	b.Dropped++
	if e.Marked {
		b.marked--
	}
	switch {
	case b.unjudged > 0:
		b.unjudged--
	case b.keeps(e):
		b.shown.pop()
		shown = true
		if b.unsearched > 0 {
			b.unsearched--
		} else if b.hits(e) {
			b.found.pop()
		}
	}
	b.ungroup(e)
	return shown
}

// setFilter begins to apply another filter; advance goes on with it.
func (b *Buffer) setFilter(f Filter) {
	n := b.all.len()
	b.filter, b.unjudged = f, n
	b.filterGen++
	b.shown.emptied(n) // room for the older lines
	b.setSearch(b.search)
}

// setSearch begins another search; advance goes on with it.
func (b *Buffer) setSearch(m Matcher) {
	b.search = m
	b.searchGen++
	b.unsearched = 0
	if m.Empty() {
		b.found = list[*Entry]{}
		return
	}
	b.found = list[*Entry]{}
	b.unsearched = b.shown.len()
}

// Busy is whether there are lines that the filter or the search have not seen.
func (b *Buffer) Busy() bool { return b.unjudged > 0 || b.unsearched > 0 }

// advance judges a chunk of older lines and returns how many of them are shown now,
// before those that were.
func (b *Buffer) advance() (shown int) {
	budget := b.budget
	var kept []*Entry
	for b.unjudged > 0 && budget > 0 {
		b.unjudged--
		e := b.all.at(b.unjudged)
		budget -= b.filter.cost(e.Line)
		if b.filter.Keeps(e.Line) {
			b.keep(e)
			kept = append(kept, e)
		}
	}
	b.shown.prepend(kept)
	if !b.search.Empty() {
		b.unsearched += len(kept)
	}
	var found []*Entry
	for b.unsearched > 0 && budget > 0 {
		b.unsearched--
		e := b.shown.at(b.unsearched)
		budget -= b.search.cost(e.Line)
		if b.search.Matches(e.Line) {
			b.match(e)
			found = append(found, e)
		}
	}
	b.found.prepend(found)
	return len(kept)
}

// Len is how many lines there are.
func (b *Buffer) Len() int { return b.all.len() }

// Shown is how many lines the filter keeps.
func (b *Buffer) Shown() int { return b.shown.len() }

// Found is how many of the shown lines the search has found so far.
func (b *Buffer) Found() int { return b.found.len() }

// Filter is the filter in force.
func (b *Buffer) Filter() *Filter { return &b.filter }

// Search is what is searched for.
func (b *Buffer) Search() *Matcher { return &b.search }

// Judging is whether the filter has not seen all lines yet.
func (b *Buffer) Judging() bool { return b.unjudged > 0 }

// Oldest is the oldest line; nil when there is none.
func (b *Buffer) Oldest() *logs.Line {
	if b.all.len() == 0 {
		return nil
	}
	return b.all.at(0).Line
}

// All are the lines, oldest first, as they are now. The lines themselves do not change.
func (b *Buffer) All() []*logs.Line { return lines(&b.all) }

// Kept are the lines that the filter keeps.
func (b *Buffer) Kept() []*logs.Line { return lines(&b.shown) }

func lines(d *list[*Entry]) []*logs.Line {
	out := make([]*logs.Line, d.len())
	for i := range out {
		out[i] = d.at(i).Line
	}
	return out
}
