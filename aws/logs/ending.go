package logs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// How is what a line says became of an attempt at a job.
type How int

// The values of How.
const (
	// HowUnsaid: nothing; see Ending.Stored.
	HowUnsaid How = iota
	HowCompleted
	HowFailed
	HowTimedOut
	HowCrashed
	// HowDeferred: the job was put off. Ending.Error says why when it was not the
	// handler's wish.
	HowDeferred
	// HowSkipped: the delivery left the job alone. Ending.Error is of the end it
	// had come to before, when that is known to be a failure.
	HowSkipped
	// HowThrew: an error was printed that the invocation may go on from. It says
	// why when the invocation then ends in a crash or with the status error.
	HowThrew
)

// Ending is what one line says about the end of an attempt, or about what a job
// store holds.
type Ending struct {
	How How
	// Whole says that the line is about the invocation (Line.RequestID), and so
	// about each job of it that has not ended otherwise; else it is about
	// Line.JobID alone.
	Whole bool
	// Final says that the worker called the end final.
	Final bool
	// Attempt is the delivery's number from 1; zero: the line does not say.
	Attempt int
	// Stored is the status that the worker's job store has, "running", "completed"
	// or "failed", when the line proves it; else empty.
	Stored string
	// Error is why, as far as the line says. Its texts are free of control
	// characters; newlines are kept.
	Error dispatch.JobError
	// OutOfMemory says that the invocation failed and had used all its memory.
	OutOfMemory bool
}

// Runs reports whether the line proves that the invocation RequestID runs, or
// was given, the job JobID. A line may name another job than its own: a parent
// writes about its children.
func (l *Line) Runs() bool { return l.run && l.JobID != "" }

// Searchable reports whether CloudWatch itself can search for a job's id; Read
// looks for any other id in all lines there are.
func Searchable(jobID string) bool { return quotable(jobID) }

// Ending tells how the line says an attempt ended. ok is false for the lines
// that say nothing of it, among them START, END and the REPORT of an invocation
// in which nothing went wrong.
func (l *Line) Ending() (e Ending, ok bool) {
	switch {
	case l.Event != nil:
		e = l.eventEnding()
	case l.legacy != legacyNone:
		e = l.legacyEnding()
	case l.Kind == KindTimeout:
		text := timeoutText(l.Text)
		if before, _, cut := strings.Cut(text, " seconds"); cut {
			text = before + " seconds" // Lambda's JSON format: fields follow
		}
		e = Ending{How: HowTimedOut, Whole: true, Error: dispatch.JobError{Message: text}}
	case l.Kind == KindCrash:
		e = Ending{How: HowCrashed, Whole: true, Error: dispatch.JobError{Message: crashReason(l.Text)}}
	case l.Kind == KindReport && l.Report != nil && l.Report.Status != "":
		e = l.reportEnding()
	case strings.HasPrefix(l.Text, "[Worker] Job status updated to running:"):
		e = Ending{Stored: "running"}
	default:
		e = l.thrown()
	}
	if e.How == HowUnsaid && e.Stored == "" {
		return Ending{}, false
	}
	return e, true
}

func (l *Line) eventEnding() Ending {
	e := Ending{Attempt: l.Event.Attempt}
	if l.Event.Error != nil {
		e.Error = *l.Event.Error
	}
	switch l.Event.Event {
	case dispatch.EventCompleted:
		e.How, e.Final = HowCompleted, true
	case dispatch.EventRetrying:
		e.How = HowFailed
	case dispatch.EventFailed:
		e.How, e.Final = HowFailed, true
	case dispatch.EventDeferred:
		e.How = HowDeferred
	case dispatch.EventSkipped:
		e.How = HowSkipped
		// What is recorded as failed runs again when it is replayed, unlike what is
		// recorded as completed: see runtime's skip.go.
		if l.Event.JobStatus == StatusCompleted {
			e.Stored = StatusCompleted
		}
	}
	return e
}

func (l *Line) legacyEnding() Ending {
	switch l.legacy {
	case legacyCompleted:
		e := Ending{How: HowCompleted, Final: true}
		// "Job completed" is said without a store too.
		if strings.HasPrefix(l.Text, "[Worker] Job status updated to ") {
			e.Stored = StatusCompleted
		}
		return e
	case legacyStoredFailed:
		return Ending{Stored: StatusFailed}
	case legacySkippedCompleted:
		return Ending{How: HowSkipped, Stored: StatusCompleted}
	case legacySkippedFailed:
		return Ending{How: HowSkipped, Stored: StatusFailed}
	case legacyFailed:
		return Ending{How: HowFailed, Error: l.dumpedError()}
	case legacyInvokeError:
		e, _ := errorObject(l.Text)
		if e.Message == "" {
			e.Message = l.legacyErr
		}
		return Ending{How: HowFailed, Whole: true, Error: e}
	case legacyNone:
	}
	return Ending{}
}

