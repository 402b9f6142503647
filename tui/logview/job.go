package logview

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	stateRetrying = "failed, waiting for its next delivery"
	stateDeferred = "put off, waiting for its next delivery"
)

// job is what is known of the job whose lines are shown.
type job struct {
	id     string
	worker string
	max    int // how often the queue delivers; zero: unknown

	watch   *logs.Job
	outcome *logs.Outcome // nil while it has not ended
	endedAt time.Time     // when the line was written that told of the end

	seen     bool // a line of it was seen
	attempt  int
	state    string // while it has not ended
	started  time.Time
	running  bool
	progress float64
	note     string
	lastErr  string
}

func newJob(id, worker string) *job {
	return &job{id: id, worker: worker, watch: logs.NewJob(id, 0), state: "waiting for its first log line"}
}

// expect tells how often the queue delivers, before the first line is observed.
func (j *job) expect(maxReceives int) {
	j.max = maxReceives
	j.watch = logs.NewJob(j.id, maxReceives)
}

// observe learns from a line. A job that was replayed runs again under its id:
// a start after its end begins it anew.
func (j *job) observe(l *logs.Line) {
	e := l.Event
	mine := e != nil && e.JobID == j.id
	if mine && e.Event == dispatch.EventStarted && j.outcome != nil &&
		l.Time.After(j.endedAt) && l.RequestID != j.outcome.RequestID {
		j.outcome, j.lastErr = nil, ""
		j.watch = logs.NewJob(j.id, j.max)
	}
	if !j.seen {
		j.seen, j.state = true, "delivered"
	}
	if out, ended := j.watch.Observe(l); ended && j.outcome == nil {
		j.outcome, j.endedAt, j.running = &out, l.Time, false
	}
	switch {
	case mine:
		j.event(l, e)
	case j.outcome == nil && j.state != stateRetrying && j.state != stateDeferred && (l.Kind == logs.KindTimeout || l.Kind == logs.KindCrash):
		// Lambda ended it from outside, and the worker had no word left to say.
		j.state, j.running, j.lastErr = "ended by Lambda, waiting for its next delivery", false, platformText(l.Text)
	}
}

func (j *job) event(l *logs.Line, e *dispatch.JobEvent) {
	if e.Attempt > 0 {
		j.attempt = e.Attempt
	}
	if e.MaxAttempts > 0 {
		j.max = e.MaxAttempts
	}
	switch e.Event {
	case dispatch.EventStarted:
		j.state, j.running, j.started = "running", j.outcome == nil, l.Time
		j.progress, j.note = 0, ""
	case dispatch.EventProgress:
		j.state, j.running = "running", j.outcome == nil
		j.progress, j.note = max(0, min(100, e.Percent)), e.Note
	case dispatch.EventRetrying:
		j.state, j.running = stateRetrying, false
		j.lastErr = errorText(e.Error)
	case dispatch.EventDeferred:
		j.state, j.running = stateDeferred, false
		if e.Error != nil {
			j.lastErr = errorText(e.Error)
		}
	}
}

// platformText leaves out the time and the request id that Lambda begins with.
func platformText(text string) string {
	for _, mark := range []string{"Task timed out", "Error: "} {
		if i := strings.Index(text, mark); i > 0 {
			return text[i:]
		}
	}
	return text
}

func errorText(e *dispatch.JobError) string {
	switch {
	case e == nil:
		return ""
	case e.Name != "" && e.Name != "Error":
		return e.Name + ": " + e.Message
	}
	return e.Message
}

// failed is whether it ended in another way than completing.
func (j *job) failed() bool { return j.outcome != nil && j.outcome.Status != logs.StatusCompleted }

// words say where a job is that has not ended.
func (j *job) words(now time.Time) string {
	words := j.state
	if j.running && !j.started.IsZero() {
		if d := now.Sub(j.started); d >= time.Second {
			words += " for " + d.Truncate(time.Second).String()
		}
	}
	if j.attempt > 1 || (j.attempt == 1 && j.max > 1) {
		words += ", " + j.attemptOf(j.attempt)
	}
	return words
}

func (j *job) attemptOf(n int) string {
	if j.max > 0 && n <= j.max {
		return fmt.Sprintf("attempt %d of %d", n, j.max)
	}
	return fmt.Sprintf("attempt %d", n)
}

// took says how long the last attempt took and which it was.
func (j *job) took() string {
	o := j.outcome
	text := ""
	switch {
	case o.Duration >= time.Millisecond:
		text = " in " + o.Duration.Round(time.Millisecond).String()
	case o.Duration > 0:
		text = " in under 1ms"
	}
	if o.Attempt > 1 || (j.failed() && o.Attempt == 1) {
		text += ", " + j.attemptOf(o.Attempt)
	}
	return text
}
