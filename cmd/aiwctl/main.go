// Command aiwctl is the console for background jobs on AWS: it lists a stage's
// workers and queue depths, dispatches jobs, follows their logs and replays
// dead letters, as commands and as a terminal UI.
package main

import (
	"os"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/cli"
	_ "github.com/microfox-ai/aiwctl/cmd/aiwctl/early" // answers version and --help before all else
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
