package queues

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// The methods below are how an event source mapping in this process uses queues:
// no HTTP, no limit of ten messages.

// Receive takes up to limit messages, waiting up to wait for the first. They stay
// hidden for the queue's visibility timeout. A message that has been received
// maxReceiveCount times moves to the dead-letter queue instead. When ctx ends
// nothing stays received and its error is returned; no message within wait is an
// empty answer without an error.
func (b *Broker) Receive(ctx context.Context, queueARN string, limit int, wait time.Duration) ([]events.SQSMessage, error) {
	q := b.byARN(queueARN)
	if q == nil {
		return nil, fmt.Errorf("receive from %q: %w", queueARN, errNoQueue())
	}
	list, err := q.receive(ctx, nil, limit, max(wait, 0), -1)
	if err != nil {
		return nil, fmt.Errorf("receive from %q: %w", queueARN, err)
	}
	messages := make([]events.SQSMessage, len(list))
	for i := range list {
		messages[i] = b.event(q, &list[i])
	}
	return messages, nil
}

// Send puts one message without attributes into a queue, with the queue's delay,
// and returns its id. group is the message group of a FIFO queue, which then needs
// ContentBasedDeduplication; it is empty for standard queues. What SQS refuses is a
// *wire.Error.
func (b *Broker) Send(queueARN, group, body string) (messageID string, err error) {
	q := b.byARN(queueARN)
	if q == nil {
		return "", fmt.Errorf("send to %q: %w", queueARN, errNoQueue())
	}
	list := []outgoing{{body: body, group: group, hasGroup: group != ""}}
	if err = q.send(list); err == nil {
		err = list[0].err
	}
	if err != nil {
		return "", fmt.Errorf("send to %q: %w", queueARN, err)
	}
	return list[0].sent.id, nil
}

// Delete removes messages by receipt handle. Handles of messages that are gone or
// have been received again are ignored.
func (b *Broker) Delete(queueARN string, receiptHandles []string) error {
	q := b.byARN(queueARN)
	if q == nil {
		return fmt.Errorf("delete from %q: %w", queueARN, errNoQueue())
	}
	return q.change(func(now int64) error {
		for _, handle := range receiptHandles {
			_ = q.remove(handle, now) // unknown and expired ones are ignored
		}
		return nil
	})
}

// VisibilityTimeout is the queue's. An unknown queue is a *wire.Error with the
// code QueueDoesNotExist.
func (b *Broker) VisibilityTimeout(queueARN string) (time.Duration, error) {
	q := b.byARN(queueARN)
	if q == nil {
		return 0, fmt.Errorf("read the visibility timeout of %q: %w", queueARN, errNoQueue())
	}
	return q.snapshot().visibility, nil
}

// SetVisibility changes how long received messages stay hidden, counted from now;
// zero shows them at once. Handles of messages that are not in flight are ignored.
func (b *Broker) SetVisibility(queueARN string, receiptHandles []string, timeout time.Duration) error {
	q := b.byARN(queueARN)
	if q == nil {
		return fmt.Errorf("change the visibility of messages in %q: %w", queueARN, errNoQueue())
	}
	return q.change(func(now int64) error {
		for _, handle := range receiptHandles {
			_ = q.setVisibility(handle, timeout, now) // gone or visible: nothing to change
		}
		return nil
	})
}

// Tag adds tags to a queue, as TagQueue does. An unknown queue is a *wire.Error
// with the code QueueDoesNotExist.
func (b *Broker) Tag(queueARN string, tags map[string]string) error {
	q := b.byARN(queueARN)
	if q == nil {
		return fmt.Errorf("tag %q: %w", queueARN, errNoQueue())
	}
	return q.tag(tags)
}

// Tags are the tags of every queue that has some, by ARN.
func (b *Broker) Tags() map[string]map[string]string {
	all := make(map[string]map[string]string)
	for _, q := range b.all() {
		// A queue that was deleted meanwhile is left out.
		_ = q.change(func(int64) error {
			if len(q.tags) > 0 {
				all[q.arn] = maps.Clone(q.tags)
			}
			return nil
		})
	}
	return all
}

// event is a received message as Lambda passes it to a function. Source: Lambda
// developer guide, "Using Lambda with Amazon SQS", example events.
func (b *Broker) event(q *queue, d *delivery) events.SQSMessage {
	c := d.content
	m := events.SQSMessage{
		MessageId:              c.id,
		ReceiptHandle:          string(d.handle[:]),
		Body:                   c.body,
		Md5OfBody:              c.bodyMD5,
		Md5OfMessageAttributes: c.attrsMD5,
		EventSourceARN:         q.arn,
		EventSource:            "aws:sqs",
		AWSRegion:              b.region,
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(d.receives),
			"SentTimestamp":                    strconv.FormatInt(millis(c.sentAt), 10),
			"SenderId":                         b.senderID(),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(millis(d.firstReceived), 10),
		},
		MessageAttributes: make(map[string]events.SQSMessageAttribute, len(c.attributes)),
	}
	for name, value := range map[string]string{
		"SequenceNumber": c.sequence, "MessageGroupId": c.group, "MessageDeduplicationId": c.dedup,
		"AWSTraceHeader": c.trace, "DeadLetterQueueSourceArn": c.source,
	} {
		if value != "" {
			m.Attributes[name] = value
		}
	}
	for _, a := range c.attributes {
		v := events.SQSMessageAttribute{
			DataType: a.dataType, StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
		if a.binary() {
			v.BinaryValue = []byte(a.value)
		} else {
			v.StringValue = &a.value
		}
		m.MessageAttributes[a.name] = v
	}
	return m
}
