package dispatch

import (
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

// SQS sends straight to a worker's queue, for callers with AWS credentials.
// Make one with NewSQS; it is safe for concurrent use.
type SQS struct {
	api      SQSAPI
	queueURL func(ctx context.Context, workerID string) (string, error)
}

var _ Sender = (*SQS)(nil)

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
	queueURL, err := s.queueURL(ctx, m.WorkerID)
	if err != nil {
		return "", fmt.Errorf("find the queue of worker %q: %w", m.WorkerID, err)
	}
	if queueURL == "" {
		return "", fmt.Errorf("find the queue of worker %q: %w", m.WorkerID, ErrUnknownWorker)
	}
	text := string(body)
	out, err := s.api.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:     &queueURL,
		MessageBody:  &text,
		DelaySeconds: int32((delay + time.Second - 1) / time.Second), //nolint:gosec // 0 to 900, checked above
	})
	if err != nil {
		if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
			return "", fmt.Errorf("send to queue %s of worker %q: %w: %w", queueURL, m.WorkerID, ErrUnknownWorker, err)
		}
		return "", fmt.Errorf("send to queue %s of worker %q: %w", queueURL, m.WorkerID, err)
	}
	if out == nil || out.MessageId == nil {
		return "", nil
	}
	return *out.MessageId, nil
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
