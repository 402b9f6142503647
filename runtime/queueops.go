package runtime

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

// SQSAPI is what a worker program needs of the SDK's SQS client.
type SQSAPI = sqsclient.API

const (
	// queueOpTimeout bounds one call of SQS about a message.
	queueOpTimeout = 5 * time.Second
	// maxDelay is the longest delay of a message, and maxVisibility how long SQS
	// hides one at most.
	maxDelay      = dispatch.MaxDelay
	maxVisibility = maxVisibilityTimeout
)

// queueOps is what the runtime does to the messages that it was given.
type queueOps struct {
	client *sqsclient.Lazy
	getenv func(string) string
}

// hide makes SQS deliver the message again after d: rounded up to whole seconds,
// at most 12 hours after it was received.
func (q *queueOps) hide(ctx context.Context, rec events.SQSMessage, d time.Duration) error {
	url, err := queueURL(rec.EventSourceARN)
	if err != nil {
		return err
	}
	client, err := q.client.Get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueOpTimeout)
	defer cancel()
	if _, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: &rec.ReceiptHandle,
		VisibilityTimeout: wholeSecondsUp(min(max(d, 0), maxVisibility)),
	}); err != nil {
		return fmt.Errorf("change the visibility of message %s in %s: %w", rec.MessageId, url, err)
	}
	return nil
}

// send puts a message into the queue that rec came from, after a delay of at most
// 15 minutes. A FIFO queue takes no delay for a single message.
func (q *queueOps) send(ctx context.Context, rec events.SQSMessage, body string, attrs map[string]types.MessageAttributeValue, delay time.Duration) error {
	url, err := queueURL(rec.EventSourceARN)
	if err != nil {
		return err
	}
	client, err := q.client.Get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueOpTimeout)
	defer cancel()
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body, MessageAttributes: attrs,
		DelaySeconds: wholeSecondsUp(min(max(delay, 0), maxDelay)),
	}); err != nil {
		return fmt.Errorf("send a message to %s: %w", url, err)
	}
	return nil
}

// queueURL is the queue of an ARN. The host of the URL does not matter: SDK and SQS
// go by its path, and requests go where the client is configured to send them.
func queueURL(arn string) (string, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sqs" {
		return "", fmt.Errorf("the record names no SQS queue (eventSourceARN %q)", arn)
	}
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", parts[3], parts[4], parts[5]), nil
}

func wholeSecondsUp(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // at most 12 hours
}
