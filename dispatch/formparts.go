package dispatch

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// partsOf is every schema that describes a value whatever its variant: what was given,
// what that refers to, and its allOf. Unions are left to whoever knows the value.
func partsOf(docs []schemaDoc) merged {
	var m merged
	for _, d := range docs {
		m.addPlain(d, 0)
	}
	return m
}

func (m *merged) addPlain(d schemaDoc, depth int) {
	if d.object() == nil || depth > maxRefs || len(m.parts) >= maxParts {
		return
	}
	if slices.ContainsFunc(m.parts, func(p schemaDoc) bool { return same(p, d) }) {
		return
	}
	m.parts = append(m.parts, d)
	if next, ok := d.ref(); ok {
		m.addPlain(next, depth+1)
	}
	all, _ := d.child("allOf")
	for i := range all.array() {
		part, _ := all.child(strconv.Itoa(i))
		m.addPlain(part, depth+1)
	}
}

// same is whether two places of one schema are one.
func same(a, b schemaDoc) bool { return a.node != nil && a.node == b.node }

// propertyDocs is everything that describes a property.
func (m merged) propertyDocs(name string) []schemaDoc {
	var out []schemaDoc
	for _, part := range m.parts {
		if at, ok := part.child("properties"); ok {
			if property, ok := at.child(name); ok && property.object() != nil {
				out = append(out, property)
			}
		}
	}
	return out
}

// additional is what describes a property that no schema names.
func (m merged) additional(name string) []schemaDoc {
	for _, part := range m.parts {
		patterns, _ := part.child("patternProperties")
		for _, pattern := range patterns.names() {
			if re, err := regexp.Compile(pattern); err == nil && re.MatchString(name) {
				if at, ok := patterns.child(pattern); ok && at.object() != nil {
					return []schemaDoc{at}
				}
			}
		}
	}
	for _, part := range m.parts {
		if at, ok := part.child("additionalProperties"); ok && at.object() != nil {
			return []schemaDoc{at}
		}
	}
	return nil
}

// itemDocs is what describes the item with an index.
func (m merged) itemDocs(index int) []schemaDoc {
	for _, part := range m.parts {
		prefix, _ := part.child("prefixItems")
		items, ok := part.child("items")
		if items.array() != nil { // the tuple form of draft 7
			prefix = items
			items, ok = part.child("additionalItems")
		}
		if at, is := prefix.child(strconv.Itoa(index)); is && at.object() != nil {
			return []schemaDoc{at}
		}
		if ok && items.object() != nil {
			return []schemaDoc{items}
		}
	}
	return nil
}

// description is what the schemas of a value say of it.
type description struct {
	parts    merged
	kind     FieldKind
	nullable bool
	choices  []json.RawMessage
	labels   []string
	variants []schemaDoc
	names    []string
	variant  int
}

// describe reads the schemas of a value. The value, when there is one, decides between
// the variants of a union.
func describe(docs []schemaDoc, value any, present bool) description {
	d := description{parts: partsOf(docs)}
	if u, ok := d.parts.union(); ok {
		d.union(u, value, present)
	}
	d.choose()
	if d.choices == nil {
		d.kind = d.typed()
	}
	return d
}

// union takes the forms of a union in: null among them makes the value nullable, one
// form that is left describes it, forms of one value each are choices, and of others
// the value is one.
func (d *description) union(u unionDoc, value any, present bool) {
	var forms []schemaDoc
	for _, form := range u.forms {
		if isNull(form) {
			d.nullable = true
			continue
		}
		forms = append(forms, form)
	}
	if len(forms) == 0 {
		return
	}
	if len(forms) == 1 {
		d.take(forms[0], value, present)
		return
	}
	if d.constants(forms) {
		return
	}
	at := bestForm(forms, u.discriminator, value, present)
	d.variants, d.variant = forms, at
	for i, form := range forms {
		d.names = append(d.names, formName(form, u.discriminator, i))
	}
	d.take(forms[at], value, present)
}

// take adds a form, and what of an inner union the value is.
func (d *description) take(form schemaDoc, value any, present bool) {
	before := len(d.parts.parts)
	d.parts.addPlain(form, 0)
	for depth := 0; depth < 8; depth++ {
		inner, ok := merged{parts: d.parts.parts[before:]}.union()
		if !ok {
			return
		}
		before = len(d.parts.parts)
		var forms []schemaDoc
		for _, f := range inner.forms {
			if isNull(f) {
				d.nullable = true
			} else {
				forms = append(forms, f)
			}
		}
		if len(forms) == 0 {
			return
		}
		d.parts.addPlain(forms[bestForm(forms, inner.discriminator, value, present)], 0)
		if len(d.parts.parts) == before {
			return
		}
	}
}

// constants makes choices of forms that are one value each.
func (d *description) constants(forms []schemaDoc) bool {
	var choices []json.RawMessage
	var labels []string
	for _, form := range forms[:min(len(forms), MaxFormChoices)] {
		parts := partsOf([]schemaDoc{form})
		label, _ := parts.find("title")
		text, _ := label.value.(string)
		if at, ok := parts.find("const"); ok {
			choices, labels = append(choices, rawOf(at.value)), append(labels, text)
			continue
		}
		at, ok := parts.find("enum")
		if !ok {
			return false
		}
		for _, v := range at.array() {
			choices, labels = append(choices, rawOf(v)), append(labels, text)
		}
	}
	d.setChoices(choices, labels)
	return true
}

