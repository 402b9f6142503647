package logs

import (
	"bytes"
	"encoding/json"
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
	var some [32]field
	fields, ok := readFields(text, some[:])
	if !ok {
		return false
	}
	if t := str(fields.get("type")); strings.HasPrefix(t, "platform.") {
		parsePlatformJSON(l, t, fields)
		return true
	}
	l.Level = levelOf(fields.first(levelKeys[:]))
	if id := fields.first(requestKeys[:]); validRequestID(id) {
		l.RequestID = id
	}
	if id := fields.first(jobKeys[:]); id != "" {
		l.JobID = Sanitize(id, false)
	}
	if parseEvent(l, fields) {
		return true
	}
	msg := ""
	for _, k := range messageKeys {
		v := fields.get(k)
		if v == "" {
			continue
		}
		if msg = str(v); msg == "" && v[0] != '"' {
			msg = v
		}
		fields.drop(k)
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
func writeDelivery(b *strings.Builder, l *Line, msg string, f fields) {
	worker, attempt, limit := f.get("workerId"), 0, 0
	if l.JobID == "" || worker == "" || worker[0] != '"' || !f.intoInt("attempt", &attempt) || attempt < 1 || !f.intoInt("maxAttempts", &limit) {
		return
	}
	writeAttempt(b, attempt, limit)
	f.drop("attempt")
	f.drop("maxAttempts")
	if v := f.get("error"); strings.HasPrefix(v, "{") {
		var e dispatch.JobError
		if json.Unmarshal([]byte(v), &e) == nil && e.Message != "" {
			writeReason(b, msg, e.Message)
			f.drop("error")
		}
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
func parseEvent(l *Line, f fields) bool {
	switch str(f.get("event")) {
	case dispatch.EventStarted, dispatch.EventProgress, dispatch.EventCompleted,
		dispatch.EventRetrying, dispatch.EventFailed, dispatch.EventWebhook,
		dispatch.EventDeferred, dispatch.EventSkipped:
	default:
		return false
	}
	var e dispatch.JobEvent
	if !readEvent(f, &e) || e.JobID == "" {
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
	l.Text = eventText(&e, f)
	return true
}

// readEvent reads the fields of an event; false when one is of another type.
func readEvent(f fields, e *dispatch.JobEvent) bool {
	ok := f.intoTime("time", &e.Time) && f.intoString("level", &e.Level) && f.intoString("msg", &e.Message) && f.intoString("event", &e.Event) &&
		f.intoString("jobId", &e.JobID) && f.intoString("workerId", &e.WorkerID) && f.intoString("requestId", &e.RequestID) &&
		f.intoInt("attempt", &e.Attempt) && f.intoInt("maxAttempts", &e.MaxAttempts) && f.intoFloat("delayMs", &e.DelayMS) &&
		f.intoString("jobStatus", &e.JobStatus) && f.intoFloat("durationMs", &e.DurationMS) && f.intoFloat("percent", &e.Percent) &&
		f.intoString("note", &e.Note) && f.intoInt("outputBytes", &e.OutputBytes)
	if !ok {
		return false
	}
	if v := f.get("output"); v != "" {
		e.Output = json.RawMessage(v)
	}
	if v := f.get("error"); v != "" {
		return json.Unmarshal([]byte(v), &e.Error) == nil
	}
	return true
}

// eventText is the message, what belongs to the event in a fixed order, then
// the author's own fields by name.
func eventText(e *dispatch.JobEvent, f fields) string {
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
		writeRaw(&b, "output", string(e.Output))
	} else if e.OutputBytes > 0 {
		writeField(&b, "outputBytes", strconv.Itoa(e.OutputBytes))
	}
	for _, k := range [...]string{"msg", "attempt", "maxAttempts", "durationMs", "delayMs", "jobStatus", "percent", "note", "error", "output", "outputBytes"} {
		f.drop(k)
	}
	writeFields(&b, f)
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
func writeFields(b *strings.Builder, f fields) {
	shown := f[:0]
	for _, one := range f {
		switch one.name {
		case "time", "timestamp", "ts", "level", "severity", "lvl", "event",
			"requestId", "AWSRequestId", "awsRequestId", "request_id", "jobId", "job_id", "workerId":
			continue
		}
		if one.value != "" && one.value != "null" {
			shown = append(shown, one)
		}
	}
	shown.sorted()
	for _, one := range shown {
		if one.value[0] == '"' {
			writeField(b, Sanitize(one.name, false), Sanitize(str(one.value), false))
		} else {
			writeRaw(b, Sanitize(one.name, false), one.value)
		}
	}
}

func writeRaw(b *strings.Builder, key, v string) {
	sep(b)
	b.WriteString(key)
	b.WriteByte('=')
	if strings.ContainsAny(v, "\n\r\t") {
		var c bytes.Buffer
		if json.Compact(&c, []byte(v)) == nil {
			v = c.String()
		}
	}
	b.WriteString(Sanitize(v, false))
}

// writeField quotes a value that would not read as one word.
func writeField(b *strings.Builder, key, value string) {
	sep(b)
	b.WriteString(key)
	b.WriteByte('=')
	if value == "" || strings.ContainsAny(value, " \"=") {
		b.WriteByte('"')
		if strings.ContainsAny(value, `"\`) {
			value = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
		}
		b.WriteString(value)
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
