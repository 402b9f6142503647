package dispatch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// violations validates a parsed text.
func (s *Schema) violations(t *parsedText) ([]finding, leftOut) {
	c := collector{schema: s, text: t}
	var found []finding
	if s.check != nil {
		found = c.all(s.check.Validate(t.value))
	}
	if s.extras != nil {
		extras, _ := c.extras(asValidation(s.extras.Validate(t.value)))
		for _, f := range extras {
			f.warning = true
			f.message = "is not a property the worker's schema knows"
			found = append(found, f)
		}
	}
	return found, c.left
}

func asValidation(err error) *jsonschema.ValidationError {
	if failed, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return failed
	}
	return nil
}

// collector turns the library's tree of errors into findings.
type collector struct {
	schema *Schema
	text   *parsedText
	left   leftOut
}

func (c *collector) all(err error) []finding {
	if err == nil {
		return nil
	}
	failed := asValidation(err)
	if failed == nil {
		return []finding{{keyword: "schema", message: "cannot be checked: " + printable(err.Error())}}
	}
	units := flatten(failed, nil)
	if len(units) > maxViolations {
		// Only what will be reported is worded, and that is what comes first in
		// the text; the library goes through objects in no order.
		offset := make(map[*jsonschema.ValidationError]int, len(units))
		for _, u := range units {
			offset[u] = c.text.root.find(u.InstanceLocation).off
		}
		slices.SortStableFunc(units, func(a, b *jsonschema.ValidationError) int {
			return cmp.Or(cmp.Compare(offset[a], offset[b]), cmp.Compare(a.SchemaURL, b.SchemaURL))
		})
		first := units[maxViolations]
		c.left.errors.add(offset[first], first.InstanceLocation, len(units)-maxViolations)
		units = units[:maxViolations]
	}
	var found []finding
	for _, u := range units {
		found = append(found, c.walk(u)...)
	}
	return found
}

// flatten lists the errors below e that are worded one by one.
func flatten(e *jsonschema.ValidationError, out []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if !isGroup(e) {
		return append(out, e)
	}
	for _, cause := range e.Causes {
		out = flatten(cause, out)
	}
	return out
}

// isGroup reports whether an error only holds others, all of which count.
func isGroup(e *jsonschema.ValidationError) bool {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		return true
	}
	return false
}

// value is the input's value at a path.
func (c *collector) value(path []string) any {
	v := c.text.value
	for _, token := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (c *collector) at(path []string, keyword, format string, args ...any) finding {
	return finding{
		off: c.text.root.find(path).off, path: path, keyword: keyword,
		message: fmt.Sprintf(format, args...),
	}
}

// atName is at, placed on the property's name.
func (c *collector) atName(path []string, keyword, format string, args ...any) finding {
	f := c.at(path, keyword, format, args...)
	if n := c.text.root.find(path); n.keyOff >= 0 {
		f.off = n.keyOff
	}
	return f
}

func member(path []string, name string) []string {
	return append(slices.Clone(path), name)
}

// walk returns the findings below e.
func (c *collector) walk(e *jsonschema.ValidationError) []finding {
	if isGroup(e) {
		var out []finding
		for _, cause := range e.Causes {
			out = append(out, c.walk(cause)...)
		}
		return out
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf:
		return c.union(e, "anyOf")
	case *kind.OneOf:
		if len(k.Subschemas) == 2 {
			return []finding{c.at(e.InstanceLocation, "oneOf",
				"fits more than one of the allowed forms (%d and %d), it must fit exactly one",
				k.Subschemas[0]+1, k.Subschemas[1]+1)}
		}
		return c.union(e, "oneOf")
	}
	return c.leaf(e)
}

// maxForms is how many forms of a union a message describes.
const maxForms = 3

// union says why a value fits no branch of anyOf or oneOf. Reporting every
// branch would bury the one the person meant, so branches that are clearly not
// meant are left out: first those for another type of value, then those whose
// discriminating property has another value.
func (c *collector) union(e *jsonschema.ValidationError, keyword string) []finding {
	depth := len(e.InstanceLocation)
	var branches [][]finding
	for _, cause := range e.Causes {
		if found := c.walk(cause); len(found) > 0 {
			branches = append(branches, found)
		}
	}
	if len(branches) == 0 {
		return []finding{c.at(e.InstanceLocation, keyword, "fits none of the allowed forms")}
	}
	for _, find := range []func([]finding, int) *finding{wrongSort, wrongMember} {
		if merged := c.merge(branches, depth, find, keyword); merged != nil {
			return merged
		}
		meant := slices.DeleteFunc(slices.Clone(branches), func(found []finding) bool { return find(found, depth) != nil })
		if len(meant) > 0 {
			branches = meant
		}
	}
	if len(branches) == 1 {
		return branches[0]
	}
	var forms []string
	for i, found := range branches[:min(len(branches), maxForms)] {
		first := found[0]
		text := first.message
		if rest := first.path[min(depth, len(first.path)):]; len(rest) > 0 {
			text = printable(jsonPointer(rest)) + " " + text
		}
		if len(found) > 1 {
			text += fmt.Sprintf(" and %d more", len(found)-1)
		}
		forms = append(forms, fmt.Sprintf("(%d) %s", i+1, text))
	}
	return []finding{c.at(e.InstanceLocation, keyword, "fits none of the %d allowed forms: %s",
		len(branches), strings.Join(forms, "; "))}
}

// wrongSort finds what shows a branch to be meant for another sort of value.
func wrongSort(found []finding, depth int) *finding {
	for i := range found {
		if len(found[i].expects) > 0 && len(found[i].path) == depth {
			return &found[i]
		}
	}
	return nil
}

// wrongMember finds what shows a branch to be meant for an object whose
// discriminating property has another value.
func wrongMember(found []finding, depth int) *finding {
	for i, f := range found {
		if len(f.path) == depth+1 && (f.keyword == "const" || f.keyword == "enum") {
			return &found[i]
		}
	}
	return nil
}

// merge makes one finding of branches that all refuse the same value for being
// of the wrong sort: "must be a string or null, is a number (7)".
func (c *collector) merge(branches [][]finding, depth int, find func([]finding, int) *finding, keyword string) []finding {
	var path, expects []string
	keywords := map[string]bool{}
	for i, found := range branches {
		wrong := find(found, depth)
		if wrong == nil || i > 0 && !slices.Equal(path, wrong.path) {
			return nil
		}
		path = wrong.path
		keywords[wrong.keyword] = true
		for _, x := range wrong.expects {
			if !slices.Contains(expects, x) {
				expects = append(expects, x)
			}
		}
	}
	switch {
	case len(keywords) == 1 && keywords["type"]:
		keyword = "type"
	case !keywords["type"] && !keywords["anyOf"] && !keywords["oneOf"]:
		keyword = "enum"
	}
	return []finding{c.wrong(path, keyword, expects)}
}

func (c *collector) wrong(path []string, keyword string, expects []string) finding {
	f := c.at(path, keyword, "must be %s, is %s", alternatives(expects), describe(c.value(path)))
	f.expects = expects
	return f
}
