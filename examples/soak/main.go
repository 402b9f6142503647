// Command soak runs jobs through a local stage that delivers worse than SQS does,
// and counts what became of them: every job must be completed or a dead letter,
// none lost and none completed twice.
//
//	go run ./examples/soak -jobs 10000
//
// It exits with 1 when a promise was broken, and prints the figures either way.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/soak/torment"
)

func main() {
	if torment.IsWorker(os.Args) {
		os.Exit(torment.Worker(context.Background(), os.Args[1:]))
	}
	os.Exit(run())
}

func run() int {
	cfg := torment.Config{}
	flag.IntVar(&cfg.Jobs, "jobs", 10_000, "how many jobs")
	wrong := flag.String("faults", torment.DefaultFaults, "what goes wrong, as in aiwctl dev --faults")
	flag.BoolVar(&cfg.NoOutages, "no-outages", false, "store and webhook receiver stay up")
	verbose := flag.Bool("v", false, "print what goes on")
	flag.Parse()

	var err error
	if cfg.Faults, err = faults.Parse(*wrong); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if cfg.Program, err = os.Executable(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if *verbose {
		cfg.Progress = os.Stderr
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := torment.Run(ctx, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(report)
	if broken := report.Broken(); len(broken) > 0 {
		for _, b := range broken {
			fmt.Fprintln(os.Stderr, "broken:", b)
		}
		return 1
	}
	return 0
}
