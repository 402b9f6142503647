package logs

import (
	"strings"
	"unicode/utf8"
)

// Sanitize removes control characters and escape sequences from hostile text;
// tabs become spaces; newlines are kept only when multiline, else a newline and
// the indentation behind it become one space.
//
// What is removed: C0 and C1 controls, whole CSI, OSC, DCS, SOS, PM and APC
// sequences (ECMA-48), bidirectional overrides and isolates, and characters of
// no width, which let one text pass for another. Joiners stay inside emoji and
// the scripts that need them. Of a sequence that is never terminated only its
// beginning goes: text must not vanish because somebody opened a sequence in
// front of it. Invalid UTF-8 becomes U+FFFD. Clean text is returned as it is,
// without allocation.
func Sanitize(s string, multiline bool) string {
	if !multiline {
		return clean(s, 0)
	}
	return clean(s, keepNewlines)
}

type keep uint8

const (
	keepNewlines keep = 1 << iota
	keepTabs
)

const esc = 0x1b

// clean returns s itself when nothing in it has to change.
func clean(s string, k keep) string {
	i := cleanPrefix(s, k)
	if i == len(s) {
		return s
	}
	c := cleaner{keep: k}
	c.b.Grow(len(s))
	c.b.WriteString(s[:i])
	if i > 0 {
		c.last, _ = utf8.DecodeLastRuneInString(s[:i])
	}
	c.write(s, i)
	return c.b.String()
}

// cleanPrefix is the length of the part of s that can be kept as it is.
func cleanPrefix(s string, k keep) int {
	for i := 0; i < len(s); {
		b := s[i]
		switch {
		case b >= ' ' && b < 0x7f, b == '\n' && k&keepNewlines != 0, b == '\t' && k&keepTabs != 0:
			i++
		case b < utf8.RuneSelf:
			return i
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || hidden(r) || joiner(r) || lineBreak(r) {
				return i
			}
			i += size
		}
	}
	return len(s)
}

type cleaner struct {
	b    strings.Builder
	last rune // the last one written, 0 at the beginning
	keep keep
}

func (c *cleaner) put(r rune) {
	c.b.WriteRune(r)
	c.last = r
}

func (c *cleaner) write(s string, i int) {
	for i < len(s) {
		b := s[i]
		switch {
		case b >= ' ' && b < 0x7f:
			c.b.WriteByte(b)
			c.last = rune(b)
			i++
		case b == esc:
			i = escapeEnd(s, i+1)
		case b == '\t':
			if c.keep&keepTabs != 0 {
				c.put('\t')
			} else {
				c.put(' ')
			}
			i++
		case b == '\n' || b == '\r':
			i = c.newline(s, i, 1)
		case b < utf8.RuneSelf: // other C0 controls and DEL
			i++
		default:
			i = c.wide(s, i)
		}
	}
}

// wide handles what is not ASCII.
func (c *cleaner) wide(s string, i int) int {
	r, size := utf8.DecodeRuneInString(s[i:])
	switch {
	case r == 0x9b:
		return csiEnd(s, i+size)
	case r == 0x90 || r == 0x98 || r >= 0x9d && r <= 0x9f:
		return stringEnd(s, i+size)
	case lineBreak(r):
		return c.newline(s, i, size)
	case joiner(r):
		if c.last >= utf8.RuneSelf && joins(s[i+size:]) {
			c.put(r)
		}
	case hidden(r):
	default:
		c.put(r) // invalid UTF-8 decodes to U+FFFD
	}
	return i + size
}

// newline writes a line break, or what stands for one on a single line.
func (c *cleaner) newline(s string, i, size int) int {
	if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
		size = 2
	}
	i += size
	if c.keep&keepNewlines != 0 {
		c.put('\n')
		return i
	}
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	if i < len(s) && c.last != 0 && c.last != ' ' {
		c.put(' ')
	}
	return i
}

// escapeEnd is where the sequence whose ESC stands before i ends.
func escapeEnd(s string, i int) int {
	if i >= len(s) {
		return i
	}
	switch b := s[i]; {
	case b == '[':
		return csiEnd(s, i+1)
	case b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_':
		return stringEnd(s, i+1)
	case b == 'N' || b == 'O': // single shifts take one character
		if i+1 < len(s) && s[i+1] > ' ' && s[i+1] < 0x7f {
			return i + 2
		}
		return i + 1
	case b >= 0x20 && b <= 0x2f:
		for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
			i++
		}
		if i < len(s) && s[i] >= 0x30 && s[i] <= 0x7e {
			i++
		}
		return i
	case b >= 0x30 && b <= 0x7e:
		return i + 1
	}
	return i
}

// csiEnd is where a control sequence ends: parameters, intermediates, one final.
func csiEnd(s string, i int) int {
	for i < len(s) && s[i] >= 0x30 && s[i] <= 0x3f {
		i++
	}
	for i < len(s) && s[i] >= 0x20 && s[i] <= 0x2f {
		i++
	}
	if i < len(s) && s[i] >= 0x40 && s[i] <= 0x7e {
		i++
	}
	return i
}

// stringEnd is where an OSC, DCS, SOS, PM or APC string ends. Without its
// terminator on the same line, only the introducer counts. The search stops at
// the next control, so a row of introducers costs linear time.
func stringEnd(s string, start int) int {
	for i := start; i < len(s); i++ {
		switch b := s[i]; {
		case b == 0x07:
			return i + 1
		case b == esc:
			if i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
			return start
		case b == 0xc2 && i+1 < len(s) && s[i+1] >= 0x80 && s[i+1] <= 0x9f:
			if s[i+1] == 0x9c {
				return i + 2
			}
			return start
		case b < ' ' && b != '\t':
			return start
		}
	}
	return start
}

func lineBreak(r rune) bool { return r == 0x85 || r == 0x2028 || r == 0x2029 }

func joiner(r rune) bool { return r == 0x200c || r == 0x200d }

// joins reports whether what follows a joiner can be joined to something.
func joins(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return r >= utf8.RuneSelf && size > 1 && r != utf8.RuneError && !hidden(r) && !joiner(r) && !lineBreak(r)
}

// hidden is true of C1 controls and of characters that are invisible or that
// turn the direction of the text around them.
func hidden(r rune) bool {
	switch {
	case r < 0x80:
		return false
	case r <= 0x9f: // C1
		return r != 0x85
	case r < 0x61c:
		return r == 0xad // soft hyphen
	case r < 0x2000:
		return r == 0x61c || r == 0x180e
	case r <= 0x206f:
		return r == 0x200b || r == 0x200e || r == 0x200f || // zero width space, marks
			r >= 0x202a && r <= 0x202e || // embeddings and overrides
			r >= 0x2060 // word joiner, invisible operators, isolates, deprecated
	case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb:
		return true
	}
	return r >= 0xe0000 && r <= 0xe0fff // tags and further variation selectors
}
