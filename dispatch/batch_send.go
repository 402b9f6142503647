package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// MaxBatch is how many messages SQS takes in one call. All of them together may
// have MaxMessageBytes.
const MaxBatch = 10

// BatchSender is a Sender that takes several messages in one call.
type BatchSender interface {
	Sender
	// SendBatch sends up to MaxBatch messages, of up to MaxMessageBytes in sum, to
	// one worker. It returns one outcome for each entry, in their order; a failure
	// of the call as a whole is the outcome of each.
	SendBatch(ctx context.Context, workerID string, entries []BatchEntry) []BatchOutcome
}

// BatchEntry is one message of a batch.
type BatchEntry struct {
	// Message is the message, never nil. Its Input may be the caller's, who changes
	// it later: a sender that keeps the job keeps Body.
	Message *Message
	// Body is what Message.MarshalJSON writes.
	Body []byte
	// Delay is 0 to MaxDelay.
	Delay time.Duration
}

// BatchOutcome is what became of a BatchEntry.
type BatchOutcome struct {
	// MessageID is the sender's id of the message.
	MessageID string
	// Err says why the message was not sent; nil when it was.
	Err error
	// Again says that the message was certainly not sent, and might be if it is
	// tried again.
	Again bool
}

// roomForTrace is what a full batch leaves free for each message's trace context. A
// traceparent takes 72 bytes with its name; a long tracestate may not find room.
const roomForTrace = 128

// manyRun is the sending part of a DispatchMany.
type manyRun struct {
	client   *Client
	sender   Sender
	mode     Mode
	workerID string
	results  []ItemResult
}

// send sends the jobs and waits until each has a result.
func (r *manyRun) send(ctx context.Context, jobs []manyJob, parallel int) {
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	most, room := 1, MaxMessageBytes
	batcher, _ := r.sender.(BatchSender)
	if batcher != nil {
		most = MaxBatch
	}
	if r.client.cfg.Tracer != nil {
		room -= most * roomForTrace
	}
	lanes := splitLanes(jobs, parallel, most, room)
	var next atomic.Int64
	var wg crew
	for range min(parallel, len(lanes)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(lanes) {
					return
				}
				for _, batch := range lanes[i] {
					if batcher != nil {
						r.sendBatch(ctx, batcher, batch)
					} else {
						r.sendOne(ctx, batch[0])
					}
				}
			}
		})
	}
	wg.Wait()
}

// splitLanes makes batches, and lanes of batches that have to be sent one after the
// other. Jobs of one message group share a lane; all others are free, and each of
// their batches is a lane of its own.
func splitLanes(jobs []manyJob, parallel, most, room int) [][][]manyJob {
	var free []manyJob
	grouped := make([][]manyJob, parallel)
	lane := map[string]int{}
	for _, job := range jobs {
		group := job.message.GroupID
		if group == "" {
			free = append(free, job)
			continue
		}
		i, ok := lane[group]
		if !ok {
			i = len(lane) % parallel
			lane[group] = i
		}
		grouped[i] = append(grouped[i], job)
	}
	var lanes [][][]manyJob
	for _, list := range grouped { // first, since they take longest
		if len(list) > 0 {
			lanes = append(lanes, splitBatches(list, most, room))
		}
	}
	for _, batch := range splitBatches(free, most, room) {
		lanes = append(lanes, [][]manyJob{batch})
	}
	return lanes
}

// splitBatches cuts jobs into batches of at most this many messages and bytes, in
// their order. A message that is longer than that by itself is a batch of its own.
func splitBatches(jobs []manyJob, most, room int) [][]manyJob {
	var batches [][]manyJob
	start, size := 0, 0
	for i := range jobs {
		n := len(jobs[i].body)
		if i > start && (i-start == most || size+n > room) {
			batches = append(batches, jobs[start:i:i])
			start, size = i, 0
		}
		size += n
	}
	if start < len(jobs) {
		batches = append(batches, jobs[start:])
	}
	return batches
}

// sendOne sends through a sender that takes one message at a time.
func (r *manyRun) sendOne(ctx context.Context, job manyJob) {
	if ctx.Err() != nil {
		r.fail(job, context.Cause(ctx))
		return
	}
	result, err := r.client.send(ctx, r.sender, r.mode, job.message, job.body, job.delay)
	if err != nil {
		r.results[job.index].Err = err
		return
	}
	r.results[job.index].Result = result
}

// sendBatch sends a batch, and again what was not taken of it.
func (r *manyRun) sendBatch(ctx context.Context, sender BatchSender, batch []manyJob) {
	retries := retryCount(r.client.cfg.Retries)
	for tries := 1; ; tries++ {
		if ctx.Err() != nil {
			for _, job := range batch {
				r.fail(job, context.Cause(ctx))
			}
			return
		}
		outcomes := r.call(ctx, sender, batch)
		var left []manyJob
		for i, job := range batch {
			switch o := outcomes[i]; {
			case o.Err == nil:
				r.results[job.index] = ItemResult{Result: r.client.sent(ctx, r.mode, job.message, o.MessageID)}
			case o.Again && tries <= retries:
				r.fail(job, o.Err)
				left = append(left, job)
			default:
				r.fail(job, triedTimes(o.Err, tries))
			}
		}
		if len(left) == 0 {
			return
		}
		wait := backoff(tries)
		r.client.cfg.Logger.WarnContext(ctx, "some jobs of a batch were not taken; trying again",
			"workerId", r.workerID, "jobs", len(left), "of", len(batch), "try", tries, "wait", wait,
			"error", r.results[left[0].index].Err.Error())
		if !pause(ctx, wait) {
			if cause := context.Cause(ctx); cause != nil {
				for _, job := range left {
					r.results[job.index].Err = fmt.Errorf("%w; then %w", r.results[job.index].Err, cause)
				}
			}
			return // their errors stand
		}
		batch = left
	}
}

// fail is the result of a job that was not sent, for now.
func (r *manyRun) fail(job manyJob, err error) {
	r.results[job.index].Err = fmt.Errorf("dispatch job %q: %w", job.message.JobID, err)
}

// call hands one batch to the sender, within a span.
func (r *manyRun) call(ctx context.Context, sender BatchSender, batch []manyJob) []BatchOutcome {
	ctx, cancel := r.client.bounded(ctx, r.mode)
	defer cancel()
	ctx, end := r.client.startSend(ctx, r.mode, r.workerID, attrBatchCount, strconv.Itoa(len(batch)))
	room := MaxMessageBytes
	for _, job := range batch {
		room -= len(job.body)
	}
	entries := make([]BatchEntry, len(batch))
	for i, job := range batch {
		m, body := r.client.withTrace(ctx, job.message, job.body, room)
		room -= len(body) - len(job.body)
		entries[i] = BatchEntry{Message: m, Body: body, Delay: job.delay}
	}
	outcomes := sender.SendBatch(ctx, r.workerID, entries)
	if len(outcomes) != len(entries) {
		err := fmt.Errorf("the sender tells %d outcomes for %d messages", len(outcomes), len(entries))
		outcomes = make([]BatchOutcome, len(entries))
		for i := range outcomes {
			outcomes[i].Err = err
		}
	}
	end(batchError(outcomes))
	return outcomes
}

// batchError is what a span says of a batch.
func batchError(outcomes []BatchOutcome) error {
	failed := 0
	var first error
	for _, o := range outcomes {
		if o.Err != nil {
			failed++
			first = cmp.Or(first, o.Err)
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d messages were not taken: %w", failed, len(outcomes), first)
}
