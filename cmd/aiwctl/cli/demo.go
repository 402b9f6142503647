package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

type demoFlags struct {
	localFlags
	quiet bool
}

func (a *App) newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A whole stage in this process, with example workers and failures",
		Long: "Run a whole stage inside this process and open the console on it: real SQS messages over the AWS " +
			"protocol, delivered by an event source mapping to real worker processes. It needs no AWS account, no Docker " +
			"and no Go toolchain.\n\nA modest stream of jobs is dispatched all the time, some of which fail, and worker digest runs once a minute.",
		Example: "aiwctl demo\naiwctl demo --headless --quiet",
		Args:    takes(0, 0, ""),
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.demo(ctx, f) }),
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.quiet, "quiet", false, "dispatch no jobs")
	return cmd
}

func (a *App) demo(ctx context.Context, f demoFlags) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable, which also runs the demo's workers: %w", err)
	}
	programs := []local.Program{{Name: "the demo's workers", Command: []string{exe, workerCommand}}}
	secret := webhook.NewSecret().Reveal()
	st := localStage{service: "aiw", stage: "demo", env: []string{"WORKER_WEBHOOK_SECRET=" + secret}}
	return a.withLocal(ctx, f.localFlags, st, programs, func(ctx context.Context, ls *localSession) error {
		if !f.quiet {
			hook, err := startDemoHook(ctx, secret, ls.log)
			if err != nil {
				return err
			}
			defer hook.stop()
			stop := startStream(ctx, ls.server.Endpoint(), ls.apiKey, hook.url, ls.log)
			defer stop()
		}
		return ls.serve(ctx)
	})
}
