package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// Dispatch sends a job to the worker's queue, or runs it in this process in local
// mode: with dispatch.WithMode(dispatch.ModeLocal), or in auto mode where the
// environment says so (see dispatch.ModeAuto). The input is checked against the
// worker's schema first; a *dispatch.ValidationError says what does not fit.
//
// In local mode the call returns when the handler has returned, and with its
// error; the job's log goes to standard error. It runs through the same pipeline
// as in Lambda, as its only attempt, within the worker's timeout.
//
// The client is made from the environment on the first call, unless WithClient
// gave one; see dispatch.Config for the variables.
func (w *Worker[In, Out]) Dispatch(ctx context.Context, in In, opts ...dispatch.Option) (dispatch.Result, error) {
	input, err := jsonlog.Encode(in)
	if err != nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: encode the input: %w", w.def.id, err)
	}
	violations, _, err := w.def.input.validate(input)
	if err != nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: %w", w.def.id, err)
	}
	if len(violations) > 0 {
		return dispatch.Result{}, &dispatch.ValidationError{WorkerID: w.def.id, Violations: violations}
	}
	client, err := w.client()
	if err != nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: %w", w.def.id, err)
	}
	return client.DispatchRaw(ctx, w.def.id, input, opts...)
}

func (w *Worker[In, Out]) newClient() (*dispatch.Client, error) {
	if w.def.settings.client != nil {
		return w.def.settings.client, nil
	}
	return dispatch.NewClient(dispatch.Config{Local: localSender{w: w}})
}

// localSender runs a job instead of sending it.
type localSender struct{ w Runner }

// Send implements dispatch.Sender. The delay is waited for.
func (s localSender) Send(ctx context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return "", fmt.Errorf("run job %q of worker %q: %w", m.JobID, m.WorkerID, context.Cause(ctx))
		}
	}
	app, err := NewApp(AppConfig{Output: os.Stderr}, s.w)
	if err != nil {
		return "", err
	}
	o := app.runMessage(ctx, s.w.definition(), m)
	if o.err != nil {
		return "", fmt.Errorf("job %q of worker %q: %w", m.JobID, m.WorkerID, o.err)
	}
	return fmt.Sprintf("local-%d", app.cfg.Now().UnixMilli()), nil
}

// runMessage runs one job in this process, through the pipeline that Lambda uses,
// within the worker's timeout and as its only attempt.
func (a *App) runMessage(ctx context.Context, d *definition, m *dispatch.Message) outcome {
	body, err := json.Marshal(m)
	if err != nil {
		return outcome{err: fmt.Errorf("encode the message: %w", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, d.settings.timeout)
	defer cancel()

	b := a.newBatch(ctx, d)
	b.requestID = "local-" + m.JobID
	b.maxReceive = 1
	b.last.err = errors.New("the job did not run")
	b.run(events.SQSMessage{
		MessageId:  m.JobID,
		Body:       string(body),
		Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	})
	return b.last
}

// logTo is the same App with its log elsewhere.
func (a *App) logTo(w io.Writer) *App {
	out := jsonlog.NewWriter(w)
	logger := a.cfg.Logger
	if logger == nil {
		logger = jsonlog.New(out, a.cfg.Getenv("DEBUG") != "" || a.cfg.Getenv("WORKER_DEBUG") != "")
	}
	return &App{cfg: a.cfg, workers: a.workers, out: out, log: logger, webhook: a.webhook}
}
