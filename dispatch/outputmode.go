package dispatch

import (
	"slices"
	"strconv"
)

// maxRefs bounds how many schemas are looked at behind a $ref or a union.
const maxRefs = 64

// hasDefault reports whether a property that is left out gets a value. Zod gives
// one where any form of a union has one: the schema of z.string().default("x").nullable()
// has the default in the first form of an anyOf.
func (d schemaDoc) hasDefault() bool {
	budget := maxRefs
	return d.defaultWithin(&budget)
}

func (d schemaDoc) defaultWithin(budget *int) bool {
	if *budget--; *budget < 0 {
		return false
	}
	if _, ok := d.object()["default"]; ok {
		return true
	}
	if next, ok := d.ref(); ok && next.defaultWithin(budget) {
		return true
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		forms, _ := d.child(keyword)
		for i := range forms.array() {
			if form, ok := forms.child(strconv.Itoa(i)); ok && form.defaultWithin(budget) {
				return true
			}
		}
	}
	return false
}

// relaxRequired takes every property with a default out of required, in place,
// and reports whether additionalProperties is false anywhere.
func relaxRequired(d schemaDoc) (closed bool) {
	object := d.object()
	if object == nil {
		return false
	}
	if object["additionalProperties"] == false {
		closed = true
	}
	properties, _ := d.child("properties")
	if required, ok := object["required"].([]any); ok {
		kept := slices.DeleteFunc(slices.Clone(required), func(name any) bool {
			text, ok := name.(string)
			if !ok {
				return false
			}
			property, ok := properties.child(text)
			return ok && property.hasDefault()
		})
		if len(kept) == 0 {
			delete(object, "required") // draft 4 does not allow an empty one
		} else {
			object["required"] = kept
		}
	}
	d.subschemas(func(sub schemaDoc) {
		if relaxRequired(sub) {
			closed = true
		}
	})
	return closed
}

// openObjects takes additionalProperties:false out of a schema, in place.
func openObjects(doc any) {
	d := schemaDoc{value: doc, root: doc}
	object := d.object()
	if object["additionalProperties"] == false {
		delete(object, "additionalProperties")
	}
	d.subschemas(func(sub schemaDoc) { openObjects(sub.value) })
}

// zodChecks makes the schema check strings as Zod does, in place. Zod writes its
// own regular expression next to most formats, and that is what it checks: times
// without a zone, seconds left out, fractions of a duration all fit it and not
// the RFC behind the format's name. For two formats it is the other way round.
func zodChecks(doc any) {
	d := schemaDoc{value: doc, root: doc}
	object := d.object()
	switch format, _ := object["format"].(string); format {
	case "":
	case "ipv6", "cidrv6": // checked by a URL parser; the pattern knows too few
		delete(object, "pattern")
	default:
		if _, ok := object["pattern"]; ok || hasPatterns(d) {
			delete(object, "format")
		}
	}
	d.subschemas(func(sub schemaDoc) { zodChecks(sub.value) })
}

// hasPatterns reports whether allOf holds patterns: where Zod puts several.
func hasPatterns(d schemaDoc) bool {
	all, _ := d.child("allOf")
	return slices.ContainsFunc(all.array(), func(part any) bool {
		object, _ := part.(map[string]any)
		_, ok := object["pattern"]
		return ok
	})
}
