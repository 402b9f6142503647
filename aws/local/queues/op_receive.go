package queues

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// senderID is who sent every message: the principal id that AWS would show.
func (b *Broker) senderID() string { return b.account }

func (b *Broker) receiveMessage(ctx context.Context, call *wire.Call, dst []byte) ([]byte, error) {
	return b.with(ctx, call, dst, (*request).readReceive, func(ctx context.Context, r *request, dst []byte) ([]byte, error) {
		if err := r.checkReceive(); err != nil {
			return dst, err
		}
		var err error
		r.delivered, err = r.queue.receive(ctx, r.delivered, r.number, inSecondsOr(r.wait), inSecondsOr(r.visibility))
		if err != nil {
			return dst, err
		}
		if len(r.delivered) == 0 {
			// AWS leaves the list out, and programs look for the key:
			// https://github.com/boto/boto3/issues/2518.
			return append(dst, `{}`...), nil
		}
		dst = append(dst, `{"Messages":[`...)
		for i := range r.delivered {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = b.appendDelivery(dst, &r.delivered[i], r.system, r.attributes)
		}
		return append(dst, `]}`...), nil
	})
}

// inSecondsOr is n seconds; a negative n stays negative: the queue's own value.
func inSecondsOr(n int) time.Duration {
	if n < 0 {
		return -1
	}
	return time.Duration(n) * time.Second
}

func (r *request) readReceive(key []byte) {
	number := func(to *int) {
		if n, ok := r.reader.Int(); ok {
			*to = n
			if n < 0 {
				r.invalid = invalidValue(n, string(key), "Must not be negative.")
			}
		}
	}
	switch string(key) {
	case "MaxNumberOfMessages":
		number(&r.number)
	case "VisibilityTimeout":
		number(&r.visibility)
	case "WaitTimeSeconds":
		number(&r.wait)
	case "AttributeNames", "MessageSystemAttributeNames":
		r.eachEntry(func() { r.system = append(r.system, systemName(r.reader.Bytes())) })
	case "MessageAttributeNames":
		r.eachEntry(func() { r.attributes = append(r.attributes, r.reader.String()) })
	default: // ReceiveRequestAttemptId: a retry is answered like a new request
		r.reader.Skip()
	}
}

// systemAttributes are the system attributes of received messages.
var systemAttributes = [...]string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

// systemName is the name as a string, without a copy when it is a known one.
func systemName(name []byte) string {
	for _, known := range systemAttributes {
		if string(name) == known {
			return known
		}
	}
	return string(name)
}

func (r *request) checkReceive() error {
	if r.number == -1 {
		r.number = 1
	}
	switch {
	case r.number < 1 || r.number > 10:
		return invalidValue(r.number, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	case r.wait > 20:
		return invalidValue(r.wait, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	case r.visibility != -1:
		if err := checkVisibility(r.visibility); err != nil {
			return err
		}
	}
	for _, name := range r.system {
		// Names of queue attributes are taken, too, and match nothing.
		if !slices.Contains(systemAttributes[:], name) && !isSettable(name) && !slices.Contains(computed[:], name) {
			return badName(name)
		}
	}
	return nil
}

func (b *Broker) appendDelivery(dst []byte, d *delivery, system, attributes []string) []byte {
	c := d.content
	dst = append(dst, `{"MessageId":"`...)
	dst = append(dst, c.id...)
	dst = append(dst, `","ReceiptHandle":"`...)
	dst = append(dst, d.handle[:]...)
	dst = append(dst, `","MD5OfBody":"`...)
	dst = append(dst, c.bodyMD5...)
	dst = append(dst, `","Body":`...)
	dst = wire.AppendString(dst, c.body)
	if len(system) > 0 {
		dst = b.appendSystem(dst, d, system)
	}
	if len(attributes) > 0 && len(c.attributes) > 0 {
		dst = appendAttributes(dst, c, attributes)
	}
	return append(dst, '}')
}

// appendSystem writes the wanted system attributes.
func (b *Broker) appendSystem(dst []byte, d *delivery, names []string) []byte {
	c, n := d.content, 0
	all := slices.Contains(names, "All")
	start := func(name string) bool {
		if !all && !slices.Contains(names, name) {
			return false
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, `":`...)
		return true
	}
	text := func(name, value string) {
		if value != "" && start(name) {
			dst = wire.AppendString(dst, value)
		}
	}
	number := func(name string, value int64) {
		if start(name) {
			dst = append(dst, '"')
			dst = strconv.AppendInt(dst, value, 10)
			dst = append(dst, '"')
		}
	}
	mark := len(dst)
	dst = append(dst, `,"Attributes":{`...)
	text("SenderId", b.senderID())
	number("SentTimestamp", millis(c.sentAt))
	number("ApproximateReceiveCount", int64(d.receives))
	number("ApproximateFirstReceiveTimestamp", millis(d.firstReceived))
	text("SequenceNumber", c.sequence)
	text("MessageDeduplicationId", c.dedup)
	text("MessageGroupId", c.group)
	text("AWSTraceHeader", c.trace)
	text("DeadLetterQueueSourceArn", c.source)
	if n == 0 {
		return dst[:mark]
	}
	return append(dst, '}')
}

// appendAttributes writes the wanted message attributes and their MD5.
func appendAttributes(dst []byte, c *content, names []string) []byte {
	wanted := make([]attribute, 0, maxAttributes)
	for _, a := range c.attributes {
		if wantsAttribute(names, a.name) {
			wanted = append(wanted, a)
		}
	}
	if len(wanted) == 0 {
		return dst
	}
	sum := c.attrsMD5
	if len(wanted) < len(c.attributes) {
		sum = attributesMD5(wanted)
	}
	dst = append(dst, `,"MD5OfMessageAttributes":"`...)
	dst = append(dst, sum...)
	dst = append(dst, `","MessageAttributes":{`...)
	for i, a := range wanted {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.AppendString(dst, a.name)
		if a.binary() {
			dst = append(dst, `:{"BinaryValue":"`...)
			dst = base64.StdEncoding.AppendEncode(dst, []byte(a.value))
			dst = append(dst, '"')
		} else {
			dst = append(dst, `:{"StringValue":`...)
			dst = wire.AppendString(dst, a.value)
		}
		dst = append(dst, `,"DataType":`...)
		dst = wire.AppendString(dst, a.dataType)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}
