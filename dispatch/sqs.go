package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQSAPI is what an SQS sender needs of the SDK's client.
type SQSAPI interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, optFns ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// SQSBatchAPI is what it needs to send batches in one call, as the SDK's client
// does. With an SQSAPI alone it sends them message by message.
type SQSBatchAPI interface {
	SQSAPI
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, optFns ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// SQS sends straight to a worker's queue, for callers with AWS credentials.
// Make one with NewSQS; it is safe for concurrent use.
//
// A call is bounded by DefaultTryTimeout, the SDK's own tries included. When the
// SDK tries again because an answer was lost, a job can be sent twice, under the
// same id; a FIFO queue drops the second.
type SQS struct {
	api      SQSAPI
	queueURL func(ctx context.Context, workerID string) (string, error)
}

var _ BatchSender = (*SQS)(nil)

// NewSQS returns a sender; queueURL resolves a worker's id. An empty URL without
// an error means that there is no such worker.
func NewSQS(api SQSAPI, queueURL func(ctx context.Context, workerID string) (string, error)) *SQS {
	return &SQS{api: api, queueURL: queueURL}
}

// Send implements Sender. delay is rounded up to whole seconds, at most 900.
// The errors are ErrTooLarge, ErrDelay, ErrUnknownWorker and the SDK's, wrapped.
func (s *SQS) Send(ctx context.Context, m *Message, delay time.Duration) (string, error) {
	if m == nil {
		m = &Message{}
	}
	body, err := m.body()
	if err != nil {
		return "", fmt.Errorf("send to queue: %w", err)
	}
	if err := checkDelay(delay); err != nil {
		return "", fmt.Errorf("send to the queue of worker %q: %w", m.WorkerID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultTryTimeout)
	defer cancel()
	queueURL, err := s.find(ctx, m.WorkerID)
	if err != nil {
		return "", err
	}
	if err := checkFIFODelay(queueURL, delay); err != nil {
		return "", sendError(queueURL, m.WorkerID, err)
	}
	return s.sendOne(ctx, queueURL, m, body, delay)
}

// sendOne sends a message that was checked.
func (s *SQS) sendOne(ctx context.Context, queueURL string, m *Message, body []byte, delay time.Duration) (string, error) {
	text := string(body)
	group, dedup := QueueIDs(queueURL, m)
	out, err := s.api.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:               &queueURL,
		MessageBody:            &text,
		DelaySeconds:           delaySeconds(delay),
		MessageGroupId:         group,
		MessageDeduplicationId: dedup,
	})
	if err != nil {
		return "", sendError(queueURL, m.WorkerID, err)
	}
	if out == nil || out.MessageId == nil {
		return "", nil
	}
	return *out.MessageId, nil
}

// find is the URL of a worker's queue.
func (s *SQS) find(ctx context.Context, workerID string) (string, error) {
	queueURL, err := s.queueURL(ctx, workerID)
	if err != nil {
		return "", fmt.Errorf("find the queue of worker %q: %w", workerID, err)
	}
	if queueURL == "" {
		return "", fmt.Errorf("find the queue of worker %q: %w", workerID, ErrUnknownWorker)
	}
	return queueURL, nil
}

func sendError(queueURL, workerID string, err error) error {
	if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
		err = fmt.Errorf("%w: %w", ErrUnknownWorker, err)
	}
	return fmt.Errorf("send to queue %s of worker %q: %w", queueURL, workerID, err)
}

// isFIFO is whether a queue is one: SQS insists on the suffix.
func isFIFO(queueURL string) bool { return strings.HasSuffix(queueURL, ".fifo") }

// checkFIFODelay refuses what a FIFO queue does not have.
func checkFIFODelay(queueURL string, delay time.Duration) error {
	if delay > 0 && isFIFO(queueURL) {
		return fmt.Errorf("%w: a FIFO queue takes no delay for a single message", ErrDelay)
	}
	return nil
}

// QueueIDs are the MessageGroupId and MessageDeduplicationId of a message, nil for
// none, for whoever sends to a queue without SQS. Each
// job of a FIFO queue is a group of its own unless it was given one, so that jobs
// run side by side as they do on a standard queue; and its id keeps a repeated
// send from becoming a second job.
func QueueIDs(queueURL string, m *Message) (group, dedup *string) {
	if !isFIFO(queueURL) {
		if m.GroupID != "" {
			group = new(queueID(m.GroupID))
		}
		return group, nil
	}
	return new(queueID(cmp.Or(m.GroupID, m.JobID))), new(queueID(cmp.Or(m.DeduplicationID, m.JobID)))
}

// delaySeconds is a checked delay in SQS's unit.
func delaySeconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // 0 to 900
}

// QueueURLEnv is the variable that names a worker's queue: WORKER_QUEUE_URL_<ID>,
// the id in capitals and with "_" for "-".
func QueueURLEnv(workerID string) string {
	return "WORKER_QUEUE_URL_" + strings.ToUpper(strings.ReplaceAll(workerID, "-", "_"))
}

// DLQURLEnv is the variable that names a worker's dead-letter queue:
// WORKER_DLQ_URL_<ID>, the id as in QueueURLEnv.
func DLQURLEnv(workerID string) string {
	return "WORKER_DLQ_URL_" + strings.TrimPrefix(QueueURLEnv(workerID), "WORKER_QUEUE_URL_")
}
