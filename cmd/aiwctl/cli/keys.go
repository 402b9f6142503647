package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui/bindings"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// keyRow is an action of the console as `config keys` prints it; the field names are
// part of the interface.
type keyRow struct {
	Screen string `json:"screen"`
	Action string `json:"action"`
	// Keys do it now; Standard are those that it has when nothing is bound.
	Keys     []string `json:"keys"`
	Standard []string `json:"standard"`
	Bound    bool     `json:"bound"`
	// Writes says that it changes something in AWS, Typing that it works while an input
	// has the focus.
	Writes bool   `json:"writes"`
	Typing bool   `json:"typing"`
	Help   string `json:"help"`
}

func (a *App) newConfigKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys [SCREEN...]",
		Short: "List the console's actions with their keys",
		Long: "List every action of the console's screens, the keys that do it, and what it does. An action is bound to other keys " +
			"in the config file, by its screen and its name:\n\n" +
			"  keys:\n    dead-letters: {mark: [space, ctrl+k]}\n    everywhere: {help: f1}\n\n" +
			"Keys are written R, ctrl+r, alt+r, f1, enter, tab, space, pgdown; [] is none. Those of a screen come before those of everywhere. " +
			"What cannot be bound is left out and told here, by `aiwctl config --check` (exit code 2), and in the console's list of errors.",
		Example: "aiwctl config keys\naiwctl config keys dead-letters everywhere\naiwctl config keys -o json",
		Args:    takes(0, len(bindings.Kinds()), ""),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, kind := range bindings.Kinds() {
				if strings.HasPrefix(string(kind), prefix) {
					names = append(names, string(kind))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.RunE = a.run(func(_ context.Context, args []string) error { return a.configKeys(args) })
	return cmd
}

func (a *App) configKeys(screens []string) error {
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		return usageError(err)
	}
	var known []string
	for _, kind := range bindings.Kinds() {
		known = append(known, string(kind))
	}
	wanted := map[string]bool{}
	for _, name := range screens {
		wanted[name] = true
		if !slices.Contains(known, name) {
			return usagef("there is no screen %q; there are: %s", plain(name), strings.Join(known, ", "))
		}
	}
	table := bindings.Table()
	keymap, faults := bindings.Check(table, file)
	rows := []keyRow{}
	for _, action := range table {
		if action.ID == "" || len(wanted) > 0 && !wanted[string(action.Kind)] {
			continue
		}
		row := keyRow{
			Screen: string(action.Kind), Action: action.ID, Standard: orEmpty(action.Keys),
			Keys: orEmpty(keymap.Keys(action.Kind, action.ID, action.Keys)), Writes: action.Writes, Typing: action.WhileTyping, Help: action.Help,
		}
		if keymap != nil {
			_, row.Bound = keymap.Bound[action.Kind][action.ID]
		}
		rows = append(rows, row)
	}
	a.warnings(texts(faults))
	return a.print(rows, func(t *tableWriter) {
		t.row("SCREEN", "ACTION", "KEYS", "INSTEAD OF", "HELP")
		for _, r := range rows {
			instead := ""
			if r.Bound {
				instead = orDash(strings.Join(r.Standard, " "))
			}
			t.row(r.Screen, r.Action, orDash(strings.Join(r.Keys, " ")), instead, r.Help)
		}
	})
}

// keymap is what the config file binds to the console's actions, and what is wrong
// with it. The demo has no need of the file: one that cannot be read is a fault too.
func (a *App) keymap() (*screen.Keymap, []error) {
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		return nil, []error{err}
	}
	keymap, wrong := keysOf(file)
	faults := make([]error, len(wrong))
	for i, e := range wrong {
		faults[i] = e
	}
	return keymap, faults
}

func keysOf(file *settings.File) (*screen.Keymap, []*settings.Error) {
	if len(file.Keys) == 0 {
		return nil, file.KeyFaults
	}
	return bindings.Check(bindings.Table(), file)
}

// faultyKeys is the error that `config --check` ends with.
func faultyKeys(faults []*settings.Error) error {
	if len(faults) == 0 {
		return nil
	}
	return usageError(fmt.Errorf("%w\nthe console leaves out what is wrong; `aiwctl config keys` lists its actions", errors.New(strings.Join(texts(faults), "\n"))))
}

func texts(faults []*settings.Error) []string {
	lines := make([]string, len(faults))
	for i, e := range faults {
		lines[i] = e.Error()
	}
	return lines
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
