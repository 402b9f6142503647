package logs

import (
	"strconv"
	"strings"
)

// The fields of the TypeScript runtime's dumps that matter here.
const (
	dumpJobID = iota
	dumpStatus
	dumpError
	dumpRequestID
	dumpAWSRequestID
	dumpKeys
)

// dumpFields are the strings of one dump, by the constants above.
type dumpFields [dumpKeys]string

func (f *dumpFields) read(dump string) {
	missing := dumpKeys
	inspectWalk(dump, func(key, value string) bool {
		at := -1
		switch key {
		case "jobId":
			at = dumpJobID
		case "status":
			at = dumpStatus
		case "error":
			at = dumpError
		case "requestId":
			at = dumpRequestID
		case "awsRequestId":
			at = dumpAWSRequestID
		}
		if at < 0 || f[at] != "" {
			return true
		}
		f[at] = unquoteAll(value)
		missing--
		return missing > 0
	})
}

// inspectFields reads the strings among the own fields of an object that Node's
// util.inspect printed, for the keys asked for.
func inspectFields(dump string, keys ...string) map[string]string {
	out := make(map[string]string, len(keys))
	inspectWalk(dump, func(key, value string) bool {
		for _, k := range keys {
			if _, twice := out[k]; k == key && !twice {
				out[k] = unquoteAll(value)
			}
		}
		return len(out) < len(keys)
	})
	return out
}

// inspectWalk calls fn with each own field of an object that Node's util.inspect
// printed whose value is a string, as it is printed, until fn wants no more. What
// a string itself says ("stack: 'x'") and what nested objects hold is passed over,
// so neither makes up a field.
func inspectWalk(dump string, fn func(key, value string) (more bool)) {
	s := strings.TrimPrefix(dump, "{")
	for {
		s = strings.TrimLeft(s, " ,\n\r\t")
		var key string
		if quoteByte(s) { // "a-b" is no name of JavaScript
			end := quotedEnd(s)
			key, s = unquoteAll(s[:end]), s[end:]
			if !strings.HasPrefix(s, ": ") && !strings.HasPrefix(s, ":\n") {
				return
			}
			s = s[1:]
		} else {
			at := strings.IndexByte(s, ':')
			if at < 0 || at > 256 || strings.ContainsAny(s[:at], "{}[]") {
				return
			}
			key, s = s[:at], s[at+1:]
		}
		s = strings.TrimLeft(s, " \n\r\t")
		value := ""
		if quoteByte(s) {
			n := stringEndOf(s)
			value, s = s[:n], s[n:]
		}
		s = afterValue(s)
		if value != "" && !fn(key, value) {
			return
		}
		if s == "" {
			return
		}
	}
}

// cutMark stands behind a string that Node has cut.
const cutMark = "..."

// stringEndOf is where a string ends that Node may have printed in pieces: long
// ones are broken behind each newline, 'a\n' + 'b'; cut ones end in "... 2000 more
// characters".
func stringEndOf(s string) int {
	n := quotedEnd(s)
	for {
		rest := strings.TrimLeft(s[n:], " ")
		if strings.HasPrefix(rest, cutMark) {
			return len(s) - len(rest) + len(cutMark)
		}
		if !strings.HasPrefix(rest, "+") {
			return n
		}
		rest = strings.TrimLeft(rest[1:], " \n\r\t")
		if !quoteByte(rest) {
			return n
		}
		n = len(s) - len(rest) + quotedEnd(rest)
	}
}

// unquoteAll reads a string as stringEndOf found it.
func unquoteAll(v string) string {
	n := quotedEnd(v)
	first := unquoteInspect(v[:n])
	if n == len(v) {
		return first
	}
	var b strings.Builder
	b.WriteString(first)
	for v = v[n:]; ; v = v[n:] {
		v = strings.TrimLeft(v, "+ \n\r\t")
		if !quoteByte(v) {
			b.WriteString(v) // the mark of a cut one, or nothing
			return b.String()
		}
		n = quotedEnd(v)
		b.WriteString(unquoteInspect(v[:n]))
	}
}

// unquoteInspect reads one quoted text. Node quotes with ', " or `, whichever the
// text lacks, and escapes as JavaScript does, control characters as \x1B.
func unquoteInspect(v string) string {
	if len(v) > 1 && v[len(v)-1] == v[0] {
		v = v[:len(v)-1]
	}
	v = v[1:]
	if strings.IndexByte(v, '\\') < 0 {
		return v
	}
	var b strings.Builder
	b.Grow(len(v))
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 == len(v) {
			b.WriteByte(v[i])
			continue
		}
		i++
		switch c := v[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b', 'f', 'v':
			b.WriteByte(' ')
		case 'x', 'u':
			digits := 2
			if c == 'u' {
				digits = 4
			}
			code, err := strconv.ParseUint(v[min(i+1, len(v)):min(i+1+digits, len(v))], 16, 32)
			if err != nil {
				b.WriteByte(c)
				continue
			}
			b.WriteRune(rune(code)) //nolint:gosec // four digits at most
			i += digits
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
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
