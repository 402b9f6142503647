package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// MarshalJSON writes the SQS body: workerId, jobId, input, context, webhookUrl
// when there is one, metadata, timestamp, userId and maxTokens when there are
// any, then Extra sorted by name. Without line breaks, and with <, > and & as
// they are. The characters SQS refuses (U+FFFE, U+FFFF) are written as escapes.
// A nil message is written like an empty one. The error says which field cannot
// be written.
func (m *Message) MarshalJSON() ([]byte, error) { return m.write(false) }

// write is MarshalJSON. checked says that Input is known to be valid JSON.
func (m *Message) write(checked bool) ([]byte, error) {
	if m == nil {
		m = &Message{}
	}
	w := bodyWriter{}
	w.buf.Grow(len(m.Input) + usualBody)
	w.text(fieldWorkerID, m.WorkerID)
	w.text(fieldJobID, m.JobID)
	switch {
	case len(bytes.TrimSpace(m.Input)) == 0:
		w.raw(fieldInput, []byte("{}"))
	case checked:
		w.name(fieldInput)
		w.buf.Write(compacted(w.buf.AvailableBuffer(), m.Input))
	default:
		w.raw(fieldInput, m.Input)
	}
	w.object(fieldContext, m.Context, m.Extra)
	w.textOr(fieldWebhookURL, m.WebhookURL, m.Extra)
	w.object(fieldMetadata, m.Metadata, m.Extra)
	w.textOr(fieldTimestamp, isoTime(m.Timestamp), m.Extra)
	w.textOr(fieldUserID, m.UserID, m.Extra)
	if m.MaxTokens != nil {
		w.value(fieldMaxTokens, *m.MaxTokens)
	} else {
		w.other(fieldMaxTokens, m.Extra)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Extra)) {
		if !isMessageField(name) {
			w.raw(name, m.Extra[name])
		}
	}
	if w.err != nil {
		return nil, fmt.Errorf("write message of job %q for worker %q: %w", m.JobID, m.WorkerID, w.err)
	}
	w.buf.WriteByte('}')
	return sendable(w.buf.Bytes()), nil
}

// usualBody is what a body takes besides its input, as a rule.
const usualBody = 256

// compacted appends valid JSON without the spaces between its tokens, as
// json.Compact does, which checks every byte again.
func compacted(out, text []byte) []byte {
	for i := 0; i < len(text); {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end := stringEnd(text, i)
			out = append(out, text[i:end]...)
			i = end
		default:
			out = append(out, text[i])
			i++
		}
	}
	return out
}

// stringEnd is the end of the JSON string that begins at start.
func stringEnd(text []byte, start int) int {
	quote := start
	for i := start + 1; i < len(text); {
		if quote < i {
			n := bytes.IndexByte(text[i:], '"')
			if n < 0 {
				break
			}
			quote = i + n
		}
		escape := bytes.IndexByte(text[i:quote], '\\')
		if escape < 0 {
			return quote + 1
		}
		i += escape + 2 // the character after it ends nothing
	}
	return len(text)
}

// isoTime writes a time as JavaScript's toISOString does; empty for the zero time.
func isoTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		sign := "+"
		if year < 0 {
			sign, year = "-", -year
		}
		return fmt.Sprintf("%s%06d%s", sign, year, t.Format(isoMillis[4:]))
	}
	return t.Format(isoMillis)
}

// sendable rewrites what SQS does not take in a body: bytes that are not UTF-8,
// and the two characters that are no XML characters. They can only stand
// inside strings, where an escape means the same.
func sendable(body []byte) []byte {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\ufffd"))
	}
	if bytes.Contains(body, []byte("\xef\xbf\xbe")) || bytes.Contains(body, []byte("\xef\xbf\xbf")) {
		body = bytes.ReplaceAll(body, []byte("\xef\xbf\xbe"), []byte(`\ufffe`))
		body = bytes.ReplaceAll(body, []byte("\xef\xbf\xbf"), []byte(`\uffff`))
	}
	return body
}

// bodyWriter writes an object member by member and keeps the first error.
type bodyWriter struct {
	buf bytes.Buffer
	err error
}

func (w *bodyWriter) name(name string) {
	if w.buf.Len() == 0 {
		w.buf.WriteByte('{')
	} else {
		w.buf.WriteByte(',')
	}
	if isMessageField(name) {
		w.buf.WriteByte('"')
		w.buf.WriteString(name)
		w.buf.WriteByte('"')
	} else if quoted, err := jsontext.Marshal(name); err == nil {
		w.buf.Write(quoted)
	}
	w.buf.WriteByte(':')
}

func (w *bodyWriter) raw(name string, raw json.RawMessage) {
	if w.err != nil {
		return
	}
	w.name(name)
	if len(raw) == 0 {
		w.buf.WriteString("null")
		return
	}
	if err := json.Compact(&w.buf, raw); err != nil {
		w.err = fmt.Errorf("field %q is not valid JSON: %w", name, err)
	}
}

// text is value for a string, which as a rule needs no escapes.
func (w *bodyWriter) text(name, text string) {
	if w.err != nil {
		return
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		w.value(name, text)
		return
	}
	w.name(name)
	w.buf.WriteByte('"')
	w.buf.WriteString(text)
	w.buf.WriteByte('"')
}

func (w *bodyWriter) value(name string, v any) {
	if w.err != nil {
		return
	}
	w.name(name)
	out, err := jsontext.Marshal(v)
	if err != nil {
		w.err = fmt.Errorf("field %q: %w", name, err)
		return
	}
	w.buf.Write(out)
}

// textOr writes the text, or what was read in its place, or nothing.
func (w *bodyWriter) textOr(name, text string, extra map[string]json.RawMessage) {
	if text != "" {
		w.text(name, text)
	} else {
		w.other(name, extra)
	}
}

// other writes what was read in the place of a field, if anything was.
func (w *bodyWriter) other(name string, extra map[string]json.RawMessage) {
	if raw, ok := extra[name]; ok {
		w.raw(name, raw)
	}
}

// object writes context or metadata, which always stand there.
func (w *bodyWriter) object(name string, v map[string]any, extra map[string]json.RawMessage) {
	switch raw, other := extra[name]; {
	case len(v) > 0:
		w.value(name, v)
	case v == nil && other:
		w.raw(name, raw)
	default:
		w.raw(name, []byte("{}"))
	}
}
