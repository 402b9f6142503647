package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

const (
	// A handler's context ends this share of the time left before Lambda's
	// deadline, at most maxMargin: aws-lambda-go's own deadline is the very moment
	// of the kill, when nothing can be recorded any more.
	marginShare = 10
	maxMargin   = time.Second
	// overrunGrace is how long after the deadline an invocation still waits to be
	// killed: see batch.awaitKill.
	overrunGrace = 500 * time.Millisecond
)

// HandleSQS runs the jobs of an SQS event, each with the worker that its message
// names, and returns the messages that SQS must deliver again. It is the function
// that Lambda calls; in a test it can be called directly.
//
// The error is always nil: what goes wrong concerns single messages. An error
// would make Lambda return the whole batch, the completed jobs included.
//
// The jobs run one after the other. A function's memory and CPU are chosen for
// one job, so running them together would make each slower and all of them
// fail together when memory runs out; more jobs at a time are a matter of the
// queue's maximum concurrency.
func (a *App) HandleSQS(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
	return a.handleBatch(ctx, ev, nil), nil
}

// handleBatch is HandleSQS; only is the worker of a function that serves one queue.
func (a *App) handleBatch(ctx context.Context, ev events.SQSEvent, only *definition) events.SQSEventResponse {
	a.active.RLock()
	defer a.active.RUnlock()

	b := a.newBatch(ctx, only)
	for _, rec := range ev.Records {
		b.run(rec)
	}
	b.awaitKill()
	return events.SQSEventResponse{BatchItemFailures: b.failures}
}

// batch is one invocation of the function.
type batch struct {
	app        *App
	ctx        context.Context //nolint:containedctx // a batch lives as long as the call that made it
	requestID  string
	only       *definition // the function's worker; nil: each message names its own
	maxReceive int
	deadline   time.Time // of the function; zero: none
	softEnd    time.Time // of the handlers; zero: none

	failures     []events.SQSBatchItemFailure
	failed       map[string]bool // message ids in failures; nil while there is none
	failedGroups map[string]bool // FIFO message groups with a failure; nil while there is none
	succeeded    int
	running      []<-chan struct{} // handlers that ignored their context
	line         jsonlog.Line      // of the batch's goroutine
	last         outcome
}

func (a *App) newBatch(ctx context.Context, only *definition) *batch {
	b := &batch{app: a, ctx: ctx, only: only, requestID: "local", maxReceive: a.maxReceive}
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		b.requestID = lc.AwsRequestID
	}
	if deadline, ok := ctx.Deadline(); ok {
		b.deadline = deadline
		b.softEnd = deadline.Add(-min(time.Until(deadline)/marginShare, maxMargin))
	}
	return b
}

// run deals with one record: exactly one of succeeded and failures grows, and
// whatever goes wrong, in our own code too, stays within this record.
func (b *batch) run(rec events.SQSMessage) {
	done, leaves := false, false
	defer func() {
		if v := recover(); v != nil {
			b.complain(rec, v)
		}
		if done {
			b.succeeded++
			return
		}
		b.fail(rec, leaves)
	}()
	b.last = b.deliver(rec)
	done = b.last.done
	// SQS moves it to the dead-letter queue now. It is in nobody's way any more, and those
	// behind it, which have been delivered as often, must not go there without a run.
	leaves = b.last.final && b.maxReceive > 0 && receiveCount(rec) >= b.maxReceive
}

// complain reports a panic of the runtime's own; the log itself may be what panics.
func (b *batch) complain(rec events.SQSMessage, v any) {
	defer func() { _ = recover() }()
	b.app.log.Error("the runtime itself panicked; this is a bug in it",
		"messageId", rec.MessageId, "requestId", b.requestID,
		"error", &dispatch.JobError{Message: fmt.Sprint(v), Name: "PanicError", Stack: panicStack()})
}

// fail has SQS deliver the message again, and with it the rest of its group, unless it
// leaves the queue.
func (b *batch) fail(rec events.SQSMessage, leaves bool) {
	if group := fifoGroup(rec); group != "" && !leaves {
		if b.failedGroups == nil {
			b.failedGroups = map[string]bool{}
		}
		b.failedGroups[group] = true
	}
	// SQS delivers at least once, so one batch may hold a message twice.
	if b.failed[rec.MessageId] {
		return
	}
	if b.failed == nil {
		b.failed = map[string]bool{}
	}
	b.failed[rec.MessageId] = true
	b.failures = append(b.failures, events.SQSBatchItemFailure{ItemIdentifier: rec.MessageId})
}

