package workersapi

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// embed makes a schema of its own a part of a larger document: what stands at
// pointer, such as "/components/schemas/echo.input". References within the schema
// lead to the same places as before; the members by which they did so, $id and the
// anchors, would mean something in the whole document, where two workers may use
// the same, and are dropped, and so is $schema, which is the document's. Everything else keeps its text and its order; a schema
// of an older draft is written as one of draft 2020-12, see modern.
func embed(schema json.RawMessage, pointer string) json.RawMessage {
	schema = modern(schema)
	e := &embedding{places: map[string]string{}}
	base := &url.URL{Scheme: "schema", Path: "/"}
	e.collect(schema, base, pointer)
	e.places[base.String()] = pointer
	return e.rewrite(schema, base)
}

type embedding struct {
	// places says where in the document a URI leads to: those of $id without a
	// fragment, those of anchors with one.
	places map[string]string
}

// member is a member of an object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

// members are those of an object; nil for anything else.
func members(raw json.RawMessage) []member {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var out []member
	for dec.More() {
		name, err := dec.Token()
		text, ok := name.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil
		}
		out = append(out, member{text, value})
	}
	return out
}

// elements are those of an array; nil for anything else.
func elements(raw json.RawMessage) []json.RawMessage {
	if len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	var out []json.RawMessage
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// collect notes the URIs of a schema at a place, and of those below it.
func (e *embedding) collect(schema json.RawMessage, base *url.URL, at string) {
	all := members(schema)
	base = e.baseOf(all, base)
	if text := base.String(); e.places[text] == "" && has(all, "$id") {
		e.places[text] = at
	}
	for _, m := range all {
		text, isText := jsonString(m.value)
		switch {
		case isText && (m.name == "$anchor" || m.name == "$dynamicAnchor"):
			e.places[base.String()+"#"+text] = at
		case isText && m.name == "$id" && strings.HasPrefix(text, "#"): // an anchor until draft 7
			e.places[base.String()+text] = at
		}
		eachSchema(m, func(below string, sub json.RawMessage) json.RawMessage {
			e.collect(sub, base, at+below)
			return sub
		})
	}
}

func has(all []member, name string) bool {
	return slices.ContainsFunc(all, func(m member) bool { return m.name == name })
}

// baseOf is the base URI within a schema, which its $id changes.
func (e *embedding) baseOf(all []member, base *url.URL) *url.URL {
	for _, m := range all {
		if text, ok := jsonString(m.value); ok && m.name == "$id" && !strings.HasPrefix(text, "#") {
			if id, err := base.Parse(text); err == nil {
				id.Fragment, id.RawFragment = "", ""
				return id
			}
		}
	}
	return base
}

// rewrite returns the schema with its references changed. Its text is compact.
func (e *embedding) rewrite(schema json.RawMessage, base *url.URL) json.RawMessage {
	all := members(schema)
	if all == nil {
		return schema
	}
	base = e.baseOf(all, base)
	out := all[:0:0]
	for _, m := range all {
		switch m.name {
		case "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema":
			continue
		case "$dynamicRef", "$recursiveRef":
			// In one document they lead where a $ref does.
			if has(all, "$ref") {
				continue
			}
			m = member{"$ref", e.reference(m.value, base)}
		case "$ref":
			m.value = e.reference(m.value, base)
		default:
			m.value = eachSchema(m, func(_ string, sub json.RawMessage) json.RawMessage { return e.rewrite(sub, base) })
		}
		out = append(out, m)
	}
	return writeObject(out)
}

// reference is where a $ref leads in the document. One that leads out of the
// schema stays as it is: no worker has one, since none would compile.
func (e *embedding) reference(value json.RawMessage, base *url.URL) json.RawMessage {
	text, ok := jsonString(value)
	if !ok {
		return value
	}
	target, err := base.Parse(text)
	if err != nil {
		return value
	}
	fragment := target.Fragment
	target.Fragment, target.RawFragment = "", ""
	place, found := e.places[target.String()]
	switch {
	case fragment == "":
	case strings.HasPrefix(fragment, "/"):
		place += fragment
	default:
		place, found = e.places[target.String()+"#"+fragment]
	}
	if !found {
		return value
	}
	return mustEncode("#" + (&url.URL{Fragment: place}).EscapedFragment())
}

// eachSchema replaces the schemas that a member of a schema holds, and returns the
// member's value. below is the place of one, seen from the schema that has the
// member. Members that hold data, such as enum and default, hold no schemas.
func eachSchema(m member, replace func(below string, sub json.RawMessage) json.RawMessage) json.RawMessage {
	at := "/" + pointerToken(m.name)
	if holdsNames(m.name) {
		all := members(m.value)
		if all == nil {
			return m.value
		}
		for i, sub := range all {
			all[i].value = replace(at+"/"+pointerToken(sub.name), sub.value)
		}
		return writeObject(all)
	}
	switch m.name {
	case "allOf", "anyOf", "oneOf", "prefixItems", "items":
		all := elements(m.value)
		if all == nil {
			break
		}
		for i, sub := range all {
			all[i] = replace(at+"/"+strconv.Itoa(i), sub)
		}
		return mustEncode(all)
	case "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains",
		"propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema":
	default:
		return m.value
	}
	return replace(at, m.value)
}

// holdsNames says that a keyword's value is an object of schemas with names of their
// author's.
func holdsNames(keyword string) bool {
	switch keyword {
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies":
		return true
	}
	return false
}

func pointerToken(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// writeObject writes members as an object.
func writeObject(all []member) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range all {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(mustEncode(m.name))
		out.WriteByte(':')
		out.Write(m.value)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// mustEncode writes text, or JSON that was read before, as JSON.
func mustEncode(v any) json.RawMessage {
	text, err := jsonlog.Encode(v)
	if err != nil {
		panic(err) // neither can fail
	}
	return text
}
