package fullschema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// leaf words one error that has no findings below it.
func (c *collector) leaf(e *jsonschema.ValidationError) []jsontext.Finding {
	path := e.InstanceLocation
	one := func(keyword, format string, args ...any) []jsontext.Finding {
		return []jsontext.Finding{c.text.Report(path, keyword, format, args...)}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		var want []string
		for _, name := range k.Want {
			want = append(want, jsontext.TypeName(name))
		}
		return []jsontext.Finding{c.text.Wrong(path, "type", want)}
	case *kind.Enum:
		if len(k.Want) == 0 {
			return one("enum", "cannot be valid: the schema allows no value here")
		}
		var want []string
		for _, v := range k.Want {
			want = append(want, jsontext.Literal(v))
		}
		return []jsontext.Finding{c.text.Wrong(path, "enum", want)}
	case *kind.Const:
		return []jsontext.Finding{c.text.Wrong(path, "const", []string{jsontext.Literal(k.Want)})}
	case *kind.Format:
		return one("format", "must be a valid %s, is %s%s", jsontext.Printable(k.Want), jsontext.Describe(k.Got), reason(k.Err))
	case *kind.Pattern:
		return one("pattern", "must match the pattern %s, is %s", jsontext.QuoteShort(k.Want), jsontext.QuoteShort(k.Got))
	case *kind.Not:
		return one("not", "is what the schema excludes with \"not\"")
	case *kind.FalseSchema:
		return []jsontext.Finding{c.forbidden(e)}
	case *kind.RefCycle:
		return one("$ref", "cannot be checked: the schema refers to itself in a circle")
	case *kind.Contains:
		return one("contains", "must contain an item of the form the schema asks for")
	case *kind.MinContains:
		return one("minContains", "must contain at least %s of the form the schema asks for, has %d",
			jsontext.Count(k.Want, "item", "items"), len(k.Got))
	case *kind.MaxContains:
		return one("maxContains", "must contain at most %s of the form the schema asks for, has %d",
			jsontext.Count(k.Want, "item", "items"), len(k.Got))
	case *kind.UniqueItems:
		return []jsontext.Finding{c.text.Report(jsontext.Member(path, strconv.Itoa(k.Duplicates[1])), "uniqueItems",
			"is the same as item %d of the list; items must be unique", k.Duplicates[0])}
	}
	if found, ok := c.objectLeaf(e); ok {
		return found
	}
	if f, ok := c.boundLeaf(e); ok {
		return []jsontext.Finding{f}
	}
	keyword := "schema"
	if words := e.ErrorKind.KeywordPath(); len(words) > 0 {
		keyword = words[0]
	}
	return one(keyword, "does not fit the schema's %q", keyword)
}

// objectLeaf words the errors about an object's members.
func (c *collector) objectLeaf(e *jsonschema.ValidationError) ([]jsontext.Finding, bool) {
	path := e.InstanceLocation
	var out []jsontext.Finding
	missing := func(keyword string, names []string, why string) {
		for _, name := range names {
			out = append(out, c.text.Report(path, keyword, "missing required property %s%s", jsontext.QuoteShort(name), why))
		}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		missing("required", k.Missing, "")
	case *kind.DependentRequired:
		missing("dependentRequired", k.Missing, ", which property "+jsontext.QuoteShort(k.Prop)+" needs")
	case *kind.Dependency:
		missing("dependencies", k.Missing, ", which property "+jsontext.QuoteShort(k.Prop)+" needs")
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			out = append(out, c.text.ReportName(jsontext.Member(path, name), "additionalProperties", "is not an allowed property"))
		}
	case *kind.PropertyNames: // reported by nameCheck, with the right path
	case *badName:
		why := "is not an allowed property name"
		if len(e.Causes) > 0 {
			if inner := c.nameReason(e.Causes[0], k.Property); inner != "" {
				why += ": " + inner
			}
		}
		out = append(out, c.text.ReportName(jsontext.Member(path, k.Property), "propertyNames", "%s", why))
	case *kind.MinProperties:
		out = append(out, c.text.Report(path, "minProperties", "must have at least %s, has %d", jsontext.Count(k.Want, "property", "properties"), k.Got))
	case *kind.MaxProperties:
		out = append(out, c.text.Report(path, "maxProperties", "must have at most %s, has %d", jsontext.Count(k.Want, "property", "properties"), k.Got))
	default:
		return nil, false
	}
	return out, true
}

