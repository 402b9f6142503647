package runtime

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// draft2020 is what an inferred schema declares itself to be.
const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// shape is the JSON Schema of a Go type: the keywords that types can express. The
// zero value allows everything. A shape that has been made is not changed any more,
// since types that are used twice share theirs.
type shape struct {
	// kind is the JSON type; empty allows everything, unless ref is set.
	kind string
	// null allows null too.
	null bool
	// ref, when set, is the shape under $defs that this one stands for.
	ref *shape
	// name is that of a shape under $defs.
	name string

	description, format, pattern, encoding string
	enum                                   []string
	minimum, maximum                       string // number literals, so that 64 bits are exact

	items  *shape
	fixed  bool // the array has exactly length items
	length int

	// properties are those of an object that knows no others: a struct. values is
	// the shape of every value of an object that is a map, and keys of its names.
	closed     bool
	properties []property
	known      map[string]*shape // the same, by name
	values     *shape
	keys       *shape

	// size is how many shapes the text holds.
	size int
}

// property is a member of a struct's shape.
type property struct {
	name     string
	shape    *shape
	required bool
}

// orNull is the shape with null allowed.
func (s *shape) orNull() *shape {
	if s.null || s.anything() {
		return s
	}
	c := *s
	c.null = true
	return &c
}

// described is the shape with another description.
func (s *shape) described(text string) *shape {
	c := *s
	c.description = text
	return &c
}

func (s *shape) anything() bool { return s.kind == "" && s.ref == nil }

// resolved is the shape itself, or the one it stands for.
func (s *shape) resolved() *shape {
	for s.ref != nil {
		s = s.ref
	}
	return s
}

// missing says what {} lacks; empty when it fits.
func (s *shape) missing() string {
	s = s.resolved()
	if s.kind != "" && s.kind != "object" {
		return "it must be of the type " + s.kind
	}
	for _, p := range s.properties {
		if p.required {
			return "the property " + strconv.Quote(p.name) + " is required"
		}
	}
	return ""
}

// document is the text of a whole schema.
func (s *shape) document(definitions []*shape) json.RawMessage {
	w := shapeWriter{}
	w.open()
	w.text("$schema", draft2020)
	w.members(s)
	if len(definitions) > 0 {
		w.name("$defs")
		w.open()
		for _, d := range definitions {
			w.member(d.name, d)
		}
		w.close()
	}
	w.close()
	return w.out
}

// shapeWriter writes the text of shapes.
type shapeWriter struct{ out []byte }

func (w *shapeWriter) open()  { w.out = append(w.out, '{') }
func (w *shapeWriter) close() { w.out = append(w.out, '}') }

func (w *shapeWriter) quote(text string) {
	if !strings.ContainsFunc(text, needsEscape) { // nearly all of them
		w.out = append(append(append(w.out, '"'), text...), '"')
		return
	}
	quoted, _ := jsonlog.Encode(text) // a string always encodes
	w.out = append(w.out, quoted...)
}

func needsEscape(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }

// comma separates values: every value is written after an opening bracket, a name
// or another value.
func (w *shapeWriter) comma() {
	switch w.out[len(w.out)-1] {
	case '{', '[', ':':
	default:
		w.out = append(w.out, ',')
	}
}

func (w *shapeWriter) name(name string) {
	w.comma()
	w.quote(name)
	w.out = append(w.out, ':')
}

func (w *shapeWriter) text(name, value string) {
	if value != "" {
		w.name(name)
		w.quote(value)
	}
}

// literal is text without quotes.
func (w *shapeWriter) literal(name, value string) {
	if value != "" {
		w.name(name)
		w.out = append(w.out, value...)
	}
}

func (w *shapeWriter) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	w.out = append(w.out, '[')
	for _, v := range values {
		w.comma()
		w.quote(v)
	}
	w.out = append(w.out, ']')
}

func (w *shapeWriter) member(name string, s *shape) {
	if s != nil {
		w.name(name)
		w.shape(s)
	}
}

func (w *shapeWriter) shape(s *shape) {
	if s.anything() && s.description == "" {
		w.out = append(w.out, "true"...)
		return
	}
	w.open()
	w.members(s)
	w.close()
}

func (w *shapeWriter) members(s *shape) {
	w.reference(s)
	switch {
	case s.kind == "":
	case s.null:
		w.list("type", []string{"null", s.kind})
	default:
		w.text("type", s.kind)
	}
	w.text("description", s.description)
	w.list("enum", s.enum)
	w.literal("minimum", s.minimum)
	w.literal("maximum", s.maximum)
	w.text("pattern", s.pattern)
	w.text("contentEncoding", s.encoding)
	w.text("format", s.format)
	w.member("items", s.items)
	if s.fixed {
		w.literal("minItems", strconv.Itoa(s.length))
		w.literal("maxItems", strconv.Itoa(s.length))
	}
	w.properties(s)
	w.member("propertyNames", s.keys)
	w.member("additionalProperties", s.values)
}

func (w *shapeWriter) reference(s *shape) {
	if s.ref == nil {
		return
	}
	if s.null {
		w.name("anyOf")
		// null first: whoever types an input starts with the first form, and a type
		// that contains itself has no end.
		w.out = append(w.out, `[{"type":"null"},{`...)
	}
	w.text("$ref", "#/$defs/"+s.ref.name)
	if s.null {
		w.out = append(w.out, "}]"...)
	}
}

func (w *shapeWriter) properties(s *shape) {
	if !s.closed {
		return
	}
	var required []string
	if len(s.properties) > 0 {
		w.name("properties")
		w.open()
		for _, p := range s.properties {
			w.member(p.name, p.shape)
			if p.required {
				required = append(required, p.name)
			}
		}
		w.close()
	}
	w.list("required", required)
	w.literal("additionalProperties", "false")
}
