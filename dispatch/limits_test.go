package dispatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

func TestManyViolationsAreCounted(t *testing.T) {
	t.Parallel()
	const n = 100_000
	choices := make([]string, 1000)
	for i := range choices {
		choices[i] = fmt.Sprintf(`"choice %d"`, i)
	}
	items := json.RawMessage(`{"type":"array","items":{"enum":[` + strings.Join(choices, ",") + `]}}`)
	s, err := CompileSchema(items)
	if err != nil {
		t.Fatal(err)
	}
	// Wording each of these took half a minute.
	found := s.Validate([]byte("[\n" + strings.Repeat("7,\n", n-1) + "7]"))
	if len(found) != jsontext.MaxFindings+1 || Valid(found) {
		t.Fatalf("%d violations", len(found))
	}
	for i, v := range found[:jsontext.MaxFindings] {
		if v.Line != i+2 || v.Pointer != fmt.Sprintf("/%d", i) || v.More != 0 {
			t.Fatalf("violation %d: %+v", i, v)
		}
	}
	last := found[jsontext.MaxFindings]
	if last.More != n-jsontext.MaxFindings || last.Keyword != "more" || last.Pointer != "/100" || last.Line != 102 {
		t.Errorf("last: %+v", last)
	}
	if text := (&ValidationError{Violations: found}).Error(); !strings.HasSuffix(text, fmt.Sprintf("\n  and %d more", n-maxErrorLines)) {
		t.Errorf("error: %s", text)
	}
}

// Objects have no order: what is left out must not depend on it.
func TestViolationsOfAnObjectAreTheFirst(t *testing.T) {
	t.Parallel()
	s, err := CompileSchema(json.RawMessage(`{"additionalProperties":{"type":"string"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("{")
	for i := range 500 {
		fmt.Fprintf(&text, "\"k%d\":0,\n", i)
	}
	text.WriteString(`"end":0}`)
	found := s.Validate([]byte(text.String()))
	for i, v := range found[:jsontext.MaxFindings] {
		if v.Pointer != fmt.Sprintf("/k%d", i) {
			t.Fatalf("violation %d is at %s", i, v.Pointer)
		}
	}
	if last := found[jsontext.MaxFindings]; last.Pointer != "/k100" || last.More != 401 {
		t.Errorf("last: %+v", last)
	}
}

// However many warnings there are, they never push an error out.
func TestWarningsDoNotHideErrors(t *testing.T) {
	t.Parallel()
	s, err := CompileSchema(json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false}`), TolerateOutputMode())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("{")
	for i := range 300 {
		fmt.Fprintf(&text, `"k%d":0,`, i)
	}
	text.WriteString(`"n":"x"}`)
	found := s.Validate([]byte(text.String()))
	var more int
	for _, v := range found {
		if !v.Warning && v.Pointer != "/n" {
			t.Errorf("not a warning: %v", v)
		}
		more += v.More
	}
	if Valid(found) || len(found) != jsontext.MaxFindings+2 || more != 200 {
		t.Errorf("valid %v, %d violations, %d more", Valid(found), len(found), more)
	}
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
