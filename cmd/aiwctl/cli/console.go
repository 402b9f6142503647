package cli

import (
	"context"
	"errors"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui"
)

// console opens the console on the stage the flags and the environment name.
func (a *App) console(ctx context.Context) error {
	if err := a.needTerminal(); err != nil {
		return usagef("%w; `aiwctl workers`, `logs`, `dispatch` and `dlq` do the same for scripts", err)
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	records, err := a.openRecords(ctx, s)
	if err != nil {
		return err
	}
	return a.openConsole(ctx, s, a.engine(s, records), nil)
}

// openConsole shows the console until a person quits it. Notices (may be nil)
// appear in its task line.
func (a *App) openConsole(ctx context.Context, s *aws.Stage, e *redrive.Engine, notices <-chan tui.Notice) error {
	cfg := tui.Config{
		Backend: tui.Backend{Stage: s, Logs: logs.For(s, logs.WithLive(logs.LiveOf(s))), Redrive: e}, Notices: notices,
		NoColor: a.global.noColor, Getenv: a.Getenv, Now: a.Now,
	}
	if !a.noMetrics {
		cfg.Metrics = metrics.For(s)
	}
	return tui.Run(ctx, cfg)
}

func (a *App) needTerminal() error {
	if a.InTTY && a.OutTTY {
		return nil
	}
	return errors.New("the console needs a terminal")
}
