package dispatch

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// simpleCheck finds what does not fit a schema that the quick check knows whole.
// It is asked when the quick check has not said yes.
type simpleCheck struct {
	root *quick
	// tolerant makes a property that the schema does not know a warning.
	tolerant bool
}

// Pattern implements jsontext.Checker.
func (simpleCheck) Pattern(source string) (func(string) bool, bool) {
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, false
	}
	return re.MatchString, true
}

// Warnings implements jsontext.Checker.
func (simpleCheck) Warnings() []string { return nil }

const (
	// simpleFuel is how many values may be looked at for each byte of the text, with
	// some to begin with: a schema whose forms refer to each other could otherwise be
	// followed for ever.
	simpleFuel      = 64
	simpleFirstFuel = 1 << 16
	// simpleHops is how many references may follow each other at one value.
	simpleHops = 64
	// simpleFound is how many findings are worded. What is reported is a part of it.
	simpleFound = 10 * jsontext.MaxFindings
)

// Check implements jsontext.Checker.
func (s simpleCheck) Check(t *jsontext.Parsed) ([]jsontext.Finding, jsontext.LeftOut) {
	c := simpleRun{text: t, tolerant: s.tolerant, fuel: simpleFirstFuel + simpleFuel*t.Values()}
	found := c.value(s.root, t.Value, &t.Root, nil, 0)
	return found, c.left
}

type simpleRun struct {
	text     *jsontext.Parsed
	tolerant bool
	fuel     int
	count    int
	left     jsontext.LeftOut
}

// report words a finding, or counts it when there are very many.
func (c *simpleRun) report(f func() jsontext.Finding, path []string) []jsontext.Finding {
	if c.count++; c.count > simpleFound {
		c.left.Errors.Add(c.text.Root.Find(path).Off, slices.Clone(path), 1)
		return nil
	}
	return []jsontext.Finding{f()}
}

func (c *simpleRun) say(path []string, keyword, format string, args ...any) []jsontext.Finding {
	return c.report(func() jsontext.Finding { return c.text.Report(slices.Clone(path), keyword, format, args...) }, path)
}

func (c *simpleRun) wrong(path []string, keyword string, expects func() []string) []jsontext.Finding {
	return c.report(func() jsontext.Finding { return c.text.Wrong(slices.Clone(path), keyword, expects()) }, path)
}

func literals(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = jsontext.Literal(v)
	}
	return out
}

// value checks one value. hops counts the references that led to it without a step
// into the text.
func (c *simpleRun) value(q *quick, v any, n *jsontext.Node, path []string, hops int) []jsontext.Finding {
	if c.fuel--; c.fuel < 0 || hops > simpleHops {
		return c.say(path, "$ref", "cannot be checked: the schema refers to itself in a circle")
	}
	if !q.kinds.has(v) {
		return c.wrong(path, "type", q.kinds.names)
	}
	if q.enum != nil && !slices.Contains(q.values, v) {
		return c.wrong(path, q.enumKeyword, func() []string { return literals(q.values) })
	}
	var found []jsontext.Finding
	if q.ref != nil {
		found = append(found, c.value(q.ref, v, n, path, hops+1)...)
	}
	if len(q.anyOf) > 0 {
		found = append(found, c.anyOf(q, v, n, path, hops)...)
	}
	switch v := v.(type) {
	case string:
		found = append(found, c.str(q, v, path)...)
	case json.Number:
		found = append(found, c.number(q, v, path)...)
	case []any:
		found = append(found, c.array(q, v, n, path)...)
	case map[string]any:
		found = append(found, c.object(q, v, n, path)...)
	}
	return found
}

// anyOf takes the first form with the fewest warnings, of those that fit.
func (c *simpleRun) anyOf(q *quick, v any, n *jsontext.Node, path []string, hops int) []jsontext.Finding {
	var best []jsontext.Finding
	var branches [][]jsontext.Finding
	fits := false
	for _, form := range q.anyOf {
		branch := simpleRun{text: c.text, tolerant: c.tolerant, fuel: c.fuel}
		found := branch.value(form, v, n, path, hops+1)
		c.fuel = branch.fuel
		wrong := slices.DeleteFunc(slices.Clone(found), func(f jsontext.Finding) bool { return f.Warning })
		switch {
		case len(wrong) > 0:
			branches = append(branches, wrong)
		case !fits || len(found) < len(best):
			best, fits = found, true
		}
	}
	if fits {
		return best
	}
	if c.count++; c.count > simpleFound {
		c.left.Errors.Add(n.Off, slices.Clone(path), 1)
		return nil
	}
	return c.text.Union(slices.Clone(path), "anyOf", branches)
}

func (c *simpleRun) str(q *quick, v string, path []string) (found []jsontext.Finding) {
	if q.minLength > 0 || q.maxLength >= 0 {
		switch n := utf8.RuneCountInString(v); {
		case n < q.minLength && q.minLength == 1:
			found = append(found, c.say(path, "minLength", "must not be empty")...)
		case n < q.minLength:
			found = append(found, c.say(path, "minLength", "must have at least %s, has %d", jsontext.Count(q.minLength, "character", "characters"), n)...)
		case q.maxLength >= 0 && n > q.maxLength:
			found = append(found, c.say(path, "maxLength", "must have at most %s, has %d", jsontext.Count(q.maxLength, "character", "characters"), n)...)
		}
	}
	if q.pattern != nil && !q.pattern.MatchString(v) {
		found = append(found, c.say(path, "pattern", "must match the pattern %s, is %s", jsontext.QuoteShort(q.pattern.String()), jsontext.QuoteShort(v))...)
	}
	if q.dateTime && !isRFC3339(v) {
		found = append(found, c.say(path, "format", "must be a valid date-time, is %s; such as 2026-01-31T12:00:00Z", jsontext.Describe(v))...)
	}
	return found
}

