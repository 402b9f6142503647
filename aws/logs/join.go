package logs

import (
	"strings"
	"time"
)

// Bounds of a dump that is spread over events.
const (
	dumpGap   = 50 * time.Millisecond
	dumpLines = 1_000
	dumpBytes = 64 << 10
)

// spreadDump is an object that Node printed on several lines, where each line has
// become an event of its own: without Lambda's runtime around it, as in a container
// or by process.stdout, the newlines divide events. The zero value waits for one.
//
// Every line stays what it is. The last one, with which the object is whole, gets
// what the whole says of job, end and error, and the whole as its Text.
type spreadDump struct {
	text    strings.Builder
	lines   int
	request string
	last    time.Time
}

// take looks at the next line of a stream.
func (d *spreadDump) take(l *Line) {
	if opensDump(l) {
		d.text.Reset()
		d.text.WriteString(l.Text)
		d.lines, d.request, d.last = 1, l.RequestID, l.Time
		// It says what is to come, and not yet of whom or why.
		l.legacy, l.legacyErr, l.run = legacyNone, "", false
		return
	}
	if d.lines == 0 {
		return
	}
	if !d.continues(l) {
		d.lines = 0
		return
	}
	d.lines++
	d.last = l.Time
	d.text.WriteByte(' ')
	d.text.WriteString(strings.TrimLeft(l.Text, " "))
	if !strings.HasPrefix(l.Raw, "}") {
		return
	}
	d.lines = 0
	whole := Line{RequestID: d.request}
	if parseBracket(&whole, d.text.String()) {
		l.Text, l.JobID, l.run = whole.Text, whole.JobID, whole.run
		l.legacy, l.legacyErr, l.Level = whole.legacy, whole.legacyErr, whole.Level
		l.RequestID = whole.RequestID
	}
}

// opensDump reports whether a line is the first of an object on several lines: such
// a line ends in the brace.
func opensDump(l *Line) bool {
	if l.Kind != KindApp || !strings.HasSuffix(l.Text, " {") || strings.IndexByte(l.Raw, '\n') >= 0 {
		return false
	}
	for _, tag := range [...]string{"[Worker] ", "[WorkerEntrypoint] ", "[WORKER_USER:", "[queue] ", "[workers-config] "} {
		if strings.HasPrefix(l.Text, tag) {
			return true
		}
	}
	return false
}

// continues reports whether a line can be the next of the object: Node indents what
// is inside, and the last brace is not.
func (d *spreadDump) continues(l *Line) bool {
	return l.Kind == KindApp && l.Event == nil && l.Level == LevelNone && (l.RequestID == "" || l.RequestID == d.request) &&
		(strings.HasPrefix(l.Raw, "  ") || l.Raw == "}") &&
		!l.Time.Before(d.last) && l.Time.Sub(d.last) <= dumpGap &&
		d.lines < dumpLines && d.text.Len()+len(l.Text) < dumpBytes
}
