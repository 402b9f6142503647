package dispatch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

func compile(t testing.TB, schema string, opts ...dispatch.SchemaOption) *dispatch.Schema {
	t.Helper()
	s, err := fullschema.Compile(json.RawMessage(schema), opts...)
	if err != nil {
		t.Fatalf("compile %s: %v", schema, err)
	}
	return s
}

// lines writes violations as line:column pointer keyword: message.
func lines(vs []dispatch.Violation) []string {
	out := []string{}
	for _, v := range vs {
		line := fmt.Sprintf("%d:%d %s %s: %s", v.Line, v.Column, v.Pointer, v.Keyword, v.Message)
		if v.Warning {
			line = "warning " + line
		}
		out = append(out, line)
	}
	return out
}

func expect(t *testing.T, got []dispatch.Violation, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if !slices.Equal(lines(got), want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(lines(got), "\n  "), strings.Join(want, "\n  "))
	}
}

func TestViolationsSayWhatAndWhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, schema, text string
		want               []string
	}{
		{
			"type", `{"type":"object","properties":{"url":{"type":"string"}}}`, `{"url": 7}`,
			[]string{`1:9 /url type: must be a string, is a number (7)`},
		},
		{
			"required is placed at the opening brace",
			`{"properties":{"a":{"type":"object","required":["url","id"]}}}`, "{\n  \"a\": {\n    \"x\": 1\n  }\n}",
			[]string{
				`2:8 /a required: missing required property "id"`,
				`2:8 /a required: missing required property "url"`,
			},
		},
		{
			"an additional property is placed at its name",
			`{"properties":{"a":{}},"additionalProperties":false}`, "{\"a\": 1,\r\n\t\"b/~\": 2}",
			[]string{`2:2 /b~1~0 additionalProperties: is not an allowed property`},
		},
		{
			"columns are characters, not bytes",
			`{"properties":{"ключ":{"type":"string"}}}`, `{"имя": "日本🙂", "ключ": false}`,
			[]string{`1:24 /ключ type: must be a string, is a boolean (false)`},
		},
		{
			"every violation, sorted by position",
			`{"properties":{"z":{"type":"integer"},"a":{"type":"boolean"}},"required":["m"]}`, `{"z": 1.5, "a": null}`,
			[]string{
				`1:1  required: missing required property "m"`,
				`1:7 /z type: must be an integer, is a number (1.5)`,
				`1:17 /a type: must be a boolean, is null`,
			},
		},
		{
			"enum", `{"enum":["a",1,null,{"k":[1]}]}`, `"b"`,
			[]string{`1:1  enum: must be "a", 1, null or {"k":[1]}, is a string ("b")`},
		},
		{
			"const", `{"properties":{"v":{"const":2}}}`, `{"v":3}`,
			[]string{`1:6 /v const: must be 2, is a number (3)`},
		},
		{
			"long values are shortened", `{"type":"number"}`, `"` + strings.Repeat("é", 100) + `"`,
			[]string{`1:1  type: must be a number, is a string ("` + strings.Repeat("é", 60) + `…")`},
		},
		{
			"bounds",
			`{"properties":{"a":{"minimum":1.5},"b":{"exclusiveMaximum":10},"c":{"multipleOf":5},"d":{"minLength":1},"e":{"maxLength":2},"f":{"minItems":2},"g":{"maximum":-1},"h":{"exclusiveMinimum":0},"i":{"maxItems":1}}}`,
			`{"a":1,"b":10,"c":7,"d":"","e":"abc","f":[1],"g":0,"h":0,"i":[1,2]}`,
			[]string{
				`1:6 /a minimum: must be at least 1.5, is 1`,
				`1:12 /b exclusiveMaximum: must be less than 10, is 10`,
				`1:19 /c multipleOf: must be a multiple of 5, is 7`,
				`1:25 /d minLength: must not be empty`,
				`1:32 /e maxLength: must have at most 2 characters, has 3`,
				`1:42 /f minItems: must have at least 2 items, has 1`,
				`1:50 /g maximum: must be at most -1, is 0`,
				`1:56 /h exclusiveMinimum: must be more than 0, is 0`,
				`1:62 /i maxItems: must have at most 1 item, has 2`,
			},
		},
		{
			"integers are compared exactly", `{"properties":{"id":{"maximum":9007199254740993}}}`, `{"id":9007199254740994}`,
			[]string{`1:7 /id maximum: must be at most 9007199254740993, is 9007199254740994`},
		},
		{
			"items", `{"items":{"type":"string"},"uniqueItems":true}`, `["a", 1, "a"]`,
			[]string{
				`1:7 /1 type: must be a string, is a number (1)`,
				`1:10 /2 uniqueItems: is the same as item 0 of the list; items must be unique`,
			},
		},
		{
			"prefixItems and no more", `{"prefixItems":[{"type":"string"}],"items":false}`, `["a", 1]`,
			[]string{`1:7 /1 items: is one item too many`},
		},
		{
			"draft 7 tuples", `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],"additionalItems":false}`, `["a", 1, 2]`,
			[]string{`1:7 /1 additionalItems: is one item too many: only 1 item is allowed`},
		},
		{
			"draft 7 ignores 2020-12 keywords", `{"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[{"type":"string"}],"items":[{"type":"number"}]}`, `[1]`,
			nil,
		},
		{
			"draft 7 dependencies", `{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"card":["address"]}}`, `{"card":1}`,
			[]string{`1:1  dependencies: missing required property "address", which property "card" needs`},
		},
		{
			"2020-12 dependentRequired", `{"dependentRequired":{"card":["address"]}}`, `{"card":1}`,
			[]string{`1:1  dependentRequired: missing required property "address", which property "card" needs`},
		},
		{
			"2020-12 is the default", `{"prefixItems":[{"type":"string"}]}`, `[1]`,
			[]string{`1:2 /0 type: must be a string, is a number (1)`},
		},
		{
			"formats are asserted", `{"properties":{"at":{"type":"string","format":"date-time"}}}`, `{"at":"soon"}`,
			[]string{`1:7 /at format: must be a valid date-time, is a string ("soon"); such as 2026-01-31T12:00:00Z`},
		},
		{
			"pattern", `{"pattern":"^[a-z]+$"}`, `"A\u001b[31m"`,
			[]string{`1:1  pattern: must match the pattern "^[a-z]+$", is "A\x1b[31m"`},
		},
		{
			"propertyNames", `{"propertyNames":{"enum":["a","b"]}}`, `{"a":1, "c":2}`,
			[]string{`1:9 /c propertyNames: is not an allowed property name: must be "a" or "b", is a string ("c")`},
		},
		{
			"unevaluatedProperties", `{"allOf":[{"properties":{"a":{}}}],"unevaluatedProperties":false}`, `{"a":1,"b":2}`,
			[]string{`1:8 /b unevaluatedProperties: is not an allowed property`},
		},
		{
			"a false property", `{"properties":{"legacy":false}}`, `{"legacy":1}`,
			[]string{`1:2 /legacy false: is not allowed here`},
		},
		{
			"not", `{"not":{"type":"string"}}`, `"a"`,
			[]string{`1:1  not: is what the schema excludes with "not"`},
		},
		{
			"contains", `{"contains":{"type":"string"},"minContains":2}`, `["a"]`,
			[]string{`1:1  minContains: must contain at least 2 items of the form the schema asks for, has 1`},
		},
		{
			"if, then", `{"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["x"]}}`, `{"k":"a"}`,
			[]string{`1:1  required: missing required property "x"`},
		},
		{
			"through $ref and allOf, once", `{"$defs":{"n":{"type":"number"}},"properties":{"a":{"allOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}]}}}`, `{"a":"x"}`,
			[]string{`1:6 /a type: must be a number, is a string ("x")`},
		},
		{
			"a property given twice", `{"properties":{"a":{"type":"string"}}}`, `{"a":"x","b":{"c":1,"c":2},"a":3}`,
			[]string{
				`warning 1:21 /b/c duplicate: property "c" is given more than once; the last one counts`,
				`warning 1:28 /a duplicate: property "a" is given more than once; the last one counts`,
				`1:32 /a type: must be a string, is a number (3)`,
			},
		},
		{"boolean schema true", `true`, `17`, nil},
		{"boolean schema false", `false`, `17`, []string{`1:1  false: is not allowed here`}},
		{"empty schema", `{}`, `[]`, nil},
		{"no schema", ``, `[]`, nil},
		{"null schema", ` null `, `[]`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, compile(t, tt.schema).Validate([]byte(tt.text)), tt.want...)
		})
	}
}

