package dispatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

func TestSkeleton(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, want string }{
		{
			"required first, then optional ones with a value, in the schema's order",
			`{"type":"object","properties":{
				"note":{"type":"string"},"size":{"type":"integer","default":3},"url":{"type":"string","format":"uri"},
				"tags":{"type":"array","items":{"type":"string"}},"lang":{"enum":["en","de"]},"who":{"examples":["ann","bob"]},
				"mode":{"type":"string","enum":["fast","slow"]}},
				"required":["mode","url","tags"]}`,
			"{\n  \"url\": \"https://example.com\",\n  \"tags\": [],\n  \"mode\": \"fast\",\n  \"size\": 3,\n  \"who\": \"ann\"\n}",
		},
		{
			"nested",
			`{"type":"object","required":["a"],"properties":{"a":{"type":"object","required":["c","b"],"properties":{"b":{"type":"boolean"},"c":{"const":"x<y"}}}}}`,
			"{\n  \"a\": {\n    \"b\": false,\n    \"c\": \"x<y\"\n  }\n}",
		},
		{
			"numbers respect their bounds",
			`{"required":["a","b","c","d","e","f"],"properties":{"a":{"type":"integer","minimum":3},"b":{"type":"number","exclusiveMinimum":0,"maximum":1},"c":{"type":"integer","maximum":-2},"d":{"type":"integer","minimum":7,"multipleOf":5},"e":{"type":"number","minimum":0.1},"f":{"type":"integer","exclusiveMinimum":0.5}}}`,
			"{\n  \"a\": 3,\n  \"b\": 0.5,\n  \"c\": -2,\n  \"d\": 10,\n  \"e\": 0.1,\n  \"f\": 2\n}",
		},
		{
			"arrays respect minItems",
			`{"required":["a","t"],"properties":{"a":{"type":"array","minItems":2,"items":{"type":"integer","minimum":1}},"t":{"minItems":2,"prefixItems":[{"type":"string"},{"type":"null"}]}}}`,
			"{\n  \"a\": [\n    1,\n    1\n  ],\n  \"t\": [\n    \"\",\n    null\n  ]\n}",
		},
		{
			"references, allOf and the first form",
			`{"$defs":{"p":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]},"with/slash":{"const":1}},
				"allOf":[{"$ref":"#/$defs/p"},{"properties":{"y":{"anyOf":[{"type":"null"},{"type":"string"}]}},"required":["y"]}],
				"oneOf":[{"properties":{"k":{"$ref":"#/$defs/with~1slash"}},"required":["k"]},{"required":["z"]}]}`,
			"{\n  \"x\": 0,\n  \"y\": null,\n  \"k\": 1\n}",
		},
		{
			"of several types the first that is not null",
			`{"required":["a"],"properties":{"a":{"type":["null","integer"]}}}`, "{\n  \"a\": 0\n}",
		},
		{
			"big numbers are not rounded",
			`{"required":["a"],"properties":{"a":{"default":12345678901234567890123}}}`, "{\n  \"a\": 12345678901234567890123\n}",
		},
		{
			"a simple pattern", `{"required":["a"],"properties":{"a":{"type":"string","pattern":"^[A-Z]{3}$"}}}`, "{\n  \"a\": \"ABC\"\n}",
		},
		{"required, but described nowhere", `{"type":"object","required":["a"]}`, "{\n  \"a\": null\n}"},
		{"a default for the whole", `{"type":"object","default":{"b":1}}`, "{\n  \"b\": 1\n}"},
		{"anything", `true`, `{}`},
		{"empty", `{}`, `{}`},
		{"nothing", ``, `{}`},
		{"no properties", `{"type":"object"}`, `{}`},
		{"a string", `{"type":"string","minLength":3}`, `"xxx"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(compile(t, tt.schema).Skeleton()); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if got := string((*dispatch.Schema)(nil).Skeleton()); got != "{}" {
		t.Errorf("a nil schema gives %s", got)
	}
}

func TestSkeletonOfAnEndlessSchemaEnds(t *testing.T) {
	t.Parallel()
	tests := []string{
		`{"type":"object","properties":{"child":{"$ref":"#"}},"required":["child"]}`,
		`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}},"required":["a","b","c"]}`,
		`{"$ref":"#"}`,
		`{"allOf":[{"$ref":"#"}]}`,
		`{"allOf":[{"$ref":"#"}` + strings.Repeat(`,{"$ref":"#"}`, 20) + `]}`,
		`{"type":"array","minItems":1000000000,"items":{"type":"string"}}`,
		`{"type":"array","minItems":100,"items":{"$ref":"#"}}`,
		`{"type":"string","minLength":1000000000}`,
	}
	for _, schema := range tests {
		out := compile(t, schema).Skeleton()
		if !json.Valid(out) || len(out) > 1<<20 {
			t.Errorf("%s: %d bytes, valid %v", schema, len(out), json.Valid(out))
		}
	}
}

// drawSchema draws an ordinary schema: one that some value made of typed zeros,
// defaults and first choices can satisfy.
func drawSchema(t *rapid.T, depth int) string {
	kinds := []string{"string", "integer", "number", "boolean", "null", "enum", "const", "format", "default", "bounded"}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "array", "anyOf", "allOf")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "enum":
		return `{"enum":["b",2,null]}`
	case "const":
		return `{"const":{"k":[1,"<"]}}`
	case "format":
		return fmt.Sprintf(`{"type":"string","format":%q}`, rapid.SampledFrom([]string{
			"uri", "email", "date-time", "date", "time", "duration", "uuid", "hostname", "ipv4", "ipv6",
			"iri", "uri-reference", "uri-template", "semver",
		}).Draw(t, "format"))
	case "default":
		return `{"type":"array","items":{"type":"integer"},"default":[1,2]}`
	case "bounded":
		low := rapid.IntRange(-20, 20).Draw(t, "low")
		return fmt.Sprintf(`{"type":%q,"%s":%d,"maximum":%d}`,
			rapid.SampledFrom([]string{"integer", "number"}).Draw(t, "type"),
			rapid.SampledFrom([]string{"minimum", "exclusiveMinimum"}).Draw(t, "bound"), low,
			low+rapid.IntRange(1, 30).Draw(t, "span"))
	case "array":
		return fmt.Sprintf(`{"type":"array","minItems":%d,"items":%s}`, rapid.IntRange(0, 3).Draw(t, "least"), drawSchema(t, depth-1))
	case "anyOf":
		return fmt.Sprintf(`{"anyOf":[%s,%s]}`, drawSchema(t, depth-1), drawSchema(t, depth-1))
	case "allOf":
		return fmt.Sprintf(`{"allOf":[{"type":"object","properties":{"p":%s},"required":["p"]},{"properties":{"q":%s},"required":["q"]}]}`,
			drawSchema(t, depth-1), drawSchema(t, depth-1))
	case "object":
		var properties, required []string
		for i := range rapid.IntRange(0, 4).Draw(t, "properties") {
			name := fmt.Sprintf("%c/%d", 'z'-rune(i), i)
			properties = append(properties, fmt.Sprintf("%q:%s", name, drawSchema(t, depth-1)))
			if rapid.Bool().Draw(t, "required") {
				required = append(required, fmt.Sprintf("%q", name))
			}
		}
		return fmt.Sprintf(`{"type":"object","properties":{%s},"required":[%s],"additionalProperties":false}`,
			strings.Join(properties, ","), strings.Join(required, ","))
	default:
		return fmt.Sprintf(`{"type":%q}`, kind)
	}
}

func TestSkeletonOfAnOrdinarySchemaIsValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := drawSchema(t, 3)
		s, err := fullschema.Compile(json.RawMessage(raw))
		if err != nil {
			t.Fatalf("compile %s: %v", raw, err)
		}
		out := s.Skeleton()
		if vs := s.Validate(out); len(vs) > 0 {
			t.Fatalf("schema %s\nskeleton %s\n%s", raw, out, lines(vs))
		}
	})
}
