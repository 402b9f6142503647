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
//	INIT_REPORT Init Duration: 9999.79 ms<TAB>Phase: init<TAB>Status: timeout
//	RESTORE_START Runtime Version: ..., RESTORE_REPORT Restore Duration: 511.25 ms (SnapStart)
//	EXTENSION<TAB>Name: <name><TAB>State: Ready<TAB>Events: [INVOKE, SHUTDOWN]; TELEMETRY and LOGS likewise
//	<ISO> <id> Task timed out after 3.00 seconds
//	RequestId: <id> Error: Runtime exited with error: exit status 1<NEWLINE>Runtime.ExitError
//	RequestId: <id> Process exited before completing request
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func parsePlatform(l *Line, s string) bool {
	switch s[0] {
	case 'S':
		return platformRequest(l, s, "START RequestId: ", KindStart)
	case 'E':
		return platformRequest(l, s, "END RequestId: ", KindEnd) || environment(l, s, "EXTENSION\tName: ")
	case 'T':
		return environment(l, s, "TELEMETRY\tName: ")
	case 'L':
		return environment(l, s, "LOGS\tName: ")
	case 'R':
		if environment(l, s, "RESTORE_START ") || environment(l, s, "RESTORE_REPORT ") {
			return true
		}
		if platformRequest(l, s, "REPORT RequestId: ", KindReport) {
			l.Report = parseReport(s)
			if l.Report.Status != "" {
				l.Level = LevelError
			}
			return true
		}
		return parseCrash(l, s)
	case 'I':
		return environment(l, s, "INIT_START ") || environment(l, s, "INIT_REPORT ")
	}
	if s[0] >= '0' && s[0] <= '9' && isoTime(s) {
		return parseTimeout(l, s)
	}
	return false
}

// environment is a line about the execution environment and no request.
func environment(l *Line, s, prefix string) bool {
	if !strings.HasPrefix(s, prefix) {
		return false
	}
	l.Kind = KindInit
	if strings.Contains(s, "Status: timeout") || strings.Contains(s, "Status: error") {
		l.Level = LevelError
	}
	return true
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
	if !ok || !validRequestID(id) || !strings.HasPrefix(rest, "Error: ") && !strings.HasPrefix(rest, "Process exited before completing request") {
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
	for part := range strings.SplitSeq(s, "\t") { // X-Ray's line follows behind a tab and a newline
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
		case "Restore Duration":
			r.Restore = millis(value)
		case "Billed Restore Duration":
			r.BilledRestore = millis(value)
		case "Memory Size":
			r.MemoryMB = int(number(value))
		case "Max Memory Used":
			r.MaxMemoryMB = int(number(value))
		case "Status":
			r.Status = reportStatus(strings.TrimSpace(value))
		case "Error Type":
			r.ErrorType = Sanitize(value, false)
		case "XRAY TraceId":
			r.TraceID = Sanitize(value, false)
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

// parsePlatformJSON reads a platform event of Lambda's JSON log format; those of
// the Telemetry API have the same shapes.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func parsePlatformJSON(l *Line, typ string, f fields) {
	var rec struct {
		RequestID string `json:"requestId"`
		Status    string `json:"status"`
		ErrorType string `json:"errorType"`
		Phase     string `json:"phase"`
		Name      string `json:"name"`
		State     string `json:"state"`
		Reason    string `json:"reason"`
		Dropped   int64  `json:"droppedRecords"`
		Tracing   struct {
			Value string `json:"value"`
		} `json:"tracing"`
		Metrics struct {
			Duration float64 `json:"durationMs"`
			Billed   float64 `json:"billedDurationMs"`
			Init     float64 `json:"initDurationMs"`
			Restore  float64 `json:"restoreDurationMs"`
			BilledRe float64 `json:"billedRestoreDurationMs"`
			Memory   float64 `json:"memorySizeMB"`
			MaxUsed  float64 `json:"maxMemoryUsedMB"`
		} `json:"metrics"`
	}
	_ = json.Unmarshal([]byte(f.get("record")), &rec) // what cannot be read stays zero
	if typ == "platform.fault" {                      // its record is the line of the text format
		l.Level = LevelError
		l.Text = Sanitize(typ+" "+str(f.get("record")), false)
		_ = parseCrash(l, str(f.get("record")))
		return
	}
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
	case "platform.runtimeDone", "platform.end":
		l.Kind = KindEnd
	case "platform.report":
		l.Kind = KindReport
		l.Report = &Report{
			Duration: ms(rec.Metrics.Duration), Billed: ms(rec.Metrics.Billed), Init: ms(rec.Metrics.Init),
			MemoryMB: mb(rec.Metrics.Memory), MaxMemoryMB: mb(rec.Metrics.MaxUsed), Status: reportStatus(rec.Status),
			Restore: ms(rec.Metrics.Restore), BilledRestore: ms(rec.Metrics.BilledRe), ErrorType: Sanitize(rec.ErrorType, false),
			TraceID: traceRoot(rec.Tracing.Value),
		}
		writeField(&b, "duration", roundDuration(l.Report.Duration).String())
		writeField(&b, "maxMemoryMB", strconv.Itoa(l.Report.MaxMemoryMB))
	case "platform.initStart", "platform.initRuntimeDone", "platform.initReport",
		"platform.restoreStart", "platform.restoreRuntimeDone", "platform.restoreReport",
		"platform.extension", "platform.telemetrySubscription", "platform.logsSubscription":
		l.Kind = KindInit
		if rec.Metrics.Duration > 0 {
			writeField(&b, "duration", roundDuration(ms(rec.Metrics.Duration)).String())
		}
	case "platform.logsDropped":
		l.Level = LevelWarn
		writeField(&b, "droppedRecords", strconv.FormatInt(rec.Dropped, 10))
	}
	for _, said := range [...][2]string{{"name", rec.Name}, {"state", rec.State}, {"phase", rec.Phase}, {"reason", rec.Reason}} {
		if said[1] != "" {
			writeField(&b, said[0], Sanitize(said[1], false))
		}
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

// traceRoot is the trace's id in "Root=1-62e9...;Parent=...;Sampled=1".
func traceRoot(value string) string {
	for part := range strings.SplitSeq(value, ";") {
		if id, ok := strings.CutPrefix(part, "Root="); ok {
			return Sanitize(id, false)
		}
	}
	return ""
}
