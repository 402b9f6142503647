package table

// marked is whether a row is drawn as marked.
func (m *Model[T]) marked(row T, id string) bool {
	if m.cfg.Marked != nil {
		return m.cfg.Marked(row)
	}
	return m.marks[id]
}

// ToggleMark marks the row under the cursor, or unmarks it, and moves on.
func (m *Model[T]) ToggleMark() {
	row, ok := m.Selected()
	if !ok {
		return
	}
	id := m.cfg.ID(row)
	if m.marks[id] {
		delete(m.marks, id)
	} else {
		m.marks[id] = true
	}
	delete(m.cache, id)
	m.held = true
	if m.cursor < len(m.rows)-1 {
		m.cursor++
	}
	m.clamp()
}

// MarkAll marks every row that passes the filter.
func (m *Model[T]) MarkAll() {
	for _, row := range m.rows {
		m.marks[m.cfg.ID(row)] = true
	}
	m.Invalidate()
}

// InvertMarks turns the marks of the rows that pass the filter round. Marks of
// other rows are not touched.
func (m *Model[T]) InvertMarks() {
	for _, row := range m.rows {
		id := m.cfg.ID(row)
		if m.marks[id] {
			delete(m.marks, id)
		} else {
			m.marks[id] = true
		}
	}
	m.Invalidate()
}

// ClearMarks unmarks every row.
func (m *Model[T]) ClearMarks() {
	clear(m.marks)
	m.Invalidate()
}

// Marked are the marked rows, in the order in which they were given, including
// those the filter hides.
func (m *Model[T]) Marked() []T {
	var rows []T
	for _, row := range m.all {
		if m.marks[m.cfg.ID(row)] {
			rows = append(rows, row)
		}
	}
	return rows
}

// Marks is how many rows are marked, and how many of those the filter hides.
func (m *Model[T]) Marks() (marked, hidden int) {
	for _, row := range m.rows {
		if m.marks[m.cfg.ID(row)] {
			marked++
		}
	}
	return len(m.marks), len(m.marks) - marked
}

// MarkedOrSelected are the marked rows, or the one under the cursor when none is
// marked.
func (m *Model[T]) MarkedOrSelected() []T {
	if marked := m.Marked(); len(marked) > 0 {
		return marked
	}
	if row, ok := m.Selected(); ok {
		return []T{row}
	}
	return nil
}