func TestUnionsReportTheFormThatWasMeant(t *testing.T) {
	t.Parallel()
	shapes := `{"oneOf":[
		{"type":"object","properties":{"kind":{"const":"circle"},"r":{"type":"number"}},"required":["kind","r"]},
		{"type":"object","properties":{"kind":{"const":"square"},"side":{"type":"number"}},"required":["kind","side"]}]}`
	tests := []struct {
		name, schema, text string
		want               []string
	}{
		{
			"other types merge", `{"anyOf":[{"type":"string"},{"type":"null"},{"type":"array"}]}`, `7`,
			[]string{`1:1  type: must be a string, null or an array, is a number (7)`},
		},
		{
			"literals merge", `{"properties":{"l":{"anyOf":[{"const":"a"},{"enum":["b","c"]}]}}}`, `{"l":"d"}`,
			[]string{`1:6 /l enum: must be "a", "b" or "c", is a string ("d")`},
		},
		{
			"nested unions merge", `{"anyOf":[{"anyOf":[{"const":"a"},{"type":"number"}]},{"type":"null"}]}`, `"d"`,
			[]string{`1:1  anyOf: must be "a", a number or null, is a string ("d")`},
		},
		{
			"a nullable object reports the object", `{"anyOf":[{"type":"null"},{"type":"object","required":["a"]}]}`, `{}`,
			[]string{`1:1  required: missing required property "a"`},
		},
		{
			"the discriminator picks the form", shapes, `{"kind":"square","side":"long"}`,
			[]string{`1:25 /side type: must be a number, is a string ("long")`},
		},
		{
			"an unknown discriminator", shapes, `{"kind":"line"}`,
			[]string{`1:9 /kind enum: must be "circle" or "square", is a string ("line")`},
		},
		{
			"neither form",
			`{"anyOf":[{"type":"object","required":["url"]},{"type":"object","required":["file","name"]}]}`, ` {}`,
			[]string{`1:2  anyOf: fits none of the 2 allowed forms: (1) missing required property "url"; (2) missing required property "file" and 1 more`},
		},
		{
			"more than one form", `{"oneOf":[{"type":"number"},{"minimum":3}]}`, `7`,
			[]string{`1:1  oneOf: fits more than one of the allowed forms (1 and 2), it must fit exactly one`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, compile(t, tt.schema).Validate([]byte(tt.text)), tt.want...)
		})
	}
}

