package runtime

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

func TestWholeNumbersInEveryForm(t *testing.T) {
	t.Parallel()
	type in struct {
		N    int64    `json:"n"`
		List []uint8  `json:"list,omitzero"`
		Any  any      `json:"any,omitempty"`
		Text string   `json:"text,omitempty"`
		F    *float64 `json:"f,omitempty"`
	}
	for text, want := range map[string]int64{
		`{"n":3}`:                       3,
		`{"n":3.0}`:                     3,
		`{"n":3e2}`:                     300,
		`{"n":-1.20E+1}`:                -12,
		`{"n":0.5e1}`:                   5,
		`{"n":-0.0}`:                    0,
		`{"n":9223372036854775807}`:     math.MaxInt64,
		`{"n":9.223372036854775807e18}`: math.MaxInt64,
		`{"n":4.0,"text":"a \"2.0\" \\","any":[1.0,1.50],"f":2.50}`: 4,
	} {
		var v in
		if err := decodeJob(json.RawMessage(text), &v, true); err != nil || v.N != want {
			t.Errorf("%s: %d, %v", text, v.N, err)
		}
		if strings.Contains(text, "text") && (v.Text != `a "2.0" \` || *v.F != 2.5) {
			t.Errorf("%s: %+v", text, v)
		}
	}
	for _, text := range []string{`{"n":3.5}`, `{"n":9223372036854775808}`, `{"n":1e400}`, `{"n":1e19}`, `{"n":"3.0"}`, `{"n":3.0,"text":7}`} {
		var v in
		if err := decodeJob(json.RawMessage(text), &v, true); err == nil {
			t.Errorf("%s: decoded to %+v", text, v)
		}
	}
}

func TestInputAsTheHandlerSeesIt(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{
		// Python writes 3.0 for a float; it fits the schema, so the job must run.
		"a whole number written as a fraction": `{"number":21.0}`,
		// encoding/json fills a field from a property of any letter case. Nobody
		// has checked such a property, so it must not reach the handler.
		"another letter case":                      `{"number":21,"Number":99}`,
		"another letter case first":                `{"NUMBER":99,"number":21}`,
		"another letter case of an optional field": `{"number":21,"NOTE":"unchecked"}`,
		"another letter case and type":             `{"number":21,"Number":"x"}`,
	} {
		r := newRig(t, nil, testWorkers()...)
		resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("ok", "j", input), 1)))
		if ids := failures(t, resp, err); len(ids) > 0 {
			t.Errorf("%s: failed", name)
			continue
		}
		if out := string(r.eventOf(t, dispatch.EventCompleted).Output); out != `{"number":21}` {
			t.Errorf("%s: the handler saw %s", name, out)
		}
	}
}

func TestDropUnknownKeepsTheRest(t *testing.T) {
	t.Parallel()
	type inner struct {
		X json.Number `json:"x"`
	}
	type in struct {
		List []inner          `json:"list"`
		Map  map[string]inner `json:"map"`
		Raw  json.RawMessage  `json:"raw"`
		Any  any              `json:"any"`
		Ptr  *inner           `json:"ptr"`
	}
	worker, err := New("w", func(context.Context, *Job[in]) (struct{}, error) { return struct{}{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	got, err := worker.def.input.dropUnknown(json.RawMessage(
		`{"list":[{"x":1.50,"y":1}],"map":{"k":{"x":2,"X":3}},"raw":{"q":1},"any":{"z":12345678901234567890},"ptr":{"x":1,"u":2},"zz":"<"}`))
	const want = `{"any":{"z":12345678901234567890},"list":[{"x":1.50}],"map":{"k":{"x":2}},"ptr":{"x":1},"raw":{"q":1}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	type in struct {
		URL string `json:"url"`
	}
	handler := func(context.Context, *Job[in]) (struct{}, error) { return struct{}{}, nil }
	first, second := in{URL: "https://example.com/?a=1&b=2"}, in{URL: "https://example.org"}
	for name, opts := range map[string][]Option{
		"inferred": {WithExample(first), WithExample(second)},
		"given":    {WithExample(first), WithExample(second), WithInputSchema(json.RawMessage(`{ "type": "object", "properties": {"url": {"type": "string"}} }`))},
		"empty":    {WithExample(first), WithExample(second), WithInputSchema(json.RawMessage(`{ }`))},
	} {
		worker, err := New("w", handler, opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		raw := worker.def.manifest().InputSchema
		if !strings.Contains(string(raw), `"examples":[{"url":"https://example.com/?a=1&b=2"},{"url":"https://example.org"}]`) {
			t.Errorf("%s: schema %s", name, raw)
		}
		s, err := fullschema.Compile(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := string(s.Skeleton()); got != "{\n  \"url\": \"https://example.com/?a=1&b=2\"\n}" {
			t.Errorf("%s: a job starts with %s", name, got)
		}
	}
	for want, opts := range map[string][]Option{
		"the example is of type string":          {WithExample("https://example.com")},
		"the example is of type <nil>":           {WithExample(nil)},
		"does not fit the schema: /url":          {WithExample(first), WithInputSchema(json.RawMessage(`{"properties":{"url":{"maxLength":3}}}`))},
		"the schema has examples of its own":     {WithExample(first), WithInputSchema(json.RawMessage(`{"examples":[]}`))},
		"not an object that an example could be": {WithExample(first), WithInputSchema(json.RawMessage(`true`))},
	} {
		if _, err := New("w", handler, opts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
