package compose

import (
	"context"
	"fmt"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// checkNow is the size up to which input is checked at every key; above it
	// the check runs beside the typing, when that pauses.
	checkNow   = 16 << 10
	checkDelay = 150 * time.Millisecond
	// syntax is the keyword of what is not JSON.
	syntax = "syntax"
)

// checking is a text and all that was found out about it.
type checking struct {
	version    int
	schema     *dispatch.Schema
	request    aws.DispatchRequest
	text       string
	violations []dispatch.Violation
	form       *dispatch.Form // nil when the text is not JSON
	problem    *dispatch.Violation
	size       int
}

func (s *Screen) checking() checking {
	c := checking{version: s.editor.Version(), schema: s.schema, text: s.editor.Text()}
	c.request.Worker = s.worker
	if s.opts.Fill(&c.request) != nil {
		c.request = aws.DispatchRequest{Worker: s.worker}
	}
	return c
}

// run does the work, which may be beside Bubble Tea's goroutine.
func (c *checking) run(now time.Time) {
	c.violations = c.schema.Validate([]byte(c.text))
	c.form, c.problem = c.schema.Form([]byte(c.text))
	m := dispatch.Message{
		WorkerID: c.request.Worker.ID, JobID: c.request.JobID, Input: []byte(c.text),
		WebhookURL: c.request.WebhookURL, Metadata: c.request.Metadata, Timestamp: now,
	}
	if m.JobID == "" {
		m.JobID = dispatch.NewJobID(now)
	}
	if body, err := m.MarshalJSON(); err == nil {
		c.size = len(body)
	}
}

// current is whether the violations belong to the text as it is.
func (s *Screen) current() bool { return s.checked == s.editor.Version() }

// changed has the text checked.
func (s *Screen) changed() tea.Cmd {
	switch {
	case s.current():
		return nil
	case s.editor.Size() <= checkNow:
		s.check()
		return nil
	}
	s.pane.Show(s.editor.Text(), nil)
	return s.requests.After(forPause, checkDelay)
}

// check finds out about the text here and now.
func (s *Screen) check() {
	if s.current() || s.editor.Size() > checkNow {
		return
	}
	s.requests.Cancel(forPause)
	s.requests.Cancel(forCheck)
	c := s.checking()
	c.run(s.env.Now())
	s.take(c)
}

func (s *Screen) checkBeside() tea.Cmd {
	c, now := s.checking(), s.env.Now()
	return s.requests.Start(forCheck, 0, func(context.Context) (any, error) {
		c.run(now)
		return c, nil
	})
}

// found takes over a check, unless the text or the schema has changed since: the
// check of what there is now is then under way.
func (s *Screen) found(reply screen.Reply) {
	c, ok := reply.Payload.(checking)
	if ok && c.version == s.editor.Version() && c.schema == s.schema {
		s.take(c)
	}
}

func (s *Screen) take(c checking) {
	s.checked, s.violations, s.size = c.version, c.violations, c.size
	marks := make(map[int]editor.Mark, len(c.violations))
	for _, v := range c.violations {
		mark := editor.MarkError
		if v.Warning {
			mark = editor.MarkWarning
		}
		marks[v.Line] = max(marks[v.Line], mark)
	}
	s.editor.SetMarks(marks)
	s.pane.Violations(c.violations)
	if c.problem != nil {
		s.pane.Freeze(c.text, fmt.Sprintf("%d:%d %s", c.problem.Line, c.problem.Column, c.problem.Message))
		return
	}
	s.pane.Show(c.text, c.form)
}

// counts are the errors and the warnings.
func (s *Screen) counts() (problems, warnings int) {
	for _, v := range s.violations {
		if v.Warning {
			warnings += max(v.More, 1)
		} else {
			problems += max(v.More, 1)
		}
	}
	return problems, warnings
}

// commas writes a number whole, in groups of three digits.
func commas(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
