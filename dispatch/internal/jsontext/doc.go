// Package jsontext reads JSON text once, with the place of everything in it, and words
// what is wrong there.
package jsontext

import (
	"bytes"
	"encoding/json"
)

// The keywords of findings that no schema keyword stands for.
const (
	KeywordSyntax    = "syntax"
	KeywordNumber    = "number"
	KeywordDuplicate = "duplicate"
	KeywordMore      = "more"
)

// Located is a finding with its line and column; dispatch.Violation has the same
// fields, which are described there.
type Located struct {
	Pointer, Keyword, Message string
	Line, Column              int
	Warning                   bool
	More                      int
}

// Marshal is json.Marshal without the escapes for HTML.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
