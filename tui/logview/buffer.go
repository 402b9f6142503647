package logview

import "github.com/microfox-ai/aiwctl/aws/logs"

const (
	// capacity is how many lines a screen keeps, and capacityBytes how much text:
	// the oldest go first.
	capacity      = 100_000
	capacityBytes = 256 << 20
	// chunk is how much of a search is done at once (see filter.cost): less than
	// a frame's time, so that typing never waits for it.
	chunk = 8 << 20
)

// buffer keeps lines in order of time, and beside them those that the filter
// keeps, so that neither a frame nor a new line costs more with more lines.
//
// A new filter is applied in chunks, the newest lines first: what somebody who
// follows sees is there at once, and the rest comes while they type.
type buffer struct {
	limit   int
	all     deque
	shown   deque
	filter  filter
	bytes   int
	dropped int
	budget  int // of one chunk of a search
	// unjudged is how many of the oldest lines the filter has not seen yet.
	unjudged int
}

func newBuffer(limit int) *buffer { return &buffer{limit: limit, budget: chunk} }

// change says what adding a line did to the shown lines: at is where it was
// inserted, -1 when it is not shown; gone is how many were dropped at the front
// after that.
type change struct{ at, gone int }

func weight(l *logs.Line) int { return len(l.Text) + len(l.Raw) + 256 }

func (b *buffer) add(line *logs.Line) change {
	c := change{at: -1}
	b.bytes += weight(line)
	if i := b.all.insert(line); i < b.unjudged {
		b.unjudged++
	} else if b.filter.keeps(line) {
		c.at = b.shown.insert(line)
	}
	for b.all.len() > b.limit || (b.bytes > capacityBytes && b.all.len() > 1) {
		oldest := b.all.pop()
		b.bytes -= weight(oldest)
		b.dropped++
		switch {
		case b.unjudged > 0:
			b.unjudged--
		case b.shown.len() > 0 && b.shown.at(0) == oldest:
			b.shown.pop()
			c.gone++
		}
	}
	return c
}

// setFilter begins to apply another filter; search goes on with it.
func (b *buffer) setFilter(f filter) {
	n := b.all.len()
	b.filter, b.unjudged = f, n
	b.shown = deque{lines: make([]*logs.Line, n), head: n} // room for the older lines
}

// searching is whether there are lines that the filter has not seen.
func (b *buffer) searching() bool { return b.unjudged > 0 }

// search judges a chunk of older lines and returns how many of them are shown
// now, before those that were.
func (b *buffer) search() (found int) {
	var kept []*logs.Line
	for budget := b.budget; b.unjudged > 0 && budget > 0; {
		b.unjudged--
		line := b.all.at(b.unjudged)
		budget -= b.filter.cost(line)
		if b.filter.keeps(line) {
			kept = append(kept, line)
		}
	}
	b.shown.prepend(kept)
	return len(kept)
}
