// Command tailbench measures how fast `aiwctl logs` prints a hundred thousand events beside `aws logs
// tail` (of version 2 of the AWS CLI; version 1 has no such command), saw (github.com/TylerBrock/saw) and a bare SDK
// program that does what saw does: one FilterLogEvents page after another, each message printed. All read the same log group of one endpoint in
// this process, one after the other, in turns.
//
//	go run ./examples/tailbench
//
// It exits with 1 when it could not measure or a program did not print every event, and with
// -strict also when a bar does not hold.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

func main() {
	if len(os.Args) == 4 && (os.Args[1] == bareCommand || os.Args[1] == watchCommand) {
		if err := bare(context.Background(), os.Args[1] == watchCommand, os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(run())
}

func run() int {
	var b bench
	flag.StringVar(&b.aiwctl, "aiwctl", "", "the aiwctl to judge (default: it is built)")
	flag.StringVar(&b.awscli, "aws", "", "the AWS CLI, version 2 (default: aws on PATH, or the one that .ci/conformance/run installs, if it knows logs tail)")
	flag.StringVar(&b.saw, "saw", "", "saw, built so that AWS_ENDPOINT_URL is its endpoint: its releases know AWS's own alone (without it only bare programs stand for it)")
	flag.IntVar(&b.events, "events", 100_000, "how many events there are")
	flag.IntVar(&b.runs, "runs", 3, "how often each is measured; medians count")
	strict := flag.Bool("strict", false, "exit with 1 when a bar does not hold")
	flag.Parse()
	if b.events < 1 || b.runs < 1 {
		fmt.Fprintln(os.Stderr, "-events and -runs are 1 at least")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	holds, err := b.measure(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if *strict && !holds {
		return 1
	}
	return 0
}

func (b *bench) measure(ctx context.Context) (holds bool, err error) {
	if b.self, err = os.Executable(); err != nil {
		return false, err
	}
	var remove func()
	if b.aiwctl, remove, err = rig.Find(ctx, b.aiwctl); err != nil {
		return false, err
	}
	defer remove()
	if b.home, err = os.MkdirTemp("", "tailbench-"); err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(b.home) }() // a leftover of the temporary directory at worst
	return b.run(ctx)
}
