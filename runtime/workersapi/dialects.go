package workersapi

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// modern turns a schema of draft 4, 6, 7 or 2019-09 into one of draft 2020-12 that
// means the same. OpenAPI lets a schema declare its own draft, but few tools look
// at that.
func modern(schema json.RawMessage) json.RawMessage {
	d, older := dialectOf(members(schema))
	if !older {
		return schema
	}
	d.root = schema
	return d.modern(schema)
}

// dialect is what matters of an older draft.
type dialect struct {
	draft4 bool
	// refAlone: members beside a $ref do not count, as until draft 7.
	refAlone bool
	// root is the whole schema.
	root json.RawMessage
}

// dialectOf is the draft that the root of a schema declares, if it is an older one.
func dialectOf(root []member) (d dialect, older bool) {
	for _, m := range root {
		text, ok := jsonString(m.value)
		if !ok || m.name != "$schema" {
			continue
		}
		_, name, _ := strings.Cut(strings.TrimSuffix(text, "#"), "json-schema.org/")
		switch name {
		case "draft-04/schema":
			return dialect{draft4: true, refAlone: true}, true
		case "draft-06/schema", "draft-07/schema":
			return dialect{refAlone: true}, true
		case "draft/2019-09/schema":
			return dialect{}, true
		}
	}
	return dialect{}, false
}

func (d dialect) modern(schema json.RawMessage) json.RawMessage {
	all := members(schema)
	if all == nil {
		return schema
	}
	alone := d.refAlone && has(all, "$ref")
	tuple := slices.ContainsFunc(all, func(m member) bool { return m.name == "items" && elements(m.value) != nil })
	out := all[:0:0]
	for _, m := range all {
		m.value = eachSchema(m, func(_ string, sub json.RawMessage) json.RawMessage { return d.modern(sub) })
		switch {
		case alone && !slices.Contains([]string{"$ref", "$defs", "definitions", "title", "description"}, m.name):
		case m.name == "$schema", d.draft4 && m.name == "id":
		case m.name == "$ref":
			out = append(out, member{"$ref", d.moved(m.value)})
		case m.name == "items" && tuple:
			out = append(out, member{"prefixItems", m.value})
		case m.name == "additionalItems":
			if tuple { // without one it does nothing
				out = append(out, member{"items", m.value})
			}
		case m.name == "dependencies":
			out = append(out, dependent(m.value)...)
		default:
			out = append(out, m)
		}
	}
	if d.draft4 {
		out = exclusive(out, "minimum", "exclusiveMinimum")
		out = exclusive(out, "maximum", "exclusiveMaximum")
	}
	return writeObject(out)
}

// moved is where a reference leads after modern has moved what it moves.
func (d dialect) moved(ref json.RawMessage) json.RawMessage {
	text, _ := jsonString(ref)
	u, err := url.Parse(text)
	if err != nil || !strings.HasPrefix(text, "#/") {
		return ref
	}
	tokens := strings.Split(u.Fragment, "/")[1:]
	at, isName := d.root, false // a name is no keyword
	for i, token := range tokens {
		if list := elements(at); list != nil {
			n, err := strconv.Atoi(token)
			if err != nil || n < 0 || n >= len(list) {
				return ref
			}
			at, isName = list[n], false
			continue
		}
		all := members(at)
		found := slices.IndexFunc(all, func(m member) bool { return pointerToken(m.name) == token })
		if found < 0 {
			return ref
		}
		at = all[found].value
		switch {
		case isName:
			isName = false
			continue
		case token == "items" && elements(at) != nil:
			tokens[i] = "prefixItems"
		case token == "additionalItems":
			tokens[i] = "items"
		case token == "dependencies":
			tokens[i] = "dependentSchemas"
		}
		isName = holdsNames(token)
	}
	return mustEncode("#" + (&url.URL{Fragment: "/" + strings.Join(tokens, "/")}).EscapedFragment())
}

// dependent splits dependencies into those that are schemas and those that are
// lists of names.
func dependent(dependencies json.RawMessage) []member {
	var schemas, names []member
	for _, m := range members(dependencies) {
		if len(m.value) > 0 && m.value[0] == '[' {
			names = append(names, m)
		} else {
			schemas = append(schemas, m)
		}
	}
	var out []member
	if schemas != nil {
		out = append(out, member{"dependentSchemas", writeObject(schemas)})
	}
	if names != nil {
		out = append(out, member{"dependentRequired", writeObject(names)})
	}
	return out
}

// exclusive writes a bound of draft 4, where exclusiveMinimum is a boolean beside
// minimum, as one of the later drafts, where it is the bound itself.
func exclusive(all []member, bound, flag string) []member {
	at := slices.IndexFunc(all, func(m member) bool { return m.name == flag })
	if at < 0 {
		return all
	}
	on := string(all[at].value) == "true"
	all = slices.Delete(all, at, at+1)
	if limit := slices.IndexFunc(all, func(m member) bool { return m.name == bound }); on && limit >= 0 {
		all[limit].name = flag
	}
	return all
}
