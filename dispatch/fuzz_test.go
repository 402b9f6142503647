package dispatch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
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

// FuzzEndpointURL holds both directions: whatever is a base URL leads to the same
// two endpoints, and these lead back to themselves and to each other.
func FuzzEndpointURL(f *testing.F) {
	for _, base := range []string{
		"", "https://x.example.com/prod", "https://x/prod/workers/config?a=b#c", "http://[::1]:4566//workers/trigger//",
		"https://u:p@x/%2F/workers/trigger", "x:y", "https://x/%zz", "https://x/workers/trigger/workers/config",
		"https://x/a%2fworkers/config", "HTTPS://X/WORKERS/CONFIG", "https://x/./..//workers/config/", "https://x?workers/config",
		" https://x/prod/ ", "https://x:99999/", "http://x/;v=1/workers/trigger;v=2", "https://x/a b/workers/config",
	} {
		f.Add(base)
	}
	f.Fuzz(func(t *testing.T, base string) {
		trigger, err := dispatch.TriggerURL(base)
		config, configErr := dispatch.ConfigURL(base)
		if (err == nil) != (configErr == nil) {
			t.Fatalf("%q: trigger %v, config %v", base, err, configErr)
		}
		if err != nil {
			return
		}
		for name, text := range map[string]string{"trigger": trigger, "config": config} {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || !strings.HasSuffix(u.Path, "/workers/"+name) {
				t.Fatalf("%q: the %s endpoint is %q, %v", base, name, text, err)
			}
			if got, err := dispatch.TriggerURL(text); err != nil || got != trigger {
				t.Fatalf("%q: TriggerURL(%q) = %q, %v; want %q", base, text, got, err, trigger)
			}
			if got, err := dispatch.ConfigURL(text); err != nil || got != config {
				t.Fatalf("%q: ConfigURL(%q) = %q, %v; want %q", base, text, got, err, config)
			}
		}
	})
}

// FuzzTriggerAnswer feeds hostile answers of any status: an error is always safe
// to print and never shows the key, and a success always has a message id.
func FuzzTriggerAnswer(f *testing.F) {
	for _, seed := range []struct {
		status int
		body   string
	}{
		{200, `{"ok":true,"messageId":"m-1"}`},
		{200, `{"ok":false,"error":"s3cret-key\u001b[2J"}`},
		{200, "<html>\x1b]0;x\a"},
		{204, ``},
		{400, `{"error":"e","violations":[{"pointer":"/a","keyword":"type","message":"m\ns3cret-key","line":-1,"more":-5}]}`},
		{400, `{"violations":[{"more":9223372036854775807},{"more":9223372036854775807}]}`},
		{400, `{"violations":{}}`},
		{401, `{"error":"Unauthorized"}`},
		{404, `{"error":"Queue URL not found"}`},
		{500, `{"message":"\ud800"}`},
		{302, ``},
		{999, "\xff"},
	} {
		f.Add(seed.status, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		const key = "s3cret-key"
		transport := &stub{answers: []answer{{status: status, body: string(body), header: http.Header{"Location": {string(body)}}}}}
		trigger, err := dispatch.NewTrigger("https://api.example.com", key, &http.Client{Transport: transport}, dispatch.TriggerRetries(-1))
		if err != nil {
			t.Fatal(err)
		}
		id, err := trigger.Send(t.Context(), &dispatch.Message{WorkerID: "echo", JobID: "job-1"}, 0)
		if err == nil {
			if id == "" || status < 200 || status > 299 {
				t.Fatalf("status %d, %q: sent as %q", status, body, id)
			}
			return
		}
		text := err.Error()
		if strings.Contains(text, key) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 16<<10 {
			t.Fatalf("status %d, %q: unfit to print: %q", status, body, text)
		}
		if invalid, ok := errors.AsType[*dispatch.ValidationError](err); ok && dispatch.Valid(invalid.Violations) {
			t.Fatalf("status %d, %q: a validation error without a violation", status, body)
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
			s, err := fullschema.Compile(raw, opts...)
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
