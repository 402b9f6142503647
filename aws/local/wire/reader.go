package wire

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may be nested in what is skipped.
const maxDepth = 100

// Reader reads JSON from a byte slice without building anything on the way. It is
// for operations whose speed matters; others use JSON and encoding/json, which
// accept the same texts, except that Reader wants keys spelled exactly, refuses
// text that is not UTF-8, and stops after the outermost value.
//
// The first fault stops it: everything after that answers with zero values, and
// Err tells what was wrong.
type Reader struct {
	data    []byte
	pos     int
	err     *Error
	scratch []byte
}

// Reset starts reading data, and keeps the memory of earlier use.
func (r *Reader) Reset(data []byte) {
	*r = Reader{data: data, scratch: r.scratch[:0]}
}

// Err is the first fault, a SerializationException, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// fail notes a fault and moves to the end, so that every loop stops.
func (r *Reader) fail(what string) {
	if r.err == nil {
		r.err = Serialization("the request body is not what the operation takes: %s at byte %d", what, r.pos)
	}
	r.pos = len(r.data)
}

func (r *Reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek is the next byte that is not space; 0 at the end.
func (r *Reader) peek() byte {
	r.space()
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

func (r *Reader) literal(word string) bool {
	if len(r.data)-r.pos < len(word) || string(r.data[r.pos:r.pos+len(word)]) != word {
		r.fail("a value that is not JSON")
		return false
	}
	r.pos += len(word)
	return true
}

// Null reads a null if one is next.
func (r *Reader) Null() bool { return r.peek() == 'n' && r.literal("null") }

// Object begins an object; false means null or a fault. Read its members with Key.
func (r *Reader) Object() bool { return r.begin('{', "an object is wanted") }

// Array begins an array; false means null or a fault. Read its elements with Element.
func (r *Reader) Array() bool { return r.begin('[', "an array is wanted") }

func (r *Reader) begin(open byte, what string) bool {
	if r.Null() {
		return false
	}
	if r.peek() != open {
		r.fail(what)
		return false
	}
	r.pos++
	return true
}

// Key reads the next member's key and colon; n counts the members read and starts
// at 0. False means that the object has ended. The key is valid until the next read.
func (r *Reader) Key(n *int) ([]byte, bool) {
	if !r.separator(n, '}') {
		return nil, false
	}
	if r.peek() != '"' {
		r.fail("a key is wanted")
		return nil, false
	}
	key := r.text()
	if r.peek() != ':' {
		r.fail("a colon is wanted")
		return nil, false
	}
	r.pos++
	return key, true
}

// Element moves to the next element of an array; n is as in Key.
func (r *Reader) Element(n *int) bool { return r.separator(n, ']') }

func (r *Reader) separator(n *int, end byte) bool {
	c := r.peek()
	switch {
	case r.err != nil:
		return false
	case c == end:
		r.pos++
		return false
	case *n > 0 && c == ',':
		r.pos++
	case *n > 0 || c == 0:
		r.fail("a comma or the end of an object or array is wanted")
		return false
	}
	*n++
	return true
}

// String reads a string; null reads as "".
func (r *Reader) String() string { return string(r.Bytes()) }

// Bytes is String without the copy: it is valid until the next read.
func (r *Reader) Bytes() []byte {
	if r.Null() {
		return nil
	}
	if r.peek() != '"' {
		r.fail("a string is wanted")
		return nil
	}
	return r.text()
}

// Int reads an integer; ok is false for null.
func (r *Reader) Int() (n int, ok bool) {
	if r.Null() {
		return 0, false
	}
	start := r.pos
	if !r.number() {
		return 0, false
	}
	n, err := strconv.Atoi(string(r.data[start:r.pos]))
	if err != nil {
		r.pos = start
		r.fail("an integer is wanted")
		return 0, false
	}
	return n, true
}

// number moves past a number.
func (r *Reader) number() bool {
	start, digits := r.pos, func() bool {
		from := r.pos
		for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
			r.pos++
		}
		return r.pos > from
	}
	is := func(chars string) bool {
		for i := range len(chars) {
			if r.pos < len(r.data) && r.data[r.pos] == chars[i] {
				r.pos++
				return true
			}
		}
		return false
	}
	is("-")
	ok := is("0") || digits()
	if ok && is(".") {
		ok = digits()
	}
	if ok && is("eE") {
		is("+-")
		ok = digits()
	}
	if !ok {
		r.pos = start
		r.fail("a number is wanted")
	}
	return ok
}

// Skip moves past a value of any kind.
func (r *Reader) Skip() { r.skip(0) }

func (r *Reader) skip(depth int) {
	if depth > maxDepth {
		r.fail("values nested too deeply")
		return
	}
	n := 0
	switch c := r.peek(); c {
	case '{':
		r.pos++
		for {
			if _, ok := r.Key(&n); !ok {
				return
			}
			r.skip(depth + 1)
		}
	case '[':
		r.pos++
		for r.Element(&n) {
			r.skip(depth + 1)
		}
	case '"':
		r.text()
	case 't':
		r.literal("true")
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

// End checks that nothing but space follows.
func (r *Reader) End() error {
	if r.peek() != 0 || r.pos < len(r.data) {
		r.fail("text after the end of the value")
	}
	return r.Err()
}

// text reads a string whose quote is next. It returns a part of the data, or of
// scratch when there were escapes.
func (r *Reader) text() []byte {
	r.pos++
	start := r.pos
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			s := r.data[start:r.pos]
			r.pos++
			return s
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.fail("a control character in a string")
			return nil
		case c < utf8.RuneSelf:
			r.pos++
		default:
			if !r.rune() {
				return nil
			}
		}
	}
	r.fail("a string without an end")
	return nil
}

// rune moves past a character of several bytes.
func (r *Reader) rune() bool {
	c, size := utf8.DecodeRune(r.data[r.pos:])
	if c == utf8.RuneError && size == 1 {
		r.fail("text that is not UTF-8")
		return false
	}
	r.pos += size
	return true
}

func (r *Reader) escaped(start int) []byte {
	out := append(r.scratch[:0], r.data[start:r.pos]...)
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			r.scratch = out
			return out
		case c == '\\':
			var ok bool
			if out, ok = r.escape(out); !ok {
				r.fail("an escape that is not JSON")
				return nil
			}
		case c < ' ':
			r.fail("a control character in a string")
			return nil
		case c < utf8.RuneSelf:
			out = append(out, c)
			r.pos++
		default:
			from := r.pos
			if !r.rune() {
				return nil
			}
			out = append(out, r.data[from:r.pos]...)
		}
	}
	r.fail("a string without an end")
	return nil
}

