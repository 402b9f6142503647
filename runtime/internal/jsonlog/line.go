package jsonlog

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"
)

// Line is a JSON line in the making, in the form that the logger of New writes.
// Every job costs three of them: slog, which is made for any handler and any
// value, would take a third of the time that the runtime adds to a small job.
type Line struct{ buf []byte }

// Begin starts a line. Its fields are added in their order, and Write ends it.
func (l *Line) Begin(at time.Time, level slog.Level, message string) {
	l.buf = append(l.buf[:0], `{"time":"`...)
	l.buf = at.AppendFormat(l.buf, time.RFC3339Nano)
	l.buf = append(l.buf, `","level":"`...)
	l.buf = append(l.buf, level.String()...)
	l.buf = append(l.buf, '"')
	l.String("msg", message)
}

func (l *Line) name(name string) {
	l.buf = append(l.buf, `,"`...)
	l.buf = append(l.buf, name...)
	l.buf = append(l.buf, `":`...)
}

// String adds a text.
func (l *Line) String(name, value string) {
	l.name(name)
	l.buf = appendString(l.buf, value)
}

// Int adds a whole number.
func (l *Line) Int(name string, value int64) {
	l.name(name)
	l.buf = strconv.AppendInt(l.buf, value, 10)
}

// Attr adds an attribute, whose key is plain text.
func (l *Line) Attr(a slog.Attr) {
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		l.String(a.Key, v.String())
	case slog.KindInt64:
		l.Int(a.Key, v.Int64())
	case slog.KindFloat64:
		l.json(a.Key, v.Float64())
	default:
		// One of several lines would be several events in the log, and Encode makes it one.
		if raw, ok := v.Any().(json.RawMessage); ok && len(raw) > 0 && bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
			l.name(a.Key)
			l.buf = append(l.buf, raw...)
			return
		}
		l.json(a.Key, v.Any())
	}
}

func (l *Line) json(name string, v any) {
	text, err := Encode(v)
	if err != nil {
		l.String(name, "!ERROR:"+err.Error())
		return
	}
	l.name(name)
	l.buf = append(l.buf, text...)
}

// Write ends the line and writes it in one piece.
func (l *Line) Write(w *Writer) {
	l.buf = append(l.buf, '}', '\n')
	// A line that cannot be written cannot be reported either: the log is all there is.
	_, _ = w.Write(l.buf)
}

// Marker starts over with a marker and the three texts of a run.
func (l *Line) Marker(w *Writer, marker, jobID, workerID, requestID string) {
	l.buf = append(l.buf[:0], marker...)
	l.buf = append(l.buf, ` {"jobId":`...)
	l.buf = appendString(l.buf, jobID)
	l.String("workerId", workerID)
	l.String("awsRequestId", requestID)
	l.Write(w)
}

// appendString writes a JSON string: as Encode does, without escapes for HTML.
func appendString(buf []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, err := Encode(s)
			if err != nil {
				return append(buf, `""`...) // strings always encode
			}
			return append(buf, text...)
		}
	}
	buf = append(buf, '"')
	buf = append(buf, s...)
	return append(buf, '"')
}
