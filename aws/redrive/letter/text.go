package letter

import (
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// acts is whether a terminal does something with a character instead of showing
// it: the control characters, and those that turn the direction of writing.
func acts(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case r < 0xa0:
		return true
	}
	return bidi(r)
}

// bidi spares almost every text the search of a table.
func bidi(r rune) bool {
	return (r == '\u061c' || r >= '\u200e' && r <= '\u2069') && unicode.Is(unicode.Bidi_Control, r)
}

// breaks is whether some programs end a line at a character: JSON allows both, a
// line of an export must not have them.
func breaks(r rune) bool { return r == '\u2028' || r == '\u2029' }

// plain returns where the text ends that begins at i and can be in a JSON string as
// it is: nothing in it acts, and reading it gives the same bytes.
func plain(s string, i int) int {
	for i < len(s) {
		if i+8 <= len(s) {
			n := plainASCII(s[i : i+8])
			if i += n; n == 8 {
				continue
			}
		}
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError || acts(r) || breaks(r) {
			return i
		}
		i += n
	}
	return i
}

// plainASCII is how many of eight bytes are plain, up to the first that is not or is
// no ASCII. It looks at all at once.
func plainASCII(s string) int {
	const (
		ones = 0x0101010101010101
		tops = 0x8080808080808080
	)
	_ = s[7]
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quote, slash := x^('"'*ones), x^('\\'*ones)
	// The top bit of a byte is set: in x by what is not ASCII, in the sum by 0x7f
	// as well, in each difference by a byte that is less than what is taken away.
	// What is carried to the next byte comes after the first top bit.
	odd := x | (x + ones) | (x-' '*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash
	return bits.TrailingZeros64(odd&tops) / 8 // of none there are 64
}

// appendString writes a JSON string in which nothing acts.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; ; {
		end := plain(s, i)
		dst = append(dst, s[i:end]...)
		if end == len(s) {
			return append(dst, '"')
		}
		r, n := utf8.DecodeRuneInString(s[end:])
		dst = appendEscaped(dst, r)
		i = end + n
	}
}

// appendEscaped writes a character that is not plain.
func appendEscaped(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	case utf8.RuneError:
		return utf8.AppendRune(dst, r)
	}
	return appendHex(dst, r)
}

// appendHex writes a character by its number; all that act have four digits.
func appendHex(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
