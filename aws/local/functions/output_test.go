package functions

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorded is an output whose lines are kept.
func recorded(t testing.TB) (*output, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	o, err := newOutput(func(more ...string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, more...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return o, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

// TestSyncWaitsForEveryLine writes lines in pieces of any size, and asks after
// each sync for all that has been written.
func TestSyncWaitsForEveryLine(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	o, lines := recorded(t)
	defer o.close()
	var want []string
	for round := range 300 {
		var text strings.Builder
		for i := range random.IntN(20) {
			line := fmt.Sprintf("%d.%d %s", round, i, strings.Repeat("x", random.IntN(3000)))
			want = append(want, line)
			text.WriteString(line)
			// The last line of a round may lack its end; Windows ends lines with two.
			text.WriteString([]string{"\n", "\r\n", "\n\n"}[random.IntN(3)])
		}
		rest := strings.TrimSuffix(text.String(), "\n")
		for len(rest) > 0 {
			n := 1 + random.IntN(min(len(rest), 20000))
			if _, err := o.w.WriteString(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		o.sync()
		if got := lines(); !slices.Equal(got, want) {
			t.Fatalf("round %d: %d lines, want %d", round, len(got), len(want))
		}
	}
}

func TestLinesAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, character := range []string{"x", "é", "€", "🙂"} {
		for shift := range 4 {
			o, lines := recorded(t)
			text := strings.Repeat("a", shift) + strings.Repeat(character, 3*maxLine/len(character))
			go func() { _, _ = o.w.WriteString(text + "\nafter\n") }()
			eventually(t, "the last line", func() bool { got := lines(); return len(got) > 0 && got[len(got)-1] == "after" })
			o.close()
			got := lines()
			if joined := strings.Join(got[:len(got)-1], ""); joined != text {
				t.Errorf("%q shifted by %d: %d bytes of %d", character, shift, len(joined), len(text))
			}
			for _, line := range got {
				if len(line) > maxLine || strings.ToValidUTF8(line, "") != line {
					t.Errorf("%q shifted by %d: a line of %d bytes", character, shift, len(line))
				}
			}
		}
	}
}

func TestCloseLogsWhatIsLeft(t *testing.T) {
	t.Parallel()
	o, lines := recorded(t)
	if _, err := o.w.WriteString("one\ntwo without an end"); err != nil {
		t.Fatal(err)
	}
	o.close()
	if got := lines(); !slices.Equal(got, []string{"one", "two without an end"}) {
		t.Errorf("got %q", got)
	}
}

// BenchmarkSync is what waiting for the output costs an invocation.
func BenchmarkSync(b *testing.B) {
	o, _ := recorded(b)
	defer o.close()
	for b.Loop() {
		o.sync()
	}
}
