package logs

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// fields are the members of a JSON object, in their order, with their values as they
// are written. A line is read a hundred thousand times in a row: encoding/json's map
// costs ten times as much, and a value's text is mostly all that is wanted.
type fields []field

// field is a member; its value is empty once it is dropped.
type field struct{ name, value string }

// fieldsDeep is how deep values may be nested; encoding/json allows 10,000.
const fieldsDeep = 1_000

// fieldsOnce is up to how many members a name is looked for that came before; of
// more, get still finds the last.
const fieldsOnce = 128

// readFields reads text into buf; ok is false when it is no JSON object. The strings
// are parts of text.
func readFields(text string, buf fields) (f fields, ok bool) {
	i := skipSpace(text, 0)
	if i == len(text) || text[i] != '{' {
		return nil, false
	}
	f = buf[:0]
	end := objectEnd(text, i, 1, func(name, value string) {
		name = str(name)
		if len(f) < fieldsOnce {
			for n := range f {
				if f[n].name == name {
					f[n].value = value
					return
				}
			}
		}
		f = append(f, field{name, value})
	})
	if end < 0 || skipSpace(text, end) != len(text) {
		return nil, false
	}
	return f, true
}

// get is a member's value, empty when there is none.
func (f fields) get(name string) string {
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].name == name {
			return f[i].value
		}
	}
	return ""
}

func (f fields) drop(name string) {
	for i := range f {
		if f[i].name == name {
			f[i].value = ""
		}
	}
}

// first is the text of the first of the members that is there.
func (f fields) first(names []string) string {
	for _, name := range names {
		if v := f.get(name); v != "" {
			return str(v)
		}
	}
	return ""
}

// sorted sorts the members by name.
func (f fields) sorted() {
	slices.SortStableFunc(f, func(a, b field) int { return cmp.Compare(a.name, b.name) })
}

// The into functions read a member as encoding/json would: null and nothing leave the
// target alone, and ok is false for a value of another type.

func (f fields) intoString(name string, to *string) (ok bool) {
	v := f.get(name)
	if v == "" || v == "null" {
		return true
	}
	*to = str(v)
	return v[0] == '"'
}

func (f fields) intoInt(name string, to *int) (ok bool) {
	v := f.get(name)
	if v == "" || v == "null" {
		return true
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return false
	}
	*to = n
	return true
}

func (f fields) intoFloat(name string, to *float64) (ok bool) {
	v := f.get(name)
	if v == "" || v == "null" {
		return true
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || v[0] == '"' {
		return false
	}
	*to = n
	return true
}

func (f fields) intoTime(name string, to *time.Time) (ok bool) {
	v := f.get(name)
	return v == "" || to.UnmarshalJSON([]byte(v)) == nil
}

// str is the text of a JSON string, empty for anything else.
func str(v string) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if in := v[1 : len(v)-1]; strings.IndexByte(in, '\\') < 0 && utf8.ValidString(in) {
		return in
	}
	var s string
	_ = json.Unmarshal([]byte(v), &s) // it is valid JSON already
	return s
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// The End functions say where the value that begins at i ends; -1: it is not valid.

func valueEnd(s string, i, depth int) int {
	if i >= len(s) || depth > fieldsDeep {
		return -1
	}
	switch c := s[i]; {
	case c == '"':
		return stringLiteralEnd(s, i)
	case c == '{':
		return objectEnd(s, i, depth+1, nil)
	case c == '[':
		return arrayEnd(s, i, depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return numberEnd(s, i)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(s[i:], word) {
			return i + len(word)
		}
	}
	return -1
}

// objectEnd calls each (may be nil) with the members, their names in quotes.
func objectEnd(s string, i, depth int, each func(name, value string)) int {
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	for i < len(s) && s[i] == '"' {
		from := i
		if i = stringLiteralEnd(s, i); i < 0 {
			return -1
		}
		name := s[from:i]
		if i = skipSpace(s, i); i >= len(s) || s[i] != ':' {
			return -1
		}
		from = skipSpace(s, i+1)
		if i = valueEnd(s, from, depth); i < 0 {
			return -1
		}
		if each != nil {
			each(name, s[from:i])
		}
		if i = skipSpace(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case '}':
			return i + 1
		case ',':
			i = skipSpace(s, i+1)
		default:
			return -1
		}
	}
	return -1
}

func arrayEnd(s string, i, depth int) int {
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = valueEnd(s, i, depth); i < 0 {
			return -1
		}
		if i = skipSpace(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case ']':
			return i + 1
		case ',':
			i = skipSpace(s, i+1)
		default:
			return -1
		}
	}
}

func stringLiteralEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c != '\\':
		default:
			if i++; i >= len(s) {
				return -1
			}
			switch s[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i >= len(s) || !hexDigit(s[i]) {
						return -1
					}
				}
			default:
				return -1
			}
		}
	}
	return -1
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func numberEnd(s string, i int) int {
	if s[i] == '-' {
		i++
	}
	from := i
	if i = digitsEnd(s, i); i == from || s[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(s) && s[i] == '.' {
		from = i + 1
		if i = digitsEnd(s, from); i == from {
			return -1
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from = i
		if i = digitsEnd(s, from); i == from {
			return -1
		}
	}
	return i
}

func digitsEnd(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
