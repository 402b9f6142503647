// Package jobs tells one job's life: who sent it, each attempt at it and how that
// went, what it was told to, whether it is dead and what it was sent again as. What is
// known of a job is spread: over the logs of its worker, its record where there is a
// store, the dead-letter queue, and what this machine itself has done. Each source may
// be missing, so a life says where it has been looked and what is not known.
package jobs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// State is where a job is.
type State string

// The states of a job. Those of the second group are ends; a replay under the same
// id begins the life anew.
const (
	StateUnknown  State = "unknown"  // it is mentioned, and nothing says how it is
	StateSent     State = "sent"     // no delivery is known
	StateRunning  State = "running"  // an attempt has begun and not ended
	StateRetrying State = "retrying" // an attempt failed; SQS delivers it again
	StateDeferred State = "deferred" // put off by its handler or the runtime

	StateCompleted State = logs.StatusCompleted
	StateFailed    State = logs.StatusFailed
	StateTimedOut  State = logs.StatusTimedOut
	StateCrashed   State = logs.StatusCrashed
)

// Ended reports whether it is an end.
func (s State) Ended() bool {
	switch s {
	case StateCompleted, StateFailed, StateTimedOut, StateCrashed:
		return true
	default:
		return false
	}
}

// Life is what is known of a job. Its texts are free of control characters.
type Life struct {
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId,omitempty"`
	State    State  `json:"state"`
	// StateFrom names the source of State: "log", "record", "dead-letter queue".
	StateFrom string `json:"stateFrom,omitempty"`
	Sent      *Sent  `json:"sent,omitempty"`
	// EndedAt is when it came to its end; zero while it has not, or when not known.
	EndedAt time.Time `json:"endedAt,omitzero"`
	// TotalMS is from when it was sent, else from its first attempt, to its end.
	TotalMS float64 `json:"totalMs,omitempty"`
	// Attempts are the deliveries that ran it, in the order of their time. Deliveries
	// that left the job alone are Events only.
	Attempts []Attempt `json:"attempts"`
	// MaxAttempts is how often the queue delivers; zero: not known.
	MaxAttempts int `json:"maxAttempts,omitempty"`
	// Events is its life in order.
	Events []Event `json:"events"`
	// Output is what it returned, where that is recorded; OutputBytes how long it is
	// where only that is.
	Output      json.RawMessage `json:"output,omitempty"`
	OutputBytes int             `json:"outputBytes,omitempty"`
	// Input and Metadata are the message's, where its record or its dead letter tells
	// them; InputFrom says which.
	Input      json.RawMessage    `json:"input,omitempty"`
	Metadata   json.RawMessage    `json:"metadata,omitempty"`
	InputFrom  string             `json:"inputFrom,omitempty"`
	Error      *dispatch.JobError `json:"error,omitempty"`
	Children   []Child            `json:"children,omitempty"`
	Webhook    *Webhook           `json:"webhook,omitempty"`
	DeadLetter *DeadLetter        `json:"deadLetter,omitempty"`
	// Replays are what it was sent again as, from this machine.
	Replays []Replay `json:"replays,omitempty"`
	// Disagreements say where two sources contradict each other.
	Disagreements []string `json:"disagreements,omitempty"`
	// Sources are where it was looked for, and how that went.
	Sources []Source `json:"sources"`
	// Since is how far back the logs were searched; zero: to their beginning.
	Since time.Time `json:"searchedSince,omitzero"`
	// Missing says what is not known, and why, each a sentence for a person.
	Missing []string `json:"missing"`

	told *search // as it was before the lines were judged, for With
}

// Found reports whether any source knows the job.
func (l *Life) Found() bool {
	return len(l.Events) > 0
}

