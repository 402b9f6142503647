package pane

// Mark marks the lines of the row under the cursor, or takes their marks away when all
// of them have one.
func (p *Pane) Mark() {
	all := p.Lines(p.Current())
	mark := false
	for _, e := range all {
		mark = mark || !e.Marked
	}
	for _, e := range all {
		if e.Marked != mark {
			e.Marked = mark
			if mark {
				p.Buf.marked++
			} else {
				p.Buf.marked--
			}
		}
	}
}

// Marks is how many lines are marked, shown or not.
func (p *Pane) Marks() int { return p.Buf.marked }

// Marked are the marked lines, oldest first.
func (p *Pane) Marked() []*Entry {
	var out []*Entry
	for i := 0; i < p.Buf.all.len() && len(out) < p.Buf.marked; i++ {
		if e := p.Buf.all.at(i); e.Marked {
			out = append(out, e)
		}
	}
	return out
}

// Unmark takes all marks away.
func (p *Pane) Unmark() {
	for _, e := range p.Marked() {
		e.Marked = false
	}
	p.Buf.marked = 0
}

// InWindow are the lines in the window; of an invocation that is closed all that are
// kept.
func (p *Pane) InWindow() []*Entry {
	var out []*Entry
	for i := p.top; i < min(p.top+p.Visible(), p.Len()); i++ {
		r := p.At(i)
		if r.Entry == nil && r.Group.Open {
			continue // its lines follow
		}
		out = append(out, p.Lines(r)...)
	}
	return out
}
