package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

// outlineLine is one property of a schema, for a person to read.
type outlineLine struct {
	name     string // indented by its depth
	kind     string
	required bool
	note     string
}

// A schema comes from outside and may refer to itself: what is told of it is
// bounded in depth, in length, and in how deep a type is described.
const (
	outlineDepth = 3
	outlineMost  = 200
	kindDepth    = 4
	kindEnum     = 12
)

// outliner reads one schema.
type outliner struct {
	root  json.RawMessage
	lines []outlineLine
}

// outline lists a schema's properties in the order of its text.
func outline(raw json.RawMessage) []outlineLine {
	o := outliner{root: raw}
	o.object(o.resolve(raw), 0)
	return o.lines
}

// node is the part of a schema that is told.
type node struct {
	Type        json.RawMessage   `json:"type"`
	Ref         string            `json:"$ref"`
	Properties  json.RawMessage   `json:"properties"`
	Required    []string          `json:"required"`
	Items       json.RawMessage   `json:"items"`
	AnyOf       []json.RawMessage `json:"anyOf"`
	OneOf       []json.RawMessage `json:"oneOf"`
	Enum        []any             `json:"enum"`
	Const       any               `json:"const"`
	Default     any               `json:"default"`
	Description string            `json:"description"`
	Format      string            `json:"format"`
	Minimum     *json.Number      `json:"minimum"`
	Maximum     *json.Number      `json:"maximum"`
}

// object tells the properties of an object.
func (o *outliner) object(raw json.RawMessage, depth int) {
	var n node
	if depth >= outlineDepth || json.Unmarshal(raw, &n) != nil {
		return
	}
	for _, p := range properties(n.Properties) {
		if len(o.lines) >= outlineMost {
			return
		}
		prop := o.resolve(p.value)
		o.lines = append(o.lines, outlineLine{
			name:     strings.Repeat("  ", depth) + cell.Clean(p.name),
			kind:     cell.Clean(o.kind(prop, 0)),
			required: slices.Contains(n.Required, p.name),
			note:     cell.Clean(note(prop)),
		})
		below := prop
		var array node
		if json.Unmarshal(prop, &array) == nil && len(array.Items) > 0 {
			below = o.resolve(array.Items)
		}
		o.object(below, depth+1)
	}
}

type property struct {
	name  string
	value json.RawMessage
}

// properties reads an object's members in the order of the text.
func properties(raw json.RawMessage) []property {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	var out []property
	for dec.More() && len(out) < outlineMost {
		tok, err := dec.Token()
		name, ok := tok.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return out
		}
		out = append(out, property{name, value})
	}
	return out
}

// resolve follows a reference within the document, once.
func (o *outliner) resolve(raw json.RawMessage) json.RawMessage {
	var n node
	if json.Unmarshal(raw, &n) != nil || !strings.HasPrefix(n.Ref, "#/") {
		return raw
	}
	at := o.root
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for step := range strings.SplitSeq(n.Ref[2:], "/") {
		var object map[string]json.RawMessage
		if json.Unmarshal(at, &object) != nil {
			return raw
		}
		next, ok := object[unescape.Replace(step)]
		if !ok {
			return raw
		}
		at = next
	}
	return at
}

// kind is a type in a word: string, integer, array of string, one of "a", "b".
func (o *outliner) kind(raw json.RawMessage, depth int) string {
	var n node
	if depth >= kindDepth || json.Unmarshal(raw, &n) != nil {
		return "any"
	}
	switch {
	case len(n.Enum) > 0:
		var values []string
		for _, v := range n.Enum[:min(len(n.Enum), kindEnum)] {
			values = append(values, compact(v))
		}
		if more := len(n.Enum) - kindEnum; more > 0 {
			values = append(values, fmt.Sprintf("and %d more", more))
		}
		return "one of " + strings.Join(values, ", ")
	case n.Const != nil:
		return "always " + compact(n.Const)
	}
	var one string
	var several []string
	switch {
	case json.Unmarshal(n.Type, &one) == nil:
	case json.Unmarshal(n.Type, &several) == nil:
		one = strings.Join(several, " or ")
	case len(n.Properties) > 0:
		one = "object"
	default:
		return o.union(append(n.AnyOf, n.OneOf...), depth)
	}
	if len(n.Items) > 0 && strings.Contains(one, "array") {
		one = strings.Replace(one, "array", "array of "+o.kind(o.resolve(n.Items), depth+1), 1)
	}
	if n.Format != "" {
		one += " (" + n.Format + ")"
	}
	return one
}

// union is the kinds of several forms, each once.
func (o *outliner) union(forms []json.RawMessage, depth int) string {
	var kinds []string
	for _, form := range forms[:min(len(forms), kindEnum)] {
		if k := o.kind(o.resolve(form), depth+1); !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return "any"
	}
	return strings.Join(kinds, " or ")
}

// note is what else there is to know of a property.
func note(raw json.RawMessage) string {
	var n node
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	var notes []string
	switch {
	case n.Minimum != nil && n.Maximum != nil:
		notes = append(notes, fmt.Sprintf("%s to %s", *n.Minimum, *n.Maximum))
	case n.Minimum != nil:
		notes = append(notes, "at least "+n.Minimum.String())
	case n.Maximum != nil:
		notes = append(notes, "at most "+n.Maximum.String())
	}
	if n.Default != nil {
		notes = append(notes, "default "+compact(n.Default))
	}
	if n.Description != "" {
		notes = append(notes, n.Description)
	}
	return strings.Join(notes, "; ")
}

func compact(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}
