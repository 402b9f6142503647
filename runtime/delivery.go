package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
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

// execute takes the job through its stages: input checked, handler run, output checked.
func (d *delivery) execute() outcome {
	input := d.msg.Input
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	input, err := d.checkInput(input)
	if err != nil {
		return outcome{err: err}
	}
	d.event(slog.LevelInfo, "job started", dispatch.EventStarted)
	began := time.Now()
	output, err := d.callHandler(input)
	o := outcome{output: output, err: err, ran: time.Since(began)}
	if o.err == nil {
		o.err = d.checkOutput(output)
	}
	return o
}

// checkInput returns the input as the handler may see it.
func (d *delivery) checkInput(input json.RawMessage) (json.RawMessage, error) {
	violations, warnings, err := d.def.input.validate(input)
	if err != nil {
		return nil, fmt.Errorf("check the input of worker %q: %w", d.def.id, err)
	}
	if len(violations) > 0 {
		return nil, inputError{&dispatch.ValidationError{WorkerID: d.def.id, Violations: violations}}
	}
	if len(warnings) == 0 {
		return input, nil
	}
	d.events.LogAttrs(d.batch.ctx, slog.LevelWarn, "the input is accepted, with doubts: "+describeViolations(warnings))
	if input, err = d.def.input.dropUnknown(input); err != nil {
		return nil, fmt.Errorf("drop what worker %q does not know: %w", d.def.id, err)
	}
	return input, nil
}

func (d *delivery) checkOutput(output json.RawMessage) error {
	violations, _, err := d.def.output.validate(output)
	if err != nil {
		return &OutputError{WorkerID: d.def.id, Err: err}
	}
	if len(violations) > 0 {
		return &OutputError{WorkerID: d.def.id, Violations: violations}
	}
	return nil
}

// callHandler runs the handler in a goroutine of its own, because only then can
// the batch go on when a handler does not return. The goroutine is waited for
// until the function's deadline; after that it belongs to batch.running.
func (d *delivery) callHandler(input json.RawMessage) (json.RawMessage, error) {
	b := d.batch
	ctx, cancel := context.WithCancel(b.ctx)
	if !b.softEnd.IsZero() {
		cancel()
		ctx, cancel = context.WithDeadlineCause(b.ctx, b.softEnd, ErrTimeLimit)
	}
	defer cancel()

	info := jobInfo{
		id: d.jobID, requestID: b.requestID, userID: d.msg.EffectiveUserID(),
		metadata: orEmpty(d.msg.Metadata), context: orEmpty(d.msg.Context),
		attempt: d.attempt, maxAttempts: b.maxReceive, sentAt: d.msg.Timestamp,
		log: d.author, events: d.events,
	}
	type result struct {
		output json.RawMessage
		err    error
	}
	results := make(chan result, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// A handler can end its goroutine without returning (runtime.Goexit, which
		// is what t.FailNow calls), so the result is sent by a deferred call.
		r := result{err: errNoReturn}
		defer func() { results <- r }()
		defer func() {
			if v := recover(); v != nil {
				r = result{err: &PanicError{Value: v, Stack: panicStack()}}
			}
		}()
		output, err := d.def.invoke(ctx, info, input)
		r = result{output, err}
	}()

	select {
	case r := <-results:
		return r.output, explainEnd(ctx, r.err)
	case <-ctx.Done():
	}
	// The context has ended. A handler that heeds it needs a moment to return:
	// half of what is left before the kill, so that the rest suffices to record.
	patience := maxMargin / 2
	if !b.deadline.IsZero() {
		patience = min(patience, time.Until(b.deadline)/2)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-results:
		return r.output, explainEnd(ctx, r.err)
	case <-timer.C:
		b.running = append(b.running, done)
		return nil, &overrunError{cause: context.Cause(ctx)}
	}
}

// explainEnd says why the context ended when a handler only reports that it did.
func explainEnd(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	cause := context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
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

// notify sends the completion webhook, if the job has one, and logs the result.
// A webhook that fails never fails the job.
func (d *delivery) notify(p webhookPayload) {
	target := d.msg.WebhookURL
	if target == "" {
		return
	}
	p.JobID, p.WorkerID, p.Metadata = d.jobID, d.workerID, d.msg.Metadata
	began := time.Now()
	status, attempts, err := d.batch.app.webhook.send(d.batch.ctx, target, p)
	attrs := []slog.Attr{slog.String("webhookUrl", loggableURL(target)), slog.Int("webhookAttempts", attempts), milliseconds(time.Since(began))}
	if status != 0 {
		attrs = append(attrs, slog.Int("webhookStatus", status))
	}
	if err != nil {
		d.event(slog.LevelWarn, "webhook not delivered: "+jsonlog.Truncate(err.Error(), 300), dispatch.EventWebhook,
			append(attrs, slog.Any("error", jobError(err)))...)
		return
	}
	d.event(slog.LevelInfo, "webhook delivered", dispatch.EventWebhook, attrs...)
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
