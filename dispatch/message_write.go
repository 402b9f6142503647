package dispatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes the SQS body: workerId, jobId, input, context, webhookUrl
// when there is one, metadata, timestamp, userId and maxTokens when there are
// any, then Extra sorted by name. Without line breaks, and with <, > and & as
// they are. The characters SQS refuses (U+FFFE, U+FFFF) are written as escapes.
// A nil message is written like an empty one. The error says which field cannot
// be written.
func (m *Message) MarshalJSON() ([]byte, error) {
	if m == nil {
		m = &Message{}
	}
	w := bodyWriter{}
	w.value(fieldWorkerID, m.WorkerID)
	w.value(fieldJobID, m.JobID)
	if len(bytes.TrimSpace(m.Input)) == 0 {
		w.raw(fieldInput, []byte("{}"))
	} else {
		w.raw(fieldInput, m.Input)
	}
	w.object(fieldContext, m.Context, m.Extra)
	w.either(fieldWebhookURL, m.WebhookURL, m.WebhookURL != "", m.Extra)
	w.object(fieldMetadata, m.Metadata, m.Extra)
	w.either(fieldTimestamp, isoTime(m.Timestamp), !m.Timestamp.IsZero(), m.Extra)
	w.either(fieldUserID, m.UserID, m.UserID != "", m.Extra)
	w.either(fieldMaxTokens, m.MaxTokens, m.MaxTokens != nil, m.Extra)
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

// isoTime writes a time as JavaScript's toISOString does.
func isoTime(t time.Time) string {
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
		w.buf.WriteString(strconv.Quote(name))
	} else if quoted, err := marshalPlain(name); err == nil {
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

func (w *bodyWriter) value(name string, v any) {
	if w.err != nil {
		return
	}
	w.name(name)
	out, err := marshalPlain(v)
	if err != nil {
		w.err = fmt.Errorf("field %q: %w", name, err)
		return
	}
	w.buf.Write(out)
}

// either writes the typed value, or what was read in its place, or nothing.
func (w *bodyWriter) either(name string, v any, set bool, extra map[string]json.RawMessage) {
	if set {
		w.value(name, v)
	} else if raw, ok := extra[name]; ok {
		w.raw(name, raw)
	}
}

// object is either for context and metadata, which are always written.
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

// marshalPlain is json.Marshal without the escapes for HTML.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
