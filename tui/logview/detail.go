package logview

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// detail is one line, or a job's outcome, opened to be read whole.
type detail struct {
	what string // for the rule above it and for the task line
	body string // for the clipboard
	line *logs.Line
	view *jsonview.View
}

// open shows the line under the cursor whole. It stays put while it is read.
func (s *Screen) open() {
	l := s.pane.current()
	if l == nil {
		return
	}
	s.pane.hold()
	prefix, body := divide(l.Raw)
	view := jsonview.New(s.env.Theme)
	view.Set("line", filled(
		jsonview.Field{Name: "time", Value: l.Time.In(s.zone).Format("2006-01-02 15:04:05.000 MST")},
		jsonview.Field{Name: "worker", Value: l.WorkerID},
		jsonview.Field{Name: "level", Value: l.Level.String()},
		jsonview.Field{Name: "job", Value: l.JobID},
		jsonview.Field{Name: "request", Value: l.RequestID},
		jsonview.Field{Name: "stream", Value: l.Stream},
		jsonview.Field{Name: "text", Value: prefix},
	), body)
	s.detail = &detail{what: "the log line", body: strings.TrimRight(l.Raw, "\n"), line: l, view: view}
}

// divide takes a line apart that ends in JSON with other text before it.
func divide(raw string) (prefix, body string) {
	raw = strings.TrimSpace(raw)
	for _, open := range []string{"{", "["} {
		if i := strings.Index(raw, open); i > 0 && json.Valid([]byte(raw[i:])) {
			return strings.TrimSpace(raw[:i]), raw[i:]
		}
	}
	return "", raw
}

// filled leaves out the fields without a value.
func filled(fields ...jsonview.Field) []jsonview.Field {
	out := fields[:0]
	for _, f := range fields {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func (s *Screen) openOutcome() {
	s.detail = s.job.detail(s.env.Theme)
}

func (s *Screen) copy() tea.Cmd {
	if s.detail != nil {
		return screen.Send(screen.Copy{What: s.detail.what, Text: s.detail.body})
	}
	l := s.pane.current()
	if l == nil {
		return nil
	}
	return screen.Send(screen.Copy{What: "the log line", Text: strings.TrimRight(l.Raw, "\n")})
}

func (s *Screen) detailActions() []screen.Action {
	leave := do(func() { s.detail = nil })
	actions := []screen.Action{
		{Keys: []string{"esc", "enter"}, Label: "back to the lines", Help: "Close it.", Run: leave},
		{Keys: []string{"q"}, Help: "Close it.", Hidden: true, Run: leave},
	}
	if s.detail.line != nil {
		actions = append(actions,
			screen.Action{Keys: []string{"n"}, Label: "next line", Help: "Open the next line.", Run: do(func() { s.pane.move(1); s.open() })},
			screen.Action{Keys: []string{"N"}, Label: "previous", Help: "Open the previous line.", Run: do(func() { s.pane.move(-1); s.open() })},
			screen.Action{Keys: []string{"o"}, Label: "its job", Help: "Follow the job that the line belongs to.", Hidden: s.job != nil, Refused: noJob(s.detail.line), Run: func() tea.Cmd { return openJob(s.detail.line) }})
	}
	return append(actions,
		screen.Action{Keys: []string{"y"}, Label: "copy", Help: "Copy it.", Run: s.copy},
		screen.Action{Keys: []string{"j", "k", "ctrl+d", "ctrl+u", "g", "G"}, Help: "Scroll.", Hidden: true},
	)
}

// noJob is why a line's job cannot be followed; empty when it can.
func noJob(l *logs.Line) string {
	if l != nil && l.JobID != "" && l.WorkerID != "" {
		return ""
	}
	return "the line names no job"
}

func openJob(l *logs.Line) tea.Cmd {
	return screen.Send(screen.OpenLogs{WorkerIDs: []string{l.WorkerID}, JobID: l.JobID, Since: l.Time.Add(-lookBack)})
}

// lines draws it under a rule that says what it is and how far it is scrolled.
func (d *detail) lines(t *theme.Theme, width, height int) []string {
	d.view.SetSize(max(1, width-2), max(1, height-1))
	title, note := " "+d.what+" ", ""
	if first, last, total := d.view.Position(); total > last-first+1 {
		note = fmt.Sprintf(" %d–%d of %d ", first, last, total)
	}
	rule := strings.Repeat(theme.GlyphRule, max(0, width-cell.Width(title)-cell.Width(note)-2))
	lines := []string{cell.Fit(t.Accent.Render(theme.GlyphRule)+t.Dim.Render(title)+t.Accent.Render(rule)+t.Dim.Render(note)+t.Accent.Render(theme.GlyphRule), width)}
	for _, line := range d.view.Lines() {
		lines = append(lines, " "+line+" ")
	}
	return lines[:min(len(lines), height)]
}

// clock is a time of day for a sentence, with the date when it is another day's.
func (s *Screen) clock(at time.Time) string {
	at, now := at.In(s.zone), s.env.Now().In(s.zone)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format(time.DateTime)
}
