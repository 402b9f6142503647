package figures

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/cli"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// TestMain lets the test binary be the endpoint, the bare mover, and aiwctl.
func TestMain(m *testing.M) {
	if os.Getenv(rig.Marker) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	if IsChild(os.Args) {
		os.Exit(Child(context.Background(), os.Args))
	}
	os.Exit(m.Run())
}

// TestFigures is the replaybench command in short form. It asserts no figure: the
// machine may be busy. That each message arrives once is Run's own condition.
func TestFigures(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var lines []Line
	err = Run(t.Context(), Config{Aiwctl: self, Self: self, N: 200, Runs: 1, Concurrency: 16, OnLine: func(l Line) {
		t.Log(l)
		lines = append(lines, l)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range []string{"a", "b", "c", "d"} {
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.Measurement == letter && l.Figure != "" }) {
			t.Errorf("measurement %s has no line", letter)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	if got, want := (rates{30, 10, 20}).String(), "20/s (30, 10, 20)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := (rates{10, 20}).median(); got != 15 {
		t.Errorf("the median of two is %v", got)
	}
}
