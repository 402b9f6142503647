package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/cmd/aiwctl/version"
)

// globalFlags are the flags every command has.
type globalFlags struct {
	target aws.Target
	// readOnlySet is whether --read-only was given, as true or false.
	readOnlySet bool
	config      string
	// confirmStage is the name of the stage that may be written to though it is
	// protected.
	confirmStage string
	noColor      bool
	ascii        bool
	// maxCalls is --max-calls as it was written, limit what it says.
	maxCalls string
	limit    int
	logFile  string
	output   string
}

func (a *App) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "aiwctl",
		Short: "The console for background jobs on AWS",
		Long: "The console for background jobs on AWS: SQS queues, the Lambda workers they feed, " +
			"their logs and their dead letters.\n\nWithout a command it opens the console on the stage " +
			"that the flags, the environment and the config file name. `aiwctl demo` needs no AWS account.",
		Example: "aiwctl demo\naiwctl --profile ops --stage prod\naiwctl workers -o json\naiwctl dispatch echo '{\"text\":\"hi\"}' --wait",
		Args:    subcommands,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.console(ctx) }),
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	g := &a.global
	f := root.PersistentFlags()
	f.StringVar(&g.config, "config", "", "file of named stages (default: AIWCTL_CONFIG, ~/.config/aiwctl/config.yaml)")
	f.StringVar(&g.target.Profile, "profile", "", "profile of the AWS config files (default: AIWCTL_PROFILE, AWS_PROFILE)")
	f.StringVar(&g.target.Region, "region", "", "region of the stage (default: AIWCTL_REGION, AWS_REGION, the profile's)")
	f.StringVar(&g.target.Stage, "stage", "", "a stage of the config file, or a deployment stage (default: AIWCTL_STAGE, the file's default, what the stage says of itself, prod)")
	f.StringVar(&g.target.Service, "service", "", "only this service's workers (default: AIWCTL_SERVICE)")
	f.StringVar(&g.target.Prefix, "prefix", "", "only queues and functions whose names begin so (default: AIWCTL_PREFIX)")
	f.Var((*tagsValue)(&g.target.Tags), "tag", "only workers whose queue or function has this tag; may be repeated (default: AIWCTL_TAGS, separated by commas)")
	f.StringVar(&g.target.Manifest, "manifest", "", "schemas and settings from a file that a worker program's manifest command wrote, - for standard input (default: AIWCTL_MANIFEST)")
	f.StringVar(&g.target.BaseURL, "base-url", "", "the workers API (default: AIWCTL_BASE_URL, WORKER_BASE_URL)")
	f.StringVar(&g.target.EndpointURL, "endpoint-url", "", "replaces the endpoints of AWS (default: AIWCTL_ENDPOINT_URL, AWS_ENDPOINT_URL)")
	f.BoolVar(&g.target.ReadOnly, "read-only", false, "refuse every write (default: AIWCTL_READ_ONLY)")
	f.StringVar(&g.confirmStage, "confirm-stage", "", "the stage's name: to write to a protected stage without being asked for it")
	f.StringVar(&g.maxCalls, "max-calls", "", "most calls a minute that reading the stage may make, as 600/min; 0: any (default: AIWCTL_MAX_CALLS, 1200/min; any for a local endpoint)")
	f.BoolVar(&g.noColor, "no-color", false, "no colours (default: NO_COLOR)")
	f.BoolVar(&g.ascii, "ascii", false, "the console draws with ASCII characters only (default: AIWCTL_ASCII, and what TERM says)")
	f.StringVar(&g.logFile, "log-file", "", "write aiwctl's own log to this file")
	f.StringVarP(&g.output, "output", "o", string(formatTable), "how data is printed: table, json, jsonl or yaml")
	must(root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(
		[]string{"table", "json", "jsonl", "yaml"}, cobra.ShellCompDirectiveNoFileComp)))

	a.completeTarget(root)
	root.Flags().BoolVar(&a.write, "write", false, "the console may write from the start (default: on a stage in AWS it asks first, unless readOnly: false is in the config file)")
	root.Flags().BoolVar(&a.noMetrics, "no-metrics", false, "the console does not ask CloudWatch: no failures, throttles and oldest ages")

	root.AddCommand(
		a.newDemo(), a.newDev(), a.newNew(), a.newPush(), a.newWorkers(), a.newDispatch(), a.newInputs(), a.newValidate(),
		a.newLogs(), a.newJob(), a.newDLQ(), a.newDoctor(), a.newHistory(), a.newConfig(), a.newVersion(),
	)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	})
	// cobra's own command takes the name of a shell it does not know for a wish
	// for help.
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Args = subcommands
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	return root
}

