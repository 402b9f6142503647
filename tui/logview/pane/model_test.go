package pane

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// plainPane is what a pane shows, said in the simplest way: from all lines, anew each
// time.
type plainPane struct {
	limit  int
	all    []plainLine // in order of time, of equal ones in the order in which they came
	groups map[string]*plainGroup
	keeps  func(*logs.Line) bool
	search Matcher
	folded bool
	seq    int
}

type plainLine struct {
	logs.Line
	seq int
}

type plainGroup struct {
	from time.Time
	seq  int
	open bool
}

// row is a row's name: a line's id, or an invocation's in brackets.
type row = string

func (m *plainPane) add(l logs.Line) {
	m.seq++
	m.all = append(m.all, plainLine{l, m.seq})
	slices.SortStableFunc(m.all, func(a, b plainLine) int { return a.Time.Compare(b.Time) })
	if l.RequestID != "" {
		g := m.groups[l.RequestID]
		if g == nil {
			g = &plainGroup{from: l.Time, seq: m.seq}
			m.groups[l.RequestID] = g
		} else if l.Time.Before(g.from) {
			g.from, g.seq = l.Time, m.seq
		}
	}
	if len(m.all) > m.limit {
		gone := m.all[0]
		m.all = m.all[1:]
		if !slices.ContainsFunc(m.all, func(l plainLine) bool { return l.RequestID == gone.RequestID }) {
			delete(m.groups, gone.RequestID)
		}
	}
}

func (m *plainPane) kept() []plainLine {
	var out []plainLine
	for _, l := range m.all {
		if m.keeps(&l.Line) {
			out = append(out, l)
		}
	}
	return out
}

// place is where a line, or its invocation, stands among others.
func (m *plainPane) place(l plainLine) (time.Time, int) {
	if g := m.groups[l.RequestID]; m.folded && g != nil {
		return g.from, g.seq
	}
	return l.Time, l.seq
}

// sorted are the kept lines in the order of rows.
func (m *plainPane) sorted() []plainLine {
	out := m.kept()
	slices.SortStableFunc(out, func(a, b plainLine) int {
		at, n := m.place(a)
		bt, o := m.place(b)
		return cmp.Or(at.Compare(bt), cmp.Compare(n, o))
	})
	return out
}

func (m *plainPane) rows() []row {
	var out []row
	last := ""
	for _, l := range m.sorted() {
		g := m.groups[l.RequestID]
		if !m.folded || g == nil {
			out = append(out, l.ID)
			last = ""
			continue
		}
		if l.RequestID != last {
			out = append(out, "["+l.RequestID+"]")
			last = l.RequestID
		}
		if g.open {
			out = append(out, l.ID)
		}
	}
	return out
}

// step is where a step from a row leads, empty when nowhere, and its number.
func (m *plainPane) step(from row, back, here bool) (to row, n int) {
	// The rows as they would be with all invocations open.
	open := map[string]bool{}
	for id, g := range m.groups {
		open[id], g.open = g.open, true
	}
	rows := m.rows()
	for id, g := range m.groups {
		g.open = open[id]
	}
	texts := map[row]*logs.Line{}
	for i := range m.all {
		texts[m.all[i].ID] = &m.all[i].Line
	}
	var found []int
	for i, r := range rows {
		if l := texts[r]; l != nil && m.search.Matches(l) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return "", 0
	}
	at := slices.Index(rows, from)
	if here && slices.Contains(found, at) {
		return rows[at], 1 + slices.Index(found, at)
	}
	n = len(found)
	if !back {
		n = 1
	}
	for i, f := range found {
		if !back && f > at {
			return rows[f], i + 1
		}
		if back && f < at {
			n = i + 1
		}
	}
	if back && found[0] >= at {
		n = len(found)
	}
	return rows[found[n-1]], n
}

func name(r Row) row {
	if r.None() {
		return ""
	}
	if r.Entry == nil {
		return "[" + r.Group.key.request + "]"
	}
	return r.Entry.ID
}

func names(p *Pane) []row {
	var out []row
	for i := range p.Len() {
		out = append(out, name(p.At(i)))
	}
	return out
}

// rowsUsed is how many rows of the screen those from one to another take.
func rowsUsed(p *Pane, from, to int) int {
	if p.rowsOf == nil {
		return to - from + 1
	}
	used := 0
	for i := from; i <= to; i++ {
		used += p.rowsOf(p.At(i))
	}
	return used
}

