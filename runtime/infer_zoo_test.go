package runtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// What encoding/json writes for any value of any type fits the schema of the type,
// and decodes into the type.
func TestZooWritesWhatItsSchemaAllows(t *testing.T) {
	t.Parallel()
	for name, kind := range zoo() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := inferred(t, kind.typ)
			rapid.Check(t, func(rt *rapid.T) {
				text, err := jsonlog.Encode(kind.made.Draw(rt, "value"))
				if err != nil {
					rt.Fatalf("encode: %v", err)
				}
				if found := s.Validate(text); len(found) > 0 {
					rt.Fatalf("%s\n%v\nschema %s", text, found, s.Raw())
				}
				if kind.written {
					return
				}
				if err := json.Unmarshal(text, reflect.New(kind.typ).Interface()); err != nil {
					rt.Fatalf("%s: %v", text, err)
				}
			})
		})
	}
}

// What the schema of a type accepts, encoding/json reads into it: the texts are
// those of values with something else in one place. And the checker that is built
// into package dispatch says of each what the full one says.
func TestZooReadsWhatItsSchemaAllows(t *testing.T) {
	t.Parallel()
	for name, kind := range zoo() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if kind.written {
				return
			}
			published, err := newSchema(nil, kind.typ, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			full, err := fullschema.Compile(published.text(), dispatch.TolerateOutputMode())
			if err != nil {
				t.Fatal(err)
			}
			accepted := 0
			rapid.Check(t, func(rt *rapid.T) {
				text, err := jsonlog.Encode(kind.made.Draw(rt, "value"))
				if err != nil {
					rt.Fatalf("encode: %v", err)
				}
				var v any
				if err := decodeInput(text, &v); err != nil {
					rt.Fatal(err)
				}
				// A type of one text is accepted as it is, and hardly ever changed.
				if rapid.IntRange(0, 3).Draw(rt, "as it is") > 0 {
					v = change(rt, v)
				}
				text, err = jsonlog.Encode(v)
				if err != nil {
					rt.Fatalf("encode: %v", err)
				}
				violations, warnings, err := published.validate(text)
				if err != nil {
					rt.Fatal(err)
				}
				if got, want := where(append(violations, warnings...)), where(full.Validate(text)); got != want {
					rt.Fatalf("%s\nbuilt in:%s\nin full:%s\nschema %s", text, got, want, published.text())
				}
				if len(violations) > 0 {
					return
				}
				accepted++
				known, err := published.dropUnknown(text)
				if err != nil {
					rt.Fatal(err)
				}
				if err := decodeAs(kind.typ, known); err != nil && !kind.refuses(err) {
					rt.Fatalf("the schema accepts %s: %v\nschema %s", text, err, published.text())
				}
			})
			if accepted == 0 {
				t.Error("the schema accepted nothing")
			}
		})
	}
}

// where lists violations by their places, one in a line.
func where(found []dispatch.Violation) string {
	var lines []string
	for _, v := range found {
		lines = append(lines, fmt.Sprintf("\n%s %s warning=%v", v.Pointer, v.Keyword, v.Warning))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// decodeAs is decodeJob for a type known at run time.
func decodeAs(t reflect.Type, text json.RawMessage) error {
	err := decodeInput(text, reflect.New(t).Interface())
	if err != nil && strings.Contains(err.Error(), "number") {
		if decodeInput(plainIntegers(text), reflect.New(t).Interface()) == nil {
			return nil
		}
	}
	return err
}

// refuses reports whether an error is beyond what a JSON Schema can say.
func (s species) refuses(err error) bool {
	text := err.Error()
	if strings.Contains(text, "cannot unmarshal number") && (strings.HasSuffix(text, " of type int") || strings.HasSuffix(text, " of type uint")) {
		return true // their range is the machine's
	}
	return slices.ContainsFunc(s.refused, func(part string) bool { return strings.Contains(text, part) })
}

// change puts something else into one place of a value.
func change(rt *rapid.T, v any) any {
	other := rapid.SampledFrom([]any{
		nil, true, "", "x", "12", "-7", "true", `"quoted"`, "AAEC", "A===", "2026-01-02T03:04:05Z", json.Number("0"), json.Number("-1"), json.Number("300"),
		json.Number("3.0"), json.Number("2.5"), json.Number("70000"), json.Number("5000000000"), json.Number("9223372036854775808"), json.Number("1e39"),
		[]any{},
		[]any{json.Number("1"), json.Number("2")},
		map[string]any{},
		map[string]any{"1": "x"},
		map[string]any{"-1": true},
	})
	switch x := v.(type) {
	case map[string]any:
		names := slices.Sorted(maps.Keys(x))
		switch action := rapid.IntRange(0, 4).Draw(rt, "action"); {
		case action == 0 || len(names) == 0:
			x[rapid.SampledFrom([]string{"extra", "ID", "Value", "7", "LEVEL"}).Draw(rt, "name")] = other.Draw(rt, "other")
		case action == 1:
			delete(x, rapid.SampledFrom(names).Draw(rt, "name"))
		default:
			name := rapid.SampledFrom(names).Draw(rt, "name")
			x[name] = change(rt, x[name])
		}
		return x
	case []any:
		if rapid.IntRange(0, 3).Draw(rt, "action") == 0 {
			return append(x, other.Draw(rt, "other"))
		}
		if len(x) == 0 {
			return x
		}
		i := rapid.IntRange(0, len(x)-1).Draw(rt, "index")
		x[i] = change(rt, x[i])
		return x
	}
	return other.Draw(rt, "other")
}

// The fields of a struct are exactly those that encoding/json writes.
func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	type Twice struct{ Kind string }
	type twiceA struct{ Twice }
	type twiceB struct{ Twice }
	for _, v := range []any{
		embedding{Deep: &Deep{Exported: &Exported{}}},
		taggedEmbedding{},
		odd{},
		url.URL{},
		everything{},
		struct {
			twiceA
			twiceB
		}{},
		struct {
			Twice
			audit
			Own string `json:"Kind"`
		}{},
		struct {
			Exported
			Region string
		}{},
		struct {
			Exported
			base
			Other string `json:"region"`
		}{},
		struct {
			A string `json:"B"`
			B string
		}{},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var written, want []string
		dec := json.NewDecoder(bytes.NewReader(text))
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			written = append(written, name.(string))
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range jsonFields(reflect.TypeOf(v)) {
			if !slices.Contains(written, f.name) && f.optional {
				continue
			}
			want = append(want, f.name)
		}
		if !slices.Equal(written, want) {
			t.Errorf("%T: encoding/json writes %q, the schema has %q", v, written, want)
		}
	}
}

func TestRecursiveSchemaIsReadable(t *testing.T) {
	t.Parallel()
	raw, err := inferText(reflect.TypeFor[struct {
		A page[int]     `json:"a"`
		B page[url.URL] `json:"b"`
		C ping          `json:"c" jsonschema:"the first one"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Properties map[string]struct {
			Ref         string `json:"$ref"`
			Description string `json:"description"`
		} `json:"properties"`
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(doc.Defs)); !slices.Equal(names, []string{"page_URL", "page_int", "ping"}) {
		t.Errorf("definitions %q", names)
	}
	if c := doc.Properties["c"]; c.Ref != "#/$defs/ping" || c.Description != "the first one" {
		t.Errorf("c = %+v", c)
	}
	again, err := inferText(reflect.TypeFor[tree]())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if other, _ := inferText(reflect.TypeFor[tree]()); !bytes.Equal(other, again) {
			t.Fatalf("two texts for one type:\n%s\n%s", again, other)
		}
	}
	// A reader who does not follow references still sees the root's properties.
	if !bytes.HasPrefix(again, []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"value":{"type":"integer"}`)) {
		t.Errorf("schema %s", again)
	}
}

// A job typed for a recursive type starts small, and fits.
func TestSkeletonOfRecursiveTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[tree](), reflect.TypeFor[ping](), reflect.TypeFor[page[leaf]]()} {
		s := inferred(t, typ)
		text := s.Skeleton()
		if found := s.Validate(text); len(found) > 0 || len(text) > 200 {
			t.Errorf("%v: %s: %v", typ, text, found)
		}
	}
}

