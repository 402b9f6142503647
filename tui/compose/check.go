package compose

import (
	"context"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// checkNow is the size up to which input is checked at every key; above it
	// the check runs beside the typing, when that pauses.
	checkNow   = 16 << 10
	checkDelay = 150 * time.Millisecond
)

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
	return s.requests.After(forPause, checkDelay)
}

// check validates the text here and now.
func (s *Screen) check() {
	if s.current() || s.editor.Size() > checkNow {
		return
	}
	s.requests.Cancel(forPause)
	s.requests.Cancel(forCheck)
	s.take(s.editor.Version(), s.schema.Validate([]byte(s.editor.Text())))
}

// checking is a text that was checked beside the typing.
type checking struct {
	version    int
	schema     *dispatch.Schema
	violations []dispatch.Violation
}

func (s *Screen) checkBeside() tea.Cmd {
	c := checking{version: s.editor.Version(), schema: s.schema}
	text := s.editor.Text()
	return s.requests.Start(forCheck, 0, func(context.Context) (any, error) {
		c.violations = c.schema.Validate([]byte(text))
		return c, nil
	})
}

// found takes over a check, unless the text or the schema has changed since: the
// check of what there is now is then under way.
func (s *Screen) found(reply screen.Reply) {
	c, ok := reply.Payload.(checking)
	if ok && c.version == s.editor.Version() && c.schema == s.schema {
		s.take(c.version, c.violations)
	}
}

func (s *Screen) take(version int, violations []dispatch.Violation) {
	s.checked, s.violations = version, violations
	marks := make(map[int]editor.Mark, len(violations))
	for _, v := range violations {
		mark := editor.MarkError
		if v.Warning {
			mark = editor.MarkWarning
		}
		marks[v.Line] = max(marks[v.Line], mark)
	}
	s.editor.SetMarks(marks)
}

// counts are the errors and the warnings.
func (s *Screen) counts() (problems, warnings int) {
	for _, v := range s.violations {
		if v.Warning {
			warnings++
		} else {
			problems++
		}
	}
	return problems, warnings
}

// toProblem puts the cursor on a violation.
func (s *Screen) toProblem(v dispatch.Violation) {
	s.editor.Goto(v.Line, v.Column)
	s.editor.Focus()
}

// nextProblem goes to the first violation behind the cursor, or around to the
// first of all.
func (s *Screen) nextProblem() tea.Cmd {
	if len(s.violations) == 0 {
		return nil
	}
	line, column := s.editor.Position()
	for _, v := range s.violations {
		if v.Line > line || (v.Line == line && v.Column > column) {
			s.toProblem(v)
			return nil
		}
	}
	s.toProblem(s.violations[0])
	return nil
}

// format indents the text when it is JSON.
func (s *Screen) format() tea.Cmd {
	text := s.editor.Text()
	indented := pretty(text)
	s.editor.Replace(indented)
	switch {
	case len(s.violations) > 0 && s.violations[0].Keyword == "syntax":
		s.note = "not formatted: this is not JSON yet"
	case indented == text:
		s.note = "nothing to format"
	default:
		s.note = "formatted, ctrl+z takes it back"
	}
	return s.changed()
}

// reset starts over from the schema.
func (s *Screen) reset() tea.Cmd {
	s.keep()
	s.editor.Replace(s.start())
	s.editor.Goto(s.firstValue())
	s.editor.Focus()
	s.note = "started over, ctrl+z brings back what was there"
	return s.changed()
}

// commas writes a number whole, in groups of three digits.
func commas(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
