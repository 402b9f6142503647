package runtime

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// inferError is a Go type that no JSON Schema can be inferred from.
type inferError struct {
	t   reflect.Type
	err error
}

func (e *inferError) Error() string {
	return fmt.Sprintf("no JSON Schema can be inferred from %v: %v", e.t, e.err)
}
func (e *inferError) Unwrap() error { return e.err }

// maxShapes is how many schemas one document may hold. A struct that is used in
// several places is written out in each, so that a few types which use each other
// in a row could make a text without end.
const maxShapes = 20_000

// The texts of numbers and strings as encoding/json reads and writes them.
const (
	intPattern   = `^-?(0|[1-9][0-9]*)$`
	uintPattern  = `^(0|[1-9][0-9]*)$`
	floatPattern = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`
	textPattern  = `^"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$`
	// base64Pattern is the standard alphabet with padding.
	base64Pattern = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
	// float32Limit is math.MaxFloat32 as encoding/json writes it.
	float32Limit = "3.4028235e38"
)

// inferSchema makes the schema of what encoding/json writes for t and reads into
// it: the shape of the type, and its text.
//
// What a JSON Schema cannot say is left to encoding/json: the range of a number
// that stands in a string (the option "string", the key of a map), of an int and a
// uint (which depends on the machine), what an UnmarshalText or UnmarshalJSON
// refuses, an interface with methods, and fields of an embedded pointer to an
// unexported struct (both of which encoding/json only writes). A MarshalText or
// MarshalJSON on the pointer is not called for the values of a map, which have no
// address.
func inferSchema(t reflect.Type) (*shape, func() json.RawMessage, error) {
	in := inference{types: map[reflect.Type]*inferredType{}, names: map[string]bool{}}
	root := *in.of(t, "")
	if err := errors.Join(in.errs...); err != nil {
		return nil, nil, &inferError{t: t, err: err}
	}
	if root.ref != nil { // a reader sees the properties of the root at once
		null := root.null
		root = *root.ref
		root.null = root.null || null
	}
	return &root, func() json.RawMessage { return root.document(in.definitions) }, nil
}

// inference is one run of inferSchema.
type inference struct {
	types       map[reflect.Type]*inferredType
	definitions []*shape // of types that contain themselves
	names       map[string]bool
	errs        []error
	tooLarge    bool
}

// inferredType is what has become of a type. shape is there from the beginning, so
// that others can refer to it, and filled in when done.
type inferredType struct {
	shape     *shape
	done      bool
	recursive bool
}

// refuse records that a field has no schema.
func (in *inference) refuse(path, format string, args ...any) *shape {
	err := fmt.Errorf(format, args...)
	if path != "" {
		err = fmt.Errorf("field %s: %w", path, err)
	}
	in.errs = append(in.errs, err)
	return &shape{size: 1}
}

// of is the shape of a type; path leads to it from the root, in Go's names.
func (in *inference) of(t reflect.Type, path string) *shape {
	if t.Kind() == reflect.Pointer {
		// A type that is a pointer to itself holds nothing but null.
		for seen := map[reflect.Type]bool{}; t.Kind() == reflect.Pointer; t = t.Elem() {
			if seen[t] {
				return in.refuse(path, "%v is a pointer to itself", t)
			}
			seen[t] = true
		}
		return in.of(t, path).orNull()
	}
	if known := in.types[t]; known != nil {
		if known.done && !known.recursive {
			return known.shape
		}
		if !known.recursive {
			known.recursive = true
			known.shape.name = in.nameFor(t)
			in.definitions = append(in.definitions, known.shape)
		}
		return &shape{ref: known.shape, size: 1}
	}
	it := &inferredType{shape: &shape{}}
	in.types[t] = it
	made := in.make(t, path)
	made.name = it.shape.name
	*it.shape = made
	it.done = true
	if made.size > maxShapes && !in.tooLarge {
		in.tooLarge = true
		return in.refuse(path, "the schema of %v would describe more than %d values", t, maxShapes)
	}
	if it.recursive {
		return &shape{ref: it.shape, size: 1}
	}
	return it.shape
}

// make is the shape of a type that has none yet.
func (in *inference) make(t reflect.Type, path string) shape {
	s := shape{size: 1}
	if known := special(t); known != nil {
		s = *known
		s.size = 1
		return s
	}
	switch t.Kind() {
	case reflect.Bool:
		s.kind = "boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.kind = "integer"
		s.minimum, s.maximum = integerRange(t)
	case reflect.Float32:
		s.kind, s.minimum, s.maximum = "number", "-"+float32Limit, float32Limit
	case reflect.Float64:
		s.kind = "number"
	case reflect.String:
		s.kind = "string"
	case reflect.Interface:
	case reflect.Slice:
		s.kind, s.null = "array", true
		s.items = in.of(t.Elem(), path+"[]")
		s.size += s.items.size
	case reflect.Array:
		s.kind, s.fixed, s.length = "array", true, t.Len()
		s.items = in.of(t.Elem(), path+"[]")
		s.size += s.items.size
	case reflect.Map:
		in.mapShape(&s, t, path)
	case reflect.Struct:
		in.structShape(&s, t, path)
	default:
		return *in.refuse(path, "%v has no JSON", t)
	}
	return s
}

