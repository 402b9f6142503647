package deadletters

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/diff"
	"github.com/microfox-ai/aiwctl/tui/external"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// editLimit is the longest text that can be edited: SQS takes no longer message.
	editLimit = 1 << 20
	// checkNow is the size up to which an edit is checked and compared at every key.
	checkNow = 16 << 10
)

// editing is a message in the editor.
type editing struct {
	id, name   string
	edit       *edit
	editor     *editor.Editor
	schema     *dispatch.Schema
	schemaErr  error
	checked    int // the version that violations and changes are of
	violations []dispatch.Violation
	changes    []diff.Line
	note       string
}

func (e *editing) position() string {
	line, column := e.editor.Position()
	return fmt.Sprintf("%d:%d %s %s", line, column, theme.GlyphDot, cell.Plural(e.editor.Size(), "byte"))
}

// startEdit opens the message under the cursor in the editor.
func (s *Screen) startEdit() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok {
		return nil
	}
	l := s.letterOf(it)
	if l == nil {
		return nil
	}
	is := s.edits.get(it.id)
	if is == nil {
		is = newEdit(l)
	}
	e := &editing{id: it.id, name: it.name, edit: is, editor: editor.New(s.env.Theme, editLimit), checked: -1}
	if w, ok := s.env.Worker(s.workerID); ok && !is.body {
		e.schema, e.schemaErr = w.Schema()
	}
	e.editor.SetText(is.text)
	e.editor.Focus()
	s.editing = e
	s.letters.Hold()
	cmd := s.recheck()
	e.editor.Goto(e.start())
	return cmd
}

// start is where typing most likely begins: at what does not fit the schema, else at
// the first value.
func (e *editing) start() (line, column int) {
	for _, v := range e.violations {
		if !v.Warning && v.Line > 0 {
			return v.Line, v.Column
		}
	}
	for i, text := range strings.SplitN(e.editor.Text(), "\n", 20) {
		if at := strings.Index(text, `": `); at > 0 {
			return i + 1, len([]rune(text[:at])) + 4
		}
	}
	return 1, 1
}

// edited follows a key in the editor.
func (s *Screen) edited(err error) tea.Cmd {
	e := s.editing
	if err != nil {
		e.note = "not inserted: SQS takes no message that is longer"
		return nil
	}
	if e.editor.Version() != e.checked {
		e.note = ""
	}
	e.edit.text = e.editor.Text()
	return s.recheck()
}

// verdict is what was found beside the typing.
type verdict struct {
	id         string
	version    int
	violations []dispatch.Violation
	changes    []diff.Line
}

// recheck holds the text against the schema and the original.
func (s *Screen) recheck() tea.Cmd {
	e := s.editing
	version := e.editor.Version()
	if version == e.checked {
		return nil
	}
	text, before, schema, id := e.editor.Text(), e.edit.before, e.schema, e.id
	validate := !e.edit.body || json.Valid([]byte(e.edit.original.Body)) // what was no JSON may stay so
	judge := func() verdict {
		v := verdict{id: id, version: version, changes: diff.Lines(before, text)}
		if validate {
			v.violations = schema.Validate([]byte(text))
		}
		return v
	}
	if e.editor.Size() <= checkNow {
		s.requests.Cancel(forCheck)
		s.takeVerdict(judge())
		return nil
	}
	return s.requests.Start(forCheck, 0, func(context.Context) (any, error) { return judge(), nil })
}

func (s *Screen) tookCheck(reply screen.Reply) {
	if v, ok := reply.Payload.(verdict); ok && s.editing != nil && s.editing.id == v.id && v.version == s.editing.editor.Version() {
		s.takeVerdict(v)
	}
}

func (s *Screen) takeVerdict(v verdict) {
	e := s.editing
	e.checked, e.violations, e.changes = v.version, v.violations, v.changes
	marks := make(map[int]editor.Mark, len(v.violations))
	for _, violation := range v.violations {
		mark := editor.MarkError
		if violation.Warning {
			mark = editor.MarkWarning
		}
		marks[violation.Line] = max(marks[violation.Line], mark)
	}
	e.editor.SetMarks(marks)
}

// counts are the errors and the warnings.
func (e *editing) counts() (wrong, warnings int) {
	for _, v := range e.violations {
		if v.Warning {
			warnings++
		} else {
			wrong++
		}
	}
	return wrong, warnings
}

// keepEdit keeps what is in the editor, as it is.
func (s *Screen) keepEdit() {
	e := s.editing
	if e == nil {
		return
	}
	e.edit.text = e.editor.Text()
	s.edits.put(e.id, e.edit)
	if w, ok := s.env.Worker(s.workerID); ok {
		if l, err := e.edit.letter(); err == nil && e.edit.changed() {
			s.problems[e.id] = problems(s.checkerFor(w), &l, s.status[l.JobID()])
		} else {
			delete(s.problems, e.id)
		}
	}
	s.redraw()
	s.letters.Invalidate()
}

// finishEdit keeps the edit and closes the editor, unless the text cannot be sent.
func (s *Screen) finishEdit() tea.Cmd {
	e := s.editing
	s.keepEdit()
	if _, err := e.edit.letter(); err != nil && e.edit.changed() {
		e.note = "not JSON yet: " + s.env.Key(screen.KindDead, "leave-editor", "esc") + " leaves it as it is, and it cannot be sent so"
		return s.nextProblem()
	}
	s.leaveEditor()
	if e.edit.changed() {
		s.pane = paneChanges
	}
	return nil
}

func (s *Screen) leaveEditor() {
	s.keepEdit()
	s.requests.Cancel(forCheck)
	s.editing = nil
}

