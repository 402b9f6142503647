package dispatch

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
// For ordinary schemas the skeleton is valid; for those with patterns or
// conditions it may not be, and Validate says where. A nil schema, and one that
// accepts anything, give {}.
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
		out, err := marshalPlain(given)
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
		text, err := marshalPlain(k.text(m))
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
		key, err := marshalPlain(name)
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

// text makes a string: the first of some candidates that fits the pattern.
func (k *sketcher) text(m merged) string {
	least, _ := m.integer("minLength")
	least = min(least, maxSketchValues)
	most, bounded := m.integer("maxLength")
	format, _ := m.find("format")
	name, _ := format.value.(string)
	candidates := []string{formatSample(name)}
	if candidates[0] == "" {
		candidates = append(candidates,
			"a", "A", "0", "abc", "ABC", "123", "a1", "a-b", "example", "00:00", "2026-01-01",
			"https://example.com", "user@example.com", "00000000-0000-4000-8000-000000000000")
	}
	for i, c := range candidates {
		if n := utf8.RuneCountInString(c); n < least && c == strings.Trim(c, "abcABC0123") {
			candidates[i] = c + strings.Repeat("x", least-n)
		} else if n < least && name == "" {
			candidates[i] = c + strings.Repeat(c[:1], least-n)
		}
	}
	pattern, _ := m.find("pattern")
	source, ok := pattern.value.(string)
	if !ok {
		return candidates[0]
	}
	re, err := k.schema.patterns.engine(source)
	if err != nil {
		return candidates[0]
	}
	for _, c := range candidates {
		if re.MatchString(c) && (!bounded || utf8.RuneCountInString(c) <= most) {
			return c
		}
	}
	return candidates[0]
}

// formatSample is a value of a string format; empty for an unknown one.
func formatSample(name string) string {
	switch name {
	case "uri", "url", "iri", "uri-reference", "iri-reference", "uri-template":
		return "https://example.com"
	case "email", "idn-email":
		return "user@example.com"
	case "date-time":
		return "2026-01-01T00:00:00Z"
	case "date":
		return "2026-01-01"
	case "time":
		return "00:00:00Z"
	case "duration":
		return "PT1M"
	case "uuid", "guid":
		return "00000000-0000-4000-8000-000000000000"
	case "hostname", "idn-hostname":
		return "example.com"
	case "ipv4":
		return "127.0.0.1"
	case "ipv6":
		return "::1"
	case "semver":
		return "1.0.0"
	}
	return ""
}
