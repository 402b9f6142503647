package cli

import (
	"context"
	"errors"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/metrics"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui"
)

// console opens the console on the stage the flags and the environment name.
func (a *App) console(ctx context.Context) error {
	if err := a.needTerminal(); err != nil {
		return usagef("%w; `aiwctl workers`, `logs`, `dispatch` and `dlq` do the same for scripts", err)
	}
	r, _, err := a.resolve()
	if err != nil {
		return err
	}
	s, err := a.openToLook(ctx, r)
	if err != nil {
		return err
	}
	records, err := a.openRecords(ctx, s)
	if err != nil {
		return err
	}
	b, err := a.backend(s, a.engine(s, records), records)
	if err != nil {
		return err
	}
	cfg := a.consoleOn(b)
	cfg.Connect, cfg.Choices = a.connect, a.choices
	return tui.Run(ctx, cfg)
}

// openToLook opens a stage for the console.
func (a *App) openToLook(ctx context.Context, r settings.Resolved) (*aws.Stage, error) {
	o := a.options(r)
	o.Locked = a.looksFirst(r)
	return aws.Open(ctx, r.Target, o)
}

// looksFirst is whether the console may not write to a stage before a person has said
// so there: one in AWS, unless --write, --read-only, the environment or the config file
// say whether it may.
func (a *App) looksFirst(r settings.Resolved) bool {
	return !a.write && !r.Target.Loopback() && r.Value(settings.ReadOnly).Origin == settings.Unsaid
}

// backend is a stage as the console uses it. Records may be nil.
func (a *App) backend(s *aws.Stage, e *redrive.Engine, records *jobRecords) (tui.Backend, error) {
	reader := logs.For(s, logs.WithLive(logs.LiveOf(s))) // one, so that everything shares its budget of calls
	b := tui.Backend{
		Stage: s, Logs: reader, Recent: reader, Redrive: e, Jobs: a.finder(s, reader, e, records),
		History: a.trail(s),
	}
	if s.Locked() {
		b.Unlock = s.Unlock
	}
	kept, err := recall.For(s, a.Getenv)
	if err != nil {
		return b, usageError(err)
	}
	b.Recall = kept
	if !a.noMetrics {
		b.Metrics = metrics.For(s)
	}
	return b, nil
}

// consoleOn configures a console that shows one stage.
func (a *App) consoleOn(b tui.Backend) tui.Config {
	cfg := tui.Config{Backend: b, NoColor: a.global.noColor, ASCII: a.global.ascii, Getenv: a.Getenv, Now: a.Now}
	cfg.Keys, cfg.KeyFaults = a.keymap()
	return cfg
}

// openConsole shows a console of one stage until a person quits it. Notices (may be nil)
// appear in its task line; records may be nil.
func (a *App) openConsole(ctx context.Context, s *aws.Stage, e *redrive.Engine, records *jobRecords, notices <-chan tui.Notice) error {
	b, err := a.backend(s, e, records)
	if err != nil {
		return err
	}
	cfg := a.consoleOn(b)
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
