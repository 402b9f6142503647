package compose

import (
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/compose/form"
	"github.com/microfox-ai/aiwctl/tui/external"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// edited follows an edit of the text.
func (s *Screen) edited(err error) tea.Cmd {
	if err != nil {
		s.note = fmt.Sprintf("not inserted: SQS takes %s bytes, the text has %s", commas(textLimit), commas(s.editor.Size()))
		return nil
	}
	if s.editor.Version() != s.checked {
		s.note = ""
	}
	return s.changed()
}

// formed follows a key in the form: its edits are edits of the text.
func (s *Screen) formed(edit form.Edit) tea.Cmd {
	s.note = edit.Note
	if edit.Extra != "" {
		s.opts.Set(edit.Extra, edit.Value)
		s.pane.Extras(s.opts.Rows(s.worker))
		s.checked = -1 // the message is another one
		return tea.Batch(s.changed(), s.replan())
	}
	if edit.Text == nil {
		s.followPane()
		return nil
	}
	if err := s.editor.Apply(*edit.Text, edit.Joins); err != nil {
		s.pane.Show(s.editor.Text(), nil)
		s.checked = -1
		return tea.Batch(s.edited(err), s.changed())
	}
	cmd := s.changed()
	s.followPane()
	return cmd
}

// followPane shows in the text what the form's cursor is on.
func (s *Screen) followPane() {
	if at, ok := s.pane.Offset(); ok {
		s.editor.GotoByte(at)
	}
}

// other gives the keys to the other side.
func (s *Screen) other() tea.Cmd {
	if s.side == sideForm {
		s.focus(sideText)
	} else {
		s.focus(sideForm)
	}
	return nil
}

// toOptions goes to the options, and from there back.
func (s *Screen) toOptions() tea.Cmd {
	s.focus(sideForm)
	s.pane.ToExtra("")
	return nil
}

func (s *Screen) leave() tea.Cmd {
	s.blur()
	s.keep()
	return nil
}

func (s *Screen) resume() tea.Cmd {
	if s.begun {
		s.focus(s.side)
	}
	return nil
}

// format indents the text when it is JSON.
func (s *Screen) format() tea.Cmd {
	text := s.editor.Text()
	indented := pretty(text)
	s.editor.Replace(indented)
	switch {
	case len(s.violations) > 0 && s.violations[0].Keyword == syntax:
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
	return s.replace(s.start(), "started over, ctrl+z brings back what was there")
}

// replace puts another input in the place of what is there.
func (s *Screen) replace(text, note string) tea.Cmd {
	s.editor.Replace(text)
	s.editor.Goto(s.firstValue())
	cmd := s.changed()
	s.pane.Begin()
	s.focus(s.firstSide())
	s.note = note
	return cmd
}

// outside gives the text to the person's own editor.
func (s *Screen) outside() tea.Cmd {
	s.keep()
	return external.Edit(s.env, s.requests, forEditor, "input.json", s.editor.Text())
}

// valueOutside gives the text of one field to it: of a string of several lines, say.
func (s *Screen) valueOutside() tea.Cmd {
	_, text, ok := s.pane.Value()
	if !ok {
		s.note = "no text is typed into this field"
		return nil
	}
	return external.Edit(s.env, s.requests, forValue, "value.txt", text)
}

// edit takes back what the person's own editor has made of a text. What it wrote is
// taken also when it ended with an error: undo brings back what was there.
func (s *Screen) edit(reply screen.Reply) tea.Cmd {
	text, ok := reply.Payload.(string)
	note := ""
	if reply.Err != nil {
		note = "the editor failed: " + cell.Clean(reply.Err.Error())
	}
	if !ok {
		s.note = note
		return nil
	}
	var cmd tea.Cmd
	if reply.Purpose == forValue {
		edit := s.pane.SetValue(text)
		cmd = s.formed(edit)
		if edit.Note != "" {
			note = edit.Note
		}
	} else {
		before := s.editor.Version()
		switch err := s.editor.Apply(text, false); {
		case errors.Is(err, editor.ErrFull):
			note = fmt.Sprintf("not taken: SQS takes %s bytes, the text has %s", commas(textLimit), commas(len(text)))
		case s.editor.Version() == before && note == "":
			note = "the editor changed nothing"
		}
		cmd = s.changed()
		if s.side == sideForm && !s.pane.Usable() && s.current() {
			s.focus(sideText)
		}
	}
	s.note = note
	return cmd
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

// toProblem puts the cursor on a violation, on the side that has the keys if it can be
// corrected there.
func (s *Screen) toProblem(v dispatch.Violation) {
	if s.side == sideForm && s.pane.Usable() && s.current() {
		s.focus(sideForm)
		s.pane.ToPointer(s.pane.Missing(v))
	} else {
		s.focus(sideText)
	}
	s.editor.Goto(v.Line, v.Column)
}
