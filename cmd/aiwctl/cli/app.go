// Package cli is aiwctl's commands: flags in, words or JSON out. It is thin;
// what a command does is done by the packages below it.
package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"charm.land/fang/v2"
	"golang.org/x/term"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/version"
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime"
)

// workerCommand is the hidden first argument that makes this executable a
// worker program: the demo runs its workers that way, so it needs no Go
// toolchain.
const workerCommand = "demo-worker"

// App is what every command is given: streams, environment and clock, so that
// tests can stand in for all of them.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY and OutTTY say whether a person is at the other end: prompts need
	// one, tables are for one.
	InTTY, OutTTY bool
	// ErrTTY says whether progress can be drawn.
	ErrTTY bool
	Getenv func(string) string
	Now    func() time.Time

	global globalFlags
	// store and noJournal are flags of the dlq commands.
	store     string
	noJournal bool
	// noMetrics and write are the console's flags.
	noMetrics, write bool
	// lines reads a person's answers from In.
	lines *bufio.Reader
	// tools are those of push; nil means the real ones.
	tools *pushTools
	// log is aiwctl's own log; nil without --log-file.
	log *slog.Logger
	// err is what the command that ran returned. It is kept here and not given
	// to fang, whose error handler asks the terminal for its background colour
	// and waits for the answer.
	err error
}

// Main runs aiwctl with the process's own streams and returns its exit code.
func Main(args []string) int {
	if len(args) > 0 && args[0] == workerCommand {
		return runWorkers(args[1:])
	}
	app := &App{
		In: os.Stdin, Out: &stdout{file: os.Stdout}, Err: os.Stderr,
		InTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Getenv: os.Getenv,
		Now:    time.Now,
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once: the first one restores default
	// handling as soon as it has been seen.
	context.AfterFunc(ctx, stop)
	return app.Run(ctx, args)
}

// Run runs one command line and returns its exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	root := a.newRoot()
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for the arguments of the process
	err := fang.Execute(ctx, root,
		fang.WithColorSchemeFunc(fang.AnsiColorScheme),
		fang.WithVersion(version.Number),
		fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}))
	switch out, ok := a.Out.(*stdout); {
	case err != nil && !isSystemError(err):
		// Only cobra's own complaints about flags and arguments come this way.
		err = usageError(err)
	case err == nil && a.err != nil:
		err = a.err
	case err == nil && ok:
		err = out.failed // help ignores it
	}
	code := exitCode(ctx, err)
	if text := errorText(err, code); text != "" {
		fmt.Fprintln(a.Err, text)
	}
	return code
}

// stdout is standard output that remembers its first failure, so that a full disk
// is not taken for success by what does not look.
type stdout struct {
	file   *os.File
	failed error
}

// Write implements io.Writer.
func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

// Read, Close and Fd make it a terminal's file to the libraries that ask.

// Read implements io.Reader.
func (s *stdout) Read(p []byte) (int, error) { return s.file.Read(p) }

// Close implements io.Closer.
func (s *stdout) Close() error { return s.file.Close() }

// Fd is the file's descriptor.
func (s *stdout) Fd() uintptr { return s.file.Fd() }

func runWorkers(args []string) int {
	app, err := runtime.NewApp(runtime.AppConfig{}, jobs.All()...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "aiwctl %s: %v\n", workerCommand, err)
		return exitFailed
	}
	return app.Run(context.Background(), args, os.Stdin, os.Stdout, os.Stderr)
}
