package functions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxBatchBytes is the payload that an event source mapping sends at most
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
const maxBatchBytes = 6 << 20

const (
	eventHead = `{"Records":[`
	eventTail = `]}`
)

// batch is the event of one invocation in the making.
type batch struct {
	messages []events.SQSMessage
	payload  []byte
}

// add puts a message into the batch, unless the event would get too large. The
// first message always fits: better a refused invocation than a message that is
// never delivered.
func (b *batch) add(msg events.SQSMessage) (bool, error) {
	var record bytes.Buffer
	enc := json.NewEncoder(&record)
	enc.SetEscapeHTML(false) // <, > and & in bodies stay as they are, as in Lambda
	if err := enc.Encode(msg); err != nil {
		return false, fmt.Errorf("write message %s as an event: %w", msg.MessageId, err)
	}
	text := bytes.TrimSuffix(record.Bytes(), []byte{'\n'})
	if len(b.messages) == 0 {
		b.payload = append(b.payload[:0], eventHead...)
	} else {
		if len(b.payload)+1+len(text)+len(eventTail) > maxBatchBytes {
			return false, nil
		}
		b.payload = append(b.payload, ',')
	}
	b.payload = append(b.payload, text...)
	b.messages = append(b.messages, msg)
	return true, nil
}

// event is the finished payload.
func (b *batch) event() []byte { return append(b.payload, eventTail...) }

// receipts are the receipt handles of the messages, without those of the given ids.
func (b *batch) receipts(failed map[string]bool) []string {
	var handles []string
	for _, msg := range b.messages {
		if !failed[msg.MessageId] {
			handles = append(handles, msg.ReceiptHandle)
		}
	}
	return handles
}

// failures reads the answer of a function that reports batch item failures: the
// ids of the messages to keep. An error means that the answer makes no sense, and
// then every message of the batch has failed
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting).
func (b *batch) failures(answer []byte) (map[string]bool, error) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || bytes.Equal(answer, []byte("null")) || bytes.Equal(answer, []byte(`""`)) {
		return nil, nil // success
	}
	// Maps, because the names of fields count exactly, capitals included.
	var response map[string]json.RawMessage
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, fmt.Errorf("the answer is not an object: %w", err)
	}
	list, ok := response["batchItemFailures"]
	if !ok {
		return nil, nil
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("batchItemFailures is not a list of objects: %w", err)
	}
	known := make(map[string]bool, len(b.messages))
	for _, msg := range b.messages {
		known[msg.MessageId] = true
	}
	failed := make(map[string]bool, len(items))
	for i, item := range items {
		raw, ok := item["itemIdentifier"]
		if !ok {
			return nil, fmt.Errorf("batchItemFailures[%d] has no itemIdentifier", i)
		}
		var id string
		if err := json.Unmarshal(raw, &id); err != nil {
			return nil, fmt.Errorf("batchItemFailures[%d].itemIdentifier is not a string: %w", i, err)
		}
		if !known[id] {
			return nil, fmt.Errorf("batchItemFailures[%d].itemIdentifier is not the id of a message of the batch", i)
		}
		failed[id] = true
	}
	return failed, nil
}

// complete fills in what the queue may have left out of a message.
func (m *Manager) complete(msg events.SQSMessage, arn string) events.SQSMessage {
	msg.EventSource = cmp.Or(msg.EventSource, "aws:sqs")
	msg.EventSourceARN = cmp.Or(msg.EventSourceARN, arn)
	msg.AWSRegion = cmp.Or(msg.AWSRegion, m.cfg.Region)
	if msg.Attributes == nil {
		msg.Attributes = map[string]string{}
	}
	if msg.MessageAttributes == nil {
		msg.MessageAttributes = map[string]events.SQSMessageAttribute{}
	}
	return msg
}

func isFIFO(arn string) bool { return strings.HasSuffix(arn, ".fifo") }

func queueName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// checkQueue refuses a mapping whose queue does not exist, or would give messages
// to others while the function still works on them.
func (m *Manager) checkQueue(spec Mapping, f Function) error {
	visibility, err := m.cfg.Queues.VisibilityTimeout(spec.QueueARN)
	if err != nil {
		return wire.NewError("InvalidParameterValueException",
			"Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	}
	if f.Timeout > visibility {
		return wire.Errorf("InvalidParameterValueException",
			"Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(visibility.Seconds()), f.timeoutSeconds())
	}
	return nil
}
