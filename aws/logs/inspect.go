package logs

import "strings"

// inspectFields reads the strings among the own fields of an object that Node's
// util.inspect printed, for the keys asked for, from text on one line. Unlike
// inspectString it is not misled by what a string itself says ("stack: 'x'"),
// and puts together strings that Node printed in pieces: long ones are broken
// behind each newline, 'a\n' + 'b'.
func inspectFields(dump string, keys ...string) map[string]string {
	out := make(map[string]string, len(keys))
	s := strings.TrimPrefix(dump, "{")
	for len(out) < len(keys) {
		s = strings.TrimLeft(s, " ,")
		key, rest, ok := strings.Cut(s, ": ")
		if !ok || strings.ContainsAny(key, "{}[]") {
			return out
		}
		value, rest, isString := inspectValue(strings.TrimLeft(rest, " "))
		s = rest
		if !isString {
			continue
		}
		for _, k := range keys {
			if _, twice := out[k]; k == key && !twice {
				out[k] = value
			}
		}
	}
	return out
}

// inspectValue reads the value that s begins with. Only strings are told; of
// anything else the end is found.
func inspectValue(s string) (value, rest string, isString bool) {
	if quoteByte(s) {
		var b strings.Builder
		for {
			end := quotedEnd(s)
			b.WriteString(unquoteInspect(s[:end]))
			s = s[end:]
			next := strings.TrimPrefix(s, " + ")
			if len(next) == len(s) || !quoteByte(next) {
				break
			}
			s = next
		}
		if more, found := strings.CutPrefix(s, "... "); found { // "... 2000 more characters"
			b.WriteString("...")
			s = more
		}
		return b.String(), afterValue(s), true
	}
	return "", afterValue(s), false
}

// afterValue is what follows the comma behind a value, or nothing.
func afterValue(s string) string {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			if depth--; depth < 0 {
				return ""
			}
		case '\'', '"', '`':
			i += quotedEnd(s[i:]) - 1
		case ',':
			if depth == 0 {
				return s[i+1:]
			}
		}
	}
	return ""
}

func quoteByte(s string) bool {
	return s != "" && (s[0] == '\'' || s[0] == '"' || s[0] == '`')
}

// quotedEnd is the length of the quoted text that s begins with, all of s when
// its end is missing.
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}
