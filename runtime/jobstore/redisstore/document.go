package redisstore

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// The fields of a job's hash. Those of the second group are ours.
const (
	fieldJobID       = "jobId"
	fieldWorkerID    = "workerId"
	fieldUserID      = "userId"
	fieldStatus      = "status"
	fieldInput       = "input"
	fieldOutput      = "output"
	fieldError       = "error"
	fieldMetadata    = "metadata"
	fieldCreatedAt   = "createdAt"
	fieldUpdatedAt   = "updatedAt"
	fieldCompletedAt = "completedAt"
	// fieldOldChildren is where the children once were, as a JSON array.
	fieldOldChildren = "internalJobs"

	// fieldOwner is the delivery that claimed the job last, and fieldLeaseUntil is
	// there while it has not ended its claim.
	fieldOwner      = "owner"
	fieldLeaseUntil = "leaseUntil"
	fieldMessageID  = "messageId"
	fieldReceives   = "receives"
	fieldWebhook    = "webhook"
	// fieldInputBytes and fieldOutputBytes are how long the texts are that we wrote. A
	// field of that length is ours, and is never taken for JSON twice over.
	fieldInputBytes  = "inputBytes"
	fieldOutputBytes = "outputBytes"
	// fieldHasChildren says that there is a list of children of ours.
	fieldHasChildren = "hasChildren"
	// fieldLastWrite is updatedAt and the mark of the last write of ours. If
	// updatedAt has changed since, somebody else has written.
	fieldLastWrite = "lastWrite"
)

