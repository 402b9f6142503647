package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The values of Outcome.Status.
const (
	StatusCompleted = "completed"
	StatusFailed    = "failed"
	StatusTimedOut  = "timed out"
	StatusCrashed   = "crashed"
)

// Outcome is how a job ended.
type Outcome struct {
	// Status is "completed", "failed", "timed out" or "crashed".
	Status    string          `json:"status"`
	JobID     string          `json:"jobId"`
	WorkerID  string          `json:"workerId"`
	RequestID string          `json:"requestId,omitempty"`
	Attempt   int             `json:"attempt,omitempty"`
	Duration  time.Duration   `json:"duration,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	// OutputBytes is how long the output was when the worker left it out of its
	// log, since it was too long or its author said so; else zero.
	OutputBytes int                `json:"outputBytes,omitempty"`
	Error       *dispatch.JobError `json:"error,omitempty"`
}

// Job watches one job's lines for its end. Feed it every line in order.
//
// What ends a job:
//   - job.completed and job.failed, always: the worker says they are final.
//   - job.skipped of a job that is recorded as completed or failed: the runtime leaves
//     a second delivery alone, and repeats how the first one ended.
//   - job.retrying, when the attempt is the queue's last one.
//   - A timeout, a crash, or an attempt that the TypeScript runtime reports as
//     failed, when the attempt is the queue's last one or when the number of
//     attempts is unknown: an answer that a later attempt may correct is better
//     than waiting for one that may never come, and the TypeScript system's
//     default is a single attempt.
//   - "Job status updated to failed" of the TypeScript runtime together with the end of
//     that attempt, always: a stored failure makes every later delivery a no-op.
//
// A job that has ended runs again when it is replayed or sent once more under
// its id, and when SQS delivers it a second time, as it now and then does. A
// line with which another invocation begins to run it, younger than its end,
// reopens it: Observe says that it has not ended, until it does so again. The
// lines of the former run that arrive after that no longer count.
//
// The output of a job of the TypeScript runtime is not known: its log holds it
// in Node's own notation, shortened.
type Job struct {
	id       string
	max      int
	attempts map[string]*attempt // by request id
	begun    time.Time           // when the present run began; zero for the first
	done     bool
	doneAt   time.Time // of the line that told the end
	out      Outcome
	former   Outcome // of the run before begun
}

type attempt struct {
	n      int
	ended  bool
	stored bool // the job store says failed
}

// NewJob watches jobID; maxReceives (0: unknown) tells a last attempt from one
// that SQS will repeat.
func NewJob(jobID string, maxReceives int) *Job {
	return &Job{id: Sanitize(jobID, false), max: maxReceives, attempts: map[string]*attempt{}}
}

// Observe looks at a line and returns the outcome once the job has ended. It
// returns the same outcome from then on, unless the job runs again.
func (j *Job) Observe(l *Line) (Outcome, bool) {
	if j.done && !j.again(l) {
		return j.out, true
	}
	if l.Time.Before(j.begun) {
		return Outcome{}, false // of a former run, and late
	}
	a := j.attempts[l.RequestID]
	switch {
	case l.JobID == j.id:
		if a == nil {
			a = &attempt{n: len(j.attempts) + 1}
			if l.run && l.RequestID != "" {
				j.attempts[l.RequestID] = a
			}
		}
	case l.JobID != "" || a == nil:
		return Outcome{}, false
	}
	switch {
	case l.Event != nil:
		j.event(l, a)
	case l.legacy != legacyNone:
		j.legacy(l, a)
	case l.Kind == KindTimeout:
		j.end(l, a, StatusTimedOut, timeoutAfter(l.Text), &dispatch.JobError{Message: timeoutText(l.Text)})
	case l.Kind == KindCrash:
		j.end(l, a, StatusCrashed, 0, &dispatch.JobError{Message: crashText(l.Text)})
	case l.Kind == KindReport && l.Report != nil:
		j.report(l, a)
	}
	return j.out, j.done
}

// again reopens a job that has ended when the line begins another run of it.
func (j *Job) again(l *Line) bool {
	begins := l.Kind == KindMarker || l.Event != nil && l.Event.Event == dispatch.EventStarted
	if !begins || l.JobID != j.id || l.RequestID == j.out.RequestID || !l.Time.After(j.doneAt) {
		return false
	}
	if _, known := j.attempts[l.RequestID]; known {
		return false
	}
	// The attempts are counted anew: a replayed message is a new one to SQS.
	j.former = j.out
	j.done, j.out, j.begun, j.attempts = false, Outcome{}, l.Time, map[string]*attempt{}
	return true
}

func (j *Job) event(l *Line, a *attempt) {
	e := l.Event
	if e.Attempt > 0 {
		a.n = e.Attempt
	}
	if j.max == 0 {
		j.max = e.MaxAttempts
	}
	d := time.Duration(e.DurationMS * float64(time.Millisecond))
	switch e.Event {
	case dispatch.EventCompleted:
		j.finish(l, a, Outcome{Status: StatusCompleted, Duration: d, Output: e.Output, OutputBytes: e.OutputBytes})
	case dispatch.EventFailed:
		j.finish(l, a, Outcome{Status: StatusFailed, Duration: d, Error: e.Error})
	case dispatch.EventRetrying:
		a.ended = true
		if j.max > 0 && a.n >= j.max {
			j.finish(l, a, Outcome{Status: StatusFailed, Duration: d, Error: e.Error})
		}
	case dispatch.EventDeferred:
		a.ended = true
	case dispatch.EventSkipped:
		a.ended = true
		j.skipped(l, a)
	}
}

// skipped is a delivery that left the job alone. When that has ended, the end is
// the one that is known, if it was seen, since nothing ran.
func (j *Job) skipped(l *Line, a *attempt) {
	e := l.Event
	switch {
	case e.JobStatus != StatusCompleted && e.JobStatus != StatusFailed:
	case j.former.Status == e.JobStatus:
		j.out, j.done, j.doneAt = j.former, true, l.Time
	case e.JobStatus == StatusCompleted:
		j.finish(l, a, Outcome{Status: StatusCompleted, Output: e.Output, OutputBytes: e.OutputBytes})
	default:
		j.finish(l, a, Outcome{Status: StatusFailed, Error: e.Error})
	}
}

func (j *Job) legacy(l *Line, a *attempt) {
	switch l.legacy {
	case legacyCompleted, legacySkippedCompleted:
		j.finish(l, a, Outcome{Status: StatusCompleted})
	case legacySkippedFailed:
		j.finish(l, a, Outcome{Status: StatusFailed, Error: &dispatch.JobError{
			Message: "the job is recorded as failed, so this delivery was skipped",
		}})
	case legacyStoredFailed:
		a.stored = true
	case legacyFailed, legacyInvokeError:
		j.end(l, a, StatusFailed, 0, &dispatch.JobError{Message: l.legacyErr})
	case legacyNone:
	}
}

func (j *Job) report(l *Line, a *attempt) {
	switch {
	case l.Report.Status == "timeout":
		j.end(l, a, StatusTimedOut, l.Report.Duration, &dispatch.JobError{
			Message: fmt.Sprintf("Task timed out after %.2f seconds", l.Report.Duration.Seconds()),
		})
	case l.Report.Status != "":
		e := l.reportEnding()
		j.end(l, a, StatusCrashed, l.Report.Duration, &e.Error)
	case a.stored:
		j.end(l, a, StatusFailed, l.Report.Duration, &dispatch.JobError{Message: "the job is recorded as failed"})
	}
}

// end is the end of an attempt that the worker itself did not call final.
func (j *Job) end(l *Line, a *attempt, status string, d time.Duration, e *dispatch.JobError) {
	if a.ended {
		return
	}
	a.ended = true
	if j.max > 0 && a.n < j.max && !a.stored {
		return
	}
	j.finish(l, a, Outcome{Status: status, Duration: d, Error: e})
}

func (j *Job) finish(l *Line, a *attempt, o Outcome) {
	o.JobID, o.WorkerID, o.RequestID, o.Attempt = j.id, l.WorkerID, l.RequestID, a.n
	if l.Event != nil && l.Event.WorkerID != "" {
		o.WorkerID = l.Event.WorkerID
	}
	if o.Status != StatusCompleted && o.Error == nil {
		o.Error = &dispatch.JobError{Message: "the worker gave no reason"}
	}
	j.out, j.done, j.doneAt = o, true, l.Time
}

// waitBefore is how long before Query.Since WaitJob begins to read: clocks
// differ, and a job's id is its own.
const waitBefore = 30 * time.Second

var errEnded = errors.New("the job has ended")

// WaitJob follows q.JobID until it ends. maxReceives is the queue's
// maxReceiveCount, zero when unknown; see Job. onLine (may be nil) gets each of
// the job's lines that q's MinLevel and Match keep. q.Since should be when the
// job was sent.
//
// When ctx ends first, the error wraps ctx's and says what the last failing
// call said. Missing credentials or permissions end the wait at once: nothing
// would ever arrive.
func (r *Reader) WaitJob(ctx context.Context, q Query, maxReceives int, onLine func(Line)) (Outcome, error) {
	if q.JobID == "" {
		return Outcome{}, errors.New("wait for a job: no job id")
	}
	show := q
	q.MinLevel, q.Match = LevelNone, nil
	if !q.Since.IsZero() {
		q.Since = q.Since.Add(-waitBefore)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	job := NewJob(q.JobID, maxReceives)
	var out Outcome
	var last error
	err := r.Follow(ctx, q, func(s State) {
		if last = s.Err; s.Err == nil {
			return
		}
		if kind, _ := aws.Classify(s.Err); kind == aws.KindAuth || kind == aws.KindDenied {
			cancel(s.Err)
		}
	}, func(lines []Line) error {
		for i := range lines {
			l := &lines[i]
			if onLine != nil && show.keeps(l) {
				onLine(*l)
			}
			var ended bool
			if out, ended = job.Observe(l); ended {
				return errEnded
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnded):
		return out, nil
	case ctx.Err() != nil:
		cause := context.Cause(ctx)
		if last != nil && !errors.Is(cause, last) {
			cause = fmt.Errorf("%w; the logs could not be read: %w", cause, last)
		}
		return Outcome{}, fmt.Errorf("wait for job %q: %w", q.JobID, cause)
	}
	return Outcome{}, fmt.Errorf("wait for job %q: %w", q.JobID, err)
}

// timeoutText and crashText take the message out of a platform line.
func timeoutText(text string) string { return cutTo(text, "Task timed out after ") }

func crashText(text string) string {
	return cutTo(cutTo(text, "Process exited before completing request"), "Error: ")
}

func cutTo(text, mark string) string {
	if i := strings.Index(text, mark); i > 0 {
		return text[i:]
	}
	return text
}
