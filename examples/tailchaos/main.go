// Command tailchaos holds `aiwctl logs -f` to its word: no line is lost, none is printed twice.
// It writes a hundred thousand events to ten log groups of an endpoint of its own, with equal
// times, half of them up to a minute late, while a tenth of the calls is throttled and
// every page is cut at a size of its own, and follows them with the whole command. Then it
// follows jobs among a thousand that run side by side, and reads them once more:
//
//	go run ./examples/tailchaos
//
// It exits with 1 when a line was lost, doubled or not asked for.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
	"github.com/microfox-ai/aiwctl/examples/tailchaos/chaos"
)

func main() { os.Exit(run()) }

func run() int {
	cfg := chaos.Config{OnLine: func(s string) { fmt.Println(s) }}
	flag.StringVar(&cfg.Aiwctl, "aiwctl", "", "the aiwctl to judge (default: it is built)")
	flag.IntVar(&cfg.Events, "events", 100_000, "how many events are written")
	flag.IntVar(&cfg.Groups, "groups", 10, "to how many log groups")
	flag.DurationVar(&cfg.Over, "over", 40*time.Second, "for how long they are written")
	flag.DurationVar(&cfg.Late, "late", time.Minute, "how late they arrive at most")
	flag.Float64Var(&cfg.Throttled, "throttled", 0.1, "the part of the calls that is refused")
	flag.BoolVar(&cfg.Live, "live", false, "the first round's tail uses live sessions, too, which leave out what is over 500 events a second")
	flag.IntVar(&cfg.Jobs, "jobs", 1000, "how many jobs run side by side")
	flag.IntVar(&cfg.Tailed, "tailed", 4, "how many of them are followed")
	flag.DurationVar(&cfg.Quiet, "quiet", 45*time.Second, "how long to wait for lines that do not come")
	flag.Uint64Var(&cfg.Seed, "seed", uint64(time.Now().UnixNano()), "what the choices are made of")
	flag.Parse()
	if cfg.Events < 1 || cfg.Groups < 1 || cfg.Jobs < 1 || cfg.Tailed < 1 || cfg.Late <= 0 || cfg.Over <= 0 {
		fmt.Fprintln(os.Stderr, "all counts and durations are above zero")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("seed %d\n", cfg.Seed)
	ok, err := judge(ctx, cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !ok {
		return 1
	}
	return 0
}

func judge(ctx context.Context, cfg chaos.Config) (ok bool, err error) {
	var remove func()
	if cfg.Aiwctl, remove, err = rig.Find(ctx, cfg.Aiwctl); err != nil {
		return false, err
	}
	defer remove()
	if cfg.Dir, err = os.MkdirTemp("", "tailchaos-"); err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(cfg.Dir) }() // a leftover of the temporary directory at worst
	results, err := chaos.Run(ctx, cfg)
	ok = len(results) > 0
	for i := range results {
		ok = ok && results[i].Holds()
	}
	return ok, err
}
