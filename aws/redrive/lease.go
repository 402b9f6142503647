package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// lease holds the messages that were received and are still in the queue. It
// keeps them hidden until they are released or dropped.
type lease struct {
	queue queue
	url   string
	// time is how long a receive hides a message, and an extension again.
	time time.Duration

	// leaving is how many are being deleted: SQS may count them no more.
	leaving atomic.Int64

	mu   sync.Mutex
	held map[string]held // by message id
	// told hears, with every tick, that this process lives and may hide messages: who
	// goes on with its journal must know until when. Nil: nobody does.
	told func()
}

type held struct {
	receipt string
	until   time.Time
}

func newLease(q queue, url string, hidden time.Duration) *lease {
	return &lease{queue: q, url: url, time: hidden, held: map[string]held{}}
}

func (l *lease) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held)
}

// staying is how many are held and not being deleted.
func (l *lease) staying() int { return l.len() - int(l.leaving.Load()) }

// add takes a received message; until is when its visibility timeout ends. A
// message that comes again brings a newer receipt handle, the only one that is
// sure to work.
func (l *lease) add(id, receipt string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[id] = held{receipt: receipt, until: until}
}

// drop forgets a message that is no longer in the queue.
func (l *lease) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, id)
}

// receipt is a message's latest receipt handle.
func (l *lease) receipt(id string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.held[id]
	if !ok {
		return "", false
	}
	return h.receipt, true
}

// tickOf is how often leases are looked after.
func tickOf(lease time.Duration) time.Duration { return lease / 6 }

// keep extends leases before they end, until the function it returns is called,
// which waits for an extension under way.
func (l *lease) keep() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(tickOf(l.time))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// An extension that fails is tried again with the next tick; at the
				// worst the message comes back and is received again.
				now := time.Now()
				l.tell()
				if ids := l.ending(now, now.Add(l.time/2)); len(ids) > 0 {
					_ = l.change(ctx, ids, l.time)
					l.tell()
				}
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (l *lease) tell() {
	l.mu.Lock()
	told := l.told
	l.mu.Unlock()
	if told != nil {
		told()
	}
}

// tellTo sets who hears of extensions.
func (l *lease) tellTo(told func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = told
}

// ending lists the messages whose lease ends before a time, and has not ended: what
// is visible again is nobody's, and not to be hidden once more.
func (l *lease) ending(now, before time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, h := range l.held {
		if h.until.After(now) && h.until.Before(before) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// release makes every held message visible again. What could not be released
// is returned as an error that says when it comes back by itself.
func (l *lease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	var last error
	for try := range tries {
		ids := l.ids()
		if len(ids) == 0 {
			return nil
		}
		if try > 0 && sleep(ctx, backoff(try)) != nil {
			break
		}
		last = l.change(ctx, ids, 0)
	}
	n := l.len()
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s not be made visible again and will come back within %v: %w", plural(n, "message could", "messages could"), l.time, last)
}

// ids are the messages held, sorted.
func (l *lease) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.held))
}

// change sets the visibility timeout of messages, in batches, several at a
// time. With zero, those that succeed are dropped from the lease.
func (l *lease) change(ctx context.Context, ids []string, timeout time.Duration) error {
	var g errgroup.Group
	g.SetLimit(DefaultConcurrency)
	var mu sync.Mutex
	var errs []error
	for batch := range slices.Chunk(ids, batchMost) {
		g.Go(func() error {
			if err := l.changeBatch(ctx, batch, timeout); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait() // errors are collected above: one must not stop the others
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func (l *lease) changeBatch(ctx context.Context, ids []string, timeout time.Duration) error {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.url}
	receipts := make(map[string]string, len(ids))
	for i, id := range ids {
		receipt, ok := l.receipt(id)
		if !ok { // moved meanwhile
			continue
		}
		receipts[id] = receipt
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: new(strconv.Itoa(i)), ReceiptHandle: &receipt, VisibilityTimeout: seconds(timeout),
		})
	}
	if len(in.Entries) == 0 {
		return nil
	}
	cctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	until := time.Now().Add(timeout)
	out, err := l.queue.ChangeMessageVisibilityBatch(cctx, in, once)
	if err != nil {
		return fmt.Errorf("change the visibility of %s: %w", plural(len(in.Entries), "message", "messages"), err)
	}
	for i := range out.Successful {
		if id, ok := entry(out.Successful[i].Id, ids); ok {
			l.changed(id, receipts[id], until, timeout == 0)
		}
	}
	var errs []error
	for i := range out.Failed {
		f := &out.Failed[i]
		id, ok := entry(f.Id, ids)
		if !ok {
			continue
		}
		if timeout == 0 && gone(str(f.Code)) {
			l.drop(id) // it is not ours any more: visible, or somebody else's, or deleted
			continue
		}
		errs = append(errs, fmt.Errorf("change the visibility of message %s: %s: %s", id, str(f.Code), str(f.Message)))
	}
	return errors.Join(errs...)
}

// seconds is a visibility timeout as SQS counts it.
func seconds(d time.Duration) int32 { return int32(d / time.Second) } //nolint:gosec // zero or a lease

// changed books a change, unless the message was received anew meanwhile.
func (l *lease) changed(id, receipt string, until time.Time, released bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.held[id]
	if !ok || h.receipt != receipt {
		return
	}
	if released {
		delete(l.held, id)
		return
	}
	h.until = until
	l.held[id] = h
}

// gone is true of the codes with which SQS says that a receipt handle no longer
// stands for a hidden message.
func gone(code string) bool {
	switch code {
	case "MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue",
		"AWS.SimpleQueueService.MessageNotInflight", "AWS.SimpleQueueService.ReceiptHandleIsInvalid":
		return true
	}
	return false
}

// entry finds what a batch result's entry id stands for.
func entry[T any](id *string, of []T) (t T, ok bool) {
	i, err := strconv.Atoi(str(id))
	if err != nil || i < 0 || i >= len(of) {
		return t, false
	}
	return of[i], true
}

// holds is whether a message is still ours.
func (l *lease) holds(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, ok := l.held[id]
	return ok && now.Before(h.until)
}
