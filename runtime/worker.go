package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// Handler does a job. Its error decides what happens next: see the package
// documentation. It must stop when ctx ends, and it must be safe for concurrent
// use, since one process may serve several invocations.
type Handler[In, Out any] func(ctx context.Context, job *Job[In]) (Out, error)

// Worker is a handler with an id, schemas and settings. Make one with New; it is
// immutable and safe for concurrent use.
type Worker[In, Out any] struct {
	def    *definition
	client func() (*dispatch.Client, error)
}

// Runner is a worker of any input and output: what Main and NewApp take. Only
// *Worker implements it.
type Runner interface {
	// ID is the worker's id.
	ID() string

	definition() *definition
}

// definition is a worker without its types, so that workers of different types
// fit into one App.
type definition struct {
	id       string
	settings settings
	input    *schema
	output   *schema
	// invoke decodes the input, calls the handler and encodes what it returned.
	invoke func(ctx context.Context, info jobInfo, input json.RawMessage) (json.RawMessage, error)
}

// New makes a worker. The id is the worker's name everywhere: in messages, in the
// queue's and the function's name, in the console. It consists of letters, digits,
// - and _, at most 48 of them.
//
// The JSON Schemas of In and Out are inferred: a struct field is required unless
// its json tag says omitempty or omitzero, a `jsonschema:"..."` tag describes it,
// and slices, maps and pointers may be null. A type without an inferable schema,
// such as a recursive one, needs WithInputSchema or WithOutputSchema.
//
// In is decoded by encoding/json; numbers that land in an any become json.Number,
// so that no digit is lost. Properties that an inferred schema does not know are
// dropped, with a warning in the log.
//
// The error names every setting that AWS would refuse, with what it allows.
func New[In, Out any](id string, h Handler[In, Out], opts ...Option) (*Worker[In, Out], error) {
	if err := validateID(id); err != nil {
		return nil, fmt.Errorf("worker %q: %w", id, err)
	}
	if h == nil {
		return nil, fmt.Errorf("worker %q: the handler is nil", id)
	}
	s := newSettings(opts)
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("worker %q: %w", id, err)
	}
	input, err := newSchema(s.inputSchema, reflect.TypeFor[In](), s.examples)
	if err != nil {
		return nil, fmt.Errorf("worker %q: input schema: %w", id, needOption(err, "WithInputSchema"))
	}
	output, err := newSchema(s.outputSchema, reflect.TypeFor[Out](), nil)
	if err != nil {
		return nil, fmt.Errorf("worker %q: output schema: %w", id, needOption(err, "WithOutputSchema"))
	}

	def := &definition{id: id, settings: s, input: input, output: output}
	def.invoke = func(ctx context.Context, info jobInfo, input json.RawMessage) (json.RawMessage, error) {
		job := &Job[In]{
			ID:          info.id,
			WorkerID:    id,
			RequestID:   info.requestID,
			UserID:      info.userID,
			Metadata:    info.metadata,
			Context:     info.context,
			Attempt:     info.attempt,
			MaxAttempts: info.maxAttempts,
			SentAt:      info.sentAt,
			Log:         info.log,
			events:      info.events,
		}
		if err := decodeJob(input, &job.Input); err != nil {
			return nil, &decodeError{err: err}
		}
		out, err := h(ctx, job)
		if err != nil {
			return nil, err
		}
		text, err := jsonlog.Encode(out)
		if err != nil {
			return nil, &OutputError{WorkerID: id, Err: err}
		}
		return text, nil
	}

	w := &Worker[In, Out]{def: def}
	w.client = sync.OnceValues(w.newClient)
	return w, nil
}

// Must returns the worker, or panics when New returned an error. It is meant for
// package-level variables.
func Must[In, Out any](w *Worker[In, Out], err error) *Worker[In, Out] {
	if err != nil {
		panic(err)
	}
	return w
}

// ID is the worker's id.
func (w *Worker[In, Out]) ID() string { return w.def.id }

func (w *Worker[In, Out]) definition() *definition { return w.def }

// needOption adds to an inference error what the author can do about it.
func needOption(err error, option string) error {
	var infer *inferError
	if errors.As(err, &infer) {
		return fmt.Errorf("%w; give the schema yourself with %s", err, option)
	}
	return err
}
