package jsonlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A line is what the logger would have written, to the byte.
func TestLineIsTheLoggersOwn(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 1, 2, 3, 450_000_000, time.UTC)
	for _, message := range []string{"job started", "", "quote \" \\ <b> & \u2028 é \x1b[31m\n\x00", "\xff"} {
		attrs := []slog.Attr{
			slog.String("jobId", message), slog.Int("attempt", 2), slog.Float64("durationMs", 1.25), slog.Float64("zero", 0),
			slog.Any("output", json.RawMessage(`{"a":[1,"<x>"]}`)), slog.Any("lines", json.RawMessage("{\n\"a\":\r[1]\n}")), slog.Any("error", map[string]any{"message": message}), slog.Bool("yes", true),
		}
		var want, got bytes.Buffer
		r := slog.NewRecord(at, slog.LevelWarn, message, 0)
		r.AddAttrs(attrs...)
		if err := New(&want, false).Handler().Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		var l Line
		l.Begin(at, slog.LevelWarn, message)
		for _, a := range attrs {
			l.Attr(a)
		}
		l.Write(NewWriter(&got))
		if got.String() != want.String() {
			t.Errorf("line   %slogger %s", got.String(), want.String())
		}
	}
}

func TestMarkerIsJSON(t *testing.T) {
	t.Parallel()
	var got, want bytes.Buffer
	var l Line
	l.Marker(NewWriter(&got), "[M]", `j"1`, "w<", "r\n")
	NewWriter(&want).Marker("[M]", struct {
		JobID     string `json:"jobId"`
		WorkerID  string `json:"workerId"`
		RequestID string `json:"awsRequestId"`
	}{`j"1`, "w<", "r\n"})
	if got.String() != want.String() {
		t.Errorf("got %s, want %s", got.String(), want.String())
	}
}

// What cannot be written as JSON must not break the line.
func TestLineWithAValueThatIsNoJSON(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	var l Line
	l.Begin(time.Now(), slog.LevelInfo, "x")
	l.Attr(slog.Any("bad", make(chan int)))
	l.Attr(slog.Any("err", errors.New("y")))
	l.Write(NewWriter(&got))
	if !json.Valid(got.Bytes()) || !strings.Contains(got.String(), "!ERROR") {
		t.Errorf("line %s", got.String())
	}
}