func (in *inference) mapShape(s *shape, t reflect.Type, path string) {
	key := t.Key()
	s.kind, s.null = "object", true
	switch {
	case key.Kind() == reflect.String:
	case key.Implements(textMarshaler):
	case key.Kind() >= reflect.Int && key.Kind() <= reflect.Int64:
		s.keys = &shape{pattern: intPattern, kind: "string", size: 1}
	case key.Kind() >= reflect.Uint && key.Kind() <= reflect.Uintptr:
		s.keys = &shape{pattern: uintPattern, kind: "string", size: 1}
	default:
		in.refuse(path, "the keys of a map must be strings, integers or an encoding.TextMarshaler, and %v is none of these", key)
		return
	}
	s.values = in.of(t.Elem(), path+"[key]")
	s.size += s.values.size
}

func (in *inference) structShape(s *shape, t reflect.Type, path string) {
	s.kind, s.closed, s.known = "object", true, map[string]*shape{}
	for _, f := range jsonFields(t) {
		at := strings.TrimPrefix(path+"."+f.path, ".")
		p := property{name: f.name, required: !f.optional}
		if f.quoted {
			p.shape = in.quoted(f.field.Type, at)
		} else {
			p.shape = in.of(f.field.Type, at)
		}
		if text, ok := f.field.Tag.Lookup("jsonschema"); ok {
			if text == "" || beginsWithKeyword(text) {
				in.refuse(at, "the tag jsonschema:%q must describe the field in words; it takes no keywords: use WithInputSchema or WithOutputSchema for those", text)
			}
			p.shape = p.shape.described(text)
		}
		s.properties = append(s.properties, p)
		s.known[p.name] = p.shape
		s.size += p.shape.size
	}
}

// beginsWithKeyword reports whether a tag is one for a library that reads keywords
// from it, such as "minimum=1".
func beginsWithKeyword(tag string) bool {
	end := strings.IndexAny(tag, "= \t\n")
	return end >= 0 && tag[end] == '='
}

// quoted is the shape of a field with the option "string": its JSON within a string.
func (in *inference) quoted(t reflect.Type, path string) *shape {
	target := t
	if target.Name() == "" && target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	if hasMethods(target) {
		return in.of(t, path) // which encoding/json calls without regard to the option
	}
	s := &shape{kind: "string", null: target != t, size: 1}
	switch k := target.Kind(); {
	case k == reflect.Bool:
		s.enum = []string{"true", "false"}
	case k <= reflect.Int64:
		s.pattern = intPattern
	case k <= reflect.Uintptr:
		s.pattern = uintPattern
	case k <= reflect.Float64, target == reflect.TypeFor[json.Number]():
		s.pattern = floatPattern
	default:
		s.pattern = textPattern
	}
	if s.enum != nil && s.null {
		// An enum allows nothing beside its members.
		s.enum, s.pattern = nil, "^(true|false)$"
	}
	return s
}

// integerRange is what fits into an integer type. That of int and uint depends on
// the machine, on which a published schema must not.
func integerRange(t reflect.Type) (low, high string) {
	switch k := t.Kind(); {
	case k == reflect.Int:
		return "", ""
	case k == reflect.Uint, k == reflect.Uintptr:
		return "0", ""
	case k < reflect.Uint:
		most := uint64(1)<<(t.Bits()-1) - 1
		return "-" + strconv.FormatUint(most+1, 10), strconv.FormatUint(most, 10)
	default:
		return "0", strconv.FormatUint(^uint64(0)>>(64-t.Bits()), 10)
	}
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// hasMethods reports whether a type writes its JSON itself.
func hasMethods(t reflect.Type) bool {
	return implements(t, jsonMarshaler) || implements(t, textMarshaler)
}

// implements reports whether a type or a pointer to it has the methods.
func implements(t, methods reflect.Type) bool {
	return t.Implements(methods) || t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(methods)
}

// special is the shape of a type whose JSON is not what its kind suggests; nil for
// all others.
func special(t reflect.Type) *shape {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &shape{kind: "string", format: "date-time"}
	case reflect.TypeFor[time.Duration]():
		low, high := integerRange(t)
		return &shape{kind: "integer", description: "nanoseconds", minimum: low, maximum: high}
	case reflect.TypeFor[json.Number]():
		return &shape{kind: "number"}
	case reflect.TypeFor[slog.Level]():
		return &shape{kind: "string"}
	case reflect.TypeFor[big.Int]():
		return &shape{kind: "integer"}
	}
	switch {
	case implements(t, jsonMarshaler), implements(t, jsonUnmarshaler):
		// Whatever the method writes; json.RawMessage is one of these.
		return &shape{}
	case implements(t, textMarshaler) && t.Kind() != reflect.Interface:
		return &shape{kind: "string"}
	case implements(t, textMarshaler), implements(t, textUnmarshaler):
		return &shape{} // a nil interface is null; what is read from text may be written as anything
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !hasMethods(t.Elem()):
		return &shape{kind: "string", null: true, encoding: "base64", pattern: base64Pattern}
	}
	return nil
}

// nameFor is a name under $defs: the type's own, without packages, and a number
// after it when another type has the same.
func (in *inference) nameFor(t reflect.Type) string {
	var parts []string
	for _, part := range strings.FieldsFunc(t.Name(), func(r rune) bool { return strings.ContainsRune("[], *", r) }) {
		part = part[strings.LastIndexByte(part, '.')+1:]
		part = strings.Map(func(r rune) rune {
			if isAlphanumeric(r) || r == '_' {
				return r
			}
			return -1 // nothing that a URL would have to escape
		}, part)
		if part != "" {
			parts = append(parts, part)
		}
	}
	base := strings.Join(parts, "_")
	if base == "" {
		base = t.Kind().String()
	}
	name := base
	for n := 2; in.names[name]; n++ {
		name = base + strconv.Itoa(n)
	}
	in.names[name] = true
	return name
}
