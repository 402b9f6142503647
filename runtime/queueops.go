package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

// SQSAPI is what a worker program needs of the SDK's SQS client.
type SQSAPI = sqsclient.API

const (
	// queueOpTimeout bounds one call of SQS about a message, and so does half of the
	// time that is left. With less than queueOpTell of it, a call that was not
	// answered tells nothing of SQS.
	queueOpTimeout = 5 * time.Second
	queueOpTell    = time.Second
	// shutdownQueueTime bounds it when the process is to stop.
	shutdownQueueTime = 500 * time.Millisecond
	// maxDelay is the longest delay of a message.
	maxDelay = dispatch.MaxDelay
	// maxHide is how long a message can be hidden: 12 hours from when it was
	// received, and it may have waited 5 minutes for its batch to fill, and another
	// 15 for its turn in it.
	maxHide = maxVisibilityTimeout - 20*time.Minute
	// maxAttributes is how many attributes a message may have.
	maxAttributes = 10
	// maxDedupID is how long a FIFO message's deduplication id may be.
	maxDedupID = 128
	// queueRest is how long SQS is not asked after it could not be reached: a
	// function in a network without a way to SQS would wait for it with every job.
	queueRest = 30 * time.Second
)

var errQueueRests = errors.New("SQS could not be reached a moment ago")

// queueOps is what the runtime does to the messages that it was given.
type queueOps struct {
	client *sqsclient.Lazy
	getenv func(string) string
	log    *slog.Logger

	warnHide  sync.Once
	restUntil atomic.Int64 // Unix nanoseconds
}

// hide makes SQS deliver the message again after d: rounded up to whole seconds,
// at most maxHide.
func (q *queueOps) hide(ctx context.Context, rec events.SQSMessage, d time.Duration) error {
	url, err := queueURL(rec.EventSourceARN)
	if err != nil {
		return err
	}
	if err := q.call(ctx, func(ctx context.Context, client sqsclient.API) error {
		_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: &rec.ReceiptHandle, VisibilityTimeout: wholeSecondsUp(min(max(d, 0), maxHide)),
		})
		return err
	}); err != nil {
		return fmt.Errorf("change the visibility of message %s in %s: %w", rec.MessageId, url, err)
	}
	return nil
}

// hideOrWarn is hide for a message whose job goes on all the same: where it fails, the
// queue's own visibility timeout applies. The process warns of that once. It
// reports whether the message comes back after d.
func (q *queueOps) hideOrWarn(ctx context.Context, rec events.SQSMessage, d time.Duration) bool {
	err := q.hide(ctx, rec, d)
	if err != nil && !staleReceipt(err) && !errors.Is(err, errQueueRests) {
		q.warnHide.Do(func() {
			q.log.Warn("jobs that are to be delivered again wait for the queue's visibility timeout, since that of a message could not be changed; the function needs sqs:ChangeMessageVisibility on its queue",
				"error", jobError(err))
		})
	}
	return err == nil
}

// send puts a message into the queue that rec came from, after a delay of at most
// 15 minutes. A FIFO queue takes no delay for a single message; there the message
// comes at once, in a group of its own.
func (q *queueOps) send(ctx context.Context, rec events.SQSMessage, body string, attrs map[string]types.MessageAttributeValue, delay time.Duration) error {
	url, err := queueURL(rec.EventSourceARN)
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: attrs}
	if isFIFO(url) {
		id := rand.Text()
		in.MessageGroupId, in.MessageDeduplicationId = &id, &id
	} else {
		in.DelaySeconds = wholeSecondsUp(min(max(delay, 0), maxDelay))
	}
	return q.sendInput(ctx, in)
}

// resend puts the record's message into its queue, a standard one, once more.
func (q *queueOps) resend(ctx context.Context, rec *events.SQSMessage, attrs map[string]types.MessageAttributeValue, delay time.Duration) error {
	url, err := queueURL(rec.EventSourceARN)
	if err != nil {
		return err
	}
	in := copyOf(rec, url, attrs)
	in.DelaySeconds = wholeSecondsUp(delay)
	return q.sendInput(ctx, in)
}

