package dispatch

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// FieldKind is what kind of value a field of a form takes.
type FieldKind string

// The kinds of fields.
const (
	FieldString  FieldKind = "string"
	FieldNumber  FieldKind = "number"
	FieldInteger FieldKind = "integer"
	FieldBoolean FieldKind = "boolean"
	FieldNull    FieldKind = "null"
	FieldObject  FieldKind = "object"
	FieldArray   FieldKind = "array"
	// FieldChoice takes one of Field.Choices: an enum, a const, or a union of those.
	FieldChoice FieldKind = "choice"
	// FieldAny takes any JSON value: the schema does not say, or allows several types.
	FieldAny FieldKind = "any"
)

// Bounds of a form: a schema may refer to itself, and a text may be long.
const (
	// MaxFormFields is how many fields a form has at most.
	MaxFormFields = 1000
	// MaxFormDepth is how deep its fields are nested at most; what is deeper is one
	// field of the kind any.
	MaxFormDepth = 24
	// MaxFormItems is how many items of one array have fields.
	MaxFormItems = 100
	// MaxFormChoices is how many choices and variants a field has at most.
	MaxFormChoices = 200
)

// Form is a JSON text laid out as the fields that a schema asks for: those which the
// text has, those which it lacks, and what else is in the text. It belongs to the text
// it was made from, and does not change.
type Form struct {
	// Fields begins with the root; what belongs to a field follows it, one deeper.
	Fields []Field
	// Cut says that there would be more fields than MaxFormFields.
	Cut bool

	schema *Schema
}

// Field is one value of a form. Texts of the schema are as it has them: a program that
// shows them to a person takes control characters out.
type Field struct {
	// Path leads to the value from the root: names of members, indexes of items.
	Path []string
	// Pointer is Path as a JSON pointer, by which a Violation names it.
	Pointer string
	// Name is the last of Path; empty for the root.
	Name string
	// Depth is the length of Path.
	Depth int
	Kind  FieldKind
	// Title and Description are the schema's; may be empty.
	Title, Description string
	// Required is whether the object it belongs to must have it.
	Required bool
	// Nullable is whether null is allowed beside Kind.
	Nullable bool
	// Known is whether the schema describes the field at all.
	Known bool
	// Item is whether it belongs to an array, and Removable whether it may be taken
	// out: not what is required.
	Item, Removable bool
	// Present is whether the text has it. Value is its JSON text then; Start and End
	// are where that stands, in bytes.
	Present    bool
	Value      json.RawMessage
	Start, End int
	// Length is how many members or items the value has; More is how many of the items
	// have no field.
	Length, More int
	// Choices are the values of FieldChoice, and Labels their titles, empty where there
	// is none.
	Choices []json.RawMessage
	Labels  []string
	// Default and Examples are the schema's proposals; nil when there are none.
	Default  json.RawMessage
	Examples []json.RawMessage
	// Hints say in a few words what the value has to look like: "email", "at least 1".
	Hints []string
	// Variants are the forms of the union that the value is one of, in words, when
	// there is a choice. Variant is the one that the value is taken for.
	Variants []string
	Variant  int
	// Open is whether an object takes members that are not described, and an array
	// another item.
	Open bool

	docs     []schemaDoc // what describes it, the chosen variant included
	variants []schemaDoc
	behind   []string
}

// Behind are the names of the members that come before this one in the schema: where
// it belongs when it is added. Nil for what the schema does not list: such a field is gone
// when the text no longer has it.
func (f *Field) Behind() []string { return f.behind }

// Form lays a text out. A text that is not JSON has no form, and one Violation, as
// Validate has it. A nil schema describes nothing: every value of the text is then a
// field that is not Known.
func (s *Schema) Form(text []byte) (*Form, *Violation) {
	parsed, problem := jsontext.Parse(text)
	if problem != nil {
		found := place(text, []jsontext.Finding{{
			Off: problem.Off, Path: problem.Path, Keyword: problem.Keyword, Message: problem.Message,
		}}, jsontext.LeftOut{})
		return nil, &found[0]
	}
	b := formBuilder{text: text, form: &Form{schema: s}}
	var root []schemaDoc
	if s != nil && s.doc.object() != nil {
		root = []schemaDoc{s.doc}
	}
	b.add(slot{required: true, docs: root, known: len(root) > 0, node: &parsed.Root, value: parsed.Value})
	return b.form, nil
}

