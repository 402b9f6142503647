package jsonview

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
)

// kind is what a span of a line is.
type kind uint8

const (
	text kind = iota
	punctuation
	key
	str
	number
	literal
	name
	faint
)

type span struct {
	kind kind
	text string
}

// tokens splits one line of indented JSON, which is valid, into spans.
func tokens(line string) []span {
	var spans []span
	i := 0
	for i < len(line) {
		start := i
		switch c := line[i]; {
		case c == '"':
			i++
			for i < len(line) && line[i] != '"' {
				if line[i] == '\\' {
					i++
				}
				i++
			}
			i = min(i+1, len(line))
			k := str
			if strings.HasPrefix(line[i:], ":") {
				k = key
			}
			spans = append(spans, span{k, cell.Clean(line[start:i])})
		case c == '-' || (c >= '0' && c <= '9'):
			for i < len(line) && strings.IndexByte("+-.eE0123456789", line[i]) >= 0 {
				i++
			}
			spans = append(spans, span{number, line[start:i]})
		case c >= 'a' && c <= 'z':
			for i < len(line) && line[i] >= 'a' && line[i] <= 'z' {
				i++
			}
			spans = append(spans, span{literal, line[start:i]})
		default:
			for i < len(line) && strings.IndexByte(" {}[],:", line[i]) >= 0 {
				i++
			}
			if i == start {
				i++
			}
			spans = append(spans, span{punctuation, cell.Clean(line[start:i])})
		}
	}
	return spans
}

// indentOf is how far a line of JSON is indented, and so how far what is wrapped
// of it has to be: two cells more.
func indentOf(spans []span) int {
	if len(spans) == 0 {
		return 2
	}
	return len(spans[0].text) - len(strings.TrimLeft(spans[0].text, " ")) + 2
}

// wrap breaks spans into lines of at most width cells, words staying whole in
// plain text. Lines after the first are indented by hang cells.
func wrap(spans []span, width, indent int) [][]span {
	if width <= 0 {
		return nil
	}
	hang := strings.Repeat(" ", min(indent, width/2))

	var (
		lines [][]span
		line  []span
		used  int
	)
	breakLine := func() {
		lines = append(lines, line)
		line, used = []span{{text, hang}}, len(hang)
	}
	for _, s := range spans {
		rest := s.text
		for rest != "" {
			part := head(rest, width-used)
			if part == "" {
				if used <= len(hang) && len(line) <= 1 {
					part = firstRune(rest) // wider than the whole line: cut when drawn
				} else {
					breakLine()
					continue
				}
			}
			if s.kind == text && len(part) < len(rest) {
				if space := strings.LastIndexByte(part, ' '); space > 0 && rest[len(part)] != ' ' {
					part = part[:space]
				}
				line = append(line, span{s.kind, part})
				rest = strings.TrimLeft(rest[len(part):], " ")
				breakLine()
				continue
			}
			line = append(line, span{s.kind, part})
			used += cell.Width(part)
			rest = rest[len(part):]
		}
	}
	return append(lines, line)
}

// head is the longest beginning of plain text that fits into width cells. It
// looks at no more of the text than it has to: bodies may be a mebibyte long.
func head(s string, width int) string {
	if width <= 0 {
		return ""
	}
	n := 0
	for n < len(s) && n < width && s[n] >= ' ' && s[n] < 0x7f {
		n++
	}
	if n == len(s) || n == width {
		return s[:n]
	}
	// Something beyond ASCII: measure, in a piece that is long enough for width
	// cells of anything but pathological stacks of combining marks.
	piece := s[:min(len(s), width*4+16)]
	for len(piece) < len(s) && len(piece) > 0 && s[len(piece)]&0xc0 == 0x80 {
		piece = piece[:len(piece)-1]
	}
	return truncate(piece, width)
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}
