package why

import (
	"strings"
	"time"
)

// How much a line knows of why an attempt failed. Of lines about the same
// attempt the one that knows more wins, then the later one.
const (
	rankReport  = 1 + iota // REPORT with a status
	rankCrash              // Runtime exited
	rankTimeout            // Task timed out; the process may be killed on top
	rankPrinted            // an error of the whole invocation, printed by its runtime
	rankOwn                // the job's own
)

// jobState is what is known of a job.
type jobState struct {
	ids      []string
	from, to time.Time
	seen     bool
	// best is the latest failure. spare is one that may not be why the job died: the
	// attempt it belongs to ended otherwise, or ran nothing.
	best, spare finding
	status      string
	statusAt    time.Time
	// over is the request in which the job last ended without failing, run the one
	// that ran it last, and attempt the number of the delivery attemptOf.
	over, run, attemptOf string
	attempt              int
}

// finding is a failure and how much the line knew; rank zero: none.
type finding struct {
	Failure
	rank        int
	outOfMemory bool
}

func (j *jobState) covers(at time.Time) bool { return !at.Before(j.from) && !at.After(j.to) }

// attempted notes which delivery a request is.
func (j *jobState) attempted(requestID string, n int) {
	if requestID == "" {
		return
	}
	j.attemptOf, j.attempt = strings.Clone(requestID), n
	for _, f := range [...]*finding{&j.best, &j.spare} {
		if f.RequestID == requestID && f.Attempt == 0 {
			f.Attempt = n
		}
	}
}

// fail takes a failure in, which may belong to the attempt that failed last.
func (j *jobState) fail(f *finding, spare bool) {
	to := &j.best
	if spare {
		to = &j.spare
	}
	next := *f
	if next.Attempt == 0 && next.RequestID != "" && next.RequestID == j.attemptOf {
		next.Attempt = j.attempt
	}
	switch {
	case to.rank == 0:
		*to = next
	case next.RequestID == "" || next.RequestID != to.RequestID:
		if !next.At.Before(to.At) {
			*to = next
		}
	case next.rank > to.rank || next.rank == to.rank && next.At.After(to.At):
		next.also(to)
		*to = next
	default:
		to.also(&next)
	}
}

// also fills in what another line about the same attempt says.
func (f *finding) also(o *finding) {
	if f.Attempt == 0 {
		f.Attempt = o.Attempt
	}
	if f.Message == o.Message {
		if f.Name == "" {
			f.Name = o.Name
		}
		if f.Stack == "" {
			f.Stack = o.Stack
		}
	}
	f.outOfMemory = f.outOfMemory || o.outOfMemory
}
