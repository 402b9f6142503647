package logview

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func epoch() time.Time { return time.Date(2026, time.March, 2, 3, 0, 0, 0, time.UTC) }

func line(id, second int, text string) logs.Line {
	return logs.Line{ID: fmt.Sprint(id), Time: epoch().Add(time.Duration(second) * time.Second), Text: text, Raw: text}
}

// plainBuffer is what the buffer and its filter are, said in the simplest way.
type plainBuffer struct {
	limit int
	all   []logs.Line
	keeps func(*logs.Line) bool
}

func (m *plainBuffer) add(l logs.Line) {
	i := sort.Search(len(m.all), func(i int) bool { return m.all[i].Time.After(l.Time) })
	m.all = slices.Insert(m.all, i, l)
	if len(m.all) > m.limit {
		m.all = m.all[1:]
	}
}

func (m *plainBuffer) shown() []string {
	var ids []string
	for i := range m.all {
		if m.keeps(&m.all[i]) {
			ids = append(ids, m.all[i].ID)
		}
	}
	return ids
}

func shownIDs(p *pane) []string {
	var ids []string
	for i := range p.buf.shown.len() {
		ids = append(ids, p.buf.shown.at(i).ID)
	}
	return ids
}

// rowsUsed is how many rows the lines from one to another take.
func rowsUsed(p *pane, from, to int) int {
	if p.rows == nil {
		return to - from + 1
	}
	used := 0
	for i := from; i <= to; i++ {
		used += p.rows(p.buf.shown.at(i))
	}
	return used
}

// The window against a model: after every step the right lines are shown in the
// right order, the cursor is in the window, and neither the cursor nor the
// window leaves its line when others come, go or are hidden.
func TestPaneFollowsItsLines(t *testing.T) {
	t.Parallel()
	tall := func(l *logs.Line) int { return 1 + len(l.Text)%3 }
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(rt, "limit")
		m := &plainBuffer{limit: limit, keeps: func(*logs.Line) bool { return true }}
		p := newPane(newBuffer(limit))
		p.buf.budget = rapid.IntRange(1, 400).Draw(rt, "budget")
		next, now := 0, 0
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			cursor, top := p.current(), topLine(p)
			wasFollowing, wasSearching := p.follow, p.buf.searching()
			op := rapid.SampledFrom([]string{"add", "add", "add", "filter", "search", "up", "down", "end", "start", "size"}).Draw(rt, "op")
			switch op {
			case "add":
				var lines []logs.Line
				for range rapid.IntRange(1, 8).Draw(rt, "n") {
					now += rapid.IntRange(0, 2).Draw(rt, "pass")
					at := now
					if rapid.IntRange(0, 4).Draw(rt, "late") == 0 {
						at = max(0, now-rapid.IntRange(1, 30).Draw(rt, "by"))
					}
					text := rapid.SampledFrom([]string{"a", "ab", "abc", "b", "bc", "c"}).Draw(rt, "text")
					l := line(next, at, text)
					next++
					m.add(l)
					lines = append(lines, l)
				}
				p.add(lines)
			case "filter":
				typed := rapid.SampledFrom([]string{"", "a", "AB", "!b", "~^b", "!~c$", "none"}).Draw(rt, "filter")
				f, err := parseFilter(typed, logs.LevelNone)
				if err != nil {
					rt.Fatal(err)
				}
				m.keeps = f.keeps
				p.setFilter(f)
			case "search":
				p.search()
			case "up":
				p.move(-rapid.IntRange(1, 9).Draw(rt, "by"))
			case "down":
				p.move(rapid.IntRange(1, 9).Draw(rt, "by"))
			case "end":
				p.toEnd()
			case "start":
				p.toStart()
			case "size":
				rows := tall
				if rapid.Bool().Draw(rt, "flat") {
					rows = nil
				}
				p.setSize(rapid.IntRange(1, 12).Draw(rt, "height"), rows)
			}

			got, want := shownIDs(p), m.shown()
			if p.buf.searching() {
				if len(got) > len(want) || !slices.Equal(got, want[len(want)-len(got):]) {
					rt.Fatalf("after %s %v are shown while searching, want an end of %v", op, got, want)
				}
			} else if !slices.Equal(got, want) {
				rt.Fatalf("after %s %v are shown, want %v", op, got, want)
			}
			n := p.buf.shown.len()
			if n == 0 {
				continue
			}
			switch {
			case p.cursor < 0 || p.cursor >= n || p.top < 0 || p.top > p.cursor:
				rt.Fatalf("after %s the cursor is on %d and the window on %d of %d", op, p.cursor, p.top, n)
			case p.top < p.cursor && rowsUsed(p, p.top, p.cursor) > p.height:
				rt.Fatalf("after %s the cursor is not in the window", op)
			case p.follow && p.cursor != n-1:
				rt.Fatalf("after %s it follows and is on %d of %d", op, p.cursor, n)
			case p.top > 0 && rowsUsed(p, p.top-1, n-1) <= p.height:
				rt.Fatalf("after %s there is room below while lines are hidden above", op)
			case !p.follow && p.fresh > n-1-p.cursor:
				rt.Fatalf("after %s %d are new below, and there are %d", op, p.fresh, n-1-p.cursor)
			}
			if op != "add" || wasFollowing || wasSearching || cursor == nil {
				continue
			}
			at := p.buf.shown.seek(cursor)
			if at == n || p.buf.shown.at(at) != cursor {
				continue // it was dropped
			}
			if p.current() != cursor {
				rt.Fatalf("the cursor went from line %s to %s", cursor.ID, p.current().ID)
			}
			if i := p.buf.shown.seek(top); i < n && p.buf.shown.at(i) == top && rowsUsed(p, i, p.cursor) <= p.height && topLine(p) != top && p.top < p.back(n-1) {
				rt.Fatalf("the window went from line %s to %s", top.ID, topLine(p).ID)
			}
		}
	})
}

