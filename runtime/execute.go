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

// execute takes the job through its stages: input checked, handler run, output
// checked; the last two again as long as the worker's retry patterns ask for it. What
// panics in between, such as an engine for schemas, is an attempt that failed: the
// job's claim must not outlive it.
func (d *delivery) execute() (o outcome) {
	defer func() {
		if v := recover(); v != nil {
			o = outcome{err: &PanicError{Value: fmt.Sprint(v), Stack: panicStack()}}
			if lost := d.closeReports(); lost != nil {
				o.err = lost
			}
		}
	}()
	input := d.msg.Input
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	input, err := d.checkInput(input)
	if err != nil {
		return outcome{err: err}
	}
	d.openTokens()
	d.event(slog.LevelInfo, "job started", dispatch.EventStarted)

	ctx := d.batch.ctx
	if d.recorded() {
		ctx, d.stop = context.WithCancelCause(ctx)
		defer d.stop(nil)
	}
	ctx, cancel := d.bound(ctx)
	defer cancel()
	ctx, endSpan := d.startProcess(ctx)

	r := run{d: d, lastError: d.lastError(), metadata: orEmpty(d.msg.Metadata), context: orEmpty(d.msg.Context)}
	began := time.Now()
	o = d.runHandler(ctx, &r, input)
	o.ran = time.Since(began)
	if lost := d.closeReports(); lost != nil {
		o = outcome{err: lost, ran: o.ran}
	}
	endSpan(o.err)
	return o
}

// bound ends the context of the handler shortly before the function ends.
func (d *delivery) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.batch.softEnd.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, d.batch.softEnd, ErrTimeLimit)
}

// runHandler runs the handler until its output is valid or there is no further try.
func (d *delivery) runHandler(ctx context.Context, r *run, input json.RawMessage) outcome {
	for r.try = 1; ; r.try++ {
		began := time.Now()
		output, err := d.callHandler(ctx, r, input)
		if err == nil {
			err = d.checkOutput(output)
		}
		if err == nil || !d.tryAgain(ctx, err, r.try, time.Since(began)) {
			return outcome{output: output, err: err}
		}
		// The handler of the last try may still look at its own run.
		next := *r
		next.lastError = attemptError(err)
		r = &next
	}
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

// call is one run of a handler in a goroutine of its own.
type call struct {
	run   *run
	input json.RawMessage
	// typed is the run of a handler without middleware. Its input is decoded, and its
	// output encoded, outside of that goroutine, whose small stack would have to grow
	// for it, again for every job.
	typed  typedRun
	output json.RawMessage
	err    error
	done   chan struct{} // closed when output and err are there
}

// start decodes the input, unless middleware may still change it.
func (c *call) start() (err error) {
	if c.run.hasMiddleware() {
		return nil
	}
	defer soundInto(&err)
	defer recoverInto(&err)
	c.typed, err = c.run.d.def.decode(c.run, c.input)
	return err
}

func (c *call) handle(ctx context.Context) {
	defer close(c.done)
	defer recoverInto(&c.err)
	// A handler can end its goroutine without returning (runtime.Goexit, which is
	// what t.FailNow calls); then this is what stays.
	c.err = errNoReturn
	if c.typed != nil {
		c.err = c.typed.handle(ctx)
		return
	}
	c.output, c.err = c.run.invoke(ctx, c.input)
}

// result is what came of the call.
func (c *call) result(ctx context.Context) (output json.RawMessage, err error) {
	if c.err != nil || c.typed == nil {
		return c.output, explainEnd(ctx, soundError(c.err))
	}
	defer soundInto(&err)
	defer recoverInto(&err)
	return c.typed.encode()
}

// recoverInto makes an error of a panic: that of the handler, or of a method by
// which its types are decoded and encoded.
func recoverInto(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: panicStack()}
	}
}

// callHandler runs the handler in a goroutine of its own, because only then can
// the batch go on when a handler does not return. The goroutine is waited for
// until the function's deadline; after that it belongs to batch.running.
func (d *delivery) callHandler(ctx context.Context, r *run, input json.RawMessage) (json.RawMessage, error) {
	c := &call{run: r, input: input, done: make(chan struct{})}
	if err := c.start(); err != nil {
		return nil, err
	}
	go c.handle(ctx)

	select {
	case <-c.done:
		return c.result(ctx)
	case <-ctx.Done():
	}
	// The context has ended. A handler that heeds it needs a moment to return:
	// half of what is left before the kill, so that the rest suffices to record.
	b := d.batch
	patience := maxMargin / 2
	if !b.deadline.IsZero() {
		patience = min(patience, time.Until(b.deadline)/2)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return c.result(ctx)
	case <-timer.C:
		b.running = append(b.running, c.done)
		if again, err := dispatch.ParseMessage([]byte(d.rec.Body)); err == nil {
			d.quiet = again
		}
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
