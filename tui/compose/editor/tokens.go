package editor

import "strings"

// kind is what a token is.
type kind uint8

const (
	other kind = iota
	punctuation
	key
	str
	number
	literal
)

// token is a part of a line, up to the byte end, that has one colour.
type token struct {
	end  int
	kind kind
}

// tokensMost is the length of a line above which it is not coloured.
const tokensMost = 16 << 10

// tokens tells the parts of a line of JSON, or of what is not JSON yet: strings
// end with their line, so that a quote too many colours no more than that.
func tokens(line string) []token {
	if len(line) > tokensMost {
		return nil
	}
	var out []token
	for i := 0; i < len(line); {
		k := other
		switch c := line[i]; {
		case c == '"':
			i = stringEnd(line, i+1)
			k = str
			if strings.HasPrefix(strings.TrimLeft(line[i:], " \t"), ":") {
				k = key
			}
		case c == '-' || (c >= '0' && c <= '9'):
			i = run(line, i, "+-.eE0123456789")
			k = number
		case c >= 'a' && c <= 'z':
			start := i
			for i < len(line) && line[i] >= 'a' && line[i] <= 'z' {
				i++
			}
			switch line[start:i] {
			case "true", "false", "null":
				k = literal
			}
		case strings.IndexByte("{}[],:", c) >= 0:
			i = run(line, i, "{}[],:")
			k = punctuation
		default:
			i++
			for i < len(line) && line[i] >= 0x80 { // never between the bytes of a character
				i++
			}
		}
		if n := len(out); n > 0 && out[n-1].kind == k {
			out[n-1].end = i
		} else {
			out = append(out, token{i, k})
		}
	}
	return out
}

func run(line string, i int, of string) int {
	for i < len(line) && strings.IndexByte(of, line[i]) >= 0 {
		i++
	}
	return i
}

func stringEnd(line string, i int) int {
	for i < len(line) {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
		i++
	}
	return len(line)
}
