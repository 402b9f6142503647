package dispatch_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func write(t *testing.T, m *dispatch.Message) string {
	t.Helper()
	out, err := m.MarshalJSON()
	if err != nil {
		t.Fatalf("MarshalJSON: %v", err)
	}
	return string(out)
}

func TestMessageIsWrittenAsTheDeployedProducersWriteIt(t *testing.T) {
	t.Parallel()
	budget := 4000
	full := &dispatch.Message{
		WorkerID:   "video-processing",
		JobID:      "job-1767225600123-abcdefghi",
		Input:      json.RawMessage(`{ "url" : "https://example.com/a?b=1&c=<d>" }`),
		Context:    map[string]any{"userId": "u1", "requestId": "r1"},
		WebhookURL: "https://example.com/hook?a=1&b=2",
		Metadata:   map[string]any{"note": "<b> & more"},
		Timestamp:  time.Date(2026, 1, 2, 3, 4, 5, 67_900_000, time.FixedZone("", 7200)),
		UserID:     "u2",
		MaxTokens:  &budget,
		Extra:      map[string]json.RawMessage{"zeta": json.RawMessage("1"), "alpha": json.RawMessage(`{"n":2}`)},
	}
	tests := []struct {
		name string
		m    *dispatch.Message
		want string
	}{
		{
			"every field, in order", full,
			`{"workerId":"video-processing","jobId":"job-1767225600123-abcdefghi",` +
				`"input":{"url":"https://example.com/a?b=1&c=<d>"},"context":{"requestId":"r1","userId":"u1"},` +
				`"webhookUrl":"https://example.com/hook?a=1&b=2","metadata":{"note":"<b> & more"},` +
				`"timestamp":"2026-01-02T01:04:05.067Z","userId":"u2","maxTokens":4000,"alpha":{"n":2},"zeta":1}`,
		},
		{
			"empty", &dispatch.Message{},
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{}}`,
		},
		{
			"nil", nil,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{}}`,
		},
		{
			"whole seconds keep their milliseconds",
			&dispatch.Message{WorkerID: "w", JobID: "j", Timestamp: time.Unix(1767225600, 0)},
			`{"workerId":"w","jobId":"j","input":{},"context":{},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}`,
		},
		{
			"a year of five digits, as JavaScript writes it",
			&dispatch.Message{Timestamp: time.Date(12026, 1, 2, 3, 4, 5, 0, time.UTC)},
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"timestamp":"+012026-01-02T03:04:05.000Z"}`,
		},
		{
			"extra cannot shadow what is set",
			&dispatch.Message{UserID: "u", Extra: map[string]json.RawMessage{"userId": json.RawMessage("7"), "input": json.RawMessage("8")}},
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"userId":"u"}`,
		},
		{
			"characters SQS refuses",
			&dispatch.Message{JobID: "a\uffffb", Input: json.RawMessage("\"\ufffe\xff\"")},
			"{\"workerId\":\"\",\"jobId\":\"a\\uffffb\",\"input\":\"\\ufffe\ufffd\",\"context\":{},\"metadata\":{}}",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := write(t, tt.m); got != tt.want {
				t.Errorf("wrote\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestMessageThatCannotBeWrittenSaysWhichField(t *testing.T) {
	t.Parallel()
	tests := map[string]*dispatch.Message{
		`"input"`:    {JobID: "j1", Input: json.RawMessage(`{"a":`)},
		`"metadata"`: {JobID: "j1", Metadata: map[string]any{"f": func() {}}},
		`"zeta"`:     {JobID: "j1", Extra: map[string]json.RawMessage{"zeta": json.RawMessage("nope")}},
	}
	for field, m := range tests {
		_, err := m.MarshalJSON()
		if err == nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), `"j1"`) {
			t.Errorf("error %v, want one that names field %s and job j1", err, field)
		}
	}
}

