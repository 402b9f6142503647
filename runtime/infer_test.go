package runtime

import (
	"context"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

type everything struct {
	Text     string            `json:"text"`
	Count    int               `json:"count"`
	Small    uint8             `json:"small"`
	Ratio    float64           `json:"ratio"`
	Yes      bool              `json:"yes"`
	List     []string          `json:"list"`
	Pair     [2]int            `json:"pair"`
	Map      map[string]int    `json:"map"`
	Deep     map[string][]leaf `json:"deep"`
	Leaf     leaf              `json:"leaf"`
	Pointer  *leaf             `json:"pointer"`
	Number   *int              `json:"number"`
	Bytes    []byte            `json:"bytes"`
	Raw      json.RawMessage   `json:"raw"`
	RawPtr   *json.RawMessage  `json:"rawPtr"`
	At       time.Time         `json:"at"`
	AtPtr    *time.Time        `json:"atPtr"`
	For      time.Duration     `json:"for"`
	Any      any               `json:"any"`
	Exact    json.Number       `json:"exact"`
	Addr     netip.Addr        `json:"addr"`
	Optional string            `json:"optional,omitempty"`
	Zero     time.Time         `json:"zero,omitzero"`
	Untagged int
	embedded
	Skipped func() `json:"-"`
}

type embedded struct {
	Inside string `json:"inside"`
}

type leaf struct {
	Name string `json:"name"`
}

func inferred(t testing.TB, typ reflect.Type) *dispatch.Schema {
	t.Helper()
	raw, err := inferText(typ)
	if err != nil {
		t.Fatal(err)
	}
	s, err := fullschema.Compile(raw)
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return s
}

// What encoding/json writes for a value fits the schema inferred from its type.
func TestOwnJSONFitsTheInferredSchema(t *testing.T) {
	t.Parallel()
	s := inferred(t, reflect.TypeFor[everything]())
	check := func(fail func(string, ...any), v everything) {
		text, err := json.Marshal(v)
		if err != nil {
			fail("marshal: %v", err)
		}
		if violations := s.Validate(text); len(violations) > 0 {
			fail("%s\nviolations: %+v", text, violations)
		}
	}
	check(t.Errorf, everything{})

	leaves := rapid.Custom(func(t *rapid.T) leaf { return leaf{Name: rapid.String().Draw(t, "name")} })
	raws := rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`null`), json.RawMessage(`{"a":[1]}`), json.RawMessage(`"x"`), json.RawMessage(`7`)})
	times := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).In(time.FixedZone("", 3600*rapid.IntRange(-12, 14).Draw(t, "zone")))
	})
	rapid.Check(t, func(rt *rapid.T) {
		raw := raws.Draw(rt, "raw")
		at := times.Draw(rt, "at")
		v := everything{
			Text: rapid.String().Draw(rt, "text"), Count: rapid.Int().Draw(rt, "count"), Small: rapid.Uint8().Draw(rt, "small"),
			Ratio: rapid.Float64().Draw(rt, "ratio"), Yes: rapid.Bool().Draw(rt, "yes"),
			List: rapid.SliceOf(rapid.String()).Draw(rt, "list"), Map: rapid.MapOf(rapid.String(), rapid.Int()).Draw(rt, "map"),
			Deep:    rapid.MapOf(rapid.String(), rapid.SliceOf(leaves)).Draw(rt, "deep"),
			Pointer: rapid.Ptr(leaves, true).Draw(rt, "pointer"), Number: rapid.Ptr(rapid.Int(), true).Draw(rt, "number"),
			Bytes: rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes"), Raw: raw, RawPtr: &raw,
			At: at, AtPtr: &at, For: time.Duration(rapid.Int64().Draw(rt, "for")),
			Any:   rapid.SampledFrom([]any{nil, 1, "x", []int{1}, map[string]any{"a": nil}}).Draw(rt, "any"),
			Exact: "12.50", Addr: netip.MustParseAddr("192.0.2.1"), Optional: rapid.String().Draw(rt, "optional"), Zero: at,
			embedded: embedded{Inside: "x"},
		}
		check(rt.Fatalf, v)
	})
}

