package jsontext

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxTextDepth bounds nesting, so that hostile text cannot exhaust the
	// stack of this reader or of the validator behind it.
	maxTextDepth = 1000
	// maxExponent and maxNumberLength bound numbers. The validator does exact
	// arithmetic, in which 1e999999999 alone would fill the memory; a worker
	// reads anything beyond 1e308 as infinity anyway.
	maxExponent     = 400
	maxNumberLength = 1000
)

// Problem is a place in a text and what is wrong there.
type Problem struct {
	Off     int
	Keyword string
	Message string
	Path    []string
}

// Parsed is a JSON text read once: its value and its positions.
type Parsed struct {
	Value      any // numbers are json.Number
	Root       Node
	Duplicates []Problem
}

// Parse reads one JSON text. It accepts exactly what encoding/json accepts,
// apart from the bounds above and text that is not UTF-8, and knows where
// everything stands.
func Parse(text []byte) (*Parsed, *Problem) {
	p := parser{s: text}
	out := &Parsed{}
	p.space()
	switch {
	case p.pos == len(p.s):
		return nil, p.fail(p.pos, "the text is empty, expected a JSON value")
	case strings.HasPrefix(string(p.s[:min(len(p.s), 3)]), "\ufeff"):
		return nil, p.fail(0, "the text starts with a byte order mark, which JSON does not allow")
	}
	out.Root.KeyOff = -1
	value, problem := p.value(&out.Root)
	if problem != nil {
		return nil, problem
	}
	out.Root.End = p.pos
	p.space()
	if p.pos < len(p.s) {
		return nil, p.fail(p.pos, "unexpected "+p.here()+" after the end of the JSON value")
	}
	out.Value, out.Duplicates = value, p.duplicates
	return out, nil
}

type parser struct {
	s          []byte
	pos        int
	path       []string
	duplicates []Problem
}

func (p *parser) fail(off int, message string) *Problem {
	return &Problem{Off: off, Keyword: KeywordSyntax, Message: message}
}

func (p *parser) space() {
	for p.pos < len(p.s) {
		switch p.s[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// here names the character at the reading position.
func (p *parser) here() string {
	if p.pos >= len(p.s) {
		return "end of text"
	}
	r, size := utf8.DecodeRune(p.s[p.pos:])
	if r == utf8.RuneError && size <= 1 {
		return fmt.Sprintf("byte 0x%02x", p.s[p.pos])
	}
	return strconv.Quote(string(r))
}

func (p *parser) value(n *Node) (any, *Problem) {
	n.Off = p.pos
	if p.pos >= len(p.s) {
		return nil, p.fail(p.pos, "unexpected end of text, expected a value")
	}
	switch c := p.s[p.pos]; {
	case c == '{':
		return p.object(n)
	case c == '[':
		return p.array(n)
	case c == '"':
		return p.text()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't' || c == 'f' || c == 'n' || isWord(c):
		return p.word()
	case c == '\'':
		return nil, p.fail(p.pos, "unexpected \"'\", JSON strings stand in double quotes")
	case c == '/':
		return nil, p.fail(p.pos, "unexpected \"/\", JSON has no comments")
	case c == '+' || c == '.':
		return nil, p.fail(p.pos, "unexpected "+p.here()+", a JSON number starts with a digit or a minus sign")
	}
	return nil, p.fail(p.pos, "unexpected "+p.here()+", expected a value")
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func (p *parser) word() (any, *Problem) {
	start := p.pos
	for p.pos < len(p.s) && (isWord(p.s[p.pos]) || p.s[p.pos] >= '0' && p.s[p.pos] <= '9') {
		p.pos++
	}
	switch w := string(p.s[start:p.pos]); w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	default:
		return nil, p.fail(start, "unexpected word "+QuoteShort(w)+", expected a value (text stands in double quotes)")
	}
}

func (p *parser) object(n *Node) (any, *Problem) {
	if len(p.path) >= maxTextDepth {
		return nil, p.fail(p.pos, fmt.Sprintf("nested more than %d levels deep", maxTextDepth))
	}
	p.pos++
	out := make(map[string]any)
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == '}' {
		p.pos++
		return out, nil
	}
	for {
		kid := Node{KeyOff: p.pos}
		if problem := p.memberName(&kid, len(out) > 0); problem != nil {
			return nil, problem
		}
		p.path = append(p.path, kid.Key)
		v, problem := p.value(&kid)
		if problem != nil {
			return nil, problem
		}
		if _, twice := out[kid.Key]; twice {
			p.duplicates = append(p.duplicates, Problem{
				Off: kid.KeyOff, Keyword: KeywordDuplicate, Path: slices.Clone(p.path),
				Message: "property " + QuoteShort(kid.Key) + " is given more than once; the last one counts",
			})
		}
		p.path = p.path[:len(p.path)-1]
		kid.End = p.pos
		out[kid.Key] = v
		n.Kids = append(n.Kids, kid)
		done, problem := p.next('}')
		if problem != nil {
			return nil, problem
		}
		if done {
			return out, nil
		}
	}
}

// memberName reads a name and its colon, up to the value.
func (p *parser) memberName(kid *Node, after bool) *Problem {
	switch {
	case p.pos >= len(p.s):
		return p.fail(p.pos, `unexpected end of text, expected a property name or "}"`)
	case p.s[p.pos] == '}' && after:
		return p.fail(p.pos, `unexpected "}" after a comma: remove the comma or add a property`)
	case p.s[p.pos] == '/':
		return p.fail(p.pos, "unexpected \"/\", JSON has no comments")
	case p.s[p.pos] != '"':
		return p.fail(p.pos, "unexpected "+p.here()+", expected a property name in double quotes")
	}
	key, problem := p.text()
	if problem != nil {
		return problem
	}
	kid.Key = key.(string)
	p.space()
	if p.pos >= len(p.s) || p.s[p.pos] != ':' {
		return p.fail(p.pos, "unexpected "+p.here()+`, expected ":" after property name `+QuoteShort(kid.Key))
	}
	p.pos++
	p.space()
	return nil
}

func (p *parser) array(n *Node) (any, *Problem) {
	if len(p.path) >= maxTextDepth {
		return nil, p.fail(p.pos, fmt.Sprintf("nested more than %d levels deep", maxTextDepth))
	}
	p.pos++
	out := []any{}
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == ']' {
		p.pos++
		return out, nil
	}
	for {
		if len(out) > 0 && p.pos < len(p.s) && p.s[p.pos] == ']' {
			return nil, p.fail(p.pos, `unexpected "]" after a comma: remove the comma or add an item`)
		}
		kid := Node{KeyOff: -1}
		p.path = append(p.path, strconv.Itoa(len(out)))
		v, problem := p.value(&kid)
		if problem != nil {
			return nil, problem
		}
		p.path = p.path[:len(p.path)-1]
		kid.End = p.pos
		out = append(out, v)
		n.Kids = append(n.Kids, kid)
		done, problem := p.next(']')
		if problem != nil {
			return nil, problem
		}
		if done {
			return out, nil
		}
	}
}

// next reads what follows a member or an item: a comma, or the closing bracket.
func (p *parser) next(closing byte) (done bool, problem *Problem) {
	p.space()
	if p.pos >= len(p.s) {
		return false, p.fail(p.pos, `unexpected end of text, expected "," or "`+string(closing)+`"`)
	}
	switch p.s[p.pos] {
	case closing:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		p.space()
		return false, nil
	}
	return false, p.fail(p.pos, "unexpected "+p.here()+`, expected "," or "`+string(closing)+`"`)
}

func (p *parser) text() (any, *Problem) {
	start := p.pos
	p.pos++
	plain := true
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == '"':
			p.pos++
			inner := p.s[start+1 : p.pos-1]
			if !utf8.Valid(inner) {
				return nil, p.notUTF8(start+1, inner)
			}
			if plain {
				return string(inner), nil
			}
			var out string
			if err := json.Unmarshal(p.s[start:p.pos], &out); err != nil {
				return nil, p.fail(start, "this string cannot be read: "+err.Error())
			}
			return out, nil
		case c == '\\':
			plain = false
			if problem := p.escape(start); problem != nil {
				return nil, problem
			}
		case c == '\n' || c == '\r':
			return nil, p.fail(start, `this string is not closed before the end of the line (a line break inside a string is written \n)`)
		case c < 0x20:
			return nil, p.fail(p.pos, fmt.Sprintf(`unescaped control character in a string, write it as \u%04x`, c))
		default:
			p.pos++
		}
	}
	return nil, p.fail(start, "this string is not closed")
}

// notUTF8 finds the byte that is not UTF-8. encoding/json would read a replacement
// character there, so a file in another encoding would lose its letters silently.
func (p *parser) notUTF8(off int, text []byte) *Problem {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return p.fail(off+i, fmt.Sprintf("byte 0x%02x is not UTF-8: save the text as UTF-8", text[i]))
		}
		i += size
	}
	return p.fail(off, "this string is not UTF-8")
}

