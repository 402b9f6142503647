package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

// choiceFlags say which dead letters are meant.
type choiceFlags struct {
	all   bool
	ids   []string
	where string
	file  string // of edited messages; replay only
}

func (f *choiceFlags) register(cmd *cobra.Command, all string) {
	fl := cmd.Flags()
	fl.BoolVar(&f.all, "all", false, all)
	fl.StringArrayVar(&f.ids, "id", nil, "a message id; may be repeated")
	fl.StringVar(&f.where, "where", "", "an expression, such as 'error contains \"timed out\" && age > \"1h\"'; the fields: "+fieldNames())
	must(cmd.RegisterFlagCompletionFunc("id", cobra.NoFileCompletions))
	must(cmd.RegisterFlagCompletionFunc("where", completeWhere))
}

func fieldNames() string {
	var names []string
	for _, f := range where.Fields() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// completeWhere offers the fields of an expression whose last word is being typed.
func completeWhere(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	at := strings.LastIndexAny(prefix, " (!&|") + 1
	var out []string
	for _, f := range where.Fields() {
		if strings.HasPrefix(f.Name, prefix[at:]) {
			out = append(out, cobra.CompletionWithDesc(prefix[:at]+f.Name, f.Help))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// chosen is whether anything was said, and check whether it was said once.
func (f *choiceFlags) check(needed string) error {
	var given []string
	for name, set := range map[string]bool{"--all": f.all, "--id": len(f.ids) > 0, "--where": f.where != "", "-f": f.file != ""} {
		if set {
			given = append(given, name)
		}
	}
	switch {
	case len(given) > 1:
		return usagef("--all, --id, --where and -f exclude each other")
	case len(given) == 0 && needed != "":
		return usagef("say what to %s: --all, --id once for each message, or --where with an expression", needed)
	}
	return nil
}

// choice makes a redrive.Choice of the flags.
func (a *App) choice(ctx context.Context, f *choiceFlags) (redrive.Choice, error) {
	c := redrive.Choice{IDs: f.ids}
	if f.where != "" {
		filter, err := where.Compile(f.where)
		if err != nil {
			return c, usagef("--where: %w", err)
		}
		c.Where = filter
	}
	if f.file != "" {
		edited, err := a.readLetters(ctx, f.file)
		if err != nil {
			return c, err
		}
		c.Edited = edited
	}
	return c, nil
}

// look is what every command begins with that looks into one dead-letter queue.
type look struct {
	dlqTarget
	choice redrive.Choice
	engine *redrive.Engine
}

// begin checks the choice, which is needed for what needed says (empty: for
// nothing), finds the queue that a person named, and opens the job records.
func (a *App) begin(ctx context.Context, f *choiceFlags, needed, name string) (l look, err error) {
	if err := f.check(needed); err != nil {
		return l, err
	}
	if l.choice, err = a.choice(ctx, f); err != nil {
		return l, err
	}
	if l.dlqTarget, err = a.findDLQ(ctx, name); err != nil {
		return l, err
	}
	records, err := a.openRecords(ctx, l.stage)
	if err != nil {
		return l, err
	}
	l.engine = a.engine(l.stage, records)
	return l, nil
}

// readLetters reads a file of messages, or standard input.
func (a *App) readLetters(ctx context.Context, path string) ([]letter.Letter, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError(err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	letters, err := interruptible(ctx, func() ([]letter.Letter, error) {
		var out []letter.Letter
		for l, err := range letter.ReadLines(in) {
			if err != nil {
				return nil, usagef("%s: %w", path, err)
			}
			out = append(out, *l)
		}
		return out, nil
	})
	if err == nil && len(letters) == 0 {
		err = usagef("%s: there is no message in it", path)
	}
	return letters, err
}

// engine is the engine of a stage. The records are those of the stage's job store.
func (a *App) engine(s *aws.Stage, records *jobRecords) *redrive.Engine {
	cfg := redrive.Config{Getenv: a.Getenv}
	if records != nil {
		cfg.Records = records.find
	}
	if a.noJournal {
		cfg.Dir = redrive.NoJournal
	}
	return redrive.New(s, cfg)
}

// selectLetters looks and chooses, and says on standard error what a person should
// know. The caller releases the selection.
func (a *App) selectLetters(ctx context.Context, l *look) (*redrive.Selection, error) {
	p := a.newProgress()
	l.choice.OnState = p.state
	sel, err := l.engine.Select(ctx, l.worker, l.choice)
	p.done()
	if err != nil {
		return nil, err
	}
	a.warnings(sel.Warnings)
	a.warnings(sel.Notes)
	if sel.Unclear > 0 {
		a.warnings([]string{fmt.Sprintf("--where could not be evaluated on %s, and chose none of them: %v", messages(sel.Unclear), sel.UnclearErr)})
	}
	return sel, nil
}

// missing says which ids were asked for and not seen.
func (a *App) missing(l *look, sel *redrive.Selection) {
	if n := len(sel.Missing); n > 0 {
		a.warnings([]string{fmt.Sprintf("%s not in %s, or not to be seen now: %s", plural(n, "message"), l.worker.DLQ.Name, strings.Join(sel.Missing[:min(n, 5)], ", "))})
	}
}

// release lets go of a selection; what could not be is told.
func (a *App) release(ctx context.Context, sel *redrive.Selection) {
	if err := sel.Release(ctx); err != nil {
		a.warnings([]string{err.Error()})
	}
}

// errIncomplete is why a command that read everything it could is not done.
func errIncomplete(sel *redrive.Selection) error {
	if sel.Complete {
		return nil
	}
	return &codeError{exitPartly, errors.New("not every message of the queue could be seen")}
}
