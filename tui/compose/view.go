package compose

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const (
	// wideFrom is the width from which editor and notes stand side by side.
	wideFrom = 100
	// editorLeast is how many rows the notes leave to the editor.
	editorLeast = 5
)

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t := s.env.Theme
	switch {
	case s.begun:
	case s.env.Data.Inventory != nil:
		return notice.Empty(t, "No such worker", []string{"The stage has no worker " + cell.Clean(s.workerID) + ".", "esc and q go back."}, width, height)
	default:
		return notice.Waiting(t, "Looking for "+cell.Clean(s.workerID), "The editor opens once the stage has been read.", 0, width, height)
	}
	lines := s.above(width, max(2, height/3))
	rest := max(1, height-len(lines))
	if width >= wideFrom {
		return cell.Box(append(lines, s.sideBySide(width, rest)...), width, height)
	}
	return cell.Box(append(lines, s.stacked(width, rest)...), width, height)
}

func (s *Screen) bar() lipgloss.Style {
	if s.editor.Focused() {
		return s.env.Theme.Accent
	}
	return s.env.Theme.Border
}

func (s *Screen) sideBySide(width, height int) []string {
	left := width * 56 / 100
	right := width - left - 3
	text := s.editor.Lines(left, height)
	notes := s.notes(right, height)
	sep := " " + s.bar().Render(theme.GlyphBar) + " "
	lines := make([]string, height)
	for i := range lines {
		lines[i] = text[i] + sep
		if i < len(notes) {
			lines[i] += notes[i]
		}
	}
	return lines
}

// stacked gives the notes below what they need, as long as the editor keeps
// half.
func (s *Screen) stacked(width, height int) []string {
	most := max(2, min(height-editorLeast-1, height/2))
	notes := s.notes(width-2, most)
	lines := s.editor.Lines(width, max(1, height-len(notes)-1))
	lines = append(lines, s.bar().Render(strings.Repeat(theme.GlyphRule, width)))
	for _, note := range notes {
		lines = append(lines, " "+note)
	}
	return lines
}

// above says where the job goes, what became of the last one, and whether the
// input fits, in at most most lines and one for the verdict.
func (s *Screen) above(width, most int) []string {
	t := s.env.Theme
	target := "to " + s.queueName() + " in stage " + cell.Clean(s.env.Stage.Name)
	var lines []string
	add := func(text string) { lines = append(lines, cell.Fit(" "+text, width)) }
	if s.result != nil && !s.requests.Live(forSend) {
		lines = append(lines, s.sentLine(width)...)
	}
	switch {
	case s.requests.Live(forSend):
		add(t.Info.Render(theme.GlyphBusy+" sending") + " " + t.Dim.Render(target))
	case s.err != nil:
		lines = append(lines, notice.Lines(t, s.err, width, max(1, most-len(lines)-1))...)
		if s.unsent {
			add(t.Dim.Render("  Nothing typed is lost; ctrl+s tries again."))
		}
	case s.env.Stage.ReadOnly:
		add(t.Warn.Render("! read-only stage: input can be checked here, not sent"))
	case !s.known && s.env.Data.Inventory != nil:
		add(t.Warn.Render("! the stage has no worker " + cell.Clean(s.workerID) + " now, so this cannot be sent"))
	case s.result == nil:
		add(t.Dim.Render(target))
	}
	add(s.judgement())
	if s.note != "" {
		add(t.Warn.Render("! " + s.note))
	}
	return lines
}

// sentLine tells of the job that was sent.
func (s *Screen) sentLine(width int) []string {
	t, r := s.env.Theme, s.result
	age := cell.Age(s.since(r.SentAt)) + " ago"
	if s.since(r.SentAt) < time.Second {
		age = "just now"
	}
	head := t.Good.Render(theme.GlyphDone+" sent ") + t.Bold.Render(s.jobID()) + t.Dim.Render(" "+age+", by "+cell.Clean(r.Via))
	keys := t.Key.Render("l") + t.Dim.Render(" or ") + t.Key.Render("enter") + t.Dim.Render(" follows it, ") + t.Key.Render("e") + t.Dim.Render(" edits")
	if s.editor.Focused() {
		keys = t.Key.Render("esc") + t.Dim.Render(", then ") + t.Key.Render("l") + t.Dim.Render(" follows it")
	}
	if line := " " + head + "  " + keys; cell.Width(line) <= width {
		return []string{cell.Fit(line, width)}
	}
	return []string{cell.Fit(" "+head, width), cell.Fit("   "+keys, width)}
}

func (s *Screen) queueName() string {
	if s.known && s.worker.Queue != nil {
		return cell.Clean(s.worker.Queue.Name)
	}
	return cell.Clean(s.workerID)
}

