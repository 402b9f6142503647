package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The exit codes of Run.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commandManifest is the argument with which a program prints its manifest.
const commandManifest = "manifest"

const (
	envRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"
	envHandler    = "_HANDLER"
	handlerAPI    = "api"
	handlerPrefix = "worker."

	// shutdownGrace is how long running jobs may take to end after SIGTERM, and
	// responseGrace what the response then needs to reach Lambda.
	shutdownGrace = 2 * time.Second
	responseGrace = 100 * time.Millisecond
	// signalsAfter is how long after its start an idle function listens for SIGTERM.
	signalsAfter = 20 * time.Millisecond
)

// Main is the main function of a worker program. It exits the process. What the
// program does depends on how it was started:
//
//	in Lambda (AWS_LAMBDA_RUNTIME_API is set), by the function's handler setting:
//	  worker.<id>         runs that worker's jobs
//	  api                 serves the workers API
//	  anything else       runs the worker that each message names
//	WORKERS manifest      prints what the program contains, as JSON
//	WORKERS run ID INPUT  runs one job here and prints its output
//
// In Lambda the function's secrets are read first; see LoadSecrets.
func Main(workers ...Runner) {
	ctx := context.Background()
	if os.Getenv(envRuntimeAPI) != "" && len(os.Args) == 1 {
		// Before the App reads its settings, some of which are secrets.
		if err := LoadSecrets(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "start: %v\n", err)
			os.Exit(exitFailed)
		}
	}
	app, err := NewApp(AppConfig{}, workers...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(exitFailed)
	}
	os.Exit(app.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run is Main without the process: it returns the exit code, 0 when done, 1 when
// it failed, 2 when the arguments or the input were invalid. In Lambda it returns
// when the process is asked to stop (SIGTERM) or ctx ends, and first reads those of the
// function's secrets that have not been read yet; see LoadSecrets.
func (a *App) Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if a.cfg.Getenv(envRuntimeAPI) != "" && len(args) == 0 {
		return a.serveLambda(ctx, stderr)
	}
	if len(a.problems) > 0 {
		return a.reportProblems(stdout, stderr)
	}
	if len(args) == 0 {
		a.usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case commandManifest:
		return a.runManifest(stdout, stderr)
	case "run":
		return a.runJob(ctx, args[1:], stdin, stdout, stderr)
	case "help", "-h", "--help":
		a.usage(stdout)
		return exitDone
	}
	fmt.Fprintf(stderr, "unknown command %q\n\n", args[0])
	a.usage(stderr)
	return exitUsage
}

func (a *App) usage(w io.Writer) {
	fmt.Fprintf(w, `This program holds workers: %s

Usage:
  manifest                print what the program contains, as JSON
  run WORKER [JSON | -]   run one job here and print its output; - or a pipe reads
                          the input from standard input

In Lambda, where AWS_LAMBDA_RUNTIME_API is set, it serves the queue of the worker
that the function's handler names (worker.<id>), or the workers API (api).
`, a.idList())
}

func (a *App) runManifest(stdout, stderr io.Writer) int {
	text, err := json.MarshalIndent(a.Manifest(), "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s\n", text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "print the manifest: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// runJob runs one job here; see App.Sender.
func (a *App) runJob(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { a.usage(stderr) }
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitDone
		}
		return exitUsage
	}
	args = flags.Args()
	if len(args) < 1 || len(args) > 2 {
		a.usage(stderr)
		return exitUsage
	}
	d, ok := a.workers[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "there is no worker %q in this program; it holds: %s\n", args[0], a.idList())
		return exitUsage
	}
	input, err := readInput(args[1:], stdin)
	if err != nil {
		fmt.Fprintf(stderr, "read the input: %v\n", err)
		return exitUsage
	}
	violations, _, err := d.input.validate(input)
	if err != nil {
		fmt.Fprintf(stderr, "check the input of worker %q: %v\n", d.id, err)
		return exitFailed
	}
	if len(violations) > 0 {
		fmt.Fprintf(stderr, "the input does not fit worker %q:\n", d.id)
		for _, v := range violations {
			fmt.Fprintf(stderr, "  %d:%d %s: %s\n", v.Line, v.Column, pointerOrRoot(v.Pointer), v.Message)
		}
		return exitUsage
	}

	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	now := a.cfg.Now()
	o, err := a.runLocal(ctx, &dispatch.Message{
		WorkerID: d.id, JobID: dispatch.NewJobID(now), Input: input, Timestamp: now,
	}, 0, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "worker %q failed: %v\n", d.id, err)
		return exitFailed
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", o.Output); err != nil {
		fmt.Fprintf(stderr, "print the output: %v\n", err)
		return exitFailed
	}
	return exitDone
}

