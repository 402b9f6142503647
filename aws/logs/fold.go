package logs

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The values of Invocation.Outcome, and of JobRun.Outcome together with the
// Status constants. An invocation that went well may have had jobs that failed:
// their messages are tried again one by one.
const (
	OutcomeOK          = "ok"
	OutcomeError       = "error" // the handler returned or threw an error
	OutcomeTimedOut    = StatusTimedOut
	OutcomeCrashed     = StatusCrashed
	OutcomeOutOfMemory = "out of memory"
	OutcomeRunning     = "running"
	// OutcomeUnknown: its end is not among the lines.
	OutcomeUnknown  = "unknown"
	OutcomeRetrying = "retrying" // a job's attempt failed, SQS delivers it again
	OutcomeDeferred = "deferred"
	OutcomeSkipped  = "skipped" // the delivery left the job alone
)

// Invocation is one run of a function, as its lines tell of it.
type Invocation struct {
	RequestID string `json:"requestId"`
	WorkerID  string `json:"workerId,omitempty"`
	Group     string `json:"logGroup"`
	Stream    string `json:"stream"`
	// Start is START's time; without START what follows from REPORT, else the time of
	// the first line. End is REPORT's time, else END's; zero while it has not ended, as
	// far as the lines say.
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
	// StartCut and EndCut say that START, and END and REPORT, are not among the lines.
	StartCut bool   `json:"startCut,omitempty"`
	EndCut   bool   `json:"endCut,omitempty"`
	Outcome  string `json:"outcome"`
	// Error is why it failed; nil unless it did.
	Error *dispatch.JobError `json:"error,omitempty"`
	// Report is nil until REPORT is seen. Its Init, or Restore, is above zero when the
	// environment was started for it.
	Report *Report `json:"-"`
	// Jobs are those it was given, in the order of their lines.
	Jobs []JobRun `json:"jobs,omitempty"`
	// Lines counts all lines; Warnings and Errors those of the program itself.
	Lines    int `json:"lines"`
	Warnings int `json:"warnings,omitempty"`
	Errors   int `json:"errors,omitempty"`
}

// JobRun is a job's part of an invocation.
type JobRun struct {
	JobID string `json:"jobId"`
	// Attempt is the delivery's number from 1; zero: the lines do not say.
	Attempt int `json:"attempt,omitempty"`
	// Outcome is StatusCompleted, StatusFailed or one of the Outcome constants but
	// OutcomeOK and OutcomeError.
	Outcome string `json:"outcome"`
}

// Duration is REPORT's, else from Start to End; zero while it has not ended.
func (i *Invocation) Duration() time.Duration {
	switch {
	case i.Report != nil:
		return i.Report.Duration
	case i.End.IsZero():
		return 0
	}
	return i.End.Sub(i.Start)
}

// MarshalJSON writes the report's figures among the invocation's own: durationMs,
// billedMs, initMs, restoreMs, memoryMB, maxMemoryMB, traceId; those that are zero are
// left out.
func (i Invocation) MarshalJSON() ([]byte, error) {
	type plain Invocation
	out := struct {
		plain
		DurationMS  float64 `json:"durationMs,omitempty"`
		BilledMS    float64 `json:"billedMs,omitempty"`
		InitMS      float64 `json:"initMs,omitempty"`
		RestoreMS   float64 `json:"restoreMs,omitempty"`
		MemoryMB    int     `json:"memoryMB,omitempty"`
		MaxMemoryMB int     `json:"maxMemoryMB,omitempty"`
		TraceID     string  `json:"traceId,omitempty"`
	}{plain: plain(i)}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	out.DurationMS = ms(i.Duration())
	if r := i.Report; r != nil {
		out.BilledMS, out.InitMS, out.RestoreMS = ms(r.Billed), ms(r.Init), ms(r.Restore)
		out.MemoryMB, out.MaxMemoryMB, out.TraceID = r.MemoryMB, r.MaxMemoryMB, r.TraceID
	}
	return json.Marshal(out)
}

// Fold folds lines into invocations, sorted by their start. now is when the lines
// were read up to the present; zero when they end in the past, where nothing is
// still running.
func Fold(lines []Line, now time.Time) []Invocation {
	f := NewFolder(len(lines) + 1)
	for i := range lines {
		f.Add(&lines[i])
	}
	return f.Invocations(now)
}