// isRFC3339 accepts a date-time of RFC 3339, leap seconds and small letters
// included, which Go's reading refuses.
func isRFC3339(text string) bool {
	if len(text) < len("2006-01-02T15:04:05Z") || text[10] != 'T' && text[10] != 't' || strings.Contains(text, ",") {
		return false
	}
	text = strings.ToUpper(text)
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return true
	}
	// A leap second is the last of a day in UTC.
	if text[17:19] != "60" {
		return false
	}
	at, err := time.Parse(time.RFC3339, text[:17]+"59"+text[19:])
	if err != nil {
		return false
	}
	at = at.UTC()
	return at.Hour() == 23 && at.Minute() == 59
}

func (c *simpleRun) number(q *quick, v json.Number, path []string) (found []jsontext.Finding) {
	if q.minimum == nil && q.maximum == nil {
		return nil
	}
	r, ok := new(big.Rat).SetString(string(v))
	if !ok {
		return c.say(path, "type", "cannot be read as a number")
	}
	if l := q.minimum; l != nil {
		switch d := r.Cmp(l.exact); {
		case q.exclusive[0] && d <= 0:
			found = append(found, c.say(path, "exclusiveMinimum", "must be more than %s, is %s", jsontext.Ratio(l.exact), jsontext.Ratio(r))...)
		case d < 0:
			found = append(found, c.say(path, "minimum", "must be at least %s, is %s", jsontext.Ratio(l.exact), jsontext.Ratio(r))...)
		}
	}
	if l := q.maximum; l != nil {
		switch d := r.Cmp(l.exact); {
		case q.exclusive[1] && d >= 0:
			found = append(found, c.say(path, "exclusiveMaximum", "must be less than %s, is %s", jsontext.Ratio(l.exact), jsontext.Ratio(r))...)
		case d > 0:
			found = append(found, c.say(path, "maximum", "must be at most %s, is %s", jsontext.Ratio(l.exact), jsontext.Ratio(r))...)
		}
	}
	return found
}

func (c *simpleRun) array(q *quick, v []any, n *jsontext.Node, path []string) (found []jsontext.Finding) {
	switch {
	case len(v) < q.minItems:
		found = append(found, c.say(path, "minItems", "must have at least %s, has %d", jsontext.Count(q.minItems, "item", "items"), len(v))...)
	case q.maxItems >= 0 && len(v) > q.maxItems:
		found = append(found, c.say(path, "maxItems", "must have at most %s, has %d", jsontext.Count(q.maxItems, "item", "items"), len(v))...)
	}
	if q.items.anything() {
		return found
	}
	for i, x := range v {
		found = append(found, c.value(q.items, x, &n.Kids[i], append(path, strconv.Itoa(i)), 0)...)
	}
	return found
}

func (c *simpleRun) object(q *quick, v map[string]any, n *jsontext.Node, path []string) (found []jsontext.Finding) {
	for i := range q.properties {
		if name := q.properties[i].name; q.required&(1<<i) != 0 {
			if _, there := v[name]; !there {
				found = append(found, c.say(path, "required", "missing required property %s", jsontext.QuoteShort(name))...)
			}
		}
	}
	for i := range n.Kids {
		kid := &n.Kids[i]
		if kid != n.Child(kid.Key) {
			continue // given again further on, and that counts
		}
		at := append(path, kid.Key)
		if q.names != nil {
			found = append(found, c.name(q.names, kid.Key, at)...)
		}
		schema := q.rest
		if p := q.property([]byte(kid.Key)); p >= 0 {
			schema = q.properties[p].schema
		}
		switch {
		case schema == nil && c.tolerant:
			f := c.text.ReportName(slices.Clone(at), "additionalProperties", "is not a property the worker's schema knows")
			f.Warning = true
			found = append(found, f)
		case schema == nil:
			found = append(found, c.report(func() jsontext.Finding {
				return c.text.ReportName(slices.Clone(at), "additionalProperties", "is not an allowed property")
			}, at)...)
		default:
			found = append(found, c.value(schema, v[kid.Key], kid, at, 0)...)
		}
	}
	return found
}

// name checks what a property is called.
func (c *simpleRun) name(q *quick, name string, path []string) []jsontext.Finding {
	run := simpleRun{text: &jsontext.Parsed{Value: name}, fuel: simpleHops}
	found := run.value(q, name, &jsontext.Node{}, nil, 0)
	if len(found) == 0 {
		return nil
	}
	return c.report(func() jsontext.Finding {
		return c.text.ReportName(slices.Clone(path), "propertyNames", "is not an allowed property name: %s", found[0].Message)
	}, path)
}

// has reports whether the type of a value is among the kinds.
func (k kindSet) has(v any) bool {
	switch v := v.(type) {
	case nil:
		return k&kindNull != 0
	case bool:
		return k&kindBoolean != 0
	case string:
		return k&kindString != 0
	case []any:
		return k&kindArray != 0
	case map[string]any:
		return k&kindObject != 0
	case json.Number:
		if k&kindNumber != 0 {
			return true
		}
		if k&kindInteger == 0 {
			return false
		}
		r, ok := new(big.Rat).SetString(string(v))
		return ok && r.IsInt()
	}
	return false
}

// names lists the kinds for a message.
func (k kindSet) names() (names []string) {
	for _, x := range []struct {
		kind kindSet
		name string
	}{
		{kindNull, "null"},
		{kindBoolean, "boolean"},
		{kindNumber, "number"},
		{kindInteger, "integer"},
		{kindString, "string"},
		{kindArray, "array"},
		{kindObject, "object"},
	} {
		if k&x.kind != 0 {
			names = append(names, jsontext.TypeName(x.name))
		}
	}
	return names
}