func TestSyntaxErrorsHaveOnePlace(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", `1:1  syntax: the text is empty, expected a JSON value`},
		{" \n ", `2:2  syntax: the text is empty, expected a JSON value`},
		{"\ufeff{}", `1:1  syntax: the text starts with a byte order mark, which JSON does not allow`},
		{`{"a": 1,}`, `1:9  syntax: unexpected "}" after a comma: remove the comma or add a property`},
		{`[1,]`, `1:4  syntax: unexpected "]" after a comma: remove the comma or add an item`},
		{"{\n  \"a\": 1\n  \"b\": 2\n}", `3:3  syntax: unexpected "\"", expected "," or "}"`},
		{`{"a" 1}`, `1:6  syntax: unexpected "1", expected ":" after property name "a"`},
		{`{a: 1}`, `1:2  syntax: unexpected "a", expected a property name in double quotes`},
		{`{'a': 1}`, `1:2  syntax: unexpected "'", expected a property name in double quotes`},
		{`['a']`, `1:2  syntax: unexpected "'", JSON strings stand in double quotes`},
		{`[1 // one`, `1:4  syntax: unexpected "/", expected "," or "]"`},
		{`[// one`, `1:2  syntax: unexpected "/", JSON has no comments`},
		{`{"a": `, `1:7  syntax: unexpected end of text, expected a value`},
		{`{"a": 1`, `1:8  syntax: unexpected end of text, expected "," or "}"`},
		{`{`, `1:2  syntax: unexpected end of text, expected a property name or "}"`},
		{`{"a": "日本`, `1:7  syntax: this string is not closed`},
		{"{\"a\": \"x\ny\"}", `1:7  syntax: this string is not closed before the end of the line (a line break inside a string is written \n)`},
		{"[\"a\tb\"]", `1:4  syntax: unescaped control character in a string, write it as \u0009`},
		{`["C:\dir"]`, `1:5  syntax: unknown escape sequence: a backslash followed by "d" (write a backslash itself as \\)`},
		{`["\u12g4"]`, `1:3  syntax: \u must be followed by four hexadecimal digits`},
		{`{"a": undefined}`, `1:7  syntax: unexpected word "undefined", expected a value (text stands in double quotes)`},
		{`[01]`, `1:2  syntax: a number must not start with a superfluous zero`},
		{`[-]`, `1:3  syntax: unexpected "]", expected a digit after the minus sign`},
		{`[1.]`, `1:4  syntax: unexpected "]", expected a digit after the decimal point`},
		{`[+1]`, `1:2  syntax: unexpected "+", a JSON number starts with a digit or a minus sign`},
		{`{} {}`, `1:4  syntax: unexpected "{" after the end of the JSON value`},
		{"{}\n\u00a0", "2:1  syntax: unexpected \"\\u00a0\" after the end of the JSON value"},
		{strings.Repeat("[", 100_000), `1:1001  syntax: nested more than 1000 levels deep`},
		{`{"a": [1e999999999]}`, `1:8 /a/0 number: this number is outside the range that programs can read`},
	}
	for _, tt := range tests {
		for _, s := range []*dispatch.Schema{nil, compile(t, `{"type":"object"}`)} {
			got := s.Validate([]byte(tt.text))
			if dispatch.Valid(got) {
				t.Errorf("%.40q is valid", tt.text)
			}
			expect(t, got, tt.want)
		}
	}
}

