package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// What a program gives to the runtime may panic. In the goroutine of the invocation that
// would cost a job its end, although its handler is done, so that it ran again; in one
// of the runtime's own it would end the process. So it is caught where it is called.

// foreignStore is a store whose panics are errors.
type foreignStore struct{ jobstore.Store }

// Claim implements jobstore.Store.
func (s foreignStore) Claim(ctx context.Context, c jobstore.Claim) (got jobstore.Claimed, err error) {
	defer soundInto(&err)
	defer recoverInto(&err)
	return s.Store.Claim(ctx, c)
}

// Update implements jobstore.Store.
func (s foreignStore) Update(ctx context.Context, jobID string, u jobstore.Update) (err error) {
	defer soundInto(&err)
	defer recoverInto(&err)
	return s.Store.Update(ctx, jobID, u)
}

// Get implements jobstore.Store.
func (s foreignStore) Get(ctx context.Context, jobID string) (r *jobstore.Record, err error) {
	defer soundInto(&err)
	defer recoverInto(&err)
	return s.Store.Get(ctx, jobID)
}

// guardStore is a store that may be called from anywhere.
func guardStore(s jobstore.Store) jobstore.Store {
	if _, guarded := s.(foreignStore); guarded || s == nil {
		return s
	}
	return foreignStore{s}
}

// foreignTracer is a tracer whose panics cost a span and nothing else. It also makes up
// for a context or a function that is missing.
type foreignTracer struct {
	dispatch.Tracer
	log *slog.Logger
}

// guardTracer is a tracer that may be called from anywhere.
func guardTracer(t dispatch.Tracer, log *slog.Logger) dispatch.Tracer {
	if _, guarded := t.(foreignTracer); guarded || t == nil {
		return t
	}
	return foreignTracer{t, log}
}

func (t foreignTracer) complain() {
	if v := recover(); v != nil {
		t.log.Error("the tracer panicked; the job goes on", slog.Any("error", jobError(&PanicError{Value: v, Stack: panicStack()})))
	}
}

// Start implements dispatch.Tracer.
func (t foreignTracer) Start(ctx context.Context, span dispatch.Span) (started context.Context, end func(error)) {
	started, end = ctx, noSpan
	defer t.complain()
	if inner, stop := t.Tracer.Start(ctx, span); inner != nil && stop != nil {
		started, end = inner, func(err error) {
			defer t.complain()
			stop(err)
		}
	}
	return started, end
}

// Inject implements dispatch.Tracer.
func (t foreignTracer) Inject(ctx context.Context, set func(name, value string)) {
	defer t.complain()
	t.Tracer.Inject(ctx, set)
}

// Extract implements dispatch.Tracer.
func (t foreignTracer) Extract(ctx context.Context, get func(name string) string) (extracted context.Context) {
	extracted = ctx
	defer t.complain()
	if inner := t.Tracer.Extract(ctx, get); inner != nil {
		extracted = inner
	}
	return extracted
}

// soundInto is soundError for a deferred call.
func soundInto(err *error) { *err = soundError(*err) }

// soundError is an error of somebody else's if all that the runtime will ask of it can be asked.
// Otherwise it is a panic: a nil pointer in an error, most often.
func soundError(err error) (sound error) {
	if err == nil {
		return nil
	}
	// What is caught here has a text that cannot panic: fmt sees to that.
	defer func() {
		if v := recover(); v != nil {
			permanent := func() (yes bool) {
				defer func() { _ = recover() }()
				return IsPermanent(err)
			}()
			sound = fmt.Errorf("an error of type %T whose methods panic (is it a nil pointer?): %w", err, &PanicError{Value: fmt.Sprint(v), Stack: panicStack()})
			if permanent {
				sound = Permanent(sound)
			}
		}
	}()
	_ = jobError(err)
	_ = isFinal(err)
	_ = snoozed(err)
	_ = errors.Is(err, errNoReturn)
	return err
}
