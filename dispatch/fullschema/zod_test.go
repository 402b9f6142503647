package fullschema_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// zodFixture is a schema as z.toJSONSchema wrote it, and what the Zod schema it
// was made of said of some inputs.
type zodFixture struct {
	Source  string          `json:"source"`
	Schema  json.RawMessage `json:"schema"`
	Accepts []string        `json:"accepts"`
	Refuses []struct {
		Text    string `json:"text"`
		Pointer string `json:"pointer"`
		Keyword string `json:"keyword"`
	} `json:"refuses"`
}

// What the deployed system publishes must take what its workers take, and refuse
// what they refuse at the same place.
func TestSchemasMadeByZod(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/zod/*.json")
	if err != nil || len(files) < 9 {
		t.Fatalf("fixtures: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var fixture zodFixture
			if err := json.Unmarshal(text, &fixture); err != nil {
				t.Fatal(err)
			}
			s, err := fullschema.Compile(fixture.Schema, dispatch.TolerateOutputMode())
			if err != nil {
				t.Fatal(err)
			}
			if w := s.Warnings(); len(w) > 0 {
				t.Errorf("warnings: %q", w)
			}
			for _, input := range fixture.Accepts {
				if found := s.Validate([]byte(input)); !dispatch.Valid(found) {
					t.Errorf("%s\ntakes %s, but: %v", fixture.Source, input, found)
				}
			}
			for _, bad := range fixture.Refuses {
				found := s.Validate([]byte(bad.Text))
				at := slices.IndexFunc(found, func(v dispatch.Violation) bool {
					return v.Pointer == bad.Pointer && v.Keyword == bad.Keyword && !v.Warning
				})
				if at < 0 {
					t.Errorf("%s\nrefuses %s at %q for %q, but: %v", fixture.Source, bad.Text, bad.Pointer, bad.Keyword, found)
					continue
				}
				// The offending value stands where the position points.
				value := bad.Text[found[at].Column-1:]
				if value == "" || strings.ContainsAny(value[:1], " ,:]}") {
					t.Errorf("%s: column %d does not point at a value", bad.Text, found[at].Column)
				}
			}
			if found := s.Validate(s.Skeleton()); len(found) > 0 {
				t.Errorf("the skeleton %s does not fit: %v", s.Skeleton(), found)
			}
		})
	}
}

// Each part of an intersection is closed, and none knows the whole.
func TestAdditionalPropertiesOfAnIntersection(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"allOf":[
		{"type":"object","properties":{"a":{"type":"string"},"o":{"type":"object","properties":{"x":{}},"additionalProperties":false}},"additionalProperties":false},
		{"type":"object","properties":{"b":{"type":"string"}},"additionalProperties":false}]}`)
	s, err := fullschema.Compile(schema, dispatch.TolerateOutputMode())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"a":"x","b":"y"}`:           "",
		`{"a":"x","b":"y","c":1}`:     "/c",
		`{"a":"x","o":{"x":1,"y":2}}`: "/o/y",
	} {
		var got []string
		for _, v := range s.Validate([]byte(text)) {
			if !v.Warning {
				t.Errorf("%s: %v", text, v)
			}
			got = append(got, v.Pointer)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: warnings at %q, want %q", text, got, want)
		}
	}
}
