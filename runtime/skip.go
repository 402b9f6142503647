package runtime

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// minBusyWait keeps two deliveries of a job from chasing each other around the end
// of a lease.
const minBusyWait = time.Second

var errAttemptsUsedUp = errors.New("the job's attempts are used up, and none came to an end: the deliveries before this one died, by a crash or a timeout, while it ran")

// enter claims the job. When it is not this delivery's to run, mine is false and the
// outcome is all there is to it.
func (d *delivery) enter() (o outcome, mine bool) {
	got, err := d.claim()
	if err == nil && got.Decision != jobstore.ClaimedJob && got.Before == nil {
		err = &storeError{fmt.Errorf("the job store answered the claim of job %q with decision %d and no record", d.jobID, got.Decision)}
	}
	if err != nil {
		d.unstored = true
		return d.putOff(err, DefaultBackoff(d.receives, err)), false
	}
	if r := got.Before; r != nil && got.Decision != jobstore.ClaimedJob && r.WorkerID != "" && r.WorkerID != d.def.id {
		// The record is another job's, of which nothing may be taken for this one's, and
		// in which nothing of this one may be written.
		d.unstored = true
		return d.fail(outcome{err: &messageError{fmt.Errorf("the job store has job %q as one of worker %q: give each job an id of its own", jsonlog.Truncate(d.jobID, jsonlog.MaxID), r.WorkerID)}}), false
	}
	switch got.Decision {
	case jobstore.Done:
		return d.completedBefore(got.Before), false
	case jobstore.Busy:
		return d.busy(got.Before), false
	case jobstore.ClaimedJob:
	}
	if d.failedForGood() {
		return d.failedBefore(), false
	}
	if limit := d.batch.maxReceive; limit > 0 && d.carried.Attempts >= limit {
		return d.fail(outcome{err: errAttemptsUsedUp}), false
	}
	return outcome{}, true
}

// failedForGood says that the very message that is delivered now has failed before
// and is on its way to the dead-letter queue. A replay from there is another
// message, or its receives are counted anew: it runs.
func (d *delivery) failedForGood() bool {
	b := d.before
	return b != nil && b.Status == jobstore.Failed && b.MessageID == d.rec.MessageId && d.receives > b.Receives
}

// completedBefore is a message whose job has its output already.
func (d *delivery) completedBefore(r *jobstore.Record) outcome {
	o := outcome{output: r.Output, kind: KindDuplicate, final: true, done: true}
	output := outputAttr(r.Output, d.def.settings.hideOutput)
	if r.Output == nil {
		output = slog.Int("outputBytes", r.OutputBytes)
	}
	d.event(slog.LevelInfo, "skipped: the job was completed before", dispatch.EventSkipped, statusAttr(jobstore.Completed), output)
	// The delivery that completed it may have died before the callback was through.
	if !d.notifyAgain(r) {
		o = d.keepForWebhook(o)
	}
	return d.report(o)
}

// failedBefore puts the claim of a job that has failed for good back, and its message
// on its way. The webhook has been told, unless the delivery in which the job failed
// died before it could.
func (d *delivery) failedBefore() outcome {
	was := d.before
	je := recordedError(was)
	err := d.recordEnd(jobstore.Update{
		Status: jobstore.Failed, Error: je, LastError: was.LastError,
		Progress: was.Progress, Webhook: was.Webhook,
	})
	if err != nil {
		d.storeFailed(err)
	}
	o := outcome{err: fmt.Errorf("the job has failed before: %s", je.Message), kind: KindDuplicate, final: true}
	o.done = d.buried(je, true)
	d.event(slog.LevelInfo, "skipped: the job has failed before, and SQS has yet to move its message to the dead-letter queue",
		dispatch.EventSkipped, statusAttr(jobstore.Failed), slog.Any("error", je))
	if was.Webhook == nil {
		d.notify(webhookPayload{Status: webhookError, Error: je})
	}
	if !o.done {
		d.hide(0)
	}
	return d.report(o)
}

