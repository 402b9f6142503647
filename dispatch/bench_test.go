package dispatch_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// zodLike is a twelve-field object in the form Zod 4 publishes: formats with
// their long patterns, a nested object, a record, a union and defaults.
const zodLike = `{
"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"properties":{
 "jobName":{"type":"string","minLength":1,"maxLength":100},
 "url":{"type":"string","format":"uri"},
 "email":{"type":"string","format":"email","pattern":"^(?:[A-Za-z0-9_'+\\-]+\\.)*[A-Za-z0-9_'+\\-]+@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$"},
 "id":{"type":"string","format":"uuid","pattern":"^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000)$"},
 "at":{"type":"string","format":"date-time","pattern":"^(?:\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01]))T(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d+)?)?(?:Z)$"},
 "retries":{"default":3,"type":"integer","minimum":0,"maximum":9007199254740991},
 "mode":{"type":"string","enum":["fast","slow","best"]},
 "tags":{"type":"array","items":{"type":"string"}},
 "size":{"type":"object","properties":{"w":{"type":"number"},"h":{"type":"number"}},"required":["w","h"],"additionalProperties":false},
 "labels":{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"string"}},
 "target":{"anyOf":[{"type":"string"},{"type":"number"}]},
 "note":{"anyOf":[{"type":"string"},{"type":"null"}]}
},
"required":["jobName","url","email","id","at","retries","mode","tags","size","labels","target","note"],
"additionalProperties":false}`

const zodLikeInput = `{
  "jobName": "nightly",
  "url": "https://example.com/video.mp4",
  "email": "user@example.com",
  "id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  "at": "2026-01-01T00:00:00Z",
  "retries": 3,
  "mode": "fast",
  "tags": ["a", "b", "c"],
  "size": {"w": 1920, "h": 1080},
  "labels": {"team": "media", "tier": "1"},
  "target": "s3",
  "note": null
}`

const zodLikeInvalid = `{
  "jobName": "",
  "url": "nowhere",
  "email": "user",
  "id": 7,
  "at": "soon",
  "mode": "quick",
  "tags": ["a", 2, "c"],
  "size": {"w": 1920},
  "labels": {"team": 1},
  "target": null,
  "extra": true
}`

func BenchmarkSchemaValidate(b *testing.B) {
	for _, bb := range []struct {
		name, text string
		opts       []dispatch.SchemaOption
		violations int
	}{
		{"valid", zodLikeInput, nil, 0},
		{"invalid", zodLikeInvalid, nil, 13},
		{"syntax", zodLikeInput[:len(zodLikeInput)-1], nil, 1},
		{"valid, output mode", zodLikeInput, []dispatch.SchemaOption{dispatch.TolerateOutputMode()}, 0},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := compile(b, zodLike, bb.opts...)
			text := []byte(bb.text)
			if got := s.Validate(text); len(got) != bb.violations {
				b.Fatalf("%d violations, want %d: %q", len(got), bb.violations, lines(got))
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Validate(text)
			}
		})
	}
}

func BenchmarkCompileSchema(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, zodLike)
	}
}

func BenchmarkParseMessage(b *testing.B) {
	body := benchmarkBody(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dispatch.ParseMessage(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalMessage(b *testing.B) {
	body := benchmarkBody(b)
	m, err := dispatch.ParseMessage(body)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkBody(b *testing.B) []byte {
	b.Helper()
	m, err := dispatch.ParseMessage([]byte(`{"workerId":"video-processing","jobId":"job-1767225600123-abcdefghi","input":` + zodLikeInput +
		`,"context":{"requestId":"r-1","userId":"u-1"},"webhookUrl":"https://example.com/hook","metadata":{"source":"api","attempt":1},"timestamp":"2026-01-01T00:00:00.123Z"}`))
	if err != nil {
		b.Fatal(err)
	}
	body, err := m.MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	return body
}
