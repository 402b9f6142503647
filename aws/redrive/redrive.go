// Package redrive looks into dead-letter queues and replays what is in them.
//
// SQS cannot peek: to look at a message is to receive it, which hides it for a
// while and raises its receive count. This package makes every message it
// received and did not move visible again, also when it is interrupted.
package redrive

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// leaseTime is how long a received message stays hidden unless the lease is
	// extended; what a killed process held comes back after this time.
	leaseTime = 60 * time.Second
	// workersMost is how many receive (and send) at once.
	workersMost = 8
	// callTimeout bounds a call that must not be given up when ctx ends,
	// cleanupTimeout everything that is done after ctx has ended.
	callTimeout    = 30 * time.Second
	cleanupTimeout = 20 * time.Second
)

// DeadLetter is one message of a dead-letter queue.
type DeadLetter struct {
	ID   string
	Body string
	// SentAt is when the message was sent to its first queue: moving to a
	// dead-letter queue does not change it. FirstReceived is SQS's approximate
	// time of the first receive. Zero when SQS does not say.
	SentAt        time.Time
	FirstReceived time.Time
	// ReceiveCount includes this look.
	ReceiveCount int
	Attributes   map[string]types.MessageAttributeValue
	// System are SQS's own attributes (SentTimestamp, DeadLetterQueueSourceArn, ...).
	System map[string]string
	// Message is the body as a job, nil when it is not one; ParseErr says why.
	Message  *dispatch.Message
	ParseErr error
}

// JobID is the letter's job id, empty when its body is not a job.
func (l *DeadLetter) JobID() string {
	if l.Message == nil {
		return ""
	}
	return l.Message.JobID
}

// Engine looks and replays. It is safe for concurrent use, but two looks at one
// queue at a time hide messages from each other.
type Engine struct {
	queue queue
	guard guard
}

// queue is the part of SQS that looking needs.
type queue interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// guard lends write access.
type guard interface {
	Do(context.Context, aws.Action, func(context.Context, aws.Writer) error) error
}

// New returns an Engine for a stage.
func New(s *aws.Stage) *Engine { return newEngine(s.SQS(), s.Guard()) }

func newEngine(q queue, g guard) *Engine { return &Engine{queue: q, guard: g} }

// letter reads a received message.
func letter(m *types.Message) DeadLetter {
	l := DeadLetter{
		ID: str(m.MessageId), Body: str(m.Body), Attributes: m.MessageAttributes, System: m.Attributes,
		SentAt:        millis(m.Attributes["SentTimestamp"]),
		FirstReceived: millis(m.Attributes["ApproximateFirstReceiveTimestamp"]),
	}
	l.ReceiveCount, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // absent: zero
	l.Message, l.ParseErr = dispatch.ParseMessage([]byte(l.Body))
	if l.ParseErr != nil {
		l.Message = nil
	}
	return l
}

func str(s *string) string {
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

// dlqState is what a queue says of itself before a look.
type dlqState struct {
	depth    aws.Depth
	fifo     bool
	warnings []string
}

// state reads the depth of a worker's DLQ and what to warn of.
func (e *Engine) state(ctx context.Context, dlq *aws.Queue) (dlqState, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := e.queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &dlq.URL,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			types.QueueAttributeNameRedrivePolicy,
		},
	})
	if err != nil {
		return dlqState{}, fmt.Errorf("read the depth of %q: %w", dlq.Name, err)
	}
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(name)]) // absent: zero
		return n
	}
	s := dlqState{
		fifo: isFIFO(dlq.URL),
		depth: aws.Depth{
			Visible:  number(types.QueueAttributeNameApproximateNumberOfMessages),
			InFlight: number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
			Delayed:  number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
			At:       time.Now(),
		},
	}
	if p := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]; p != "" {
		s.warnings = append(s.warnings, redriveWarning(dlq.Name, p))
	}
	if n := s.depth.InFlight; n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf(
			"%s of %q in flight: something else has received them, so they cannot be seen until their visibility timeout ends", plural(n, "message is", "messages are"), dlq.Name))
	}
	if n := s.depth.Delayed; n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("%s of %q delayed and cannot be seen yet", plural(n, "message is", "messages are"), dlq.Name))
	}
	return s, nil
}

func isFIFO(url string) bool { return strings.HasSuffix(url, ".fifo") }

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// deadLetterQueue is the worker's DLQ, or an error that says what to do.
func deadLetterQueue(w *aws.Worker) (*aws.Queue, error) {
	if w.DLQ == nil {
		return nil, fmt.Errorf("worker %q has no dead-letter queue: its queue has no redrive policy, or the queue the policy names could not be read", w.ID)
	}
	return w.DLQ, nil
}
