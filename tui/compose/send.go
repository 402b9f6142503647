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
	// named is how many violations a question names.
	named = 6
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

// overridden is why the input cannot be sent against its schema now.
func (s *Screen) overridden() string {
	if why := s.refused(); why != "" {
		return why
	}
	problems, _ := s.counts()
	switch {
	case problems == 0:
		return "the input fits, " + s.env.Key(s.Kind(), "send", "ctrl+s") + " sends it"
	case s.violations[0].Keyword == syntax:
		return "what is not JSON cannot be sent at all"
	}
	return ""
}

// request is the dispatch as it stands.
func (s *Screen) request(force bool) (aws.DispatchRequest, error) {
	r := aws.DispatchRequest{Worker: s.worker, Input: json.RawMessage(s.editor.Text()), Force: force, Mode: dispatch.ModeAuto}
	return r, s.opts.Fill(&r)
}

// send dispatches what is in the editor, unless it does not fit the schema: then
// it goes to the first place that does not.
func (s *Screen) send() tea.Cmd {
	if s.refused() != "" || !s.optionsFit() {
		return nil
	}
	for _, v := range s.violations {
		if !v.Warning {
			s.tried = s.editor.Version()
			s.toProblem(v)
			return nil
		}
	}
	if !s.env.Stage.Protected.Needed {
		return s.dispatch("", false)
	}
	return s.ask("Send a job to "+s.workerID+"?", "", false)
}

// optionsFit is whether the options can be sent; it goes to the first that cannot.
func (s *Screen) optionsFit() bool {
	id, why := s.opts.Wrong(s.worker)
	if id == "" {
		return true
	}
	s.focus(sideForm)
	s.pane.ToExtra(id)
	s.note = "not sent: " + why
	return false
}

// override sends what does not fit the schema, after naming what does not.
func (s *Screen) override() tea.Cmd {
	if s.overridden() != "" || !s.optionsFit() {
		return nil
	}
	return s.ask("Send input that does not fit the schema?", "The worker may refuse it, or do something else with it:", true)
}

// ask asks before something is sent. With force it names what does not fit.
func (s *Screen) ask(title, why string, force bool) tea.Cmd {
	lines := []string{
		"stage    " + s.env.Stage.Name + " in " + s.env.Stage.Region,
		"account  " + orUnknown(s.env.Stage.Account),
		"to       " + s.queueName() + ", 1 job",
	}
	verb := "Send"
	if force {
		verb = "Send anyway"
		lines = append(lines, "", why)
		for i, v := range s.violations {
			if v.Warning {
				continue
			}
			if i == named {
				lines = append(lines, fmt.Sprintf("and %d more", len(s.violations)-named))
				break
			}
			lines = append(lines, theMark+v.String())
		}
	}
	version := s.editor.Version()
	return screen.Send(screen.Confirm{
		Title: title, Lines: lines, Verb: verb, Command: s.command(force),
		Write: func(stage string) tea.Cmd {
			if s.editor.Version() != version {
				return nil // another text than was agreed to
			}
			if !force && !dispatch.Valid(s.violations) {
				return s.send()
			}
			return s.dispatch(stage, force)
		},
	})
}

const theMark = "- "

func orUnknown(account string) string {
	if account == "" {
		return "not known yet"
	}
	return account
}

// sending is what came of a dispatch.
type sending struct {
	result aws.DispatchResult
	keep   error // why it is not among what was sent before
}

// dispatch sends what is in the editor. Stage is what was typed to agree, where the
// stage is protected.
func (s *Screen) dispatch(stage string, force bool) tea.Cmd {
	if why := s.refused(); why != "" {
		s.note = "not sent: " + why // it has become so while somebody was asked
		return nil
	}
	r, err := s.request(force)
	if err != nil {
		s.note = "not sent: " + err.Error()
		return nil
	}
	source, kept := s.source, s.kept
	s.err, s.note, s.sending = nil, "", s.editor.Version()
	s.keep()
	return tea.Batch(
		screen.Send(screen.Task{ID: s.task(), Text: "dispatch to " + cell.Clean(r.Worker.ID)}),
		s.requests.Start(forSend, sendTimeout, func(ctx context.Context) (any, error) {
			out := sending{}
			var err error
			out.result, err = source.Dispatch(screen.Confirmed(ctx, stage), r)
			if kept != nil && out.result.Status == dispatch.StatusQueued {
				out.keep = kept.Keep(r.Worker.ID, kept.Job(r, out.result))
			}
			return out, err
		}))
}

// sent takes the answer. With a result and an error both the job was sent, and
// only its audit record could not be written.
func (s *Screen) sent(reply screen.Reply) tea.Cmd {
	task := screen.Task{ID: s.task(), Text: "dispatch to " + cell.Clean(s.workerID), Done: true, Err: reply.Err}
	out, ok := reply.Payload.(sending)
	result := out.result
	s.err, s.unsent = reply.Err, !ok || result.Status != dispatch.StatusQueued
	if s.unsent {
		if errors.Is(s.err, context.DeadlineExceeded) {
			s.err = fmt.Errorf("no answer came within %s, so the job may have been sent all the same; look for it in the logs before sending again: %w", sendTimeout, s.err)
		}
		return screen.Send(task)
	}
	s.result, s.sentAs = &result, s.sending
	if s.sentAs == s.editor.Version() {
		s.blur() // so that a plain key follows the job
	}
	if out.keep != nil {
		s.note = "sent, but not kept for sending again: " + cell.Clean(out.keep.Error())
	}
	task.Text = "sent " + cell.Clean(result.JobID) + " to " + cell.Clean(s.workerID)
	return tea.Batch(screen.Send(task), screen.Send(screen.Refresh{}))
}

func (s *Screen) task() string { return "dispatch-" + s.workerID }

// slack is how far back the job is looked for: clocks differ a little.
const slack = 5 * time.Second

// follow opens the sent job.
func (s *Screen) follow() tea.Cmd {
	return screen.Send(screen.OpenJob{JobID: s.result.JobID, WorkerID: s.workerID, Since: s.result.SentAt.Add(-slack)})
}

// tail opens the log lines of the sent job.
func (s *Screen) tail() tea.Cmd {
	return screen.Send(screen.OpenLogs{
		WorkerIDs: []string{s.workerID}, JobID: s.result.JobID, Since: s.result.SentAt.Add(-slack),
	})
}
