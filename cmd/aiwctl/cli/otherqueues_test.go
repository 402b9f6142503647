package cli_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// makeQueues makes the queues NAME and NAME-dlq, the second the first one's
// dead-letter queue, and fills it with jobs.
func makeQueues(ctx context.Context, c *sqs.Client, name, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	dlq, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new(name + "-dlq")})
	if err != nil {
		return err
	}
	arn, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: dlq.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return err
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`, arn.Attributes["QueueArn"])
	if _, err := c.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
		return err
	}
	for i := 0; i < n; i += 10 {
		in := &sqs.SendMessageBatchInput{QueueUrl: dlq.QueueUrl}
		for j := i; j < min(i+10, n); j++ {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: new(strconv.Itoa(j)), MessageBody: new(fmt.Sprintf(`{"workerId":%q,"jobId":"job-%d","input":{"n":%d},"context":{},"metadata":{}}`, name, j, j)),
			})
		}
		if _, err := c.SendMessageBatch(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// sendNasty sends what is easily broken on its way through files and terminals.
func sendNasty(ctx context.Context, c *sqs.Client, queue string) error {
	q, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	attributes := map[string]types.MessageAttributeValue{
		"text":   {DataType: new("String"), StringValue: new("a\u009b2Jb \u202e \"quoted\"\n")},
		"custom": {DataType: new("Number.int"), StringValue: new("0012345678901234567890")},
		"binary": {DataType: new("Binary.png"), BinaryValue: []byte{0, 1, 2, 255, 254, '\n', '"'}},
	}
	for _, body := range []string{
		"not JSON", "{\"cut\": ", " ", "\"a string\"", "12345678901234567890123", "[1, 2,  3]",
		"{\n  \"pretty\" : true,\r\n\t\"big\": 12345678901234567890, \"big\": 1e400 }",
		`{"workerId":"nasty","jobId":"job-\u001b]0;owned\u0007","input":{"esc":"\u001b[2J"},"context":{}}`,
		"{\"raw\":\"\u009b31m \u202e\u2028\u2029 \ufffd \U0001F3AC\"}",
		`{"workerId":"nasty","jobId":"twice","input":{"n":1},"context":{}}`, `{"workerId":"nasty","jobId":"twice","input":{"n":2},"context":{}}`,
		`{"pad":"` + strings.Repeat("x", 1<<20-2048) + `"}`,
	} {
		if _, err := c.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: q.QueueUrl, MessageBody: &body, MessageAttributes: attributes,
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
				"AWSTraceHeader": {DataType: new("String"), StringValue: new("Root=1-00000000-000000000000000000000001")},
			},
		}); err != nil {
			return err
		}
	}
	return nil
}

// dump writes what is visible in a queue to a file, a line a message, sorted, with
// all but what SQS gives each message anew. The messages stay.
func dump(ctx context.Context, c *sqs.Client, queue, file string) error {
	q, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	var lines []string
	var held []types.Message
	for {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"AWSTraceHeader"},
		})
		if err != nil {
			return err
		}
		if len(out.Messages) == 0 {
			for _, m := range held {
				if _, err := c.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: q.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
					return err
				}
			}
			slices.Sort(lines)
			return os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600)
		}
		held = append(held, out.Messages...)
		for _, m := range out.Messages {
			line := strconv.Quote(*m.Body) + " " + m.Attributes["AWSTraceHeader"]
			for _, name := range []string{"binary", "custom", "text"} {
				if a, ok := m.MessageAttributes[name]; ok {
					line += fmt.Sprintf(" %s %s", name, *a.DataType)
					if a.StringValue != nil {
						line += strconv.Quote(*a.StringValue)
					}
					line += fmt.Sprintf("%x", a.BinaryValue)
				}
			}
			lines = append(lines, line+"\n")
		}
	}
}