func topLine(p *pane) *logs.Line {
	if p.top >= p.buf.shown.len() {
		return nil
	}
	return p.buf.shown.at(p.top)
}

func TestACursorComesBackWithItsLine(t *testing.T) {
	t.Parallel()
	p := newPane(newBuffer(1000))
	p.setSize(10, nil)
	for i := range 300 {
		p.add([]logs.Line{line(i, i, []string{"one", "two", "three"}[i%3])})
	}
	p.move(-150)
	was, offset := p.current(), p.cursor-p.top
	p.buf.budget = 2000 // several chunks
	for _, typed := range []string{"t", "tw", "two", "tw", ""} {
		f, _ := parseFilter(typed, logs.LevelNone)
		p.setFilter(f)
	}
	for p.buf.searching() {
		p.search()
	}
	if p.current() != was || p.cursor-p.top != offset {
		t.Errorf("the cursor is on %s, %d below the top; it was on %s, %d below", p.current().ID, p.cursor-p.top, was.ID, offset)
	}
}

func TestTheNewestMatchesAreThereAtOnce(t *testing.T) {
	t.Parallel()
	p := newPane(newBuffer(capacity))
	p.setSize(10, nil)
	for i := range 50_000 {
		p.add([]logs.Line{line(i, i, strings.Repeat("some text ", 20)+fmt.Sprint(i))})
	}
	f, _ := parseFilter("~text .*7$", logs.LevelNone)
	p.setFilter(f)
	if !p.buf.searching() {
		t.Fatal("the whole buffer was searched in one go")
	}
	if got := p.current(); got == nil || got.ID != "49997" {
		t.Errorf("the newest match is not shown after the first chunk, but %v", got)
	}
}

func TestTheBufferIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := newBuffer(capacity)
	big := strings.Repeat("x", 1<<20)
	for i := range 400 {
		l := line(i, i, big)
		b.add(&l)
	}
	if b.bytes > capacityBytes || b.dropped == 0 || b.all.len()+b.dropped != 400 {
		t.Errorf("%d lines with %d bytes are kept, %d dropped", b.all.len(), b.bytes, b.dropped)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed, text, raw string
		keeps            bool
		hits             []string
	}{
		{"", "anything", "", true, nil},
		{"BOOM", "it went boom, boom", "", true, []string{"boom", "boom"}},
		{"boom", "it went Boom", "", true, []string{"Boom"}},
		{"boom", "quiet", "", false, nil},
		{"r-123", "job started", `{"requestId":"r-123"}`, true, nil},
		{"!boom", "boom", "", false, nil},
		{"!boom", "quiet", "", true, nil},
		{"ÉTÉ", "un été là", "", true, []string{"été"}},
		{"~bo+m", "BOOM bam bim", "", true, []string{"BOOM"}},
		{"!~^job", "job", "", false, nil},
		{"~x*", "abc", "", true, nil},
		{"~", "all while it is empty", "", true, nil},
	} {
		f, err := parseFilter(test.typed, logs.LevelNone)
		if err != nil {
			t.Fatal(err)
		}
		l := logs.Line{Text: test.text, Raw: test.raw + test.text}
		if got := f.keeps(&l); got != test.keeps {
			t.Errorf("%q keeps %q: %v", test.typed, test.text, got)
		}
		var hits []string
		for _, h := range f.hits(test.text) {
			hits = append(hits, test.text[h.from:h.to])
		}
		if !slices.Equal(hits, test.hits) {
			t.Errorf("%q finds %q in %q, want %q", test.typed, hits, test.text, test.hits)
		}
	}
	if _, err := parseFilter("~(", logs.LevelNone); err == nil {
		t.Error("an unfinished expression is no error")
	}
}

func TestIndexFoldIsIndexOfLowerCase(t *testing.T) {
	t.Parallel()
	letters := rapid.StringOf(rapid.RuneFrom([]rune("abAB ßé日İ")))
	rapid.Check(t, func(rt *rapid.T) {
		s := letters.Draw(rt, "s")
		low := strings.ToLower(rapid.StringOfN(rapid.RuneFrom([]rune("abé日")), 1, 3, -1).Draw(rt, "part"))
		if got, want := indexFold(s, low), strings.Index(strings.ToLower(s), low); got != want {
			rt.Fatalf("indexFold(%q, %q) = %d, want %d", s, low, got, want)
		}
	})
}

func TestWrappedLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("abc 日本é👍"))).Draw(rt, "text")
		room := rapid.IntRange(roomLeast, 20).Draw(rt, "room")
		var b strings.Builder
		for _, p := range wrapped(text, room, 1000) {
			if p.cells > room || p.cutLeft || p.cutRight {
				rt.Fatalf("a row of %d cells has %+v", room, p)
			}
			b.WriteString(text[p.from:p.to])
		}
		if b.String() != text {
			rt.Fatalf("%q became %q", text, b.String())
		}
		p := window(text, rapid.IntRange(0, 30).Draw(rt, "skip"), room)
		cells := p.cells
		for _, cut := range []bool{p.cutLeft, p.cutRight} {
			if cut {
				cells++
			}
		}
		if cells > room || p.from > p.to || p.to > len(text) {
			rt.Fatalf("the window of %q in %d cells is %+v", text, room, p)
		}
	})
}
