package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Status is what became of a job. The values are those of the deployed system.
type Status string

// How a job ends.
const (
	StatusSuccess Status = "success"
	StatusError   Status = "error"
)

// Payload is the body of a completion webhook, as the deployed system sends it.
type Payload struct {
	// JobID and WorkerID name the job.
	JobID    string `json:"jobId"`
	WorkerID string `json:"workerId"`
	Status   Status `json:"status"`
	// Output is the handler's output; nil unless Status is StatusSuccess.
	Output json.RawMessage `json:"output,omitempty"`
	// Error is why the job failed; nil unless Status is StatusError. Its stack is
	// left out unless the worker is configured to send it.
	Error *dispatch.JobError `json:"error,omitempty"`
	// Metadata is the caller's, and what the runtime and the handler added to it.
	Metadata map[string]any `json:"metadata"`
}

// Event is a completion webhook as its receiver sees it.
type Event[Out any] struct {
	// JobID and WorkerID name the job; JobID is never empty.
	JobID, WorkerID string
	Status          Status
	// Output is the job's output; the zero value unless Status is StatusSuccess.
	Output Out
	// Error is why the job failed; nil exactly when Status is StatusSuccess.
	Error *dispatch.JobError
	// Metadata is the caller's, and what was added to it; never nil. Numbers are
	// json.Number, so nothing is rounded.
	Metadata map[string]any
	// ID names the event. It is the same when the event is sent again, and another
	// one for another event of the same job: an error, and the success after a
	// replay. Empty when the request was not signed.
	ID string
	// Timestamp is when this attempt was made, in whole seconds; zero when the
	// request was not signed.
	Timestamp time.Time
}

// Parse reads a webhook. It does not check where it comes from: call Verify first.
// Fields that Out does not know are ignored.
func Parse[Out any](header http.Header, body []byte) (Event[Out], error) {
	var p Payload
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return Event[Out]{}, fmt.Errorf("read a webhook: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Event[Out]{}, errors.New("read a webhook: the body goes on after its JSON object")
	}
	if p.JobID == "" {
		return Event[Out]{}, errors.New("read a webhook: it names no job: jobId is missing or empty")
	}
	e := Event[Out]{JobID: p.JobID, WorkerID: p.WorkerID, Status: p.Status, Metadata: p.Metadata, ID: header.Get(HeaderID)}
	if e.Metadata == nil {
		e.Metadata = map[string]any{}
	}
	if seconds, err := strconv.ParseInt(header.Get(HeaderTimestamp), 10, 64); err == nil && seconds > 0 {
		e.Timestamp = time.Unix(seconds, 0).UTC()
	}
	switch p.Status {
	case StatusSuccess:
		// A handler without a result has no output in the payload, or null.
		if len(p.Output) > 0 {
			if err := json.Unmarshal(p.Output, &e.Output); err != nil {
				return Event[Out]{}, fmt.Errorf("read the webhook of job %q: the output is not of the expected type: %w", p.JobID, err)
			}
		}
	case StatusError:
		e.Error = p.Error
		if e.Error == nil {
			e.Error = &dispatch.JobError{Message: "the worker did not say why"}
		}
	default:
		return Event[Out]{}, fmt.Errorf("read the webhook of job %q: unknown status %q", p.JobID, p.Status)
	}
	return e, nil
}
