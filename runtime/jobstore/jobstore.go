// Package jobstore keeps job records: what became of each job, and which delivery
// is working on it now. A Store is what makes a job run once although SQS delivers
// at least once.
//
// Which store to choose:
//
//	NewMemory    tests, and a single process: records end with it
//	OpenFile     local work: several processes of one machine share a directory
//	dynamostore  deployed workers: nothing to run, paid by the write, a region's own
//	redisstore   deployed workers beside a Redis that is there already, above all
//	             one that the TypeScript system's job pages read
//
// The last two are packages of their own, so that only their users link a client.
package jobstore

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Status is the state of a job. The values are those of the deployed system.
type Status string

// The states of a job.
const (
	// Queued: waiting for a delivery, the first one or the next after a failed attempt.
	Queued Status = "queued"
	// Running: a delivery has claimed the job. When its lease has passed, the
	// delivery has died and the next one may claim the job.
	Running Status = "running"
	// Completed: the output is recorded. No delivery can claim the job again.
	Completed Status = "completed"
	// Failed: the last attempt failed and the message is in the dead-letter queue. A
	// replay claims the job again.
	Failed Status = "failed"
)

// DefaultTTL is how long a record is kept after its last change.
const DefaultTTL = 7 * 24 * time.Hour

var (
	// ErrNotFound says that the store has no record of the job.
	ErrNotFound = errors.New("job not found")
	// ErrLeaseLost says that another delivery has claimed the job since, or that it has
	// come to its end. What the caller found out about it must not be recorded.
	ErrLeaseLost = errors.New("another delivery has the job")
)

// Store keeps job records. Implementations are safe for concurrent use, by several
// processes where the store is shared, and return errors that say which job and
// which store. Every jobstore passes jobstoretest.Run.
type Store interface {
	// Claim takes a job for one delivery, atomically: of two deliveries at the same
	// moment one gets Claimed and the other Busy. It makes the record where there is
	// none.
	//
	//	no record, Queued, Failed            Claimed: Running, owned by c.Owner until c.Lease
	//	Running, the lease has passed        Claimed, as above
	//	Running, the lease holds             Busy; nothing changes
	//	Completed                            Done; nothing changes
	//
	// A claim of a job that has a record keeps CreatedAt, Children and Tokens, moves
	// Error to LastError, and merges c.Metadata over the metadata. Progress, Output,
	// Webhook and CompletedAt begin anew, and what else the claim says replaces
	// what was there.
	//
	// A claim that is repeated by the delivery that has the job, because the
	// answer to the first was lost on the way, is Claimed.
	Claim(ctx context.Context, c Claim) (Claimed, error)

	// Update changes a record. With u.Owner set, it fails with ErrLeaseLost unless
	// that delivery is the last one that claimed the job and has not ended it (with
	// a Status of Completed, Failed or Queued) before. An expired lease that
	// nobody else has claimed is still the owner's. An end that its owner repeats,
	// with the same Status, is recorded already: nil, and nothing changes. With
	// u.Owner empty it changes the record whoever has it, and a Status so set takes
	// the job from its owner. A job without a record is ErrNotFound.
	Update(ctx context.Context, jobID string, u Update) error

	// Get returns the record of a job; ErrNotFound when there is none. The record
	// is the caller's own.
	Get(ctx context.Context, jobID string) (*Record, error)
}

// Decision is the result of a claim.
type Decision int

// The results of a claim.
const (
	// ClaimedJob: the delivery has the job and must run it.
	ClaimedJob Decision = iota + 1
	// Busy: another delivery has it; see Record.LeaseUntil.
	Busy
	// Done: the job is completed; the message can be deleted.
	Done
)

// Claim asks for a job.
type Claim struct {
	// JobID and WorkerID name the job; neither is empty.
	JobID, WorkerID string
	// UserID is whom the job is for; may be empty.
	UserID string
	// Input is the job's input, JSON; nil when it is too long to be kept.
	Input json.RawMessage
	// Metadata is the message's; nil means none.
	Metadata map[string]any
	// MessageID is the SQS message that was delivered, and Receives how often.
	MessageID string
	Receives  int
	// Owner names this delivery, and no other one ever.
	Owner string
	// Lease is when the delivery cannot be running any more.
	Lease time.Time
}

