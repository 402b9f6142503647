package dispatch

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

const (
	// maxSketchDepth and maxSketchValues bound a skeleton of a schema that
	// refers to itself or asks for a million items.
	maxSketchDepth  = 12
	maxSketchValues = 2000
)

// Skeleton makes a starting input, indented by two spaces: the required
// properties in the order in which the schema lists them, then the optional
// ones that have a default, an example or a constant. A value is the first of
// const, default, the first example, the first enum value, and else the
// smallest value of its type that respects format, minimum, minLength and
// minItems. Of oneOf and anyOf the first form is taken, allOf is merged.
//
// For ordinary schemas the skeleton is valid; for those with conditions or
// intricate patterns it may not be, and Validate says where. A nil schema, and
// one that accepts anything, give {}.
func (s *Schema) Skeleton() json.RawMessage {
	empty := json.RawMessage("{}")
	if s == nil || s.doc.object() == nil {
		return empty
	}
	k := sketcher{schema: s, left: maxSketchValues}
	var b bytes.Buffer
	if !k.write(&b, s.doc, 0) {
		return empty
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return empty
	}
	return out.Bytes()
}

type sketcher struct {
	schema *Schema
	left   int
}

// write appends the value for d and reports whether there is one.
func (k *sketcher) write(b *bytes.Buffer, d schemaDoc, depth int) bool {
	k.left--
	m := merged{}
	m.add(d, 0)
	if given, ok := m.given(true); ok {
		out, err := jsontext.Marshal(given)
		if err != nil {
			return false
		}
		b.Write(out)
		return true
	}
	if depth >= maxSketchDepth || k.left <= 0 {
		b.WriteString("null")
		return true
	}
	switch m.kind(depth == 0) {
	case "object":
		k.object(b, m, depth)
	case "array":
		k.array(b, m, depth)
	case "string":
		text, err := jsontext.Marshal(k.text(m))
		if err != nil {
			return false
		}
		b.Write(text)
	case "number":
		b.WriteString(sketchNumber(m, false))
	case "integer":
		b.WriteString(sketchNumber(m, true))
	case "boolean":
		b.WriteString("false")
	default:
		b.WriteString("null")
	}
	return true
}

func (k *sketcher) object(b *bytes.Buffer, m merged, depth int) {
	required := m.required()
	var names []string
	for _, name := range m.properties() {
		if slices.Contains(required, name) {
			names = append(names, name)
		}
	}
	for _, name := range required { // required, but described nowhere
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range m.properties() {
		if slices.Contains(names, name) {
			continue
		}
		property := m.property(name)
		if _, ok := property.given(false); ok {
			names = append(names, name)
		}
	}
	b.WriteByte('{')
	first := true
	for _, name := range names {
		var value bytes.Buffer
		property, ok := m.propertyDoc(name)
		if !ok {
			value.WriteString("null")
		} else if !k.write(&value, property, depth+1) {
			continue
		}
		key, err := jsontext.Marshal(name)
		if err != nil {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.Write(key)
		b.WriteByte(':')
		b.Write(value.Bytes())
	}
	b.WriteByte('}')
}

func (k *sketcher) array(b *bytes.Buffer, m merged, depth int) {
	least := 0
	if n, ok := m.integer("minItems"); ok {
		least = n
	}
	if _, ok := m.find("contains"); ok && least == 0 {
		least = 1
		if n, ok := m.integer("minContains"); ok {
			least = n
		}
	}
	prefix, _ := m.find("prefixItems")
	items, haveItems := m.find("items")
	if items.array() != nil { // the tuple form of draft 7
		prefix = items
		items, haveItems = m.find("additionalItems")
	}
	if contains, ok := m.find("contains"); ok && !haveItems {
		items, haveItems = contains, true
	}
	if n := len(prefix.array()); n > least {
		// A tuple is wanted whole, although a schema such as Zod's accepts less.
		if most, ok := m.integer("maxItems"); ok {
			n = min(n, most)
		}
		least = n
	}
	b.WriteByte('[')
	for i := 0; i < least && k.left > 0; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		item, ok := prefix.child(strconv.Itoa(i))
		if !ok && haveItems {
			item, ok = items, true
		}
		if !ok || !k.write(b, item, depth+1) {
			b.WriteString("null")
		}
	}
	b.WriteByte(']')
}
