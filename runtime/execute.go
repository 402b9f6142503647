package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

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
