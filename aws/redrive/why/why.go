// Package why answers why dead letters died. SQS puts no reason on a message
// that it moves to a dead-letter queue, so each letter is joined by its job's id
// to what the worker's logs say of the job's attempts, and to the job's record
// where there is one.
package why

import (
	"context"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Job is a dead letter's job: what to look for, and when it can have run.
type Job struct {
	// ID is the job's id. Jobs without one are left out, and Found.Notes says how
	// many they were.
	ID string
	// From is when the message was sent; zero: the logs are searched from their
	// oldest line. To is when it can no longer have run; zero: now. Lines up to a
	// minute outside of the two still count, since clocks differ.
	From, To time.Time
}

// Kind is how an attempt failed.
type Kind string

// The kinds of failure.
const (
	KindError   Kind = "error"   // the handler or the runtime returned an error
	KindTimeout Kind = "timeout" // the time for the attempt was up
	KindCrash   Kind = "crash"   // the process ended
)

// The values of Failure.Via.
const (
	ViaLogs   = "logs"
	ViaRecord = "record"
)

// The longest texts of a Failure, in bytes; longer ones are cut and end in "…".
const (
	MaxName    = 200
	MaxMessage = 2 << 10
	MaxStack   = 8 << 10
)

// Failure is the latest failure of a job. Its texts are free of control
// characters; Message and Stack may have several lines.
type Failure struct {
	JobID string
	Kind  Kind
	// Name is the error's class, such as "TypeError"; empty: unknown, or it has none.
	Name    string
	Message string
	// Stack is where it happened; mostly empty.
	Stack string
	// RequestID is the Lambda invocation; empty: unknown.
	RequestID string
	// Attempt is the delivery's number from 1; zero: unknown.
	Attempt int
	// At is when the line was written that tells of it, or when the record was;
	// zero: unknown.
	At time.Time
	// Via is where Name, Message and Stack are from: ViaLogs or ViaRecord.
	Via string
}

// noReason is the text of a failure that comes without any.
const noReason = "the worker gave no reason"

// Text is the failure on one line: "TypeError: x is undefined", "Task timed out
// after 3.00 seconds".
func (f *Failure) Text() string {
	message := oneLine(f.Message)
	name := oneLine(f.Name)
	switch {
	case message == "" && name == "":
		return noReason
	case message == "":
		return name
	// "Error" says nothing, and some logs have the name and others do not.
	case name == "" || name == "Error" || strings.HasPrefix(message, name+":"):
		return message
	}
	return name + ": " + message
}

// Signature is Signature(f.Text()).
func (f *Failure) Signature() string { return Signature(f.Text()) }

func oneLine(s string) string { return strings.TrimSpace(logs.Sanitize(s, false)) }

// Record is what a job store holds of a job. Its texts may be hostile.
type Record struct {
	// Status is "queued", "running", "completed" or "failed"; empty: unknown.
	Status string
	// Error is why the job, or its latest attempt, failed; nil: it has not, or that
	// is not recorded.
	Error *dispatch.JobError
	// At is when the record was last written; zero: unknown.
	At time.Time
}

// Records looks up a job's record; found is false when there is none. It is
// called from several goroutines, each time with a context that ends.
type Records func(ctx context.Context, jobID string) (r Record, found bool, err error)

// The values of Found.Status.
const (
	StatusCompleted = "completed"
	StatusFailed    = "failed"
)

// Found is what Find has found out. It is complete when Notes is empty.
type Found struct {
	// Failures are the jobs' latest failures, by the job ids that were asked for.
	// A job that completed later keeps its failure: its dead letter is there.
	Failures map[string]Failure
	// Status is what is recorded of a job, StatusCompleted or StatusFailed, by job
	// id: as the job record says, else as the worker's log lines say of the
	// worker's own store. The TypeScript runtime skips such a job when it is
	// replayed, and so does the Go runtime one that is completed.
	Status map[string]string
	// Notes say what is missing and why, each a sentence for a person, free of
	// control characters.
	Notes []string
}
