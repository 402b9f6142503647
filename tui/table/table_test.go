package table_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

type item struct {
	id string
	n  int
}

func newTable() *table.Model[item] {
	return table.New(theme.New(true, false), table.Config[item]{
		Columns: []table.Column[item]{
			{Title: "NAME", Min: 8, Cell: func(i item) table.Cell { return table.Cell{Text: i.id} }, Compare: func(a, b item) int { return cmp.Compare(a.id, b.id) }},
			{Title: "COUNT", Right: true, Min: 5, Cell: func(i item) table.Cell { return table.Cell{Text: fmt.Sprint(i.n), Tail: theme.GlyphUp} }, Compare: func(a, b item) int { return cmp.Compare(b.n, a.n) }},
			{Title: "EXTRA", Min: 10, Priority: 2, Cell: func(item) table.Cell { return table.Cell{Text: "extra"} }},
			{Title: "MORE", Min: 10, Priority: 1, Cell: func(item) table.Cell { return table.Cell{Text: "more"} }},
		},
		ID: func(i item) string { return i.id }, Text: func(i item) string { return i.id },
		Sort: -1, Default: func(a, b item) int { return cmp.Compare(b.n, a.n) }, DefaultName: "need",
	})
}

func items(ids string) []item {
	var list []item
	for i, id := range strings.Fields(ids) {
		list = append(list, item{id, 100 - i})
	}
	return list
}

func order(m *table.Model[item]) string {
	var ids []string
	for _, r := range m.Rows() {
		ids = append(ids, r.id)
	}
	return strings.Join(ids, " ")
}

func selected(m *table.Model[item]) string {
	r, _ := m.Selected()
	return r.id
}

// onScreen are the names on the screen, the one under the cursor in brackets.
func onScreen(m *table.Model[item]) string {
	var out []string
	for _, line := range strings.Split(ansi.Strip(m.View()), "\n")[1:] {
		marker, rest := []rune(line)[0], strings.Fields(string([]rune(line)[2:]))
		switch {
		case len(rest) == 0:
		case string(marker) == theme.GlyphCursor:
			out = append(out, "["+rest[0]+"]")
		default:
			out = append(out, rest[0])
		}
	}
	return strings.Join(out, " ")
}

func TestKeysMoveTheCursor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ keys, want string }{
		{"", "[a] b c"},
		{"j", "a [b] c"},
		{"j j", "a b [c]"},
		{"j j j", "b c [d]"},
		{"k", "[a] b c"},
		{"G", "d e [f]"},
		{"G k k k", "[c] d e"},
		{"G g", "[a] b c"},
		{"down up down", "a [b] c"},
		{"pgdown", "[c] d e"},
		{"pgdown pgdown pgdown", "d e [f]"},
		{"ctrl+d ctrl+u", "[a] b c"},
		{"end home", "[a] b c"},
	} {
		t.Run(test.keys, func(t *testing.T) {
			t.Parallel()
			m := newTable()
			m.SetSize(60, 4)
			m.SetRows(items("a b c d e f"))
			for _, key := range strings.Fields(test.keys) {
				if !m.Key(key) {
					t.Fatalf("%q does not move", key)
				}
			}
			if got := onScreen(m); got != test.want {
				t.Errorf("on the screen: %s, want %s", got, test.want)
			}
		})
	}
}

