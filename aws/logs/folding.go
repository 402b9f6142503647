package logs

import (
	"strings"
	"time"
)

// InInvocation is whether the line belongs to an invocation. Lines of Lambda's own
// about the environment do not, and neither does what names a request that it only
// sends.
func (l *Line) InInvocation() bool {
	return l.RequestID != "" && l.Kind != KindInit && (l.Kind != KindMarker || l.run)
}

// Folding is one invocation in the making, for those who keep its lines themselves; a
// Folder finds the invocations of lines, too. It is not safe for concurrent use. Make
// one with NewFolding.
type Folding struct{ fold }

// NewFolding begins with a line for which InInvocation is true. Its lines must come
// from a Reader, which tells each of them its request and its job.
func NewFolding(l *Line) *Folding {
	f := &Folding{fold{jobs: map[string]int{}}}
	f.RequestID, f.Group, f.Stream, f.WorkerID = strings.Clone(l.RequestID), l.Group, strings.Clone(l.Stream), l.WorkerID
	f.add(l)
	return f
}

// Add takes in another line of the same request, in any order.
func (f *Folding) Add(l *Line) { f.add(l) }

// Over is whether a line of the same request begins another invocation: Lambda repeats
// an asynchronous one under its id.
func (f *Folding) Over(l *Line) bool {
	return l.Kind == KindStart && f.Report != nil && l.Time.After(f.End)
}

// Invocation is the invocation as it stands; now is the present, as in Fold.
func (f *Folding) Invocation(now time.Time) Invocation { return f.done(now) }
