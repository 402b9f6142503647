package logs

import (
	"encoding/json"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// legacyEvent is what a line of the TypeScript runtime says about a job. That
// runtime writes no lifecycle events but sentences with an object printed by
// Node's util.inspect, which is not JSON.
type legacyEvent int

const (
	legacyNone legacyEvent = iota
	legacyCompleted
	// legacyStoredFailed: the job store says failed, so a redelivery is skipped.
	legacyStoredFailed
	// legacyFailed: this attempt failed.
	legacyFailed
	// legacySkippedCompleted and legacySkippedFailed: the job had ended before.
	legacySkippedCompleted
	legacySkippedFailed
	// legacyInvokeError: the invocation as a whole failed.
	legacyInvokeError
)

// parseBracket reads the lines that begin with a tag in brackets.
func parseBracket(l *Line, s string) bool {
	tag, rest, ok := strings.Cut(s[1:], "]")
	if !ok || len(tag) > 256 || strings.ContainsRune(tag, '\n') {
		return false
	}
	switch {
	case strings.HasPrefix(s, dispatch.RunMarker):
		return parseMarker(l, dispatch.RunMarker, s)
	case strings.HasPrefix(s, triggerMarker):
		return parseMarker(l, triggerMarker, s)
	case tag == "Worker" || tag == "WorkerEntrypoint" || tag == "queue" || tag == "workers-config" ||
		strings.HasPrefix(tag, "WORKER_USER:"):
		parseDump(l, tag, strings.TrimSpace(rest))
	case tag == "workers-trigger":
		level, text, ok := bracketed(strings.TrimLeft(rest, " "))
		if !ok || levelOf(level) == LevelNone {
			return false
		}
		l.Level = levelOf(level)
		l.Text = Sanitize(strings.TrimSpace(text), false)
		return true
	default:
		if parseUserLog(l, tag, rest) {
			return true
		}
		if l.Level == LevelNone { // "[ERROR] ValueError: ..." of Python, and what others begin so
			l.Level = levelOf(tag)
		}
		return false
	}
	l.Text = Sanitize(s, false)
	return true
}

// bracketed cuts "[word] rest".
func bracketed(s string) (word, rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return "", s, false
	}
	return strings.Cut(s[1:], "]")
}

// parseUserLog reads "[LEVEL] [worker] [job] message {json}".
func parseUserLog(l *Line, tag, rest string) bool {
	lv := levelOf(tag)
	if lv == LevelNone || !strings.HasPrefix(rest, " [") {
		return false
	}
	worker, rest, ok := bracketed(rest[1:])
	if !ok || worker == "" || !strings.HasPrefix(rest, " [") {
		return false
	}
	job, rest, ok := bracketed(rest[1:])
	if !ok || job == "" {
		return false
	}
	l.Level = lv
	l.JobID = Sanitize(job, false)
	rest = strings.TrimSpace(rest)
	l.Text = Sanitize(rest, false)
	// The data is JSON at the end. One try only: text with many braces must not
	// cost a parse for each.
	i := strings.Index(rest, "{")
	if i < 0 || i > 0 && rest[i-1] != ' ' || !strings.HasSuffix(rest, "}") {
		return true
	}
	var some [32]field
	if fields, ok := readFields(rest[i:], some[:]); ok {
		var b strings.Builder
		b.WriteString(Sanitize(strings.TrimSpace(rest[:i]), false))
		writeFields(&b, fields)
		l.Text = b.String()
	}
	return true
}

// parseDump reads a sentence and the object Node printed behind it.
func parseDump(l *Line, tag, rest string) {
	at := strings.IndexByte(rest, '{')
	if at < 0 {
		return
	}
	sentence := strings.TrimSpace(rest[:at])
	var f dumpFields
	f.read(rest[at:])
	runs := tag == "Worker" || strings.HasPrefix(tag, "WORKER_USER:")
	// A dispatched queue's first job is told by the one that dispatched it.
	if id := f[dumpJobID]; runs || tag == "queue" {
		if id != "" && id != "(parse failed)" {
			l.JobID = Sanitize(id, false)
			l.run = runs
		}
	}
	if l.RequestID == "" && tag != "queue" && tag != "workers-config" {
		for _, id := range [...]string{f[dumpAWSRequestID], f[dumpRequestID]} {
			if validRequestID(id) {
				l.RequestID = id
				break
			}
		}
	}
	if tag == "workers-config" {
		l.Level = max(l.Level, LevelWarn) // "getQueueUrl failed" is all it says
	}
	if tag != "Worker" {
		return
	}
	switch {
	case strings.HasPrefix(sentence, "Job completed:"), strings.HasPrefix(sentence, "Job status updated to completed:"):
		l.legacy = legacyCompleted
	case strings.HasPrefix(sentence, "Job status updated to failed:"):
		l.legacy = legacyStoredFailed
		l.Level = max(l.Level, LevelError)
	case strings.HasPrefix(sentence, "Error processing SQS record:"):
		l.legacy = legacyFailed
		l.legacyErr = Sanitize(f[dumpError], true)
		l.Level = LevelError
	case strings.HasPrefix(sentence, "Skipping already terminal job"):
		if f[dumpStatus] == "completed" {
			l.legacy = legacySkippedCompleted
		} else {
			l.legacy = legacySkippedFailed
		}
	case strings.HasPrefix(sentence, "Failed to "), strings.HasPrefix(sentence, "Webhook callback failed:"),
		strings.HasPrefix(sentence, "Webhook callback error:"):
		l.Level = max(l.Level, LevelWarn)
	}
}

// parseInvokeError recognises the line with which Lambda's Node runtime reports
// that an invocation failed.
func parseInvokeError(l *Line, body string) {
	if l.RequestID != "" && l.Level == LevelError && strings.HasPrefix(body, "Invoke Error") {
		l.legacy = legacyInvokeError
		if _, text, ok := strings.Cut(body, "{"); ok {
			var e struct {
				Message string `json:"errorMessage"`
			}
			if json.Unmarshal([]byte("{"+text), &e) == nil {
				l.legacyErr = Sanitize(e.Message, true)
			}
		}
	}
}
