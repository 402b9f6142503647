package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
)

// Middleware wraps the handler of a job. It sees JSON and not the handler's types,
// so that one serves every worker. It runs within the job's deadline, after the
// input was checked and before the output is; its error counts as the handler's.
type Middleware func(ctx context.Context, inv *Invocation, next Next) (json.RawMessage, error)

// Next calls the next middleware, or the handler, with inv's input.
type Next func(ctx context.Context, inv *Invocation) (json.RawMessage, error)

// Invocation is one run of a handler, without its types.
type Invocation struct {
	// JobID, WorkerID, RequestID, UserID, Metadata, Context, Attempt, MaxAttempts and
	// Try are those of Job.
	JobID, WorkerID, RequestID, UserID string
	Metadata, Context                  map[string]any
	Attempt, MaxAttempts, Try          int
	// Input is what the handler gets; a middleware may replace it.
	Input json.RawMessage
	// Log is the job's log.
	Log *slog.Logger
}

// WithMiddleware wraps the worker's handler, the first one outermost; those of
// AppConfig.Middleware are outside these. Several options add up.
func WithMiddleware(m ...Middleware) Option {
	return func(s *settings) { s.middleware = append(s.middleware, m...) }
}
