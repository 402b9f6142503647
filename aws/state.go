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

// backlogWarning is how many waiting messages a table marks. It is a mark to
// look at, not a diagnosis: that needs a trend, which one reading does not have.
const backlogWarning = 100

// State is the worker's condition in a few words, for a table: the first that
// applies of an error of the deployment, dead letters, depths that were never
// read, a backlog, running jobs, delayed jobs, and "ok". It depends on nothing
// but w.
func (w Worker) State() (text string, severity Severity) {
	warnings := 0
	for _, p := range w.Problems {
		switch Severity(p.Severity) {
		case SeverityError:
			return string(p.Kind), SeverityError
		case SeverityWarning:
			warnings++
		case SeverityOK, SeverityInfo:
		}
	}
	switch {
	case w.Queue == nil:
		return string(ProblemNoQueue), SeverityError
	case w.DLQ != nil && w.DLQ.Depth.Total() > 0:
		return fmt.Sprintf("dead letters %d", w.DLQ.Depth.Total()), SeverityError
	case w.Queue.Depth.At.IsZero():
		return "depth unknown", SeverityWarning
	case w.DLQ != nil && w.DLQ.Depth.At.IsZero():
		return "dead letters unknown", SeverityWarning
	case w.Queue.Depth.Visible >= backlogWarning:
		return fmt.Sprintf("backlog %d", w.Queue.Depth.Visible), SeverityWarning
	case w.Queue.Depth.Visible > 0:
		return fmt.Sprintf("backlog %d", w.Queue.Depth.Visible), SeverityInfo
	case w.Queue.Depth.InFlight > 0:
		return fmt.Sprintf("running %d", w.Queue.Depth.InFlight), SeverityInfo
	case w.Queue.Depth.Delayed > 0:
		return fmt.Sprintf("delayed %d", w.Queue.Depth.Delayed), SeverityInfo
	case warnings == 1:
		return "ok, 1 warning", SeverityInfo
	case warnings > 1:
		return fmt.Sprintf("ok, %d warnings", warnings), SeverityInfo
	}
	return "ok", SeverityOK
}

// sortProblems puts the most serious first, and keeps the order of discovery
// among equals.
func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int { return Severity(b.Severity).Rank() - Severity(a.Severity).Rank() })
}

func (w *Worker) problem(s Severity, kind ProblemKind, format string, args ...any) {
	w.Problems = append(w.Problems, Problem{Severity: s.String(), Kind: kind, Text: strings.TrimSpace(fmt.Sprintf(format, args...))})
}
