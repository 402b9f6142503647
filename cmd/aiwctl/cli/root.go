package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
)

// globalFlags are the flags every command has.
type globalFlags struct {
	target  aws.Target
	noColor bool
	logFile string
	output  string
}

func (a *App) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "aiwctl",
		Short: "The console for background jobs on AWS",
		Long: "The console for background jobs on AWS: SQS queues, the Lambda workers they feed, " +
			"their logs and their dead letters.\n\nWithout a command it opens the console on the stage " +
			"that the flags and the environment name. `aiwctl demo` needs no AWS account.",
		Example: "aiwctl demo\naiwctl --profile ops --stage prod\naiwctl workers -o json\naiwctl dispatch echo '{\"text\":\"hi\"}' --wait",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.console(ctx) }),
	}
	g := &a.global
	f := root.PersistentFlags()
	f.StringVar(&g.target.Profile, "profile", "", "AWS profile (default: AWS_PROFILE)")
	f.StringVar(&g.target.Region, "region", "", "AWS region (default: AWS_REGION, the profile's)")
	f.StringVar(&g.target.Stage, "stage", "", "deployment stage (default: AIWCTL_STAGE, prod)")
	f.StringVar(&g.target.Service, "service", "", "only this service's workers (default: AIWCTL_SERVICE)")
	f.StringVar(&g.target.BaseURL, "base-url", "", "the workers API (default: AIWCTL_BASE_URL, WORKER_BASE_URL)")
	f.StringVar(&g.target.EndpointURL, "endpoint-url", "", "replaces AWS's endpoints (default: AWS_ENDPOINT_URL)")
	f.BoolVar(&g.target.ReadOnly, "read-only", false, "refuse every write (default: AIWCTL_READ_ONLY)")
	f.BoolVar(&g.noColor, "no-color", false, "no colours (default: NO_COLOR)")
	f.StringVar(&g.logFile, "log-file", "", "write aiwctl's own log to this file")
	f.StringVarP(&g.output, "output", "o", string(formatTable), "table, json, jsonl or yaml")
	must(root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(
		[]string{"table", "json", "jsonl", "yaml"}, cobra.ShellCompDirectiveNoFileComp)))

	root.AddCommand(
		a.newDemo(), a.newDev(), a.newWorkers(), a.newDispatch(), a.newValidate(),
		a.newLogs(), a.newDLQ(), a.newVersion(),
	)
	return root
}

// run adapts a command's function: the global flags are checked first, and the
// error is kept for Run instead of being returned to cobra.
func (a *App) run(fn func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if _, err := parseFormat(a.global.output); err != nil {
			a.err = err
			return nil
		}
		if a.Getenv("NO_COLOR") != "" {
			a.global.noColor = true
		}
		a.err = fn(cmd.Context(), args)
		return nil
	}
}

// logger is aiwctl's own log: to --log-file, else to fallback (nil: nowhere).
// The returned function closes it.
func (a *App) logger(fallback io.Writer) (*slog.Logger, func(), error) {
	if a.global.logFile != "" {
		f, err := os.OpenFile(a.global.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, usagef("open --log-file: %w", err)
		}
		return slog.New(slog.NewTextHandler(f, nil)), func() { _ = f.Close() }, nil
	}
	if fallback == nil {
		return slog.New(slog.DiscardHandler), func() {}, nil
	}
	return slog.New(slog.NewTextHandler(fallback, nil)), func() {}, nil
}

// openStage opens the stage the flags and the environment name.
func (a *App) openStage(ctx context.Context) (*aws.Stage, error) {
	return aws.Open(ctx, a.global.target, aws.Options{Getenv: a.Getenv, Now: a.Now})
}

// findWorker discovers the stage and picks a worker by id, queue name or queue
// URL.
func (a *App) findWorker(ctx context.Context, s *aws.Stage, name string) (aws.Worker, error) {
	inv, err := s.Inventory(ctx)
	if err != nil {
		return aws.Worker{}, err
	}
	a.warn(inv)
	return pickWorker(inv, name)
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

// completeWorkers offers worker ids to the shell.
func (a *App) completeWorkers(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	s, err := a.openStage(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	inv, err := s.Inventory(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, w := range inv.Workers {
		if strings.HasPrefix(w.ID, prefix) && !slices.Contains(args, w.ID) {
			ids = append(ids, w.ID)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func (a *App) newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			return a.print(map[string]string{"version": version()}, func(t *tableWriter) { t.line("aiwctl " + version()) })
		}),
	}
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v += "-" + s.Value[:12]
			}
		}
	}
	return v
}

func must(err error) {
	if err != nil {
		panic(err) // a mistake in this program, found by its first test
	}
}
