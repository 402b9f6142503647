package logview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// detail is a line, or an invocation, opened to be read whole.
type detail struct {
	what   string // for the rule above it and for the task line
	body   string // for the clipboard
	pretty string // the body's JSON, indented; empty when it has none
	of     subject
	view   *jsonview.View
}

// open shows the row under the cursor whole. It stays put while it is read.
func (s *Screen) open() {
	r := s.pane.Current()
	if r.None() {
		return
	}
	s.pane.Hold()
	if r.Entry == nil {
		s.openInvocation(r)
		return
	}
	l := r.Line()
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
	s.detail = &detail{what: "the log line", body: strings.TrimRight(l.Raw, "\n"), pretty: indented(body), of: subjectOf(l), view: view}
}

func (s *Screen) openInvocation(r pane.Row) {
	now := s.env.Now()
	inv := r.Group.Invocation(now)
	raw, err := json.Marshal(inv)
	if err != nil {
		raw = []byte(err.Error())
	}
	_, outcome := outcomeOf(&inv)
	var memory, billed string
	if inv.Report != nil {
		memory = fmt.Sprintf("%d MB used of %d MB", inv.Report.MaxMemoryMB, inv.Report.MemoryMB)
		billed = inv.Report.Billed.String()
	}
	view := jsonview.New(s.env.Theme)
	view.Set("invocation", filled(
		jsonview.Field{Name: "began", Value: inv.Start.In(s.zone).Format("2006-01-02 15:04:05.000 MST")},
		jsonview.Field{Name: "worker", Value: inv.WorkerID},
		jsonview.Field{Name: "outcome", Value: outcome},
		jsonview.Field{Name: "took", Value: took(&inv, now)},
		jsonview.Field{Name: "billed", Value: billed},
		jsonview.Field{Name: "memory", Value: memory},
		jsonview.Field{Name: "request", Value: inv.RequestID},
	), string(raw))
	s.detail = &detail{what: "the invocation", body: string(raw), pretty: indented(string(raw)), of: s.subjectOf(r), view: view}
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

// indented is a JSON object or list with indents, empty for anything else.
func indented(body string) string {
	body = strings.TrimSpace(body)
	var b bytes.Buffer
	if body == "" || (body[0] != '{' && body[0] != '[') || json.Indent(&b, []byte(body), "", "  ") != nil {
		return ""
	}
	return b.String()
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

func (s *Screen) detailActions() []screen.Action {
	d := s.detail
	leave := do(func() { s.detail = nil })
	noJSON := ""
	if d.pretty == "" {
		noJSON = "the line has no JSON"
	}
	step := func(by int) func() tea.Cmd {
		return do(func() { s.pane.Move(by); s.open() })
	}
	return []screen.Action{
		{Keys: []string{"esc", "enter"}, Label: "back to the lines", Help: "Close it.", Run: leave},
		{Keys: []string{"q"}, Help: "Close it.", Hidden: true, Run: leave},
		{ID: "next-line", Keys: []string{"n"}, Label: "next line", Help: "Open the next line.", Run: step(1)},
		{ID: "previous-line", Keys: []string{"N"}, Label: "previous", Help: "Open the previous line.", Run: step(-1)},
		{ID: "open-job", Keys: []string{"o"}, Label: "its job", Help: "Open the job that it belongs to.", Refused: d.of.noJob(), Command: s.jobCommand(d.of), Run: func() tea.Cmd { return openJob(d.of) }},
		{ID: "copy", Keys: []string{"y"}, Label: "copy", Help: "Copy it as it was logged.", Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: d.what, Text: d.body})
		}},
		{ID: "copy-json", Keys: []string{"Y"}, Label: "copy JSON", Help: "Copy its JSON with indents, as it is shown.", Refused: noJSON, Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: d.what + "'s JSON", Text: d.pretty})
		}},
		{Keys: []string{"j", "k", "ctrl+d", "ctrl+u", "g", "G"}, Help: "Scroll.", Hidden: true},
	}
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
