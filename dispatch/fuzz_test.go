package dispatch_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func FuzzParseMessage(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `{"workerId":"w","jobId":"j","input":{"a":1},"context":{"userId":7},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}`,
		`{"workerId":null,"context":[],"timestamp":"x","maxTokens":1e99,"extra":"\ud800"}`, `{"userId":"","input":null,"jobId":12}`,
		"{\"a\":\"\uffff\"}", `{"timestamp":"9999-12-31T23:59:59-01:00"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := dispatch.ParseMessage(body)
		if err != nil {
			if m != nil {
				t.Fatal("a message and an error")
			}
			return
		}
		first, err := m.MarshalJSON()
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", body, err)
		}
		if !json.Valid(first) || !utf8.Valid(first) || bytes.ContainsAny(first, "\n\r") {
			t.Fatalf("%q is written as %q", body, first)
		}
		again, err := dispatch.ParseMessage(first)
		if err != nil {
			t.Fatalf("%q is written as %q, which cannot be read: %v", body, first, err)
		}
		second, err := again.MarshalJSON()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written as %q, then as %q (%v)", first, second, err)
		}
		if m.EffectiveUserID() != again.EffectiveUserID() {
			t.Fatalf("user %q became %q", m.EffectiveUserID(), again.EffectiveUserID())
		}
	})
}

func FuzzTriggerURL(f *testing.F) {
	for _, base := range []string{
		"", "https://x.example.com/prod", "https://x/prod/workers/config?a=b#c", "http://[::1]:4566//workers/trigger//",
		"https://u:p@x/%2F/workers/trigger", "x:y", "https://x/%zz", "https://x/workers/trigger/workers/config",
	} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		once, err := dispatch.TriggerURL(base)
		if err != nil {
			return
		}
		u, err := url.Parse(once)
		if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || !strings.HasSuffix(u.Path, "/workers/trigger") {
			t.Fatalf("TriggerURL(%q) = %q, %v", base, once, err)
		}
		twice, err := dispatch.TriggerURL(once)
		if err != nil || twice != once {
			t.Fatalf("TriggerURL(%q) = %q, but TriggerURL of that is %q, %v", base, once, twice, err)
		}
		config, err := dispatch.ConfigURL(once)
		if err != nil || strings.TrimSuffix(config, "config") != strings.TrimSuffix(once, "trigger") {
			t.Fatalf("ConfigURL(%q) = %q, %v", once, config, err)
		}
	})
}

func FuzzValidate(f *testing.F) {
	schemas := []string{
		zodLike, `true`, `{"type":"object","properties":{"a":{"type":"string","pattern":"^(?!x)"}},"required":["a"],"additionalProperties":false}`,
		`{"anyOf":[{"type":"array","items":{"$ref":"#"},"uniqueItems":true},{"type":"object","propertyNames":{"maxLength":2},"additionalProperties":{"$ref":"#"}},{"const":1}]}`,
	}
	for i := range schemas {
		f.Add(i, []byte(zodLikeInput))
		f.Add(i, []byte(`[[1,1],{"abc":{"d":2}},{"a":"x"}]`))
		f.Add(i, []byte("{\"a\": 1,\r\n\"b\": [}"))
		f.Add(i, []byte(`{"a":"é","a":1e999}`))
	}
	var compiled []*dispatch.Schema
	for _, raw := range schemas {
		compiled = append(compiled, compile(f, raw), compile(f, raw, dispatch.TolerateOutputMode()))
	}
	f.Fuzz(func(t *testing.T, i int, text []byte) {
		s := compiled[uint(i)%uint(len(compiled))]
		found := s.Validate(text)
		if !json.Valid(text) && dispatch.Valid(found) {
			t.Fatalf("%q is not JSON, but valid", text)
		}
		textLines := bytes.Split(text, []byte("\n"))
		line, column := 1, 1
		for _, v := range found {
			if v.Line < line || v.Line == line && v.Column < column {
				t.Fatalf("%q: out of order: %v", text, lines(found))
			}
			line, column = v.Line, v.Column
			if v.Line > len(textLines) || v.Column < 1 || v.Column > utf8.RuneCount(textLines[v.Line-1])+1 {
				t.Fatalf("%q: %v is outside the text", text, v)
			}
			if v.Message == "" || v.Keyword == "" || strings.ContainsAny(v.Message, "\x1b\n\r\x00") {
				t.Fatalf("%q: unfit to print: %+v", text, v)
			}
		}
	})
}

// FuzzCompileSchema feeds hostile schemas: no panic, no endless skeleton, and
// never a look outside.
func FuzzCompileSchema(f *testing.F) {
	for _, raw := range []string{
		zodLike, `{"$ref":"#"}`, `{"$dynamicRef":"#x","$dynamicAnchor":"x"}`, `{"$id":"a","$defs":{"b":{"$id":"b"}},"$ref":"b"}`,
		`{"pattern":"(?<=a)(b"}`, `{"required":["a"],"properties":{"a":{"$ref":"#/properties/a"}}}`, `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{}]}`,
		`{"enum":[]}`, `{"properties":{"a":{"default":1}},"required":["a"],"additionalProperties":false}`, `{"minimum":1e400}`, `{"$anchor":"x","$ref":"#x"}`,
		`{"type":"array","contains":{"const":1},"minContains":3}`, `{"properties":{"a":true},"required":["a"],"type":["null","object"]}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, opts := range [][]dispatch.SchemaOption{nil, {dispatch.TolerateOutputMode()}} {
			s, err := dispatch.CompileSchema(raw, opts...)
			if err != nil {
				continue
			}
			out := s.Skeleton()
			if !json.Valid(out) {
				t.Fatalf("schema %q has the skeleton %q", raw, out)
			}
			s.Validate(out)
			s.Validate([]byte(`{"a":[1,{"b":null}],"url":"x"}`))
		}
	})
}
