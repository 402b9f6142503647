package figures

import (
	"context"
	"os"
	"testing"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/cli"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// TestMain lets the test binary be aiwctl and the bare program.
func TestMain(m *testing.M) {
	if os.Getenv(rig.Marker) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	if IsBare(os.Args) {
		os.Exit(Bare(context.Background(), os.Args))
	}
	os.Exit(m.Run())
}

// TestFigures is the workersbench command in short form: the calls are counted, as
// Run's own condition. It asserts no figure, since the machine may be busy.
func TestFigures(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const workers = 120 // two pages of mappings, three of functions, two of metrics
	results, err := Run(t.Context(), Config{Aiwctl: self, Self: self, Workers: workers, Runs: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Log(r)
		if r.Calls != 2+3+1+2*workers+2 || r.Width < 2 || r.Aiwctl == 0 || r.Bare == 0 {
			t.Errorf("%+v", r)
		}
	}
}
