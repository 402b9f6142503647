package runtime

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Job is one delivery of a job to its handler. Its deadline is the context's: it
// ends shortly before Lambda would kill the function.
//
// The methods are for the time in which the handler runs, and safe for concurrent
// use. A Job that a test makes by hand has no delivery: Progress and UseTokens do
// nothing then, and Dispatch fails. Package runtimetest makes real ones.
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
	// Attempt is how often the job has been delivered, this time included: 1 on
	// the first delivery. A delivery that the handler snoozed does not count.
	Attempt int
	// MaxAttempts is the attempt after which the message goes to the dead-letter
	// queue; zero when the function does not know.
	MaxAttempts int
	// Try is the run of the handler within this delivery, from 1; see WithRetry.
	Try int
	// LastError is why the run before this one failed: the try before, or else the
	// attempt before, which only a worker with a store remembers. It is an
	// *AttemptError; nil on a first run. Show it to a language model, and it
	// corrects itself.
	LastError error
	// SentAt is when the job was dispatched, as its message says; a replay keeps
	// it. Zero when the message does not say.
	SentAt time.Time
	// Log writes JSON lines that carry the job's id, worker, request and attempt.
	// Attributes named like a field of those lines get the prefix "attr.".
	Log *slog.Logger

	d *delivery
}

// Progress says that percent of the job is done (clamped to 0 to 100), and in note
// what is going on. It writes one log line. With a store it is recorded too, in the
// background and at most once a second; the last one is never lost. A store that
// fails is logged once and does not fail the job. When it turns out that another
// delivery has taken the job over, the handler's context ends with
// jobstore.ErrLeaseLost as its cause.
func (j *Job[In]) Progress(ctx context.Context, percent float64, note string) {
	if j == nil || j.d == nil {
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
	j.d.events.LogAttrs(ctx, slog.LevelInfo, message,
		slog.String("event", dispatch.EventProgress),
		slog.Float64("percent", percent),
		slog.String("note", note))
	j.d.saveProgress(jobstore.Progress{Percent: percent, Message: note})
}

// run is one run of a handler: its delivery, and which run of it this is.
type run struct {
	d         *delivery
	try       int
	lastError error
	// metadata and context are the message's; never nil.
	metadata, context map[string]any
}