func TestTheSelectionFollowsItsRow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, keys, after, want string }{
		{"same rows", "j", "a b c d e f", "a [b] c"},
		{"a row comes above it, from the top", "j", "x a b c d e f", "x a [b]"},
		{"rows come above it, scrolled", "j j j j", "x y a b c d e f", "c d [e]"},
		{"rows go above it", "j j j j", "c d e f", "c d [e]"},
		{"it rises to the top", "j j j", "d a b c e f", "[d] a b"},
		{"it goes: the next takes its place", "j", "a c d e f", "a [c] d"},
		{"it and all after it go", "G", "a b c", "a b [c]"},
		{"all go", "j", "", ""},
		{"nobody chose: the first stays first", "", "x a b c", "[x] a b"},
		{"the first, chosen", "j k", "x a b c", "x [a] b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newTable()
			m.SetSize(60, 4)
			m.SetRows(items("a b c d e f"))
			for _, key := range strings.Fields(test.keys) {
				m.Key(key)
			}
			m.SetRows(items(test.after))
			if got := onScreen(m); got != test.want {
				t.Errorf("on the screen: %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever happens to the data, a row that is still there keeps the cursor, and
// its line of the screen when there are rows enough to scroll by.
func TestTheSelectionIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newTable()
		height := rapid.IntRange(2, 9).Draw(t, "height")
		m.SetSize(60, height+1)
		draw := func(name string) []item {
			ids := rapid.SliceOfDistinct(rapid.IntRange(0, 40), func(i int) int { return i }).Draw(t, name)
			list := make([]item, len(ids))
			for i, id := range ids {
				list[i] = item{fmt.Sprintf("w%02d", id), rapid.IntRange(0, 9).Draw(t, "n")}
			}
			return list
		}
		m.SetRows(draw("before"))
		for range rapid.IntRange(0, 30).Draw(t, "moves") {
			m.Key(rapid.SampledFrom([]string{"j", "j", "k", "pgdown", "pgup", "G", "g"}).Draw(t, "key"))
		}
		m.Hold()
		before := selected(m)
		after := draw("after")
		m.SetRows(after)
		if slices.ContainsFunc(after, func(i item) bool { return i.id == before }) {
			if got := selected(m); got != before {
				t.Fatalf("the cursor went from %s to %s", before, got)
			}
		}
		if len(after) > 0 && !strings.Contains(onScreen(m), "[") {
			t.Fatal("the cursor is off the screen")
		}
	})
}

func TestSort(t *testing.T) {
	t.Parallel()
	m := newTable()
	m.SetSize(60, 10)
	m.SetRows([]item{{"b", 2}, {"a", 1}, {"c", 3}})
	m.Key("j") // to b
	for _, step := range []struct{ name, order string }{{"need", "c b a"}, {"name", "a b c"}, {"count", "c b a"}, {"need", "c b a"}} {
		if m.SortName() != step.name || order(m) != step.order || selected(m) != "b" {
			t.Errorf("by %s: %s with %s selected; want by %s: %s with b selected", m.SortName(), order(m), selected(m), step.name, step.order)
		}
		m.NextSort()
	}
	m.Reverse()
	if m.SortName() != "name reversed" || order(m) != "c b a" {
		t.Errorf("by %s: %s", m.SortName(), order(m))
	}
}

func TestFilterAndMarks(t *testing.T) {
	t.Parallel()
	m := newTable()
	m.SetSize(60, 10)
	m.SetRows(items("orders invoices order-mail cleanup"))
	m.ToggleMark() // orders, on to invoices
	if selected(m) != "invoices" {
		t.Errorf("after marking, the cursor is on %s", selected(m))
	}
	m.SetFilter("ORDER")
	if got := order(m); got != "orders order-mail" {
		t.Errorf("filtered: %s", got)
	}
	m.InvertMarks()
	m.SetFilter("clean")
	marked := m.Marked()
	if len(marked) != 1 || marked[0].id != "order-mail" {
		t.Errorf("marked: %v, want order-mail", marked)
	}
	if n, hidden := m.Marks(); n != 1 || hidden != 1 {
		t.Errorf("%d marked, %d hidden; want 1, 1", n, hidden)
	}
	m.SetFilter("")
	m.MarkAll()
	m.SetRows(items("cleanup orders"))
	if n, _ := m.Marks(); n != 2 {
		t.Errorf("%d marked after two rows went, want 2", n)
	}
	m.ClearMarks()
	if got := m.MarkedOrSelected(); len(got) != 1 || got[0].id != selected(m) {
		t.Errorf("MarkedOrSelected = %v, want the selected row", got)
	}
}

func TestColumnsGoByPriority(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		60: "NAME COUNT EXTRA MORE", 46: "NAME COUNT EXTRA MORE", 45: "NAME COUNT MORE", 33: "NAME COUNT", 12: "NAME",
	} {
		m := newTable()
		m.SetSize(width, 4)
		m.SetRows(items("a-rather-long b"))
		screentest.Frame(t, m.View(), width, 4)
		head := strings.Join(strings.Fields(strings.Split(ansi.Strip(m.View()), "\n")[0]), " ")
		if !strings.HasPrefix(head, want) && width > 20 {
			t.Errorf("at %d: %s, want %s", width, head, want)
		}
	}
}

func TestNumbersAlignWhetherOrNotTheyChanged(t *testing.T) {
	t.Parallel()
	m := newTable()
	m.SetSize(30, 4)
	m.SetRows([]item{{"a", 1000}, {"b", 7}})
	lines := strings.Split(ansi.Strip(m.View()), "\n")
	at := func(line, s string) int { return ansi.StringWidth(line[:strings.Index(line, s)]) + len(s) }
	if a, b, c := at(lines[0], "COUNT"), at(lines[1], "1000"), at(lines[2], "7"); a != b || b != c {
		t.Errorf("the column ends at %d, %d, %d:\n%s", a, b, c, strings.Join(lines, "\n"))
	}
}
