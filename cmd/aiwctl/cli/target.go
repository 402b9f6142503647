package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
)

// resolve decides which stage is meant: by flags, environment and config file.
func (a *App) resolve() (settings.Resolved, *settings.File, error) {
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		return settings.Resolved{}, nil, usageError(err)
	}
	return file.Resolve(a.flags(), a.Getenv), file, nil
}

// flags are those that name a stage.
func (a *App) flags() settings.Flags {
	f := settings.Flags{Target: a.global.target}
	if a.global.readOnlySet {
		f.ReadOnly = &a.global.target.ReadOnly
	}
	return f
}

// options are those of the stage that was resolved.
func (a *App) options(r settings.Resolved) aws.Options {
	return aws.Options{
		Getenv: settings.Getenv(a.Getenv), Stdin: a.In, Logger: a.log, Now: a.Now, MaxCalls: a.global.limit,
		Protection: r.Protection, ReadOnlyWhy: r.Value(settings.ReadOnly).Origin,
	}
}

// openStage opens the stage that is meant.
func (a *App) openStage(ctx context.Context) (*aws.Stage, error) {
	r, _, err := a.resolve()
	if err != nil {
		return nil, err
	}
	return aws.Open(ctx, r.Target, a.options(r))
}

// openNamed is openStage for what writes without having looked at the stage: one
// that nothing names is read first, for what it says of its own name is what the
// guard goes by.
func (a *App) openNamed(ctx context.Context) (*aws.Stage, error) {
	r, _, err := a.resolve()
	if err != nil {
		return nil, err
	}
	s, err := aws.Open(ctx, r.Target, a.options(r))
	if err == nil && r.Target.Stage == "" {
		if inv, ierr := s.Inventory(ctx); ierr == nil { // else it is called prod, which is the careful guess
			a.warn(inv)
		}
	}
	return s, err
}

// completeTarget offers what the flags of the target may be.
func (a *App) completeTarget(root *cobra.Command) {
	stages := func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		file, err := settings.Load(a.global.config, a.Getenv)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for i := range file.Stages {
			e := &file.Stages[i]
			if strings.HasPrefix(e.Name, prefix) {
				names = append(names, cobra.CompletionWithDesc(e.Name, describeEntry(e)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	must(root.RegisterFlagCompletionFunc("stage", stages))
	must(root.RegisterFlagCompletionFunc("confirm-stage", stages))
	must(root.RegisterFlagCompletionFunc("profile", func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		names := slices.DeleteFunc(aws.Profiles(a.Getenv), func(name string) bool { return !strings.HasPrefix(name, prefix) })
		return names, cobra.ShellCompDirectiveNoFileComp
	}))
	must(root.RegisterFlagCompletionFunc("config", cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt)))
	for _, name := range []string{"region", "service", "base-url", "endpoint-url"} {
		must(root.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
}

// describeEntry says in a few words where an entry leads.
func describeEntry(e *settings.Entry) string {
	var words []string
	for _, f := range []settings.Field{settings.Profile, settings.Region, settings.Stage, settings.Service, settings.EndpointURL} {
		if text, ok := e.Get(f); ok {
			words = append(words, text)
		}
	}
	return strings.Join(words, " · ")
}