func drawLines(rt *rapid.T, next, now *int) []logs.Line {
	var lines []logs.Line
	for range rapid.IntRange(1, 8).Draw(rt, "n") {
		*now += rapid.IntRange(0, 2).Draw(rt, "pass")
		at := *now
		if rapid.IntRange(0, 4).Draw(rt, "late") == 0 {
			at = max(0, *now-rapid.IntRange(1, 30).Draw(rt, "by"))
		}
		l := line(*next, at, rapid.SampledFrom([]string{"a", "ab", "abc", "b", "bc", "c"}).Draw(rt, "text"))
		l.RequestID = rapid.SampledFrom([]string{"", "", "r1", "r2", "r3", "r4"}).Draw(rt, "request")
		*next++
		lines = append(lines, l)
	}
	return lines
}

// The window against a model: after every step the right rows are shown in the right
// order, a search goes where it should, the cursor is in the window, and neither the
// cursor nor the window leaves its row when others come, go, fold or are hidden.
func TestPaneFollowsItsRows(t *testing.T) {
	t.Parallel()
	tall := func(r Row) int {
		if r.Entry == nil {
			return 1
		}
		return 1 + len(r.Entry.Text)%3
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(rt, "limit")
		m := &plainPane{limit: limit, groups: map[string]*plainGroup{}, keeps: func(*logs.Line) bool { return true }}
		p := New(NewBuffer(limit))
		p.Buf.budget = rapid.IntRange(1, 400).Draw(rt, "budget")
		next, now := 0, 0
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			cursor, top := p.Current(), topRow(p)
			wasFollowing, wasBusy := p.Follow, p.Buf.Busy()
			op := rapid.SampledFrom([]string{"add", "add", "add", "filter", "search", "advance", "next", "next", "up", "down", "end", "start", "size", "fold", "toggle", "all"}).Draw(rt, "op")
			switch op {
			case "add":
				lines := drawLines(rt, &next, &now)
				for _, l := range lines {
					m.add(l)
				}
				p.Add(lines)
			case "filter":
				f, err := ParseFilter(rapid.SampledFrom([]string{"", "a", "AB", "!b", "~^b", "!~c$", "none", "a && !~^ab$"}).Draw(rt, "filter"))
				if err != nil {
					rt.Fatal(err)
				}
				m.keeps = f.Keeps
				p.SetFilter(f)
			case "search":
				s, err := ParseMatcher(rapid.SampledFrom([]string{"", "a", "bc", "~^.$", "!a", "none"}).Draw(rt, "search"))
				if err != nil {
					rt.Fatal(err)
				}
				m.search = s
				p.SetSearch(s)
			case "advance":
				p.Advance()
			case "next":
				back, here := rapid.Bool().Draw(rt, "back"), rapid.Bool().Draw(rt, "here")
				took := p.Step(back, here)
				for took == StepWaiting {
					took = p.Advance()
				}
				if m.search.Empty() {
					break
				}
				for p.Buf.Busy() { // a match that is near is gone to before all are known
					p.Advance()
				}
				if wasBusy {
					// The cursor was still on its way back to its row; what is open is the pane's to say.
					for i := range p.Buf.groups.len() {
						if g := p.Buf.groups.at(i); g.folding != nil {
							m.groups[g.key.request].open = g.Open
						}
					}
					break
				}
				to, n := m.step(name(cursor), back, here)
				for i := range m.all {
					if g := m.groups[m.all[i].RequestID]; m.all[i].ID == to && m.folded && g != nil {
						g.open = true
					}
				}
				if to == "" {
					if took != StepNone {
						rt.Fatalf("a step to nothing is %d", took)
					}
					break
				}
				if got := name(p.Current()); got != to {
					rt.Fatalf("a step from %s (back %v, here %v) in %v leads to %s, want %s", name(cursor), back, here, m.rows(), got, to)
				}
				if got, of := p.Match(); got != n {
					rt.Fatalf("it is on match %d of %d, want %d", got, of, n)
				}
			case "up":
				p.Move(-rapid.IntRange(1, 9).Draw(rt, "by"))
			case "down":
				p.Move(rapid.IntRange(1, 9).Draw(rt, "by"))
			case "end":
				p.ToEnd()
			case "start":
				p.ToStart()
			case "size":
				rows := tall
				if rapid.Bool().Draw(rt, "flat") {
					rows = nil
				}
				p.SetSize(rapid.IntRange(1, 12).Draw(rt, "height"), rows)
			case "fold":
				m.folded = !m.folded
				p.SetFolded(m.folded)
			case "toggle":
				if r := p.Current(); p.Toggle() {
					g := m.groups[r.Group.key.request]
					g.open = !g.open
					if got := p.Current(); got != (Row{Group: r.Group}) {
						rt.Fatalf("the cursor is on %s after its invocation was toggled", name(got))
					}
				}
			case "all":
				if !m.folded {
					break
				}
				open := false
				for _, l := range m.kept() {
					if g := m.groups[l.RequestID]; g != nil && !g.open {
						open = true
					}
				}
				if p.Buf.Judging() {
					break
				}
				p.OpenAll()
				for _, g := range m.groups {
					g.open = open
				}
			}

			got, want := names(p), m.rows()
			switch {
			case !p.Buf.Judging() && !slices.Equal(got, want):
				rt.Fatalf("after %s %v are shown, want %v", op, got, want)
			case !m.folded && (len(got) > len(want) || !slices.Equal(got, want[len(want)-len(got):])):
				rt.Fatalf("after %s %v are shown while it goes on, want an end of %v", op, got, want)
			}
			n := p.Len()
			if n == 0 {
				continue
			}
			switch {
			case p.cursor < 0 || p.cursor >= n || p.top < 0 || p.top > p.cursor:
				rt.Fatalf("after %s the cursor is on %d and the window on %d of %d", op, p.cursor, p.top, n)
			case p.top < p.cursor && rowsUsed(p, p.top, p.cursor) > p.height:
				rt.Fatalf("after %s the cursor is not in the window", op)
			case p.Follow && p.cursor != n-1:
				rt.Fatalf("after %s it follows and is on %d of %d", op, p.cursor, n)
			case p.top > 0 && rowsUsed(p, p.top-1, n-1) <= p.height:
				rt.Fatalf("after %s there is room below while rows are hidden above", op)
			case !p.Follow && p.Fresh > n-1-p.cursor:
				rt.Fatalf("after %s %d are new below, and there are %d", op, p.Fresh, n-1-p.cursor)
			}
			if op != "add" || wasFollowing || wasBusy || cursor.None() {
				continue
			}
			at := p.seek(cursor)
			if at == n || p.At(at) != cursor {
				continue // it was dropped
			}
			if p.Current() != cursor {
				rt.Fatalf("the cursor went from %s to %s", name(cursor), name(p.Current()))
			}
			if i := p.seek(top); !m.folded && i < n && p.At(i) == top && rowsUsed(p, i, p.cursor) <= p.height && topRow(p) != top && p.top < p.back(n-1) {
				rt.Fatalf("the window went from %s to %s", name(top), name(topRow(p)))
			}
		}
		counts(rt, p)
	})
}

