package logs

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Parse parses one event; the reader uses it, and so may a test. It knows our
// own JSON lines and markers, the lines of the TypeScript runtime, Lambda's
// platform lines in its text and JSON formats, and the prefixes of Lambda's
// Node and Python runtimes; anything else is plain text.
func Parse(group, stream, workerID, eventID string, at time.Time, message string) Line {
	l := Line{ID: eventID, Time: at, Group: group, Stream: stream, WorkerID: workerID}
	message = strings.TrimRight(message, "\r\n\t ")
	l.Raw = clean(message, keepNewlines|keepTabs)
	body := message
	if rest, ok := runtimePrefix(&l, message); ok {
		body = rest
	}
	parseBody(&l, body)
	return l
}

func parseBody(l *Line, body string) {
	switch {
	case body == "":
		return
	case body[0] == '{':
		if parseJSON(l, body) {
			return
		}
	case body[0] == '[':
		if parseBracket(l, body) {
			return
		}
	default:
		if parsePlatform(l, body) {
			l.Text = Sanitize(body, false)
			return
		}
		if l.Level == LevelNone && strings.HasPrefix(body, "LAMBDA_WARNING: ") {
			l.Level = LevelWarn
		}
		if l.Level == LevelNone && (strings.HasPrefix(body, "panic: ") || strings.HasPrefix(body, "fatal error: ")) {
			l.Level = LevelError
		}
	}
	l.Text = Sanitize(body, false)
	parseInvokeError(l, body)
}

// runtimePrefix takes off what Lambda's managed runtimes put before each line:
// Node "ISO<TAB>request<TAB>LEVEL<TAB>", Python "[LEVEL]<TAB>ISO<TAB>request<TAB>".
func runtimePrefix(l *Line, s string) (rest string, ok bool) {
	if len(s) < 12 {
		return "", false
	}
	a, s1, ok1 := strings.Cut(s, "\t")
	if !ok1 || a == "" || len(a) > 32 {
		return "", false
	}
	b, s2, ok2 := strings.Cut(s1, "\t")
	if !ok2 {
		return "", false
	}
	c, rest, ok3 := strings.Cut(s2, "\t")
	if !ok3 {
		// Node writes no tab after the level when the text is empty.
		c, rest = s2, ""
	}
	level, stamp, request := c, a, b
	if a[0] == '[' {
		level, stamp, request = strings.Trim(strings.TrimSpace(a), "[]"), b, c
	}
	lv := levelOf(level)
	if lv == LevelNone || !isoTime(stamp) {
		return "", false
	}
	l.Level = lv
	if request != "undefined" && validRequestID(request) {
		l.RequestID = request
	}
	return rest, true
}

// isoTime is a cheap look at the shape 2026-01-02T03:04:05.
func isoTime(s string) bool {
	return len(s) >= 19 && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':'
}

// validRequestID keeps text that only looks like a platform line from making
// up requests.
func validRequestID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}

func levelOf(s string) Level {
	if i := strings.IndexAny(s, "+-"); i > 0 { // slog: INFO+2
		s = s[:i]
	}
	switch len(s) {
	case 3:
		if strings.EqualFold(s, "LOG") {
			return LevelInfo
		}
	case 4:
		if strings.EqualFold(s, "INFO") {
			return LevelInfo
		}
		if strings.EqualFold(s, "WARN") {
			return LevelWarn
		}
	case 5:
		switch {
		case strings.EqualFold(s, "ERROR"), strings.EqualFold(s, "FATAL"), strings.EqualFold(s, "PANIC"):
			return LevelError
		case strings.EqualFold(s, "DEBUG"), strings.EqualFold(s, "TRACE"):
			return LevelDebug
		}
	case 7:
		if strings.EqualFold(s, "WARNING") {
			return LevelWarn
		}
	case 8:
		if strings.EqualFold(s, "CRITICAL") {
			return LevelError
		}
	}
	return LevelNone
}

const triggerMarker = "[AIWORKER_TRIGGER]"

// parseMarker reads the JSON behind a marker.
func parseMarker(l *Line, marker, body string) bool {
	rest, ok := strings.CutPrefix(body, marker)
	if !ok {
		return false
	}
	var run dispatch.Run
	rest = strings.TrimSpace(rest)
	if json.Unmarshal([]byte(rest), &run) != nil {
		return false
	}
	l.Kind = KindMarker
	l.JobID = Sanitize(run.JobID, false)
	if validRequestID(run.AWSRequestID) {
		l.RequestID = run.AWSRequestID
	}
	l.run = marker == dispatch.RunMarker && l.JobID != ""
	l.Text = Sanitize(body, false)
	return true
}
