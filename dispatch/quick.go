package dispatch

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

// quick is a part of a schema that can be checked in one pass over the text,
// without building values. Its yes is certain: the validator would find neither
// a violation nor a warning. Its no means nothing; the validator then decides,
// and finds the words. It exists because nearly every job's input is valid, and a
// worker that is billed by the millisecond checks each of them twice.
type quick struct {
	kinds  kindSet
	enum   []string // raw texts; nil: any
	values []any    // those of enum
	// enumKeyword is "enum" or "const".
	enumKeyword string
	properties  []quickProperty
	required    uint64 // bits of properties
	rest        *quick // additional properties; nil: none allowed
	items       *quick
	anyOf       []*quick
	minLength   int
	maxLength   int // -1: no limit
	minItems    int
	maxItems    int // -1: no limit
	minimum     *quickLimit
	maximum     *quickLimit
	exclusive   [2]bool // of minimum, maximum
	dateTime    bool
	pattern     *regexp.Regexp
	names       *quick // what every name of a property must fit; nil: anything
	ref         *quick // all of this one as well; a pointer, since schemas recurse
}

type quickProperty struct {
	name   string
	schema *quick
}

// quickLimit is a bound of a number.
type quickLimit struct {
	value float64
	exact *big.Rat
	// short says that the literal has so few digits that no two of that length are
	// the same float64: then comparing floats is exact.
	short bool
}

// kindSet is a set of JSON types.
type kindSet uint8

const (
	kindNull kindSet = 1 << iota
	kindBoolean
	kindString
	kindNumber
	kindInteger // a number without point and exponent
	kindArray
	kindObject

	kindAny = kindNull | kindBoolean | kindString | kindNumber | kindInteger | kindArray | kindObject
)

const (
	// quickDepth and quickNames bound what is looked at: nesting, and names of
	// properties that are compared with each other to find doubles.
	quickDepth = 64
	quickNames = 16
	// quickFuel is how often a byte may be looked at: a schema whose forms refer to
	// each other could otherwise be followed for ever.
	quickFuel = 4
	// quickNumber is how long a number may be.
	quickNumber = 20
	// exactDigits is the length up to which decimal numbers and float64 keep the
	// same order strictly (15 significant digits).
	exactDigits = 15
)

// accepts reports whether text certainly fits.
func (q *quick) accepts(text []byte) bool {
	if q == nil || !ValidJSON(text) || !utf8.Valid(text) {
		return false
	}
	w := quickWalk{text: text, fuel: quickFuel*len(text) + 256}
	return w.value(q, 0)
}

// quickWalk reads a text that is known to be JSON.
type quickWalk struct {
	text []byte
	pos  int
	fuel int // how many more values may be looked at
}

func (w *quickWalk) space() byte {
	for {
		switch c := w.text[w.pos]; c {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return c
		}
	}
}

// value reads a value and reports whether it fits; after a no the position means
// nothing.
func (w *quickWalk) value(q *quick, depth int) bool {
	if w.fuel--; w.fuel < 0 || depth > quickDepth {
		return false
	}
	c := w.space()
	start := w.pos
	if q.ref != nil {
		if !w.value(q.ref, depth+1) {
			return false
		}
		w.pos = start
	}
	if len(q.anyOf) > 0 && !w.anyOf(q.anyOf, start, depth) {
		return false
	}
	w.pos = start
	switch c {
	case '{':
		return q.kinds&kindObject != 0 && q.enum == nil && w.object(q, depth)
	case '[':
		return q.kinds&kindArray != 0 && q.enum == nil && w.array(q, depth)
	case '"':
		return q.kinds&kindString != 0 && w.stringValue(q)
	case 't', 'n':
		w.pos += 4
		kind := kindBoolean
		if c == 'n' {
			kind = kindNull
		}
		return q.kinds&kind != 0 && q.listed(w.text[start:w.pos])
	case 'f':
		w.pos += 5
		return q.kinds&kindBoolean != 0 && q.listed(w.text[start:w.pos])
	}
	return w.number(q)
}

func (w *quickWalk) anyOf(forms []*quick, start, depth int) bool {
	for _, form := range forms {
		w.pos = start
		if w.value(form, depth+1) {
			return true
		}
	}
	return false
}

// listed reports whether raw is one of the schema's enum.
func (q *quick) listed(raw []byte) bool {
	if q.enum == nil {
		return true
	}
	for _, e := range q.enum {
		if string(raw) == e {
			return true
		}
	}
	return false
}

