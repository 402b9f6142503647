package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// ErrTimeLimit is the cause of a handler's context that ended because the
// function's timeout was near (see context.Cause), and is part of the error that
// is recorded for the attempt.
var ErrTimeLimit = errors.New("the function's timeout is near")

// ErrShutdown is the cause of a handler's context that ended because the process
// was asked to stop.
var ErrShutdown = errors.New("the worker process is shutting down")

// errNoReturn is a handler whose goroutine ended without a return or a panic.
var errNoReturn = errors.New("the handler ended its goroutine without returning (runtime.Goexit)")

// permanentError marks an error that another attempt would not cure.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks an error that another attempt would not cure: the job has
// failed at once. Its message is copied to the dead-letter queue, with the reason
// in the attribute AIWorkerError, where the function knows that queue
// (WORKER_DLQ_URL_<ID>) and may send to it. Elsewhere SQS moves the message there
// after it has delivered it maxReceiveCount times; with a job store those
// deliveries do not run the handler again. SQS does not know where a copy came from:
// its own move task brings one back only when it is told the destination. Permanent(nil)
// is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err: err}
}

// IsPermanent reports whether err, or an error it wraps, was marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// PanicError is the error of an attempt whose handler panicked.
type PanicError struct {
	// Value is what was passed to panic.
	Value any
	// Stack is the stack of the panicking goroutine, from the panic downwards.
	Stack string
}

// Error says what the panic's value was.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value when that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// OutputError is the error of an attempt whose handler returned something that
// does not fit the worker's output schema, or is not JSON at all. It is final:
// the handler has done its work, and doing it again would do it twice.
type OutputError struct {
	// WorkerID is the worker that returned it.
	WorkerID string
	// Violations says what does not fit; empty when Err is set.
	Violations []dispatch.Violation
	// Err is why the output is not JSON; nil otherwise.
	Err error
}

// Error names the first violation.
func (e *OutputError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("worker %q: encode the output: %v", e.WorkerID, e.Err)
	}
	return fmt.Sprintf("worker %q: the output does not fit its schema: %s", e.WorkerID, describeViolations(e.Violations))
}

// Unwrap returns Err.
func (e *OutputError) Unwrap() error { return e.Err }

// decodeError is input that fits the schema and still cannot be decoded into the
// handler's type, which happens when an author's own schema allows more than the type.
type decodeError struct{ err error }

func (e *decodeError) Error() string {
	return fmt.Sprintf("the input fits the schema but not the handler's type: %v", e.err)
}
func (e *decodeError) Unwrap() error { return e.err }

// messageError is a message that no attempt can run: not a job, or another worker's.
type messageError struct{ err error }

func (e *messageError) Error() string { return e.err.Error() }
func (e *messageError) Unwrap() error { return e.err }

// overrunError is a handler that ran on after its context had ended.
type overrunError struct{ cause error }

func (e *overrunError) Error() string {
	return fmt.Sprintf("the handler ignored the end of its context and runs on (%v); pass ctx to everything that waits", e.cause)
}
func (e *overrunError) Unwrap() error { return e.cause }

// inputError is input that does not fit the schema of the worker that runs. It is
// a type of its own because a handler that dispatches jobs may return the
// ValidationError of another worker's input, which another attempt may well cure.
type inputError struct{ *dispatch.ValidationError }

func (e inputError) Unwrap() error { return e.ValidationError }

// isFinal reports whether another attempt is pointless whatever the receive count.
func isFinal(err error) bool {
	var (
		input   inputError
		output  *OutputError
		decode  *decodeError
		message *messageError
	)
	return IsPermanent(err) || errors.Is(err, ErrTokenBudget) || errors.As(err, &input) || errors.As(err, &output) ||
		errors.As(err, &decode) || errors.As(err, &message)
}

const maxErrorText = 8 << 10

// jobError is an error as it stands in the log and in the webhook.
func jobError(err error) *dispatch.JobError {
	je := &dispatch.JobError{Message: jsonlog.Truncate(err.Error(), maxErrorText), Name: errorName(err)}
	var p *PanicError
	if errors.As(err, &p) {
		je.Stack = p.Stack
	}
	return je
}

// errorName is a short name for the kind of an error: the name of the outermost
// type that says something, without its package.
func errorName(err error) string {
	switch {
	case errors.Is(err, ErrTimeLimit), errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	case errors.Is(err, ErrShutdown), errors.Is(err, context.Canceled):
		return "Interrupted"
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		switch e := e.(type) { //nolint:errorlint // the chain is walked by the loop
		case inputError, *decodeError:
			return "ValidationError"
		case *messageError:
			return "MessageError"
		case *storeError:
			return "StoreError"
		case *permanentError:
			continue
		default:
			t := reflect.TypeOf(e)
			for t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			// Types such as errors.errorString and fmt.wrapError say nothing.
			if name := t.Name(); name != "" && name[0] >= 'A' && name[0] <= 'Z' {
				return name
			}
		}
	}
	return "Error"
}

const (
	maxStackLines = 64
	maxStackText  = 8 << 10
)

// panicStack is the current goroutine's stack without the frames of the recovery
// itself, so that the first frame is the one that panicked.
func panicStack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+2 < len(lines) {
			lines = append(lines[:1], lines[i+2:]...)
			break
		}
	}
	if len(lines) > maxStackLines {
		lines = append(lines[:maxStackLines], "...")
	}
	return jsonlog.Truncate(strings.TrimSpace(strings.Join(lines, "\n")), maxStackText)
}

// describeViolations names the first of several violations.
func describeViolations(vs []dispatch.Violation) string {
	if len(vs) == 0 {
		return "no details"
	}
	at := vs[0].Pointer
	if at == "" {
		at = "(root)"
	}
	text := at + ": " + vs[0].Message
	others := 0
	for _, v := range vs[1:] {
		others += max(v.More, 1)
	}
	if others > 0 {
		text += fmt.Sprintf(" (and %d more)", others)
	}
	return text
}
