// Command replaybench measures `aiwctl dlq replay` from outside, against an SQS
// endpoint in a process of its own, and prints each figure with its bar:
//
//	a  how fast it is beside a mover that does nothing but move
//	b  how much faster, when calls take 10 ms, than one batch after another
//	c  how much memory it takes for a hundred thousand messages
//	d  how well it keeps to --rate 50/s
//
// Run it on a machine that does nothing else:
//
//	go run ./examples/replaybench
//
// It exits with 1 when it could not measure or a message did not arrive once, and
// with -strict also when a bar does not hold.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/microfox-ai/aiwctl/examples/replaybench/figures"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

func main() {
	if figures.IsChild(os.Args) {
		os.Exit(figures.Child(context.Background(), os.Args))
	}
	os.Exit(run())
}

func run() int {
	cfg := figures.Config{}
	flag.StringVar(&cfg.Aiwctl, "aiwctl", "", "the aiwctl to judge (default: it is built)")
	flag.IntVar(&cfg.N, "n", 10_000, "how many messages a and b replay; c ten times, d a tenth of them")
	flag.IntVar(&cfg.Runs, "runs", 3, "how often a and b are measured; medians count")
	flag.IntVar(&cfg.Concurrency, "concurrency", 16, "how many batches are under way at once")
	flag.StringVar(&cfg.Only, "only", "", "the measurements to make, such as a,c (default: all)")
	strict := flag.Bool("strict", false, "exit with 1 when a bar does not hold")
	flag.Parse()
	if cfg.N < 10 || cfg.Runs < 1 || cfg.Concurrency < 1 {
		fmt.Fprintln(os.Stderr, "-n is 10 at least, -runs and -concurrency 1")
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
	cfg.OnLine = func(l figures.Line) {
		fmt.Println(l)
		if l.Bar != "" && !l.Holds {
			below++
		}
	}
	return below, figures.Run(ctx, cfg)
}
