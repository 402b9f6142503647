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

// A delivery is settled in this order: the end is recorded in the store, on the
// condition that the job is still this delivery's; SQS is told when to deliver
// again, or is given a copy; the log; the webhook; at last the response of the batch.
// Whoever reads one of them can rely on those before it. Only a message that is to come
// back at once comes back when its webhook is through: its next delivery would else find
// a job whose caller seems not to have heard of it, and tell it a second time.

// settle does what follows from what became of the handler.
func (d *delivery) settle(o outcome) outcome {
	if o.err == nil {
		return d.complete(o)
	}
	o.output = nil
	if after := snoozed(o.err); after > 0 {
		return d.snooze(o, after)
	}
	if d.lastAttempt() || isFinal(o.err) {
		return d.fail(o)
	}
	return d.deliverAgain(o)
}

// complete is the end of a job that has an output.
func (d *delivery) complete(o outcome) outcome {
	err := d.recordEnd(jobstore.Update{Status: jobstore.Completed, Output: o.output, OutputBytes: len(o.output)})
	switch {
	case errors.Is(err, jobstore.ErrLeaseLost):
		return d.lost(o)
	case err != nil:
		// Nobody would know of the output, and a store that comes back would say that
		// the job never ended: it is an attempt that failed.
		o.err = err
		return d.settle(o)
	}
	o.kind, o.final, o.done = KindCompleted, true, true
	d.event(slog.LevelInfo, "job completed", dispatch.EventCompleted,
		milliseconds(o.ran), outputAttr(o.output, d.def.settings.hideOutput))
	if !d.notify(webhookPayload{Status: webhookSuccess, Output: o.output}) {
		o = d.keepForWebhook(o)
	}
	return d.report(o)
}

// deliverAgain is an attempt that failed and is not the last.
func (d *delivery) deliverAgain(o outcome) outcome {
	je := jobError(o.err)
	if err := d.recordEnd(jobstore.Update{Status: jobstore.Queued, LastError: je}); errors.Is(err, jobstore.ErrLeaseLost) {
		return d.lost(o)
	} else if err != nil {
		d.storeFailed(err)
	}
	wait := d.def.settings.backoffAfter(d.attempt, o.err)
	if _, overran := errors.AsType[*overrunError](o.err); overran {
		// The handler is still at it, in a process that has until the deadline.
		wait = max(wait, time.Until(d.batch.deadline)+time.Second)
	}
	o.kind = KindRetrying
	attrs := []slog.Attr{slog.Any("error", je)}
	if o.ran > 0 {
		attrs = append(attrs, milliseconds(o.ran))
	}
	if d.hide(wait) && wait > 0 {
		attrs = append(attrs, delayAttr(wait))
	}
	d.event(slog.LevelWarn, "attempt failed, SQS will deliver the job again: "+reason(je), dispatch.EventRetrying, attrs...)
	return d.report(o)
}

// fail is the end of a job that has failed for good.
func (d *delivery) fail(o outcome) outcome {
	je := jobError(o.err)
	if err := d.recordEnd(jobstore.Update{Status: jobstore.Failed, Error: je}); errors.Is(err, jobstore.ErrLeaseLost) {
		return d.lost(o)
	} else if err != nil {
		d.storeFailed(err)
	}
	o.kind, o.final, o.output = KindFailed, true, nil
	message, attrs := "job failed: ", []slog.Attr{slog.Any("error", je)}
	if o.ran > 0 {
		attrs = append(attrs, milliseconds(o.ran))
	}
	o.done = d.buried(je, isFinal(o.err))
	switch {
	case o.done:
		message = "job failed, its message is in the dead-letter queue: "
	case !d.lastReceive():
		message = "job failed, and trying again would not help (SQS still delivers the message until its maxReceiveCount): "
	}
	d.event(slog.LevelError, message+reason(je), dispatch.EventFailed, attrs...)
	// The webhook URL of a message that is nobody's job here proves nothing.
	if d.def != nil {
		d.notify(webhookPayload{Status: webhookError, Error: je})
	}
	if !o.done {
		d.hide(0)
	}
	return d.report(o)
}

// buried takes the message of a job that has failed for good out of the queue, and
// reports whether it can be deleted. In its last delivery SQS moves it to the
// dead-letter queue itself; before, or when the runtime knows better, it is copied
// there. Otherwise hide(0) has it come back at once, so that SQS is soon through with
// it.
func (d *delivery) buried(je *dispatch.JobError, hopeless bool) (done bool) {
	return (hopeless || !d.lastReceive()) && d.bury(je)
}

// snooze is a job that its handler has put off.
func (d *delivery) snooze(o outcome, after time.Duration) outcome {
	if err := d.recordEnd(jobstore.Update{Status: jobstore.Queued}); errors.Is(err, jobstore.ErrLeaseLost) {
		return d.lost(o)
	} else if err != nil {
		d.storeFailed(err)
	}
	// The handler has seen this attempt and said that it was none.
	back := d.comeBack(redelivery{after: after, attempts: d.attempt - 1, send: true})
	if back.err != nil {
		o.err = fmt.Errorf("%w in the message's last delivery, and the message cannot be sent again: %w", o.err, back.err)
		return d.failUnrun(o)
	}
	o.kind, o.done = KindSnoozed, back.done
	attrs := append(back.attrs(after), milliseconds(o.ran))
	d.event(slog.LevelInfo, "job "+o.err.Error(), dispatch.EventDeferred, attrs...)
	return d.report(o)
}

// hop is a snoozed job whose time has not come: SQS delays a message for 15 minutes at most.
func (d *delivery) hop(rest time.Duration) outcome {
	o := outcome{err: fmt.Errorf("the job is not due for another %v", rest.Round(time.Second))}
	back := d.comeBack(redelivery{after: rest, attempts: d.carried.Attempts, send: true})
	if back.err != nil {
		o.err = fmt.Errorf("%w, and its message cannot be sent again: %w", o.err, back.err)
		return d.failUnrun(o)
	}
	o.kind, o.done = KindDeferred, back.done
	d.event(slog.LevelInfo, o.err.Error(), dispatch.EventDeferred, back.attrs(rest)...)
	return d.report(o)
}

// putOff is a job that could not run now, for a reason that is not its own.
func (d *delivery) putOff(err error, after time.Duration) outcome {
	o := outcome{err: err}
	// The job has not run, so the receives of this message say nothing of its attempts.
	back := d.comeBack(redelivery{after: after, attempts: d.carried.Attempts, waiting: true})
	if back.err != nil {
		o.err = fmt.Errorf("%w; this was the message's last delivery, and it cannot be sent again: %w", err, back.err)
		return d.failUnrun(o)
	}
	o.kind, o.done = KindDeferred, back.done
	je := jobError(err)
	d.event(slog.LevelWarn, reason(je), dispatch.EventDeferred, append(back.attrs(after), slog.Any("error", je))...)
	return d.report(o)
}

// failUnrun is fail for a job that this delivery has not claimed, or no longer.
func (d *delivery) failUnrun(o outcome) outcome {
	if d.tooLate() {
		d.unstored = true
	}
	if !d.unstored {
		if other, mine := d.enter(); !mine {
			return other
		}
	}
	return d.fail(o)
}

func reason(je *dispatch.JobError) string { return jsonlog.Truncate(je.Message, 300) }
