// Package logs reads a stage's CloudWatch Logs: lines parsed once, tails that
// follow, and one job's own lines.
package logs

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Level is a line's severity. LevelNone sorts below all others.
type Level int

// The levels.
const (
	LevelNone Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// String is the level's name in lower case; empty for LevelNone.
func (l Level) String() string {
	switch l {
	case LevelDebug:
		return "debug"
	case LevelInfo:
		return "info"
	case LevelWarn:
		return "warn"
	case LevelError:
		return "error"
	case LevelNone:
	}
	return ""
}

// ParseLevel reads a level's name in any case, slog's ("INFO+2") and the usual
// variants ("warning", "fatal", "trace") included. ok is false for others.
func ParseLevel(s string) (l Level, ok bool) {
	l = levelOf(s)
	return l, l != LevelNone
}

// Kind is what a line is.
type Kind int

// The kinds of line. Platform lines are Lambda's own.
const (
	KindApp Kind = iota
	KindMarker
	KindInit // about the environment and no request: init, restore, extensions
	KindStart
	KindEnd
	KindReport
	KindTimeout // Task timed out
	KindCrash   // Runtime exited
)

// Platform reports whether Lambda itself wrote the line.
func (k Kind) Platform() bool { return k >= KindInit }

// Line is one log event, parsed once, free of control characters.
type Line struct {
	ID     string
	Time   time.Time
	Group  string
	Stream string
	Kind   Kind
	Level  Level
	// WorkerID is the worker whose log group it came from.
	WorkerID string
	// JobID and RequestID are empty when nothing says. The reader also fills
	// them from what came before in the same stream: a bare print between START
	// and END belongs to that request and, when just one of the request's jobs is
	// under way, to that job. Parse knows only what the line itself says.
	JobID     string
	RequestID string
	// Text is what to show on one line: for JSON lines the message and the
	// fields worth reading, else the raw line without its prefix.
	Text string
	// Raw is the whole event, control characters removed, tabs and newlines kept.
	Raw string
	// Original is the event as CloudWatch has it, hostile bytes and all. Only a query that asks
	// for it gets it.
	Original string
	// Event is set when the line is a worker's lifecycle event.
	Event *dispatch.JobEvent
	// Report is set for KindReport.
	Report *Report

	// run is true when the line proves that RequestID runs JobID.
	run bool
	// legacy is what a line of the TypeScript runtime says about its job's end.
	legacy legacyEvent
	// legacyErr is the error text of legacyFailed.
	legacyErr string
}

// Report is what a REPORT line says of an invocation.
type Report struct {
	Duration, Billed, Init time.Duration
	// Restore and BilledRestore stand in Init's place where a function starts from a
	// snapshot (SnapStart).
	Restore, BilledRestore time.Duration
	MemoryMB, MaxMemoryMB  int
	Status                 string // "", "timeout", "error"
	// ErrorType is Lambda's name for the error, such as "Runtime.ExitError" or
	// "Runtime.OutOfMemory"; mostly empty.
	ErrorType string
	// TraceID is X-Ray's; empty where the invocation is not traced.
	TraceID string
}

// Source is a log group to read and the worker it belongs to.
type Source struct{ WorkerID, Group string }

// Sources are the log groups of workers that have a function. A group that
// several workers share appears once, without a worker id.
func Sources(workers ...aws.Worker) []Source {
	var out []Source
	at := make(map[string]int, len(workers))
	for i := range workers {
		w := &workers[i]
		if w.Function == nil {
			continue
		}
		group := w.Function.LogGroup
		if group == "" && w.Function.Name != "" {
			group = "/aws/lambda/" + w.Function.Name
		}
		if group == "" {
			continue
		}
		if j, ok := at[group]; ok {
			if out[j].WorkerID != w.ID {
				out[j].WorkerID = ""
			}
			continue
		}
		at[group] = len(out)
		out = append(out, Source{WorkerID: w.ID, Group: group})
	}
	return out
}

// Query selects lines.
type Query struct {
	Sources []Source
	// Since and Until bound the time; zero Since means from the oldest event,
	// zero Until means no end. CloudWatch counts in milliseconds.
	Since, Until time.Time
	// JobID keeps one job's lines only: those that name it and those of its
	// invocations that name no other job.
	JobID string
	// Pattern is a CloudWatch filter pattern: only the events that it matches are
	// read. Since those between them are missing, lines keep what they say of job
	// and request themselves, and nothing is inferred. Read alone knows it, and
	// only when JobID is empty. A pattern that CloudWatch cannot parse is an error
	// of reading.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	Pattern string
	// RequestID keeps one invocation's lines only: those that name it, and those
	// between its START and END.
	RequestID string
	// Last keeps the last so many lines of what there is; zero keeps all. Follow then goes
	// on with every new one.
	Last int
	// Settle is how long Follow waits with a line, counted from the line's time, for older
	// ones that come later; zero passes on what comes.
	Settle time.Duration
	// Live has Follow open live sessions, which cost money by the minute; see WithLive.
	Live bool
	// Original has lines keep the event's own bytes.
	Original bool
	// Unparsed leaves lines as they are: they have an id, a time, a place, and Original. It is for those who
	// want nothing else, of queries without a job, request, level or Match.
	Unparsed bool
	// MinLevel drops lines below it; LevelNone keeps all.
	MinLevel Level
	// Match keeps lines for which it is true; nil keeps all. It is called from
	// one goroutine at a time.
	Match func(*Line) bool
}

func (q *Query) keeps(l *Line) bool {
	return l.Level >= q.MinLevel && (q.RequestID == "" || q.RequestID == l.RequestID) && (q.Match == nil || q.Match(l))
}
