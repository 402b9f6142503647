package redrive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strconv"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// batchBytes is SQS's limit of a batch: bodies and attributes together.
const batchBytes = 1 << 20

// tries is how often a refused send or delete is tried.
const tries = 5

// sender sends messages and deletes what was sent.
type sender struct {
	w        aws.Writer
	from, to string
	lease    *lease
}

// outcome is what became of a send.
type outcome struct {
	newID string
	err   error // nil: accepted
	maybe bool  // err, and yet it may have been accepted
}

// send sends messages in batches, and in order within each message group. The
// outcomes are in the order of the messages. The error, if any, is one that
// would meet every further message as well.
func (s *sender) send(ctx context.Context, messages []types.Message) ([]outcome, error) {
	out := make([]outcome, len(messages))
	var fatal error
	for batch := range s.batches(messages, out) {
		if err := ctx.Err(); err != nil || fatal != nil {
			if fatal != nil {
				err = fatal
			}
			for _, i := range batch {
				out[i] = outcome{err: fmt.Errorf("not sent: %w", err)}
			}
			continue
		}
		fatal = s.sendBatch(ctx, messages, batch, out)
	}
	return out, fatal
}

// batches splits messages into batches that SQS accepts, as indexes. To a FIFO
// queue a batch has one message of a group at most: were an earlier one refused
// and a later one accepted, their order would be lost. A message whose
// predecessor in the group was not accepted is not sent.
func (s *sender) batches(messages []types.Message, out []outcome) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		left := make([]int, len(messages))
		for i := range left {
			left[i] = i
		}
		broken := map[string]bool{} // groups of which a message was not accepted
		for len(left) > 0 {
			var batch, later []int
			bytes := 0
			groups := map[string]bool{}
			for _, i := range left {
				group := groupOf(&messages[i])
				if isFIFO(s.to) && broken[group] {
					out[i] = outcome{err: errors.New("not sent: an earlier message of its message group could not be sent")}
					continue
				}
				n := size(&messages[i])
				full := len(batch) == batchMost || len(batch) > 0 && bytes+n > batchBytes
				if full || isFIFO(s.to) && groups[group] {
					groups[group] = true // what follows in the group has to wait too
					later = append(later, i)
					continue
				}
				groups[group] = true
				batch = append(batch, i)
				bytes += n
			}
			if len(batch) > 0 && !yield(batch) {
				return
			}
			for _, i := range batch {
				if out[i].err != nil {
					broken[groupOf(&messages[i])] = true
				}
			}
			left = later
		}
	}
}

func groupOf(m *types.Message) string {
	if g := m.Attributes["MessageGroupId"]; g != "" {
		return g
	}
	return str(m.MessageId)
}

