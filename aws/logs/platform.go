package logs

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// parsePlatform reads Lambda's own lines in the text format. Their shapes:
//
//	START RequestId: <id> Version: $LATEST
//	END RequestId: <id>
//	REPORT RequestId: <id><TAB>Duration: 1.23 ms<TAB>Billed Duration: 2 ms<TAB>...
//	INIT_START Runtime Version: ...
//	<ISO> <id> Task timed out after 3.00 seconds
//	RequestId: <id> Error: Runtime exited with error: exit status 1
func parsePlatform(l *Line, s string) bool {
	switch s[0] {
	case 'S':
		return platformRequest(l, s, "START RequestId: ", KindStart)
	case 'E':
		return platformRequest(l, s, "END RequestId: ", KindEnd)
	case 'R':
		if platformRequest(l, s, "REPORT RequestId: ", KindReport) {
			l.Report = parseReport(s)
			if l.Report.Status != "" {
				l.Level = LevelError
			}
			return true
		}
		return parseCrash(l, s)
	case 'I':
		if !strings.HasPrefix(s, "INIT_START ") && !strings.HasPrefix(s, "INIT_REPORT ") {
			return false
		}
		l.Kind = KindInit
		if strings.Contains(s, "Status: timeout") || strings.Contains(s, "Status: error") {
			l.Level = LevelError
		}
		return true
	}
	if s[0] >= '0' && s[0] <= '9' && isoTime(s) {
		return parseTimeout(l, s)
	}
	return false
}

func platformRequest(l *Line, s, prefix string, kind Kind) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return false
	}
	id := rest
	if i := strings.IndexAny(rest, " \t\n"); i >= 0 {
		id = rest[:i]
	}
	if !validRequestID(id) {
		return false
	}
	l.Kind, l.RequestID = kind, id
	return true
}

func parseTimeout(l *Line, s string) bool {
	_, rest, ok := strings.Cut(s, " ")
	if !ok {
		return false
	}
	id, rest, ok := strings.Cut(rest, " ")
	if !ok || !validRequestID(id) || !strings.HasPrefix(rest, "Task timed out after ") {
		return false
	}
	l.Kind, l.Level, l.RequestID = KindTimeout, LevelError, id
	return true
}

func parseCrash(l *Line, s string) bool {
	rest, ok := strings.CutPrefix(s, "RequestId: ")
	if !ok {
		return false
	}
	id, rest, ok := strings.Cut(rest, " ")
	if !ok || !validRequestID(id) || !strings.HasPrefix(rest, "Error: ") {
		return false
	}
	l.Kind, l.Level, l.RequestID = KindCrash, LevelError, id
	return true
}

// platformMessage recognises the two fatal platform messages inside the
// message field of Lambda's JSON format.
func platformMessage(msg string) Kind {
	switch {
	case strings.Contains(msg, "Task timed out after "):
		return KindTimeout
	case strings.Contains(msg, "Error: Runtime exited"):
		return KindCrash
	}
	return KindApp
}

func parseReport(s string) *Report {
	r := &Report{}
	for part := range strings.SplitSeq(s, "\t") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), ": ")
		if !ok {
			continue
		}
		switch key {
		case "Duration":
			r.Duration = millis(value)
		case "Billed Duration":
			r.Billed = millis(value)
		case "Init Duration":
			r.Init = millis(value)
		case "Memory Size":
			r.MemoryMB = int(number(value))
		case "Max Memory Used":
			r.MaxMemoryMB = int(number(value))
		case "Status":
			r.Status = reportStatus(strings.TrimSpace(value))
		}
	}
	return r
}

func reportStatus(s string) string {
	switch s {
	case "", "success":
		return ""
	case "timeout":
		return "timeout"
	}
	return "error"
}

// number reads the figure before the unit, within what an int32 holds.
func number(s string) float64 {
	figure, _, _ := strings.Cut(s, " ")
	f, err := strconv.ParseFloat(figure, 64)
	if err != nil || !(f >= 0 && f < 1<<31) {
		return 0
	}
	return f
}

func millis(s string) time.Duration { return time.Duration(number(s) * float64(time.Millisecond)) }

// timeoutAfter is the figure of "Task timed out after 3.00 seconds".
func timeoutAfter(text string) time.Duration {
	_, rest, ok := strings.Cut(text, "Task timed out after ")
	if !ok {
		return 0
	}
	return time.Duration(number(rest) * float64(time.Second))
}

// parsePlatformJSON reads a platform event of Lambda's JSON log format.
func parsePlatformJSON(l *Line, typ string, fields map[string]json.RawMessage) {
	var rec struct {
		RequestID string `json:"requestId"`
		Status    string `json:"status"`
		ErrorType string `json:"errorType"`
		Metrics   struct {
			Duration float64 `json:"durationMs"`
			Billed   float64 `json:"billedDurationMs"`
			Init     float64 `json:"initDurationMs"`
			Memory   float64 `json:"memorySizeMB"`
			MaxUsed  float64 `json:"maxMemoryUsedMB"`
		} `json:"metrics"`
	}
	_ = json.Unmarshal(fields["record"], &rec) // what cannot be read stays zero
	if validRequestID(rec.RequestID) {
		l.RequestID = rec.RequestID
	}
	var b strings.Builder
	b.WriteString(Sanitize(typ, false))
	ms := func(f float64) time.Duration {
		if !(f >= 0 && f < 1<<31) {
			return 0
		}
		return time.Duration(f * float64(time.Millisecond))
	}
	mb := func(f float64) int {
		if !(f >= 0 && f < 1<<31) {
			return 0
		}
		return int(f)
	}
	switch typ {
	case "platform.start":
		l.Kind = KindStart
	case "platform.runtimeDone":
		l.Kind = KindEnd
	case "platform.report":
		l.Kind = KindReport
		l.Report = &Report{
			Duration: ms(rec.Metrics.Duration), Billed: ms(rec.Metrics.Billed), Init: ms(rec.Metrics.Init),
			MemoryMB: mb(rec.Metrics.Memory), MaxMemoryMB: mb(rec.Metrics.MaxUsed), Status: reportStatus(rec.Status),
		}
		writeField(&b, "duration", roundDuration(l.Report.Duration).String())
		writeField(&b, "maxMemoryMB", strconv.Itoa(l.Report.MaxMemoryMB))
	case "platform.initStart", "platform.initRuntimeDone", "platform.initReport":
		l.Kind = KindInit
	case "platform.logsDropped":
		l.Level = LevelWarn
	}
	if rec.Status != "" && rec.Status != "success" {
		l.Level = LevelError
		writeField(&b, "status", Sanitize(rec.Status, false))
	}
	if rec.ErrorType != "" {
		writeField(&b, "errorType", Sanitize(rec.ErrorType, false))
	}
	if l.RequestID != "" {
		writeField(&b, "requestId", l.RequestID)
	}
	l.Text = b.String()
}