const (
	// longestRun is how long a Lambda function may run.
	longestRun = 15 * time.Minute
	// clockSkew is how far ahead of ours another machine's clock may be.
	clockSkew = time.Minute
	// timeLayout is JavaScript's Date.toISOString.
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// hash is a job's hash as it stands in Redis.
type hash map[string]string

// newHash makes a hash of names and values, alternating.
func newHash(texts []string) hash {
	h := make(hash, len(texts)/2)
	for i := 0; i+1 < len(texts); i += 2 {
		h[texts[i]] = texts[i+1]
	}
	return h
}

// text is a field that is plain text, which may be JSON text of a string as well.
func (h hash) text(name string) string {
	raw := h[name]
	if strings.HasPrefix(raw, `"`) {
		var s string
		if json.Unmarshal([]byte(raw), &s) == nil {
			return s
		}
	}
	return raw
}

// time is a field that is a time: ISO 8601, or milliseconds since 1970. Zero if it
// is neither.
func (h hash) time(name string) time.Time {
	text := h.text(name)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC().Truncate(time.Millisecond)
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// number is a field that is a count; zero if it is none.
func (h hash) number(name string) int {
	n, err := strconv.Atoi(h.text(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// status is the state of the job.
func (h hash) status() jobstore.Status {
	switch status := jobstore.Status(h.text(fieldStatus)); {
	case status == jobstore.Completed, status == jobstore.Failed, status == jobstore.Running:
		return status
	case h[fieldLeaseUntil] != "":
		// An application may record a job as queued after it has sent the message, by
		// when the job has been claimed. What we end, we also take the lease from.
		return jobstore.Running
	default:
		return jobstore.Queued
	}
}

// foreign says that somebody else has made the last write.
func (h hash) foreign() bool {
	return !strings.HasPrefix(h[fieldLastWrite], h[fieldUpdatedAt]+" ")
}

// leaseUntil is until when a running job is taken to be held, by our lease or, when
// another worker says that it runs, by the longest that it can. Zero if it is not.
func (h hash) leaseUntil(now time.Time) time.Time {
	lease := h.time(fieldLeaseUntil)
	if jobstore.Status(h.text(fieldStatus)) != jobstore.Running || !h.foreign() {
		return lease
	}
	updated := h.time(fieldUpdatedAt)
	if updated.IsZero() || updated.After(now.Add(clockSkew)) {
		return lease // a time that no such worker has written tells nothing
	}
	if until := updated.Add(longestRun); until.After(lease) {
		return until
	}
	return lease
}

// decide says what comes of a claim by owner.
func (h hash) decide(owner string, now time.Time) jobstore.Decision {
	switch status := h.status(); {
	case status == jobstore.Completed:
		return jobstore.Done
	case status == jobstore.Running && now.Before(h.leaseUntil(now)) && h[fieldOwner] != owner:
		return jobstore.Busy
	}
	return jobstore.ClaimedJob
}

// heldBy says that the job is owner's to change.
func (h hash) heldBy(owner string) bool {
	return h[fieldOwner] == owner && h.status() == jobstore.Running
}

// endedBy says that owner has ended its claim with this status.
func (h hash) endedBy(owner string, status jobstore.Status) bool {
	// Somebody else's end leaves the lease where it is.
	return owner != "" && h[fieldOwner] == owner && h[fieldLeaseUntil] == "" && h.status() == status && status != jobstore.Running
}

// writtenAs says that the last write of ours had this mark.
func (h hash) writtenAs(mark string) bool {
	return strings.HasSuffix(h[fieldLastWrite], " "+mark)
}

// record is the job, list the elements of its list of children. It never fails:
// what cannot be read is left out.
func (h hash) record(jobID string, list []string, now time.Time) *jobstore.Record {
	status := h.status()
	r := &jobstore.Record{
		JobID:       jobID, // not the field: the key is what the job is found by
		WorkerID:    h.text(fieldWorkerID),
		UserID:      h.text(fieldUserID),
		Status:      status,
		Input:       h.json(fieldInput, fieldInputBytes),
		Output:      h.json(fieldOutput, fieldOutputBytes),
		OutputBytes: h.number(fieldOutputBytes),
		Children:    h.children(list),
		MessageID:   h.text(fieldMessageID),
		Receives:    h.number(fieldReceives),
		Owner:       h[fieldOwner],
		CreatedAt:   h.time(fieldCreatedAt),
		UpdatedAt:   h.time(fieldUpdatedAt),
	}
	if r.OutputBytes == 0 {
		r.OutputBytes = len(r.Output)
	}
	switch status {
	case jobstore.Running:
		r.LeaseUntil = h.leaseUntil(now)
	case jobstore.Failed:
		r.Error = readError(h[fieldError])
		r.CompletedAt = h.time(fieldCompletedAt)
	case jobstore.Completed:
		r.CompletedAt = h.time(fieldCompletedAt)
	case jobstore.Queued:
	}
	readMetadata(h[fieldMetadata]).fold(r)
	if raw := h[fieldWebhook]; raw != "" {
		var w jobstore.Webhook
		if json.Unmarshal([]byte(raw), &w) == nil {
			w.At = w.At.UTC()
			r.Webhook = &w
		}
	}
	return r
}

// json is a field that is JSON: nil when there is none, and the text as a string
// when it is not JSON. lengthField says how long it is if we wrote it.
func (h hash) json(name, lengthField string) json.RawMessage {
	raw, ok := h[name]
	switch {
	case !ok || raw == "":
		return nil
	case !json.Valid([]byte(raw)):
		return encode(raw)
	case h[lengthField] == strconv.Itoa(len(raw)):
		return json.RawMessage(raw)
	}
	return json.RawMessage(unwrap(raw))
}

// unwrap undoes an encoding that was done twice, or more often: JSON text of a string
// that is itself the JSON text of an object or array. Other strings are what they are,
// since "1" and "true" are as likely meant as strings.
func unwrap(raw string) string {
	var inner string
	if !strings.HasPrefix(raw, `"`) || json.Unmarshal([]byte(raw), &inner) != nil {
		return raw
	}
	inner = strings.TrimSpace(inner)
	switch {
	case strings.HasPrefix(inner, `"`):
		if deeper := unwrap(inner); deeper != inner {
			return deeper
		}
	case strings.HasPrefix(inner, "{"), strings.HasPrefix(inner, "["):
		if json.Valid([]byte(inner)) {
			return inner
		}
	}
	return raw
}

// readError reads an error as workers record it: {message, name, stack}. Any other
// value becomes the message. Nil when there is none.
func readError(raw string) *dispatch.JobError {
	raw = unwrap(raw)
	if raw == "" || raw == "null" {
		return nil
	}
	var fields struct{ Message, Name, Stack json.RawMessage }
	if !strings.HasPrefix(raw, "{") || json.Unmarshal([]byte(raw), &fields) != nil || fields.Message == nil {
		return &dispatch.JobError{Message: looseText([]byte(raw))}
	}
	return &dispatch.JobError{
		Message: looseText(fields.Message), Name: looseText(fields.Name), Stack: looseText(fields.Stack),
	}
}

// looseText is a JSON string's value, and any other text as it is; null is empty.
func looseText(raw []byte) string {
	var s *string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	if s == nil {
		return ""
	}
	return *s
}

// plainText is how a text is written that text reads: as it is, unless it looks like JSON
// text of a string.
func plainText(s string) string {
	if strings.HasPrefix(s, `"`) {
		return string(encode(s))
	}
	return s
}

// timeText is a time as JavaScript writes it, in four digits of a year: a lease
// that is to hold for ever holds until they are used up.
func timeText(t time.Time) string {
	if last := time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC); t.After(last) {
		t = last
	}
	return t.UTC().Format(timeLayout)
}
