package runtime

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// draft2020 is what an inferred schema declares itself to be.
const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// inferError is a Go type that no JSON Schema can be inferred from.
type inferError struct {
	t   reflect.Type
	err error
}

func (e *inferError) Error() string {
	return fmt.Sprintf("no JSON Schema can be inferred from %v: %v", e.t, e.err)
}
func (e *inferError) Unwrap() error { return e.err }

// inferSchema makes the schema of what encoding/json writes for t. The library
// looks at the shape of a type only; this wrapper adds what encoding/json does
// beyond it: methods that marshal, bytes in base64, and maps that are null.
func inferSchema(t reflect.Type) (*jsonschema.Schema, error) {
	overrides := map[reflect.Type]*jsonschema.Schema{}
	if err := collectOverrides(t, overrides, nil); err != nil {
		return nil, &inferError{t: t, err: err}
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: overrides})
	if err != nil {
		return nil, &inferError{t: t, err: err}
	}
	repairNull(s)
	repairEmbedded(t, s)
	s.Schema = draft2020
	return s, nil
}

// collectOverrides walks t and everything it holds. It refuses what the schema
// could not express, and gives a schema to each type whose JSON differs from its
// shape. path holds the named types above t.
func collectOverrides(t reflect.Type, overrides map[reflect.Type]*jsonschema.Schema, path []reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if _, done := overrides[t]; done {
		return nil
	}
	if s := overrideFor(t); s != nil {
		overrides[t] = s
		return nil
	}
	if t.Name() != "" {
		if slices.Contains(path, t) {
			return fmt.Errorf("%v contains itself", t)
		}
		path = append(path, t)
	}
	switch t.Kind() { //nolint:exhaustive // the other kinds hold no types
	case reflect.Slice, reflect.Array, reflect.Map:
		return collectOverrides(t.Elem(), overrides, path)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			if tag == "-" || (!f.IsExported() && !f.Anonymous) {
				continue
			}
			if _, opts, _ := strings.Cut(tag, ","); slices.Contains(strings.Split(opts, ","), "string") {
				return fmt.Errorf("field %s.%s: the json option \"string\" has no schema", t, f.Name)
			}
			if err := collectOverrides(f.Type, overrides, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// overrideFor is the schema of a type whose JSON is not what its kind suggests;
// nil for all others.
func overrideFor(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "integer", Description: "nanoseconds"}
	case reflect.TypeFor[json.Number]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[slog.Level]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[big.Int]():
		return &jsonschema.Schema{Type: "integer"}
	}
	if t.Kind() == reflect.Interface {
		return nil
	}
	switch ptr := reflect.PointerTo(t); {
	case t.Implements(jsonMarshaler), ptr.Implements(jsonMarshaler):
		// Whatever the method writes; json.RawMessage is one of these.
		return &jsonschema.Schema{}
	case t.Implements(textMarshaler), ptr.Implements(textMarshaler):
		return &jsonschema.Schema{Type: "string"}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return &jsonschema.Schema{Types: []string{"null", "string"}, ContentEncoding: "base64"}
	}
	return nil
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// repairEmbedded takes the fields of embedded pointers out of required: where the
// pointer is nil, encoding/json writes none of them.
func repairEmbedded(t reflect.Type, s *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() { //nolint:exhaustive // the other kinds hold no fields
	case reflect.Slice, reflect.Array:
		if s.Items != nil {
			repairEmbedded(t.Elem(), s.Items)
		}
	case reflect.Map:
		if s.AdditionalProperties != nil {
			repairEmbedded(t.Elem(), s.AdditionalProperties)
		}
	case reflect.Struct:
		// VisibleFields lists promoted fields too, with the path that leads to them.
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			property := s.Properties[name]
			if property == nil {
				continue
			}
			for i := 1; i < len(f.Index); i++ {
				if t.FieldByIndex(f.Index[:i]).Type.Kind() == reflect.Pointer {
					s.Required = slices.DeleteFunc(s.Required, func(r string) bool { return r == name })
				}
			}
			repairEmbedded(f.Type, property)
		}
	}
}

// repairNull corrects two things the library does to null. A pointer to a type
// whose schema allows everything becomes "null only": it is everything again. And
// a nil map, which encoding/json writes as null, is not allowed: it is.
func repairNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if slices.Equal(s.Types, []string{"null"}) {
		s.Types = nil
	}
	if s.Type == "object" && s.Properties == nil && s.AdditionalProperties != nil && s.AdditionalProperties.Not == nil {
		s.Type, s.Types = "", []string{"null", "object"}
	}
	repairNull(s.Items)
	if s.AdditionalProperties != nil && s.AdditionalProperties.Not == nil {
		repairNull(s.AdditionalProperties)
	}
	for _, p := range s.Properties {
		repairNull(p)
	}
}
