package dispatch

import "encoding/binary"

// ValidJSON reports whether text is one JSON value. Its yes is json.Valid's; it says
// no as well to what is nested more than 64 levels deep. json.Valid takes a function call for every byte, which for a message of some
// kilobytes is most of the time that reading and checking it takes.
func ValidJSON(text []byte) bool {
	i := validValue(text, validSpace(text, 0), 0)
	return i >= 0 && validSpace(text, i) == len(text)
}

// validSpace passes over white space.
func validSpace(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') {
		i++
	}
	return i
}

// validValue passes over the value at i, and returns where it ends; -1 when there
// is none.
func validValue(s []byte, i, depth int) int {
	if i >= len(s) || depth > quickDepth {
		return -1
	}
	switch c := s[i]; c {
	case '"':
		return validString(s, i+1)
	case '{':
		return validMembers(s, i+1, depth)
	case '[':
		return validItems(s, i+1, depth)
	case 't':
		return validWord(s, i, "true")
	case 'f':
		return validWord(s, i, "false")
	case 'n':
		return validWord(s, i, "null")
	}
	return validNumber(s, i)
}

func validWord(s []byte, i int, word string) int {
	if end := i + len(word); end <= len(s) && string(s[i:end]) == word {
		return end
	}
	return -1
}

func validMembers(s []byte, i, depth int) int {
	i = validSpace(s, i)
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return -1
		}
		if i = validString(s, i+1); i < 0 {
			return -1
		}
		if i = validSpace(s, i); i >= len(s) || s[i] != ':' {
			return -1
		}
		if i = validValue(s, validSpace(s, i+1), depth+1); i < 0 {
			return -1
		}
		if i = validSpace(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case '}':
			return i + 1
		case ',':
			i = validSpace(s, i+1)
		default:
			return -1
		}
	}
}

func validItems(s []byte, i, depth int) int {
	i = validSpace(s, i)
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = validValue(s, i, depth+1); i < 0 {
			return -1
		}
		if i = validSpace(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case ']':
			return i + 1
		case ',':
			i = validSpace(s, i+1)
		default:
			return -1
		}
	}
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

// plainBytes reports whether none of eight bytes of a string needs a look: a quote, a
// backslash, or a control character. It may say no when all are plain.
func plainBytes(x uint64) bool {
	quote, backslash := x^('"'*everyByte), x^('\\'*everyByte)
	found := (quote-everyByte)&^quote | (backslash-everyByte)&^backslash | (x-0x20*everyByte)&^x
	return found&highBits == 0
}

// validString passes over the rest of a string, whose quote stands before i.
func validString(s []byte, i int) int {
	for {
		for i+8 <= len(s) && plainBytes(binary.LittleEndian.Uint64(s[i:])) {
			i += 8
		}
		if i >= len(s) {
			return -1
		}
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = validEscape(s, i+1); i < 0 {
				return -1
			}
		case c < 0x20:
			return -1
		default:
			i++
		}
	}
}

func validEscape(s []byte, i int) int {
	if i >= len(s) {
		return -1
	}
	switch s[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 > len(s) {
			return -1
		}
		for _, c := range s[i+1 : i+5] {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

func validNumber(s []byte, i int) int {
	if s[i] == '-' {
		i++
	}
	switch {
	case i < len(s) && s[i] == '0':
		i++
	default:
		if i = validDigits(s, i); i < 0 {
			return -1
		}
	}
	if i < len(s) && s[i] == '.' {
		if i = validDigits(s, i+1); i < 0 {
			return -1
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		return validDigits(s, i)
	}
	return i
}

// validDigits passes over one or more digits.
func validDigits(s []byte, i int) int {
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
