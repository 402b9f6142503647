package logs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// Field is a condition on a field of the JSON object that a line is, or that it ends with, as
// behind the prefixes of Lambda's Node runtime. Make one with ParseField.
//
//	a.b        the field is there
//	!a.b       it is not; true of lines that are no JSON, too
//	a.b=v      it is v; numbers are compared as such: 1 is 1.0
//	a.b!=v     it is there, and is not v
//	a.b<v      and <=, >, >=: numbers by size; texts, such as times, by their order
//	a.b~re     it matches a regular expression; !~ it is there, and does not
//
// A name that has dots or operators in it is put in double quotes, and a number goes into an
// array, from 0: "a.b".0.c. The value is everything behind the operator, as it is; true, false
// and null are those of JSON and the texts of that name alike.
type Field struct {
	path  []string
	op    fieldOp
	value string
	// number is value as a number, if numeric.
	number  float64
	numeric bool
	re      *regexp.Regexp
}

type fieldOp string

const (
	opThere   fieldOp = ""
	opAbsent  fieldOp = "!"
	opEqual   fieldOp = "="
	opUnequal fieldOp = "!="
	opLess    fieldOp = "<"
	opMost    fieldOp = "<="
	opMore    fieldOp = ">"
	opLeast   fieldOp = ">="
	opMatch   fieldOp = "~"
	opNoMatch fieldOp = "!~"
)

// The operators, longer ones first.
var fieldOps = [...]fieldOp{opUnequal, opNoMatch, opMost, opLeast, opEqual, opLess, opMore, opMatch}

// SyntaxError says what is wrong with a condition, and where.
type SyntaxError struct {
	Text string
	At   int // which character, from 1
	Why  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%q, character %d: %s", e.Text, e.At, e.Why)
}

// ParseRegexp is regexp.Compile, with an error that says where.
func ParseRegexp(text string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(text)
	if err == nil {
		return re, nil
	}
	bad, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return nil, &SyntaxError{Text: text, At: 1, Why: err.Error()}
	}
	at := max(strings.LastIndex(text, bad.Expr), 0)
	why := string(bad.Code)
	if bad.Expr != text && bad.Expr != "" {
		why += ": " + bad.Expr
	}
	return nil, &SyntaxError{Text: text, At: len([]rune(text[:at])) + 1, Why: why}
}

// ParseField reads a condition. Its error is a *SyntaxError.
func ParseField(text string) (Field, error) {
	fail := func(rest, why string) (Field, error) {
		return Field{}, &SyntaxError{Text: text, At: len([]rune(text)) - len([]rune(rest)) + 1, Why: why}
	}
	var f Field
	rest, absent := strings.CutPrefix(text, "!")
	for {
		var name string
		if strings.HasPrefix(rest, `"`) {
			end := quotedEnd(rest)
			if end < 2 || rest[end-1] != '"' {
				return fail(rest, "the quote is never closed")
			}
			if json.Unmarshal([]byte(rest[:end]), &name) != nil {
				return fail(rest, "the quoted name is no JSON string")
			}
			rest = rest[end:]
		} else {
			end := strings.IndexAny(rest, `.=!<>~"`)
			if end < 0 {
				end = len(rest)
			}
			if name, rest = rest[:end], rest[end:]; name == "" {
				return fail(rest, "a field's name is missing")
			}
		}
		f.path = append(f.path, name)
		if !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	if rest == "" {
		if absent {
			f.op = opAbsent
		}
		return f, nil
	}
	for _, op := range fieldOps {
		value, ok := strings.CutPrefix(rest, string(op))
		if !ok {
			continue
		}
		if absent {
			return fail(rest, "a condition that begins with ! has no value: write a!=b")
		}
		if op == opEqual {
			value = strings.TrimPrefix(value, "=") // == is the same
		}
		f.op, f.value = op, value
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			f.number, f.numeric = n, true
		}
		if op != opMatch && op != opNoMatch {
			return f, nil
		}
		re, err := ParseRegexp(value)
		if bad, ok := errors.AsType[*SyntaxError](err); ok {
			bad.At += len([]rune(text)) - len([]rune(value))
			bad.Text = text
			return Field{}, bad
		}
		f.re = re
		return f, nil
	}
	return fail(rest, "here one of = != < <= > >= ~ !~ is expected")
}

// MatchFields reports whether a line fulfils all conditions.
func MatchFields(fields []Field, l *Line) bool {
	if len(fields) == 0 {
		return true
	}
	var object json.RawMessage
	if i := strings.IndexByte(l.Raw, '{'); i >= 0 {
		if text := []byte(strings.TrimSpace(l.Raw[i:])); json.Valid(text) {
			object = text
		}
	}
	for i := range fields {
		if !fields[i].match(object) {
			return false
		}
	}
	return true
}

// Phrase is a text that every line has in it that fulfils the condition, fit for the
// quotes of a CloudWatch filter pattern; empty when there is none.
func (f *Field) Phrase() string {
	v := f.value
	// What a pattern finds inside of a word is not documented, and some loggers escape slashes.
	if f.op != opEqual || f.numeric || !quotable(v) || strings.ContainsRune(v, '/') || !idByte(v[0]) || !idByte(v[len(v)-1]) {
		return ""
	}
	return v
}

func (f *Field) match(object json.RawMessage) bool {
	v := object
	for _, name := range f.path {
		if v = member(v, name); v == nil {
			return f.op == opAbsent
		}
	}
	switch f.op {
	case opThere:
		return true
	case opAbsent:
		return false
	case opMatch, opNoMatch:
		return f.re.MatchString(valueText(v)) == (f.op == opMatch)
	case opEqual, opUnequal, opLess, opMost, opMore, opLeast:
	}
	order, ok := f.compare(v)
	switch f.op {
	case opEqual:
		return ok && order == 0
	case opUnequal:
		return !ok || order != 0
	case opLess:
		return ok && order < 0
	case opMost:
		return ok && order <= 0
	case opMore:
		return ok && order > 0
	default:
		return ok && order >= 0
	}
}

// compare is how a JSON value stands to the condition's; ok is false when the two have
// no order.
func (f *Field) compare(v json.RawMessage) (order int, ok bool) {
	if c := v[0]; c == '-' || c >= '0' && c <= '9' {
		n, err := strconv.ParseFloat(string(v), 64)
		if err != nil || !f.numeric {
			return 0, false
		}
		return cmp.Compare(n, f.number), true
	}
	text := valueText(v)
	if v[0] != '"' && text != f.value { // an object, a list, true, false or null
		return 0, false
	}
	return strings.Compare(text, f.value), true
}

// valueText is the text of a JSON value: of a string what it says.
func valueText(v json.RawMessage) string {
	var s string
	if v[0] == '"' && json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// member is a field of an object or an element of a list, nil when it is not there.
func member(v json.RawMessage, name string) json.RawMessage {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return nil
	}
	switch v[0] {
	case '{':
		var fields map[string]json.RawMessage
		if json.Unmarshal(v, &fields) == nil {
			return fields[name]
		}
	case '[':
		var list []json.RawMessage
		if i, err := strconv.ParseUint(name, 10, 31); err == nil && json.Unmarshal(v, &list) == nil && i < uint64(len(list)) {
			return list[i]
		}
	}
	return nil
}
