// Package tui is the console: one root model that routes, and a screen per
// thing a person looks at.
//
// The root (this package) holds the size, the theme, the stack of screens, the
// dialogs and the task line, and knows no screen's insides. Screens live in
// packages of their own, declare the small interfaces they need, and ask for one
// another by the messages of package screen. What is read from AWS again and
// again is read once, by package live, for the header and every screen.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/microfox-ai/aiwctl/tui/clipboard"
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/history"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/live"
	"github.com/microfox-ai/aiwctl/tui/logview"
	"github.com/microfox-ai/aiwctl/tui/replay"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/stages"
	"github.com/microfox-ai/aiwctl/tui/workerview"
)

// Stage is what the console needs of a stage; *aws.Stage is one.
type Stage interface {
	live.Stage
	compose.Source
	workerview.Stage
}

// Redrive looks into dead-letter queues and moves what is in them; *redrive.Engine is
// one.
type Redrive interface {
	deadletters.Engine
	replay.Engine
}

// Backend is one stage, as the console reads it and acts upon it.
type Backend struct {
	// Stage, Logs and Redrive are required.
	Stage Stage
	// Logs is a *logs.Reader.
	Logs logview.Source
	// Redrive is a *redrive.Engine.
	Redrive Redrive
	// Recall keeps what was dispatched, a *recall.Store; nil means nothing is kept.
	Recall compose.Recall

	// Jobs is a *jobs.Finder; nil means that no job can be looked for.
	Jobs jobview.Finder
	// History is the trail of writes, a history.Trail; nil means that none is kept.
	History history.Trail

	// Metrics asks CloudWatch, a *metrics.Reader; nil means nobody does, and failures,
	// throttles and ages stay unknown.
	Metrics live.Metrics
	// Recent reads the lines that tell of a worker's recent jobs, a *logs.Reader; nil
	// means that its screen does without them.
	Recent workerview.Logs

	// Unlock allows writes, on a stage that is Locked; nil means that it is not locked.
	Unlock func()

	// Close lets go of what the backend holds, once nothing of it is used any more; it
	// runs outside Update and may take a moment. Nil means there is nothing.
	Close func()
}

// Config configures Run.
type Config struct {
	// Backend is the stage to begin with.
	Backend

	// Connect opens another stage, and says in its error why that cannot be. It has to
	// find out whether the stage can be read at all, and end when ctx does. Nil means
	// that there is no other stage: a demo's, say.
	Connect func(ctx context.Context, to screen.Choice) (Backend, error)

	// Choices are the stages that have names, for the picker; nil means none has.
	Choices func(ctx context.Context) (stages.Offer, error)

	// Keys is what a person has bound to actions; nil means nothing.
	Keys *screen.Keymap
	// KeyFaults is what is wrong with it: shown, and left out of Keys.
	KeyFaults []error

	// Notices appear in the task line as they come; nil means none come. Run
	// reads them until it returns.
	Notices <-chan Notice

	// NoColor shows no colours, as NO_COLOR in the environment does.
	NoColor bool
	// ASCII draws lines and marks with ASCII characters.
	ASCII bool

	In     io.Reader           // nil: the terminal
	Out    io.Writer           // nil: standard output
	Getenv func(string) string // nil: os.Getenv
	Now    func() time.Time    // nil: time.Now

	// Options are further options of the program: a window size and an environment
	// where Out is no terminal, a filter that sees every message.
	Options []tea.ProgramOption

	// current is the stage that is shown. accounts are those that AWS has told, by the
	// choice that led there.
	current  screen.Choice
	accounts map[screen.Choice]string

	// clipboard is where copied text goes; nil: this machine's.
	clipboard copier
	// onEnd is told the final model, in tests.
	onEnd func(*Model)
}

// Notice is something that happened outside the console: a rebuild, say.
type Notice struct {
	Text string
	// Err, when not nil, is why it failed; it stays until it is dismissed.
	Err error
}

func (c Config) withDefaults() Config {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.clipboard == nil {
		c.clipboard = clipboard.New(c.Getenv)
	}
	if c.accounts == nil {
		c.accounts = make(map[screen.Choice]string)
	}
	return c
}

func (b Backend) validate() error {
	switch {
	case b.Stage == nil:
		return errors.New("the console was given no stage to show")
	case b.Logs == nil:
		return errors.New("the console was given no log reader")
	case b.Redrive == nil:
		return errors.New("the console was given no dead-letter engine")
	}
	return nil
}

// Run shows the console until a person quits it, ctx ends, or the process is
// told to end by SIGINT or SIGTERM, and leaves the terminal as it was. It
// returns nil in all those cases, and an error when the terminal cannot be used.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return err
	}
	work := screen.NewWork(ctx)
	model := newModel(cfg, work)
	options := []tea.ProgramOption{tea.WithContext(ctx)}
	if cfg.In != nil {
		options = append(options, tea.WithInput(cfg.In))
	}
	if cfg.Out != nil {
		options = append(options, tea.WithOutput(cfg.Out))
	}
	if cfg.NoColor {
		options = append(options, tea.WithColorProfile(colorprofile.ASCII))
	}
	options = append(options, cfg.Options...)

	program := tea.NewProgram(model, options...)
	ended := make(chan struct{})
	var forwarding sync.WaitGroup
	forwarding.Go(func() { forward(program, cfg.Notices, ended) })
	_, err := program.Run()
	close(ended)
	forwarding.Wait()
	// Requests end when their context does; one that does not must not keep a
	// person from their shell.
	work.Close(2 * time.Second)
	if cfg.onEnd != nil {
		cfg.onEnd(model)
	}
	switch {
	case err == nil, errors.Is(err, tea.ErrInterrupted), ctx.Err() != nil:
		return nil
	}
	return fmt.Errorf("show the console: %w", err)
}

// forward shows notices until ended is closed. Send does nothing once the
// program has ended.
func forward(program *tea.Program, notices <-chan Notice, ended <-chan struct{}) {
	for {
		select {
		case n, open := <-notices:
			if !open {
				notices = nil // whoever sent them is done; wait for the end only
				continue
			}
			program.Send(screen.Task{ID: "notice", Text: n.Text, Done: true, Err: n.Err})
		case <-ended:
			return
		}
	}
}
