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
	at       codeLine // where New was called
	refused  bool     // Must was given an error: nothing but id and at is known
	settings settings
	input    *schema
	output   *schema
	// decode makes the job of a run, with its input in the handler's type.
	decode func(r *run, input json.RawMessage) (typedRun, error)
}

// ID and definition make a definition a Runner, so that an App can hand its
// workers to another one.
func (d *definition) ID() string              { return d.id }
func (d *definition) definition() *definition { return d }

// typedRun is one run of a handler, its input decoded. handle is called once, and
// encode once after a handle without an error.
type typedRun interface {
	handle(ctx context.Context) error
	encode() (json.RawMessage, error)
}

// New makes a worker. The id is the worker's name everywhere: in messages, in the
// queue's and the function's name, in the console. It consists of letters, digits,
// - and _, at most 48 of them.
//
// The JSON Schemas of In and Out are inferred: a struct field is required unless
// its json tag says omitempty or omitzero, a `jsonschema:"..."` tag describes it,
// and slices, maps and pointers may be null. A type may contain itself. One that has
// no JSON, such as a func or a chan, needs WithInputSchema or WithOutputSchema.
//
// In is decoded by encoding/json; numbers that land in an any become json.Number,
// so that no digit is lost. Properties that an inferred schema does not know are
// dropped, with a warning in the log.
//
// The error names every setting that AWS would refuse, with what it allows.
func New[In, Out any](id string, h Handler[In, Out], opts ...Option) (*Worker[In, Out], error) {
	at := callerOf()
	var errs []error // all of them, so that an author corrects everything at once
	refuse := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	refuse(validateID(id))
	if h == nil {
		refuse(errors.New("the handler is nil"))
	}
	s := newSettings(opts)
	refuse(s.validate())
	refuse(s.validateRetry())
	input, err := newSchema(s.inputSchema, reflect.TypeFor[In](), s.examples, s.engine)
	if err != nil {
		refuse(fmt.Errorf("input schema: %w", needOption(err, "WithInputSchema")))
	}
	output, err := newSchema(s.outputSchema, reflect.TypeFor[Out](), nil, s.engine)
	if err != nil {
		refuse(fmt.Errorf("output schema: %w", needOption(err, "WithOutputSchema")))
	}
	refuse(s.checkSchedules(input, reflect.TypeFor[In]()))
	if err := errors.Join(errs...); err != nil {
		return nil, &problem{at: at, id: id, err: err}
	}

	def := &definition{id: id, at: at, settings: s, input: input, output: output}
	numbers := holdsAny(reflect.TypeFor[In](), nil)
	def.decode = func(r *run, input json.RawMessage) (typedRun, error) {
		d := r.d
		t := &typed[In, Out]{handler: h, job: Job[In]{
			ID:          d.jobID,
			WorkerID:    id,
			RequestID:   d.batch.requestID,
			UserID:      d.msg.EffectiveUserID(),
			Metadata:    r.metadata,
			Context:     r.context,
			Attempt:     d.attempt,
			MaxAttempts: d.batch.maxReceive,
			Try:         r.try,
			LastError:   r.lastError,
			SentAt:      d.msg.Timestamp,
			Log:         d.author,
			d:           d,
		}}
		if err := decodeJob(input, &t.job.Input, numbers); err != nil {
			return nil, &decodeError{err: err}
		}
		return t, nil
	}

	w := &Worker[In, Out]{def: def}
	w.client = sync.OnceValues(w.newClient)
	return w, nil
}

// typed is one run of a handler with its types.
type typed[In, Out any] struct {
	handler Handler[In, Out]
	job     Job[In]
	out     Out
}

func (t *typed[In, Out]) handle(ctx context.Context) (err error) {
	t.out, err = t.handler(ctx, &t.job)
	return err
}

func (t *typed[In, Out]) encode() (json.RawMessage, error) {
	text, err := jsonlog.Encode(&t.out)
	if err != nil {
		return nil, &OutputError{WorkerID: t.job.WorkerID, Err: err}
	}
	return text, nil
}

// Must returns the worker, or panics when New returned an error. It is meant for
// package-level variables.
//
// In a program that was started to print its manifest (its last argument is "manifest") it
// does not panic: the error of every worker is then printed at once, and the program exits
// with 1. The worker that Must returns there has an id and nothing else.
func Must[In, Out any](w *Worker[In, Out], err error) *Worker[In, Out] {
	if err == nil {
		return w
	}
	if !manifestWanted() {
		panic(err)
	}
	w = &Worker[In, Out]{def: remember(err, callerOf())}
	w.client = sync.OnceValues(w.newClient)
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