// Began is the earliest time that is known of the job; zero when none is.
func (l *Life) Began() time.Time {
	for i := range l.Events {
		if at := l.Events[i].At; !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// Sent is how a job came into being.
type Sent struct {
	At time.Time `json:"at,omitzero"`
	// How is "dispatch" (by aiwctl), "replay", "worker" (another job), "queue",
	// "schedule", "external", "api" (the workers API), or what else the message says;
	// empty: unknown.
	How string `json:"how,omitempty"`
	// By is who, where this machine's audit trail knows it.
	By             string `json:"by,omitempty"`
	ParentJobID    string `json:"parentJobId,omitempty"`
	ParentWorkerID string `json:"parentWorkerId,omitempty"`
	QueueID        string `json:"queueId,omitempty"`
	// ReplayOf is the job whose dead letter it was.
	ReplayOf string `json:"replayOf,omitempty"`
	// From names the source: "audit trail", "journal", "record", "dead-letter queue",
	// "log", "job id".
	From string `json:"from"`
}

// Attempt is a delivery that ran the job.
type Attempt struct {
	// Number is the delivery's as SQS counts; where nothing says, the order.
	Number    int       `json:"attempt"`
	WorkerID  string    `json:"workerId,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
	LogGroup  string    `json:"logGroup"`
	LogStream string    `json:"logStream"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end,omitzero"`
	// Outcome is a logs.Status or logs.Outcome constant: "completed", "failed", "timed
	// out", "crashed", "out of memory", "deferred", "running", "unknown".
	Outcome string `json:"outcome"`
	// DurationMS is how long the handler ran, else the invocation.
	DurationMS float64            `json:"durationMs,omitempty"`
	Error      *dispatch.JobError `json:"error,omitempty"`
	// RetryInMS is after how long SQS delivers the job again, as the worker asked.
	RetryInMS float64 `json:"retryInMs,omitempty"`
	// Tries is how often the handler was called within the delivery.
	Tries int `json:"tries,omitempty"`
	// MaxMemoryMB of MemoryMB were used by the invocation; zero: not known.
	MaxMemoryMB int `json:"maxMemoryMB,omitempty"`
	MemoryMB    int `json:"memoryMB,omitempty"`
	// Progress is what the handler reported last; nil when nothing.
	Progress *Progress `json:"progress,omitempty"`
}

// Progress is how far an attempt is, as its handler says.
type Progress struct {
	At      time.Time `json:"at"`
	Percent float64   `json:"percent"` // 0 to 100
	Note    string    `json:"note,omitempty"`
}

// The values of Event.Kind.
const (
	EventSent     = "sent"
	EventAttempt  = "attempt" // began
	EventProgress = "progress"
	EventTry      = "try" // failed within the delivery, and is made again
	EventEnded    = "ended"
	EventSkipped  = "skipped"
	EventDead     = "dead-lettered"
	EventWebhook  = "webhook"
	EventChild    = "child"
	EventStep     = "step"
	EventReplayed = "replayed"
	EventRecord   = "record"
)

// Event is one thing that happened.
type Event struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	// Text says it in words, on one line.
	Text      string `json:"text"`
	Attempt   int    `json:"attempt,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	// Outcome is set for EventEnded; see Attempt.Outcome.
	Outcome string `json:"outcome,omitempty"`
	// JobID and WorkerID are those of another job that it is about: its child, its
	// parent, the job that it is a replay of or was replayed as.
	JobID    string `json:"jobId,omitempty"`
	WorkerID string `json:"workerId,omitempty"`
	// Source is as in Sent.From.
	Source string `json:"source"`
}

// Child is a job that it dispatched.
type Child struct {
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId,omitempty"`
	Awaited  bool   `json:"awaited,omitempty"`
	// Status is its record's; empty: not known.
	Status string `json:"status,omitempty"`
}

// Webhook is what became of the completion callback.
type Webhook struct {
	Delivered bool      `json:"delivered"`
	Pending   bool      `json:"pending,omitempty"`
	Attempts  int       `json:"attempts,omitempty"`
	Status    int       `json:"status,omitempty"`
	Error     string    `json:"error,omitempty"`
	At        time.Time `json:"at,omitzero"`
	From      string    `json:"from"`
}

// DeadLetter is the job's message in the dead-letter queue.
type DeadLetter struct {
	Queue     string `json:"queue"`
	MessageID string `json:"messageId"`
	// SentAt is when the message was sent; a worker that gives a job up sends a copy.
	SentAt time.Time `json:"sentAt,omitzero"`
	// ReceiveCount includes looks into the queue, this one too.
	ReceiveCount int `json:"receiveCount"`
}

// Replay is a dead letter of the job that was sent again.
type Replay struct {
	At           time.Time `json:"at"`
	MessageID    string    `json:"messageId"`
	NewMessageID string    `json:"newMessageId,omitempty"`
	// NewJobID is empty when the job kept its id.
	NewJobID string `json:"newJobId,omitempty"`
	Journal  string `json:"journal"`
}

// The values of Source.Status.
const (
	SourceRead    = "read"    // to its end
	SourcePartly  = "partly"  // a part
	SourceNothing = "nothing" // read, and it does not know the job
	SourceNotRead = "not read"
	SourceDenied  = "denied"
	SourceFailed  = "failed"
)

// Source is a place where the job was looked for.
type Source struct {
	// Name is "record", "journals", "audit trail", "log <group>" or "queue <name>".
	Name   string `json:"name"`
	Status string `json:"status"`
	// Note says why it was not read, or only in part.
	Note string `json:"note,omitempty"`
}

// Record is what a job store holds. Its texts may be hostile.
type Record struct {
	WorkerID string
	// Status is "queued", "running", "completed" or "failed".
	Status           string
	Input, Output    json.RawMessage
	OutputBytes      int
	Error, LastError *dispatch.JobError
	Metadata         map[string]any
	Children         []Child
	Webhook          *Webhook
	// MessageID is the message of the last delivery, Receives its receive count.
	MessageID string
	Receives  int
	// LeaseUntil is when a running delivery must have ended.
	LeaseUntil, CreatedAt, UpdatedAt, CompletedAt time.Time
}

// LogReader reads log lines, as *logs.Reader does.
type LogReader interface {
	Read(ctx context.Context, q logs.Query, fn func([]logs.Line) error) error
}

// Letters looks into dead-letter queues and knows what was replayed, as
// *redrive.Engine does.
type Letters interface {
	Look(ctx context.Context, w aws.Worker, limit int, each func([]letter.Letter) (more bool, err error)) (*redrive.Look, error)
	Replays(ids ...string) ([]redrive.Sent, error)
}

// Config says where to look. A nil field is not looked into, and the life says so.
type Config struct {
	Logs    LogReader
	Letters Letters
	// Retention is for how long a log group keeps its lines; zero: for ever, or not
	// known. Nil: it is not asked for.
	Retention func(ctx context.Context, group string) (time.Duration, error)
	// Record looks up a job's record; found is false when there is none. It is called
	// from one goroutine at a time.
	Record func(ctx context.Context, jobID string) (r Record, found bool, err error)
	// Audit is this machine's audit trail of a stage; see aws.DefaultAuditPath. Empty:
	// it is not read.
	Audit string
	// Target is the stage's; entries of other stages do not count.
	Target aws.Target
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Finder finds out what became of jobs.
type Finder struct{ cfg Config }

// New returns a Finder.
func New(cfg Config) *Finder {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Finder{cfg: cfg}
}

// DLQ says when a dead-letter queue is looked into. SQS has no peek: looking receives
// the messages, which raises their receive counts.
type DLQ int

// The values of DLQ.
const (
	// DLQAuto: when the job is said to be dead, when its next delivery is overdue, or
	// when nothing else knows it; never a queue that passes messages on to another when they are received too often.
	DLQAuto DLQ = iota
	DLQAlways
	DLQNever
)

// Request asks for a job.
type Request struct {
	JobID string
	// Workers are the stage's, or those that somebody named.
	Workers []aws.Worker
	// Named says that somebody named them: then no others are searched first or left
	// out.
	Named bool
	// Since is how far back the logs are searched. With Extend they are searched from
	// when the job's id was made, if that is earlier and the id tells.
	Since  time.Time
	Extend bool
	DLQ    DLQ
	// DLQLimit is how many messages of a queue are received at most; zero: 500.
	DLQLimit int
	// OnState, if set, is told in a few words what is being done, from any goroutine,
	// one at a time.
	OnState func(string)
}
