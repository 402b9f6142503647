package redrive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Look is a dead-letter queue that somebody looks at. The messages that were seen
// stay hidden from every other reader, their leases extended, until Release.
type Look struct {
	// Depth is the queue's depth when the look began; Seen how many messages were
	// seen, each once; Complete is whether that was all.
	Depth    aws.Depth
	Seen     int
	Complete bool
	// Warnings: the queue has a redrive policy of its own, messages in flight
	// elsewhere, ...
	Warnings []string

	lease *lease
	keep  func() // stops the extensions
	done  sync.Once
	err   error
}

// Lease is how long the messages stay hidden should this process die.
func (l *Look) Lease() time.Duration { return l.lease.time }

// Held is how many messages are hidden for this look.
func (l *Look) Held() int { return l.lease.len() }

// Release makes every message visible again that is still held. It does so also
// when ctx has ended. The error says how many come back by themselves, and when.
func (l *Look) Release(ctx context.Context) error {
	l.done.Do(func() {
		if l.lease == nil { // it failed before it began
			return
		}
		l.keep()
		l.err = l.lease.release(ctx)
	})
	return l.err
}

// Look receives up to limit messages of a worker's dead-letter queue (zero or
// less: all of them), calls each with every batch, one at a time, and holds them
// until Release. Receiving raises each message's receive count. SQS allows
// 120,000 messages in flight: a look that reaches it is not Complete. The look
// ends early when each wants no more, or fails.
//
// When ctx ends, what was received is visible again within moments. An error
// leaves nothing held; the Look then says what was seen until there.
func (e *Engine) Look(ctx context.Context, w aws.Worker, limit int, each func([]letter.Letter) (more bool, err error)) (*Look, error) {
	dlq, err := deadLetterQueue(&w)
	if err != nil {
		return &Look{}, err
	}
	st, err := e.state(ctx, dlq)
	if err != nil {
		return &Look{}, err
	}
	l := &Look{Depth: st.depth, Warnings: st.warnings, lease: newLease(e.queue, dlq.URL, lookLease)}
	l.keep = l.lease.keep()
	expect := st.depth.Visible
	if limit > 0 {
		expect = min(expect, limit)
	}
	s := &sweep{
		e: e, url: dlq.URL, name: dlq.Name, lease: l.lease, most: max(limit, 0), expect: expect,
		workers: workersFor(expect, DefaultConcurrency, st.fifo),
	}
	// What is held need not wait for the long polls under way.
	early := make(chan struct{})
	spare := context.AfterFunc(ctx, func() {
		defer close(early)
		_ = l.lease.release(ctx) // released once more below, and told of
	})
	var (
		mu      sync.Mutex
		enough  bool
		eachErr error
	)
	err = s.run(ctx, func(batch []letter.Letter) {
		mu.Lock()
		defer mu.Unlock()
		l.Seen += len(batch)
		if enough {
			return
		}
		var more bool
		if more, eachErr = each(batch); !more || eachErr != nil {
			enough = true
			s.stop()
		}
	})
	if !spare() {
		<-early
	}
	l.Complete = l.Seen >= st.depth.Total() && !s.full
	if err = cmp.Or(err, eachErr, ctx.Err()); err != nil {
		if rel := l.Release(ctx); rel != nil {
			l.Warnings = append(l.Warnings, rel.Error())
		}
		if eachErr != nil {
			return l, err
		}
		return l, fmt.Errorf("look into %q: %w", dlq.Name, err)
	}
	switch {
	case s.full:
		l.Warnings = append(l.Warnings, fmt.Sprintf(
			"%s of %q are in flight: SQS allows no more at a time, so the rest was not seen", messages(l.Seen), dlq.Name))
	case !l.Complete && !enough && (limit <= 0 || l.Seen < limit):
		l.Warnings = append(l.Warnings, incomplete(l.Seen, st, dlq.Name))
	}
	return l, nil
}

// Listing is what a look saw that is over.
type Listing struct {
	// Letters are sorted by SentAt, oldest first.
	Letters []letter.Letter
	// Depth, Complete and Warnings are the Look's.
	Depth    aws.Depth
	Complete bool
	Warnings []string
}

// Peek is Look for a few messages: it keeps them in memory and has made every one
// of them visible again when it returns, also when ctx ends.
//
// An error leaves the Listing with what was seen until then.
func (e *Engine) Peek(ctx context.Context, w aws.Worker, limit int) (Listing, error) {
	var out Listing
	l, err := e.Look(ctx, w, limit, func(batch []letter.Letter) (bool, error) {
		out.Letters = append(out.Letters, batch...)
		return true, nil
	})
	if err == nil {
		if rel := l.Release(ctx); rel != nil {
			l.Warnings = append(l.Warnings, rel.Error())
		}
	}
	slices.SortFunc(out.Letters, oldestFirst)
	out.Depth, out.Complete, out.Warnings = l.Depth, l.Complete, l.Warnings
	return out, err
}

func oldestFirst(a, b letter.Letter) int {
	return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID))
}
