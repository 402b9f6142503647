package cell

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// What is even is of one cell by either rule, whatever stands beside it.
func TestEvenLettersTakeOneCell(t *testing.T) {
	t.Parallel()
	for r := rune(0x20); r < 0x30000; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		s := string(r)
		if size, cells := even(s); size == 0 || cells != 1 {
			continue
		}
		for _, text := range []string{s, s + s, "a" + s + "b", s + "─" + s} {
			n := len([]rune(text))
			if a, b := ansi.StringWidth(text), ansi.StringWidthWc(text); a != n || b != n {
				t.Errorf("%q (%U) takes %d and %d cells, not %d", text, r, a, b, n)
			}
		}
	}
}

// The quick way and package ansi say the same.
func TestEvenLinesAreCutAsOthersAre(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{
		"a", "Z", " ", "~", "é", "·", "…", "–", "─", "│", "█", "▲", "⣿", "✓", "\x1b[m", "\x1b[0m", "\x1b[1;38;5;12m", "\x1b[38:2::1:2:3m",
		"日", "e\u0301", "\x1b[2K", "\x1b]8;;x\x07", "\u00ad", "\u200d", "\t", "\x7f", "\x1b[1",
	})
	few := rapid.SampledFrom([]string{"a", "b", " ", "│", "…", "é", "\x1b[m", "\x1b[38;5;1m"})
	rapid.Check(t, func(t *rapid.T) {
		from := few
		if rapid.Bool().Draw(t, "any") {
			from = piece
		}
		s := ""
		for _, p := range rapid.SliceOfN(from, 0, 30).Draw(t, "pieces") {
			s += p
		}
		x := rapid.IntRange(0, 30).Draw(t, "x")
		tail := rapid.SampledFrom([]string{"", Ellipsis}).Draw(t, "tail")
		if got, want := Width(s), ansi.StringWidth(s); got != want {
			t.Fatalf("%q is %d cells wide, want %d", s, got, want)
		}
		if got, want := head(s, x, tail), ansi.Truncate(s, x, tail); got != want {
			t.Fatalf("the head of %q, %d, is %q, want %q", s, x, got, want)
		}
		if width, ok := evenWidthOf(s); ok && x < width {
			if got, want := evenTail(s, x), ansi.TruncateLeft(s, x, ""); got != want {
				t.Fatalf("the tail of %q from %d is %q, want %q", s, x, got, want)
			}
		}
	})
}