// escape reads one escape sequence of the string that starts at start.
func (p *parser) escape(start int) *Problem {
	at := p.pos
	p.pos++
	if p.pos >= len(p.s) {
		return p.fail(start, "this string is not closed")
	}
	c := p.s[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if p.pos >= len(p.s) {
				return p.fail(start, "this string is not closed")
			}
			if !isHex(p.s[p.pos]) {
				return p.fail(at, `\u must be followed by four hexadecimal digits`)
			}
			p.pos++
		}
		return nil
	}
	p.pos--
	return p.fail(at, "unknown escape sequence: a backslash followed by "+p.here()+` (write a backslash itself as \\)`)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (p *parser) digits() int {
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] >= '0' && p.s[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

func (p *parser) at(c byte) bool { return p.pos < len(p.s) && p.s[p.pos] == c }

func (p *parser) number() (any, *Problem) {
	start := p.pos
	if p.at('-') {
		p.pos++
	}
	zero := p.at('0')
	switch n := p.digits(); {
	case n == 0:
		return nil, p.fail(p.pos, "unexpected "+p.here()+", expected a digit after the minus sign")
	case zero && n > 1:
		return nil, p.fail(start, "a number must not start with a superfluous zero")
	}
	if p.at('.') {
		p.pos++
		if p.digits() == 0 {
			return nil, p.fail(p.pos, "unexpected "+p.here()+", expected a digit after the decimal point")
		}
	}
	exponent := 0
	if p.at('e') || p.at('E') {
		p.pos++
		if p.at('+') || p.at('-') {
			p.pos++
		}
		from := p.pos
		if p.digits() == 0 {
			return nil, p.fail(p.pos, "unexpected "+p.here()+", expected a digit in the exponent")
		}
		var err error
		if exponent, err = strconv.Atoi(string(p.s[from:p.pos])); err != nil {
			exponent = maxExponent + 1
		}
	}
	if exponent > maxExponent || p.pos-start > maxNumberLength {
		return nil, &Problem{
			Off: start, Keyword: KeywordNumber, Path: slices.Clone(p.path),
			Message: "this number is outside the range that programs can read",
		}
	}
	return json.Number(p.s[start:p.pos]), nil
}

// Values is how many values the text holds, about.
func (t *Parsed) Values() int { return t.Root.values() }

func (n *Node) values() int {
	sum := 1
	for i := range n.Kids {
		sum += n.Kids[i].values()
	}
	return sum
}
