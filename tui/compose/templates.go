package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/recall"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/compose/options"
	"github.com/microfox-ai/aiwctl/tui/compose/recent"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Recall keeps what was sent, and templates; *recall.Store is one.
type Recall interface {
	Keeps() int
	Job(r aws.DispatchRequest, result aws.DispatchResult) recall.Job
	Keep(workerID string, j recall.Job) error
	Recent(workerID string) ([]recall.Job, error)
	Templates(workerID string) ([]recall.Job, error)
	Save(workerID string, j recall.Job) error
	Delete(workerID, name string) error
}

const listTimeout = 10 * time.Second

// listing is what there is to choose from.
type listing struct{ templates, sent []recall.Job }

// prefill takes over what the screen was asked to begin with, beside the input.
func (s *Screen) prefill(ask screen.OpenDispatch) {
	if ask.Metadata == "" && ask.Again == "" {
		return
	}
	if ask.Again == "" {
		s.opts.Metadata = ask.Metadata
		return
	}
	s.again(ask.Again, []byte(ask.Metadata))
}

// again makes the job that will be sent one that repeats another.
func (s *Screen) again(jobID string, metadata json.RawMessage) {
	var was map[string]any
	dec := json.NewDecoder(strings.NewReader(string(metadata)))
	dec.UseNumber()
	if err := dec.Decode(&was); err != nil {
		was = nil // there was none, or nothing that is metadata
	}
	text, err := json.Marshal(aws.Again(was, jobID, s.env.Now()))
	if err != nil {
		return // what was read can be written
	}
	s.opts.Metadata = string(text)
	s.note = "metadata.__trigger says that this repeats " + cell.Clean(jobID)
}

// choose opens the list of what was sent before.
func (s *Screen) choose() tea.Cmd {
	s.list = recent.New(s.env.Theme, s.env.Now, s.keeps())
	s.listErr = nil
	s.keep()
	return s.readList()
}

func (s *Screen) keeps() int {
	if s.kept == nil {
		return 0
	}
	return s.kept.Keeps()
}

func (s *Screen) readList() tea.Cmd {
	kept, id := s.kept, s.workerID
	return s.requests.Start(forList, listTimeout, func(context.Context) (any, error) {
		if kept == nil {
			return listing{}, nil
		}
		templates, err := kept.Templates(id)
		sent, serr := kept.Recent(id)
		return listing{templates, sent}, errors.Join(err, serr)
	})
}

func (s *Screen) listed(reply screen.Reply) {
	if s.list == nil {
		return
	}
	s.listErr = reply.Err
	if l, ok := reply.Payload.(listing); ok && (reply.Err == nil || len(l.sent)+len(l.templates) > 0) {
		s.list.Show(l.templates, l.sent)
	}
}

// unlist goes back to the input.
func (s *Screen) unlist() tea.Cmd {
	s.list = nil
	s.requests.Cancel(forList)
	return nil
}

// use puts the chosen input into the editor.
func (s *Screen) use() tea.Cmd {
	j, ok := s.list.Chosen()
	if !ok {
		return nil
	}
	what := "template " + cell.Clean(j.Name)
	if j.Name == "" {
		what = "the input of " + cell.Clean(j.JobID)
	}
	s.list = nil
	s.opts = optionsOf(j)
	s.pane.Extras(s.opts.Rows(s.worker))
	s.checked = -1
	return tea.Batch(s.replace(pretty(j.Input), what+"; ctrl+z brings back what was there"), s.changed(), s.replan())
}

func optionsOf(j recall.Job) options.Options {
	o := options.Options{Mode: string(j.Mode)}
	if string(j.Metadata) != "{}" && string(j.Metadata) != "null" {
		o.Metadata = string(j.Metadata)
	}
	if j.Delay > 0 {
		o.Delay = j.Delay.String()
	}
	return o
}

// resend sends the chosen input once more, after asking.
func (s *Screen) resend() tea.Cmd {
	j, ok := s.list.Chosen()
	if !ok || j.JobID == "" {
		return nil
	}
	cmd := s.use()
	s.again(j.JobID, j.Metadata)
	s.pane.Extras(s.opts.Rows(s.worker))
	s.checked = -1
	return tea.Batch(cmd, s.changed(), s.replan(), s.ask(fmt.Sprintf("Send the input of %s again?", j.JobID), "", false))
}

// template asks for the name under which an input is saved.
func (s *Screen) template(input string) tea.Cmd {
	s.naming = prompt.New(s.env.Theme, "name of the template")
	s.saving = input
	if s.list != nil {
		if j, ok := s.list.Chosen(); ok && j.Name != "" {
			s.naming.Set(j.Name)
		}
	}
	return s.naming.Open()
}

// templateOfChosen saves what is chosen in the list, templateOfText what is typed.
func (s *Screen) templateOfChosen() tea.Cmd {
	j, ok := s.list.Chosen()
	if !ok {
		return s.template(s.editor.Text())
	}
	return s.template(j.Input)
}

func (s *Screen) templateOfText() tea.Cmd { return s.template(s.editor.Text()) }

// save stores the template under the name that was typed.
func (s *Screen) save() tea.Cmd {
	name := strings.TrimSpace(s.naming.Value())
	j := recall.Job{Name: name, At: s.env.Now(), Input: s.saving}
	if s.list == nil {
		r := aws.DispatchRequest{Worker: s.worker}
		if s.opts.Fill(&r) == nil {
			j.Delay, j.Mode = r.Delay, r.Mode
			j.Metadata, _ = json.Marshal(r.Metadata) // it was read from JSON
		}
	}
	s.naming = nil
	if name == "" {
		return nil
	}
	kept, id := s.kept, s.workerID
	return s.requests.Start(forTemplate, listTimeout, func(context.Context) (any, error) {
		if kept == nil {
			return nil, errors.New("templates are not kept here")
		}
		return "saved template " + cell.Clean(name), kept.Save(id, j)
	})
}

func (s *Screen) unname() tea.Cmd {
	s.naming = nil
	return nil
}

// remove deletes the chosen template, after asking.
func (s *Screen) remove() tea.Cmd {
	j, ok := s.list.Chosen()
	if !ok || j.Name == "" {
		return nil
	}
	kept, id := s.kept, s.workerID
	return screen.Send(screen.Confirm{
		Title: "Delete template " + j.Name + "?",
		Lines: []string{"It is a file on this machine; nothing in AWS changes."},
		Verb:  "Delete", Command: screen.Command("inputs", id, "--delete", j.Name),
		Yes: func() tea.Cmd {
			return s.requests.Start(forTemplate, listTimeout, func(context.Context) (any, error) {
				return "deleted template " + cell.Clean(j.Name), kept.Delete(id, j.Name)
			})
		},
	})
}

// saved tells what became of a template.
func (s *Screen) saved(reply screen.Reply) tea.Cmd {
	text, _ := reply.Payload.(string)
	if reply.Err != nil {
		text = "template of " + cell.Clean(s.workerID)
	}
	task := screen.Send(screen.Task{ID: "template-" + s.workerID, Text: text, Done: true, Err: reply.Err})
	if s.list != nil {
		return tea.Batch(task, s.readList())
	}
	return task
}
