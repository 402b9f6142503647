package logview

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// subject is whom a row speaks of.
type subject struct {
	workerID, jobID, requestID string
	at                         time.Time
	jobs                       int // of an invocation
}

// subject is that of the row under the cursor, or of the line that is open.
func (s *Screen) subject() subject { return s.subjectOf(s.pane.Current()) }

func (s *Screen) subjectOf(r pane.Row) subject {
	if l := r.Line(); l != nil {
		return subjectOf(l)
	}
	if r.None() {
		return subject{}
	}
	inv := r.Group.Invocation(s.env.Now())
	of := subject{workerID: inv.WorkerID, requestID: inv.RequestID, at: inv.Start, jobs: len(inv.Jobs)}
	if len(inv.Jobs) == 1 {
		of.jobID = inv.Jobs[0].JobID
	}
	return of
}

func subjectOf(l *logs.Line) subject {
	return subject{workerID: l.WorkerID, jobID: l.JobID, requestID: l.RequestID, at: l.Time}
}

// worker is whose worker's screens are opened from here: the row's, or the only one.
func (s *Screen) worker() string {
	if of := s.subject(); of.workerID != "" {
		return of.workerID
	}
	if len(s.tail.ids) == 1 {
		return s.tail.ids[0]
	}
	return ""
}

// noJob is why a job cannot be opened; empty when it can.
func (of subject) noJob() string {
	switch {
	case of.jobID != "":
		return ""
	case of.jobs > 1:
		return "the invocation had several jobs: tab opens it, its lines name one"
	}
	return "the line names no job"
}

func (of subject) noRequest() string {
	if of.requestID != "" {
		return ""
	}
	return "the line belongs to no invocation"
}

func openJob(of subject) tea.Cmd {
	return screen.Send(screen.OpenJob{JobID: of.jobID, WorkerID: of.workerID, Since: of.at.Add(-lookBack)})
}
