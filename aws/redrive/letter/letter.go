// Package letter is one dead letter: what SQS says of the message, its body read
// as a job, and its line in an export.
package letter

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Letter is a message of a dead-letter queue.
type Letter struct {
	// ID is SQS's message id. A message keeps it when its queue's redrive policy
	// moves it to a dead-letter queue; whatever sends it again gives it another.
	ID   string
	Body string
	// SentAt is when the message was sent to its first queue: moving to a
	// dead-letter queue does not change it. FirstReceived is SQS's approximate
	// time of the first receive. Zero when SQS does not say.
	SentAt        time.Time
	FirstReceived time.Time
	// ReceiveCount includes this look.
	ReceiveCount int
	// Source is the ARN of the queue whose redrive policy moved the message here;
	// empty when something else sent it.
	Source     string
	Attributes map[string]types.MessageAttributeValue
	// System are SQS's own attributes (SentTimestamp, MessageGroupId,
	// AWSTraceHeader, ...), as it wrote them.
	System map[string]string
	// Message is the body as a job, nil when it is not one; ParseErr says why.
	Message  *dispatch.Message
	ParseErr error
}

// The system attributes that matter here, by SQS's names.
const (
	SysSentAt        = string(types.MessageSystemAttributeNameSentTimestamp)
	SysFirstReceived = string(types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)
	SysReceiveCount  = string(types.MessageSystemAttributeNameApproximateReceiveCount)
	SysSource        = string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)
	SysGroup         = string(types.MessageSystemAttributeNameMessageGroupId)
	SysDeduplication = string(types.MessageSystemAttributeNameMessageDeduplicationId)
	SysTraceHeader   = string(types.MessageSystemAttributeNameAWSTraceHeader)
)

// FromSQS reads a received message.
func FromSQS(m *types.Message) Letter {
	l := Letter{ID: text(m.MessageId), Attributes: m.MessageAttributes}
	l.setSystem(m.Attributes)
	l.SetBody(text(m.Body))
	return l
}

// SetBody replaces the body, and what is read from it.
func (l *Letter) SetBody(body string) {
	l.Body = body
	l.Message, l.ParseErr = dispatch.ParseMessage([]byte(body))
	if l.ParseErr != nil {
		l.Message = nil
	}
}

func (l *Letter) setSystem(system map[string]string) {
	l.System = system
	l.SentAt, l.FirstReceived = millis(system[SysSentAt]), millis(system[SysFirstReceived])
	l.Source = system[SysSource]
	l.ReceiveCount, _ = strconv.Atoi(system[SysReceiveCount]) // absent: zero
}

// JobID is the letter's job id, empty when its body is not a job.
func (l *Letter) JobID() string {
	if l.Message == nil {
		return ""
	}
	return l.Message.JobID
}

// WorkerID is the worker that the body names, empty when it names none.
func (l *Letter) WorkerID() string {
	if l.Message == nil {
		return ""
	}
	return l.Message.WorkerID
}

// Group is the message group, empty when it has none.
func (l *Letter) Group() string { return l.System[SysGroup] }

// Size is what SQS counts of a message: its body, and the name, type and value of
// each attribute.
func (l *Letter) Size() int {
	n := len(l.Body) + len(l.System[SysTraceHeader])
	for name, a := range l.Attributes {
		n += len(name) + len(text(a.DataType)) + len(text(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func millis(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