// dumpedError is the error of "Error processing SQS record".
func (l *Line) dumpedError() dispatch.JobError {
	_, dump, _ := strings.Cut(l.Text, "{")
	fields := inspectFields(dump, "error", "stack")
	e := dispatch.JobError{
		Message: cmp.Or(Sanitize(fields["error"], true), l.legacyErr),
		Stack:   Sanitize(fields["stack"], true),
	}
	// The dump has no name, but V8 begins a stack with it.
	if name, _, ok := strings.Cut(e.Stack, ": "); ok && errorName(name) {
		e.Name = name
	}
	return e
}

// OutOfMemory reports whether the invocation failed with all of its memory in use.
func (r *Report) OutOfMemory() bool {
	return r.Status == "error" && (r.ErrorType == "Runtime.OutOfMemory" || r.MemoryMB > 0 && r.MaxMemoryMB >= r.MemoryMB)
}

func (l *Line) reportEnding() Ending {
	r := l.Report
	e := Ending{How: HowCrashed, Whole: true, OutOfMemory: r.OutOfMemory()}
	if r.Status == "timeout" {
		e.How, e.OutOfMemory = HowTimedOut, false
		e.Error.Message = fmt.Sprintf("Task timed out after %.2f seconds", r.Duration.Seconds())
		return e
	}
	e.Error.Message = "the invocation ended with status error"
	if r.ErrorType != "" {
		e.Error.Message += " (" + r.ErrorType + ")"
	}
	return e
}

// thrown reads the other ways in which runtimes print an error: Lambda's Node
// runtime when it is about to exit, and in its JSON format always; Go's panics
// and Node's lack of memory, whose lines name no request.
func (l *Line) thrown() Ending {
	if l.Level != LevelError && l.Level != LevelNone {
		return Ending{}
	}
	for _, said := range [...]string{"Uncaught Exception ", "Unhandled Promise Rejection "} {
		if strings.HasPrefix(l.Text, said) {
			e, ok := errorObject(l.Text)
			return Ending{How: told(ok, HowCrashed), Whole: true, Error: e}
		}
	}
	switch {
	case strings.HasPrefix(l.Raw, pythonError) && strings.Contains(l.Raw, pythonTrace):
		return Ending{How: HowThrew, Whole: true, Error: pythonThrown(l.Raw)}
	case strings.HasPrefix(l.Text, "panic: "), strings.HasPrefix(l.Text, "fatal error: "), strings.HasPrefix(l.Text, "FATAL ERROR: "):
		return Ending{How: HowThrew, Whole: true, Error: dispatch.JobError{Message: l.Text}}
	case strings.HasPrefix(l.Text, "{") && strings.Contains(l.Text, `"errorMessage"`):
		e, ok := errorObject(l.Text)
		return Ending{How: told(ok, HowThrew), Whole: true, Error: e}
	case strings.HasPrefix(l.Raw, "{") && strings.Contains(l.Raw, `"stackTrace"`):
		e, ok := errorObject(l.Raw)
		return Ending{How: told(ok, HowThrew), Whole: true, Error: e}
	}
	return Ending{}
}

// Python's runtime prints what a handler raises as "[ERROR] Name: message" and, behind
// carriage returns, a traceback.
const (
	pythonError = "[ERROR] "
	pythonTrace = "Traceback (most recent call last)"
)

func pythonThrown(raw string) dispatch.JobError {
	said, stack, _ := strings.Cut(strings.TrimPrefix(raw, pythonError), pythonTrace)
	e := dispatch.JobError{Message: strings.TrimSpace(Sanitize(said, true)), Stack: Sanitize(pythonTrace+stack, true)}
	if name, text, ok := strings.Cut(e.Message, ": "); ok && errorName(name) {
		e.Name, e.Message = name, text
	}
	return e
}

func told(ok bool, h How) How {
	if ok {
		return h
	}
	return HowUnsaid
}

// errorObject reads the JSON in which Lambda's runtimes print an error. Node's
// calls the stack "stack" in its text format and "stackTrace" in the JSON one.
func errorObject(text string) (dispatch.JobError, bool) {
	at := strings.IndexByte(text, '{')
	if at < 0 {
		return dispatch.JobError{}, false
	}
	var o struct {
		Type       string          `json:"errorType"`
		Message    *string         `json:"errorMessage"`
		Stack      json.RawMessage `json:"stack"`
		StackTrace json.RawMessage `json:"stackTrace"`
	}
	// A decoder, since the line's other fields may follow.
	if json.NewDecoder(strings.NewReader(text[at:])).Decode(&o) != nil || o.Message == nil {
		return dispatch.JobError{}, false
	}
	e := dispatch.JobError{Name: Sanitize(o.Type, false), Message: Sanitize(*o.Message, true)}
	var frames []string // Go's are objects: left out
	if json.Unmarshal(o.Stack, &frames) == nil || json.Unmarshal(o.StackTrace, &frames) == nil {
		e.Stack = Sanitize(strings.Join(frames, "\n"), true)
	}
	return e, true
}

// crashReason is Lambda's sentence without the request before it and the error's
// type behind it.
func crashReason(text string) string {
	text = strings.TrimPrefix(crashText(text), "Error: ")
	for _, end := range [...]string{" Runtime.", " errorType=", " requestId="} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimSpace(text)
}

// errorName reports whether s can be the name of an error's class.
func errorName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '$', c == '.', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return true
}
