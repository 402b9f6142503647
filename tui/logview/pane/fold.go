package pane

import "github.com/microfox-ai/aiwctl/aws/logs"

// Folded is whether invocations are one row each.
func (p *Pane) Folded() bool { return p.folded }

// SetFolded folds invocations to one row each, in the order in which they began, or
// shows all lines in the order of time again. The cursor stays on its line, or goes to
// the row that holds it.
func (p *Pane) SetFolded(folded bool) {
	if folded == p.folded {
		return
	}
	was, offset := p.Current(), p.cursor-p.top
	p.folded, p.anchor, p.step = folded, Row{}, step{}
	if folded {
		p.collect()
		p.Fresh = 0
	} else {
		p.rows, p.finds = nil, nil
	}
	p.goTo(was, offset)
}

// goTo puts the cursor on a row, or on what holds it, offset rows below the top.
func (p *Pane) goTo(r Row, offset int) {
	if !r.None() && !p.Follow {
		if p.folded && r.Entry != nil {
			r = rowOf(r.Entry)
			if r.Group != nil && !r.Group.Open {
				r.Entry = nil
			}
		}
		p.cursor = p.seek(r)
		p.top = p.cursor - offset
	}
	p.clamp()
}

// Toggle opens the invocation under the cursor, or closes the one that the cursor is
// in; it is false when there is none.
func (p *Pane) Toggle() bool {
	r := p.Current()
	if !p.folded || r.Group == nil {
		return false
	}
	offset := p.cursor - p.top
	p.Follow, p.anchor, p.step = false, Row{}, step{}
	r.Group.Open = !r.Group.Open
	p.collect()
	p.goTo(Row{Group: r.Group}, offset)
	return true
}

// OpenAll opens every invocation, or closes all when all are open.
func (p *Pane) OpenAll() {
	if !p.folded {
		return
	}
	open := false
	for i := range p.Buf.groups.len() {
		if g := p.Buf.groups.at(i); g.folding != nil && !g.Open && p.Buf.keptOf(g) > 0 {
			open = true
			break
		}
	}
	was, offset := p.Current(), p.cursor-p.top
	for i := range p.Buf.groups.len() {
		p.Buf.groups.at(i).Open = open
	}
	p.anchor, p.step = Row{}, step{}
	p.collect()
	p.goTo(was, offset)
}

// rowOf is a line's row while folded.
func rowOf(e *Entry) Row {
	if e.group.folding == nil {
		return Row{Entry: e}
	}
	return Row{Entry: e, Group: e.group}
}

// groupOf is what a row belongs to.
func groupOf(r Row) *Group {
	if r.Group != nil {
		return r.Group
	}
	return r.Entry.group
}

// rowBefore is the order of rows while folded: that of groups, an invocation before its
// lines, these in order of time.
func rowBefore(a, b Row) bool {
	g, h := groupOf(a), groupOf(b)
	switch {
	case g != h:
		return before(g, h)
	case a.Entry == nil || b.Entry == nil:
		return a.Entry == nil && b.Entry != nil
	}
	return before(a.Entry, b.Entry)
}

// refold changes the lines while folded and collects the rows anew, with cursor and
// window on the rows where they were. What comes below counts as fresh.
func (p *Pane) refold(change func(), counts bool) {
	current, offset, below := p.Current(), p.cursor-p.top, len(p.rows)-1-p.cursor
	change()
	p.collect()
	if !current.None() && !p.Follow {
		// The line may have been dropped, with its group or without.
		p.cursor = p.seek(current)
		p.top = p.cursor - offset
		if counts {
			p.Fresh += max(0, len(p.rows)-1-p.cursor-below)
		}
	}
	p.clamp()
}

// collect makes the rows. It looks at every invocation, which takes about a tenth of a
// frame's time for a hundred thousand lines; at lines only where they are shown, or
// found.
func (p *Pane) collect() {
	b := p.Buf
	rows, finds := len(p.rows), len(p.finds)
	p.rows, p.finds = p.rows[:0], p.finds[:0]
	defer func() {
		// What is behind the end must not keep lines that were dropped.
		clear(p.rows[len(p.rows):max(rows, len(p.rows))])
		clear(p.finds[len(p.finds):max(finds, len(p.finds))])
	}()
	for i := range b.groups.len() {
		g := b.groups.at(i)
		kept := b.keptOf(g)
		if kept == 0 {
			continue
		}
		found := b.hitsOf(g) > 0
		if g.folding == nil {
			e := g.lines.at(0)
			p.rows = append(p.rows, Row{Entry: e})
			if found {
				p.finds = append(p.finds, e)
			}
			continue
		}
		p.rows = append(p.rows, Row{Group: g})
		if !g.Open && !found {
			continue
		}
		for j := range g.lines.len() {
			e := g.lines.at(j)
			if !b.keeps(e) {
				continue
			}
			if g.Open {
				p.rows = append(p.rows, Row{Entry: e, Group: g})
			}
			if found && b.hits(e) {
				p.finds = append(p.finds, e)
			}
		}
	}
}

// Kept is how many lines of an invocation the filter keeps, of how many there are
// still.
func (p *Pane) Kept(g *Group) (kept, all int) { return p.Buf.keptOf(g), g.lines.len() }

// Hits is how many lines of an invocation the search has found.
func (p *Pane) Hits(g *Group) int { return p.Buf.hitsOf(g) }

// worstWithin is how many of an invocation's last lines Worst looks at.
const worstWithin = 64

// Worst is the last of an invocation's own warnings or errors, these first; nil when
// there is none near its end.
func (p *Pane) Worst(g *Group) *logs.Line {
	var worst *logs.Line
	n := g.lines.len()
	for i := n - 1; i >= max(0, n-worstWithin); i-- {
		l := g.lines.at(i).Line
		if l.Level >= logs.LevelWarn && !l.Kind.Platform() && (worst == nil || l.Level > worst.Level) {
			worst = l
		}
	}
	return worst
}

// Lines are the lines of a row: its own, or those of the invocation that are kept.
func (p *Pane) Lines(r Row) []*Entry {
	switch {
	case r.None():
		return nil
	case r.Entry != nil:
		return []*Entry{r.Entry}
	}
	var out []*Entry
	for i := range r.Group.lines.len() {
		if e := r.Group.lines.at(i); p.Buf.keeps(e) {
			out = append(out, e)
		}
	}
	return out
}
