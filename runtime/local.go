package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/memqueue"
)

// localWait is the longest that a job waits in local mode for its next attempt, or
// for what it was snoozed for.
const localWait = time.Second

// Dispatch sends a job to the worker's queue, or runs it in this process in local
// mode: with dispatch.WithMode(dispatch.ModeLocal), or in auto mode where the
// environment says so (see dispatch.ModeAuto). The input is checked against the
// worker's schema first; a *dispatch.ValidationError says what does not fit.
//
// In local mode the call returns when the job has come to its end, with the
// handler's error if it failed; the job's log goes to standard error. See App.Sender
// for how such a job runs. It can dispatch jobs of this worker only; for those of
// others give WithClient a client with App.Sender.
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
	return dispatch.NewClient(dispatch.Config{Local: localSender{app: sync.OnceValues(func() (*App, error) {
		return NewApp(AppConfig{Output: os.Stderr}, w)
	})}})
}

// Sender runs jobs of the App's workers in this process instead of sending them:
// it is what dispatch.Config.Local takes.
//
//	client, err := dispatch.NewClient(dispatch.Config{Local: app.Sender()})
//
// A job runs through the pipeline that Lambda uses, each attempt within the worker's
// timeout, over queues in memory that are this job's alone. A failed attempt is
// followed by the next one up to the worker's WithMaxReceiveCount, a snoozed job
// runs again, jobs that it dispatches run beside it, and webhooks are sent. The
// delay of the dispatch is waited for; any other wait is cut to a second, and the
// App's clock is put forward instead. Where the App has a store, all of them are
// recorded in it.
//
// Send returns when the job, and all that it has started, has come to its end: nil
// when it is completed, else an error that wraps the handler's. Ending ctx stops
// what runs. Only workers of the App can be started, by Send and by its jobs.
func (a *App) Sender() dispatch.Sender {
	return localSender{app: func() (*App, error) { return a, nil }}
}

// localSender runs a job instead of sending it.
type localSender struct{ app func() (*App, error) }

// Send implements dispatch.Sender.
func (s localSender) Send(ctx context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	app, err := s.app()
	if err != nil {
		return "", err
	}
	o, err := app.runLocal(ctx, m, delay, app.out)
	if err != nil {
		return "", fmt.Errorf("job %q of worker %q: %w", m.JobID, m.WorkerID, err)
	}
	return o.MessageID, nil
}

// localRun is one job in local mode, with the jobs that it starts.
type localRun struct {
	app    *App
	out    io.Writer
	broker *memqueue.Broker
	job    string

	mu   sync.Mutex
	apps map[string]*App // by the worker whose queue they serve
	last Outcome         // of the job
}

// runLocal runs one job, with its log on out. The error is the job's.
func (a *App) runLocal(ctx context.Context, m *dispatch.Message, delay time.Duration, out io.Writer) (Outcome, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return Outcome{}, fmt.Errorf("encode the message: %w", err)
	}
	queues := make([]memqueue.Queue, 0, len(a.workers))
	for id, def := range a.workers {
		queues = append(queues, memqueue.Queue{Worker: id, FIFO: def.settings.fifo, MaxReceive: def.settings.maxReceive, Visibility: def.settings.visibility})
	}
	r := &localRun{
		app: a, out: jsonlog.NewWriter(out), job: m.JobID,
		broker: memqueue.New(nil, localWait, queues...),
		apps:   make(map[string]*App, 1),
		last:   Outcome{Err: errors.New("the job did not run")},
	}
	if _, err := r.broker.Put(memqueue.Message{Worker: m.WorkerID, Body: string(body), Group: m.GroupID, Delay: delay}); err != nil {
		return Outcome{}, err
	}
	r.drain(ctx)
	if ctx.Err() != nil && (r.last.Err != nil && !r.last.Final) {
		return r.last, fmt.Errorf("%w: %w", context.Cause(ctx), r.last.Err)
	}
	return r.last, r.last.Err
}

// drain works until the queues are empty or ctx ends.
func (r *localRun) drain(ctx context.Context) {
	var (
		running atomic.Int64
		wg      sync.WaitGroup
		ended   = make(chan struct{}, 1)
	)
	defer wg.Wait()
	for ctx.Err() == nil {
		if d, ok := r.broker.Receive(); ok {
			running.Add(1)
			wg.Go(func() {
				r.broker.Done(d, r.deliver(ctx, d))
				running.Add(-1)
				select {
				case ended <- struct{}{}:
				default:
				}
			})
			continue
		}
		// Running is looked at first: what ends in between has put back its message.
		idle := running.Load() == 0
		at, more := r.broker.Next()
		if idle && !more {
			return
		}
		var due <-chan time.Time
		var timer *time.Timer
		if more {
			timer = time.NewTimer(time.Until(at))
			due = timer.C
		}
		select {
		case <-due:
		case <-r.broker.Changed():
		case <-ended:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// deliver runs one message and reports whether it can be deleted.
func (r *localRun) deliver(ctx context.Context, d memqueue.Delivery) bool {
	def := r.app.workers[d.Worker]
	app, err := r.serve(d.Worker)
	if err != nil {
		r.observe(Outcome{JobID: r.job, WorkerID: d.Worker, Err: err, Final: true})
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, def.settings.timeout)
	defer cancel()
	b := app.newBatch(ctx, def)
	b.requestID = d.Message.ReceiptHandle
	b.run(d.Message)
	return len(b.failures) == 0
}

// serve is the App of the function that serves a worker's queue.
func (r *localRun) serve(worker string) (*App, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if app := r.apps[worker]; app != nil {
		return app, nil
	}
	cfg := r.app.cfg
	cfg.Output, cfg.Store, cfg.SQS = r.out, r.app.store, r.broker
	cfg.Getenv = r.broker.Getenv(cfg.Getenv, worker)
	cfg.Now = r.broker.Now
	observe := cfg.OnOutcome
	cfg.OnOutcome = func(ctx context.Context, o Outcome) {
		r.observe(o)
		if observe != nil {
			observe(ctx, o)
		}
	}
	all := make([]Runner, 0, len(r.app.workers))
	for _, def := range r.app.workers {
		all = append(all, def)
	}
	app, err := NewApp(cfg, all...)
	if err != nil {
		return nil, fmt.Errorf("run worker %q here: %w", worker, err)
	}
	r.apps[worker] = app
	return app, nil
}

// observe keeps what came of the job itself.
func (r *localRun) observe(o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.JobID == r.job {
		r.last = o
	}
}
