package jsonedit

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// step is what a level is indented by where the text does not show it.
const step = "  "

// insert puts a member (key is its quoted name) or an item (key is empty) before the
// kid with that index, laid out as the kids are.
func (d *Doc) insert(at *jsontext.Node, index int, key, raw string) string {
	if len(at.Kids) == 0 {
		return d.first(at, key, raw)
	}
	beginning := begin(&at.Kids[0])
	margin, lines := d.margin(beginning)
	colon, gap := ": ", ", "
	if key != "" {
		// The text between a name and its value, as a neighbour has it.
		kid := &at.Kids[0]
		between := d.text[kid.KeyOff:kid.Off]
		if i := strings.LastIndexByte(between, ':'); i >= 0 && !strings.ContainsAny(between[i:], "\n\r") {
			colon = between[i:]
		}
	}
	switch {
	case lines:
		gap = ",\n" + margin
	case len(at.Kids) > 1 && !strings.Contains(d.text[at.Kids[0].End:begin(&at.Kids[1])], " "):
		gap = ","
	case len(at.Kids) == 1 && colon == ":":
		gap = ","
	}
	value := raw
	if lines {
		value = indented(raw, margin, d.unit(at, margin))
	} else {
		value = compact(value)
	}
	fresh := value
	if key != "" {
		fresh = key + colon + value
	}
	if index == len(at.Kids) {
		end := at.Kids[index-1].End
		return d.text[:end] + gap + fresh + d.text[end:]
	}
	off := begin(&at.Kids[index])
	return d.text[:off] + fresh + gap + d.text[off:]
}

// first fills an empty container.
func (d *Doc) first(at *jsontext.Node, key, raw string) string {
	open, end := d.text[:at.Off+1], d.text[at.End-1:]
	name := ""
	if key != "" {
		name = key + ": "
	}
	if at.Off > 0 && !strings.Contains(d.text, "\n") {
		if !strings.Contains(d.text, ": ") && key != "" {
			name = key + ":"
		}
		return open + name + compact(raw) + end
	}
	outer := d.lineMargin(at.Off)
	unit := step
	if strings.HasPrefix(outer, "\t") {
		unit = "\t"
	}
	inner := outer + unit
	return open + "\n" + inner + name + indented(raw, inner, unit) + "\n" + outer + end
}

// margin is the white space before the byte at; lines is whether it begins its line.
func (d *Doc) margin(at int) (margin string, lines bool) {
	start := strings.LastIndexByte(d.text[:at], '\n') + 1
	margin = d.text[start:at]
	return margin, start > 0 && strings.Trim(margin, " \t\r") == ""
}

// lineMargin is the white space with which the line of the byte at begins.
func (d *Doc) lineMargin(at int) string {
	start := strings.LastIndexByte(d.text[:at], '\n') + 1
	line := d.text[start:at]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// unit is what the kids of a container are indented by.
func (d *Doc) unit(at *jsontext.Node, margin string) string {
	outer := d.lineMargin(at.Off)
	if unit, ok := strings.CutPrefix(margin, outer); ok && unit != "" {
		return unit
	}
	return step
}

// shaped lays a value out for the place of another one.
func (d *Doc) shaped(raw string, at int) string {
	if raw == "" || raw[0] != '{' && raw[0] != '[' {
		return raw
	}
	if at > 0 && !strings.Contains(d.text, "\n") {
		return compact(raw)
	}
	margin := d.lineMargin(at)
	unit := step
	if strings.HasPrefix(margin, "\t") {
		unit = "\t"
	}
	return indented(raw, margin, unit)
}

func indented(raw, margin, unit string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(raw), margin, unit); err != nil {
		return raw
	}
	return b.String()
}

func compact(raw string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(raw)); err != nil {
		return raw
	}
	return b.String()
}
