package deadletters

// marked is whether a message is marked, or would be by the range that is being made.
func (s *Screen) marked(it *item) bool { return s.marks[it.id] || s.ranged.has(it) }

// span is a range of marks that is being made.
type span struct {
	anchor   string // where it began; empty: there is none
	index    map[string]int
	from, to int
}

func (r *span) has(it *item) bool {
	if r.anchor == "" {
		return false
	}
	i, ok := r.index[it.id]
	return ok && i >= r.from && i <= r.to
}

func (r *span) len() int { return r.to - r.from + 1 }

// groupMarked is whether all messages of a group that pass the filter are.
func (s *Screen) groupMarked(g group) bool {
	if len(s.marks) == 0 {
		return false
	}
	if s.markedIn == nil {
		s.markedIn = map[string]int{}
		pending := s.causesPending()
		for _, it := range s.passing() {
			if s.marks[it.id] {
				s.markedIn[it.groupName(pending)]++
			}
		}
	}
	return s.markedIn[g.name] == g.count
}

func (s *Screen) remark() {
	s.markedIn = nil
	s.letters.Invalidate()
	s.groups.Invalidate()
}

// toggleMark marks the message under the cursor, or all of the group, or takes the
// mark away, and goes to the next.
func (s *Screen) toggleMark() {
	if s.level == inGroups {
		if g, ok := s.groups.Selected(); ok {
			s.toggleGroup(g)
			s.groups.Key("down")
		}
		return
	}
	defer s.remark()
	if s.ranged.anchor != "" {
		s.endRange()
		return
	}
	if it, ok := s.letters.Selected(); ok {
		s.mark(it, !s.marks[it.id])
		s.letters.Key("down")
	}
}

// toggleGroup marks all messages of a group that pass the filter, or takes their marks away.
// Those of the other groups are not counted again for it: there may be ten thousand.
func (s *Screen) toggleGroup(g group) {
	on := !s.groupMarked(g)
	if !on && len(s.marks) == g.count {
		s.clearMarks() // there are no others
		return
	}
	pending := s.causesPending()
	for _, it := range s.passing() {
		if it.groupName(pending) == g.name {
			s.mark(it, on)
		}
	}
	counted := s.markedIn
	s.remark()
	if counted == nil { // there was no mark
		counted = map[string]int{}
	}
	counted[g.name] = 0
	if on {
		counted[g.name] = g.count
	}
	s.markedIn = counted
}

func (s *Screen) mark(it *item, on bool) {
	if on {
		s.marks[it.id] = true
		return
	}
	delete(s.marks, it.id)
}

// shown are the messages that the list stands for: of the group that is open, or all
// that pass the filter.
func (s *Screen) shown() []*item {
	if s.level == inGroups {
		return s.passing()
	}
	return s.letters.Rows()
}

func (s *Screen) markAll() {
	for _, it := range s.shown() {
		s.marks[it.id] = true
	}
	s.remark()
}

func (s *Screen) invertMarks() {
	for _, it := range s.shown() {
		s.mark(it, !s.marks[it.id])
	}
	s.remark()
}

func (s *Screen) clearMarks() {
	clear(s.marks)
	s.remark()
}

// toggleRange begins a range of marks at the cursor, or ends it there.
func (s *Screen) toggleRange() {
	if s.ranged.anchor != "" {
		s.endRange()
		return
	}
	if it, ok := s.letters.Selected(); ok {
		s.ranged = span{anchor: it.id}
		s.extend()
	}
}

// extend has the range reach to the cursor.
func (s *Screen) extend() {
	r := &s.ranged
	if r.anchor == "" {
		return
	}
	rows := s.letters.Rows()
	if r.index == nil {
		r.index = make(map[string]int, len(rows))
		for i, it := range rows {
			r.index[it.id] = i
		}
	}
	cursor, ok := s.letters.Selected()
	at, there := r.index[r.anchor]
	if !ok || !there {
		s.cancelRange()
		return
	}
	r.from, r.to = min(at, r.index[cursor.id]), max(at, r.index[cursor.id])
	s.letters.Invalidate()
}

func (s *Screen) endRange() {
	for _, it := range s.letters.Rows() {
		if s.ranged.has(it) {
			s.marks[it.id] = true
		}
	}
	s.cancelRange()
}

func (s *Screen) cancelRange() {
	s.ranged = span{}
	s.remark()
}

// reach marks the message under the cursor, moves, and marks the one it came to.
func (s *Screen) reach(key string) {
	if it, ok := s.letters.Selected(); ok {
		s.marks[it.id] = true
	}
	s.letters.Key(key)
	if it, ok := s.letters.Selected(); ok {
		s.marks[it.id] = true
	}
	s.remark()
}

// markCounts is how many are marked, and how many of those the filter hides.
func (s *Screen) markCounts() (marked, hidden int) {
	if len(s.marks) == 0 {
		return 0, 0
	}
	if s.filtered != "" {
		for id := range s.marks {
			if !s.passed[id] {
				hidden++
			}
		}
	}
	return len(s.marks), hidden
}

// chosen are the messages that an action is about: those marked, else the one, or
// those of the group, under the cursor; without those that were moved already.
func (s *Screen) chosen() []*item {
	var list []*item
	switch {
	case len(s.marks) > 0 || s.ranged.anchor != "":
		for _, it := range s.items {
			if s.marked(it) {
				list = append(list, it)
			}
		}
	case s.level == inGroups:
		g, ok := s.groups.Selected()
		if !ok {
			return nil
		}
		for _, it := range s.passing() {
			if s.groupOf(it) == g.name {
				list = append(list, it)
			}
		}
	default:
		if it, ok := s.letters.Selected(); ok {
			list = append(list, it)
		}
	}
	return waiting(list)
}

// waiting are those that are still in the queue, as far as is known here.
func waiting(list []*item) []*item {
	var left []*item
	for _, it := range list {
		if !it.gone() {
			left = append(left, it)
		}
	}
	return left
}

// resorted has a range follow another order.
func (s *Screen) resorted() {
	s.ranged.index = nil
	s.extend()
}
