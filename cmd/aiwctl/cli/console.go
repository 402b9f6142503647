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
	cfg := a.consoleOn(a.backend(s, a.engine(s, records)))
	cfg.Connect, cfg.Choices = a.connect, a.choices
	return tui.Run(ctx, cfg)
}

// backend is a stage as the console uses it.
func (a *App) backend(s *aws.Stage, e *redrive.Engine) tui.Backend {
	b := tui.Backend{Stage: s, Logs: logs.For(s), Redrive: e}
	if !a.noMetrics {
		b.Metrics = metrics.For(s)
	}
	return b
}

// consoleOn configures a console that shows one stage.
func (a *App) consoleOn(b tui.Backend) tui.Config {
	return tui.Config{Backend: b, NoColor: a.global.noColor, ASCII: a.global.ascii, Getenv: a.Getenv, Now: a.Now}
}

// openConsole shows a console of one stage until a person quits it. Notices (may be nil)
// appear in its task line.
func (a *App) openConsole(ctx context.Context, s *aws.Stage, e *redrive.Engine, notices <-chan tui.Notice) error {
	cfg := a.consoleOn(a.backend(s, e))
	cfg.Notices = notices
	return tui.Run(ctx, cfg)
}

// needTerminal says why the console cannot be shown here; nil when it can.
func (a *App) needTerminal() error {
	if a.InTTY && a.OutTTY && a.Getenv("TERM") == "dumb" {
		return errors.New("the console needs a terminal whose cursor moves, and TERM=dumb says that this one's does not")
	}
	if a.InTTY && a.OutTTY {
		return nil
	}
	return errors.New("the console needs a terminal")
}