func pointerOrRoot(pointer string) string {
	if pointer == "" {
		return "(root)"
	}
	return pointer
}

// readInput takes the input from the argument or from standard input. Without an
// argument, standard input is read unless it is a terminal, where nobody knows
// that something is waited for.
func readInput(args []string, stdin io.Reader) (json.RawMessage, error) {
	if len(args) == 1 && args[0] != "-" {
		return json.RawMessage(args[0]), nil
	}
	if stdin == nil || (len(args) == 0 && isTerminal(stdin)) {
		return json.RawMessage("{}"), nil
	}
	text, err := io.ReadAll(io.LimitReader(stdin, dispatch.MaxMessageBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > dispatch.MaxMessageBytes {
		return nil, fmt.Errorf("it is longer than the %d bytes of an SQS message", dispatch.MaxMessageBytes)
	}
	if strings.TrimSpace(string(text)) == "" {
		return json.RawMessage("{}"), nil
	}
	return text, nil
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// serveLambda runs the Runtime API loop until the process is asked to stop.
func (a *App) serveLambda(ctx context.Context, stderr io.Writer) int {
	err := a.loadSecrets(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "start: %v\n", err)
		return exitFailed
	}
	handler, err := a.lambdaHandler()
	if err != nil {
		fmt.Fprintf(stderr, "start: %v\n", err)
		return exitFailed
	}
	invocations, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	signals := make(chan os.Signal, 1)
	defer signal.Stop(signals)
	// Listening for signals starts threads, beside which a function that has a
	// fraction of a core starts later. So it asks for work first, and listens before
	// it does any.
	listen := sync.OnceFunc(func() { signal.Notify(signals, syscall.SIGTERM, os.Interrupt) })

	// The loop never returns: it ends with the process, which ends when we do.
	go lambda.StartWithOptions(listening{lambda.NewHandler(handler), listen}, lambda.WithContext(invocations))
	idle := time.AfterFunc(signalsAfter, listen)
	defer idle.Stop()
	select {
	case <-signals:
	case <-ctx.Done():
	}

	// Jobs in progress hear of it through their context and are recorded as
	// interrupted; their messages come back after the worker's backoff.
	cancel(ErrShutdown)
	quiet := make(chan struct{})
	go func() {
		a.active.Lock() // for good: nothing may start any more
		close(quiet)
	}()
	select {
	case <-quiet:
		// The loop posts the response after our handler has returned, and gives
		// no sign when it has.
		<-time.After(responseGrace)
	case <-time.After(shutdownGrace):
	}
	return exitDone
}

// listening is a handler that listens for signals before its first invocation.
type listening struct {
	lambda.Handler
	listen func()
}

// Invoke implements lambda.Handler.
func (l listening) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	l.listen()
	return l.Handler.Invoke(ctx, payload)
}

// lambdaHandler chooses what the function does from its handler setting.
func (a *App) lambdaHandler() (any, error) {
	name := a.cfg.Getenv(envHandler)
	if name == handlerAPI {
		return a.apiHandler()
	}
	var only *definition
	if id, ok := strings.CutPrefix(name, handlerPrefix); ok {
		if only = a.workers[id]; only == nil {
			return nil, fmt.Errorf("%s is %q, but this program has no worker %q (it has: %s)", envHandler, name, id, a.idList())
		}
	}
	a.warnMissing(only)
	return queueFunction{app: a, only: only}, nil
}

// queueFunction is the function of a queue, as a lambda.Handler: that takes the
// payload as it came, instead of through encoding/json twice.
type queueFunction struct {
	app  *App
	only *definition // nil: each message names its worker
}

// Invoke implements lambda.Handler.
func (f queueFunction) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if handled, err := f.app.handleSchedule(ctx, f.only, payload); handled {
		return []byte("{}"), err
	}
	ev, err := parseEvent(payload)
	if err != nil {
		return nil, err
	}
	resp := f.app.handleBatch(ctx, ev, f.only)
	if len(resp.BatchItemFailures) == 0 {
		return []byte(`{"batchItemFailures":[]}`), nil
	}
	return json.Marshal(resp)
}

// parseEvent refuses what is not an SQS event. Taken as one without records, a
// scheduled event or a direct invocation would pass for a success.
func parseEvent(payload json.RawMessage) (events.SQSEvent, error) {
	var ev events.SQSEvent
	if err := json.Unmarshal(payload, &ev); err != nil {
		return ev, fmt.Errorf("read the event: %w", err)
	}
	if ev.Records == nil {
		return ev, errors.New("the event has no Records: this function serves an SQS queue; to run a job, send it a message")
	}
	return ev, nil
}
