package dispatch

import (
	"encoding/json"
	"time"
)

// RunMarker starts the log line that ties a job to a Lambda request:
// `[AIWORKER_RUN] {"jobId","workerId","awsRequestId"}`. It is written once per
// delivery, before anything else is decided about it, so it proves delivery and
// not execution.
const RunMarker = "[AIWORKER_RUN]"

// Run is the JSON behind RunMarker.
type Run struct {
	// JobID and WorkerID are the message's; the id of the SQS message and the
	// function's worker stand in for what a message lacks.
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId"`
	// AWSRequestID is the Lambda invocation, as in its START and REPORT lines.
	AWSRequestID string `json:"awsRequestId"`
}

// The values of JobEvent.Event. Each is one JSON log line of a worker.
const (
	EventStarted   = "job.started"   // the handler is about to run
	EventProgress  = "job.progress"  // the handler reported progress
	EventCompleted = "job.completed" // final: the output is valid
	EventRetrying  = "job.retrying"  // this attempt failed, SQS will deliver again
	EventFailed    = "job.failed"    // final: the message goes to the dead-letter queue
	EventDeferred  = "job.deferred"  // neither done nor failed: SQS will deliver again, as the handler or the runtime asked
	EventSkipped   = "job.skipped"   // this delivery left the job alone: see JobEvent.JobStatus
	EventWebhook   = "job.webhook"   // the completion webhook was delivered or not
)

// JobEvent is the contract between the worker runtime, which writes these lines
// through slog, and whoever follows a job in the logs. Unknown fields are the
// worker author's own.
type JobEvent struct {
	// Time is when the line was written, and Level DEBUG, INFO, WARN or ERROR.
	Time  time.Time `json:"time"`
	Level string    `json:"level"`
	// Message is the line in words.
	Message string `json:"msg"`
	// Event is one of the Event constants; empty for a line of the worker author's.
	Event string `json:"event,omitempty"`
	// JobID, WorkerID and RequestID are those of Run.
	JobID     string `json:"jobId,omitempty"`
	WorkerID  string `json:"workerId,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	// Attempt is the SQS receive count of this delivery, from 1.
	Attempt int `json:"attempt,omitempty"`
	// MaxAttempts is the queue's maxReceiveCount, zero when the worker does not
	// know it.
	MaxAttempts int `json:"maxAttempts,omitempty"`
	// DelayMS belongs to EventRetrying and EventDeferred: SQS delivers the job again
	// after so many milliseconds, at the earliest. Zero: at once, or unknown.
	DelayMS float64 `json:"delayMs,omitempty"`
	// JobStatus belongs to EventSkipped and says why the job was left alone:
	// "completed" and "failed" when it had come to that end before, "running" when
	// another delivery has it.
	JobStatus string `json:"jobStatus,omitempty"`
	// DurationMS is how long the handler ran, in milliseconds.
	DurationMS float64 `json:"durationMs,omitempty"`
	// Percent (0 to 100) and Note belong to EventProgress.
	Percent float64 `json:"percent,omitempty"`
	Note    string  `json:"note,omitempty"`
	// Output belongs to EventCompleted, and to EventSkipped of a completed job. It is left out, and OutputBytes says how
	// long it was, when it is over the size cap or the author turned it off.
	Output      json.RawMessage `json:"output,omitempty"`
	OutputBytes int             `json:"outputBytes,omitempty"`
	// Error belongs to EventRetrying, EventFailed, EventSkipped of a failed job, and
	// EventDeferred when it was not the handler who asked.
	Error *JobError `json:"error,omitempty"`
}

// JobError is a failed attempt's error, as in the webhook payload.
type JobError struct {
	// Message is the error's text, and Name its kind, such as "Timeout",
	// "ValidationError" or "PanicError".
	Message string `json:"message"`
	Name    string `json:"name,omitempty"`
	// Stack is where the handler panicked; empty for other errors.
	Stack string `json:"stack,omitempty"`
}
