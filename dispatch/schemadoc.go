package dispatch

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// schemaDoc is a place in a schema: the value there, and the node that knows
// the order in which its members were written.
type schemaDoc struct {
	value    any
	node     *jsontext.Node
	root     any
	rootNode *jsontext.Node
}

// object is the value as an object; nil when it is none.
func (d schemaDoc) object() map[string]any {
	m, _ := d.value.(map[string]any)
	return m
}

// array is the value as an array; nil when it is none.
func (d schemaDoc) array() []any {
	a, _ := d.value.([]any)
	return a
}

// child steps to a member or an item.
func (d schemaDoc) child(token string) (schemaDoc, bool) {
	switch v := d.value.(type) {
	case map[string]any:
		x, ok := v[token]
		if !ok {
			return schemaDoc{}, false
		}
		d.value = x
	case []any:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(v) {
			return schemaDoc{}, false
		}
		d.value = v[i]
	default:
		return schemaDoc{}, false
	}
	if d.node != nil {
		d.node = d.node.Child(token)
	}
	return d, true
}

// names lists an object's members in the order of the text.
func (d schemaDoc) names() []string {
	var out []string
	if d.node == nil {
		return out
	}
	seen := make(map[string]bool, len(d.node.Kids))
	for _, kid := range d.node.Kids {
		if !seen[kid.Key] {
			seen[kid.Key] = true
			out = append(out, kid.Key)
		}
	}
	return out
}

// ref follows a $ref inside the document. Only pointers are followed; anchors
// and ids are not.
func (d schemaDoc) ref() (schemaDoc, bool) {
	target, ok := d.object()["$ref"].(string)
	if !ok {
		return schemaDoc{}, false
	}
	return d.at(target)
}

// at goes to a place in the document: "#", or "#/" and a JSON pointer.
func (d schemaDoc) at(fragment string) (schemaDoc, bool) {
	pointer, ok := strings.CutPrefix(fragment, "#")
	if !ok {
		return schemaDoc{}, false
	}
	at := schemaDoc{value: d.root, node: d.rootNode, root: d.root, rootNode: d.rootNode}
	if pointer == "" {
		return at, true
	}
	tokens, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return schemaDoc{}, false
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for token := range strings.SplitSeq(tokens, "/") {
		token, err := url.PathUnescape(token)
		if err != nil {
			return schemaDoc{}, false
		}
		if at, ok = at.child(unescape.Replace(token)); !ok {
			return schemaDoc{}, false
		}
	}
	return at, true
}

// subschemas calls f for every schema directly below d. Keywords that hold data
// (default, enum, const, examples) are not schemas and not entered.
func (d schemaDoc) subschemas(f func(schemaDoc)) {
	for keyword := range d.object() {
		at, _ := d.child(keyword)
		switch keyword {
		case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies":
			for name := range at.object() {
				sub, _ := at.child(name)
				f(sub)
			}
		case "allOf", "anyOf", "oneOf", "prefixItems":
			for i := range at.array() {
				sub, _ := at.child(strconv.Itoa(i))
				f(sub)
			}
		case "items":
			if at.array() == nil {
				f(at)
				continue
			}
			for i := range at.array() {
				sub, _ := at.child(strconv.Itoa(i))
				f(sub)
			}
		case "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains",
			"propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema":
			f(at)
		}
	}
}
