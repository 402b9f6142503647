package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

func (s *Screen) takeSteps(batch steps) tea.Cmd {
	if s.firstAt.IsZero() {
		s.firstAt = s.env.Now()
	}
	fates := screen.Fates{WorkerID: s.workerID()}
	for _, result := range batch {
		r, known := s.rows[result.ID]
		if !known {
			r = &row{id: result.ID, seq: len(s.list)}
		}
		counted := known && r.status != statusWaits && r.status != statusGoes && r.status != redrive.StatusNotFound || r.status == redrive.StatusCameBack
		wasGood := r.good()
		r.take(result)
		if !counted {
			s.done++
			if !r.good() && r.status != redrive.StatusSkipped {
				s.failed++
			}
		} else if wasGood && !r.good() {
			s.failed++ // its copy came back
		}
		if !known && (len(s.list) < listed || !r.good() && len(s.list) < 2*listed) {
			s.rows[r.id] = r
			s.list = append(s.list, r)
		}
		fates.Fates = append(fates.Fates, r.fate())
	}
	s.total = max(s.total, s.done)
	s.arrange()
	return tea.Batch(screen.Send(fates), s.tell())
}

// taskID pairs the words of the task line.
func (s *Screen) taskID() string { return fmt.Sprintf("replay-%d", s.env.ID) }

func (s *Screen) tell() tea.Cmd {
	text := fmt.Sprintf("%s %s of %s: %s of %s", s.verb(), cell.Plural(s.total, "message"), s.workerName(), cell.Count(s.done), cell.Count(s.total))
	if s.failed > 0 {
		text += fmt.Sprintf(", %s failed", cell.Count(s.failed))
	}
	if s.stopping {
		text += ", stopping"
	}
	return screen.Send(screen.Task{ID: s.taskID(), Text: text})
}

// over takes the end of a session.
func (s *Screen) over(err error) tea.Cmd {
	s.waits = ""
	if s.phase != running {
		s.err, s.session = err, nil
		if err == nil {
			return nil
		}
		s.phase = planning
		return screen.Send(screen.Task{ID: s.taskID(), Text: "plan the " + s.noun() + " of dead letters of " + s.workerName(), Done: true, Err: err})
	}
	s.phase, s.err, s.endedAt, s.session = ended, err, s.env.Now(), nil
	s.inMessages = true
	s.filter.Clear()
	s.arrange()
	return tea.Batch(screen.Send(s.lastWord()), screen.Send(screen.Refresh{}))
}

// lastWord is the end of the task.
func (s *Screen) lastWord() screen.Task {
	task := screen.Task{
		ID: s.taskID(), Done: true, Err: s.err,
		Text: fmt.Sprintf("%s %s of %s", s.past(), cell.Plural(s.report.Replayed, "message"), s.workerName()),
	}
	if s.err == nil {
		return task
	}
	if s.stopped() {
		task.Err = nil
		task.Text += ", then stopped"
		return task
	}
	task.Text = fmt.Sprintf("%s of %s of %s", s.noun(), cell.Plural(s.total, "message"), s.workerName())
	return task
}

// stopped is whether a person stopped it, and nothing else went wrong.
func (s *Screen) stopped() bool {
	if !s.stopping || !errors.Is(s.err, context.Canceled) {
		return false
	}
	return !slices.ContainsFunc(s.report.Problems, func(r redrive.Result) bool { return r.Status != redrive.StatusSkipped && !r.Unreached() })
}

// unreached counts what was chosen and had no turn before it ended.
func (s *Screen) unreached() int {
	n := 0
	for i := range s.report.Problems {
		if s.report.Problems[i].Unreached() {
			n++
		}
	}
	return n
}

// left is how long it may still take, and at which rate; zero when nobody knows.
func (s *Screen) left() (perSecond float64, left time.Duration) {
	if s.firstAt.IsZero() {
		return 0, 0
	}
	seconds := s.env.Now().Sub(s.firstAt).Seconds()
	if seconds < 1 || s.done == 0 {
		return 0, 0
	}
	perSecond = float64(s.done) / seconds
	return perSecond, time.Duration(float64(s.total-s.done) / perSecond * float64(time.Second))
}
