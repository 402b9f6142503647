// Command pushbench measures what a push does before it calls AWS, beside the Go command: it
// writes a module with 50 worker programs, and one with 50 workers in one program, and takes
// the time of scan, bundle and template and of "go build" of the same packages for linux/arm64:
//
//	go run ./examples/pushbench
//
// It is run from within this module, which the modules are built against. With -bars it exits
// with 1 when a bar does not hold. Run it on a machine that does nothing else; where that
// cannot be had, the processor time beside each figure tells more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	workers := flag.Int("workers", 50, "how many workers each module has")
	runs := flag.Int("runs", 3, "how often each is measured, in turn")
	only := flag.String("only", "", "measure one module: programs or program")
	bars := flag.Bool("bars", false, "exit with 1 when a bar does not hold")
	flag.Parse()
	if *workers < 1 || *runs < 1 {
		fmt.Fprintln(os.Stderr, "-workers and -runs are 1 at least")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	missed, err := measureAll(ctx, *workers, *runs, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if missed > 0 && *bars {
		return 1
	}
	return 0
}

func measureAll(ctx context.Context, workers, runs int, only string) (missed int, err error) {
	temp, err := os.MkdirTemp("", "pushbench-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/microfox-ai/aiwctl").Output()
	if err != nil {
		return 0, fmt.Errorf("find this module: %w: run it from within", err)
	}
	for _, v := range []variant{
		{"programs", fmt.Sprintf("%d programs with a worker each", workers), workers, 1},
		{"program", fmt.Sprintf("a program with %d workers", workers), 1, workers},
	} {
		if only != "" && only != v.name {
			continue
		}
		b := bench{variant: v, temp: filepath.Join(temp, v.name)}
		if err := b.write(strings.TrimSpace(string(root))); err != nil {
			return missed, fmt.Errorf("write the module: %w", err)
		}
		results, err := b.measure(ctx, runs)
		if err != nil {
			return missed, err
		}
		missed += results.print(os.Stdout, v.title)
	}
	return missed, nil
}
