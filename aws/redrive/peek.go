package redrive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// Listing is what a look into a DLQ saw.
type Listing struct {
	// Letters are sorted by SentAt, oldest first.
	Letters []DeadLetter
	// Depth is the DLQ's depth when the look began; Complete is whether as many
	// messages were seen.
	Depth    aws.Depth
	Complete bool
	// Warnings: the DLQ has a redrive policy of its own, messages in flight elsewhere, ...
	Warnings []string
}

// Peek receives up to limit messages of a worker's DLQ (zero or less: all of
// them), deduplicated by message
// id, and makes every one of them visible again before it returns, also when
// ctx ends. Receiving raises each message's receive count.
//
// An error leaves the Listing with what was seen until then.
func (e *Engine) Peek(ctx context.Context, w aws.Worker, limit int) (Listing, error) {
	dlq, err := deadLetterQueue(&w)
	if err != nil {
		return Listing{}, err
	}
	st, err := e.state(ctx, dlq)
	if err != nil {
		return Listing{}, err
	}
	out := Listing{Depth: st.depth, Warnings: st.warnings}
	s := &sweep{queue: e.queue, url: dlq.URL, name: dlq.Name, lease: newLease(e.queue, dlq.URL), most: limit, expect: st.depth.Visible}
	if limit > 0 {
		s.expect = min(s.expect, limit)
	}
	var mu sync.Mutex
	err = holding(ctx, s.lease, func() error {
		return s.run(ctx, workersFor(s.expect, st.fifo), func(batch []types.Message) {
			letters := make([]DeadLetter, len(batch))
			for i := range batch {
				letters[i] = letter(&batch[i])
			}
			mu.Lock()
			defer mu.Unlock()
			out.Letters = append(out.Letters, letters...)
		})
	})
	slices.SortFunc(out.Letters, func(a, b DeadLetter) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ID, b.ID))
	})
	out.Complete = len(out.Letters) >= st.depth.Total()
	if rel := s.lease.release(ctx); rel != nil {
		out.Warnings = append(out.Warnings, rel.Error())
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return out, fmt.Errorf("peek %q: %w", dlq.Name, err)
	}
	if !out.Complete && (limit <= 0 || len(out.Letters) < limit) {
		out.Warnings = append(out.Warnings, incomplete(len(out.Letters), st, dlq.Name))
	}
	return out, nil
}

// holding runs fn while l's leases are extended.
func holding(ctx context.Context, l *lease, fn func() error) error {
	kctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { l.keep(kctx) })
	defer wg.Wait()
	defer cancel()
	return fn()
}

func incomplete(seen int, st dlqState, name string) string {
	s := fmt.Sprintf("%s of the %d that %q should hold", plural(seen, "message was seen", "messages were seen"), st.depth.Total(), name)
	if st.fifo {
		s += "; a FIFO queue shows no more of a message group while some of it are being looked at"
	}
	return s
}
