package aws

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// readQueues reads every candidate's queue, then the dead-letter queues that
// their policies name and that were not read yet. Meanwhile it lists the queues
// that nobody reads, and then reads those.
func (d *discovery) readQueues(ctx context.Context) {
	var (
		listed  []queueRef
		listErr error
		wg      sync.WaitGroup
	)
	wg.Go(func() { listed, listErr = d.listUnclaimed(ctx) })
	d.readCandidates(ctx, d.cands)
	wg.Wait()
	if listErr != nil {
		d.warn(SourceQueues, fmt.Errorf("queues that no function reads are not shown: %w", listErr))
	}
	d.addUnclaimed(ctx, listed)
	d.addUnfed()
	for _, c := range d.cands {
		if ref, ok := d.deadLetterRef(c); ok {
			// A queue may serve several workers, and a refresh of one must not
			// move another's: each has its own copy.
			dlq := *d.read[d.key(ref)]
			c.DLQ, c.dlqErr = &dlq, d.readErrs[d.key(ref)]
		}
		if c.Queue != nil {
			q := *c.Queue
			c.Queue = &q
		}
	}
	if len(d.partial.Failed) > 0 {
		d.warn(SourceQueues, d.partial)
	}
}

// readCandidates reads the queues of candidates, and their dead-letter queues, that
// were not read before.
func (d *discovery) readCandidates(ctx context.Context, cands []*candidate) {
	d.readMissing(ctx, cands, func(c *candidate) (queueRef, bool) { return c.ref, c.hasRef })
	for _, c := range cands {
		if c.hasRef {
			c.Queue, c.queueErr = d.read[d.key(c.ref)], d.readErrs[d.key(c.ref)]
		}
	}
	d.readMissing(ctx, cands, d.deadLetterRef)
}

// readMissing reads the queues that of names and that were not read before.
func (d *discovery) readMissing(ctx context.Context, cands []*candidate, of func(*candidate) (queueRef, bool)) {
	var (
		refs    []queueRef
		workers []string
		seen    = make(map[queueKey]bool)
	)
	for _, c := range cands {
		ref, ok := of(c)
		if ok && d.read[d.key(ref)] == nil && !seen[d.key(ref)] {
			seen[d.key(ref)] = true
			refs, workers = append(refs, ref), append(workers, c.ID)
		}
	}
	queues := make([]*Queue, len(refs))
	failed := callWide(ctx, queueWidth, len(refs), func(i int) (err error) {
		queues[i], err = d.s.readQueue(ctx, refs[i])
		return err
	})
	for i, ref := range refs {
		if queues[i] == nil { // spared
			queues[i] = d.s.unreadQueue(ref)
		}
		d.read[d.key(ref)], d.readErrs[d.key(ref)] = queues[i], failed[i]
		if failed[i] != nil {
			d.partial.Failed = append(d.partial.Failed, &WorkerError{WorkerID: workers[i], Queue: ref.name, Err: failed[i]})
		}
	}
	d.partial.Of += len(refs)
}

// deadLetterRef is the queue that a candidate's RedrivePolicy names. It keeps
// the host of the URL by which the worker's own queue was reached.
func (d *discovery) deadLetterRef(c *candidate) (queueRef, bool) {
	if c.Queue == nil || c.Queue.DeadLetterARN == "" {
		return queueRef{}, false
	}
	ref, ok := queueFromARN(c.Queue.DeadLetterARN)
	if !ok {
		return queueRef{}, false
	}
	source, _ := queueFromARN(c.Queue.ARN)
	if base, found := strings.CutSuffix(c.Queue.URL, "/"+c.ref.account+"/"+c.ref.name); found && ref.region == source.region {
		ref.url = base + "/" + ref.account + "/" + ref.name
	}
	return ref, true
}