// copyTo puts the record's message into another queue.
func (q *queueOps) copyTo(ctx context.Context, url string, rec *events.SQSMessage, attrs map[string]types.MessageAttributeValue) error {
	in := copyOf(rec, url, attrs)
	if isFIFO(url) {
		// Another message than the one that was sent under its id: a dead letter that
		// was replayed and has failed again within five minutes would else be
		// swallowed as a duplicate of the first.
		id := rec.Attributes["MessageDeduplicationId"] + ":" + rec.MessageId
		if len(id) > maxDedupID {
			id = rec.MessageId
		}
		in.MessageDeduplicationId = &id
		if in.MessageGroupId == nil {
			in.MessageGroupId = &rec.MessageId
		}
	}
	return q.sendInput(ctx, in)
}

// copyOf is the record's message with other attributes. Trace and message group,
// which a standard queue may use for fairness, stay its own.
func copyOf(rec *events.SQSMessage, url string, attrs map[string]types.MessageAttributeValue) *sqs.SendMessageInput {
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &rec.Body, MessageAttributes: attrs}
	if group := rec.Attributes["MessageGroupId"]; group != "" {
		in.MessageGroupId = &group
	}
	if trace := rec.Attributes["AWSTraceHeader"]; trace != "" {
		kind := "String"
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: &kind, StringValue: &trace},
		}
	}
	return in
}

func (q *queueOps) sendInput(ctx context.Context, in *sqs.SendMessageInput) error {
	if err := q.call(ctx, func(ctx context.Context, client sqsclient.API) error {
		_, err := client.SendMessage(ctx, in)
		return err
	}); err != nil {
		return fmt.Errorf("send a message to %s: %w", *in.QueueUrl, err)
	}
	return nil
}

// call makes one call of SQS. The end of a handler's time, or of the process, must
// not keep the runtime from saying what became of a message: of ctx only the deadline
// counts.
func (q *queueOps) call(ctx context.Context, f func(context.Context, sqsclient.API) error) error {
	if time.Now().UnixNano() < q.restUntil.Load() {
		return errQueueRests
	}
	limit := queueOpTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	stopping := ctx.Err() != nil
	if stopping {
		limit = min(limit, shutdownQueueTime)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err := q.ask(ctx, f)
	if err != nil && (stopping || limit >= queueOpTell) && unreachable(err) {
		q.restUntil.Store(time.Now().Add(queueRest).UnixNano())
	}
	return err
}

// ask calls SQS. A client that panics has not done what it was asked.
func (q *queueOps) ask(ctx context.Context, f func(context.Context, sqsclient.API) error) (err error) {
	defer recoverInto(&err)
	client, err := q.client.Get(ctx)
	if err != nil {
		return err
	}
	return f(ctx, client)
}

// unreachable says that SQS has not answered at all.
func unreachable(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// refused says that SQS has answered, with a no.
func refused(err error) bool {
	_, ok := errors.AsType[smithy.APIError](err)
	return ok
}

// staleReceipt says that the message is no longer this delivery's to hide: its
// visibility timeout has passed, or it is gone.
func staleReceipt(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch code := api.ErrorCode(); code {
	case "ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue":
		return true
	}
	return false
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

func isFIFO(arnOrURL string) bool { return strings.HasSuffix(arnOrURL, ".fifo") }

// sentTime is when the message was sent, as SQS says.
func sentTime(rec *events.SQSMessage) (time.Time, bool) {
	ms, err := strconv.ParseInt(rec.Attributes["SentTimestamp"], 10, 64)
	return time.UnixMilli(ms), err == nil && ms > 0
}

func wholeSecondsUp(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // at most 12 hours
}
