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