// nextProblem goes to the first violation behind the cursor, or around to the first.
func (s *Screen) nextProblem() tea.Cmd {
	e := s.editing
	if len(e.violations) == 0 {
		return nil
	}
	line, column := e.editor.Position()
	for _, v := range e.violations {
		if v.Line > line || v.Line == line && v.Column > column {
			e.editor.Goto(v.Line, v.Column)
			return nil
		}
	}
	e.editor.Goto(e.violations[0].Line, e.violations[0].Column)
	return nil
}

func (s *Screen) formatEdit() tea.Cmd {
	s.editing.editor.Replace(indented(s.editing.editor.Text()))
	return s.edited(nil)
}

func (s *Screen) external() tea.Cmd {
	return external.Edit(s.env, s.requests, forEditor, "input.json", s.editing.editor.Text())
}

func (s *Screen) tookEditor(reply screen.Reply) tea.Cmd {
	e := s.editing
	if e == nil {
		return nil
	}
	if text, ok := reply.Payload.(string); ok && len(text) <= editLimit {
		e.editor.Replace(text)
	} else if ok {
		e.note = "what the editor wrote is longer than SQS takes, and was left out"
	}
	cmd := s.edited(nil)
	if reply.Err != nil {
		e.note = cell.Clean(reply.Err.Error())
	}
	return cmd
}

// undoEdit takes the edit of the message under the cursor back, or brings it back.
func (s *Screen) undoEdit() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok {
		return nil
	}
	there := s.edits.toggle(it.id)
	s.redraw()
	delete(s.problems, it.id)
	if is := s.edits.get(it.id); is != nil {
		if w, ok := s.env.Worker(s.workerID); ok {
			if l, err := is.letter(); err == nil {
				s.problems[it.id] = problems(s.checkerFor(w), &l, s.status[l.JobID()])
			}
		}
	}
	if !there && s.pane == paneChanges {
		s.pane = paneBody
	}
	s.letters.Invalidate()
	text := "the edit of " + it.name + " was taken back; the same key brings it back"
	if there {
		text = "the edit of " + it.name + " is back"
	}
	return screen.Send(screen.Task{ID: s.task("edit"), Text: text, Done: true})
}

// editView draws the editor, what does not fit, and what was changed.
func (s *Screen) editView(width, height int) string {
	t, e := s.env.Theme, s.editing
	head := t.Dim.Render("input of ") + t.Bold.Render(e.name)
	if e.edit.body {
		head = t.Dim.Render("body of ") + t.Bold.Render(e.name)
	}
	wrong, warnings := e.counts()
	state := t.Good.Render(theme.GlyphDone + " fits the schema")
	switch {
	case e.checked != e.editor.Version():
		state = t.Info.Render(theme.GlyphBusy + " checking")
	case len(e.violations) > 0 && e.violations[0].Keyword == "syntax":
		state = t.Bad.Render(theme.GlyphFailed + " not JSON yet")
	case wrong > 0:
		state = t.Bad.Render(theme.GlyphFailed + " " + cell.Plural(wrong, "violation"))
	case warnings > 0:
		state = t.Warn.Render("! " + cell.Plural(warnings, "warning"))
	case e.edit.body:
		state = t.Dim.Render("not checked: it is not a job's input")
	case e.schemaErr != nil:
		state = t.Warn.Render("! the worker's schema cannot be used")
	case e.schema == nil:
		state = t.Dim.Render("JSON; the worker has no schema")
	}
	lines := []string{cell.Ends(" "+head, state+" ", width)}
	if e.note != "" {
		lines = append(lines, cell.Fit(" "+t.Warn.Render("! "+e.note), width))
	}
	rest := max(1, height-len(lines))
	if width >= wideFrom {
		left := width * 54 / 100
		right := width - left - 3
		text := e.editor.Lines(left, rest)
		side := s.editSide(right, rest)
		sep := " " + t.Accent.Render(theme.GlyphBar) + " "
		for i := range rest {
			lines = append(lines, text[i]+sep+side[i])
		}
		return strings.Join(lines, "\n")
	}
	below := min(len(s.editNotes(width-2)), rest/2)
	lines = append(lines, e.editor.Lines(width, max(1, rest-below-1))...)
	lines = append(lines, t.Accent.Render(strings.Repeat(theme.GlyphRule, width)))
	for _, line := range s.editNotes(width - 2)[:below] {
		lines = append(lines, cell.Fit(" "+line, width))
	}
	return cell.Box(lines, width, height)
}

func (s *Screen) editSide(width, height int) []string {
	return strings.Split(cell.Box(s.editNotes(width), width, height), "\n")
}

// editNotes are the violations, each with its line, and the changes.
func (s *Screen) editNotes(width int) []string {
	t, e := s.env.Theme, s.editing
	var lines []string
	for _, v := range e.violations {
		style, mark := t.Bad, theme.GlyphFailed
		if v.Warning {
			style, mark = t.Warn, "!"
		}
		where := fmt.Sprintf("line %d: ", v.Line)
		if v.Pointer != "" {
			where += cell.Clean(v.Pointer) + " "
		}
		for i, part := range cell.Wrap(where+cell.Clean(v.Message), width-2) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, style.Render(mark+" "+part))
		}
	}
	if len(e.changes) == 0 {
		return append(lines, t.Dim.Render("nothing changed so far"))
	}
	removed, added := diff.Counts(e.changes)
	lines = append(lines, t.Bold.Render("changes")+t.Dim.Render(fmt.Sprintf("  -%d +%d against the original", removed, added)))
	return append(lines, diff.Render(t, e.changes, width)...)
}