// counts holds the counts that are kept while lines come and go to the lines.
func counts(rt *rapid.T, p *Pane) {
	b := p.Buf
	kept, found, lines := 0, 0, 0
	for i := range b.groups.len() {
		g := b.groups.at(i)
		kept, found, lines = kept+b.keptOf(g), found+b.hitsOf(g), lines+g.lines.len()
		if g.lines.len() == 0 {
			rt.Fatal("an invocation without a line is kept")
		}
	}
	if kept != b.shown.len() || found != b.found.len() || lines != b.all.len() {
		rt.Fatalf("invocations count %d lines, %d shown, %d found; there are %d, %d, %d", lines, kept, found, b.all.len(), b.shown.len(), b.found.len())
	}
	if len(b.byRequest) > b.groups.len() {
		rt.Fatalf("%d requests are remembered of %d invocations", len(b.byRequest), b.groups.len())
	}
}

func topRow(p *Pane) Row {
	if p.top >= p.Len() {
		return Row{}
	}
	return p.At(p.top)
}

func TestFoldingKeepsThePlace(t *testing.T) {
	t.Parallel()
	p := New(NewBuffer(1000))
	p.SetSize(10, nil)
	for i := range 300 {
		l := line(i, i, "text")
		l.RequestID = fmt.Sprint("r", i/10)
		p.Add([]logs.Line{l})
	}
	p.Move(-57) // line 242
	p.SetFolded(true)
	if got := name(p.Current()); got != "[r24]" || p.Len() != 30 {
		t.Fatalf("folded, the cursor is on %s of %d", got, p.Len())
	}
	p.Toggle()
	p.Move(3)
	if got := name(p.Current()); got != "242" {
		t.Fatalf("the invocation's third line is %s", got)
	}
	p.SetFolded(false)
	if got := name(p.Current()); got != "242" || p.Len() != 300 {
		t.Errorf("unfolded, the cursor is on %s of %d", got, p.Len())
	}
	inv := p.Buf.groups.at(24).Invocation(time.Time{})
	if inv.Lines != 10 || inv.RequestID != "r24" {
		t.Errorf("the invocation is %+v", inv)
	}
}
