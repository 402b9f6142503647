package logs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The names under which loggers write the same thing, best known first.
var (
	messageKeys = [...]string{"msg", "message", "errorMessage"}
	levelKeys   = [...]string{"level", "severity", "lvl"}
	requestKeys = [...]string{"requestId", "AWSRequestId", "awsRequestId", "request_id"}
	jobKeys     = [...]string{"jobId", "job_id"}
)

// parseJSON reads a JSON log line: a worker's own (slog), one of Lambda's JSON
// log format, or any structured logger's. It returns false when text is no
// JSON object.
func parseJSON(l *Line, text string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil {
		return false
	}
	if t := str(fields["type"]); strings.HasPrefix(t, "platform.") {
		parsePlatformJSON(l, t, fields)
		return true
	}
	l.Level = levelOf(first(fields, levelKeys[:]))
	if id := first(fields, requestKeys[:]); validRequestID(id) {
		l.RequestID = id
	}
	if id := first(fields, jobKeys[:]); id != "" {
		l.JobID = Sanitize(id, false)
	}
	if parseEvent(l, text, fields) {
		return true
	}
	msg := ""
	for _, k := range messageKeys {
		v, ok := fields[k]
		if !ok {
			continue
		}
		if msg = str(v); msg == "" && len(v) > 0 && v[0] != '"' {
			msg = string(v)
		}
		delete(fields, k)
		break
	}
	// Lambda's JSON format wraps what the program printed: look inside.
	if strings.HasPrefix(msg, "[") && parseBracket(l, msg) {
		return true
	}
	if l.RequestID != "" {
		if kind := platformMessage(msg); kind != KindApp {
			l.Kind, l.Level = kind, LevelError
		}
	}
	var b strings.Builder
	b.WriteString(Sanitize(msg, false))
	writeDelivery(&b, l, msg, fields)
	writeFields(&b, fields)
	l.Text = b.String()
	return true
}

// writeDelivery writes what every line of a job says about its delivery, and its
// error, as eventText does. Other programs' fields of these names are left alone.
func writeDelivery(b *strings.Builder, l *Line, msg string, fields map[string]json.RawMessage) {
	var of struct {
		WorkerID    string             `json:"workerId"`
		Attempt     int                `json:"attempt"`
		MaxAttempts int                `json:"maxAttempts"`
		Error       *dispatch.JobError `json:"error"`
	}
	if l.JobID == "" || json.Unmarshal(fields["workerId"], &of.WorkerID) != nil ||
		json.Unmarshal(fields["attempt"], &of.Attempt) != nil || of.Attempt < 1 {
		return
	}
	if v, ok := fields["maxAttempts"]; ok && json.Unmarshal(v, &of.MaxAttempts) != nil {
		return
	}
	writeAttempt(b, of.Attempt, of.MaxAttempts)
	delete(fields, "attempt")
	delete(fields, "maxAttempts")
	if json.Unmarshal(fields["error"], &of.Error) == nil && of.Error != nil && of.Error.Message != "" {
		writeReason(b, msg, of.Error.Message)
		delete(fields, "error")
	}
}

func writeAttempt(b *strings.Builder, attempt, limit int) {
	v := strconv.Itoa(attempt)
	if limit > 0 {
		v += "/" + strconv.Itoa(limit)
	}
	writeField(b, "attempt", v)
}

// writeReason writes an error unless the line's message ends with it already,
// shortened if long, as the runtime's messages do.
func writeReason(b *strings.Builder, msg, reason string) {
	why := Sanitize(reason, false)
	if why == "" || !strings.Contains(Sanitize(msg, false), why[:min(len(why), 200)]) {
		writeField(b, "error", why)
	}
}

// parseEvent recognises a worker's lifecycle event.
func parseEvent(l *Line, text string, fields map[string]json.RawMessage) bool {
	switch str(fields["event"]) {
	case dispatch.EventStarted, dispatch.EventProgress, dispatch.EventCompleted,
		dispatch.EventRetrying, dispatch.EventFailed, dispatch.EventWebhook,
		dispatch.EventDeferred, dispatch.EventSkipped:
	default:
		return false
	}
	var e dispatch.JobEvent
	if json.Unmarshal([]byte(text), &e) != nil || e.JobID == "" {
		return false
	}
	for _, s := range []*string{&e.Level, &e.Message, &e.Event, &e.JobID, &e.WorkerID, &e.RequestID, &e.Note, &e.JobStatus} {
		*s = Sanitize(*s, false)
	}
	if e.Error != nil {
		e.Error.Name = Sanitize(e.Error.Name, false)
		e.Error.Message = Sanitize(e.Error.Message, true)
		e.Error.Stack = Sanitize(e.Error.Stack, true)
	}
	e.Output = escapeHidden(e.Output)
	l.Event = &e
	l.run = e.Event != dispatch.EventWebhook
	l.Text = eventText(&e, fields)
	return true
}