func TestParseMessageIsTolerant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, rewritten string
	}{
		{
			"nothing but an id", `{"jobId":"j"}`,
			`{"workerId":"","jobId":"j","input":{},"context":{},"metadata":{}}`,
		},
		{
			"nulls", `{"workerId":null,"jobId":null,"context":null,"metadata":null,"timestamp":null,"userId":null,"maxTokens":null,"webhookUrl":null}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{}}`,
		},
		{
			"a null input stays null", `{"input":null}`,
			`{"workerId":"","jobId":"","input":null,"context":{},"metadata":{}}`,
		},
		{
			"unknown fields", `{"jobStoreUrl":"https://example.com","a":[1, 2],"jobId":"j"}`,
			`{"workerId":"","jobId":"j","input":{},"context":{},"metadata":{},"a":[1,2],"jobStoreUrl":"https://example.com"}`,
		},
		{
			"field names are case-sensitive", `{"JobID":"x","jobid":"y"}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"JobID":"x","jobid":"y"}`,
		},
		{
			"fields of other types keep their place",
			`{"workerId":"w","jobId":"j","context":"c","metadata":[1],"webhookUrl":7,"timestamp":1767225600,"userId":42,"maxTokens":"many"}`,
			`{"workerId":"w","jobId":"j","input":{},"context":"c","webhookUrl":7,"metadata":[1],"timestamp":1767225600,"userId":42,"maxTokens":"many"}`,
		},
		{
			"a timestamp that does not parse", `{"timestamp":"yesterday"}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"timestamp":"yesterday"}`,
		},
		{
			"a timestamp with an offset", `{"timestamp":"2026-01-01T02:00:00+02:00"}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}`,
		},
		{
			"numeric ids", `{"workerId":12345678901234567890,"jobId":-1}`,
			`{"workerId":"12345678901234567890","jobId":"-1","input":{},"context":{},"metadata":{}}`,
		},
		{
			"big numbers are not rounded",
			`{"input":{"n":12345678901234567890123},"context":{"n":12345678901234567890123},"metadata":{"f":0.10000000000000000001}}`,
			`{"workerId":"","jobId":"","input":{"n":12345678901234567890123},"context":{"n":12345678901234567890123},"metadata":{"f":0.10000000000000000001}}`,
		},
		{
			"a token budget written as a float", `{"maxTokens":4e3}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"maxTokens":4000}`,
		},
		{
			"half a token is nobody's budget", `{"maxTokens":0.5}`,
			`{"workerId":"","jobId":"","input":{},"context":{},"metadata":{},"maxTokens":0.5}`,
		},
		{
			"duplicate keys: the last counts", `{"jobId":"a","jobId":"b","input":{"k":1,"k":2}}`,
			`{"workerId":"","jobId":"b","input":{"k":1,"k":2},"context":{},"metadata":{}}`,
		},
		{
			"space around and inside", " \r\n{ \"jobId\" : \"j\" , \"input\" : [ 1 ,\n 2 ] }\n",
			`{"workerId":"","jobId":"j","input":[1,2],"context":{},"metadata":{}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := dispatch.ParseMessage([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if got := write(t, m); got != tt.rewritten {
				t.Errorf("written back as\n%s\nwant\n%s", got, tt.rewritten)
			}
		})
	}
}

func TestParseMessageRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{"", "the body is empty"},
		{" \n\t", "the body is empty"},
		{"hello", "text and not JSON"},
		{`[1,2]`, "a JSON array"},
		{`"secret"`, "a JSON string"},
		{`17`, "a JSON number"},
		{`true`, "a JSON boolean"},
		{`null`, "JSON null"},
		{`{"jobId":"j"`, "not valid JSON at byte 12 of 12"},
		{`{"jobId":"j"} {}`, "not valid JSON at byte 15"},
		{`{"jobId":{"a":1}}`, `field "jobId" is a JSON object`},
		{`{"workerId":false}`, `field "workerId" is a JSON boolean`},
	}
	for _, tt := range tests {
		m, err := dispatch.ParseMessage([]byte(tt.body))
		if err == nil || m != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseMessage(%q) = %v, %v; want an error with %q", tt.body, m, err, tt.want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error quotes the body: %v", err)
		}
	}
	var syntax *json.SyntaxError
	if _, err := dispatch.ParseMessage([]byte("{")); !errors.As(err, &syntax) {
		t.Errorf("error %v does not wrap the syntax error", err)
	}
}

func TestEffectiveUserID(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{}`, ""},
		{`{"userId":"top"}`, "top"},
		{`{"userId":"top","context":{"userId":"inner"}}`, "inner"},
		{`{"userId":"top","context":{"userId":null}}`, "top"},
		{`{"userId":"top","context":{"userId":""}}`, ""},
		{`{"context":{"userId":12345678901234567890}}`, "12345678901234567890"},
		{`{"userId":7}`, "7"},
		{`{"userId":{"a":1}}`, ""},
	}
	for _, tt := range tests {
		m, err := dispatch.ParseMessage([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.EffectiveUserID(); got != tt.want {
			t.Errorf("%s: user %q, want %q", tt.body, got, tt.want)
		}
	}
	if got := (*dispatch.Message)(nil).EffectiveUserID(); got != "" {
		t.Errorf("nil message has user %q", got)
	}
}

func TestNewJobIDHasTheDeployedForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^job-1767225600123-[0-9a-z]{9}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := dispatch.NewJobID(time.UnixMilli(1767225600123))
		if !form.MatchString(id) {
			t.Fatalf("id %q", id)
		}
		if seen[id] {
			t.Fatalf("id %q twice", id)
		}
		seen[id] = true
	}
}

// anyJSON draws a JSON value as encoding/json would hand it out.
func anyJSON() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any { return drawJSON(t, 3) })
}

func drawJSON(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number"))
	case 3, 4:
		return rapid.String().Draw(t, "string")
	case 5:
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			out = append(out, drawJSON(t, depth-1))
		}
		return out
	}
	out := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		out[rapid.String().Draw(t, "name")] = drawJSON(t, depth-1)
	}
	return out
}

func TestMessageSurvivesTheWire(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOfN(rapid.String(), anyJSON(), 0, 3)
		input, err := json.Marshal(anyJSON().Draw(t, "input"))
		if err != nil {
			t.Fatal(err)
		}
		m := &dispatch.Message{
			WorkerID:   rapid.String().Draw(t, "workerId"),
			JobID:      rapid.String().Draw(t, "jobId"),
			Input:      input,
			Context:    object.Draw(t, "context"),
			WebhookURL: rapid.String().Draw(t, "webhookUrl"),
			Metadata:   object.Draw(t, "metadata"),
			Timestamp:  time.UnixMilli(rapid.Int64Range(-60e12, 250e12).Draw(t, "timestamp")),
			UserID:     rapid.String().Draw(t, "userId"),
		}
		if rapid.Bool().Draw(t, "budget") {
			n := rapid.Int().Draw(t, "maxTokens")
			m.MaxTokens = &n
		}
		first, err := m.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := dispatch.ParseMessage(first)
		if err != nil {
			t.Fatalf("%v: %s", err, first)
		}
		second, err := back.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(second) {
			t.Fatalf("first\n%s\nthen\n%s", first, second)
		}
		if !back.Timestamp.Equal(m.Timestamp) || back.JobID != m.JobID || back.UserID != m.UserID {
			t.Fatalf("got %+v back for %+v", back, m)
		}
	})
}