// formBuilder makes one form.
type formBuilder struct {
	text []byte
	form *Form
}

// slot is a place in the text, or where one would be.
type slot struct {
	path            []string
	name            string
	docs            []schemaDoc
	known, required bool
	item            bool
	node            *jsontext.Node // nil: the text does not have it
	value           any
	behind          []string
}

// add makes the field of a slot, and those below it.
func (b *formBuilder) add(at slot) {
	if len(b.form.Fields) >= MaxFormFields {
		b.form.Cut = true
		return
	}
	told := b.facts(at)
	d := told.description
	f := Field{
		Path: at.path, Pointer: jsontext.Pointer(at.path), Name: at.name, Depth: len(at.path),
		Required: at.required, Known: at.known, Item: at.item, Removable: at.item || !at.required && len(at.path) > 0,
		Kind: d.kind, Title: told.title, Description: told.about, Nullable: d.nullable,
		Choices: d.choices, Labels: d.labels, Default: told.proposed, Examples: told.examples, Hints: told.hints,
		Variants: d.names, Variant: d.variant, docs: d.parts.parts, variants: d.variants, behind: at.behind,
	}
	if at.node != nil {
		f.Present, f.Start, f.End = true, at.node.Off, at.node.End
		f.Value = json.RawMessage(b.text[f.Start:f.End])
		f.Length = len(at.node.Kids)
	}
	f.Kind = actualKind(f.Kind, at)
	switch f.Kind {
	case FieldObject:
		f.Open = d.open()
	case FieldArray:
		most, bounded := d.parts.integer("maxItems")
		f.Open = !bounded || f.Length < most
		f.More = max(0, f.Length-MaxFormItems)
	case FieldString, FieldNumber, FieldInteger, FieldBoolean, FieldNull, FieldChoice, FieldAny:
	}
	if f.Depth >= MaxFormDepth && (f.Kind == FieldObject || f.Kind == FieldArray) {
		f.Kind, f.Open = FieldAny, false
	}
	b.form.Fields = append(b.form.Fields, f)
	switch {
	case !f.Present:
	case f.Kind == FieldObject:
		b.members(at, d)
	case f.Kind == FieldArray:
		b.items(at, d)
	}
}

// facts is what is told of a value. Nothing of it is changed by whoever gets it.
type facts struct {
	description
	title, about string
	proposed     json.RawMessage
	examples     []json.RawMessage
	hints        []string
}

// facts reads the schemas of a slot: once for a schema, unless the value decides
// between variants.
func (b *formBuilder) facts(at slot) *facts {
	var key *jsontext.Node
	if len(at.docs) == 1 {
		key = at.docs[0].node
	}
	if key != nil {
		if known, ok := b.form.schema.facts.Load(key); ok {
			if known, ok := known.(*facts); ok {
				return known
			}
		}
	}
	d := describe(at.docs, at.value, at.node != nil)
	out := &facts{
		description: d, title: d.text("title"), about: d.text("description"),
		proposed: d.proposal("default"), examples: d.examples(), hints: d.hints(),
	}
	if _, union := partsOf(at.docs).union(); key != nil && !union {
		b.form.schema.facts.Store(key, out)
	}
	return out
}

// actualKind is the kind by the schema, unless the text has a container where that
// does not expect one, or the other way round: such a value is edited as it is.
func actualKind(kind FieldKind, at slot) FieldKind {
	if at.node == nil {
		return kind
	}
	switch at.value.(type) {
	case map[string]any:
		if kind == FieldObject || kind == FieldAny {
			return FieldObject
		}
		return FieldAny
	case []any:
		if kind == FieldArray || kind == FieldAny {
			return FieldArray
		}
		return FieldAny
	}
	if len(at.path) == 0 && !at.known && kind == FieldAny {
		return FieldAny
	}
	return kind
}

