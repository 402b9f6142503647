package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// PlanText says what a planned dispatch would send, in words and lines, as `aiwctl
// dispatch --dry-run` prints it. It holds text of the job: whoever shows it to a person
// takes control characters out.
func (r DispatchResult) PlanText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "would send %d bytes to %s by %s, as %s:\n", len(r.Message), r.QueueURL, r.Via, r.JobID)
	var message bytes.Buffer
	if err := json.Indent(&message, r.Message, "", "  "); err != nil {
		message.Reset()
		message.Write(r.Message)
	}
	b.Write(message.Bytes())
	b.WriteByte('\n')
	for _, v := range r.Warnings {
		b.WriteString("warning: " + v.String() + "\n")
	}
	return b.String()
}

// Again is the metadata of a job that repeats another one by hand: metadata.__trigger
// says which, as a replay under a new job id does, and keeps what stood there. The map
// given is not changed.
func Again(metadata map[string]any, jobID string, at time.Time) map[string]any {
	out := maps.Clone(metadata)
	if out == nil {
		out = map[string]any{}
	}
	trigger := map[string]any{"type": "replay", "replayOf": jobID, "at": at.UTC().Format("2006-01-02T15:04:05.000Z")}
	if previous, ok := out["__trigger"]; ok {
		trigger["previous"] = previous
	}
	out["__trigger"] = trigger
	return out
}
