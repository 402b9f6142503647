package dispatch

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// unionDoc is a oneOf or anyOf that gives a choice.
type unionDoc struct {
	forms         []schemaDoc
	discriminator string // the property that tells the forms apart; may be empty
}

// union is the first union of a value's schemas. A form that is a union itself
// stands for its own forms.
func (m merged) union() (unionDoc, bool) {
	for _, part := range m.parts {
		for _, keyword := range []string{"oneOf", "anyOf"} {
			at, ok := part.child(keyword)
			if !ok || len(at.array()) == 0 {
				continue
			}
			var u unionDoc
			discriminator, _ := part.child("discriminator")
			if name, ok := discriminator.object()["propertyName"].(string); ok {
				u.discriminator = name
			}
			for i := range at.array() {
				if form, ok := at.child(strconv.Itoa(i)); ok && len(u.forms) < MaxFormChoices {
					u.forms = append(u.forms, flat(form, 0)...)
				}
			}
			u.forms = slices.DeleteFunc(u.forms, onlyRequires)
			if len(u.forms) > MaxFormChoices {
				u.forms = u.forms[:MaxFormChoices]
			}
			if u.discriminator == "" {
				u.discriminator = tellsApart(u.forms)
			}
			if len(u.forms) > 0 {
				return u, true
			}
		}
	}
	return unionDoc{}, false
}

// onlyRequires is a form that says which members there must be and describes nothing:
// a condition, which a form cannot offer for choice.
func onlyRequires(form schemaDoc) bool {
	object := form.object()
	if object == nil {
		return true
	}
	_, required := object["required"]
	return required && len(object) == 1
}

// flat is a form, or the forms of one that is nothing but a union.
func flat(form schemaDoc, depth int) []schemaDoc {
	if depth > 4 {
		return []schemaDoc{form}
	}
	at := form
	for range maxRefs {
		next, ok := at.ref()
		if !ok || len(at.object()) > 1 {
			break
		}
		at = next
	}
	if len(at.object()) != 1 {
		return []schemaDoc{form}
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		inner, ok := at.child(keyword)
		if !ok {
			continue
		}
		var out []schemaDoc
		for i := range inner.array() {
			if f, ok := inner.child(strconv.Itoa(i)); ok && len(out) < MaxFormChoices {
				out = append(out, flat(f, depth+1)...)
			}
		}
		return out
	}
	return []schemaDoc{form}
}

func isNull(form schemaDoc) bool {
	parts := partsOf([]schemaDoc{form})
	if at, ok := parts.find("const"); ok {
		return at.value == nil
	}
	at, _ := parts.find("type")
	return at.value == "null"
}

// tellsApart is the property that is another constant in every form.
func tellsApart(forms []schemaDoc) string {
	if len(forms) < 2 {
		return ""
	}
	for _, name := range partsOf(forms[:1]).properties() {
		seen := map[string]bool{}
		for _, form := range forms {
			value, ok := constantOf(form, name)
			if !ok || seen[value] {
				break
			}
			seen[value] = true
		}
		if len(seen) == len(forms) {
			return name
		}
	}
	return ""
}

// constantOf is the one value that a form allows for a property, as JSON.
func constantOf(form schemaDoc, name string) (string, bool) {
	property := partsOf(partsOf([]schemaDoc{form}).propertyDocs(name))
	if at, ok := property.find("const"); ok {
		return string(rawOf(at.value)), true
	}
	if at, ok := property.find("enum"); ok && len(at.array()) == 1 {
		return string(rawOf(at.array()[0])), true
	}
	return "", false
}

// bestForm is the form that a value is most likely meant for; the first without one.
func bestForm(forms []schemaDoc, discriminator string, value any, present bool) int {
	if !present {
		return 0
	}
	best, most := 0, -1000
	for i, form := range forms {
		if score := fits(form, discriminator, value); score > most {
			best, most = i, score
		}
	}
	return best
}

