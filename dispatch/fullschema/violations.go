package fullschema

import (
	"cmp"
	"errors"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

func asValidation(err error) *jsonschema.ValidationError {
	if failed, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		return failed
	}
	return nil
}

// collector turns the library's tree of errors into findings.
type collector struct {
	schema *checker
	text   *jsontext.Parsed
	left   jsontext.LeftOut
}

func (c *collector) all(err error) []jsontext.Finding {
	if err == nil {
		return nil
	}
	failed := asValidation(err)
	if failed == nil {
		return []jsontext.Finding{{Keyword: "schema", Message: "cannot be checked: " + jsontext.Printable(err.Error())}}
	}
	units := flatten(failed, nil)
	if len(units) > jsontext.MaxFindings {
		// Only what will be reported is worded, and that is what comes first in
		// the text; the library goes through objects in no order.
		offset := make(map[*jsonschema.ValidationError]int, len(units))
		for _, u := range units {
			offset[u] = c.text.Root.Find(u.InstanceLocation).Off
		}
		slices.SortStableFunc(units, func(a, b *jsonschema.ValidationError) int {
			return cmp.Or(cmp.Compare(offset[a], offset[b]), cmp.Compare(a.SchemaURL, b.SchemaURL))
		})
		first := units[jsontext.MaxFindings]
		c.left.Errors.Add(offset[first], first.InstanceLocation, len(units)-jsontext.MaxFindings)
		units = units[:jsontext.MaxFindings]
	}
	var found []jsontext.Finding
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

// walk returns the findings below e.
func (c *collector) walk(e *jsonschema.ValidationError) []jsontext.Finding {
	if isGroup(e) {
		var out []jsontext.Finding
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
			return []jsontext.Finding{c.text.Report(e.InstanceLocation, "oneOf",
				"fits more than one of the allowed forms (%d and %d), it must fit exactly one",
				k.Subschemas[0]+1, k.Subschemas[1]+1)}
		}
		return c.union(e, "oneOf")
	}
	return c.leaf(e)
}

// union says why a value fits no branch of anyOf or oneOf.
func (c *collector) union(e *jsonschema.ValidationError, keyword string) []jsontext.Finding {
	var branches [][]jsontext.Finding
	for _, cause := range e.Causes {
		if found := c.walk(cause); len(found) > 0 {
			branches = append(branches, found)
		}
	}
	return c.text.Union(e.InstanceLocation, keyword, branches)
}
