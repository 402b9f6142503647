package jsontext

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParseText holds the reader against encoding/json: the same texts are
// accepted, and the same values come out.
func FuzzParseText(f *testing.F) {
	for _, text := range []string{
		``, `{}`, `[]`, `null`, ` {"a": [1, -0.5e+3, "x\u00e9\n\ud83d\ude42\ud800"], "b/~": {"": true}} `, `{"a":1,"a":2}`,
		`[01]`, `[1.]`, `{"a":}`, `"\q"`, "\"\x00\"", "\"\xff\"", `[1,]`, `nul`, `truex`, `1 2`, `-`, `1e400`, "\ufeff1", `{'a':1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, problem := Parse(text)
		if problem != nil {
			if problem.Off < 0 || problem.Off > len(text) || problem.Message == "" {
				t.Fatalf("problem %+v of a text of %d bytes", problem, len(text))
			}
			if problem.Keyword == KeywordSyntax && json.Valid(text) && !strings.Contains(problem.Message, "levels deep") && utf8.Valid(text) {
				t.Fatalf("valid text %q is refused: %s", text, problem.Message)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || !json.Valid(text) {
			t.Fatalf("invalid text %q is accepted: %v", text, err)
		}
		if !reflect.DeepEqual(parsed.Value, want) {
			t.Fatalf("text %q is read as %#v, not %#v", text, parsed.Value, want)
		}
	})
}