// size is what SQS counts of a message: body, and name, type and value of each
// attribute.
func size(m *types.Message) int {
	n := len(str(m.Body)) + len(m.Attributes["AWSTraceHeader"])
	for name, a := range m.MessageAttributes {
		n += len(name) + len(str(a.DataType)) + len(str(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

// sendBatch sends one batch, repeating what was refused for a passing reason.
func (s *sender) sendBatch(ctx context.Context, messages []types.Message, batch []int, out []outcome) (fatal error) {
	for try := 1; len(batch) > 0; try++ {
		if try > 1 && sleep(ctx, backoff(try-1)) != nil {
			return nil // the outcomes say why
		}
		res, err := s.call(ctx, messages, batch)
		if err != nil {
			var again bool
			if again, fatal = s.refused(ctx, messages, batch, out, err); !again || fatal != nil || try == tries {
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
func (s *sender) call(ctx context.Context, messages []types.Message, batch []int) (*sqs.SendMessageBatchOutput, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: &s.to}
	for i, at := range batch {
		in.Entries = append(in.Entries, s.entry(&messages[at], i))
	}
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if isFIFO(s.to) {
		return s.w.SendMessageBatch(cctx, in)
	}
	// The SDK repeats a send whose answer was lost, which doubles the messages
	// when the first one had arrived.
	return s.w.SendMessageBatch(cctx, in, func(o *sqs.Options) { o.Retryer = awssdk.NopRetryer{} })
}

func (s *sender) entry(m *types.Message, i int) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{
		Id: new(strconv.Itoa(i)), MessageBody: m.Body, MessageAttributes: m.MessageAttributes,
	}
	if h := m.Attributes["AWSTraceHeader"]; h != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: new("String"), StringValue: &h},
		}
	}
	if g := m.Attributes["MessageGroupId"]; g != "" {
		e.MessageGroupId = &g // standard queues use it for fairness
	}
	if isFIFO(s.to) {
		e.MessageGroupId = new(groupOf(m))
		e.MessageDeduplicationId = m.MessageId
	}
	return e
}

// settle books an answer and returns the messages to try again: those refused
// by SQS's own fault. Their outcome stands if there is no other try.
func settle(res *sqs.SendMessageBatchOutput, batch []int, out []outcome) (again []int) {
	before := make(map[int]bool, len(batch)) // whether an earlier try may have worked
	for _, i := range batch {
		before[i] = out[i].maybe
		out[i] = outcome{err: errUnanswered, maybe: true}
	}
	for j := range res.Successful {
		if i, ok := entry(res.Successful[j].Id, batch); ok {
			out[i] = outcome{newID: str(res.Successful[j].MessageId)}
		}
	}
	for j := range res.Failed {
		f := &res.Failed[j]
		if i, ok := entry(f.Id, batch); ok {
			out[i] = outcome{err: fmt.Errorf("send: %s: %s", str(f.Code), str(f.Message)), maybe: before[i]}
			if !f.SenderFault {
				again = append(again, i)
			}
		}
	}
	return again
}

// refused books a send that failed as a whole. again is true when it is known
// that nothing was sent and may be tried again; fatal is set when further
// messages would fail the same way.
func (s *sender) refused(ctx context.Context, messages []types.Message, batch []int, out []outcome, err error) (again bool, fatal error) {
	kind, _ := aws.Classify(err)
	maybe := false
	switch kind {
	case aws.KindThrottled:
		again = true
	case aws.KindAuth, aws.KindDenied, aws.KindNotFound:
		fatal = fmt.Errorf("send to %q: %w", s.to, err)
	case aws.KindInvalid:
		// One message may spoil the whole batch.
		if len(batch) > 1 {
			mid := len(batch) / 2
			if fatal = s.sendBatch(ctx, messages, batch[:mid], out); fatal == nil {
				return false, s.sendBatch(ctx, messages, batch[mid:], out)
			}
			batch = batch[mid:]
		}
	case aws.KindNetwork, aws.KindOther, aws.KindNone:
		again = notConnected(err) || isFIFO(s.to)
		maybe = !notConnected(err)
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

// remove deletes messages from the DLQ and returns those that could not be,
// with the reason. It goes on when ctx has ended: they have been sent already.
func (s *sender) remove(ctx context.Context, ids []string) map[string]error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	kept := map[string]error{}
	for try := 1; len(ids) > 0 && try <= tries; try++ {
		if try > 1 && sleep(ctx, backoff(try-1)) != nil {
			break
		}
		var left []string
		for at := 0; at < len(ids); at += batchMost {
			left = append(left, s.removeBatch(ctx, ids[at:min(at+batchMost, len(ids))], kept)...)
		}
		ids = left
	}
	return kept
}

func (s *sender) removeBatch(ctx context.Context, ids []string, kept map[string]error) (left []string) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &s.from}
	for i, id := range ids {
		receipt, _ := s.lease.receipt(id)
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: &receipt})
		kept[id] = errors.New("delete: not answered")
	}
	cctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := s.w.DeleteMessageBatch(cctx, in)
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
			s.lease.drop(id)
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