// The bounds of what is kept of one invocation.
const (
	maxFoldJobs = 10_000 // SQS's largest batch for a function
	maxFoldText = 2 << 10
)

// Folder folds lines into invocations while they come: of several streams, in any
// order, cut at both ends. It is not safe for concurrent use.
type Folder struct {
	most    int
	tracker *tracker
	open    map[string]*Folding
	settled []Invocation
	newest  time.Time
}

// fold is an invocation in the making.
type fold struct {
	Invocation
	last      time.Time
	startSeen bool
	endSeen   bool
	status    string // the failure's, as far as known
	rank      int
	oom       bool
	jobs      map[string]int // into Jobs
}

// NewFolder returns a Folder that keeps at most so many invocations that have not
// been taken by Settled; zero: 4,096. What is beyond that, those that were silent
// longest, counts as settled.
func NewFolder(most int) *Folder {
	if most <= 0 {
		most = 4096
	}
	return &Folder{most: most, tracker: newTracker(), open: map[string]*Folding{}}
}

// Add takes a line in. Lines that belong to no invocation are passed over.
func (f *Folder) Add(line *Line) {
	l := *line
	f.tracker.observe(&l)
	if l.Time.After(f.newest) {
		f.newest = l.Time
	}
	if !l.InInvocation() {
		return
	}
	// The API's function writes about jobs it sends; its requests are its own, and
	// begin with a START as any other.
	at := f.open[l.RequestID]
	if at != nil && at.Over(&l) {
		f.settled = append(f.settled, at.done(f.newest))
		at = nil
	}
	if at != nil {
		at.add(&l)
		return
	}
	if len(f.open) >= f.most {
		f.evict()
	}
	at = NewFolding(&l)
	f.open[at.RequestID] = at
}

// Settled returns, once, the invocations of which nothing more is to be expected:
// those whose REPORT is more than two seconds older than now, and those that had to
// make room. Sorted by their start.
func (f *Folder) Settled(now time.Time) []Invocation {
	out := f.settled
	f.settled = nil
	for id, at := range f.open {
		if at.Report != nil && now.Sub(at.last) > afterEnd {
			out = append(out, at.done(now))
			delete(f.open, id)
		}
	}
	sortInvocations(out)
	return out
}

// Invocations returns all that Settled has not returned, as they are now, sorted by
// their start; now as in Fold.
func (f *Folder) Invocations(now time.Time) []Invocation {
	out := slices.Clone(f.settled)
	for _, at := range f.open {
		out = append(out, at.done(now))
	}
	sortInvocations(out)
	return out
}

func sortInvocations(all []Invocation) {
	slices.SortFunc(all, func(a, b Invocation) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.RequestID, b.RequestID), a.End.Compare(b.End))
	})
}

// evict settles the quarter that was silent longest, so that it is rare.
func (f *Folder) evict() {
	all := make([]*Folding, 0, len(f.open))
	for _, at := range f.open {
		all = append(all, at)
	}
	slices.SortFunc(all, func(a, b *Folding) int { return a.last.Compare(b.last) })
	for _, at := range all[:max(1, len(all)/4)] {
		f.settled = append(f.settled, at.done(time.Time{}))
		delete(f.open, at.RequestID)
	}
}

func (at *fold) add(l *Line) {
	at.Lines++
	if at.Lines == 1 || !at.startSeen && l.Time.Before(at.Start) {
		at.Start = l.Time
	}
	if l.Time.After(at.last) {
		at.last = l.Time
	}
	if !l.Kind.Platform() {
		switch l.Level {
		case LevelError:
			at.Errors++
		case LevelWarn:
			at.Warnings++
		case LevelNone, LevelDebug, LevelInfo:
		}
	}
	switch l.Kind {
	case KindStart:
		at.startSeen, at.Start = true, l.Time
	case KindEnd:
		at.endSeen = true
		if at.Report == nil {
			at.End = l.Time
		}
	case KindReport:
		at.endSeen, at.Report, at.End = true, l.Report, l.Time
	case KindApp, KindMarker, KindInit, KindTimeout, KindCrash:
	}
	if l.JobID != "" && l.run {
		at.job(l)
	}
	at.ending(l)
}

