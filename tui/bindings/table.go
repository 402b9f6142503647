// Package bindings knows which actions the console has and under which keys, and makes
// a keymap of what a person has bound to them in the configuration file.
//
// The list of actions is table.txt, which is written by a test of package tui from the
// screens' own sources and from what they do when they are run.
package bindings

import (
	_ "embed" // the table
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

//go:embed table.txt
var table string

// Action is an action of the console, in whatever state of its screen it is there.
type Action struct {
	Kind screen.Kind
	// ID is empty for keys that cannot be changed.
	ID string
	// Keys are its own, as far as they are known beforehand.
	Keys []string
	// WhileTyping says that it works while an input has the focus.
	WhileTyping bool
	// Writes says that it changes something in AWS.
	Writes bool
	// Help is a sentence; may be empty.
	Help string
}

// Kinds are the kinds of screens, in the order in which people meet them.
func Kinds() []screen.Kind {
	return []screen.Kind{
		screen.KindWorkers, screen.KindWorker, screen.KindDispatch, screen.KindJob, screen.KindLogs,
		screen.KindDead, screen.KindReplay, screen.KindHistory, screen.KindStages, screen.KindEverywhere,
	}
}

// Table lists the console's actions by kind of screen.
func Table() []Action {
	actions, err := Parse(table)
	if err != nil {
		panic(err) // a test reads it
	}
	return actions
}

const tableHead = "# The console's actions: screen, id, keys, what it is, help. Written by `go test ./tui -run TestKeyTable -update`.\n"

// The words for what an action is.
const (
	wordTyping = "typing"
	wordWrites = "writes"
	wordNone   = "-"
)

// Parse reads a table as Format writes it.
func Parse(text string) ([]Action, error) {
	var actions []Action
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 5 {
			return nil, fmt.Errorf("the table of actions has a line of %d fields: %q", len(fields), line)
		}
		a := Action{Kind: screen.Kind(fields[0]), Help: fields[4]}
		if fields[1] != wordNone {
			a.ID = fields[1]
		}
		if fields[2] != "" {
			a.Keys = strings.Split(fields[2], " ")
		}
		for word := range strings.SplitSeq(fields[3], ",") {
			a.WhileTyping = a.WhileTyping || word == wordTyping
			a.Writes = a.Writes || word == wordWrites
		}
		actions = append(actions, a)
	}
	return actions, nil
}

// Format writes a table, a line for each action.
func Format(actions []Action) string {
	var b strings.Builder
	b.WriteString(tableHead)
	plain := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	for _, a := range actions {
		id, is := a.ID, []string{}
		if id == "" {
			id = wordNone
		}
		if a.WhileTyping {
			is = append(is, wordTyping)
		}
		if a.Writes {
			is = append(is, wordWrites)
		}
		if len(is) == 0 {
			is = []string{wordNone}
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", a.Kind, id, strings.Join(a.Keys, " "), strings.Join(is, ","), plain.Replace(a.Help))
	}
	return b.String()
}
