package template

import (
	"bytes"
	"strings"
)

// lineWidth is how long a line may be that holds a whole object or list. Short ones are read
// more easily in one line, and a template's size is limited.
const lineWidth = 100

// layout writes JSON, which must be compact and valid, in lines and indented.
func layout(text []byte) []byte {
	var out bytes.Buffer
	layoutValue(&out, text, 0, 0)
	out.WriteByte('\n')
	return out.Bytes()
}

// layoutValue writes a value; before is how much of its line is taken.
func layoutValue(out *bytes.Buffer, value []byte, depth, before int) {
	if value[0] != '{' && value[0] != '[' || len(value) == 2 {
		out.Write(value)
		return
	}
	parts := members(value)
	spread := len(value)+len(parts)+before > lineWidth || depth < 2
	newline := func(depth int) {
		if spread {
			out.WriteString("\n" + strings.Repeat("  ", depth))
		}
	}
	out.WriteByte(value[0])
	for i, part := range parts {
		if i > 0 {
			out.WriteByte(',')
			if !spread {
				out.WriteByte(' ')
			}
		}
		newline(depth + 1)
		taken := 2 * (depth + 1)
		if value[0] == '{' {
			end := stringEnd(part)
			out.Write(part[:end])
			out.WriteString(": ")
			taken += end + 2
			part = part[end+1:]
		}
		if !spread {
			taken = 0 // its parts are in this line too
		}
		layoutValue(out, part, depth+1, taken)
	}
	newline(depth)
	out.WriteByte(value[len(value)-1])
}

// members are the parts of an object or a list, those of an object with their names.
func members(value []byte) [][]byte {
	var out [][]byte
	depth, start := 0, 1
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '"':
			i += stringEnd(value[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				out = append(out, value[start:i])
			}
		case ',':
			if depth == 0 {
				out = append(out, value[start:i])
				start = i + 1
			}
		}
	}
	return out
}

// stringEnd is where the text ends that begins value, after its closing quote.
func stringEnd(value []byte) int {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(value)
}