// job notes a job of the invocation.
func (at *fold) job(l *Line) *JobRun {
	i, ok := at.jobs[l.JobID]
	if !ok {
		if len(at.Jobs) >= maxFoldJobs {
			return &JobRun{}
		}
		i = len(at.Jobs)
		id := strings.Clone(l.JobID)
		at.jobs[id] = i
		at.Jobs = append(at.Jobs, JobRun{JobID: id})
	}
	j := &at.Jobs[i]
	if l.Event != nil && l.Event.Attempt > 0 {
		j.Attempt = l.Event.Attempt
	}
	return j
}

// Of what tells of a failure, the later of these knows more.
const (
	foldReport = 1 + iota
	foldCrash
	foldTimeout
	foldThrown
)

func (at *fold) ending(l *Line) {
	e, ok := l.Ending()
	if !ok {
		return
	}
	if !e.Whole {
		if l.JobID != "" {
			at.jobEnding(l, &e)
		}
		return
	}
	at.oom = at.oom || e.OutOfMemory || e.How == HowCrashed && strings.Contains(e.Error.Message, "signal: killed")
	status, rank := OutcomeError, foldThrown
	switch {
	case l.Kind == KindReport:
		rank = foldReport
		if status = OutcomeCrashed; e.How == HowTimedOut {
			status = OutcomeTimedOut
		} else if t := l.Report.ErrorType; t != "" && !strings.HasPrefix(t, "Runtime.") && !strings.HasPrefix(t, "Extension.") {
			status = OutcomeError // the handler's own class of error
		}
	case l.Kind == KindTimeout:
		status, rank = OutcomeTimedOut, foldTimeout
	case l.Kind == KindCrash:
		status, rank = OutcomeCrashed, foldCrash
	case e.How == HowThrew:
		// It may have been caught; only the end says.
		status = ""
	}
	if status != "" && (at.status == "" || at.status == OutcomeError || l.Kind == KindTimeout) {
		at.status = status
	}
	if rank >= at.rank {
		at.rank = rank
		at.Error = &dispatch.JobError{Name: short(e.Error.Name), Message: short(e.Error.Message), Stack: short(e.Error.Stack)}
	}
}

func (at *fold) jobEnding(l *Line, e *Ending) {
	outcome := ""
	switch e.How {
	case HowCompleted:
		outcome = StatusCompleted
	case HowFailed:
		if outcome = StatusFailed; l.Event != nil && !e.Final {
			outcome = OutcomeRetrying
		}
	case HowDeferred:
		outcome = OutcomeDeferred
	case HowSkipped:
		outcome = OutcomeSkipped
	case HowUnsaid, HowTimedOut, HowCrashed, HowThrew:
		return
	}
	at.job(l).Outcome = outcome
}

// done is the invocation as it stands.
func (at *fold) done(now time.Time) Invocation {
	i := at.Invocation
	i.Jobs = slices.Clone(at.Jobs)
	i.StartCut, i.EndCut = !at.startSeen, !at.endSeen
	if i.StartCut && i.Report != nil {
		if from := i.End.Add(-i.Report.Duration); from.Before(i.Start) {
			i.Start = from
		}
	}
	switch {
	case at.status == OutcomeCrashed && at.oom:
		i.Outcome = OutcomeOutOfMemory
	case at.status != "":
		i.Outcome = at.status
	case i.Report != nil:
		i.Outcome = OutcomeOK
	case !at.endSeen && !now.IsZero() && now.Sub(i.Start) < longestRun:
		i.Outcome = OutcomeRunning
	default:
		i.Outcome = OutcomeUnknown
	}
	if i.Outcome == OutcomeOK || i.Outcome == OutcomeRunning || i.Outcome == OutcomeUnknown {
		i.Error = nil
	}
	for n := range i.Jobs {
		if j := &i.Jobs[n]; j.Outcome == "" {
			j.Outcome = i.Outcome
			switch i.Outcome {
			case OutcomeOK:
				j.Outcome = OutcomeUnknown // it was given, and nothing says how it went
			case OutcomeError:
				j.Outcome = StatusFailed
			}
		}
	}
	return i
}

// short is a copy of a text that does not hold its line in memory.
func short(s string) string {
	if len(s) > maxFoldText {
		end := maxFoldText
		for end > 0 && s[end]&0xc0 == 0x80 { // within a character
			end--
		}
		s = s[:end] + "…"
	}
	return strings.Clone(s)
}
