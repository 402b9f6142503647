package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/build"
	"github.com/microfox-ai/aiwctl/tui"
)

type devFlags struct {
	localFlags
	noWatch   bool
	noWorkers bool
}

func (a *App) newDev() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [PACKAGE...]",
		Short: "Build Go worker packages and run them on a local AWS endpoint",
		Long: "Build the Go packages whose programs call runtime.Main, run them behind a local AWS endpoint, and open " +
			"the console on it. They are built again when a file changes; queues, messages and logs stay. The default " +
			"package is ./workers/... .\n\nWith --no-workers the endpoint has none: it is a place to push to, for a rehearsal.",
		Example: "aiwctl dev ./examples/workers\naiwctl dev ./workers/... --headless --listen 127.0.0.1:0\naiwctl dev --no-workers --headless",
		RunE:    a.run(func(ctx context.Context, args []string) error { return a.dev(ctx, f, args) }),
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.noWatch, "no-watch", false, "do not build again when a file changes")
	cmd.Flags().BoolVar(&f.noWorkers, "no-workers", false, "build and run nothing: an empty endpoint, to push to")
	return cmd
}

func (a *App) dev(ctx context.Context, f devFlags, patterns []string) error {
	st := localStage{service: "aiw", stage: "dev"}
	if f.noWorkers {
		if len(patterns) > 0 {
			return usagef("--no-workers runs none, and %s was named: leave out one of them", strings.Join(patterns, " "))
		}
		return a.withLocal(ctx, f.localFlags, st, nil, func(ctx context.Context, ls *localSession) error { return ls.serve(ctx) })
	}
	if len(patterns) == 0 {
		patterns = []string{"./workers/..."}
	}
	fmt.Fprintln(a.Err, "building", strings.Join(patterns, " "))
	b, err := build.New(patterns)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	programs, err := b.Build(ctx)
	if err != nil {
		return err
	}
	return a.withLocal(ctx, f.localFlags, st, programs, func(ctx context.Context, ls *localSession) error {
		if !f.noWatch {
			stop, err := ls.watch(ctx, b)
			if err != nil {
				return err
			}
			defer stop()
		}
		return ls.serve(ctx)
	})
}

// watch rebuilds on changes until stop is called, which waits for it.
func (ls *localSession) watch(ctx context.Context, b *build.Builder) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	w, err := b.Watch(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for change := range w {
			ls.rebuilt(ctx, change)
		}
	})
	return func() { cancel(); wg.Wait() }, nil
}

func (ls *localSession) rebuilt(ctx context.Context, change build.Change) {
	err := change.Err
	if err == nil {
		err = ls.server.SetPrograms(ctx, change.Programs)
	}
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		ls.notice(tui.Notice{Text: "rebuild failed, the old workers go on", Err: err})
	default:
		ls.notice(tui.Notice{Text: "rebuilt " + programNames(change.Programs)})
	}
}

func programNames(programs []local.Program) string {
	names := make([]string, len(programs))
	for i, p := range programs {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// notice tells the console, or the terminal when headless.
func (ls *localSession) notice(n tui.Notice) {
	if ls.flags.headless {
		text := n.Text
		if n.Err != nil {
			text += ": " + n.Err.Error()
		}
		fmt.Fprintln(ls.app.Err, plain(text))
		return
	}
	for {
		select {
		case ls.notices <- n:
			return
		default:
		}
		select {
		case <-ls.notices: // the console is behind: the newest build is what counts
		default:
		}
	}
}
