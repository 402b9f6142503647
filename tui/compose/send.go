package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	sendTimeout = 40 * time.Second
	// again is how long after a dispatch the same text is not sent again: a key
	// that was held must not become ten jobs.
	again = 2 * time.Second
)

// refused is why nothing can be sent now; empty when it can.
func (s *Screen) refused() string {
	switch {
	case !s.known && s.env.Data.Inventory != nil:
		return "the stage has no worker " + cell.Clean(s.workerID)
	case !s.known:
		return "the worker is not known yet"
	case s.requests.Live(forSend):
		return "a dispatch is under way"
	case s.result != nil && s.sentAs == s.editor.Version() && s.since(s.result.SentAt) < again:
		return "this was sent just now"
	case !s.current():
		return "the input is still being checked"
	}
	return ""
}

// send dispatches what is in the editor, unless it does not fit the schema: then
// it goes to the first place that does not.
func (s *Screen) send() tea.Cmd {
	if s.refused() != "" {
		return nil
	}
	for _, v := range s.violations {
		if !v.Warning {
			s.toProblem(v)
			s.tried = s.editor.Version()
			return nil
		}
	}
	if !s.env.Stage.Protected.Needed {
		return s.dispatch("")
	}
	return screen.Send(screen.Confirm{
		Title: "Send a job to " + s.workerID + "?",
		Lines: []string{"stage  " + s.env.Stage.Name + " in " + s.env.Stage.Region, "to     " + s.queueName()},
		Verb:  "Send", Write: s.dispatch,
	})
}

// dispatch sends what is in the editor. Stage is what was typed to agree, where the
// stage is protected.
func (s *Screen) dispatch(stage string) tea.Cmd {
	if s.refused() != "" {
		return nil // the text or the stage has changed while somebody was asked
	}
	worker, text, source := s.worker, s.editor.Text(), s.source
	s.err, s.note, s.sending = nil, "", s.editor.Version()
	s.keep()
	return tea.Batch(
		screen.Send(screen.Task{ID: s.task(), Text: "dispatch to " + cell.Clean(worker.ID)}),
		s.requests.Start(forSend, sendTimeout, func(ctx context.Context) (any, error) {
			return source.Dispatch(screen.Confirmed(ctx, stage), aws.DispatchRequest{Worker: worker, Input: json.RawMessage(text), Mode: dispatch.ModeAuto})
		}))
}

// sent takes the answer. With a result and an error both the job was sent, and
// only its audit record could not be written.
func (s *Screen) sent(reply screen.Reply) tea.Cmd {
	task := screen.Task{ID: s.task(), Text: "dispatch to " + cell.Clean(s.workerID), Done: true, Err: reply.Err}
	result, ok := reply.Payload.(aws.DispatchResult)
	s.err, s.unsent = reply.Err, !ok || result.Status != dispatch.StatusQueued
	if s.unsent {
		if errors.Is(s.err, context.DeadlineExceeded) {
			s.err = fmt.Errorf("no answer came within %s, so the job may have been sent all the same; look for it in the logs before sending again: %w", sendTimeout, s.err)
		}
		return screen.Send(task)
	}
	s.result, s.sentAs = &result, s.sending
	if s.sentAs == s.editor.Version() {
		s.editor.Blur() // so that a plain key follows the job
	}
	task.Text = "sent " + cell.Clean(result.JobID) + " to " + cell.Clean(s.workerID)
	return tea.Batch(screen.Send(task), screen.Send(screen.Refresh{}))
}

func (s *Screen) task() string { return "dispatch-" + s.workerID }

// follow opens the sent job. Clocks differ a little, so it looks back a moment.
func (s *Screen) follow() tea.Cmd {
	return screen.Send(screen.OpenLogs{
		WorkerIDs: []string{s.workerID}, JobID: s.result.JobID, Since: s.result.SentAt.Add(-5 * time.Second),
	})
}
