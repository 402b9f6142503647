// Package jsonlog writes the lines by which a job is followed: markers, and the
// JSON lines of dispatch.JobEvent.
package jsonlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// MaxID keeps an absurd id from making every line of its job absurd.
const MaxID = 256

// Writer lets several writers share an output: every Write is one line and stays
// in one piece.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer on w; a Writer is returned as it is, so that one
// output keeps one lock.
func NewWriter(w io.Writer) *Writer {
	if l, ok := w.(*Writer); ok {
		return l
	}
	return &Writer{w: w}
}

// Write implements io.Writer.
func (l *Writer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// Marker writes a line of a marker and JSON.
func (l *Writer) Marker(marker string, v any) {
	text, err := Encode(v)
	if err != nil {
		return // strings always encode
	}
	// A line that cannot be written cannot be reported either: the log is all there is.
	_, _ = fmt.Fprintf(l, "%s %s\n", marker, text)
}

// New makes the logger of the JSON lines of dispatch.JobEvent: slog's own names
// for time, level and message are the ones of that contract.
func New(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// Encode writes v on one line and, unlike json.Marshal, leaves <, > and & as they
// are.
func Encode(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Truncate cuts a text to at most limit bytes, between characters.
func Truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
