package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

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

// interruptedf is an interruption that left something to be told.
func interruptedf(format string, args ...any) error {
	return &codeError{exitInterrupted, fmt.Errorf(format, args...)}
}

// isSystemError is whether the operating system refused, as with a full disk.
func isSystemError(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

// exitCode is the code for an error; ctx tells an interruption from a failure.
func exitCode(ctx context.Context, err error) int {
	var (
		coded    *codeError
		invalid  *dispatch.ValidationError
		partial  *redrive.PartialError
		file     *redrive.FileError
		manifest *aws.ManifestError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &invalid), errors.As(err, &file), errors.Is(err, redrive.ErrNoMoveTask), errors.Is(err, redrive.ErrOtherTarget), errors.Is(err, dispatch.ErrTooLarge), errors.Is(err, dispatch.ErrDelay), errors.Is(err, aws.ErrMode),
		errors.Is(err, aws.ErrNoRegion), errors.Is(err, aws.ErrEndpoint), errors.Is(err, aws.ErrTag), errors.As(err, &manifest):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &partial):
		return partialCode(partial)
	case errors.Is(err, aws.ErrReadOnly), errors.Is(err, aws.ErrProtected):
		return exitDenied
	}
	switch kind, _ := aws.Classify(err); kind {
	case aws.KindDenied, aws.KindAuth:
		return exitDenied
	default:
		return exitFailed
	}
}

// partialCode tells a replay that did some of its work from one that did none.
func partialCode(e *redrive.PartialError) int {
	if e.Report.Replayed+e.Report.Before > 0 {
		return exitPartly
	}
	missing := 0
	for _, p := range e.Report.Problems {
		switch {
		case p.Status == redrive.StatusNotDeleted, p.MaybeSent:
			return exitPartly
		case p.Status == redrive.StatusNotFound:
			missing++
		}
	}
	if missing == e.Report.Failed+e.Report.Skipped && missing > 0 && e.Cause == nil {
		return exitNothing
	}
	switch kind, _ := aws.Classify(e.Cause); kind {
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
	var (
		coded   *codeError
		invalid *dispatch.ValidationError
		partial *redrive.PartialError
	)
	hasCode := errors.As(err, &coded)
	if code == exitInterrupted && !hasCode && !errors.As(err, &partial) {
		return "aiwctl: interrupted"
	}
	if errors.As(err, &invalid) {
		return "aiwctl: " + invalidText(invalid)
	}
	var b strings.Builder
	b.WriteString("aiwctl: ")
	b.WriteString(plain(err.Error()))
	if !hasCode && code != exitInterrupted {
		if _, hint := aws.Classify(err); hint != "" && !strings.Contains(err.Error(), hint) {
			b.WriteString("\n  " + plain(hint))
		}
	}
	return b.String()
}

// violationsMost is how many violations are printed; validate -o json has all.
const violationsMost = 50

// invalidText gives each violation a line of its own, however many there are.
func invalidText(e *dispatch.ValidationError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "input for worker %q is invalid:", oneLine(e.WorkerID, 0))
	n := 0
	for _, v := range e.Violations {
		if v.Warning {
			continue
		}
		if n++; n <= violationsMost {
			b.WriteString("\n  " + oneLine(v.String(), 0))
		}
	}
	if n > violationsMost {
		fmt.Fprintf(&b, "\n  and %d more", n-violationsMost)
	}
	return b.String()
}
