package form

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/jsonedit"
	"github.com/microfox-ai/aiwctl/tui/compose/editor"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// input is the text that is being typed into a row.
type input struct {
	editor *editor.Editor
	raw    bool // the text is JSON, or a string when it is none
	// proposed is set while the value is one that nobody has typed: typing replaces it.
	proposed bool
	wrote    string
	// start and end are where the value stands in the text; end is zero while the text
	// does not have it.
	start, end int
}

func newInput(t *theme.Theme, limit int, text string, f *dispatch.Field) *input {
	in := &input{editor: editor.NewBare(t, limit)}
	in.editor.SetText(text)
	in.editor.Move("ctrl+end")
	in.editor.Focus()
	if f != nil {
		in.raw = rawly(f)
		in.wrote = string(f.Value)
		in.place(f)
	}
	return in
}

// propose marks the text as one that typing replaces, or no longer does.
func (in *input) propose(on bool) {
	in.proposed = on
	in.editor.Faint(on)
	if on {
		in.editor.Move("ctrl+home")
	}
}

// begins is whether a key of an editor begins another text: one that writes.
func begins(msg tea.KeyPressMsg) bool {
	switch msg.String() {
	case "backspace", "delete", "ctrl+h", "ctrl+d", "ctrl+w", "ctrl+k", "ctrl+u":
		return true
	}
	return msg.Text != ""
}

func (in *input) place(f *dispatch.Field) {
	in.start, in.end = 0, 0
	if f.Present {
		in.start, in.end = f.Start, f.End
	}
}

// agrees is whether what was typed is what the text has now.
func (in *input) agrees(f *dispatch.Field) bool { return in.wrote == string(f.Value) }

// typed is whether a field is typed into, and not chosen or unfolded.
func typed(f *dispatch.Field) bool {
	switch f.Kind {
	case dispatch.FieldString, dispatch.FieldNumber, dispatch.FieldInteger, dispatch.FieldAny:
		return true
	case dispatch.FieldBoolean, dispatch.FieldNull, dispatch.FieldObject, dispatch.FieldArray, dispatch.FieldChoice:
	}
	return false
}

// rawly is whether a field's value is shown and typed as JSON: where it may be of any
// type, and where the editor would change it, which knows one kind of line end.
func rawly(f *dispatch.Field) bool {
	if f.Kind == dispatch.FieldAny {
		return true
	}
	if len(f.Value) == 0 || f.Value[0] == '{' || f.Value[0] == '[' {
		return len(f.Value) > 0
	}
	if f.Value[0] != '"' || !bytes.Contains(f.Value, []byte(`\r`)) && !bytes.Contains(f.Value, []byte(`\u000`)) {
		return false
	}
	text, ok := unquoted(f.Value)
	return ok && strings.Contains(text, "\r")
}

// beginning is what a string begins with, as far as anybody looks.
func beginning(raw json.RawMessage) string {
	if len(raw) <= shownMost {
		text, _ := unquoted(raw)
		return text
	}
	for end := shownMost; end > shownMost-16; end-- { // not within an escape, nor a letter
		if text, ok := unquoted(append(slices.Clone(raw[:end]), '"')); ok {
			return strings.TrimRight(text, "\uFFFD")
		}
	}
	return ""
}

// shown is a field's value as it is typed.
func shown(f *dispatch.Field) string {
	if !f.Present {
		return ""
	}
	if rawly(f) {
		return compact(f.Value)
	}
	if text, ok := unquoted(f.Value); ok {
		return text
	}
	if string(f.Value) == "null" {
		return ""
	}
	return string(f.Value)
}

// compact writes a value that spans lines in one.
func compact(raw []byte) string {
	if !bytes.ContainsAny(raw, "\n") {
		return string(raw)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

func unquoted(raw json.RawMessage) (string, bool) {
	var text string
	if len(raw) < 2 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", false
	}
	return text, true
}

// written is what was typed, as JSON: of the kind that the field takes as far as
// possible, else a string, which the schema then refuses in words.
func written(f *dispatch.Field, raw bool, text string) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case raw || f.Kind == dispatch.FieldAny:
		if isJSON(trimmed) {
			return trimmed
		}
	case f.Kind == dispatch.FieldNumber || f.Kind == dispatch.FieldInteger:
		if trimmed == "" {
			return "null"
		}
		if c := trimmed[0]; (c == '-' || c >= '0' && c <= '9') && isJSON(trimmed) {
			return trimmed
		}
	}
	return quoted(text)
}

func isJSON(text string) bool {
	_, err := jsonedit.Parse(text)
	return err == nil
}

func quoted(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(strings.ToValidUTF8(text, "\uFFFD")); err != nil {
		return `""` // a string can always be written
	}
	return strings.TrimSpace(b.String())
}

// values are what a field is chosen from, as JSON.
func values(f *dispatch.Field) []json.RawMessage {
	switch f.Kind {
	case dispatch.FieldChoice:
		return f.Choices
	case dispatch.FieldBoolean:
		out := []json.RawMessage{json.RawMessage("false"), json.RawMessage("true")}
		if f.Nullable {
			out = append(out, json.RawMessage("null"))
		}
		return out
	case dispatch.FieldNull:
		return []json.RawMessage{json.RawMessage("null")}
	case dispatch.FieldString, dispatch.FieldNumber, dispatch.FieldInteger, dispatch.FieldObject, dispatch.FieldArray, dispatch.FieldAny:
	}
	return nil
}

// chosen is the index of a field's value among values, -1 when it is none of them.
func chosen(f *dispatch.Field) int {
	if !f.Present {
		return -1
	}
	for i, v := range values(f) {
		if equal(v, f.Value) {
			return i
		}
	}
	return -1
}

// equal is whether two JSON texts have the same value, as far as spelling is concerned.
func equal(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, okX := unquoted(a)
	y, okY := unquoted(b)
	if okX || okY {
		return okX && okY && x == y
	}
	return compact(a) == compact(b)
}
