package dispatch

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// quickProperties is how many properties an object may declare, one bit each.
const quickProperties = 64

// compileQuick makes the quick check of a schema; nil when the schema says
// something that the quick check does not know.
func compileQuick(doc any) *quick {
	root, ok := doc.(map[string]any)
	if !ok {
		return nil
	}
	// Older drafts give some keywords another meaning.
	if dialect, ok := root["$schema"]; ok && dialect != "https://json-schema.org/draft/2020-12/schema" {
		return nil
	}
	c := quickCompiler{root: root, refs: map[string]*quick{}}
	q := c.schema(root)
	if c.unknown {
		return nil
	}
	return q
}

type quickCompiler struct {
	root map[string]any
	refs map[string]*quick
	// unknown is set when something was met that cannot be checked.
	unknown bool
}

func (c *quickCompiler) schema(doc any) *quick {
	q := &quick{}
	c.into(q, doc)
	return q
}

// into compiles doc into q, which others may point to already.
func (c *quickCompiler) into(q *quick, doc any) {
	*q = quick{kinds: kindAny, maxLength: -1, maxItems: -1}
	switch doc := doc.(type) {
	case bool:
		if !doc {
			q.kinds = 0
			return
		}
		q.rest, q.items = c.anything(), c.anything()
	case map[string]any:
		for keyword, v := range doc {
			if !c.keyword(q, keyword, v) {
				c.unknown = true
				return
			}
		}
		c.objects(q, doc)
	default:
		c.unknown = true
	}
}

// anything is a schema that accepts every value, to any depth.
func (c *quickCompiler) anything() *quick {
	const key = "anything"
	if q, ok := c.refs[key]; ok {
		return q
	}
	q := &quick{kinds: kindAny, maxLength: -1, maxItems: -1}
	q.rest, q.items = q, q
	c.refs[key] = q
	return q
}

// keyword reads one keyword; false means that it is not known.
func (c *quickCompiler) keyword(q *quick, keyword string, v any) bool {
	switch keyword {
	case "$schema", "$defs", "$comment", "title", "description", "examples", "default",
		"deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType",
		"properties", "required", "additionalProperties":
		return true
	case "type":
		return c.types(q, v)
	case "enum", "const":
		return c.enum(q, keyword, v)
	case "format":
		q.dateTime = v == "date-time"
		return q.dateTime
	case "items":
		q.items = c.schema(v)
		return true
	case "anyOf":
		forms, ok := v.([]any)
		for _, form := range forms {
			q.anyOf = append(q.anyOf, c.schema(form))
		}
		return ok && len(forms) > 0
	case "$ref":
		q.ref = c.reference(v)
		return q.ref != nil
	case "minLength":
		return intLimit(&q.minLength, v)
	case "maxLength":
		return intLimit(&q.maxLength, v)
	case "minItems":
		return intLimit(&q.minItems, v)
	case "maxItems":
		return intLimit(&q.maxItems, v)
	case "minimum", "exclusiveMinimum":
		if q.minimum != nil {
			return false
		}
		q.exclusive[0] = keyword != "minimum"
		q.minimum = numberLimit(v)
		return q.minimum != nil
	case "maximum", "exclusiveMaximum":
		if q.maximum != nil {
			return false
		}
		q.exclusive[1] = keyword != "maximum"
		q.maximum = numberLimit(v)
		return q.maximum != nil
	}
	return false
}

func (c *quickCompiler) types(q *quick, v any) bool {
	names, ok := v.([]any)
	if !ok {
		names = []any{v}
	}
	q.kinds = 0
	for _, name := range names {
		switch name {
		case "null":
			q.kinds |= kindNull
		case "boolean":
			q.kinds |= kindBoolean
		case "string":
			q.kinds |= kindString
		case "number":
			q.kinds |= kindNumber
		case "integer":
			q.kinds |= kindInteger
		case "array":
			q.kinds |= kindArray
		case "object":
			q.kinds |= kindObject
		default:
			return false
		}
	}
	return true
}

// enum takes values whose text is the same however they are written: strings
// without escapes, booleans and null.
func (c *quickCompiler) enum(q *quick, keyword string, v any) bool {
	list, ok := v.([]any)
	if keyword == "const" {
		list, ok = []any{v}, true
	}
	if !ok || q.enum != nil {
		return false
	}
	q.enum = []string{}
	for _, v := range list {
		switch v.(type) {
		case string, bool, nil:
		default:
			return false
		}
		raw, err := marshalPlain(v)
		if err != nil {
			return false
		}
		q.enum = append(q.enum, string(raw))
	}
	return true
}

func (c *quickCompiler) objects(q *quick, doc map[string]any) {
	properties, _ := doc["properties"].(map[string]any)
	if len(properties) > quickProperties {
		c.unknown = true
		return
	}
	for name, schema := range properties {
		q.properties = append(q.properties, quickProperty{name: name, schema: c.schema(schema)})
	}
	slices.SortFunc(q.properties, func(a, b quickProperty) int { return strings.Compare(a.name, b.name) })
	required, _ := doc["required"].([]any)
	for _, name := range required {
		text, _ := name.(string)
		i := q.property([]byte(text))
		if i < 0 {
			// Required and not declared: only the validator looks for it.
			c.unknown = true
			return
		}
		q.required |= 1 << i
	}
	switch rest, given := doc["additionalProperties"]; {
	case !given:
		q.rest = c.anything()
	case rest == false:
	default:
		q.rest = c.schema(rest)
	}
	if q.items == nil {
		q.items = c.anything()
	}
}

func (c *quickCompiler) reference(v any) *quick {
	text, ok := v.(string)
	name, local := strings.CutPrefix(text, "#/$defs/")
	if text == "#" {
		local, name = true, ""
	}
	if !ok || !local || strings.ContainsAny(name, "/~%") {
		return nil
	}
	if q, done := c.refs[text]; done {
		return q
	}
	var target any = c.root
	if text != "#" {
		defs, _ := c.root["$defs"].(map[string]any)
		if target, ok = defs[name]; !ok {
			return nil
		}
	}
	q := &quick{}
	c.refs[text] = q // before what it holds, which may refer to it
	c.into(q, target)
	return q
}

func intLimit(to *int, v any) bool {
	number, ok := v.(json.Number)
	if !ok {
		return false
	}
	n, err := strconv.Atoi(string(number))
	*to = n
	return err == nil && n >= 0
}

func numberLimit(v any) *quickLimit {
	number, ok := v.(json.Number)
	if !ok {
		return nil
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil
	}
	return &quickLimit{value: f, short: len(number) <= exactDigits}
}