// members adds the fields of an object: as the schema lists them, then what else the
// text has.
func (b *formBuilder) members(at slot, d description) {
	object, ok := at.value.(map[string]any)
	if !ok {
		return
	}
	required := d.parts.required()
	names := d.parts.properties()
	for _, name := range required {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	described := make(map[string]bool, len(names))
	for i, name := range names {
		described[name] = true
		b.add(b.member(at, object, name, d.parts.propertyDocs(name), slices.Contains(required, name), names[:i:i]))
	}
	for i := range at.node.Kids {
		name := at.node.Kids[i].Key
		if described[name] {
			continue
		}
		described[name] = true
		b.add(b.member(at, object, name, d.parts.additional(name), false, nil))
	}
}

func (b *formBuilder) member(at slot, object map[string]any, name string, docs []schemaDoc, required bool, behind []string) slot {
	return slot{
		path: jsontext.Member(at.path, name), name: name, docs: docs, known: len(docs) > 0, required: required,
		node: at.node.Child(name), value: object[name], behind: behind,
	}
}

func (b *formBuilder) items(at slot, d description) {
	values, ok := at.value.([]any)
	if !ok {
		return
	}
	for i := range min(len(values), MaxFormItems) {
		name := strconv.Itoa(i)
		docs := d.parts.itemDocs(i)
		b.add(slot{
			path: jsontext.Member(at.path, name), name: name, docs: docs, known: len(docs) > 0, item: true,
			node: &at.node.Kids[i], value: values[i],
		})
	}
}

// Field finds a field by its path; nil when there is none.
func (f *Form) Field(path []string) *Field {
	for i := range f.Fields {
		if slices.Equal(f.Fields[i].Path, path) {
			return &f.Fields[i]
		}
	}
	return nil
}

// Starter is the value that a field which the text does not have begins with: what
// Skeleton would write.
func (f *Form) Starter(field *Field) json.RawMessage { return f.sketch(field.docs, field.Kind) }

// NewItem is the value that another item of an array begins with.
func (f *Form) NewItem(array *Field) json.RawMessage {
	docs := merged{parts: array.docs}.itemDocs(array.Length)
	return f.sketch(docs, describe(docs, nil, false).kind)
}

// NewMember is the value that a member which the schema does not name begins with.
func (f *Form) NewMember(object *Field, name string) json.RawMessage {
	docs := merged{parts: object.docs}.additional(name)
	return f.sketch(docs, describe(docs, nil, false).kind)
}

// AsVariant is the value of a field as another of its variants: what that one starts
// with, and the members which the value has and that variant describes too.
func (f *Form) AsVariant(field *Field, variant int) json.RawMessage {
	if variant < 0 || variant >= len(field.variants) {
		return field.Value
	}
	docs := []schemaDoc{field.variants[variant]}
	fresh := f.sketch(docs, describe(docs, nil, false).kind)
	var was, now map[string]json.RawMessage
	if json.Unmarshal(field.Value, &was) != nil || json.Unmarshal(fresh, &now) != nil || now == nil {
		return fresh
	}
	parts := partsOf(docs)
	for name, value := range was {
		property := parts.propertyDocs(name)
		if len(property) == 0 || len(describe(property, nil, false).choices) == 1 {
			continue
		}
		now[name] = value
	}
	return ordered(parts.properties(), now)
}

// ordered writes an object, its members in the order of names, then the others.
func ordered(names []string, members map[string]json.RawMessage) json.RawMessage {
	for _, name := range sortedNames(members) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	out := []byte{'{'}
	for _, name := range names {
		value, ok := members[name]
		key, err := jsontext.Marshal(name)
		if !ok || err != nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}')
}

func sortedNames(members map[string]json.RawMessage) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
