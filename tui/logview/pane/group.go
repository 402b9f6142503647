package pane

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Entry is a line in a Buffer.
type Entry struct {
	*logs.Line
	// Marked is set by a person who wants it.
	Marked bool

	seq   uint64
	group *Group
	// kept and hit are the generations of the filter and of the search that chose it.
	kept, hit uint32
}

func (e *Entry) place() (time.Time, uint64) { return e.Time, e.seq }

// Group is what folding makes one row of: the lines of an invocation, or a line that
// belongs to none.
type Group struct {
	// Open is whether its lines are shown under it.
	Open bool

	key     groupKey
	folding *logs.Folding // nil: a line of its own
	from    time.Time     // of its first line, even when that was dropped
	seq     uint64
	lines   list[*Entry]

	kept, hits       int
	keptGen, hitsGen uint32
}

type groupKey struct{ group, request string }

func (g *Group) place() (time.Time, uint64) { return g.from, g.seq }

// Invocation is what its lines tell, those included that were dropped meanwhile; now is
// the present. Ask it of groups that are rows only.
func (g *Group) Invocation(now time.Time) logs.Invocation { return g.folding.Invocation(now) }

// group puts a line where it belongs.
func (b *Buffer) group(e *Entry) {
	if !e.InInvocation() {
		b.groups.insert(b.begin(e, groupKey{}, nil))
		return
	}
	key := groupKey{e.Group, e.RequestID}
	g := b.byRequest[key]
	switch {
	case g == nil || g.folding.Over(e.Line):
		folding := logs.NewFolding(e.Line)
		// The line's own string may be a part of it, which the map must not keep.
		key.request = folding.RequestID
		g = b.begin(e, key, folding)
		b.groups.insert(g)
		b.byRequest[key] = g
		return
	case e.Time.Before(g.from):
		b.groups.remove(b.groups.seek(g))
		g.from, g.seq = e.Time, e.seq
		b.groups.insert(g)
	}
	g.folding.Add(e.Line)
	e.group = g
	g.lines.insert(e)
}

func (b *Buffer) begin(e *Entry, key groupKey, folding *logs.Folding) *Group {
	g := &Group{key: key, folding: folding, from: e.Time, seq: e.seq}
	g.lines.insert(e)
	e.group = g
	return g
}

// ungroup takes the oldest line of all out of its group.
func (b *Buffer) ungroup(e *Entry) {
	g := e.group
	if b.keeps(e) {
		g.kept--
	}
	if b.hits(e) {
		g.hits--
	}
	g.lines.remove(g.lines.seek(e))
	if g.lines.len() > 0 {
		return
	}
	b.groups.remove(b.groups.seek(g))
	if b.byRequest[g.key] == g {
		delete(b.byRequest, g.key)
	}
}

// keep and match choose a line and count it for its group.
func (b *Buffer) keep(e *Entry) {
	e.kept = b.filterGen
	if g := e.group; g.keptGen != b.filterGen {
		g.kept, g.keptGen = 1, b.filterGen
	} else {
		g.kept++
	}
}

func (b *Buffer) match(e *Entry) {
	e.hit = b.searchGen
	if g := e.group; g.hitsGen != b.searchGen {
		g.hits, g.hitsGen = 1, b.searchGen
	} else {
		g.hits++
	}
}

func (b *Buffer) keeps(e *Entry) bool { return e.kept == b.filterGen }
func (b *Buffer) hits(e *Entry) bool  { return e.hit == b.searchGen }

// keptOf and hitsOf are how many lines of a group are shown, and found.
func (b *Buffer) keptOf(g *Group) int {
	if g.keptGen != b.filterGen {
		return 0
	}
	return g.kept
}

func (b *Buffer) hitsOf(g *Group) int {
	if g.hitsGen != b.searchGen {
		return 0
	}
	return g.hits
}
