// Command replaychaos kills `aiwctl dlq replay` at random moments, lets
// `aiwctl dlq resume` finish it, kills that as well, and counts what became of the
// messages: each is in the target in the end, none is lost, none is left in the
// dead-letter queue, and no more are there twice than were being sent when a process
// died; of a FIFO queue none, and in their order. It interrupts `aiwctl dlq peek`
// as well, which must leave nothing hidden.
//
//	go run ./examples/replaychaos -rounds 50
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
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/chaos"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

func main() { os.Exit(run()) }

func run() int {
	cfg := chaos.Config{}
	flag.StringVar(&cfg.Aiwctl, "aiwctl", "", "the aiwctl to judge (default: it is built)")
	flag.IntVar(&cfg.Rounds, "rounds", 50, "how many replays are killed")
	flag.IntVar(&cfg.Messages, "messages", 2000, "how many messages a standard queue has")
	flag.IntVar(&cfg.FIFOMessages, "fifo-messages", 500, "how many a FIFO queue has")
	flag.IntVar(&cfg.Groups, "groups", 50, "in how many message groups")
	flag.IntVar(&cfg.Concurrency, "concurrency", 16, "how many batches a replay has under way")
	flag.Uint64Var(&cfg.Seed, "seed", 1, "decides the moments")
	flag.IntVar(&cfg.WaitRounds, "wait-rounds", 2, "in how many rounds resume waits for what the killed process hides")
	flag.DurationVar(&cfg.Jump, "jump", 35*time.Second, "how far the queues' clock jumps after a kill in the others")
	flag.Float64Var(&cfg.ResumesKilled, "resumes-killed", 0.4, "the share of resumes that are killed, too")
	flag.IntVar(&cfg.Parallel, "parallel", 2, "how many rounds are played at once")
	flag.IntVar(&cfg.Only, "round", 0, "play the round of this number only")
	flag.IntVar(&cfg.Peeks, "peeks", 10, "how many looks are interrupted")
	wrong := flag.String("faults", chaos.DefaultFaults, "what every second pair of rounds meets, as in aiwctl dev --faults")
	verbose := flag.Bool("v", false, "print what every command said")
	flag.Parse()

	f, err := faults.Parse(*wrong)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cfg.Faults = f.API
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	broken, err := play(ctx, cfg, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if broken > 0 {
		fmt.Fprintf(os.Stderr, "%d promises were broken\n", broken)
		return 1
	}
	return 0
}

// play plays everything and returns how many promises were broken.
func play(ctx context.Context, cfg chaos.Config, verbose bool) (broken int, err error) {
	var remove func()
	if cfg.Aiwctl, remove, err = rig.Find(ctx, cfg.Aiwctl); err != nil {
		return 0, err
	}
	defer remove()
	var lost, doubled, kills int
	cfg.OnRound = func(r *chaos.Round) {
		fmt.Println(r)
		if verbose || len(r.Broken) > 0 {
			for _, line := range r.Log {
				fmt.Println("       " + line)
			}
		}
		for _, b := range r.Broken {
			fmt.Printf("       BROKEN (seed %d, round %d, journals in %s): %s\n", cfg.Seed, r.Number, r.Kept, b)
		}
		broken += len(r.Broken)
		lost, doubled, kills = lost+r.Lost, doubled+r.Doubled, kills+r.Kills
	}
	if cfg.Rounds > 0 {
		fmt.Println(chaos.Title)
		rounds, err := chaos.Run(ctx, cfg)
		fmt.Printf("%d rounds, %d kills: %d messages lost, %d extra copies\n", len(rounds), kills, lost, doubled)
		if err != nil {
			return broken, err
		}
	}
	if cfg.Peeks == 0 || cfg.Only > 0 {
		return broken, nil
	}
	cfg.Messages = min(cfg.Messages, 1000)
	fmt.Println(chaos.LooksTitle)
	cfg.OnPeek = func(l *chaos.Look) {
		fmt.Println(l)
		for _, b := range l.Broken {
			fmt.Printf("       BROKEN (seed %d, look %d): %s\n", cfg.Seed, l.Number, b)
		}
		broken += len(l.Broken)
	}
	_, err = chaos.Peek(ctx, cfg)
	return broken, err
}
