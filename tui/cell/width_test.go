package cell_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

// Bubble Tea renders by the width of characters until the terminal says that it goes by
// clusters of them. What is laid out here must fit either way.
func TestCleanTextIsAsWideByEitherRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{
			"a", " ", "日", "한", "가", "é", "e\u0301", "ก็", "ש", "👩", "🚒", "\u200d", "\u200c", "\U0001F3FD", "\ufe0f", "\ufe0e", "🏳️‍🌈", "🇩🇪", "❤️", "1️⃣", "👨‍👩‍👧‍👦", "☕", "✓", "\u202e", "\x1b[31m", "\u20e3",
		})).Draw(t, "pieces")
		clean := cell.Clean(strings.Join(pieces, ""))
		if a, b := ansi.StringWidth(clean), ansi.StringWidthWc(clean); a != b {
			t.Fatalf("%q is %d cells by clusters, %d by characters", clean, a, b)
		}
	})
}

func TestCleanKeepsLetters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"می\u200cخواهم": "می\u200cخواهم", "क\u094d\u200dष": "क\u094d\u200dष", "日本 é": "日本 é",
		"👩‍🚒 on call": "👩🚒 on call", "👩🏽": "👩", "❤️": "❤", "1️⃣": "1", "a\U0001F3FD": "a",
	} {
		if got := cell.Clean(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func BenchmarkClean(b *testing.B) {
	line := strings.Repeat(`{"level":"info","msg":"order paid – 12 €"} `, 10)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		cell.Clean(line)
	}
}
