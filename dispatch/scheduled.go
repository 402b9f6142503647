package dispatch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// ScheduledRunField is the only member of the input that a deployment gives to the
// schedule of a worker: {"aiworkerSchedule":{"workerId":"..."}}. A function that
// gets it as its event puts a job into the worker's queue.
const ScheduledRunField = "aiworkerSchedule"

// ScheduledRun is one run of a worker's schedule.
type ScheduledRun struct {
	// WorkerID is the worker.
	WorkerID string `json:"workerId"`
	// Input is the job's input; empty means {}.
	Input json.RawMessage `json:"input,omitempty"`
	// ID tells this run from all others, such as the id of the EventBridge event.
	// EventBridge Scheduler fills in "<aws.scheduler.execution-id>". It may be empty
	// in a deployment: the id of the invocation then takes its place.
	ID string `json:"id,omitempty"`
	// At is when the run was due; EventBridge Scheduler fills in
	// "<aws.scheduler.scheduled-time>". The zero value is the time of the invocation.
	At time.Time `json:"at,omitzero"`
}

// Message is the job of a run. Its id follows from the worker's and the run's, so
// that a run which is delivered twice is one job. now stands in for an At that is
// not known, and is no part of the id.
func (r ScheduledRun) Message(now time.Time) *Message {
	at := r.At
	if at.IsZero() {
		at = now
	}
	input := r.Input
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	return &Message{
		WorkerID: r.WorkerID,
		JobID:    r.jobID(),
		Input:    input,
		Metadata: map[string]any{
			"__trigger": map[string]any{"type": "schedule", "at": isoTime(at)},
		},
		Timestamp: at.UTC(),
	}
}

// jobID has the form of NewJobID, with a hash where that has random bits.
func (r ScheduledRun) jobID() string {
	sum := sha256.Sum256([]byte(r.WorkerID + "\x00" + r.ID))
	const nine = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36
	tail := strconv.FormatUint(binary.BigEndian.Uint64(sum[:8])%nine, 36)
	tail = strings.Repeat("0", 9-len(tail)) + tail
	if r.At.IsZero() {
		return "job-schedule-" + tail
	}
	return "job-" + strconv.FormatInt(r.At.UnixMilli(), 10) + "-" + tail
}
