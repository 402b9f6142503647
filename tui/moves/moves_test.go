package moves_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/tui/moves"
)

func TestBy(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{
		"j": 1, "down": 1, "k": -1, "up": -1, "g": -100, "home": -100, "G": 100, "end": 100,
		"pgdown": 9, "ctrl+f": 9, "pgup": -9, "ctrl+b": -9, "ctrl+d": 5, "ctrl+u": -5,
	} {
		if by, ok := moves.By(key, 10, 100); by != want || !ok {
			t.Errorf("%s moves by %d, %v; want %d", key, by, ok, want)
		}
	}
	for _, key := range []string{"ctrl+d", "pgdown"} {
		if by, _ := moves.By(key, 0, 3); by != 1 {
			t.Errorf("%s moves by %d in a window without lines, want 1", key, by)
		}
	}
	if _, ok := moves.By("x", 10, 100); ok {
		t.Error("x moves")
	}
}