// nameReason words what is wrong with a property's name, which is a string that
// stands nowhere in the input as a value.
func (c *collector) nameReason(e *jsonschema.ValidationError, name string) string {
	inner := collector{text: &jsontext.Parsed{Value: name}}
	found := inner.walk(e)
	if len(found) == 0 {
		return ""
	}
	return found[0].Message
}

// forbidden words a value where the schema is false.
func (c *collector) forbidden(e *jsonschema.ValidationError) jsontext.Finding {
	keyword := e.SchemaURL[strings.LastIndexByte(e.SchemaURL, '/')+1:]
	switch keyword {
	case "unevaluatedProperties", "additionalProperties":
		return c.text.ReportName(e.InstanceLocation, keyword, "is not an allowed property")
	case "items", "additionalItems", "unevaluatedItems":
		return c.text.Report(e.InstanceLocation, keyword, "is one item too many")
	}
	return c.text.ReportName(e.InstanceLocation, "false", "is not allowed here")
}

// boundLeaf words the errors about lengths and sizes.
func (c *collector) boundLeaf(e *jsonschema.ValidationError) (jsontext.Finding, bool) {
	path := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.MinLength:
		if k.Want == 1 {
			return c.text.Report(path, "minLength", "must not be empty"), true
		}
		return c.text.Report(path, "minLength", "must have at least %s, has %d", jsontext.Count(k.Want, "character", "characters"), k.Got), true
	case *kind.MaxLength:
		return c.text.Report(path, "maxLength", "must have at most %s, has %d", jsontext.Count(k.Want, "character", "characters"), k.Got), true
	case *kind.MinItems:
		return c.text.Report(path, "minItems", "must have at least %s, has %d", jsontext.Count(k.Want, "item", "items"), k.Got), true
	case *kind.MaxItems:
		return c.text.Report(path, "maxItems", "must have at most %s, has %d", jsontext.Count(k.Want, "item", "items"), k.Got), true
	case *kind.AdditionalItems:
		array, _ := c.text.At(path).([]any)
		first := max(len(array)-k.Count, 0)
		return c.text.Report(jsontext.Member(path, strconv.Itoa(first)), "additionalItems", "is one item too many: only %s allowed",
			jsontext.Count(first, "item is", "items are")), true
	case *kind.Minimum:
		return c.text.Report(path, "minimum", "must be at least %s, is %s", jsontext.Ratio(k.Want), jsontext.Ratio(k.Got)), true
	case *kind.Maximum:
		return c.text.Report(path, "maximum", "must be at most %s, is %s", jsontext.Ratio(k.Want), jsontext.Ratio(k.Got)), true
	case *kind.ExclusiveMinimum:
		return c.text.Report(path, "exclusiveMinimum", "must be more than %s, is %s", jsontext.Ratio(k.Want), jsontext.Ratio(k.Got)), true
	case *kind.ExclusiveMaximum:
		return c.text.Report(path, "exclusiveMaximum", "must be less than %s, is %s", jsontext.Ratio(k.Want), jsontext.Ratio(k.Got)), true
	case *kind.MultipleOf:
		return c.text.Report(path, "multipleOf", "must be a multiple of %s, is %s", jsontext.Ratio(k.Want), jsontext.Ratio(k.Got)), true
	}
	return jsontext.Finding{}, false
}

// reason appends the validator's reason, when it has one that helps.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%s)", jsontext.Printable(jsontext.Shorten(err.Error(), jsontext.MaxQuoted)))
}