// choose reads enum and const.
func (d *description) choose() {
	if d.choices != nil {
		return
	}
	if at, ok := d.parts.find("const"); ok {
		d.setChoices([]json.RawMessage{rawOf(at.value)}, []string{""})
		return
	}
	at, ok := d.parts.find("enum")
	if !ok || len(at.array()) == 0 {
		return
	}
	values := at.array()
	var choices []json.RawMessage
	for _, v := range values[:min(len(values), MaxFormChoices)] {
		choices = append(choices, rawOf(v))
	}
	d.setChoices(choices, make([]string, len(choices)))
}

func (d *description) setChoices(choices []json.RawMessage, labels []string) {
	d.kind = FieldChoice
	for i, c := range choices {
		if len(d.choices) == MaxFormChoices {
			break
		}
		if string(c) == "null" {
			d.nullable = true
		}
		d.choices, d.labels = append(d.choices, c), append(d.labels, labels[i])
	}
}

// typed is the kind by type, or by the keywords that speak of one.
func (d *description) typed() FieldKind {
	var kinds []string
	said := false
	for _, part := range d.parts.parts {
		var here []string
		switch t := part.object()["type"].(type) {
		case string:
			here = []string{t}
		case []any:
			for _, x := range t {
				if name, ok := x.(string); ok {
					here = append(here, name)
				}
			}
		default:
			continue
		}
		if part.object()["nullable"] == true { // OpenAPI's word
			d.nullable = true
		}
		if !said {
			kinds, said = here, true
			continue
		}
		kinds = slices.DeleteFunc(kinds, func(k string) bool {
			return !slices.Contains(here, k) && (k != "integer" || !slices.Contains(here, "number"))
		})
	}
	if len(kinds) > 1 && slices.Contains(kinds, "null") {
		d.nullable = true
		kinds = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == "null" })
	}
	if len(kinds) == 2 && slices.Contains(kinds, "integer") && slices.Contains(kinds, "number") {
		return FieldNumber
	}
	if len(kinds) == 1 {
		switch k := FieldKind(kinds[0]); k {
		case FieldString, FieldNumber, FieldInteger, FieldBoolean, FieldNull, FieldObject, FieldArray:
			return k
		case FieldChoice, FieldAny:
		}
		return FieldAny
	}
	if said {
		return FieldAny
	}
	return d.guessed()
}

// guessed is the kind that keywords speak of where there is no type.
func (d *description) guessed() FieldKind {
	has := func(keywords ...string) bool {
		return slices.ContainsFunc(keywords, func(k string) bool { _, ok := d.parts.find(k); return ok })
	}
	switch {
	case has("properties", "required", "additionalProperties", "patternProperties", "minProperties"):
		return FieldObject
	case has("items", "prefixItems", "minItems", "contains"):
		return FieldArray
	case has("format", "pattern", "minLength", "maxLength"):
		return FieldString
	case has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
		return FieldNumber
	}
	return FieldAny
}

// open is whether an object takes members that no schema names.
func (d *description) open() bool {
	for _, part := range d.parts.parts {
		for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
			if part.object()[keyword] == false {
				_, patterns := part.child("patternProperties")
				return patterns
			}
		}
	}
	if at, ok := d.parts.find("maxProperties"); ok && at.value == json.Number("0") {
		return false
	}
	return true
}

func (d *description) text(keyword string) string {
	at, _ := d.parts.find(keyword)
	text, _ := at.value.(string)
	return text
}

func (d *description) proposal(keyword string) json.RawMessage {
	if at, ok := d.parts.find(keyword); ok {
		return rawOf(at.value)
	}
	return nil
}

func (d *description) examples() []json.RawMessage {
	var out []json.RawMessage
	at, _ := d.parts.find("examples")
	for _, v := range at.array() {
		if len(out) == MaxFormChoices {
			break
		}
		out = append(out, rawOf(v))
	}
	if one := d.proposal("example"); one != nil && len(out) == 0 { // OpenAPI's word
		out = append(out, one)
	}
	return out
}

// rawOf writes a value of the schema.
func rawOf(v any) json.RawMessage {
	out, err := jsontext.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // what was read can be written
	}
	return bytes.TrimSpace(out)
}

// sketch is the value that schemas describe, as Skeleton makes one.
func (f *Form) sketch(docs []schemaDoc, kind FieldKind) json.RawMessage {
	if f.schema == nil || len(docs) == 0 {
		return json.RawMessage(emptyOf(kind))
	}
	for _, d := range docs {
		k := sketcher{schema: f.schema, left: maxSketchValues}
		var b bytes.Buffer
		if k.write(&b, d, 1) && json.Valid(b.Bytes()) && (b.String() != "null" || kind == FieldNull) {
			return b.Bytes()
		}
	}
	return json.RawMessage(emptyOf(kind))
}

func emptyOf(kind FieldKind) string {
	switch kind {
	case FieldObject:
		return "{}"
	case FieldArray:
		return "[]"
	case FieldNumber, FieldInteger:
		return "0"
	case FieldBoolean:
		return "false"
	case FieldNull:
		return "null"
	case FieldString, FieldChoice, FieldAny:
	}
	return `""`
}
