package jobstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// isoMillis is JavaScript's Date.prototype.toISOString, the form of every time in the
// deployed system's job documents.
const isoMillis = "2006-01-02T15:04:05.000Z"

// document is a record as JSON: the names and forms of the deployed system's job
// documents, and names of our own for what those do not have.
type document struct {
	JobID       string             `json:"jobId"`
	WorkerID    string             `json:"workerId"`
	Status      Status             `json:"status"`
	Input       json.RawMessage    `json:"input,omitempty"`
	Output      json.RawMessage    `json:"output,omitempty"`
	Error       *dispatch.JobError `json:"error,omitempty"`
	Metadata    json.RawMessage    `json:"metadata"`
	Children    []Child            `json:"internalJobs,omitempty"`
	UserID      string             `json:"userId,omitempty"`
	CreatedAt   isoTime            `json:"createdAt,omitzero"`
	UpdatedAt   isoTime            `json:"updatedAt,omitzero"`
	CompletedAt isoTime            `json:"completedAt,omitzero"`

	OutputBytes int                `json:"outputBytes,omitempty"`
	LastError   *dispatch.JobError `json:"lastError,omitempty"`
	Progress    *Progress          `json:"progress,omitempty"`
	Tokens      *Tokens            `json:"tokens,omitempty"`
	Webhook     *Webhook           `json:"webhook,omitempty"`
	MessageID   string             `json:"messageId,omitempty"`
	Receives    int                `json:"receives,omitempty"`
	Owner       string             `json:"owner,omitempty"`
	LeaseUntil  isoTime            `json:"leaseUntil,omitzero"`
	// ExpiresAt is when the record's time is over.
	ExpiresAt isoTime `json:"expiresAt,omitzero"`
}

// MarshalJSON writes the record as a document: jobId, workerId, status, input, output,
// error, metadata, internalJobs, userId, createdAt, updatedAt and completedAt are the
// deployed system's, with its forms; the other fields have their Go names in camel
// case. What a record does not have is left out. Times are ISO 8601 in milliseconds.
//
// A store that keeps documents calls MarshalJSON itself: json.Marshal escapes <, > and
// & in what a Marshaler returns, and input and output come back as they were given.
func (r Record) MarshalJSON() ([]byte, error) { return r.encode(time.Time{}) }

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Record) UnmarshalJSON(text []byte) error {
	record, _, err := decode(text)
	if err == nil {
		*r = *record
	}
	return err
}

func (r *Record) encode(expires time.Time) ([]byte, error) {
	metadata, err := encodeJSON(merge(r.Metadata, nil))
	if err != nil {
		return nil, fmt.Errorf("the metadata: %w", err)
	}
	return encodeJSON(document{
		JobID: r.JobID, WorkerID: r.WorkerID, Status: r.Status, Input: r.Input, Output: r.Output, Error: r.Error,
		Metadata: metadata, Children: r.Children, UserID: r.UserID,
		CreatedAt: isoTime{r.CreatedAt}, UpdatedAt: isoTime{r.UpdatedAt}, CompletedAt: isoTime{r.CompletedAt},
		OutputBytes: r.OutputBytes, LastError: r.LastError, Progress: r.Progress, Tokens: r.Tokens, Webhook: r.Webhook,
		MessageID: r.MessageID, Receives: r.Receives, Owner: r.Owner, LeaseUntil: isoTime{r.LeaseUntil},
		ExpiresAt: isoTime{expires},
	})
}

func decode(text []byte) (record *Record, expires time.Time, err error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, time.Time{}, err
	}
	if d.JobID == "" || d.Status == "" {
		return nil, time.Time{}, errors.New("it has no jobId or no status")
	}
	metadata := map[string]any{}
	if len(d.Metadata) > 0 {
		if metadata, err = decodeObject(d.Metadata); err != nil {
			return nil, time.Time{}, fmt.Errorf("the metadata: %w", err)
		}
	}
	if d.Webhook != nil {
		d.Webhook.At = millis(d.Webhook.At)
	}
	return &Record{
		JobID: d.JobID, WorkerID: d.WorkerID, Status: d.Status, UserID: d.UserID, Input: d.Input, Output: d.Output, OutputBytes: d.OutputBytes,
		Error: d.Error, LastError: d.LastError, Metadata: metadata, Progress: d.Progress, Tokens: d.Tokens, Children: d.Children, Webhook: d.Webhook,
		MessageID: d.MessageID, Receives: d.Receives, Owner: d.Owner, LeaseUntil: d.LeaseUntil.Time,
		CreatedAt: d.CreatedAt.Time, UpdatedAt: d.UpdatedAt.Time, CompletedAt: d.CompletedAt.Time,
	}, d.ExpiresAt.Time, nil
}

// encodeJSON is json.Marshal that keeps <, > and & as they are.
func encodeJSON(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// isoTime is a time in the form of isoMillis.
type isoTime struct{ time.Time }

func (t isoTime) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"`+isoMillis+`"`), nil
}

func (t *isoTime) UnmarshalJSON(text []byte) error {
	var at time.Time
	if err := json.Unmarshal(text, &at); err != nil {
		return err
	}
	t.Time = millis(at)
	return nil
}
