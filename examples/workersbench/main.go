// Command workersbench measures `aiwctl workers` from outside, against a stage of
// 500 workers with their dead-letter queues, beside a bare SDK program that makes the
// same calls at the same concurrency, and counts the calls:
//
//	go run ./examples/workersbench
//
// It exits with 1 when it could not measure or a call was made that nobody needs, and
// with -strict also when a bar does not hold. Run it on a machine that does nothing
// else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
	"github.com/microfox-ai/aiwctl/examples/workersbench/figures"
)

func main() {
	if figures.IsBare(os.Args) {
		os.Exit(figures.Bare(context.Background(), os.Args))
	}
	os.Exit(run())
}

func run() int {
	cfg := figures.Config{}
	flag.StringVar(&cfg.Aiwctl, "aiwctl", "", "the aiwctl to judge (default: it is built)")
	flag.IntVar(&cfg.Workers, "workers", 500, "how many workers the stage has")
	flag.IntVar(&cfg.Runs, "runs", 7, "how often each is measured, in turn; medians count")
	flag.DurationVar(&cfg.Latency, "latency", figures.DefaultLatency, "what a call takes in the second measurement")
	strict := flag.Bool("strict", false, "exit with 1 when a bar does not hold")
	flag.Parse()
	if cfg.Workers < 1 || cfg.Runs < 1 {
		fmt.Fprintln(os.Stderr, "-workers and -runs are 1 at least")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	below, err := measure(ctx, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if below > 0 && *strict {
		return 1
	}
	return 0
}

// measure prints the lines and returns how many bars do not hold.
func measure(ctx context.Context, cfg figures.Config) (below int, err error) {
	if cfg.Self, err = os.Executable(); err != nil {
		return 0, err
	}
	var remove func()
	if cfg.Aiwctl, remove, err = rig.Find(ctx, cfg.Aiwctl); err != nil {
		return 0, err
	}
	defer remove()
	results, err := figures.Run(ctx, cfg)
	for _, r := range results {
		fmt.Println(r)
		if !r.Holds() {
			below++
		}
	}
	return below, err
}
