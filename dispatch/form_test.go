package dispatch_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// laidOut writes a form as lines: depth, name, kind, what is said of it, its value.
func laidOut(f *dispatch.Form) string {
	var b strings.Builder
	for _, field := range f.Fields {
		name := field.Name
		if field.Depth == 0 {
			name = "."
		}
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", field.Depth), name, field.Kind)
		if field.Required && field.Depth > 0 {
			b.WriteString(" required")
		}
		if field.Nullable {
			b.WriteString(" nullable")
		}
		if !field.Known {
			b.WriteString(" unknown")
		}
		if field.Open {
			b.WriteString(" open")
		}
		if len(field.Choices) > 0 {
			fmt.Fprintf(&b, " of %s", slices.Concat(field.Choices...))
		}
		if len(field.Variants) > 0 {
			fmt.Fprintf(&b, " %s(%d)", strings.Join(field.Variants, "|"), field.Variant)
		}
		if field.Default != nil {
			fmt.Fprintf(&b, " default %s", field.Default)
		}
		if len(field.Examples) > 0 {
			fmt.Fprintf(&b, " like %s", field.Examples[0])
		}
		if len(field.Hints) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(field.Hints, ", "))
		}
		if field.Present && field.Kind != dispatch.FieldObject && field.Kind != dispatch.FieldArray {
			fmt.Fprintf(&b, " = %s", field.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, schema, text, want string }{
		{
			"what is there, what is not, what else there is",
			`{"type":"object","required":["url"],"additionalProperties":false,"properties":{
				"note":{"type":"string","description":"n"},"url":{"type":"string","format":"uri","examples":["https://a"]},
				"size":{"type":"integer","minimum":1,"maximum":9,"default":3},"loud":{"type":"boolean"}}}`,
			`{"url":"x","more":[1]}`,
			". object\n  note string\n  url string required like \"https://a\" (uri) = \"x\"\n  size integer default 3 (1 to 9)\n  loud boolean\n" +
				"  more array unknown open\n    0 any unknown = 1\n",
		},
		{
			"choices and constants",
			`{"properties":{"a":{"enum":["x","y",null]},"b":{"const":7},"c":{"oneOf":[{"const":1,"title":"one"},{"const":2}]}}}`, `{"a":"y"}`,
			". object open\n  a choice nullable of \"x\"\"y\"null = \"y\"\n  b choice of 7\n  c choice of 12\n",
		},
		{
			"nullable in every way",
			`{"properties":{"a":{"type":["string","null"]},"b":{"anyOf":[{"type":"integer"},{"type":"null"}]},"c":{"type":"number","nullable":true}}}`, `{}`,
			". object open\n  a string nullable\n  b integer nullable\n  c number nullable\n",
		},
		{
			"a union told apart by a constant",
			`{"$defs":{"mail":{"type":"object","properties":{"kind":{"const":"mail"},"to":{"type":"string"}},"required":["kind","to"]}},
				"properties":{"via":{"oneOf":[{"$ref":"#/$defs/mail"},{"type":"object","properties":{"kind":{"const":"hook"},"url":{"type":"string"}},"required":["kind","url"]}]}}}`,
			`{"via":{"kind":"hook"}}`,
			". object open\n  via object open mail|hook(1)\n    kind choice required of \"hook\" = \"hook\"\n    url string required\n",
		},
		{
			"a union of types",
			`{"properties":{"v":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"array","items":{"type":"boolean"}}]}}}`, `{"v":[true]}`,
			". object open\n  v array open string|number|array(2)\n    0 boolean = true\n",
		},
		{
			"a union at the root, beside what is common",
			`{"type":"object","properties":{"id":{"type":"string"}},"required":["id"],"oneOf":[{"title":"A","properties":{"a":{"type":"integer"}},"required":["a"]},{"title":"B","properties":{"b":{"type":"integer"}},"required":["b"]}]}`,
			`{"id":"1","b":2}`,
			". object open A|B(1)\n  id string required = \"1\"\n  b integer required = 2\n",
		},
		{
			"conditions are no variants",
			`{"properties":{"a":{"type":"string"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`,
			". object open\n  a string\n  b string\n",
		},
		{
			"tuples, and items of both drafts",
			`{"properties":{"t":{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}},"u":{"type":"array","maxItems":1,"items":{"$ref":"#/$defs/x"}}},"$defs":{"x":{"type":"object","properties":{"y":{"type":"null"}}}}}`,
			`{"t":["a",1],"u":[{}]}`,
			". object open\n  t array open\n    0 string = \"a\"\n    1 integer = 1\n  u array (at most 1 items)\n    0 object open\n      y null\n",
		},
		{
			"further members", `{"type":"object","patternProperties":{"^n_":{"type":"number"}},"additionalProperties":{"type":"boolean"}}`, `{"n_a":1,"z":true}`,
			". object open\n  n_a number = 1\n  z boolean = true\n",
		},
		{
			"a value of another sort than the schema's", `{"properties":{"s":{"type":"string"},"o":{"type":"object"},"n":{"type":"integer"}}}`, `{"s":{"a":1},"o":7,"n":"x"}`,
			". object open\n  s any = {\"a\":1}\n  o object open\n  n integer = \"x\"\n",
		},
		{"required, described nowhere", `{"required":["a"]}`, `{}`, ". object open\n  a any required unknown\n"},
		{"no object", `{"type":"string","minLength":2}`, `"x"`, ". string (at least 2 characters) = \"x\"\n"},
		{"no schema", ``, `{"a":{"b":null}}`, ". object unknown open\n  a object unknown open\n    b any unknown = null\n"},
		{"a pattern stands back behind a format", `{"properties":{"m":{"type":"string","format":"email","pattern":"^x"},"p":{"pattern":"^[A-Z]+$"}}}`, `{}`, ". object open\n  m string (email)\n  p string (like ^[A-Z]+$)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			form, problem := compile(t, tt.schema).Form([]byte(tt.text))
			if problem != nil {
				t.Fatal(problem)
			}
			if got := laidOut(form); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestFormOfOutputMode(t *testing.T) {
	t.Parallel()
	schema, err := fullschema.Compile(json.RawMessage(`{"type":"object","properties":{"a":{"type":"string","default":"x"},"b":{"type":"string"}},"required":["a","b"],"additionalProperties":false}`), dispatch.TolerateOutputMode())
	if err != nil {
		t.Fatal(err)
	}
	form, problem := schema.Form([]byte(`{}`))
	if problem != nil {
		t.Fatal(problem)
	}
	if a, b := form.Field([]string{"a"}), form.Field([]string{"b"}); a.Required || !b.Required {
		t.Errorf("a property with a default is required: %v, %v", a.Required, b.Required)
	}
}

func TestFormOfWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	form, problem := compile(t, `{}`).Form([]byte("{\n  \"a\": }"))
	if form != nil || problem == nil || problem.Line != 2 || problem.Column != 8 {
		t.Errorf("%v, %v", form, problem)
	}
}

func TestFormStarters(t *testing.T) {
	t.Parallel()
	form, _ := compile(t, `{"properties":{
		"o":{"type":"object","properties":{"x":{"type":"integer","minimum":2},"y":{"type":"string"}},"required":["x"]},
		"l":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string","default":"d"}},"required":["n"]}},
		"via":{"oneOf":[
			{"type":"object","properties":{"k":{"const":"m"},"to":{"type":"string"},"n":{"type":"integer"}},"required":["k","to"]},
			{"type":"object","properties":{"k":{"const":"h"},"url":{"type":"string"},"n":{"type":"integer"}},"required":["k","url"]}]}},
		"additionalProperties":{"type":"boolean"}}`).Form([]byte(`{"l":[],"via":{"k":"m","to":"t","n":4}}`))
	field := func(path ...string) *dispatch.Field { return form.Field(path) }
	for _, tt := range []struct{ what, got, want string }{
		{"an object", string(form.Starter(field("o"))), `{"x":2}`},
		{"an item", string(form.NewItem(field("l"))), `{"n":"d"}`},
		{"a member", string(form.NewMember(field(), "more")), `false`},
		{"another variant", string(form.AsVariant(field("via"), 1)), `{"k":"h","url":"","n":4}`},
		{"no such variant", string(form.AsVariant(field("via"), 7)), `{"k":"m","to":"t","n":4}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
	if got := field("via").Behind(); !slices.Equal(got, []string{"o", "l"}) {
		t.Errorf("via comes behind %v", got)
	}
}

func TestFormIsBounded(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for _, tt := range []struct{ schema, text string }{
		{`{"$ref":"#"}`, `{}`},
		{`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, deep},
		{`{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}`, deep},
		{`{"oneOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"oneOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}`, `{"a":1}`},
		{`{"allOf":[` + strings.Repeat(`{"$ref":"#"},`, 300) + `{}]}`, deep},
		{`{"type":"array","items":{"type":"array","items":{"type":"string"}}}`, "[" + strings.Repeat(`["a","b","c","d","e","f","g","h","i","j","k"],`, 200) + "[]]"},
		{``, "[" + strings.Repeat("1,", 100000) + "1]"},
		{`{"additionalProperties":{"type":"string"}}`, "{" + strings.Repeat(`"a":1,`, 3) + manyMembers(3000) + "}"},
	} {
		form, problem := compile(t, tt.schema).Form([]byte(tt.text))
		if problem != nil {
			t.Fatal(problem)
		}
		if len(form.Fields) > dispatch.MaxFormFields {
			t.Errorf("%d fields", len(form.Fields))
		}
		for _, f := range form.Fields {
			if f.Depth > dispatch.MaxFormDepth+1 {
				t.Fatalf("a field %d deep", f.Depth)
			}
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%q:1,", fmt.Sprint("m", i))
	}
	return b.String() + `"z":1`
}

// FuzzForm holds every form to its text: what is present stands where it says, and
// whatever it proposes is JSON.
func FuzzForm(f *testing.F) {
	for _, schema := range []string{
		`{"type":"object","required":["a"],"properties":{"a":{"type":"string","format":"uri","pattern":"(?=x)"},"b":{"enum":[1,"\u001b[2J"],"title":"\u001b]0;x\u0007"}}}`,
		`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}}}`,
		`{"discriminator":{"propertyName":"k"},"oneOf":[{"properties":{"k":{"const":1}}},{"properties":{"k":{"const":2}}}]}`,
		`{"items":[{"type":"integer"}],"additionalItems":{"allOf":[{"$ref":"#"},{"minItems":3}]},"$schema":"http://json-schema.org/draft-07/schema#"}`,
		`{"patternProperties":{"[":{},"^a":{"const":null}},"additionalProperties":false}`,
	} {
		for _, text := range []string{`{}`, `{"a":1,"a":{"next":null},"k":2}`, `[1,[2,[3]]]`, `null`} {
			f.Add([]byte(schema), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, raw, text []byte) {
		schema, err := fullschema.Compile(raw)
		if err != nil {
			return
		}
		form, problem := schema.Form(text)
		if (form == nil) == (problem == nil) {
			t.Fatal("a form and a problem, or neither")
		}
		if form == nil {
			return
		}
		if len(form.Fields) == 0 || len(form.Fields) > dispatch.MaxFormFields || form.Fields[0].Depth != 0 {
			t.Fatalf("%d fields", len(form.Fields))
		}
		for i := range form.Fields {
			field := &form.Fields[i]
			if field.Depth != len(field.Path) || i > 0 && field.Depth > form.Fields[i-1].Depth+1 {
				t.Fatalf("%s is %d deep", field.Pointer, field.Depth)
			}
			if field.Present && (!json.Valid(field.Value) || string(text[field.Start:field.End]) != string(field.Value)) {
				t.Fatalf("%s has the value %q", field.Pointer, field.Value)
			}
			if field.Variant != 0 && field.Variant >= len(field.Variants) {
				t.Fatalf("%s has variant %d", field.Pointer, field.Variant)
			}
			if i > 20 {
				continue
			}
			proposals := append(append([]json.RawMessage{form.Starter(field), form.NewItem(field), form.NewMember(field, "x")}, field.Choices...), field.Examples...)
			for v := range field.Variants[:min(3, len(field.Variants))] {
				if field.Present {
					proposals = append(proposals, form.AsVariant(field, v))
				}
			}
			for _, p := range proposals {
				if !json.Valid(p) {
					t.Fatalf("%s is proposed %q", field.Pointer, p)
				}
			}
		}
	})
}

func BenchmarkForm(b *testing.B) {
	var properties, members []string
	for i := range 200 {
		properties = append(properties, fmt.Sprintf(`"field%d":{"type":"string","description":"what it is for","minLength":1}`, i))
		members = append(members, fmt.Sprintf(`"field%d":"value"`, i))
	}
	schema, err := fullschema.Compile(json.RawMessage(`{"type":"object","properties":{` + strings.Join(properties, ",") + `}}`))
	if err != nil {
		b.Fatal(err)
	}
	text := []byte("{" + strings.Join(members, ",") + "}")
	for b.Loop() {
		if form, _ := schema.Form(text); len(form.Fields) != 201 {
			b.Fatal(len(form.Fields))
		}
	}
}