// judgement is whether the input fits, in one line.
func (s *Screen) judgement() string {
	t := s.env.Theme
	problems, warnings := s.counts()
	switch {
	case !s.current():
		return t.Dim.Render(theme.GlyphBusy + " checking")
	case problems > 0 && s.tried == s.editor.Version():
		what := "this is not JSON"
		if s.violations[0].Keyword != "syntax" {
			what = cell.Plural(problems, "problem") + ", the cursor is on the first"
		}
		return t.ButtonDanger.Render(" "+theme.GlyphFailed+" not sent ") + t.Bad.Render(" "+what)
	case problems > 0 && s.violations[0].Keyword == "syntax":
		return t.Bad.Render(theme.GlyphFailed+" not JSON yet") + t.Dim.Render(": it cannot be sent like this")
	case problems > 0:
		return t.Bad.Render(theme.GlyphFailed+" "+cell.Plural(problems, "problem")) + t.Dim.Render(": it cannot be sent like this")
	case s.schemaErr != nil:
		return t.Warn.Render("! JSON, but unchecked: the worker's schema cannot be used")
	case s.schema == nil && s.known:
		return t.Warn.Render("! JSON, but unchecked: no schema of this worker is known")
	case s.schema == nil:
		return t.Dim.Render("JSON, not checked against a schema")
	case warnings > 0:
		return t.Warn.Render("! fits the schema, with " + cell.Plural(warnings, "warning"))
	}
	return t.Good.Render(theme.GlyphDone + " fits the schema")
}

// notes are the violations, then what the schema asks for, in at most height
// lines; the last says how much was left out.
func (s *Screen) notes(width, height int) []string {
	t := s.env.Theme
	var lines []string
	if s.schemaErr != nil {
		for _, part := range cell.Wrap(cell.Clean(s.schemaErr.Error()), max(10, width)) {
			lines = append(lines, t.Warn.Render(part))
		}
	}
	for i, v := range s.violations {
		next := s.violation(v, width)
		if left := len(s.violations) - i; len(lines)+len(next) > height-min(1, left-1) && i > 0 {
			lines = append(lines, t.Dim.Render(fmt.Sprintf("and %d more: ctrl+n goes from one to the next", left)))
			break
		}
		lines = append(lines, next...)
	}
	for _, text := range s.schema.Warnings() {
		lines = append(lines, t.Faint.Render(cell.Cut(cell.Clean(text), width)))
	}
	if len(s.outline) > 0 && len(lines)+2 < height {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, s.properties(width, height-len(lines))...)
	}
	return lines[:min(len(lines), height)]
}

func (s *Screen) violation(v dispatch.Violation, width int) []string {
	t := s.env.Theme
	style := t.Bad
	if v.Warning {
		style = t.Warn
	}
	place := fmt.Sprintf("%d:%d ", v.Line, v.Column)
	text := cell.Clean(v.Message)
	if pointer := cell.Clean(v.Pointer); pointer != "" {
		text = pointer + " " + text
	}
	var lines []string
	for i, part := range cell.Wrap(text, max(10, width-len(place))) {
		head := strings.Repeat(" ", len(place))
		if i == 0 {
			head = t.Dim.Render(place)
		}
		lines = append(lines, head+style.Render(part))
	}
	return lines
}

// properties is what the schema asks for, in at most height lines: in full when
// there is room for that, else one line for each.
func (s *Screen) properties(width, height int) []string {
	t := s.env.Theme
	wide := 0
	for _, o := range s.outline {
		wide = max(wide, cell.Width(o.name))
	}
	wide = min(wide, width/3)
	head := t.Dim.Render("SCHEMA")
	short, full := []string{head}, []string{head}
	for i, o := range s.outline {
		need := t.Faint.Render("optional")
		if o.required {
			need = t.Accent.Render("required")
		}
		line := t.Text.Render(cell.Fit(o.name, wide)) + "  " + need + "  " + t.Dim.Render(o.kind)
		one := line
		if o.note != "" {
			one += t.Faint.Render("  " + o.note)
		}
		if left := len(s.outline) - i; len(short) == height-1 && left > 1 {
			return append(short, t.Faint.Render(fmt.Sprintf("and %d more", left)))
		}
		short = append(short, cell.Cut(one, width))
		switch {
		case len(full) > height:
		case cell.Width(one) <= width:
			full = append(full, one)
		default:
			full = append(full, cell.Cut(line, width))
			for _, part := range cell.Wrap(o.note, max(10, width-wide-2)) {
				full = append(full, strings.Repeat(" ", wide+2)+t.Faint.Render(part))
			}
		}
	}
	if len(full) <= height {
		return full
	}
	return short
}
