package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// batchBytes is SQS's limit of a batch: bodies and attributes together.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const batchBytes = 1 << 20

// item is a message to send.
type item struct {
	*letter.Letter
	to string // queue URL
	// dedup is the deduplication id for a FIFO queue; empty means the message id.
	dedup string
}

// sender sends messages.
type sender struct {
	w aws.Writer
	// repeat sends again what was not answered. To a FIFO queue it always is.
	repeat bool

	mu sync.Mutex
	// broken are the message groups, by queue, of which a message was not accepted:
	// what follows in them must not overtake it.
	broken map[string]bool
}

// outcome is what became of a send.
type outcome struct {
	newID string
	err   error // nil: accepted
	// maybe: it may have been accepted once already, whatever err is.
	maybe bool
}

// send sends messages in batches, and in order within each message group. The
// outcomes are in the order of the messages. The error, if any, is one that
// would meet every further message as well.
func (s *sender) send(ctx context.Context, items []item) ([]outcome, error) {
	out := make([]outcome, len(items))
	var fatal error
	for batch := range s.batches(items, out) {
		if err := ctx.Err(); err != nil || fatal != nil {
			if fatal != nil {
				err = fatal
			}
			for _, i := range batch {
				out[i] = outcome{err: fmt.Errorf("not sent: %w", err)}
			}
			continue
		}
		fatal = s.sendBatch(ctx, items, batch, out)
	}
	return out, fatal
}

// batches splits messages into batches that SQS accepts, as indexes: to one queue,
// within the limits of entries and bytes. To a FIFO queue a batch has one message
// of a group at most: were an earlier one refused and a later one accepted, their
// order would be lost. A message whose predecessor in the group was not accepted
// is not sent.
func (s *sender) batches(items []item, out []outcome) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		left := make([]int, len(items))
		for i := range left {
			left[i] = i
		}
		for len(left) > 0 {
			var batch, later []int
			bytes, to := 0, ""
			groups := map[string]bool{}
			for _, i := range left {
				it := items[i]
				group := it.to + groupOf(it.Letter)
				ordered := isFIFO(it.to)
				if ordered && s.isBroken(group) {
					out[i] = outcome{err: errors.New("not sent: an earlier message of its message group could not be sent")}
					continue
				}
				n := it.Size()
				full := len(batch) == batchMost || len(batch) > 0 && (bytes+n > batchBytes || to != it.to)
				if full || ordered && groups[group] {
					groups[group] = true // what follows in the group has to wait too
					later = append(later, i)
					continue
				}
				groups[group] = true
				batch = append(batch, i)
				bytes += n
				to = it.to
			}
			if len(batch) > 0 && !yield(batch) {
				return
			}
			for _, i := range batch {
				if out[i].err != nil && isFIFO(items[i].to) {
					s.breakGroup(items[i].to + groupOf(items[i].Letter))
				}
			}
			left = later
		}
	}
}

func (s *sender) isBroken(group string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[group]
}

func (s *sender) breakGroup(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = map[string]bool{}
	}
	s.broken[group] = true
}

func groupOf(l *letter.Letter) string {
	if g := l.Group(); g != "" {
		return g
	}
	return l.ID
}

// sendBatch sends one batch, repeating what was refused for a passing reason.
func (s *sender) sendBatch(ctx context.Context, items []item, batch []int, out []outcome) (fatal error) {
	for try := 1; len(batch) > 0; try++ {
		if try > 1 && sleep(ctx, backoff(try-1)) != nil {
			return nil // the outcomes say why
		}
		res, err := s.call(ctx, items, batch)
		if err != nil {
			var again bool
			if again, fatal = s.refused(ctx, items, batch, out, err); !again || fatal != nil || try == tries {
				return fatal
			}
			continue
		}
		batch = settle(res, batch, out)
		if try == tries {
			return nil
		}
	}
	return nil
}

// call makes the send. Once begun it is not given up when ctx ends: it would
// not be known what became of the messages.
func (s *sender) call(ctx context.Context, items []item, batch []int) (*sqs.SendMessageBatchOutput, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &items[batch[0]].to, Entries: make([]types.SendMessageBatchRequestEntry, 0, len(batch))}
	for i, at := range batch {
		in.Entries = append(in.Entries, sendEntry(items[at], i))
	}
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	return s.w.SendMessageBatch(cctx, in, once)
}

// sendEntry is a message as it is sent: body, attributes, trace header and message
// group as they are. To a FIFO queue its deduplication id is the message id of the
// dead letter, as SQS itself does when it moves a message to a FIFO dead-letter
// queue: the original one may have been used within the last five minutes, and
// SQS would take the message and drop it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func sendEntry(it item, i int) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{
		Id: new(strconv.Itoa(i)), MessageBody: &it.Body, MessageAttributes: it.Attributes,
	}
	if h := it.System[letter.SysTraceHeader]; h != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			letter.SysTraceHeader: {DataType: new("String"), StringValue: &h},
		}
	}
	if g := it.Group(); g != "" {
		e.MessageGroupId = &g // standard queues use it for fairness
	}
	if isFIFO(it.to) {
		e.MessageGroupId = new(groupOf(it.Letter))
		e.MessageDeduplicationId = new(cmp.Or(it.dedup, it.ID))
	}
	return e
}

