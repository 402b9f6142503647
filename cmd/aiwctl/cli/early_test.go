package cli

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var updateHelp = flag.Bool("update-help", false, "rewrite the text of the help that is answered early")

// What package early answers before the program is initialised is what the commands
// answer. After a change of the help:
//
//	go test ./cmd/aiwctl/cli -run Early -update-help && go test ./cmd/aiwctl/cli -run Early
func TestEarlyAnswersAreTheCommands(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{"--help", "-h", "version"} {
		a, stdout, _ := testApp("", nil)
		if code := a.Run(t.Context(), []string{arg}); code != exitDone {
			t.Fatalf("%s: exit code %d", arg, code)
		}
		if *updateHelp && arg == "--help" {
			if err := os.WriteFile(filepath.Join("..", "early", "help.txt"), stdout.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			return // this binary has the old one in it
		}
		// This binary has package early in it, as the program does.
		early, err := exec.CommandContext(t.Context(), self, arg).Output()
		if err != nil {
			t.Fatalf("%s: %v", arg, err)
		}
		if string(early) != stdout.String() {
			t.Errorf("%s is answered early with\n%s\nand by the command with\n%s", arg, early, stdout)
		}
	}
}
