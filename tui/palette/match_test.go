package palette

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// best orders names as the palette does.
func best(typed string, names ...string) []string {
	var m matcher
	p := newPattern(typed)
	type hit struct {
		name  string
		score int
	}
	var hits []hit
	for _, n := range names {
		if s, ok := m.score(p, newName(n)); ok {
			hits = append(hits, hit{n, s})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	var out []string
	for _, h := range hits {
		out = append(out, h.name)
	}
	return out
}

func TestBestFirst(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed string
		names []string
		want  []string // from the first
	}{
		{"logs", []string{"dead logshipper", "logs orders", "logs"}, []string{"logs", "logs orders", "dead logshipper"}},
		{"orders", []string{"worker reorders", "worker orders"}, []string{"worker orders", "worker reorders"}},
		{"lo or", []string{"logs fail-orders", "logs orders", "dead orders"}, []string{"logs orders", "logs fail-orders"}},
		{"send email", []string{"logs send-email", "logs sendemail"}, []string{"logs send-email"}},
		{"ra", []string{"refresh-stage", "replay-all"}, []string{"replay-all"}},
		{"LOGS", []string{"logs orders"}, []string{"logs orders"}},
		{"rp", []string{"workers", "replay"}, []string{"replay"}},
		{"xyz", []string{"logs orders", "help"}, nil},
		{"  stages ", []string{"stages"}, []string{"stages"}},
		{"orders", []string{"worker orders", "logs orders", "dispatch orders", "worker orders-eu"}, []string{"worker orders", "logs orders"}},
	} {
		got := best(test.typed, test.names...)
		if len(got) < len(test.want) || !slices.Equal(got[:len(test.want)], test.want) || test.want == nil && got != nil {
			t.Errorf("%q finds %q, want %q first", test.typed, got, test.want)
		}
	}
}

// What is emphasised is what was typed, in its order, and score and places agree on
// what fits.
func TestPlacesSpellThePattern(t *testing.T) {
	t.Parallel()
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("ab -Äß日x1")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		p, n := newPattern(letters.Draw(t, "typed")), newName(letters.Draw(t, "name"))
		var m matcher
		_, ok := m.score(p, n)
		at := places(p, n)
		if len(p) == 0 {
			return
		}
		if ok != (at != nil) {
			t.Fatalf("fits: %v, but places are %v", ok, at)
		}
		last := -1
		for i, j := range at {
			if j <= last || !same(p[i], n.lower[j]) {
				t.Fatalf("places %v of %q in %q", at, string(p), string(n.lower))
			}
			last = j
		}
	})
}

func TestEmphasisIsOnWords(t *testing.T) {
	t.Parallel()
	at := places(newPattern("or"), newName("worker orders"))
	if !slices.Equal(at, []int{7, 8}) {
		t.Errorf("%v is emphasised, want the beginning of the second word", at)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	var h History
	for _, line := range []string{"a", "b", "a", "", "c"} {
		h.Add(line)
	}
	if got := strings.Join(h.lines, " "); got != "b a c" {
		t.Errorf("kept %q", got)
	}
	for range 3 * keptCommands {
		h.Add(strings.Repeat("x", len(h.lines)+1))
	}
	if len(h.lines) > keptCommands {
		t.Errorf("%d commands are kept", len(h.lines))
	}
}