// escape reads one escape sequence, or two when they are a surrogate pair.
func (r *Reader) escape(out []byte) ([]byte, bool) {
	if r.pos+1 >= len(r.data) {
		return out, false
	}
	c := r.data[r.pos+1]
	r.pos += 2
	switch c {
	case '"', '\\', '/':
		return append(out, c), true
	case 'b':
		return append(out, '\b'), true
	case 'f':
		return append(out, '\f'), true
	case 'n':
		return append(out, '\n'), true
	case 'r':
		return append(out, '\r'), true
	case 't':
		return append(out, '\t'), true
	case 'u':
		u, ok := r.hex(r.pos)
		if !ok {
			return out, false
		}
		r.pos += 4
		if utf16.IsSurrogate(u) {
			second, ok := rune(0), false
			if r.pos+1 < len(r.data) && r.data[r.pos] == '\\' && r.data[r.pos+1] == 'u' {
				second, ok = r.hex(r.pos + 2)
			}
			pair := utf16.DecodeRune(u, second)
			if ok && pair != utf8.RuneError {
				r.pos += 6
			}
			u = pair // half a pair becomes U+FFFD, as in encoding/json
		}
		return utf8.AppendRune(out, u), true
	}
	return out, false
}

func (r *Reader) hex(at int) (rune, bool) {
	if at+4 > len(r.data) {
		return 0, false
	}
	var u rune
	for _, c := range r.data[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		u = u<<4 | rune(c)
	}
	return u, true
}
