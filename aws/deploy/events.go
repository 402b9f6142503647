package deploy

import "time"

// EventKind says what an Event tells.
type EventKind string

// The kinds of events.
const (
	// EventStep begins something, in words.
	EventStep EventKind = "step"
	// EventUpload is progress of uploads: Bytes of Total, for the object Resource.
	EventUpload EventKind = "upload"
	// EventStack is a resource's event as CloudFormation told it.
	EventStack EventKind = "stack"
	// EventWarning is worth a person's attention.
	EventWarning EventKind = "warning"
)

// Event is something that happens while a plan is applied. Its texts come from AWS in part,
// without control characters.
type Event struct {
	Time time.Time `json:"time"`
	Kind EventKind `json:"kind"`
	// Text is the event in words, except for EventUpload.
	Text string `json:"text,omitempty"`
	// Stack is the stack's name.
	Stack string `json:"stack,omitempty"`
	// Resource is the logical id, or the object that is uploaded; Type is AWS's name of its
	// type, Worker the id of the worker that it is of, empty for the stack's own; those of an
	// object are several, separated by commas.
	Resource string `json:"resource,omitempty"`
	Type     string `json:"type,omitempty"`
	Worker   string `json:"worker,omitempty"`
	// Status and Reason are CloudFormation's.
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Bytes of Total are uploaded, of this object.
	Bytes int64 `json:"bytes,omitempty"`
	Total int64 `json:"total,omitempty"`
}

// Failed is whether the event is of something that failed by itself, and not for want of
// something else.
func (e Event) Failed() bool { return failed(e.Status) && !cancelled(e.Reason) }
