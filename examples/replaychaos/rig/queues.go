package rig

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Region is where the queues claim to be.
const Region = "us-east-1"

// batchMost is SQS's limit of messages in a call.
const batchMost = 10

// Client is a plain SDK client with the transport that aiwctl has, so that the two
// can be compared.
func Client(url string) *sqs.Client {
	next := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 128 })
	return sqs.New(sqs.Options{
		BaseEndpoint: &url, Region: Region, HTTPClient: dispatch.StableHTTPClient(next),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// Queues are the queue of the worker "orders" and its dead-letter queue.
type Queues struct {
	// Target and DLQ are queue URLs; Name is the target's name.
	Target, DLQ, Name string
	FIFO              bool

	client *sqs.Client
}

// Open makes the two queues at an endpoint, or finds them.
func Open(ctx context.Context, url string, fifo bool) (*Queues, error) {
	q := &Queues{Name: "orders", FIFO: fifo, client: Client(url)}
	suffix, attributes := "", map[string]string{}
	if fifo {
		suffix, attributes = ".fifo", map[string]string{"FifoQueue": "true"}
	}
	dlq := q.Name + "-dlq" + suffix
	q.Name += suffix
	for _, one := range []struct {
		name string
		url  *string
	}{{dlq, &q.DLQ}, {q.Name, &q.Target}} {
		if one.name == q.Name {
			attributes["RedrivePolicy"] = `{"deadLetterTargetArn":"arn:aws:sqs:` + Region + `:000000000000:` + dlq + `","maxReceiveCount":"5"}`
		}
		out, err := q.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &one.name, Attributes: attributes})
		if err != nil {
			return nil, err
		}
		*one.url = *out.QueueUrl
	}
	return q, nil
}

// Fill puts n dead letters into the dead-letter queue, each with a body of its own
// of about so many bytes. In a FIFO queue they take turns in the message groups.
func (q *Queues) Fill(ctx context.Context, n, bytes, groups int) error {
	width := 16
	if q.FIFO { // the order counts
		width = 1
	}
	batches := make(chan int)
	go func() {
		defer close(batches)
		for i := 0; i < n; i += batchMost {
			batches <- i
		}
	}()
	return parallel(width, func() (err error) {
		for i := range batches { // to its end, or the one who gives would wait for ever
			if err == nil {
				err = q.sendBatch(ctx, i, min(i+batchMost, n), bytes, groups)
			}
		}
		return err
	})
}

func (q *Queues) sendBatch(ctx context.Context, from, to, bytes, groups int) error {
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.DLQ}
	for i := from; i < to; i++ {
		e := types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: new(Body(i, bytes))}
		if q.FIFO {
			e.MessageGroupId = new(strconv.Itoa(i % groups))
			e.MessageDeduplicationId = e.Id
		}
		in.Entries = append(in.Entries, e)
	}
	out, err := q.client.SendMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%d messages were refused: %s", len(out.Failed), *out.Failed[0].Message)
	}
	return err
}

// parallel runs one function several times and returns the first error.
func parallel(n int, run func() error) error {
	errs := make(chan error, n)
	for range n {
		go func() { errs <- run() }()
	}
	var first error
	for range n {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// Body is the job with that number, with a text in it that makes it as long as
// wanted; it is never shorter than the job alone.
func Body(i, bytes int) string {
	const job = `{"workerId":"orders","jobId":"job-%07d","input":{"n":%d,"text":"%s"},"context":{},"metadata":{}}`
	text := make([]byte, max(bytes-len(fmt.Sprintf(job, i, i, "")), 0))
	for k := range text {
		text[k] = 'x'
	}
	return fmt.Sprintf(job, i, i, text)
}

// Message is what was in a queue.
type Message struct {
	Body, Group string
	// Sent is when the queue took it, to the millisecond, by the queue's clock.
	Sent time.Time
}

// Drain receives and deletes everything that is visible; of a FIFO queue in the
// order that it gives.
func (q *Queues) Drain(ctx context.Context, url string) ([]Message, error) {
	width := 16
	if q.FIFO {
		width = 1
	}
	var mu sync.Mutex
	var all []Message
	err := parallel(width, func() error {
		for {
			some, err := q.takeBatch(ctx, url)
			if err != nil || len(some) == 0 {
				return err
			}
			mu.Lock()
			all = append(all, some...)
			mu.Unlock()
		}
	})
	return all, err
}

func (q *Queues) takeBatch(ctx context.Context, url string) ([]Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: batchMost,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameMessageGroupId,
		},
	})
	if err != nil || len(out.Messages) == 0 {
		return nil, err
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	some := make([]Message, len(out.Messages))
	for i, m := range out.Messages {
		ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a message without a time: %w", err)
		}
		some[i] = Message{Body: *m.Body, Group: m.Attributes["MessageGroupId"], Sent: time.UnixMilli(ms)}
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	_, err = q.client.DeleteMessageBatch(ctx, in)
	return some, err
}

// Visible is how many messages of a queue any reader could receive now.
func (q *Queues) Visible(ctx context.Context, url string) (int, error) {
	const name = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out.Attributes[string(name)])
}
