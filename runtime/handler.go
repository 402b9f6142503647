package runtime

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	// killed: see batch.settle.
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

// handleWorkerSQS is HandleSQS for a function that serves one worker's queue.
func (a *App) handleWorkerSQS(ctx context.Context, ev events.SQSEvent, d *definition) (events.SQSEventResponse, error) {
	return a.handleBatch(ctx, ev, d), nil
}

func (a *App) handleBatch(ctx context.Context, ev events.SQSEvent, only *definition) events.SQSEventResponse {
	a.active.RLock()
	defer a.active.RUnlock()

	b := a.newBatch(ctx, only)
	for _, rec := range ev.Records {
		b.run(rec)
	}
	b.settle()
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
	failed       map[string]bool // message ids in failures
	failedGroups map[string]bool // FIFO message groups with a failure
	succeeded    int
	running      []<-chan struct{} // handlers that ignored their context
	last         outcome
}

func (a *App) newBatch(ctx context.Context, only *definition) *batch {
	b := &batch{app: a, ctx: ctx, only: only, requestID: "local", maxReceive: a.maxReceive, failed: map[string]bool{}, failedGroups: map[string]bool{}}
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
	ok := false
	defer func() {
		if v := recover(); v != nil {
			b.app.log.Error("the runtime itself panicked; this is a bug in it",
				"messageId", rec.MessageId, "requestId", b.requestID,
				"error", &dispatch.JobError{Message: fmt.Sprint(v), Name: "PanicError", Stack: panicStack()})
		}
		if ok {
			b.succeeded++
			return
		}
		b.fail(rec)
	}()
	b.last = b.deliver(rec)
	ok = b.last.err == nil
}

func (b *batch) fail(rec events.SQSMessage) {
	if group := fifoGroup(rec); group != "" {
		b.failedGroups[group] = true
	}
	// SQS delivers at least once, so one batch may hold a message twice.
	if b.failed[rec.MessageId] {
		return
	}
	b.failed[rec.MessageId] = true
	b.failures = append(b.failures, events.SQSBatchItemFailure{ItemIdentifier: rec.MessageId})
}

// settle decides what becomes of a handler that ignored the end of its context. A
// goroutine cannot be stopped from outside, only the process can. While jobs of
// this batch have been completed, their messages must not be delivered again, so
// the response goes out and the handler is left behind. Otherwise nothing is
// lost by letting Lambda kill the process at the deadline, and the next
// invocation gets a clean one.
func (b *batch) settle() {
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

// deliver runs the job of one record and tells the log and the webhook.
func (b *batch) deliver(rec events.SQSMessage) outcome {
	msg, parseErr := dispatch.ParseMessage([]byte(rec.Body))
	d := &delivery{batch: b, rec: rec, attempt: receiveCount(rec)}
	if parseErr == nil {
		d.msg = msg
		d.jobID, d.workerID = msg.JobID, msg.WorkerID
	}
	// A message without a job id still needs one name in the log; every job of
	// that kind under one and the same name would be none.
	if d.jobID == "" {
		d.jobID = rec.MessageId
	}
	if b.only != nil && d.workerID == "" {
		d.workerID = b.only.id
	}
	b.app.out.Marker(dispatch.RunMarker, dispatch.Run{JobID: jsonlog.Truncate(d.jobID, jsonlog.MaxID), WorkerID: jsonlog.Truncate(d.workerID, jsonlog.MaxID), AWSRequestID: b.requestID})
	d.openLogs()

	if parseErr != nil {
		return d.finish(outcome{err: &messageError{fmt.Errorf("the message is not a job: %w", parseErr)}})
	}
	def, err := b.worker(d.workerID)
	if err != nil {
		return d.finish(outcome{err: &messageError{err}})
	}
	d.def = def
	if err := b.mayStart(rec); err != nil {
		return d.finish(outcome{err: err})
	}
	return d.finish(d.execute())
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
	if !strings.HasSuffix(rec.EventSourceARN, ".fifo") {
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
