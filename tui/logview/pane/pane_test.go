package pane

import (
	"fmt"
	"slices"
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

func TestACursorComesBackWithItsLine(t *testing.T) {
	t.Parallel()
	p := New(NewBuffer(1000))
	p.SetSize(10, nil)
	for i := range 300 {
		p.Add([]logs.Line{line(i, i, []string{"one", "two", "three"}[i%3])})
	}
	p.Move(-150)
	was, offset := p.Current(), p.cursor-p.top
	p.Buf.budget = 2000 // several chunks
	for _, typed := range []string{"t", "tw", "two", "tw", ""} {
		f, _ := ParseFilter(typed)
		p.SetFilter(f)
	}
	for p.Buf.Busy() {
		p.Advance()
	}
	if p.Current() != was || p.cursor-p.top != offset {
		t.Errorf("the cursor is on %s, %d below the top; it was on %s, %d below", p.Current().Entry.ID, p.cursor-p.top, was.Entry.ID, offset)
	}
}

func TestTheNewestMatchesAreThereAtOnce(t *testing.T) {
	t.Parallel()
	p := New(NewBuffer(Capacity))
	p.SetSize(10, nil)
	for i := range 50_000 {
		p.Add([]logs.Line{line(i, i, strings.Repeat("some text ", 20)+fmt.Sprint(i))})
	}
	f, _ := ParseFilter("~text .*7$")
	p.SetFilter(f)
	if !p.Buf.Busy() {
		t.Fatal("the whole buffer was searched in one go")
	}
	if got := p.Current().Line(); got == nil || got.ID != "49997" {
		t.Errorf("the newest match is not shown after the first chunk, but %v", got)
	}
}

func TestTheBufferIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	b := NewBuffer(Capacity)
	big := strings.Repeat("x", 1<<20)
	for i := range 400 {
		l := line(i, i, big)
		b.add(&Entry{Line: &l})
	}
	if b.bytes > capacityBytes || b.Dropped == 0 || b.all.len()+b.Dropped != 400 {
		t.Errorf("%d lines with %d bytes are kept, %d dropped", b.all.len(), b.bytes, b.Dropped)
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
		f, err := ParseFilter(test.typed)
		if err != nil {
			t.Fatal(err)
		}
		l := logs.Line{Text: test.text, Raw: test.raw + test.text}
		if got := f.Keeps(&l); got != test.keeps {
			t.Errorf("%q keeps %q: %v", test.typed, test.text, got)
		}
		var hits []string
		for _, h := range f.Hits(test.text) {
			hits = append(hits, test.text[h.From:h.To])
		}
		if !slices.Equal(hits, test.hits) {
			t.Errorf("%q finds %q in %q, want %q", test.typed, hits, test.text, test.hits)
		}
	}
	if _, err := ParseFilter("~("); err == nil {
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
