package table_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// A column that wants room gets it before others are shown beside it, and an aside is
// cut before its text.
func TestAColumnThatWantsRoom(t *testing.T) {
	t.Parallel()
	th := theme.New(true, false)
	m := table.New(th, table.Config[item]{
		Columns: []table.Column[item]{
			{Title: "NAME", Min: 4, Grow: true, Cell: func(i item) table.Cell { return table.Cell{Text: i.id} }},
			{
				Title: "STATE", Min: 10, Grow: true, Wants: func(p int) int {
					if p >= 5 {
						return 40
					}
					return 20
				},
				Cell: func(item) table.Cell {
					return table.Cell{Text: "failing", Tone: theme.ToneBad, Aside: " since noon, for want of a nail", AsideTone: theme.ToneDim}
				},
			},
			{Title: "ONE", Min: 6, Priority: 1, Cell: func(item) table.Cell { return table.Cell{Text: "one"} }},
			{Title: "FIVE", Min: 6, Priority: 5, Cell: func(item) table.Cell { return table.Cell{Text: "five"} }},
		},
		ID: func(i item) string { return i.id }, Text: func(i item) string { return i.id }, Sort: -1,
	})
	m.SetRows([]item{{id: "a"}})
	for _, test := range []struct {
		width int
		shows string
		row   string
	}{
		{30, "NAME STATE", "failing since no"},
		{38, "NAME STATE ONE", "failing since noon"},
		{60, "NAME STATE ONE", "failing since noon, for want of a nail"},
		{66, "NAME STATE ONE FIVE", "failing since noon, for want of a nail"},
	} {
		m.SetSize(test.width, 3)
		lines := strings.Split(m.View(), "\n")
		if got := strings.Join(strings.Fields(ansi.Strip(lines[0])), " "); got != test.shows {
			t.Errorf("at %d cells: %s, want %s", test.width, got, test.shows)
		}
		if !strings.Contains(ansi.Strip(lines[1]), test.row) {
			t.Errorf("at %d cells: %q does not say %q", test.width, ansi.Strip(lines[1]), test.row)
		}
	}
}

func TestSortIsKept(t *testing.T) {
	t.Parallel()
	m := newTable()
	m.SetSize(60, 9)
	m.SetRows(items("b c a"))
	m.SetSort(0, true)
	if got := order(m); got != "c b a" {
		t.Errorf("order %s", got)
	}
	if column, reversed := m.Sort(); column != 0 || !reversed {
		t.Errorf("sort %d %v", column, reversed)
	}
	m.SetSort(2, false) // cannot be sorted by
	if column, _ := m.Sort(); column != -1 || order(m) != "b c a" {
		t.Errorf("sort %d, order %s", column, order(m))
	}
	m.SetSort(99, false)
	if column, _ := m.Sort(); column != -1 {
		t.Errorf("sort %d", column)
	}
}
