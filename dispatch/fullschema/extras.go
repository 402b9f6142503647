package fullschema

import (
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// extras returns the additional properties among the errors below e, and
// whether there is nothing but additional properties.
func (c *collector) extras(e *jsonschema.ValidationError) (found []jsontext.Finding, pure bool) {
	if e == nil {
		return nil, true
	}
	switch e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return c.leaf(e), true
	case *kind.AllOf:
		return c.extrasOfAll(e)
	case *kind.Schema, *kind.Group, *kind.Reference:
		pure = true
		for _, cause := range e.Causes {
			more, only := c.extras(cause)
			found = append(found, more...)
			pure = pure && only
		}
		return found, pure
	case *kind.AnyOf, *kind.OneOf:
		for _, cause := range e.Causes {
			if more, only := c.extras(cause); only && (found == nil || len(more) < len(found)) {
				found = more
			}
		}
		return found, found != nil
	}
	return nil, false
}

// extrasOfAll is extras for allOf, which is what Zod makes of an intersection:
// each part closes its own object, so what one part does not know is unknown only
// when no other part knows it either.
func (c *collector) extrasOfAll(e *jsonschema.ValidationError) (found []jsontext.Finding, pure bool) {
	pure = true
	times := map[string]int{}
	byPath := map[string]jsontext.Finding{}
	for _, cause := range e.Causes {
		more, only := c.extras(cause)
		pure = pure && only
		for _, f := range more {
			key := jsontext.Pointer(f.Path)
			times[key]++
			byPath[key] = f
		}
	}
	parts := c.schema.source.PartsOfAll(e.SchemaURL)
	for key, f := range byPath {
		// Deeper than this object the parts may describe different things.
		if times[key] >= parts || len(f.Path) > len(e.InstanceLocation)+1 {
			found = append(found, f)
		}
	}
	return found, pure
}
