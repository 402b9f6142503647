package deadletters

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// attempt is the log of the last attempt of one message's job.
type attempt struct {
	id    string
	lines []logs.Line
	err   error
	since time.Time
}

// rested reads more of the message under the cursor.
func (s *Screen) rested() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok || s.level == inGroups {
		return nil
	}
	var cmds []tea.Cmd
	if s.letterOf(it) == nil {
		kept, id := s.shelf, it.id
		cmds = append(cmds, s.requests.Start(forBody, bodyTimeout, func(ctx context.Context) (any, error) { return kept.get(ctx, id) }))
	}
	if _, known := s.before[it.id]; !known {
		engine := s.engine
		ids := []string{it.id}
		if it.jobID != "" {
			ids = append(ids, it.jobID)
		}
		id := it.id
		cmds = append(cmds, s.requests.Start(forBefore, beforeTimeout, func(context.Context) (any, error) {
			list, err := engine.Replays(ids...)
			return replayed{id, list}, err
		}))
	}
	if s.wantsLog(it) {
		cmds = append(cmds, s.readAttempt(it))
	}
	return tea.Batch(cmds...)
}

// replayed is what journals say of a message.
type replayed struct {
	id   string
	list []redrive.Sent
}

func (s *Screen) tookBefore(reply screen.Reply) {
	if r, ok := reply.Payload.(replayed); ok {
		s.before[r.id] = r.list // nil too: what cannot be read is not asked for at every step
		s.redraw()
	}
}

// wantsLog is whether the log of a message is to be seen and was not read.
func (s *Screen) wantsLog(it *item) bool {
	seen := s.pane == paneLog || s.width >= threeFrom
	return seen && it.jobID != "" && s.attempt.id != it.id && !s.requests.Live(forAttempt)
}

func (s *Screen) readAttempt(it *item) tea.Cmd {
	w, ok := s.env.Worker(s.workerID)
	if !ok {
		return nil
	}
	engine, jobID, requestID, about, id := s.engine, it.jobID, "", it.sentAt, it.id
	if c := it.cause; c != nil && c.failure.RequestID != "" && !c.failure.At.IsZero() {
		requestID, about = c.failure.RequestID, c.failure.At
	}
	s.attempt = attempt{since: s.env.Now()}
	return s.requests.Start(forAttempt, attemptTimeout, func(ctx context.Context) (any, error) {
		lines, err := engine.Attempt(ctx, w, jobID, requestID, about)
		return attempt{id: id, lines: lines, err: err}, nil
	})
}

func (s *Screen) tookAttempt(reply screen.Reply) {
	if a, ok := reply.Payload.(attempt); ok {
		s.attempt = a
	} else {
		s.attempt = attempt{id: s.under, err: reply.Err} // a fault: not to be tried at every key
	}
	s.redraw()
}
