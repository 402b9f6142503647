package runtimetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Delivery is one delivery of a message.
type Delivery struct {
	// Outcome is what came of it.
	runtime.Outcome
	// At is when it began, by the clock of the stage since its start: the waits, and
	// the real time of the handlers before it.
	At time.Duration
	// Deleted says that the message is done with. Otherwise it was hidden for Hidden,
	// after which SQS delivers it again or takes it for dead: the whole seconds that
	// the runtime asked SQS for, or else what was left of the queue's visibility
	// timeout.
	Deleted bool
	Hidden  time.Duration
}

// DeadLetter is a message in a dead-letter queue.
type DeadLetter struct {
	// WorkerID is whose dead-letter queue it is in.
	WorkerID string
	// Body is the message's. Message is what it says; nil when it is no job.
	Body    string
	Message *dispatch.Message
	// Attributes are the message's, where they are text.
	Attributes map[string]string
	// Receives is how often SQS had delivered it; zero when the runtime put it there.
	Receives int
}

// Report is what came of one job.
type Report struct {
	// JobID is the job's.
	JobID string
	// Deliveries are all deliveries of the job, in their order.
	Deliveries []Delivery
	// Record is the job's record; nil when there is none.
	Record *jobstore.Record
	// DeadLetters are the job's messages in dead-letter queues.
	DeadLetters []DeadLetter
	// Webhooks are the job's, delivered or not.
	Webhooks []Webhook
}

// Last is the job's last delivery; the zero value when there was none.
func (r Report) Last() Delivery {
	if len(r.Deliveries) == 0 {
		return Delivery{}
	}
	return r.Deliveries[len(r.Deliveries)-1]
}

// Err is why the job is not completed; nil when it is.
func (r Report) Err() error {
	if len(r.Deliveries) == 0 {
		return fmt.Errorf("job %q was not delivered", r.JobID)
	}
	return r.Last().Err
}

// Decode decodes the output of a completed job into v, a pointer.
func (r Report) Decode(v any) error {
	if err := r.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Last().Output, v); err != nil {
		return fmt.Errorf("decode the output of job %q: %w", r.JobID, err)
	}
	return nil
}

// Report is what has come of a job so far.
func (h *Harness) Report(jobID string) Report {
	h.t.Helper()
	r := Report{JobID: jobID, Deliveries: h.of(jobID)}
	if store := h.Store(); store != nil {
		rec, err := store.Get(h.t.Context(), jobID)
		switch {
		case err == nil:
			r.Record = rec
		case !errors.Is(err, jobstore.ErrNotFound):
			h.t.Errorf("read the record of job %q: %v", jobID, err)
		}
	}
	for _, l := range h.DeadLetters() {
		if l.Message != nil && l.Message.JobID == jobID {
			r.DeadLetters = append(r.DeadLetters, l)
		}
	}
	for _, w := range h.Webhooks() {
		if w.JobID() == jobID {
			r.Webhooks = append(r.Webhooks, w)
		}
	}
	return r
}

// Deliveries are all deliveries so far, in the order in which they began.
func (h *Harness) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Delivery, len(h.deliveries))
	for i, d := range h.deliveries {
		out[i] = *d
	}
	return out
}

// of are the deliveries of a job.
func (h *Harness) of(jobID string) []Delivery {
	return slices.DeleteFunc(h.Deliveries(), func(d Delivery) bool { return d.JobID != jobID })
}

// DeadLetters are the messages in the dead-letter queues, oldest first.
func (h *Harness) DeadLetters() []DeadLetter {
	var out []DeadLetter
	for _, l := range h.broker.DeadLetters() {
		d := DeadLetter{WorkerID: l.Worker, Body: l.Body, Attributes: l.Attributes, Receives: l.Receives}
		if m, err := dispatch.ParseMessage([]byte(l.Body)); err == nil {
			d.Message = m
		}
		out = append(out, d)
	}
	return out
}

// Webhooks are all webhooks that were sent, delivered or not, unless
// Config.App.WebhookClient has sent them.
func (h *Harness) Webhooks() []Webhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.webhooks)
}
