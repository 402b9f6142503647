package dispatch

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// maxParts bounds how many schemas may describe one value: allOf that refers to
// its own schema would make them without end.
const maxParts = 200

// merged is every schema that describes one value at once: the schema itself,
// what it refers to, its allOf, and the first form of its oneOf and anyOf.
type merged struct{ parts []schemaDoc }

func (m *merged) add(d schemaDoc, depth int) {
	if d.object() == nil || depth > maxRefs || len(m.parts) == maxParts {
		return
	}
	m.parts = append(m.parts, d)
	if next, ok := d.ref(); ok {
		m.add(next, depth+1)
	}
	all, _ := d.child("allOf")
	for i := range all.array() {
		part, _ := all.child(strconv.Itoa(i))
		m.add(part, depth+1)
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		forms, ok := d.child(keyword)
		if !ok {
			continue
		}
		if first, ok := forms.child("0"); ok {
			m.add(first, depth+1)
		}
	}
}

// find returns the first part's keyword.
func (m merged) find(keyword string) (schemaDoc, bool) {
	for _, part := range m.parts {
		if at, ok := part.child(keyword); ok {
			return at, true
		}
	}
	return schemaDoc{}, false
}

func (m merged) integer(keyword string) (int, bool) {
	n, ok := m.number(keyword)
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	return int(min(n.Num().Int64(), maxSketchValues)), true
}

func (m merged) number(keyword string) (*big.Rat, bool) {
	at, ok := m.find(keyword)
	if !ok {
		return nil, false
	}
	text, ok := at.value.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(string(text))
}

// given is the value the schema itself proposes. An enum proposes its first
// value, which is no reason to fill in an optional property.
func (m merged) given(enum bool) (any, bool) {
	if at, ok := m.find("const"); ok {
		return at.value, true
	}
	if at, ok := m.find("default"); ok {
		return at.value, true
	}
	if at, ok := m.find("examples"); ok && len(at.array()) > 0 {
		return at.array()[0], true
	}
	if at, ok := m.find("example"); ok { // OpenAPI's word
		return at.value, true
	}
	if at, ok := m.find("enum"); ok && enum && len(at.array()) > 0 {
		return at.array()[0], true
	}
	return nil, false
}

// kind is the type of value to make; of several, the first that is not null.
func (m merged) kind(root bool) string {
	var kinds []string
	for _, part := range m.parts {
		switch t := part.object()["type"].(type) {
		case string:
			kinds = append(kinds, t)
		case []any:
			for _, x := range t {
				if name, ok := x.(string); ok && (name != "null" || len(t) == 1) {
					kinds = append(kinds, name)
					break
				}
			}
		}
	}
	if len(kinds) > 0 {
		if slices.Contains(kinds, "integer") { // number and integer together
			return "integer"
		}
		return kinds[0]
	}
	has := func(keywords ...string) bool {
		return slices.ContainsFunc(keywords, func(k string) bool { _, ok := m.find(k); return ok })
	}
	switch {
	case has("properties", "required", "additionalProperties", "patternProperties", "minProperties"):
		return "object"
	case has("items", "prefixItems", "minItems", "contains"):
		return "array"
	case has("format", "pattern", "minLength", "maxLength"):
		return "string"
	case has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
		return "number"
	case root:
		return "object"
	}
	return "null"
}

// properties lists the described properties in the order of the text.
func (m merged) properties() []string {
	var out []string
	for _, part := range m.parts {
		at, _ := part.child("properties")
		for _, name := range at.names() {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func (m merged) required() []string {
	var out []string
	for _, part := range m.parts {
		at, _ := part.child("required")
		for _, x := range at.array() {
			if name, ok := x.(string); ok && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// propertyDoc is the schema of a property; the first part that has it.
func (m merged) propertyDoc(name string) (schemaDoc, bool) {
	for _, part := range m.parts {
		if at, ok := part.child("properties"); ok {
			if property, ok := at.child(name); ok {
				return property, true
			}
		}
	}
	return schemaDoc{}, false
}

func (m merged) property(name string) merged {
	var out merged
	if at, ok := m.propertyDoc(name); ok {
		out.add(at, 0)
	}
	return out
}

// sketchNumber is zero, or the number nearest to it that the bounds allow.
func sketchNumber(m merged, integer bool) string {
	one := big.NewRat(1, 1)
	value := new(big.Rat)
	low, hasLow := m.number("minimum")
	over, hasOver := m.number("exclusiveMinimum")
	high, hasHigh := m.number("maximum")
	under, hasUnder := m.number("exclusiveMaximum")
	switch {
	case hasLow && low.Cmp(value) > 0:
		value = low
	case hasOver && over.Cmp(value) >= 0:
		value = new(big.Rat).Add(over, one)
		if !integer {
			for _, top := range []*big.Rat{high, under} {
				if top != nil && value.Cmp(top) >= 0 {
					value = new(big.Rat).Add(over, top)
					value.Quo(value, big.NewRat(2, 1))
				}
			}
		}
	case hasHigh && high.Cmp(value) < 0:
		value = high
	case hasUnder && under.Cmp(value) <= 0:
		value = new(big.Rat).Sub(under, one)
		if !integer && hasLow && value.Cmp(low) < 0 {
			value = low
		}
	}
	step, stepped := m.number("multipleOf")
	if !stepped && integer {
		step, stepped = one, true
	}
	if stepped && step.Sign() > 0 {
		up := value.Sign() >= 0
		n := new(big.Rat).Quo(value, step)
		whole := new(big.Int).Div(n.Num(), n.Denom()) // rounds down
		if up && !n.IsInt() {
			whole.Add(whole, big.NewInt(1))
		}
		value = new(big.Rat).Mul(new(big.Rat).SetInt(whole), step)
	}
	if value.IsInt() {
		return value.Num().String()
	}
	digits, _ := value.FloatPrec()
	return strings.TrimRight(value.FloatString(max(min(digits, 30), 1)), "0")
}
