package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
)

// takes is the check of a command's arguments: from min to max of them (max
// below zero: any number), what says which in words.
func takes(minimum, maximum int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < minimum:
			return fmt.Errorf("%s is missing: %s", what, usageOf(cmd))
		case maximum >= 0 && len(args) > maximum:
			return fmt.Errorf("%q is one argument too many: %s", oneLine(args[maximum], 40), usageOf(cmd))
		}
		return nil
	}
}

// subcommands is the check of a command that has commands below it.
func subcommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	// cobra sets the distance for its own messages only.
	cmd.SuggestionsMinimumDistance = max(cmd.SuggestionsMinimumDistance, 2)
	advice := fmt.Sprintf("; `%s --help` lists them", cmd.CommandPath())
	// Everything is near to one or two letters.
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 && len(args[0]) > 2 {
		advice = fmt.Sprintf("; did you mean `%s %s`?", cmd.CommandPath(), near[0])
	}
	return fmt.Errorf("there is no command `%s %s`%s", cmd.CommandPath(), oneLine(args[0], 40), advice)
}

// usageOf is a command's usage line, with where to read more.
func usageOf(cmd *cobra.Command) string {
	return fmt.Sprintf("usage is `%s`, and `%s --help` says more", strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.CommandPath())
}

// tagsValue is the value of --tag: every use adds one.
type tagsValue string

// String implements pflag.Value.
func (v *tagsValue) String() string { return string(*v) }

// Type implements pflag.Value.
func (v *tagsValue) Type() string { return "key=value" }

// Set implements pflag.Value.
func (v *tagsValue) Set(tag string) error {
	if *v != "" {
		tag = string(*v) + "," + tag
	}
	*v = tagsValue(tag)
	return nil
}

// completeTimeout is how long a person at a prompt waits for completions.
const completeTimeout = 3 * time.Second

// completeWorkers offers the ids of workers not named yet to the shell, or, where
// none begins like that, the names of queues that do. It asks for no more than it
// offers, and says nothing when that fails: what it printed would stand in the
// line that somebody is writing.
func (a *App) completeWorkers(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
	defer cancel()
	t := a.global.target.Resolve(a.Getenv)
	if t.Manifest == "-" {
		return nil, directive // standard input is the shell's
	}
	s, err := aws.Open(ctx, t, aws.Options{Getenv: a.Getenv, Now: a.Now})
	if err != nil {
		return nil, directive
	}
	offer := func(names []string) (offered []string) {
		for _, name := range names {
			// A name with control characters could not be typed again.
			if strings.HasPrefix(name, prefix) && !slices.Contains(args, name) && oneLine(name, 0) == name {
				offered = append(offered, name)
			}
		}
		return offered
	}
	names, err := s.Names(ctx)
	offered := offer(names)
	kind, _ := aws.Classify(err)
	if answers := kind == aws.KindNone || kind == aws.KindDenied; len(offered) == 0 && prefix != "" && answers {
		if names, err = s.QueueNames(ctx, prefix); err == nil {
			offered = offer(names)
		}
	}
	return offered, directive
}

// completeWorker offers workers for the first argument only.
func (a *App) completeWorker(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeWorkers(cmd, nil, prefix)
}

// completeQueue offers workers for a flag's value, whatever arguments there are.
func (a *App) completeQueue(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.completeWorkers(cmd, nil, prefix)
}

// newHelp is cobra's help command, which shows the help of aiwctl itself when
// asked for a command that does not exist, and calls that success.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			at, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, c := range at.Commands() {
				if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), prefix) {
					names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if err := subcommands(at, rest); err != nil {
				return err
			}
			return at.Help()
		},
	}
}
