package jsonview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Copied is a value as the commands print it with -o json, for the clipboard: indented,
// and what acts on a terminal escaped.
func Copied(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	out := make([]byte, 0, b.Len())
	for _, r := range b.String() {
		// Outside of strings JSON has none of these but the newline.
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			out = fmt.Appendf(out, "\\u%04x", r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), nil
}
