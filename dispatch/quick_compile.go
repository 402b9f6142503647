package dispatch

import (
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// quickProperties is how many properties an object may declare, one bit each.
const quickProperties = 64

// compileQuick makes the quick check of a schema. The error is what it does not
// know; the schema is then for an engine.
func compileQuick(doc any) (*quick, *UnsupportedSchemaError) {
	root, ok := doc.(map[string]any)
	if !ok {
		return nil, &UnsupportedSchemaError{Keyword: "false"}
	}
	// Older drafts give some keywords another meaning.
	if dialect, ok := root["$schema"]; ok && dialect != "https://json-schema.org/draft/2020-12/schema" {
		return nil, &UnsupportedSchemaError{Keyword: "$schema"}
	}
	c := quickCompiler{root: root, refs: map[string]*quick{}}
	q := c.schema(root)
	if c.unknown != nil {
		return nil, c.unknown
	}
	return q, nil
}

type quickCompiler struct {
	root map[string]any
	refs map[string]*quick
	path []string
	// unknown is the first thing met that cannot be checked.
	unknown *UnsupportedSchemaError
}

// giveUp notes what is not known.
func (c *quickCompiler) giveUp(keyword string) {
	if c.unknown == nil {
		c.unknown = &UnsupportedSchemaError{Pointer: jsontext.Pointer(c.path), Keyword: keyword}
	}
}

func (c *quickCompiler) schema(doc any, path ...string) *quick {
	q := &quick{}
	c.path = append(c.path, path...)
	c.into(q, doc)
	c.path = c.path[:len(c.path)-len(path)]
	return q
}

// into compiles doc into q, which others may point to already.
func (c *quickCompiler) into(q *quick, doc any) {
	*q = quick{kinds: kindAny, maxLength: -1, maxItems: -1}
	switch doc := doc.(type) {
	case bool:
		if !doc {
			c.giveUp("false")
			return
		}
		*q = *c.anything()
	case map[string]any:
		for _, keyword := range slices.Sorted(maps.Keys(doc)) {
			if !c.keyword(q, keyword, doc[keyword]) {
				c.giveUp(keyword)
				return
			}
		}
		c.objects(q, doc)
	default:
		c.giveUp("a value that is no schema")
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

// keyword reads one keyword; false means that it is not known, or not with this
// value: an engine then says what is wrong with it.
func (c *quickCompiler) keyword(q *quick, keyword string, v any) bool {
	switch keyword {
	case "default":
		return true
	case "$schema", "$comment", "title", "description", "contentEncoding", "contentMediaType":
		_, ok := v.(string)
		return ok
	case "deprecated", "readOnly", "writeOnly":
		_, ok := v.(bool)
		return ok
	case "examples":
		_, ok := v.([]any)
		return ok
	case "properties":
		_, ok := v.(map[string]any)
		return ok
	case "required":
		names, ok := v.([]any)
		return ok && !slices.ContainsFunc(names, func(name any) bool { _, text := name.(string); return !text })
	case "additionalProperties":
		return true
	case "$defs":
		defs, ok := v.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(defs)) {
			if c.reference("#/$defs/"+name) == nil {
				return false
			}
		}
		return ok && len(c.path) == 0
	case "type":
		return c.types(q, v)
	case "enum", "const":
		return c.enum(q, keyword, v)
	case "format":
		q.dateTime = v == "date-time"
		return q.dateTime && q.pattern == nil // together they mean something else to Zod
	case "pattern":
		text, ok := v.(string)
		if !ok || q.dateTime {
			return false
		}
		// What Go cannot read is for an engine, which asks Go first too.
		re, err := regexp.Compile(text)
		q.pattern = re
		return err == nil
	case "propertyNames":
		q.names = c.schema(v, keyword)
		return true
	case "items":
		q.items = c.schema(v, keyword)
		return true
	case "anyOf":
		forms, ok := v.([]any)
		for i, form := range forms {
			q.anyOf = append(q.anyOf, c.schema(form, keyword, strconv.Itoa(i)))
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
		return numberLimit(&q.minimum, &q.exclusive[0], keyword != "minimum", v)
	case "maximum", "exclusiveMaximum":
		return numberLimit(&q.maximum, &q.exclusive[1], keyword != "maximum", v)
	}
	return false
}

func (c *quickCompiler) types(q *quick, v any) bool {
	names, ok := v.([]any)
	if !ok {
		names = []any{v}
	}
	if len(names) == 0 {
		return false
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
	if !ok || q.enum != nil || len(list) == 0 {
		return false
	}
	q.enum, q.values, q.enumKeyword = []string{}, list, keyword
	for _, v := range list {
		switch v.(type) {
		case string, bool, nil:
		default:
			return false
		}
		raw, err := jsontext.Marshal(v)
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
		c.giveUp("properties")
		return
	}
	for name, schema := range properties {
		q.properties = append(q.properties, quickProperty{name: name, schema: c.schema(schema, "properties", name)})
	}
	slices.SortFunc(q.properties, func(a, b quickProperty) int { return strings.Compare(a.name, b.name) })
	required, _ := doc["required"].([]any)
	for _, name := range required {
		text, _ := name.(string)
		i := q.property([]byte(text))
		if i < 0 {
			// Required and not declared: only the validator looks for it.
			c.giveUp("required")
			return
		}
		q.required |= 1 << i
	}
	switch rest, given := doc["additionalProperties"]; {
	case !given:
		q.rest = c.anything()
	case rest == false:
	default:
		q.rest = c.schema(rest, "additionalProperties")
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
	if !ok || !local || strings.ContainsAny(name, "/~%#") {
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
	outer := c.path
	c.path = nil
	if text != "#" {
		c.path = []string{"$defs", name}
	}
	c.into(q, target)
	c.path = outer
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

// numberLimit reads a limit; two for one end are for an engine.
func numberLimit(to **quickLimit, exclusive *bool, isExclusive bool, v any) bool {
	number, ok := v.(json.Number)
	if !ok || *to != nil {
		return false
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || math.IsInf(f, 0) {
		return false
	}
	exact, ok := new(big.Rat).SetString(string(number))
	*to, *exclusive = &quickLimit{value: f, exact: exact, short: len(number) <= exactDigits}, isExclusive
	return ok
}
