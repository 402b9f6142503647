package queues

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// outgoing is a message to be sent, as the request says it.
type outgoing struct {
	entryID    string // of a batch
	body       string
	delay      int // seconds
	hasDelay   bool
	attributes []attribute
	system     []attribute
	dedup      string
	group      string
	hasDedup   bool
	hasGroup   bool

	err  error    // why it was refused
	sent *content // what was sent, or the duplicate that it is
}

// check refuses what does not depend on the queue's state. s are its settings.
func (o *outgoing) check(s *settings) error {
	if o.body == "" {
		return missing("MessageBody")
	}
	if size(o.body, o.attributes) > s.maxSize {
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", s.maxSize)
	}
	if !validText(o.body) {
		return errContents()
	}
	if err := checkAttributes(o.attributes); err != nil {
		return err
	}
	for _, a := range o.system {
		if a.name != "AWSTraceHeader" {
			return invalid("Message system attribute name '%s' is invalid.", a.name)
		}
		if a.dataType != "String" || a.value == "" {
			return invalid("Message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
		}
	}
	if o.hasDelay && (o.delay < 0 || o.delay > 900) {
		return invalidValue(o.delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	return o.checkIDs(s)
}

func (o *outgoing) checkIDs(s *settings) error {
	if o.hasGroup { // standard queues take one, too, for fair queues
		if err := checkFIFOID(o.group, "MessageGroupId"); err != nil {
			return err
		}
	}
	if !s.fifo {
		if o.hasDedup {
			return invalidValue(o.dedup, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type.")
		}
		return nil
	}
	if !o.hasGroup {
		return missing("MessageGroupId")
	}
	if o.hasDedup {
		if err := checkFIFOID(o.dedup, "MessageDeduplicationId"); err != nil {
			return err
		}
	} else if !s.contentID {
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	if o.hasDelay && o.delay != 0 {
		return invalidValue(o.delay, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	}
	return nil
}

// content makes the message that o asks for.
func (o *outgoing) content(s *settings, now int64) *content {
	c := &content{
		id: wire.NewID(), body: o.body, bodyMD5: sumMD5(o.body),
		attributes: o.attributes, attrsMD5: attributesMD5(o.attributes),
		group: o.group, dedup: o.dedup, sentAt: now,
	}
	for _, a := range o.system {
		c.trace = a.value
	}
	if s.fifo && !o.hasDedup {
		sum := sha256.Sum256([]byte(o.body))
		c.dedup = hex.EncodeToString(sum[:])
	}
	return c
}

// send puts the messages in that have no err, under one lock. Those that were
// refused before keep their err; sent is set for the others.
func (q *queue) send(list []outgoing) error {
	now := q.broker.now()
	s := q.snapshot()
	for i := range list {
		o := &list[i]
		if o.err != nil {
			continue
		}
		if o.err = o.check(&s); o.err == nil {
			o.sent = o.content(&s, now)
		}
	}
	return q.change(func(now int64) error {
		for i := range list {
			if o := &list[i]; o.err == nil {
				q.put(o, now)
			}
		}
		return nil
	})
}

// put enqueues one message, unless it is a duplicate.
func (q *queue) put(o *outgoing, now int64) {
	c := o.sent
	c.sentAt = now
	if q.fifo != nil {
		key := c.dedup
		if q.settings.groupScope {
			key = c.group + " " + c.dedup // neither may contain a space
		}
		if before := q.fifo.duplicate(key, now); before != nil {
			// A duplicate is answered like the message that was sent first.
			c.id, c.sequence = before.id, before.sequence
			return
		}
		c.sequence = q.broker.nextSequence()
		q.fifo.remember(key, c, now)
	}
	delay := q.settings.delay
	if o.hasDelay && q.fifo == nil {
		delay = time.Duration(o.delay) * time.Second
	}
	q.sentN++
	q.enqueue(&message{content: c, keptFor: now}, now, delay)
}

// checkBatch refuses a batch as a whole. n entries have been read.
func checkBatch(n int, action string, id func(i int) string) error {
	if n == 0 {
		return wire.Errorf("EmptyBatchRequest", "There should be at least one %sRequestEntry in the request.", action).
			WithQueryCode("AWS.SimpleQueueService.EmptyBatchRequest")
	}
	if n > 10 {
		return wire.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", n).
			WithQueryCode("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
	}
	for i := range n {
		if err := checkEntryID(id(i)); err != nil {
			return err
		}
		for k := range i {
			if id(k) == id(i) {
				return wire.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", id(i)).
					WithQueryCode("AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
			}
		}
	}
	return nil
}

// checkSendBatch refuses a batch of messages as a whole.
func (q *queue) checkSendBatch(list []outgoing) error {
	if err := checkBatch(len(list), "SendMessageBatch", func(i int) string { return list[i].entryID }); err != nil {
		return err
	}
	sum := 0
	for i := range list {
		sum += size(list[i].body, list[i].attributes)
	}
	if sum > MaxMessageSize {
		return wire.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", MaxMessageSize, sum).
			WithQueryCode("AWS.SimpleQueueService.BatchRequestTooLong")
	}
	if q.fifo == nil {
		return nil
	}
	// What a FIFO queue misses fails the batch, and not the entry alone.
	s := q.snapshot()
	for i := range list {
		if o := &list[i]; !o.hasGroup {
			return invalid("The request must contain the parameter MessageGroupId.")
		} else if !o.hasDedup && !s.contentID {
			return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
	}
	return nil
}

// wantsAttribute says whether a receive that names these message attributes wants
// one: names, prefixes ("order.*", also written "order*"), All or ".*".
func wantsAttribute(names []string, attribute string) bool {
	for _, name := range names {
		if name == "All" || name == attribute {
			return true
		}
		if prefix, ok := strings.CutSuffix(name, "*"); ok {
			if strings.HasPrefix(attribute, strings.TrimSuffix(prefix, ".")) {
				return true
			}
		}
	}
	return false
}