func TestTolerateOutputMode(t *testing.T) {
	t.Parallel()
	schema := `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
		"properties":{
			"url":{"type":"string"},
			"retries":{"type":"integer","default":3},
			"opts":{"type":"object","properties":{"q":{"$ref":"#/$defs/quality"},"id":{"type":"string"}},"required":["q","id"],"additionalProperties":false},
			"list":{"type":"array","items":{"type":"object","properties":{"n":{"default":1}},"required":["n"],"additionalProperties":false}},
			"pick":{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},{"type":"null"}]},
			"required":{"enum":[{"required":["x"]}],"default":{"required":["x"],"additionalProperties":false}}
		},
		"required":["url","retries","required"],"additionalProperties":false,
		"$defs":{"quality":{"type":"string","default":"high"}}}`
	strict, tolerant := compile(t, schema), compile(t, schema, dispatch.TolerateOutputMode())

	legal := `{"url":"u","extra":1,"opts":{"id":"i","more":2},"list":[{},{"x":1}],"pick":{"a":"s","b":1}}`
	if dispatch.Valid(strict.Validate([]byte(legal))) {
		t.Error("without the option the output schema applies as it stands")
	}
	got := tolerant.Validate([]byte(legal))
	if !dispatch.Valid(got) {
		t.Errorf("legal input is refused: %s", lines(got))
	}
	const known = "additionalProperties: is not a property the worker's schema knows"
	expect(t, got,
		`warning 1:12 /extra `+known,
		`warning 1:39 /opts/more `+known,
		`warning 1:61 /list/1/x `+known,
		`warning 1:85 /pick/b `+known,
	)

	expect(t, tolerant.Validate([]byte(`{"retries":"x","opts":{}}`)),
		`1:1  required: missing required property "url"`,
		`1:12 /retries type: must be an integer, is a string ("x")`,
		`1:23 /opts required: missing required property "id"`,
	)
	if got := string(tolerant.Raw()); got != schema {
		t.Errorf("Raw changed to %s", got)
	}
	// Data that looks like a schema is left alone.
	expect(t, tolerant.Validate([]byte(`{"url":"u","required":{"required":["x"]}}`)))
}