// settle books an answer and returns the messages to try again: those refused
// by SQS's own fault. Their outcome stands if there is no other try.
func settle(res *sqs.SendMessageBatchOutput, batch []int, out []outcome) (again []int) {
	answered := make([]bool, len(batch))
	at := func(id *string) (int, bool) {
		n, err := strconv.Atoi(str(id))
		if err != nil || n < 0 || n >= len(batch) {
			return 0, false
		}
		answered[n] = true
		return batch[n], true
	}
	for j := range res.Successful {
		if i, ok := at(res.Successful[j].Id); ok {
			out[i] = outcome{newID: str(res.Successful[j].MessageId), maybe: out[i].maybe}
		}
	}
	for j := range res.Failed {
		f := &res.Failed[j]
		if i, ok := at(f.Id); ok {
			out[i] = outcome{err: fmt.Errorf("send: %s: %s", str(f.Code), str(f.Message)), maybe: out[i].maybe}
			if !f.SenderFault {
				again = append(again, i)
			}
		}
	}
	for n, i := range batch {
		if !answered[n] {
			out[i] = outcome{err: errUnanswered, maybe: true}
		}
	}
	slices.Sort(again)
	return again
}

// refused books a send that failed as a whole. again is true when it may be tried
// again; fatal is set when further messages would fail the same way.
func (s *sender) refused(ctx context.Context, items []item, batch []int, out []outcome, err error) (again bool, fatal error) {
	to := items[batch[0]].to
	kind, _ := aws.Classify(err)
	maybe := false
	switch kind {
	case aws.KindThrottled:
		again = true
	case aws.KindAuth, aws.KindDenied, aws.KindNotFound:
		fatal = fmt.Errorf("send to %q: %w", queueName(to), err)
	case aws.KindInvalid:
		// One message may spoil the whole batch.
		if len(batch) > 1 {
			mid := len(batch) / 2
			if fatal = s.sendBatch(ctx, items, batch[:mid], out); fatal == nil {
				return false, s.sendBatch(ctx, items, batch[mid:], out)
			}
			batch = batch[mid:]
		}
	case aws.KindNetwork, aws.KindOther, aws.KindNone:
		// SQS itself says of a fault of its own that it has not taken the messages.
		_, answered := errors.AsType[smithy.APIError](err)
		maybe = !answered && !notConnected(err)
		// Sent again once, it may be there twice; a queue that never answers is not
		// filled with copies. A FIFO queue takes it once, however often it is sent.
		again = !maybe || isFIFO(to) || s.repeat && !out[batch[0]].maybe
	}
	if maybe {
		err = fmt.Errorf("%w: %w", errUnanswered, err)
	} else {
		err = fmt.Errorf("send: %w", err)
	}
	for _, i := range batch {
		out[i] = outcome{err: err, maybe: maybe || out[i].maybe}
	}
	return again, fatal
}

// notConnected is true when no connection came about, so nothing was sent.
func notConnected(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

var errUnanswered = errors.New("the send was not answered: the message may have been sent as well")

// remove deletes messages from a queue and returns those that could not be,
// with the reason. It goes on when ctx has ended: they have been sent already.
func remove(ctx context.Context, w aws.Writer, l *lease, ids []string) map[string]error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	kept := map[string]error{}
	for try := 1; len(ids) > 0 && try <= tries; try++ {
		if try > 1 && sleep(ctx, backoff(try-1)) != nil {
			break
		}
		var left []string
		for batch := range slices.Chunk(ids, batchMost) {
			left = append(left, removeBatch(ctx, w, l, batch, kept)...)
		}
		ids = left
	}
	return kept
}

func removeBatch(ctx context.Context, w aws.Writer, l *lease, ids []string, kept map[string]error) (left []string) {
	l.leaving.Add(int64(len(ids)))
	defer l.leaving.Add(-int64(len(ids)))
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &l.url, Entries: make([]types.DeleteMessageBatchRequestEntry, 0, len(ids))}
	for i, id := range ids {
		receipt, _ := l.receipt(id)
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: &receipt})
		kept[id] = errors.New("delete: not answered")
	}
	cctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := w.DeleteMessageBatch(cctx, in, once)
	if err != nil {
		for _, id := range ids {
			kept[id] = fmt.Errorf("delete: %w", err)
		}
		if !transient(err) {
			return nil
		}
		return ids
	}
	for i := range res.Successful {
		if id, ok := entry(res.Successful[i].Id, ids); ok {
			delete(kept, id)
			l.drop(id)
		}
	}
	for i := range res.Failed {
		f := &res.Failed[i]
		if id, ok := entry(f.Id, ids); ok {
			kept[id] = fmt.Errorf("delete: %s: %s", str(f.Code), str(f.Message))
		}
	}
	for _, id := range ids {
		if kept[id] != nil {
			left = append(left, id)
		}
	}
	return left
}
