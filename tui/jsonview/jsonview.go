// Package jsonview shows a document: some fields, then a body, indented and
// coloured when it is JSON, as it is when it is not. It scrolls by lines and
// renders only those on the screen.
package jsonview

import (
	"bytes"
	"encoding/json"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Field is a line above the body. Its texts are cleaned when shown.
type Field struct{ Name, Value string }

// View is the document and how far it is scrolled.
type View struct {
	theme *theme.Theme

	id     string
	fields []Field
	body   string

	lines         [][]span
	top           int
	width, height int
}

// New returns an empty view.
func New(t *theme.Theme) *View { return &View{theme: t} }

// Set shows a document. One with the id of the document before keeps its place.
func (v *View) Set(id string, fields []Field, body string) {
	if id != v.id {
		v.top = 0
	}
	same := id == v.id && body == v.body && equal(fields, v.fields)
	v.id, v.fields, v.body = id, fields, body
	if !same {
		v.layout()
	}
}

func equal(a, b []Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// SetSize tells how many cells there are.
func (v *View) SetSize(width, height int) {
	relayout := width != v.width
	v.width, v.height = width, height
	if relayout {
		v.layout()
	}
	v.clamp()
}

func (v *View) layout() {
	v.lines = v.lines[:0]
	if v.width <= 0 || v.id == "" {
		return
	}
	wide := 0
	for _, f := range v.fields {
		wide = max(wide, cell.Width(cell.Clean(f.Name)))
	}
	for _, f := range v.fields {
		v.lines = append(v.lines, wrap([]span{
			{name, cell.Fit(cell.Clean(f.Name), wide) + "  "},
			{text, cell.Clean(f.Value)},
		}, v.width, wide+2)...)
	}
	if len(v.fields) > 0 {
		v.lines = append(v.lines, nil)
	}
	var pretty bytes.Buffer
	if trimmed := strings.TrimSpace(v.body); trimmed != "" && json.Indent(&pretty, []byte(trimmed), "", "  ") == nil {
		for line := range strings.SplitSeq(pretty.String(), "\n") {
			spans := tokens(line)
			v.lines = append(v.lines, wrap(spans, v.width, indentOf(spans))...)
		}
		return
	}
	if v.body == "" {
		v.lines = append(v.lines, []span{{faint, "(empty)"}})
		return
	}
	for _, line := range cell.CleanLines(v.body) {
		v.lines = append(v.lines, wrap([]span{{text, line}}, v.width, 0)...)
	}
}

func (v *View) clamp() { v.top = max(0, min(v.top, len(v.lines)-v.height)) }

// Key scrolls; it is false for a key that does not.
func (v *View) Key(key string) bool {
	by, ok := moves.By(key, v.height, len(v.lines))
	if !ok {
		return false
	}
	v.top += by
	v.clamp()
	return true
}

// Scroll moves by lines.
func (v *View) Scroll(lines int) {
	v.top += lines
	v.clamp()
}

// Position says which lines are shown, when not all are.
func (v *View) Position() (first, last, total int) {
	return v.top + 1, min(len(v.lines), v.top+v.height), len(v.lines)
}

// Lines renders what is on the screen: exactly the height that was set, each as
// wide as was set.
func (v *View) Lines() []string {
	out := make([]string, v.height)
	for i := range out {
		if at := v.top + i; at < len(v.lines) {
			out[i] = cell.Fit(v.render(v.lines[at]), v.width)
		} else {
			out[i] = strings.Repeat(" ", v.width)
		}
	}
	return out
}

func (v *View) render(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.kind == text {
			b.WriteString(s.text)
			continue
		}
		b.WriteString(v.style(s.kind).Render(s.text))
	}
	return b.String()
}

func (v *View) style(k kind) lipgloss.Style {
	switch k {
	case key:
		return v.theme.JSONKey
	case str:
		return v.theme.JSONString
	case number:
		return v.theme.JSONNumber
	case literal:
		return v.theme.JSONLiteral
	case name:
		return v.theme.Dim
	case punctuation, faint:
		return v.theme.Faint
	case text:
	}
	return v.theme.Text
}

func truncate(s string, width int) string { return ansi.Truncate(s, width, "") }
