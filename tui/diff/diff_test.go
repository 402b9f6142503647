package diff_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/diff"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func shown(lines []diff.Line) string {
	return ansi.Strip(strings.Join(diff.Render(theme.New(true, false), lines, 40), "\n"))
}

func TestWhatChangedIsShownWithALittleAround(t *testing.T) {
	t.Parallel()
	before := "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4,\n  \"url\": \"ftp://x\",\n  \"z\": 0\n}"
	after := strings.Replace(before, "ftp://x", "https://x", 1)
	got := shown(diff.Lines(before, after))
	want := strings.Join([]string{
		"  · 3 lines the same",
		"    \"c\": 3,",
		"    \"d\": 4,",
		"-   \"url\": \"ftp://x\",",
		"+   \"url\": \"https://x\",",
		"    \"z\": 0",
		"  }",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if removed, added := diff.Counts(diff.Lines(before, after)); removed != 1 || added != 1 {
		t.Errorf("%d went and %d came, want one each", removed, added)
	}
	if diff.Lines(before, before) != nil {
		t.Error("a text differs from itself")
	}
}

// Whatever the texts, what is not an addition is the old text and what is not a
// removal the new one, as long as nothing was left out.
func TestADiffTellsBothTexts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.Custom(func(rt *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 1, 12).Draw(rt, "lines"), "\n")
		})
		before, after := text.Draw(rt, "before"), text.Draw(rt, "after")
		lines := diff.Lines(before, after)
		if before == after {
			return
		}
		var old, fresh []string
		for _, l := range lines {
			if l.Op == diff.Skipped {
				return
			}
			if l.Op != diff.Added {
				old = append(old, l.Text)
			}
			if l.Op != diff.Removed {
				fresh = append(fresh, l.Text)
			}
		}
		if strings.Join(old, "\n") != before || strings.Join(fresh, "\n") != after {
			rt.Fatalf("%q to %q gave %v", before, after, lines)
		}
	})
}

func TestLargeAndHostileTexts(t *testing.T) {
	t.Parallel()
	before, after := strings.Repeat("x\n", 20000), strings.Repeat("y\n", 20000)
	if removed, added := diff.Counts(diff.Lines(before, after)); removed != 20000 || added != 20000 {
		t.Errorf("%d went and %d came", removed, added)
	}
	for _, line := range diff.Render(theme.New(true, false), diff.Lines("a\n\x1b[2J", "a\n\x1b]52;c;x\x07\u202e日本日本日本日本"), 10) {
		screentest.Harmless(t, line)
		if cell.Width(line) > 10 {
			t.Errorf("%q is too wide", line)
		}
	}
}