// awaitKill decides what becomes of a handler that ignored the end of its context. A
// goroutine cannot be stopped from outside, only the process can. While jobs of
// this batch have been completed, their messages must not be delivered again, so
// the response goes out and the handler is left behind. Otherwise nothing is
// lost by letting Lambda kill the process at the deadline, and the next
// invocation gets a clean one.
func (b *batch) awaitKill() {
	if len(b.running) == 0 || b.succeeded > 0 || b.deadline.IsZero() {
		return
	}
	timer := time.NewTimer(time.Until(b.deadline) + overrunGrace)
	defer timer.Stop()
	for _, done := range b.running {
		select {
		case <-done:
		case <-timer.C:
			return
		}
	}
}

// deliver takes one record from its text to its end.
func (b *batch) deliver(rec events.SQSMessage) outcome {
	d := &delivery{batch: b, rec: rec, receives: receiveCount(rec), carried: readCarried(&rec)}
	d.attempt = d.receives + d.carried.Attempts
	msg, parseErr := dispatch.ParseMessage([]byte(rec.Body))
	if parseErr == nil {
		d.msg = msg
		d.jobID, d.workerID = msg.JobID, msg.WorkerID
	}
	// A message without a job id still needs one name in the log; every job of
	// that kind under one and the same name would be none.
	if d.jobID == "" {
		d.jobID = cmp.Or(d.carried.JobID, rec.MessageId)
	}
	if b.only != nil && d.workerID == "" {
		d.workerID = b.only.id
	}
	if parseErr == nil {
		// A callback that an earlier invocation handed on is no delivery of the job, and
		// must not look like one in the log: no marker.
		if h, ok := parseHandoff(msg); ok {
			d.openLogs()
			return d.redeliverWebhook(h)
		}
	}
	b.line.Marker(b.app.out, dispatch.RunMarker, jsonlog.Truncate(d.jobID, jsonlog.MaxID), jsonlog.Truncate(d.workerID, jsonlog.MaxID), b.requestID)
	d.openLogs()

	if parseErr != nil {
		return d.fail(outcome{err: &messageError{fmt.Errorf("the message is not a job: %w", parseErr)}})
	}
	var err error
	if d.def, err = b.worker(d.workerID); err != nil {
		return d.fail(outcome{err: &messageError{err}})
	}
	if b.app.store != nil && len(d.jobID) > maxJobID {
		return d.fail(outcome{err: &messageError{fmt.Errorf("the job id has %d bytes, and a job store takes %d", len(d.jobID), maxJobID)}})
	}
	if err := b.mayStart(rec); err != nil {
		return d.putOff(err, 0)
	}
	if rest := d.carried.wait(b.app.cfg.Now()); rest > 0 {
		return d.hop(rest)
	}
	if o, mine := d.enter(); !mine {
		return o
	}
	return d.settle(d.execute())
}

// worker finds the worker for a message.
func (b *batch) worker(id string) (*definition, error) {
	if b.only != nil {
		if id != b.only.id {
			return nil, fmt.Errorf("the message is for worker %q, and this is the queue of worker %q: send it to the other queue", id, b.only.id)
		}
		return b.only, nil
	}
	d, ok := b.app.workers[id]
	if !ok {
		return nil, fmt.Errorf("the message is for worker %q, which this program does not contain (it contains: %s)", id, b.app.idList())
	}
	return d, nil
}

// mayStart says why a job must not run now.
func (b *batch) mayStart(rec events.SQSMessage) error {
	if group := fifoGroup(rec); group != "" && b.failedGroups[group] {
		return fmt.Errorf("not started: an earlier message of FIFO group %q failed, and the order must be kept", group)
	}
	if err := b.ctx.Err(); err != nil && errors.Is(context.Cause(b.ctx), ErrShutdown) {
		return fmt.Errorf("not started: %w", ErrShutdown)
	}
	if !b.softEnd.IsZero() && !time.Now().Before(b.softEnd) {
		return fmt.Errorf("not started: the jobs before it in the batch used up the function's time: %w; raise the timeout or lower the batch size", ErrTimeLimit)
	}
	return nil
}

// fifoGroup is the message group of a record from a FIFO queue. Standard queues
// know message groups too (fair queues), without an order to keep.
func fifoGroup(rec events.SQSMessage) string {
	if !isFIFO(rec.EventSourceARN) {
		return ""
	}
	return rec.Attributes["MessageGroupId"]
}

// receiveCount is how often SQS has delivered the message, from 1.
func receiveCount(rec events.SQSMessage) int {
	n, err := strconv.Atoi(rec.Attributes["ApproximateReceiveCount"])
	if err != nil || n < 1 {
		return 1
	}
	return n
}