// fits grades how well a value fits a form: its type before all, then what tells forms
// apart, then the members.
func fits(form schemaDoc, discriminator string, value any) int {
	d := description{parts: partsOf([]schemaDoc{form})}
	score := typeScore(d, value)
	object, ok := value.(map[string]any)
	if !ok {
		if at, is := d.parts.find("const"); is && string(rawOf(at.value)) == string(rawOf(value)) {
			score += 50
		}
		return score
	}
	names := d.parts.properties()
	for _, name := range names {
		v, has := object[name]
		constant, isConstant := constantOf(form, name)
		switch {
		case !has:
		case isConstant && constant == string(rawOf(v)):
			score += 20
			if name == discriminator {
				score += 100
			}
		case isConstant:
			score -= 20
			if name == discriminator {
				score -= 100
			}
		default:
			score++
		}
	}
	for _, name := range d.parts.required() {
		if _, has := object[name]; !has {
			score--
		}
	}
	for name := range object {
		if !slices.Contains(names, name) {
			score--
		}
	}
	return score
}

func typeScore(d description, value any) int {
	kind := d.typed()
	if kind == FieldAny {
		return 0
	}
	ok := false
	switch v := value.(type) {
	case map[string]any:
		ok = kind == FieldObject
	case []any:
		ok = kind == FieldArray
	case string:
		ok = kind == FieldString
	case bool:
		ok = kind == FieldBoolean
	case json.Number:
		ok = kind == FieldNumber || kind == FieldInteger && !strings.ContainsAny(string(v), ".eE")
	case nil:
		ok = kind == FieldNull
	}
	if ok {
		return 100
	}
	return -100
}

// formName is what a form of a union is called: by its title, what tells it apart, the
// name it is defined under, or its type.
func formName(form schemaDoc, discriminator string, index int) string {
	parts := partsOf([]schemaDoc{form})
	if title, ok := form.object()["title"].(string); ok && title != "" {
		return title
	}
	if discriminator != "" {
		if value, ok := constantOf(form, discriminator); ok {
			var text string
			if json.Unmarshal([]byte(value), &text) == nil {
				return text
			}
			return value
		}
	}
	if title, ok := parts.find("title"); ok {
		if text, ok := title.value.(string); ok && text != "" {
			return text
		}
	}
	if ref, ok := form.object()["$ref"].(string); ok {
		if i := strings.LastIndexByte(ref, '/'); i >= 0 && i+1 < len(ref) {
			return ref[i+1:]
		}
	}
	d := description{parts: parts}
	switch kind := d.typed(); {
	case kind == FieldObject && len(parts.required()) > 0:
		return "with " + strings.Join(parts.required()[:min(3, len(parts.required()))], ", ")
	case kind == FieldObject && len(parts.properties()) > 0:
		return "with " + strings.Join(parts.properties()[:min(3, len(parts.properties()))], ", ")
	case kind != FieldAny && kind != FieldObject:
		if at, ok := parts.find("format"); ok {
			if format, ok := at.value.(string); ok {
				return string(kind) + " (" + format + ")"
			}
		}
		return string(kind)
	}
	if at, ok := parts.find("const"); ok {
		return jsontext.Literal(at.value)
	}
	return "form " + strconv.Itoa(index+1)
}

// hints say what a value has to look like.
func (d *description) hints() []string {
	var out []string
	add := func(text string) { out = append(out, text) }
	if format := d.text("format"); format != "" {
		add(format)
	}
	bound := func(low, high, what string) {
		a, hasLow := d.parts.find(low)
		b, hasHigh := d.parts.find(high)
		switch {
		case hasLow && hasHigh:
			add(jsontext.Literal(a.value) + " to " + jsontext.Literal(b.value) + what)
		case hasLow:
			add("at least " + jsontext.Literal(a.value) + what)
		case hasHigh:
			add("at most " + jsontext.Literal(b.value) + what)
		}
	}
	bound("minimum", "maximum", "")
	if at, ok := d.parts.find("exclusiveMinimum"); ok {
		add("more than " + jsontext.Literal(at.value))
	}
	if at, ok := d.parts.find("exclusiveMaximum"); ok {
		add("less than " + jsontext.Literal(at.value))
	}
	if at, ok := d.parts.find("multipleOf"); ok {
		add("in steps of " + jsontext.Literal(at.value))
	}
	bound("minLength", "maxLength", " characters")
	bound("minItems", "maxItems", " items")
	bound("minProperties", "maxProperties", " properties")
	if at, ok := d.parts.find("uniqueItems"); ok && at.value == true {
		add("each once")
	}
	if pattern := d.text("pattern"); pattern != "" && d.text("format") == "" {
		add("like " + jsontext.Shorten(pattern, jsontext.MaxQuoted))
	}
	if at, ok := d.parts.find("deprecated"); ok && at.value == true {
		add("deprecated")
	}
	return out
}
