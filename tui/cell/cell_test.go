package cell_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

func TestFit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in    string
		width int
		left  string
		right string
	}{
		{"abc", 5, "abc  ", "  abc"},
		{"abcdef", 4, "abc…", "abc…"},
		{"日本語", 5, "日本…", "日本…"},
		{"日本語", 4, "日… ", " 日…"},
		{"abc", 0, "", ""},
		{"", 2, "  ", "  "},
		{"\x1b[31mred\x1b[m", 4, "\x1b[31mred\x1b[m ", " \x1b[31mred\x1b[m"},
	} {
		if got := cell.Fit(test.in, test.width); got != test.left {
			t.Errorf("Fit(%q, %d) = %q, want %q", test.in, test.width, got, test.left)
		}
		if got := cell.FitRight(test.in, test.width); got != test.right {
			t.Errorf("FitRight(%q, %d) = %q, want %q", test.in, test.width, got, test.right)
		}
	}
}

func TestEveryLayoutHasTheWidthItWasAskedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab 日é\u200d👩\U0001F3FD\x1b[31m\u0301\u202e\t\n"))).Draw(t, "text")
		clean := cell.Clean(text)
		width := rapid.IntRange(0, 30).Draw(t, "width")
		if w := cell.Width(cell.Fit(clean, width)); w != width {
			t.Fatalf("Fit is %d cells wide, want %d", w, width)
		}
		if w := cell.Width(cell.Ends(clean, "end", width)); w != width {
			t.Fatalf("Ends is %d cells wide, want %d", w, width)
		}
		base := cell.Box([]string{clean, clean, clean}, 40, 3)
		over := cell.Overlay(base, "box\nbox", 7, 1)
		for _, line := range strings.Split(over, "\n") {
			if w := cell.Width(line); w != 40 {
				t.Fatalf("an overlaid line is %d cells wide, want 40: %q", w, line)
			}
		}
	})
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	got := ansi.Strip(cell.Center("aaaaa\nbbbbb\nccccc", "XX", 5, 3))
	if want := "aaaaa\nbXXbb\nccccc"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 1204: "1,204", 999999: "999,999", 1_200_000: "1.2M", 3_400_000_000: "3.4G", -1500: "-1,500",
	} {
		if got := cell.Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 59 * time.Second: "59s", time.Minute: "1m", 59 * time.Minute: "59m",
		time.Hour: "1h", 47 * time.Hour: "47h", 49 * time.Hour: "2d", 400 * 24 * time.Hour: "400d",
	} {
		if got := cell.Age(d); got != want {
			t.Errorf("Age(%v) = %q, want %q", d, got, want)
		}
	}
	if got := cell.Plural(1, "job") + " " + cell.Plural(2, "job"); got != "1 job 2 jobs" {
		t.Errorf("Plural: %q", got)
	}
}

// A line does not end at a hyphen: what stands before it and what comes after it are
// one option, one id, one date, one host's name.
func TestWrapKeepsHyphens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"aiwctl dlq replay fail --id 32b72b05-f6f2", 28, []string{"aiwctl dlq replay fail --id", "32b72b05-f6f2"}},
		{"lookup sqs.eu-west-1.amazonaws.com failed", 28, []string{"lookup", "sqs.eu-west-1.amazonaws.com", "failed"}},
		{"twins \u2011 and - both stay", 8, []string{"twins \u2011", "and -", "both", "stay"}},
	} {
		if got := cell.Wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
