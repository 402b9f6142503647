package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/tui"
)

// closeTimeout is how long the local endpoint may take to end its workers.
const closeTimeout = 10 * time.Second

// localRegion is what a local endpoint is in when no flag says.
const localRegion = "us-east-1"

// localFlags are what demo and dev have in common.
type localFlags struct {
	listen   string
	headless bool
	faults   string
}

func (f *localFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.listen, "listen", local.DefaultListen, "where the local AWS endpoint listens; port 0 takes a free one")
	cmd.Flags().BoolVar(&f.headless, "headless", false, "no console: serve until interrupted, and print the environment another terminal needs")
	cmd.Flags().StringVar(&f.faults, "faults", "", "what SQS and Lambda do wrong on purpose, to try programs out: "+
		"duplicate, delay, reorder, kill, throttle, error, partial and cut as shares, latency as a time, such as duplicate=0.1,throttle=0.1,latency=10ms")
}

// localStage is what the endpoint is named, and what its functions' environment
// has besides.
type localStage struct {
	service, stage string
	env            []string
	// variable finds the values of variables that workers declare; nil finds none.
	variable func(name string) (string, bool)
}

// localSession is a running local endpoint and what is done with it.
type localSession struct {
	app    *App
	server *local.Server
	stage  string
	apiKey string
	log    *slog.Logger
	flags  localFlags
	// notices appear in the console's task line: a rebuild, a failed build.
	notices chan tui.Notice
}

// withLocal starts a local endpoint, calls fn, and stops the endpoint with all
// its workers whatever fn returns.
func (a *App) withLocal(ctx context.Context, f localFlags, st localStage, programs []local.Program, fn func(context.Context, *localSession) error) (err error) {
	if a.global.target.Stage != "" {
		st.stage = a.global.target.Stage
	}
	if a.global.target.Service != "" {
		st.service = a.global.target.Service
	}
	if a.global.target.Region == "" {
		a.global.target.Region = localRegion
	}
	wrong, err := faults.Parse(f.faults)
	if err != nil {
		return usagef("--faults: %w", err)
	}
	if !f.headless {
		if err := a.needTerminal(); err != nil {
			return usagef("%w; --headless serves without one", err)
		}
	}
	// A console owns the terminal, so there the log goes to --log-file or nowhere.
	log := a.log
	switch {
	case log != nil:
	case f.headless:
		log = slog.New(slog.NewTextHandler(a.Err, nil))
	default:
		log = slog.New(slog.DiscardHandler)
	}
	ls := &localSession{
		app: a, stage: st.stage, apiKey: dispatch.TriggerKeyFromEnv(a.Getenv), log: log,
		flags: f, notices: make(chan tui.Notice, 8),
	}
	ls.server, err = local.Start(ctx, local.Config{
		Listen: f.listen, Region: a.global.target.Region, Service: st.service, Stage: st.stage,
		Programs: programs, Env: st.env, Variable: st.variable, APIKey: ls.apiKey, Logger: log, Faults: wrong,
	})
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, ls.server.Close(closeCtx))
	}()
	return fn(ctx, ls)
}

// serve opens the console, or waits for an interruption when headless.
func (ls *localSession) serve(ctx context.Context) error {
	if !ls.flags.headless {
		// What is done in this session is told while it lasts.
		dir, err := os.MkdirTemp("", "aiwctl-trail-")
		if err != nil {
			return fmt.Errorf("make a directory for the session's audit trail: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // it is in the temporary directory
		s, err := ls.open(ctx, filepath.Join(dir, "audit.jsonl"))
		if err != nil {
			return err
		}
		store, err := jobstore.Open(ls.server.JobStore())
		if err != nil {
			return err
		}
		// A stage that is gone with this process needs no journal.
		records := &jobRecords{store}
		e := redrive.New(s, redrive.Config{Dir: redrive.NoJournal, Records: records.find})
		return ls.app.openConsole(ctx, s, e, records, ls.notices)
	}
	ls.printEnvironment()
	<-ctx.Done()
	return nil // being interrupted is how a headless session ends
}

// open opens the session's own stage for the console. What is done to a stage
// that is gone with this process needs no audit trail that outlives it.
func (ls *localSession) open(ctx context.Context, trail string) (*aws.Stage, error) {
	t := ls.app.global.target
	t.EndpointURL, t.BaseURL = ls.server.Endpoint(), ls.server.Endpoint()
	t.Stage, t.Profile = ls.stage, ""
	return aws.Open(ctx, t, aws.Options{Getenv: ls.app.withoutTarget, Stdin: ls.app.In, Logger: ls.app.log, Now: ls.app.Now, AuditPath: trail})
}

// withoutTarget is the environment without what names another stage: a profile
// or a service that somebody works with otherwise must not hide the local one.
func (a *App) withoutTarget(name string) string {
	switch name {
	case "AIWCTL_PROFILE", "AIWCTL_REGION", "AIWCTL_STAGE", "AIWCTL_SERVICE", "AIWCTL_PREFIX", "AIWCTL_TAGS", "AIWCTL_MANIFEST", "AWS_REGION", "AWS_DEFAULT_REGION":
		return ""
	}
	return a.Getenv(name)
}

func (ls *localSession) printEnvironment() {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s is up at %s; in another terminal:\n", ls.stage, ls.server.Endpoint())
	for _, kv := range ls.server.Environment() {
		fmt.Fprintf(&b, "export %s\n", kv)
	}
	if ls.apiKey != "" {
		b.WriteString("# and the key of the workers API, which is not printed: WORKERS_API_KEY\n")
	}
	_, _ = fmt.Fprint(ls.app.Out, b.String())
}
