package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
)

// mayWrite refuses what the guard would refuse, before anything is looked at and
// before a person is asked. What a person at a terminal will be asked for is not
// refused yet.
func (a *App) mayWrite(ctx context.Context, s *aws.Stage, action aws.Action, yes bool) error {
	if a.global.confirmStage != "" {
		ctx = aws.Confirm(ctx, a.global.confirmStage)
	}
	err := s.Guard().Check(ctx, action)
	if !errors.Is(err, aws.ErrProtected) || a.global.confirmStage != "" {
		return err
	}
	switch {
	case yes:
		return fmt.Errorf("%w; --yes alone is not enough", err)
	case a.InTTY:
		return nil
	}
	return err
}

// confirm asks a person before a write, and returns the context to write with. On
// a protected stage they type its name. Without a person there must be --yes, or,
// for a protected stage, --confirm-stage.
func (a *App) confirm(ctx context.Context, is aws.Protected, what string, yes bool) (context.Context, error) {
	if a.global.confirmStage != "" {
		// The guard compares it.
		ctx, yes = aws.Confirm(ctx, a.global.confirmStage), true
	} else if is.Needed {
		return a.confirmName(ctx, is, what, yes)
	}
	if yes {
		fmt.Fprintln(a.Err, plain("aiwctl: "+what))
		return ctx, nil
	}
	if !a.InTTY {
		return ctx, usagef("nobody is there to be asked whether to %s: add --yes, or --dry-run to look first", what)
	}
	answer, err := a.ask(ctx, capital(what)+"? [y/N] ")
	if err != nil {
		return ctx, err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return ctx, nil
	}
	return ctx, errNotConfirmed()
}

func (a *App) confirmName(ctx context.Context, is aws.Protected, what string, yes bool) (context.Context, error) {
	if yes || !a.InTTY {
		more := ""
		if yes {
			more = "; --yes alone is not enough"
		}
		return ctx, fmt.Errorf("%s: %w (%s): add --confirm-stage %s%s", what, aws.ErrProtected, is.Why, is.Name, more)
	}
	fmt.Fprintln(a.Err, plain("this stage is protected: "+is.Why))
	name, err := a.ask(ctx, fmt.Sprintf("%s? Type the stage's name, %s: ", capital(what), is.Name))
	if err != nil {
		return ctx, err
	}
	if name != is.Name {
		return ctx, errNotConfirmed()
	}
	return aws.Confirm(ctx, name), nil
}

// ask reads a line from a person.
func (a *App) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.Err, plain(question))
	if a.lines == nil { // one for all questions: what it has read ahead is the next answer
		a.lines = bufio.NewReader(a.In)
	}
	answer, err := interruptible(ctx, func() (string, error) { return a.lines.ReadString('\n') })
	if err != nil && answer == "" {
		fmt.Fprintln(a.Err)
		return "", interruptedf("no answer; nothing was done")
	}
	return strings.TrimSpace(answer), nil
}

func errNotConfirmed() error {
	return &codeError{exitFailed, errors.New("not confirmed; nothing was done")}
}

func capital(what string) string { return strings.ToUpper(what[:1]) + what[1:] }
