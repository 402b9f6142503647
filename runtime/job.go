package runtime

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Job is one delivery of a job to its handler. Its deadline is the context's: it
// ends shortly before Lambda would kill the function.
type Job[In any] struct {
	// ID is the job's id. It is the same in every attempt and in a replay that
	// keeps it, so side effects can be made idempotent with it.
	ID string
	// WorkerID is the id of the worker that runs.
	WorkerID string
	// RequestID is the id of the Lambda invocation, as in its START and REPORT
	// lines. The caller's own request id, if it sent one, is Context["requestId"].
	RequestID string
	// UserID is whom the job is done for; empty when the caller did not say.
	UserID string
	// Input fits the worker's input schema.
	Input In
	// Metadata and Context are the caller's own; never nil. Numbers in them are
	// json.Number.
	Metadata map[string]any
	Context  map[string]any
	// Attempt is how often SQS has delivered the message, this time included: 1
	// on the first delivery.
	Attempt int
	// MaxAttempts is the attempt after which the message goes to the dead-letter
	// queue; zero when the function does not know.
	MaxAttempts int
	// SentAt is when the job was dispatched, as its message says; a replay keeps
	// it. Zero when the message does not say.
	SentAt time.Time
	// Log writes JSON lines that carry the job's id, worker, request and attempt.
	// Attributes named like a field of those lines get the prefix "attr.".
	Log *slog.Logger

	events *slog.Logger
}

// Progress writes a progress line: percent of the job is done (clamped to 0 to
// 100), and note says what is going on. It costs one log line; a handler that
// reports thousands of steps should thin them out. Without a job it does nothing.
func (j *Job[In]) Progress(ctx context.Context, percent float64, note string) {
	if j == nil || j.events == nil {
		return
	}
	if math.IsNaN(percent) {
		percent = 0
	}
	percent = min(max(percent, 0), 100)
	message := "progress"
	if note != "" {
		message = note
	}
	j.events.LogAttrs(ctx, slog.LevelInfo, message,
		slog.String("event", dispatch.EventProgress),
		slog.Float64("percent", percent),
		slog.String("note", note))
}

// jobInfo is a Job without its input.
type jobInfo struct {
	id, requestID, userID string
	metadata, context     map[string]any
	attempt, maxAttempts  int
	sentAt                time.Time
	log, events           *slog.Logger
}