// eventText is the message, what belongs to the event in a fixed order, then
// the author's own fields by name.
func eventText(e *dispatch.JobEvent, fields map[string]json.RawMessage) string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Attempt > 0 {
		writeAttempt(&b, e.Attempt, e.MaxAttempts)
	}
	if e.DurationMS > 0 {
		d := time.Duration(e.DurationMS * float64(time.Millisecond))
		writeField(&b, "duration", roundDuration(d).String())
	}
	if e.DelayMS > 0 {
		d := time.Duration(e.DelayMS * float64(time.Millisecond))
		writeField(&b, "delay", roundDuration(d).String())
	}
	if e.JobStatus != "" {
		writeField(&b, "jobStatus", e.JobStatus)
	}
	if e.Event == dispatch.EventProgress {
		writeField(&b, "percent", strconv.FormatFloat(e.Percent, 'f', -1, 64))
		if e.Note != "" && e.Note != e.Message { // the runtime makes the note the message
			writeField(&b, "note", e.Note)
		}
	}
	if e.Error != nil {
		writeReason(&b, e.Message, e.Error.Message)
	}
	if len(e.Output) > 0 {
		writeRaw(&b, "output", e.Output)
	} else if e.OutputBytes > 0 {
		writeField(&b, "outputBytes", strconv.Itoa(e.OutputBytes))
	}
	for _, k := range [...]string{"msg", "attempt", "maxAttempts", "durationMs", "delayMs", "jobStatus", "percent", "note", "error", "output", "outputBytes"} {
		delete(fields, k)
	}
	writeFields(&b, fields)
	return b.String()
}

// roundDuration keeps three digits or so: enough to read, few enough to scan.
func roundDuration(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// writeFields writes the fields that the line's own columns do not show, by name.
func writeFields(b *strings.Builder, fields map[string]json.RawMessage) {
	keys := make([]string, 0, len(fields))
	for k := range fields {
		switch k {
		case "time", "timestamp", "ts", "level", "severity", "lvl", "event",
			"requestId", "AWSRequestId", "awsRequestId", "request_id", "jobId", "job_id", "workerId":
		default:
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		v := fields[k]
		switch {
		case len(v) == 0 || string(v) == "null":
		case v[0] == '"':
			writeField(b, Sanitize(k, false), Sanitize(str(v), false))
		default:
			writeRaw(b, Sanitize(k, false), v)
		}
	}
}

func writeRaw(b *strings.Builder, key string, v json.RawMessage) {
	sep(b)
	b.WriteString(key)
	b.WriteByte('=')
	if bytes.ContainsAny(v, "\n\r\t") {
		var c bytes.Buffer
		if json.Compact(&c, v) == nil {
			v = c.Bytes()
		}
	}
	b.WriteString(Sanitize(string(v), false))
}

// writeField quotes a value that would not read as one word.
func writeField(b *strings.Builder, key, value string) {
	sep(b)
	b.WriteString(key)
	b.WriteByte('=')
	if value == "" || strings.ContainsAny(value, " \"=") {
		b.WriteByte('"')
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
		b.WriteByte('"')
		return
	}
	b.WriteString(value)
}

func sep(b *strings.Builder) {
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
}

// str is the text of a JSON string, empty for anything else.
func str(v json.RawMessage) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if in := v[1 : len(v)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
		return string(in)
	}
	var s string
	_ = json.Unmarshal(v, &s) // fields is valid JSON already
	return s
}

func first(fields map[string]json.RawMessage, keys []string) string {
	for _, k := range keys {
		if v, ok := fields[k]; ok {
			return str(v)
		}
	}
	return ""
}

// escapeHidden writes the characters that Sanitize would remove as \u escapes,
// so that a job's output stays what it was and is still harmless on a screen.
// Valid JSON holds them inside strings only.
func escapeHidden(raw json.RawMessage) json.RawMessage {
	s := string(raw)
	if clean(s, keepNewlines|keepTabs) == s {
		return raw
	}
	out := make([]byte, 0, len(s)+16)
	for _, r := range s {
		switch {
		case r == '\r':
			out = append(out, ' ')
		case hidden(r) || joiner(r) || lineBreak(r) || r == 0x7f:
			if r > 0xffff {
				hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
				out = appendHex(appendHex(out, hi), lo)
			} else {
				out = appendHex(out, r)
			}
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

func appendHex(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
