package logs

import (
	"encoding/json"
	"strings"
	"time"
)

// Record is a line as it is written to a file, and as `aiwctl logs -o json` prints it.
type Record struct {
	Time      time.Time `json:"time"`
	WorkerID  string    `json:"workerId"`
	Level     string    `json:"level,omitempty"`
	JobID     string    `json:"jobId,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
	// Event is the name of a lifecycle event.
	Event  string `json:"event,omitempty"`
	Text   string `json:"text"`
	Raw    string `json:"raw"`
	Stream string `json:"stream"`
	ID     string `json:"id"`
	// Fields is the line itself when it is a JSON object.
	Fields json.RawMessage `json:"fields,omitempty"`
}

// RecordOf makes a line's Record.
func RecordOf(l *Line) Record {
	r := Record{
		Time: l.Time.UTC(), WorkerID: l.WorkerID, JobID: l.JobID, RequestID: l.RequestID,
		Text: l.Text, Raw: l.Raw, Stream: l.Stream, ID: l.ID,
	}
	if l.Level != LevelNone {
		r.Level = l.Level.String()
	}
	if l.Event != nil {
		r.Event = l.Event.Event
	}
	if strings.HasPrefix(l.Raw, "{") && json.Valid([]byte(l.Raw)) {
		r.Fields = json.RawMessage(l.Raw)
	}
	return r
}
