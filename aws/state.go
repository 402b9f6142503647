package aws

import (
	"fmt"
	"slices"
	"strings"
)

// Severity grades a problem or a state.
type Severity string

// The severities, from nothing to do to something to do now.
const (
	SeverityOK      Severity = "ok"
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// String is the severity's word.
func (s Severity) String() string { return string(s) }

// Rank orders severities: 0 for ok up to 3 for error.
func (s Severity) Rank() int {
	return max(0, slices.Index([]Severity{SeverityOK, SeverityInfo, SeverityWarning, SeverityError}, s))
}

// backlogWarning is how many waiting messages make a state a warning. It is a
// mark to look at, not a diagnosis: that needs a trend, which one reading does
// not have.
const backlogWarning = 100

// State is the worker's condition in a word or two, for a table that has the
// numbers beside it: the first that applies of an error of the deployment, dead
// letters, depths that were never read, jobs in flight, waiting or delayed,
// warnings of the deployment, and "idle". It depends on nothing but w. The
// console uses the same words, and more where it has seen a trend.
func (w Worker) State() (text string, severity Severity) {
	warned := false
	for _, p := range w.Problems {
		switch Severity(p.Severity) {
		case SeverityError:
			return string(p.Kind), SeverityError
		case SeverityWarning:
			warned = true
		case SeverityOK, SeverityInfo:
		}
	}
	busy := SeverityInfo
	if w.Queue != nil && w.Queue.Depth.Visible >= backlogWarning {
		busy = SeverityWarning
	}
	switch {
	case w.Queue == nil:
		return string(ProblemNoQueue), SeverityError
	case w.DLQ != nil && w.DLQ.Depth.Total() > 0:
		return "dead letters", SeverityError
	case w.Queue.Depth.At.IsZero():
		return "unread", SeverityWarning
	case w.DLQ != nil && w.DLQ.Depth.At.IsZero():
		return "dead letters unread", SeverityWarning
	case w.Queue.Depth.InFlight > 0:
		return "working", busy
	case w.Queue.Depth.Visible > 0:
		return "waiting", busy
	case w.Queue.Depth.Delayed > 0:
		return "delayed", SeverityInfo
	case warned:
		return "check", SeverityInfo
	}
	return "idle", SeverityOK
}

// sortProblems puts the most serious first, and keeps the order of discovery
// among equals.
func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int { return Severity(b.Severity).Rank() - Severity(a.Severity).Rank() })
}

func (w *Worker) note(kind ProblemKind, format string, args ...any) {
	w.Notes = append(w.Notes, Problem{Severity: SeverityInfo.String(), Kind: kind, Text: strings.TrimSpace(fmt.Sprintf(format, args...))})
}

func (w *Worker) problem(s Severity, kind ProblemKind, format string, args ...any) {
	w.Problems = append(w.Problems, Problem{Severity: s.String(), Kind: kind, Text: strings.TrimSpace(fmt.Sprintf(format, args...))})
}