func TestDropUnknownFollowsReferences(t *testing.T) {
	t.Parallel()
	s, err := newSchema(nil, reflect.TypeFor[tree](), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	input := json.RawMessage(`{"value":1,"pair":[1,null],"byName":{"x":{"value":2,"VALUE":3,"pair":[1,2],"byName":null,"left":null}},"left":{"value":4,"left":null,"byName":{},"pair":[0,0],"children":[{"value":5,"left":null,"byName":{},"pair":[0,0],"note":"?"}]}}`)
	violations, warnings, err := s.validate(input)
	if err != nil || len(violations) > 0 {
		t.Fatal(violations, err)
	}
	var at []string
	for _, w := range warnings {
		at = append(at, w.Pointer)
	}
	if slices.Sort(at); !slices.Equal(at, []string{"/byName/x/VALUE", "/left/children/0/note"}) {
		t.Errorf("warnings at %q", at)
	}
	got, err := s.dropUnknown(input)
	if err != nil || bytes.Contains(got, []byte("VALUE")) || bytes.Contains(got, []byte("note")) || !bytes.Contains(got, []byte(`"value":5`)) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTypesWithoutJSONNameTheField(t *testing.T) {
	t.Parallel()
	type inner struct {
		Hooks map[string][]struct{ Run func() } `json:"hooks"`
	}
	type outer struct {
		*inner
		Done chan int `json:"done,omitempty"`
		List [2]complex128
		Keys map[[2]int]string
		Tag  int `jsonschema:"minimum=1"`
	}
	_, err := inferText(reflect.TypeFor[outer]())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"from runtime.outer", "field inner.Hooks[key][].Run: func() has no JSON", "field Done: chan int has no JSON", "field List[]: complex128",
		"field Keys: the keys of a map must be strings, integers or an encoding.TextMarshaler", "field Tag: the tag jsonschema:\"minimum=1\"",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	type loop *loop
	for _, typ := range []reflect.Type{reflect.TypeFor[chan int](), reflect.TypeFor[func()](), reflect.TypeFor[loop](), reflect.TypeFor[map[bool]int]()} {
		if raw, err := inferText(typ); err == nil {
			t.Errorf("%v has the schema %s", typ, raw)
		}
	}
}

type pair[T any] struct{ A, B T }

type fourTimes[T any] = pair[pair[pair[pair[T]]]]

// Types that use each other in a row make a text that doubles with each.
func TestSchemaWithoutEnd(t *testing.T) {
	t.Parallel()
	_, err := inferText(reflect.TypeFor[fourTimes[fourTimes[fourTimes[fourTimes[fourTimes[int]]]]]]())
	if err == nil || !strings.Contains(err.Error(), "more than 20000 values") || strings.Count(err.Error(), "20000") > 1 {
		t.Errorf("error = %v", err)
	}
	if _, err := inferText(reflect.TypeFor[fourTimes[fourTimes[int]]]()); err != nil {
		t.Error(err)
	}
}

func BenchmarkInfer(b *testing.B) {
	for name, typ := range map[string]reflect.Type{"small": reflect.TypeFor[leaf](), "everything": reflect.TypeFor[everything](), "recursive": reflect.TypeFor[tree]()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := inferSchema(typ); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
