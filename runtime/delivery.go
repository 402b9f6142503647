package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// delivery is one attempt at one job.
type delivery struct {
	batch    *batch
	rec      events.SQSMessage
	msg      *dispatch.Message // nil when the body is not a job
	def      *definition       // nil when there is no such worker
	jobID    string
	workerID string
	attempt  int
	// owner names this delivery in the store, and before is the job's record before
	// it was claimed; both are zero without a store.
	owner  string
	before *jobstore.Record

	events *slog.Logger // the runtime's lines
	author *slog.Logger // the handler's lines
}

// outcome is what came of a delivery.
type outcome struct {
	output json.RawMessage
	err    error
	// ran is how long the handler took; zero when it did not run.
	ran time.Duration
	// final: no further attempt will be made, or would help.
	final bool
}

func (d *delivery) openLogs() {
	attrs := []slog.Attr{
		slog.String("jobId", jsonlog.Truncate(d.jobID, jsonlog.MaxID)),
		slog.String("workerId", jsonlog.Truncate(d.workerID, jsonlog.MaxID)),
		slog.String("requestId", d.batch.requestID),
		slog.Int("attempt", d.attempt),
	}
	if d.batch.maxReceive > 0 {
		attrs = append(attrs, slog.Int("maxAttempts", d.batch.maxReceive))
	}
	h := d.batch.app.log.Handler().WithAttrs(attrs)
	d.events = slog.New(h)
	d.author = slog.New(authorHandler{Handler: h})
}

func (d *delivery) event(level slog.Level, message, event string, attrs ...slog.Attr) {
	d.events.LogAttrs(context.WithoutCancel(d.batch.ctx), level, message,
		append([]slog.Attr{slog.String("event", event)}, attrs...)...)
}

// finish records what came of the delivery: one log line, and the webhook when
// the job has come to its end.
func (d *delivery) finish(o outcome) outcome {
	o = d.record(o)
	if observe := d.batch.app.cfg.OnOutcome; observe != nil {
		d.observe(observe, o)
	}
	return o
}

// observe keeps a panic of the observer away from the job, which is done.
func (d *delivery) observe(observe func(context.Context, Outcome), o outcome) {
	defer func() {
		if v := recover(); v != nil {
			d.events.Error("OnOutcome panicked", slog.Any("error", jobError(&PanicError{Value: v, Stack: panicStack()})))
		}
	}()
	observe(d.batch.ctx, Outcome{
		JobID: d.jobID, WorkerID: d.workerID, Attempt: d.attempt,
		Output: o.output, Err: o.err, Final: o.final, Duration: o.ran,
	})
}

func (d *delivery) record(o outcome) outcome {
	if o.err == nil {
		o.final = true
		d.event(slog.LevelInfo, "job completed", dispatch.EventCompleted,
			milliseconds(o.ran), outputAttr(o.output, d.def.settings.hideOutput))
		d.notify(webhookPayload{Status: webhookSuccess, Output: o.output})
		return o
	}

	o.output = nil
	lastAttempt := d.batch.maxReceive > 0 && d.attempt >= d.batch.maxReceive
	o.final = lastAttempt || isFinal(o.err)
	je := jobError(o.err)
	attrs := []slog.Attr{slog.Any("error", je)}
	if o.ran > 0 {
		attrs = append(attrs, milliseconds(o.ran))
	}
	reason := jsonlog.Truncate(je.Message, 300)
	switch {
	case !o.final:
		d.event(slog.LevelWarn, "attempt failed, SQS will deliver the job again: "+reason, dispatch.EventRetrying, attrs...)
		return o
	case lastAttempt:
		d.event(slog.LevelError, "job failed: "+reason, dispatch.EventFailed, attrs...)
	default:
		// Moving the message itself would need access to the dead-letter queue,
		// which the function does not have.
		d.event(slog.LevelError, "job failed, and trying again would not help (SQS still delivers the message until its maxReceiveCount): "+reason,
			dispatch.EventFailed, attrs...)
	}
	// The webhook URL of a message that is nobody's job here proves nothing.
	if d.def != nil {
		d.notify(webhookPayload{Status: webhookError, Error: je})
	}
	return o
}

func milliseconds(d time.Duration) slog.Attr {
	return slog.Float64("durationMs", float64(d.Microseconds())/1000)
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