// busy is a message whose job another delivery is running. It comes back when that
// one cannot be running any more.
func (d *delivery) busy(r *jobstore.Record) outcome {
	rest := max(time.Until(r.LeaseUntil), minBusyWait)
	o := outcome{err: errors.New("another delivery is running the job"), kind: KindBusy}
	return d.stepAside(o, d.comeBack(redelivery{after: rest, attempts: d.attempt - 1, waiting: true}), rest)
}

// lost is a job that another delivery has claimed while this one was running it. What
// this one found out is nobody's.
func (d *delivery) lost(o outcome) outcome {
	o.err = fmt.Errorf("nothing was recorded of this attempt: %w", jobstore.ErrLeaseLost)
	o.output, o.kind = nil, KindBusy
	// The message is not hidden: if SQS has delivered it again meanwhile, it is the
	// other delivery's to hide.
	var back redelivered
	if d.lastReceive() {
		back = d.comeBack(redelivery{after: d.def.settings.timeout, attempts: d.attempt - 1, waiting: true})
	}
	return d.stepAside(o, back, d.def.settings.timeout)
}

func (d *delivery) stepAside(o outcome, back redelivered, after time.Duration) outcome {
	o.done = back.done
	attrs := append(back.attrs(after), statusAttr(jobstore.Running))
	if o.ran > 0 {
		attrs = append(attrs, milliseconds(o.ran))
	}
	if back.err != nil {
		d.hide(after) // the other delivery may be through with the job by then
		d.events.LogAttrs(d.batch.ctx, slog.LevelWarn, "SQS moves the message to the dead-letter queue although another delivery is running its job: it cannot be sent again",
			slog.Any("error", jobError(back.err)))
	}
	d.event(slog.LevelInfo, "skipped: "+o.err.Error(), dispatch.EventSkipped, attrs...)
	return d.report(o)
}

// redelivery is when a job is to be delivered again that has not failed.
type redelivery struct {
	after time.Duration
	// attempts is how many the job has made, if its message is sent again.
	attempts int
	// send: as a message of its own. Otherwise the one that was delivered is hidden,
	// unless this is its last delivery, after which SQS would give it up.
	send bool
	// waiting is sendAgain's.
	waiting bool
}

// redelivered says how that went.
type redelivered struct {
	// done: the message was sent again, and the delivered one can be deleted.
	done bool
	// known: SQS has been told when.
	known bool
	// err: SQS will move the message to the dead-letter queue, since it was the last
	// delivery and this kept it from being sent again. It is not hidden yet.
	err error
}

func (b redelivered) attrs(after time.Duration) []slog.Attr {
	attrs := make([]slog.Attr, 0, 3)
	if b.known && after > 0 {
		attrs = append(attrs, delayAttr(after))
	}
	return attrs
}

func (d *delivery) comeBack(c redelivery) redelivered {
	if c.send || d.lastReceive() {
		err := errNoTime
		if !d.tooLate() {
			err = d.sendAgain(c.after, c.attempts, c.waiting)
		}
		if err == nil {
			return redelivered{done: true, known: true}
		}
		if d.lastReceive() && !d.local() {
			return redelivered{err: err}
		}
	}
	return redelivered{known: d.hide(c.after)}
}

var errNoTime = errors.New("the function's time is up")

// tooLate says that the rest of the invocation is needed for its response.
func (d *delivery) tooLate() bool {
	deadline := d.batch.deadline
	return !deadline.IsZero() && time.Until(deadline) < settleReserve/2
}

// hide has SQS deliver the message again after the given time, and reports whether
// it will.
func (d *delivery) hide(after time.Duration) bool {
	if d.local() || d.tooLate() {
		return false
	}
	return d.batch.app.queue.hideOrWarn(d.batch.ctx, d.rec, after)
}
