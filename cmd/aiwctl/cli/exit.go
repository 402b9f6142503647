package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The exit codes of every command. They are part of the interface.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // wrong flags or arguments, invalid input
	exitNothing     = 3 // nothing matched
	exitDenied      = 4 // read-only, protected, refused by AWS
	exitPartly      = 5 // some of it was done
	exitInterrupted = 130
)

// codeError is an error with the exit code it asks for.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func usageError(err error) error { return &codeError{exitUsage, err} }

func usagef(format string, args ...any) error { return usageError(fmt.Errorf(format, args...)) }

func nothingf(format string, args ...any) error {
	return &codeError{exitNothing, fmt.Errorf(format, args...)}
}

// exitCode is the code for an error; ctx tells an interruption from a failure.
func exitCode(ctx context.Context, err error) int {
	var (
		coded   *codeError
		invalid *dispatch.ValidationError
		partial *redrive.PartialError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &invalid), errors.Is(err, dispatch.ErrTooLarge), errors.Is(err, dispatch.ErrDelay), errors.Is(err, aws.ErrMode):
		return exitUsage
	case errors.As(err, &partial):
		return exitPartly
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, aws.ErrReadOnly):
		return exitDenied
	}
	switch kind, _ := aws.Classify(err); kind {
	case aws.KindDenied, aws.KindAuth:
		return exitDenied
	default:
		return exitFailed
	}
}

// errorText is what to print for an error: what failed, and what to do.
func errorText(err error, code int) string {
	if err == nil {
		return ""
	}
	if code == exitInterrupted {
		return "aiwctl: interrupted"
	}
	var b strings.Builder
	b.WriteString("aiwctl: ")
	b.WriteString(plain(err.Error()))
	var coded *codeError
	if !errors.As(err, &coded) {
		if _, hint := aws.Classify(err); hint != "" && !strings.Contains(err.Error(), hint) {
			b.WriteString("\n  " + plain(hint))
		}
	}
	return b.String()
}
