package cell

import (
	"strings"
	"unicode/utf8"
)

// Nearly every line of a frame is made of letters that take one cell each, whatever stands
// beside them, and of colours. Those lines are measured and cut here, a byte at a time. Package
// ansi, which finds the clusters that people see as one letter, was half the cost of a frame;
// it is asked about all other lines, and says the same about these.

// even is the letter or colour at the start of s: how many bytes and cells it takes. Size is
// zero when it is neither or may take another width.
func even(s string) (size, cells int) {
	switch c := s[0]; {
	case c >= 0x20 && c < 0x7f:
		return 1, 1
	case c == 0x1b:
		if len(s) < 2 || s[1] != '[' {
			return 0, 0
		}
		for i := 2; i < len(s); i++ {
			switch c := s[i]; {
			case c >= '0' && c <= '9', c == ';', c == ':':
			case c == 'm':
				return i + 1, 0
			default:
				return 0, 0
			}
		}
		return 0, 0
	case c < 0x80:
		return 0, 0
	}
	r, size := utf8.DecodeRuneInString(s)
	if alone(r) {
		return size, 1
	}
	return 0, 0
}

// alone is whether a letter beyond ASCII takes one cell and joins no other. It need not
// know all of them: those of European languages, of punctuation, and what lines, charts
// and marks are drawn with.
func alone(r rune) bool {
	switch {
	case r < 0xa0:
		return false
	case r < 0x180:
		return r != 0xa9 && r != 0xae && r != 0xad // pictures to some, and the soft hyphen
	case r < 0x2010:
		return false
	case r <= 0x2027:
		return true
	case r >= 0x2190 && r <= 0x2193, r >= 0x2500 && r <= 0x259f, r >= 0x2800 && r <= 0x28ff:
		return true
	}
	return strings.ContainsRune("▲▼►◄●○◆◇✓✗", r)
}

// evenWidthOf is the width of a line of even letters; ok is false for any other.
func evenWidthOf(s string) (width int, ok bool) {
	for i := 0; i < len(s); {
		size, cells := even(s[i:])
		if size == 0 {
			return 0, false
		}
		i += size
		width += cells
	}
	return width, true
}

// evenHead keeps so many cells of a line of even letters that has more, puts tail after
// them, and keeps all colours.
func evenHead(s string, cells int, tail string) string {
	var b strings.Builder
	b.Grow(len(s) + len(tail))
	cut := false
	for i := 0; i < len(s); {
		size, wide := even(s[i:])
		switch {
		case wide == 0:
			b.WriteString(s[i : i+size])
		case cells > 0:
			cells--
			b.WriteString(s[i : i+size])
		case !cut:
			cut = true
			b.WriteString(tail)
		}
		i += size
	}
	return b.String()
}

// evenTail drops so many cells of a line of even letters, and keeps all colours.
func evenTail(s string, cells int) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		size, wide := even(s[i:])
		switch {
		case wide == 0:
			b.WriteString(s[i : i+size])
		case cells > 0:
			cells--
		default:
			b.WriteString(s[i:])
			return b.String()
		}
		i += size
	}
	return b.String()
}