// stringText reads a string and returns what stands between its quotes, and whether
// that is what it means: a backslash makes it something else.
func (w *quickWalk) stringText() (inner []byte, plain bool) {
	w.pos++
	start := w.pos
	plain = true
	for {
		for w.pos+8 <= len(w.text) && plainBytes(binary.LittleEndian.Uint64(w.text[w.pos:])) {
			w.pos += 8
		}
		switch w.text[w.pos] {
		case '"':
			inner = w.text[start:w.pos]
			w.pos++
			return inner, plain
		case '\\':
			plain = false
			w.pos += 2
		default:
			w.pos++
		}
	}
}

func (w *quickWalk) stringValue(q *quick) bool {
	start := w.pos
	inner, plain := w.stringText()
	return q.textFits(inner, w.text[start:w.pos], plain)
}

// textFits reports whether a string fits: what stands between its quotes, and the
// whole of it.
func (q *quick) textFits(inner, raw []byte, plain bool) bool {
	if q.enum != nil && (!plain || !q.listed(raw)) {
		return false
	}
	if q.pattern != nil && (!plain || !q.pattern.Match(inner)) {
		return false
	}
	if q.minLength > 0 || q.maxLength >= 0 {
		n := utf8.RuneCount(inner)
		if !plain || n < q.minLength || q.maxLength >= 0 && n > q.maxLength {
			return false
		}
	}
	return !q.dateTime || plain && isDateTime(inner)
}

// isDateTime accepts what RFC 3339 and Go's reading of it have in common.
func isDateTime(text []byte) bool {
	if len(text) < len("2006-01-02T15:04:05Z") || len(text) > 40 || text[10] != 'T' || bytes.ContainsAny(text, ", zt") {
		return false
	}
	var t time.Time
	return t.UnmarshalText(text) == nil
}

func (w *quickWalk) number(q *quick) bool {
	start := w.pos
	whole, exponent := true, false
	for w.pos < len(w.text) {
		c := w.text[w.pos]
		if c == 'e' || c == 'E' {
			exponent = true // there is a limit to those, which is not looked at here
		} else if c == '.' {
			whole = false
		} else if c != '-' && c != '+' && (c < '0' || c > '9') {
			break
		}
		w.pos++
	}
	raw := w.text[start:w.pos]
	if exponent || len(raw) > quickNumber || q.enum != nil {
		return false
	}
	if q.kinds&kindNumber == 0 && (q.kinds&kindInteger == 0 || !whole) {
		return false
	}
	if q.minimum == nil && q.maximum == nil {
		return true
	}
	if len(raw) > exactDigits {
		return false
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return false
	}
	return (q.minimum == nil || q.minimum.below(n, q.exclusive[0])) &&
		(q.maximum == nil || q.maximum.above(n, q.exclusive[1]))
}

func (l *quickLimit) below(n float64, exclusive bool) bool {
	return n > l.value || n == l.value && l.short && !exclusive
}

func (l *quickLimit) above(n float64, exclusive bool) bool {
	return n < l.value || n == l.value && l.short && !exclusive
}

func (w *quickWalk) array(q *quick, depth int) bool {
	w.pos++
	if w.space() == ']' {
		w.pos++
		return q.minItems == 0
	}
	for n := 1; ; n++ {
		if !w.value(q.items, depth+1) {
			return false
		}
		end := w.space() == ']'
		w.pos++
		if end {
			return n >= q.minItems && (q.maxItems < 0 || n <= q.maxItems)
		}
	}
}

func (w *quickWalk) object(q *quick, depth int) bool {
	w.pos++
	if w.space() == '}' {
		w.pos++
		return q.required == 0
	}
	var (
		seen   uint64
		others [quickNames][]byte
		n      int
	)
	for {
		w.space()
		from := w.pos
		name, plain := w.stringText()
		if !plain || q.names != nil && !q.names.nameFits(name, w.text[from:w.pos]) {
			return false
		}
		schema := q.rest
		if i := q.property(name); i >= 0 {
			if seen&(1<<i) != 0 {
				return false // given twice: the validator warns
			}
			seen |= 1 << i
			schema = q.properties[i].schema
		} else {
			if schema == nil || n == quickNames {
				return false
			}
			for _, other := range others[:n] {
				if bytes.Equal(other, name) {
					return false
				}
			}
			others[n] = name
			n++
		}
		w.space()
		w.pos++ // the colon
		if !w.value(schema, depth+1) {
			return false
		}
		end := w.space() == '}'
		w.pos++
		if end {
			return seen&q.required == q.required
		}
	}
}

// nameFits reports whether a property may be called so. It knows simple demands only.
func (q *quick) nameFits(inner, raw []byte) bool {
	return q.kinds&kindString != 0 && q.ref == nil && len(q.anyOf) == 0 && q.textFits(inner, raw, true)
}

func (q *quick) property(name []byte) int {
	for i := range q.properties {
		if q.properties[i].name == string(name) {
			return i
		}
	}
	return -1
}

// anything reports whether the schema says nothing.
func (q *quick) anything() bool { return q.rest == q && q.items == q }