// run adapts a command's function: the error is kept for Run instead of being
// returned to cobra.
func (a *App) run(fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.err = a.invoke(cmd, args, fn)
		return nil
	}
}

// invoke checks the global flags, opens aiwctl's own log and calls fn.
func (a *App) invoke(cmd *cobra.Command, args []string, fn func(ctx context.Context, args []string) error) error {
	if _, err := parseFormat(a.global.output, cmd.Annotations[moreFormats]); err != nil {
		return err
	}
	a.global.readOnlySet = cmd.Flags().Changed("read-only")
	if text := cmp.Or(a.global.maxCalls, a.Getenv("AIWCTL_MAX_CALLS")); text != "" {
		var err error
		if a.global.limit, err = aws.ParseMaxCalls(text); err != nil {
			return usagef("--max-calls, AIWCTL_MAX_CALLS: %w", err)
		}
	}
	if a.Getenv("NO_COLOR") != "" {
		a.global.noColor = true
	}
	if a.global.logFile == "" {
		return fn(cmd.Context(), args)
	}
	f, err := os.OpenFile(a.global.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return usagef("--log-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	// Arguments are left out: they may hold a job's input.
	a.log = slog.New(slog.NewTextHandler(f, nil)).With("command", cmd.CommandPath(), "pid", os.Getpid())
	start := a.Now()
	a.log.Info("begin", "version", version.Number)
	err = fn(cmd.Context(), args)
	if err != nil {
		a.log.Error("end", "after", a.Now().Sub(start), "exit", exitCode(cmd.Context(), err), "error", err)
	} else {
		a.log.Info("end", "after", a.Now().Sub(start), "exit", exitDone)
	}
	return err
}

// discover opens the stage and reads what is there. Sources that could not be
// read are told on standard error.
func (a *App) discover(ctx context.Context) (*aws.Stage, *aws.Inventory, error) {
	s, err := a.openStage(ctx)
	if err != nil {
		return nil, nil, err
	}
	end := a.whileReading(s)
	inv, err := s.Inventory(ctx)
	end()
	if err != nil {
		return nil, nil, err
	}
	a.warn(inv)
	return s, inv, nil
}

// findWorker is discover for one worker, named by its id, its queue's name or
// its queue's URL.
func (a *App) findWorker(ctx context.Context, name string) (*aws.Stage, aws.Worker, error) {
	s, inv, err := a.discover(ctx)
	if err != nil {
		return nil, aws.Worker{}, err
	}
	w, err := pickWorker(inv, name)
	return s, w, err
}

func pickWorker(inv *aws.Inventory, name string) (aws.Worker, error) {
	if w, ok := inv.Worker(name); ok {
		return *w, nil
	}
	if len(inv.Workers) == 0 {
		return aws.Worker{}, nothingf("no worker %q: the stage has no workers; check --stage, --region and --profile", plain(name))
	}
	ids := make([]string, len(inv.Workers))
	for i, w := range inv.Workers {
		ids[i] = w.ID
	}
	slices.Sort(ids)
	if len(ids) > 20 {
		ids = append(ids[:20], "... (see `aiwctl workers`)")
	}
	return aws.Worker{}, nothingf("no worker %q; the stage has: %s", plain(name), plain(strings.Join(ids, ", ")))
}

func (a *App) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  takes(0, 0, ""),
		RunE: a.run(func(context.Context, []string) error {
			return a.print(thisBuild(), func(t *tableWriter) { t.line("aiwctl " + version.Number) })
		}),
	}
}

// buildInfo is what `version` prints; the field names are part of the interface.
type buildInfo struct {
	Version string `json:"version"`
	// Revision is the commit it was built from, Modified whether there was more than
	// that; empty and false when the build does not say.
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
}

func thisBuild() buildInfo {
	b := buildInfo{Version: version.Number, Go: goruntime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func must(err error) {
	if err != nil {
		panic(err) // a mistake in this program, found by its first test
	}
}
