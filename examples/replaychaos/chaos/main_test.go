package chaos

import (
	"os"
	"testing"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/cli"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// TestMain lets the test binary be aiwctl.
func TestMain(m *testing.M) {
	if os.Getenv(rig.Marker) != "" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}
