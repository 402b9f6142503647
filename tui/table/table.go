// Package table is a list of rows that keep their identity: the selection, its
// place on the screen and the marks stay with a row while the data under them
// is read again, sorted or filtered. Only the rows on the screen are rendered,
// and those once.
package table

import (
	"cmp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Column describes one column of rows of type T.
type Column[T any] struct {
	Title string
	// Min and Max bound the width in cells; zero Min is the title's width, zero
	// Max no bound. A column is as wide as its title and the widest cell among
	// the rows on the screen need, so that a refresh does not make it jump: it
	// grows, and shrinks only when the layout changes.
	Min, Max int
	// Grow lets the column be anything between Min and what its contents need, as
	// far as the line has room.
	Grow bool
	// KeepEnd cuts contents that are too wide at their beginning: of ids the end
	// is what tells them apart.
	KeepEnd bool
	// Bare cuts without an ellipsis, for contents that are no text.
	Bare bool
	// Right aligns numbers.
	Right bool
	// Priority says which columns go first when the line is too short: the
	// highest. Columns of priority zero always stay.
	Priority int
	// Wants is how wide this growing column should be before a column of that
	// priority is shown beside it; nil means Min.
	Wants func(priority int) int
	// Cell is what to show.
	Cell func(T) Cell
	// Compare orders rows by this column, first the ones a person looks for
	// first; nil means that it cannot be sorted by.
	Compare func(a, b T) int
}

// Cell is one field of a row. Text and Aside must be clean (see logs.Sanitize); Aside
// follows Text in a tone of its own, in columns that are neither Right nor KeepEnd. Tail
// is one cell drawn into the gap after it, so that it does not take part in the
// alignment of numbers: a ▲ for "rose".
type Cell struct {
	Text      string
	Tone      theme.Tone
	Aside     string
	AsideTone theme.Tone

	Tail     string
	TailTone theme.Tone
}

// Config describes a table.
type Config[T any] struct {
	Columns []Column[T]
	// ID names a row. Rows with equal IDs are the same row.
	ID func(T) string
	// Text is what the filter looks in.
	Text func(T) string
	// Marked says which rows are drawn as marked, for who keeps marks beyond this
	// table's rows; nil means the table's own marks.
	Marked func(T) bool
	// Sort is the column to sort by at first; negative means Default's order.
	Sort int
	// Default orders rows when no column is chosen, and breaks ties; nil keeps
	// the order in which they were given.
	Default func(a, b T) int
	// DefaultName names that order in the title line.
	DefaultName string
}

// Model is a table. Make one with New.
type Model[T any] struct {
	cfg   Config[T]
	theme *theme.Theme

	all    []T // as given
	rows   []T // filtered and sorted
	filter string
	sortBy int // -1: the default order
	desc   bool
	marks  map[string]bool

	cursor, top   int
	held          bool // a person chose the row under the cursor
	width, height int  // of the rows, without the heading
	dim           bool

	layout layout
	cache  map[string]string // rendered rows that are not under the cursor, by ID
}

// New returns an empty table.
func New[T any](t *theme.Theme, cfg Config[T]) *Model[T] {
	return &Model[T]{
		cfg: cfg, theme: t, sortBy: cfg.Sort,
		marks: map[string]bool{}, cache: map[string]string{},
	}
}

// SetRows replaces the rows. The row under the cursor stays under it, at the
// same place of the screen as far as possible; when it has gone, the nearest row
// after it that is still there takes its place, else the nearest before it.
// Until a person has chosen a row, by moving or by Hold, the cursor stays on the
// first. Marks of rows that have gone are forgotten.
func (m *Model[T]) SetRows(rows []T) {
	m.all = rows
	if len(m.marks) > 0 {
		there := make(map[string]bool, len(rows))
		for _, row := range rows {
			there[m.cfg.ID(row)] = true
		}
		for id := range m.marks {
			if !there[id] {
				delete(m.marks, id)
			}
		}
	}
	m.arrange()
}

// arrange filters and sorts again, keeping the cursor on its row.
func (m *Model[T]) arrange() {
	old, cursor, top := m.rows, m.cursor, m.top

	needle := strings.ToLower(m.filter)
	rows := make([]T, 0, len(m.all))
	for _, row := range m.all {
		if needle == "" || strings.Contains(strings.ToLower(m.cfg.Text(row)), needle) {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, m.compare)
	m.rows = rows
	m.Invalidate()

	index := make(map[string]int, len(rows))
	for i, row := range rows {
		index[m.cfg.ID(row)] = i
	}
	if m.held {
		m.cursor = m.follow(old, cursor, index)
	}
	// A list that was at its top stays there while the selection is in sight:
	// what comes first is what matters most.
	if top == 0 && m.cursor < m.height {
		m.top = 0
	} else {
		m.top = m.cursor - (cursor - top)
	}
	m.clamp()
}

// follow finds where the row at old[cursor] went.
func (m *Model[T]) follow(old []T, cursor int, index map[string]int) int {
	for i := cursor; i >= 0 && i < len(old); i++ {
		if at, ok := index[m.cfg.ID(old[i])]; ok {
			return at
		}
	}
	for i := min(cursor, len(old)) - 1; i >= 0; i-- {
		if at, ok := index[m.cfg.ID(old[i])]; ok {
			return at
		}
	}
	return 0
}

func (m *Model[T]) compare(a, b T) int {
	if m.sortBy >= 0 && m.sortBy < len(m.cfg.Columns) {
		if by := m.cfg.Columns[m.sortBy].Compare; by != nil {
			if c := by(a, b); c != 0 {
				if m.desc {
					return -c
				}
				return c
			}
		}
	}
	if m.cfg.Default != nil {
		c := m.cfg.Default(a, b)
		if m.sortBy < 0 && m.desc {
			c = -c
		}
		return c
	}
	if m.sortBy < 0 && !m.desc {
		return 0
	}
	return cmp.Compare(m.cfg.ID(a), m.cfg.ID(b))
}

// clamp brings cursor and top into range, with the cursor on the screen.
func (m *Model[T]) clamp() {
	m.cursor = max(0, min(m.cursor, len(m.rows)-1))
	if m.height <= 0 {
		return
	}
	m.top = min(m.top, m.cursor)
	m.top = max(m.top, m.cursor-m.height+1)
	m.top = max(0, min(m.top, len(m.rows)-m.height))
}

// SetSize tells the size of the whole table, its heading included.
func (m *Model[T]) SetSize(width, height int) {
	height = max(0, height-1)
	if width == m.width && height == m.height {
		return
	}
	if width != m.width {
		m.layout = layout{}
	}
	m.width, m.height = width, height
	m.Invalidate()
	m.clamp()
}

// SetDim shows every row dimmed: old data.
func (m *Model[T]) SetDim(dim bool) {
	if dim != m.dim {
		m.dim = dim
		m.Invalidate()
	}
}

// Invalidate forgets what was rendered: the theme or something the cells show
// has changed.
func (m *Model[T]) Invalidate() {
	clear(m.cache)
}

// SetFilter keeps the rows that contain text, whatever its case.
func (m *Model[T]) SetFilter(text string) {
	if text != m.filter {
		m.filter = text
		m.arrange()
	}
}

// Filter is the text that rows must contain; empty for all.
func (m *Model[T]) Filter() string { return m.filter }

// Rows are the rows that pass the filter, in order.
func (m *Model[T]) Rows() []T { return m.rows }

// Total is how many rows there are with or without the filter.
func (m *Model[T]) Total() int { return len(m.all) }

// Selected is the row under the cursor; ok is false in an empty table.
func (m *Model[T]) Selected() (row T, ok bool) {
	if m.cursor < 0 || m.cursor >= len(m.rows) {
		return row, false
	}
	return m.rows[m.cursor], true
}

// Hold says that a person chose the row under the cursor: it stays there from
// now on.
func (m *Model[T]) Hold() { m.held = true }

// Held is whether a person chose the row under the cursor.
func (m *Model[T]) Held() bool { return m.held }

// Select puts the cursor on a row, when it is there.
func (m *Model[T]) Select(id string) bool {
	for i, row := range m.rows {
		if m.cfg.ID(row) == id {
			m.cursor, m.held = i, true
			m.clamp()
			return true
		}
	}
	return false
}

// NextSort sorts by the next column that can be sorted by, the default order
// being one of them.
func (m *Model[T]) NextSort() {
	for {
		m.sortBy++
		if m.sortBy >= len(m.cfg.Columns) {
			m.sortBy = -1
		}
		if m.sortBy < 0 || (m.cfg.Columns[m.sortBy].Compare != nil && m.layout.shows(m.sortBy)) {
			break
		}
	}
	m.desc = false
	m.arrange()
}

// Sort is the order of the rows: the column's index, negative for the default order,
// and whether it is reversed.
func (m *Model[T]) Sort() (column int, reversed bool) { return m.sortBy, m.desc }

// SetSort is the order that Sort told of. A column that there is not, or that cannot be
// sorted by, is the default order.
func (m *Model[T]) SetSort(column int, reversed bool) {
	if column >= len(m.cfg.Columns) || column >= 0 && m.cfg.Columns[column].Compare == nil {
		column = -1
	}
	m.sortBy, m.desc = column, reversed
	m.arrange()
}

// Reverse turns the order round.
func (m *Model[T]) Reverse() {
	m.desc = !m.desc
	m.arrange()
}

// SortName names the order, for the title line.
func (m *Model[T]) SortName() string {
	name := m.cfg.DefaultName
	if m.sortBy >= 0 {
		name = strings.ToLower(m.cfg.Columns[m.sortBy].Title)
	}
	if m.desc {
		name += " reversed"
	}
	return name
}

// Key moves the cursor; it is false for a key that does not.
func (m *Model[T]) Key(key string) bool {
	by, ok := moves.By(key, m.height, len(m.rows))
	if !ok {
		return false
	}
	m.cursor += by
	if by < -1 || by > 1 { // a page turns: the cursor keeps its place on the screen
		m.top += by
	}
	m.held = true
	m.clamp()
	return true
}

// Moves describes the keys of Key, for the help.
func Moves() []screen.Action {
	return []screen.Action{
		{Keys: []string{"j", "k"}, Help: "Next and previous row; also the arrow keys.", Hidden: true},
		{Keys: []string{"g", "G"}, Help: "First and last row.", Hidden: true},
		{Keys: []string{"ctrl+d", "ctrl+u"}, Help: "Half a page down and up; pgdown and pgup for a whole one.", Hidden: true},
	}
}
