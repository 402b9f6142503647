package dispatch

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
		parsed, problem := parseText(text)
		if problem != nil {
			if problem.off < 0 || problem.off > len(text) || problem.message == "" {
				t.Fatalf("problem %+v of a text of %d bytes", problem, len(text))
			}
			if problem.keyword == keywordSyntax && json.Valid(text) && !strings.Contains(problem.message, "levels deep") && utf8.Valid(text) {
				t.Fatalf("valid text %q is refused: %s", text, problem.message)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil || !json.Valid(text) {
			t.Fatalf("invalid text %q is accepted: %v", text, err)
		}
		if !reflect.DeepEqual(parsed.value, want) {
			t.Fatalf("text %q is read as %#v, not %#v", text, parsed.value, want)
		}
	})
}

// A file in Latin-1 must not be sent with its letters replaced.
func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	var none *Schema
	for text, column := range map[string]int{
		"{\"name\": \"M\xfcller\"}":       12,
		"{\"n\xfc\": 1}":                  4,
		"[\"\\n\xc3\"]":                   5,
		"[\"cut: \xe2\x82\"]":             8,
		"[\"a surrogate: \xed\xa0\x80\"]": 16,
	} {
		found := none.Validate([]byte(text))
		if len(found) != 1 || found[0].Keyword != "syntax" || found[0].Column != column || !strings.Contains(found[0].Message, "not UTF-8") {
			t.Errorf("%q: %+v", text, found)
		}
	}
	for _, text := range []string{`"\ud800"`, "\"\ufffd\"", `"M\u00fcller"`} {
		if found := none.Validate([]byte(text)); len(found) > 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}
