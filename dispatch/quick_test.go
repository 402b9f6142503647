package dispatch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// quickSchemas are schemas that the quick check knows, of the kinds that types of
// Go and simple Zod objects make.
var quickSchemas = []string{
	`{}`, `{"type":["null","string"]}`, `{"type":"integer","minimum":0,"maximum":255}`,
	`{"type":"number","exclusiveMinimum":-1.5,"maximum":0.1}`, `{"enum":["a","b\n",null,true]}`, `{"const":"x"}`,
	`{"type":"string","minLength":1,"maxLength":3}`, `{"type":"string","format":"date-time"}`,
	`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}`,
	`{"type":["null","string"],"pattern":"^[a-z]*$","contentEncoding":"base64","minLength":1}`,
	`{"type":"object","propertyNames":{"type":"string","pattern":"^[av]$"},"additionalProperties":{"type":"integer"}}`,
	`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string","default":"x"}},"required":["a"],"additionalProperties":false}`,
	`{"type":"object","properties":{"a":true,"b":{"type":["null","boolean"]}},"required":["a","b"]}`,
	`{"type":["null","object"],"additionalProperties":{"type":"number"}}`,
	`{"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v"],"additionalProperties":false}},"$ref":"#/$defs/n"}`,
	`{"type":"object","properties":{"self":{"$ref":"#"}},"additionalProperties":false}`,
}

// TestQuickAccepts: the quick check says yes to what jobs look like, and only the
// schemas that need more go without.
func TestQuickAccepts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ schema, text string }{
		{quickSchemas[0], `{"a":[1,{"b":null}],"c":"x\ny"}`},
		{quickSchemas[1], ` "x\u00e9\"" `},
		{quickSchemas[2], `255`},
		{quickSchemas[3], `0.1`},
		{quickSchemas[4], `true`},
		{quickSchemas[5], `"x"`},
		{quickSchemas[6], `"äöü"`},
		{quickSchemas[7], `"2026-01-01T00:00:00.123+01:00"`},
		{quickSchemas[8], `[1, 2 ,3]`},
		{quickSchemas[9], `"abc"`},
		{quickSchemas[10], `{"a":1,"v":2}`},
		{quickSchemas[11], "{ \"a\" : 1 }\n"},
		{quickSchemas[12], `{"b":null,"a":{"x":[]},"c":1}`},
		{quickSchemas[13], `{"x":1.5,"y":2}`},
		{quickSchemas[14], `{"v":1,"next":{"v":2,"next":null}}`},
		{quickSchemas[15], `{"self":{"self":{}}}`},
	} {
		s, err := dispatch.CompileSchema(json.RawMessage(tt.schema))
		if err != nil {
			t.Fatal(err)
		}
		if !dispatch.QuickAccepts(s, []byte(tt.text)) {
			t.Errorf("%s goes the long way for %s", tt.text, tt.schema)
		}
	}
	for _, schema := range []string{
		`{"pattern":"^(?!a)"}`, `{"format":"email"}`, `{"not":{}}`, `{"oneOf":[{}]}`, `{"type":"object","required":["a"]}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}`, `{"$ref":"#/properties/a","properties":{"a":{}}}`,
	} {
		_, err := dispatch.CompileSchema(json.RawMessage(schema))
		if _, needs := errors.AsType[*dispatch.UnsupportedSchemaError](err); !needs {
			t.Errorf("%s needs no engine: %v", schema, err)
		}
	}
}

// pair is a simple schema, and the same as the full engine reads it.
type pair struct{ simple, full *dispatch.Schema }

func compilePair(raw string, opts ...dispatch.SchemaOption) (pair, error) {
	simple, err := dispatch.CompileSchema(json.RawMessage(raw), opts...)
	if err != nil {
		return pair{}, err
	}
	full, err := fullschema.Compile(json.RawMessage(raw), append(slices.Clone(opts), dispatch.EngineOnly())...)
	if err != nil {
		return pair{}, fmt.Errorf("the simple check takes %s, the engine does not: %w", raw, err)
	}
	return pair{simple, full}, nil
}

// check holds two promises: a yes of the quick check is the engine's, and what
// does not fit is found, and worded, as the engine finds it.
func (p pair) check(t interface{ Errorf(string, ...any) }, text []byte) {
	want := p.full.Validate(text)
	if len(want) > 0 && dispatch.QuickAccepts(p.simple, text) {
		t.Errorf("the quick check of %s accepts %q, the engine says %v", p.full.Raw(), text, want)
	}
	got := p.simple.Validate(text)
	for _, list := range [][]dispatch.Violation{got, want} {
		for i := range list {
			if list[i].Keyword == "format" {
				list[i].Message = "" // the engine has reasons of its own
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s finds of %q\n%v\nand the engine\n%v", p.full.Raw(), text, got, want)
	}
}

func TestSimpleSchemasAreCheckedAsTheEngineDoes(t *testing.T) {
	t.Parallel()
	var pairs []pair
	for _, raw := range quickSchemas {
		for _, opts := range [][]dispatch.SchemaOption{nil, {dispatch.TolerateOutputMode()}} {
			p, err := compilePair(raw, opts...)
			if err != nil {
				t.Fatal(err)
			}
			pairs = append(pairs, p)
		}
	}
	texts := rapid.Custom(func(t *rapid.T) string { return drawText(t, 3) })
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		for _, p := range pairs {
			p.check(t, []byte(text))
		}
	})
}

// drawText draws JSON that is near to what the schemas take, with double names,
// odd numbers and escapes.
func drawText(t *rapid.T, depth int) string {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"0", "1", "-1", "255", "256", "1.0", "0.1", "0.10000000000000001", "1e1", "1e999", "-1.5", "123456789012345678901"}).Draw(t, "number")
	case 1:
		return rapid.SampledFrom([]string{`"a"`, `"b\n"`, `"\u0061"`, `"x"`, `""`, `"äöüß"`, `"2026-01-01T00:00:00Z"`, `"2026-02-30T00:00:00Z"`, `"2026-01-01T00:00:00,5Z"`, "\"\xff\"", `"2026-01-01T23:59:60Z"`}).Draw(t, "string")
	case 2:
		return "null"
	case 3:
		return "true"
	case 4:
		return "false"
	case 5:
		var items []string
		for range rapid.IntRange(0, 4).Draw(t, "items") {
			items = append(items, drawText(t, depth-1))
		}
		return "[" + strings.Join(items, " ,") + "]"
	}
	var members []string
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		name := rapid.SampledFrom([]string{"a", "b", "v", "next", "self", "x", `\u0061`}).Draw(t, "name")
		members = append(members, `"`+name+`" : `+drawText(t, depth-1))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func FuzzSimpleSchema(f *testing.F) {
	for _, schema := range quickSchemas {
		f.Add(schema, `{"a":1,"b":"x","v":2,"next":null}`)
		f.Add(schema, `"2026-01-01T00:00:00Z"`)
		f.Add(schema, `[1,2.0,-0]`)
	}
	f.Fuzz(func(t *testing.T, schema, text string) {
		// Forms that refer to each other take the engine ages.
		if strings.Count(schema, "$ref") > 1 || len(schema) > 500 {
			return
		}
		s, err := dispatch.CompileSchema(json.RawMessage(schema))
		if err != nil || !dispatch.IsSimple(s) {
			return
		}
		p, err := compilePair(schema)
		if err != nil {
			t.Fatal(err)
		}
		p.check(t, []byte(text))
	})
}