func TestInferredSchema(t *testing.T) {
	t.Parallel()
	type input struct {
		URL   string `json:"url" jsonschema:"where it is"`
		Limit int    `json:"limit,omitempty"`
	}
	raw, err := inferText(reflect.TypeFor[input]())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema = %v", got["$schema"])
	}
	if req, _ := json.Marshal(got["required"]); string(req) != `["url"]` {
		t.Errorf("required = %s", req)
	}
	if !strings.Contains(string(raw), "where it is") {
		t.Errorf("no description in %s", raw)
	}

	s := inferred(t, reflect.TypeFor[everything]())
	for text, wantErr := range map[string]bool{
		`"2026-01-02T03:04:05Z"`: false,
		`"yesterday"`:            true,
		`null`:                   true,
	} {
		var at []string
		for _, v := range s.Validate([]byte(`{"at":` + text + `}`)) {
			if v.Pointer == "/at" {
				at = append(at, v.Message)
			}
		}
		if (len(at) > 0) != wantErr {
			t.Errorf("at = %s: violations %q, want some: %v", text, at, wantErr)
		}
	}
}

func TestTypesWithoutASchema(t *testing.T) {
	t.Parallel()
	_, err := New("w", func(context.Context, *Job[chan int]) (order, error) { return order{}, nil })
	if err == nil || !strings.Contains(err.Error(), "WithInputSchema") {
		t.Errorf("error = %v, want one that names WithInputSchema", err)
	}
	_, err = New("w", func(context.Context, *Job[any]) (func(), error) { return nil, nil })
	if err == nil || !strings.Contains(err.Error(), "WithOutputSchema") {
		t.Errorf("error = %v, want one that names WithOutputSchema", err)
	}
	_, err = New("w", func(context.Context, *Job[chan int]) (func(), error) { return nil, nil },
		WithInputSchema(json.RawMessage(`{}`)), WithOutputSchema(json.RawMessage(`{}`)))
	if err != nil {
		t.Errorf("with schemas given: %v", err)
	}
}

func TestGivenSchemaIsEnforcedAsWritten(t *testing.T) {
	t.Parallel()
	w := Must(New("w", accept, WithInputSchema(json.RawMessage(
		`{"type":"object","additionalProperties":false,"required":["number"],"properties":{"number":{"type":["integer","string"]}}}`))))
	for text, want := range map[string]string{
		`{"number":1}`:            "job.started job.completed",
		`{"number":1,"new":true}`: "job.failed",
		// The schema allows what the type cannot take: no attempt can cure that.
		`{"number":"1"}`: "job.started job.failed",
	} {
		r := newRig(t, nil, w)
		resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("w", "j", text), 1)))
		failures(t, resp, err)
		if got := r.eventNames(t); got != want {
			t.Errorf("%s: events %q, want %q", text, got, want)
		}
	}
}

// inferText is the text of the schema that a worker publishes for a type.
func inferText(typ reflect.Type) (json.RawMessage, error) {
	s, err := newSchema(nil, typ, nil, nil)
	if err != nil {
		return nil, err
	}
	return s.text(), nil
}

type place struct {
	City string `json:"city"`
}

// The fields of an embedded pointer are not written when it is nil.
func TestEmbeddedPointerIsOptional(t *testing.T) {
	t.Parallel()
	type stop struct {
		*place
		Name string `json:"name"`
	}
	type tour struct {
		stop
		Stops []stop          `json:"stops"`
		ByDay map[string]stop `json:"byDay"`
	}
	s := inferred(t, reflect.TypeFor[tour]())
	for _, v := range []tour{
		{Stops: []stop{{Name: "a"}}, ByDay: map[string]stop{"monday": {Name: "b"}}},
		{stop: stop{place: &place{City: "c"}}, Stops: []stop{{place: &place{City: "c"}}}},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if found := s.Validate(text); len(found) > 0 {
			t.Errorf("%s: %v", text, found)
		}
	}
	if found := s.Validate([]byte(`{"stops":[{"city":"c"}],"byDay":{}}`)); len(found) != 2 {
		t.Errorf("missing names: %v", found)
	}
}