func TestNamesOfSiblingObjectsAreReportedUnderTheirOwnObject(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"additionalProperties":{"additionalProperties":{"propertyNames":{"pattern":"^[a-z]+$"}}}}`)
	text := `{"a":{"x":{"BAD":1},"y":{"ok":1}},"b":{"z":{"BAD":1,"Z":2}},"c":{"w":{"fine":1}}}`
	for range 20 { // the library visits objects in random order
		expect(t, s.Validate([]byte(text)),
			`1:12 /a/x/BAD propertyNames: is not an allowed property name: must match the pattern "^[a-z]+$", is "BAD"`,
			`1:45 /b/z/BAD propertyNames: is not an allowed property name: must match the pattern "^[a-z]+$", is "BAD"`,
			`1:53 /b/z/Z propertyNames: is not an allowed property name: must match the pattern "^[a-z]+$", is "Z"`,
		)
	}
}

func TestSchemasThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, want string }{
		{`{"type":`, `line 1, column 9`},
		{`17`, `it is a number (17), not an object or a boolean`},
		{`{"type":"strin"}`, `/type`},
		{`{"minLength":-1}`, `/minLength`},
		{`{"$ref":"#/$defs/missing"}`, `missing`},
		{`{"$ref":"file:///etc/passwd"}`, `nothing is loaded`},
		{`{"$ref":"http://127.0.0.1:1/schema.json"}`, `nothing is loaded`},
		{`{"$id":"file:///etc/","$ref":"passwd"}`, `nothing is loaded`},
		{`{"minimum":1e999999999}`, `outside the range`},
	}
	for _, tt := range tests {
		_, err := fullschema.Compile(json.RawMessage(tt.schema))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "compile schema: ") {
			t.Errorf("CompileSchema(%s): %v, want an error with %q", tt.schema, err, tt.want)
		}
	}
}

func TestUnknownDialectIsAWarning(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"$schema":"https://spec.openapis.org/oas/3.1/dialect/base","type":"object"}`)
	if got := s.Warnings(); len(got) != 1 || !strings.Contains(got[0], "draft 2020-12") {
		t.Errorf("warnings %q", got)
	}
	expect(t, s.Validate([]byte(`1`)), `1:1  type: must be an object, is a number (1)`)
}

func TestSchemaIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties":{"a":{"pattern":"^(?!x)"},"r":{"format":"regex"}},"propertyNames":{"minLength":1}}`)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				got := s.Validate(fmt.Appendf(nil, `{"a":"x%d","r":"("}`, i))
				if len(got) != 2 {
					t.Errorf("got %s", lines(got))
				}
				s.Skeleton()
				s.Warnings()
			}
		})
	}
	wg.Wait()
}

func TestValidationErrorReadsWell(t *testing.T) {
	t.Parallel()
	s := compile(t, `{"properties":{"url":{"type":"string"},"n":{"type":"number"}},"required":["id"],"additionalProperties":{"type":"string"}}`)
	one := &dispatch.ValidationError{WorkerID: "echo", Violations: s.Validate([]byte(`{"id":1}`))}
	if got, want := one.Error(), `input for worker "echo" is invalid: line 1, column 7: /id: must be a string, is a number (1)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	several := &dispatch.ValidationError{Violations: s.Validate([]byte("{\"url\":7,\n\"n\":\"\"}"))}
	want := "input is invalid:\n" +
		"  line 1, column 1: missing required property \"id\"\n" +
		"  line 1, column 8: /url: must be a string, is a number (7)\n" +
		"  line 2, column 5: /n: must be a number, is a string (\"\")"
	if got := several.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	many := &dispatch.ValidationError{Violations: s.Validate([]byte(`{"id":"","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1,"u":1,"v":1,"w":1}`))}
	if got := many.Error(); !strings.HasSuffix(got, "\n  and 2 more") {
		t.Errorf("got %s", got)
	}
	syntax := &dispatch.ValidationError{Violations: s.Validate([]byte(`{`))}
	if got, want := syntax.Error(), `input is invalid: line 1, column 2: unexpected end of text, expected a property name or "}"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
