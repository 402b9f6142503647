package dispatch

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// readQuickly reads a body that is valid and whose names are written plainly, which
// is every body that a program has written, in one pass over its text. It reports
// false, with the message unchanged, for all others: encoding/json then reads
// them, and finds the words for what is wrong.
func (m *Message) readQuickly(body []byte) (bool, error) {
	if !ValidJSON(body) || !utf8.Valid(body) {
		return false, nil
	}
	w := quickWalk{text: body}
	if w.space() != '{' {
		return false, nil
	}
	w.pos++
	var known [len(messageFieldNames)][]byte // of a field that is given twice the last counts
	var extra map[string]json.RawMessage
	for w.space() == '"' {
		name, plain := w.stringText()
		if !plain {
			return false, nil
		}
		w.space()
		w.pos++ // the colon
		w.space()
		start := w.pos
		w.skip()
		raw := w.text[start:w.pos]
		if i := messageField(name); i >= 0 {
			known[i] = raw
		} else {
			if extra == nil {
				extra = make(map[string]json.RawMessage)
			}
			extra[string(name)] = bytes.Clone(raw)
		}
		if w.space() == ',' {
			w.pos++
		}
	}
	*m = Message{Extra: extra}
	for i, raw := range known {
		if raw == nil {
			continue
		}
		if err := m.field(messageFieldNames[i], raw); err != nil {
			return true, err
		}
	}
	return true, nil
}

func messageField(name []byte) int {
	for i := range messageFieldNames {
		if string(name) == messageFieldNames[i] {
			return i
		}
	}
	return -1
}

// skip passes over a value.
func (w *quickWalk) skip() {
	depth := 0
	for {
		switch w.text[w.pos] {
		case '"':
			w.stringText()
			if depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				w.pos++
				return
			}
		case ',', ':', ' ', '\t', '\n', '\r':
		default:
			for w.pos < len(w.text) && !endsScalar(w.text[w.pos]) {
				w.pos++
			}
			if depth == 0 {
				return
			}
			continue
		}
		w.pos++
	}
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ':', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}

// decodeObject reads an object of valid JSON as encoding/json does with UseNumber.
func decodeObject(raw []byte) (map[string]any, error) {
	w := quickWalk{text: raw}
	v, err := w.any()
	out, _ := v.(map[string]any)
	return out, err
}

// any reads a value.
func (w *quickWalk) any() (any, error) {
	switch w.space() {
	case '{':
		w.pos++
		out := map[string]any{}
		for w.space() == '"' {
			name, err := w.unquoted()
			if err != nil {
				return nil, err
			}
			w.space()
			w.pos++ // the colon
			if out[name], err = w.any(); err != nil {
				return nil, err
			}
			if w.space() == ',' {
				w.pos++
			}
		}
		w.pos++
		return out, nil
	case '[':
		w.pos++
		out := []any{}
		for w.space() != ']' {
			v, err := w.any()
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			if w.space() == ',' {
				w.pos++
			}
		}
		w.pos++
		return out, nil
	case '"':
		return w.unquoted()
	case 't':
		w.pos += 4
		return true, nil
	case 'f':
		w.pos += 5
		return false, nil
	case 'n':
		w.pos += 4
		return nil, nil
	}
	start := w.pos
	for w.pos < len(w.text) && !endsScalar(w.text[w.pos]) {
		w.pos++
	}
	return json.Number(w.text[start:w.pos]), nil
}

// unquoted reads a string.
func (w *quickWalk) unquoted() (string, error) {
	start := w.pos
	inner, plain := w.stringText()
	if plain && utf8.Valid(inner) {
		return string(inner), nil
	}
	var out string
	err := json.Unmarshal(w.text[start:w.pos], &out)
	return out, err
}
