package runtime

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// snoozeError puts a job off.
type snoozeError struct{ after time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("snoozed for %v", e.after) }

// Snooze is the error of a handler that wants to be called again after d, more
// than zero, without having failed: the attempt does not count, there is no
// webhook, and the message's receive count starts again. It may be wrapped.
//
// The message is sent again with a delay, in hops of at most 15 minutes for a
// longer one, so d may be days. Where that is impossible it is hidden for d, at
// most 11 hours and 40 minutes, and the delivery counts: on a FIFO queue, whose
// order would be lost, and where the function may not send to its own queue. A
// job that is snoozed in the last delivery of such a queue has failed.
func Snooze(d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("snooze for %v: the time must be more than zero", d)
	}
	return &snoozeError{after: d}
}

// snoozed is how long the error puts its job off; zero for other errors. Panics
// and permanent errors are what they are, whatever they wrap.
func snoozed(err error) time.Duration {
	s, ok := errors.AsType[*snoozeError](err)
	if !ok || IsPermanent(err) {
		return 0
	}
	if _, panicked := errors.AsType[*PanicError](err); panicked {
		return 0
	}
	return s.after
}

// attrCarried is the message attribute in which the runtime tells itself what it
// knew of a job when it sent the job's message again.
const attrCarried = "AIWorkerCarried"

// carried is the value of that attribute, as JSON.
type carried struct {
	// Attempts is how many the job had made.
	Attempts int `json:"attempts,omitempty"`
	// Due is when the job is to run, in Unix milliseconds; zero: now.
	Due int64 `json:"due,omitempty"`
	// Sent is when the message was sent, in Unix milliseconds. A message that SQS got
	// much later is a replay of it, to which nothing of this applies.
	Sent int64 `json:"sent"`
	// JobID is the job's id when the message itself names none.
	JobID string `json:"jobId,omitempty"`
	// Since is when the runtime first sent the message again because the job could
	// not run, in Unix milliseconds; zero: it has not.
	Since int64 `json:"since,omitempty"`
}

// sentAgainWithin is how far the clocks of SQS and of a function may differ. No
// replay comes that soon: before it, the message must have passed all its deliveries.
const sentAgainWithin = time.Minute

// readCarried reads the attribute; whoever may send to the queue may have written it.
func readCarried(rec *events.SQSMessage) (c carried) {
	attr, ok := rec.MessageAttributes[attrCarried]
	if !ok || attr.StringValue == nil || json.Unmarshal([]byte(*attr.StringValue), &c) != nil {
		return carried{}
	}
	if sent, ok := sentTime(rec); ok && sent.Sub(time.UnixMilli(c.Sent)).Abs() > sentAgainWithin {
		return carried{JobID: c.JobID}
	}
	c.Attempts = min(max(c.Attempts, 0), maxMaxReceiveCount)
	return c
}

// wait is how long the job must not run yet. SQS counts delays in whole seconds, and
// its clock is not ours.
func (c carried) wait(now time.Time) time.Duration {
	if rest := time.UnixMilli(c.Due).Sub(now); c.Due != 0 && rest > time.Second {
		return rest
	}
	return 0
}

// sendAgain puts the delivery's message into its queue once more, to be delivered after
// the given time. The message that was delivered is then to be deleted. attempts is
// how many the job has made; waiting says that nothing has come of it for want of a
// store, or of time, or because another delivery has the job.
func (d *delivery) sendAgain(after time.Duration, attempts int, waiting bool) error {
	if d.local() {
		return errors.New("the message came from no queue")
	}
	if isFIFO(d.rec.EventSourceARN) {
		return errors.New("a FIFO queue takes no delay for a single message")
	}
	now := d.batch.app.cfg.Now()
	c := carried{Attempts: attempts, Sent: now.UnixMilli()}
	if d.msg.JobID == "" {
		c.JobID = d.jobID
	}
	if waiting {
		// Each message is new to SQS, which would else end what never comes to anything.
		c.Since = cmp.Or(d.carried.Since, c.Sent)
		if now.Sub(time.UnixMilli(c.Since)) > d.def.settings.retention {
			return fmt.Errorf("the job has waited for longer than the queue keeps a message (%v)", d.def.settings.retention)
		}
	}
	if after > maxDelay {
		c.Due = now.Add(after).UnixMilli()
	}
	text, err := jsonlog.Encode(c)
	if err != nil {
		return fmt.Errorf("encode what the message carries: %w", err)
	}
	attrs := messageAttributes(&d.rec)
	delete(attrs, attrError)
	attrs[attrCarried] = stringAttribute(string(text))
	if size := messageSize(d.rec.Body, attrs); size > dispatch.MaxMessageBytes {
		return fmt.Errorf("with its attributes the message would have %d bytes, and SQS takes %d", size, dispatch.MaxMessageBytes)
	}
	return d.batch.app.queue.resend(d.batch.ctx, &d.rec, attrs, min(after, maxDelay))
}

// messageAttributes are a record's attributes in the form in which they are sent.
func messageAttributes(rec *events.SQSMessage) map[string]types.MessageAttributeValue {
	attrs := make(map[string]types.MessageAttributeValue, len(rec.MessageAttributes)+1)
	for name, a := range rec.MessageAttributes {
		v := types.MessageAttributeValue{DataType: &a.DataType}
		if len(a.BinaryValue) > 0 {
			v.BinaryValue = a.BinaryValue
		} else {
			v.StringValue = a.StringValue
		}
		attrs[name] = v
	}
	return attrs
}

func stringAttribute(text string) types.MessageAttributeValue {
	kind := "String"
	return types.MessageAttributeValue{DataType: &kind, StringValue: &text}
}

// messageSize is what SQS counts: the body, and of each attribute the name, the type
// and the value (SendMessage, "message attributes").
func messageSize(body string, attrs map[string]types.MessageAttributeValue) int {
	size := len(body)
	for name, a := range attrs {
		size += len(name) + len(a.BinaryValue)
		if a.DataType != nil {
			size += len(*a.DataType)
		}
		if a.StringValue != nil {
			size += len(*a.StringValue)
		}
	}
	return size
}
