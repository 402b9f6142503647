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
	// wideFrom is the width from which form and text stand side by side.
	wideFrom = 100
	// editorLeast is how many rows the violations leave to the editor.
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
	below := 0
	if s.naming != nil {
		below = 1
	}
	rest := max(1, height-len(lines)-below)
	switch {
	case s.list != nil:
		lines = append(lines, strings.Split(s.list.View(s.listErr, width, rest), "\n")...)
	case width >= wideFrom:
		lines = append(lines, s.sideBySide(width, rest)...)
	case s.side == sideForm:
		lines = append(lines, s.pane.Lines(width, rest)...)
	default:
		lines = append(lines, s.text(width, rest)...)
	}
	if s.naming != nil {
		lines = append(lines[:min(len(lines), height-1)], s.naming.View("enter saves, esc does not", width))
	}
	return cell.Box(lines, width, height)
}

// bar colours the line between the two sides.
func (s *Screen) bar() lipgloss.Style {
	if s.editor.Focused() || s.pane.Focused() {
		return s.env.Theme.Accent
	}
	return s.env.Theme.Border
}

func (s *Screen) sideBySide(width, height int) []string {
	left := width * 54 / 100
	right := width - left - 3
	fields := s.pane.Lines(left, height)
	text := s.text(right, height)
	bar := " " + s.bar().Render(theme.GlyphBar) + " "
	lines := make([]string, height)
	for i := range lines {
		lines[i] = fields[i] + bar + text[i]
	}
	return lines
}

// text is the JSON, and below it what does not fit.
func (s *Screen) text(width, height int) []string {
	notes := s.notes(width-1, max(2, min(height-editorLeast-1, height/2)))
	if len(notes) == 0 || height < 4 {
		return s.editor.Lines(width, height)
	}
	lines := s.editor.Lines(width, max(1, height-len(notes)-1))
	lines = append(lines, s.env.Theme.Faint.Render(strings.Repeat(theme.GlyphRule, width)))
	for _, note := range notes {
		lines = append(lines, cell.Fit(" "+note, width))
	}
	return lines[:height]
}

// above says where the job goes, what became of the last one, and whether the
// input fits, in at most most lines and one for the verdict.
func (s *Screen) above(width, most int) []string {
	t := s.env.Theme
	var lines []string
	add := func(text string) { lines = append(lines, cell.Fit(" "+text, width)) }
	if s.result != nil && !s.requests.Live(forSend) {
		lines = append(lines, s.sentLine(width)...)
	}
	lines = append(lines, s.target(width))
	switch {
	case s.requests.Live(forSend):
		add(t.Info.Render(theme.GlyphBusy + " sending"))
	case s.err != nil:
		lines = append(lines, notice.Lines(t, s.err, width, max(1, most-len(lines)-1))...)
		if s.unsent {
			add(t.Dim.Render("  Nothing typed is lost; " + s.env.Key(s.Kind(), "send", "ctrl+s") + " tries again."))
		}
	case s.env.Stage.ReadOnly:
		add(t.Warn.Render("! read-only stage: input can be checked here, not sent"))
	case !s.known && s.env.Data.Inventory != nil:
		add(t.Warn.Render("! the stage has no worker " + cell.Clean(s.workerID) + " now, so this cannot be sent"))
	case s.planErr != nil:
		lines = append(lines, notice.Lines(t, s.planErr, width, 2)...)
	}
	add(s.judgement())
	if s.note != "" {
		add(t.Warn.Render("! " + cell.Clean(s.note)))
	}
	return lines
}

// target is where the job would go, how long its message is, and on whose account.
func (s *Screen) target(width int) string {
	t := s.env.Theme
	right := ""
	if s.size > 0 && s.current() {
		size, most := commas(s.size), s.most()
		style := t.Dim
		switch {
		case s.size > most:
			style = t.Bad
			size = theme.GlyphFailed + " " + size
		case s.size > most*9/10:
			style = t.Warn
			size = "! " + size
		}
		right = style.Render(size + " of " + commas(most) + " bytes")
	}
	where := "stage " + cell.Clean(s.env.Stage.Name)
	if s.env.Stage.Account != "" {
		where += ", account " + cell.Clean(s.env.Stage.Account)
	}
	for _, left := range []string{"to " + s.to() + " in " + where, "to " + s.queueName() + " in " + where, "to " + s.queueName() + " in stage " + cell.Clean(s.env.Stage.Name)} {
		if cell.Width(left)+cell.Width(right)+3 <= width {
			return " " + cell.Ends(t.Dim.Render(left), right+" ", width-1)
		}
	}
	return " " + cell.Ends(t.Dim.Render("to "+s.queueName()), right+" ", width-1)
}

// sentLine tells of the job that was sent.
func (s *Screen) sentLine(width int) []string {
	t, r := s.env.Theme, s.result
	age := cell.Age(s.since(r.SentAt)) + " ago"
	if s.since(r.SentAt) < time.Second {
		age = "just now"
	}
	head := t.Good.Render(theme.GlyphDone+" sent ") + t.Bold.Render(s.jobID()) + t.Dim.Render(" "+age+", by "+cell.Clean(r.Via))
	key := func(id, standard string) string { return t.Key.Render(s.env.Key(s.Kind(), id, standard)) }
	keys := key("open-job", "enter") + t.Dim.Render(" opens it, ") + key("follow-job", "l") + t.Dim.Render(" its logs, ") + key("edit", "e") + t.Dim.Render(" edits")
	if s.editor.Focused() || s.pane.Focused() {
		keys = key("stop-typing", "esc") + t.Dim.Render(", then ") + key("open-job", "enter") + t.Dim.Render(" opens it")
	}
	if line := " " + head + "  " + keys; cell.Width(line) <= width {
		return []string{cell.Fit(line, width)}
	}
	return []string{cell.Fit(" "+head, width), cell.Fit("   "+keys, width)}
}

// judgement is whether the input fits, in one line.
func (s *Screen) judgement() string {
	t := s.env.Theme
	problems, warnings := s.counts()
	anyway := t.Dim.Render(": " + s.env.Key(s.Kind(), "next-problem", "ctrl+n") + " goes there, " + s.env.Key(s.Kind(), "send-anyway", "ctrl+x") + " sends it anyway")
	switch {
	case !s.current():
		return t.Dim.Render(theme.GlyphBusy + " checking")
	case problems > 0 && s.tried == s.editor.Version():
		what := "this is not JSON"
		if s.violations[0].Keyword != syntax {
			what = cell.Plural(problems, "problem") + ", the cursor is on the first"
		}
		return t.ButtonDanger.Render(" "+theme.GlyphFailed+" not sent ") + t.Bad.Render(" "+what)
	case problems > 0 && s.violations[0].Keyword == syntax:
		return t.Bad.Render(theme.GlyphFailed+" not JSON yet") + t.Dim.Render(": it cannot be sent like this")
	case problems > 0:
		return t.Bad.Render(theme.GlyphFailed+" "+cell.Plural(problems, "problem")) + anyway
	case s.size > s.most():
		return t.Bad.Render(theme.GlyphFailed+" the message is "+commas(s.size-s.most())+" bytes too long for the queue") + t.Dim.Render(": put large data in a store and send its address")
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

// notes are the violations in at most height lines; the last says how much was left
// out.
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
