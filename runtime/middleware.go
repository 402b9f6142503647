package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
)

// Middleware wraps the handler of a job. It sees JSON and not the handler's types,
// so that one serves every worker. It runs within the job's deadline, after the
// input was checked and before the output is, in each try; its error counts as the
// handler's, and so does its panic.
type Middleware func(ctx context.Context, inv *Invocation, next Next) (json.RawMessage, error)

// Next calls the next middleware, or the handler, with inv's input. It may be
// called several times, or not at all.
type Next func(ctx context.Context, inv *Invocation) (json.RawMessage, error)

// Invocation is one run of a handler, without its types.
type Invocation struct {
	// JobID, WorkerID, RequestID, UserID, Metadata, Context, Attempt, MaxAttempts and
	// Try are those of Job.
	JobID, WorkerID, RequestID, UserID string
	Metadata, Context                  map[string]any
	Attempt, MaxAttempts, Try          int
	// LastError is that of Job.
	LastError error
	// Input is what the handler gets; a middleware may replace it. It is not
	// checked against the schema again.
	Input json.RawMessage
	// Log is the job's log.
	Log *slog.Logger
}

// WithMiddleware wraps the worker's handler, the first one outermost; those of
// AppConfig.Middleware are outside these. Several options add up.
func WithMiddleware(m ...Middleware) Option {
	return func(s *settings) { s.middleware = append(s.middleware, m...) }
}

// hasMiddleware says that the handler is wrapped.
func (r *run) hasMiddleware() bool {
	return len(r.d.batch.app.cfg.Middleware)+len(r.d.def.settings.middleware) > 0
}

// invoke runs the handler inside its middleware.
func (r *run) invoke(ctx context.Context, input json.RawMessage) (json.RawMessage, error) {
	d := r.d
	return r.next(ctx, 0, &Invocation{
		JobID: d.jobID, WorkerID: d.def.id, RequestID: d.batch.requestID, UserID: d.msg.EffectiveUserID(),
		Metadata: r.metadata, Context: r.context,
		Attempt: d.attempt, MaxAttempts: d.batch.maxReceive, Try: r.try, LastError: r.lastError,
		Input: input, Log: d.author,
	})
}

// next calls the middleware at a position, those of the App first.
func (r *run) next(ctx context.Context, at int, inv *Invocation) (json.RawMessage, error) {
	outer, inner := r.d.batch.app.cfg.Middleware, r.d.def.settings.middleware
	for at < len(outer)+len(inner) {
		m := Middleware(nil)
		if at < len(outer) {
			m = outer[at]
		} else {
			m = inner[at-len(outer)]
		}
		at++
		if m == nil {
			continue
		}
		return m(ctx, inv, func(ctx context.Context, changed *Invocation) (json.RawMessage, error) {
			if changed == nil {
				changed = inv
			}
			return r.next(ctx, at, changed)
		})
	}
	return invokeTyped(ctx, r, inv.Input)
}

// invokeTyped is the handler itself.
func invokeTyped(ctx context.Context, r *run, input json.RawMessage) (json.RawMessage, error) {
	t, err := r.d.def.decode(r, input)
	if err != nil {
		return nil, err
	}
	if err := t.handle(ctx); err != nil {
		return nil, err
	}
	return t.encode()
}