// Claimed is the answer to a claim.
type Claimed struct {
	Decision Decision
	// Before is the record as it was before the claim; nil when there was none.
	Before *Record
}

// Update is a change of a record; zero fields change nothing.
type Update struct {
	// Owner is the delivery that makes the change; see Store.Update.
	Owner string
	// Status is the new state. Completed and Failed set CompletedAt; all but Running
	// end the lease. It moves an Error that is there to LastError.
	Status Status
	// Output is the job's output, and OutputBytes how long it was; an output that is
	// too long to be kept has the latter only; without it, it is len(Output). They
	// replace what was there.
	Output      json.RawMessage
	OutputBytes int
	// Error is why the job failed (Status Failed); LastError is why an attempt did,
	// after which the job is tried again (Status Queued). Error without Failed is
	// refused.
	Error, LastError *dispatch.JobError
	// Progress replaces the progress.
	Progress *Progress
	// Tokens replaces the tokens used.
	Tokens *Tokens
	// Child is added to the children, unless a child of that id is there.
	Child *Child
	// Webhook replaces what is known of the completion callback.
	Webhook *Webhook
	// Metadata is merged over the metadata, key by key.
	Metadata map[string]any
}

// Record is all that is known of a job.
type Record struct {
	JobID, WorkerID string
	Status          Status
	UserID          string
	// Input and Output are JSON; nil when unknown, or too long to be kept.
	Input, Output json.RawMessage
	// OutputBytes is how long the output was; zero when there is none.
	OutputBytes int
	// Error is why the job failed; nil unless Status is Failed.
	Error *dispatch.JobError
	// LastError is why the last failed attempt failed; it stays while the job is
	// tried again. Nil when none has.
	LastError *dispatch.JobError
	// Metadata is the caller's, and what the handler added; never nil. Numbers are
	// json.Number.
	Metadata map[string]any
	// Progress is what the handler last reported; nil when nothing.
	Progress *Progress
	// Tokens is what the handler reported as used; nil when nothing.
	Tokens *Tokens
	// Children are the jobs that this job dispatched, oldest first.
	Children []Child
	// Webhook is what became of the completion callback; nil when the job has none,
	// or has not come to its end.
	Webhook *Webhook
	// MessageID is the SQS message of the last claim, and Receives its receive count.
	MessageID string
	Receives  int
	// Owner is the delivery that claimed the job last, also after it has ended it.
	Owner string
	// LeaseUntil is when the owner cannot be running any more; zero when the job is
	// not running.
	LeaseUntil time.Time
	// CreatedAt is the first claim, UpdatedAt the last change, CompletedAt the end
	// (completed or failed; zero before). UTC, milliseconds.
	CreatedAt, UpdatedAt, CompletedAt time.Time
}

// Progress is how far a job is.
type Progress struct {
	// Percent is 0 to 100.
	Percent float64 `json:"percent"`
	// Message says what is going on; may be empty.
	Message string `json:"message,omitempty"`
}

// Tokens is what a job has used of language models.
type Tokens struct {
	Input  int64 `json:"inputTokens"`
	Output int64 `json:"outputTokens"`
	// Budget is the job's limit for the sum of both; nil means none.
	Budget *int64 `json:"budget"`
}

// Child is a job that another job dispatched. The JSON is the deployed system's.
type Child struct {
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId"`
	// Awaited says that the parent waited for it.
	Awaited bool `json:"awaited,omitempty"`
	// DelaySeconds is how long it was delayed.
	DelaySeconds int `json:"delaySeconds,omitempty"`
}

// Webhook is what became of a completion callback.
type Webhook struct {
	// Delivered says that the receiver answered 2xx.
	Delivered bool `json:"delivered"`
	// Attempts is how often it was tried, over all invocations.
	Attempts int `json:"attempts"`
	// Status is the receiver's last HTTP status; zero when it did not answer.
	Status int `json:"status,omitempty"`
	// Error is why the last attempt failed.
	Error string `json:"error,omitempty"`
	// Pending says that a delayed message will try again.
	Pending bool `json:"pending,omitempty"`
	// At is when it was last tried.
	At time.Time `json:"at"`
}
