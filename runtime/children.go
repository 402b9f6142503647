package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	envService      = "AIWORKER_SERVICE"
	envServiceOther = "WORKER_SERVICE_NAME" // the deployed system's
	envEnvironment  = "ENVIRONMENT"
	envStage        = "STAGE"
	defaultStage    = "prod"
	// fifoSuffix ends the name of every FIFO queue.
	fifoSuffix = ".fifo"

	// metadataTrigger is the key of a message's metadata that says who started the
	// job, and contextRequestID the caller's own id of the request.
	metadataTrigger  = "__trigger"
	contextRequestID = "requestId"
	contextUserID    = "userId"
)

// trigger is the provenance of a child job, in the form of the deployed system.
type trigger struct {
	Type           string `json:"type"`
	ParentJobID    string `json:"parentJobId"`
	ParentWorkerID string `json:"parentWorkerId"`
	Awaited        bool   `json:"awaited"`
}

// errNoDelivery is a facility of a job that a test has made by hand.
var errNoDelivery = errors.New("this Job belongs to no delivery; run the worker with runtimetest")

// Dispatch starts a job of another worker, or of this one, and does not wait for
// it. The message goes straight to that worker's queue: the one that
// WORKER_QUEUE_URL_<ID> names (see dispatch.QueueURLEnv), else
// <service>-<worker>-<stage>, with .fifo for a FIFO queue, where the service is
// AIWORKER_SERVICE or WORKER_SERVICE_NAME and the stage ENVIRONMENT, STAGE or prod.
// The function must be allowed to send to it: see WithCalls. In local mode the job runs in this
// process, and only workers that the App holds can be started.
//
// Input for a worker of the same App is checked against its schema first; a
// *dispatch.ValidationError says what does not fit. Of this job's context the child
// gets the request id and the user id, and the trace context; its metadata says
// under "__trigger" where it comes from, unless the options set that. A delay can
// be up to 900 seconds. With a store, the child stands in this job's record.
//
// A handler that is run again dispatches again. With dispatch.WithIdempotencyKey,
// whose key counts within this job only, the child gets the same id each time: a
// record of this job that names it keeps it from being sent again, and a store
// keeps what was sent twice from running twice. Result.MessageID is empty when
// nothing was sent. Without a store the key changes nothing on a standard queue.
func (j *Job[In]) Dispatch(ctx context.Context, workerID string, input any, opts ...dispatch.Option) (dispatch.Result, error) {
	if j == nil || j.d == nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, errNoDelivery)
	}
	c := child{parent: j.d}
	return c.dispatch(ctx, workerID, input, opts)
}

// child is one dispatch of a job by another.
type child struct {
	parent  *delivery
	awaited bool
	// jobID is the child's, once the message is made, and known its record before
	// it was sent; the latter is looked for only when awaited.
	jobID string
	known *jobstore.Record
}

func (c *child) dispatch(ctx context.Context, workerID string, input any, opts []dispatch.Option) (dispatch.Result, error) {
	app := c.parent.batch.app
	client, err := dispatch.NewClient(dispatch.Config{
		Remote: c, Mode: dispatch.ModeRemote, Tracer: app.cfg.Tracer,
		Schema: app.knownSchema, Getenv: app.cfg.Getenv, Now: app.cfg.Now,
		Logger: c.parent.events,
	})
	if err != nil {
		return dispatch.Result{}, err
	}
	raw, err := jsonlog.Encode(input)
	if err != nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: encode the input: %w", workerID, err)
	}
	if string(raw) == "null" {
		raw = nil
	}
	result, err := client.DispatchRaw(ctx, workerID, raw, opts...)
	if err != nil {
		return dispatch.Result{}, err
	}
	result.JobID = c.jobID
	return result, nil
}

// knownSchema is the input schema of a worker of this App.
func (a *App) knownSchema(_ context.Context, workerID string) (*dispatch.Schema, error) {
	if def := a.workers[workerID]; def != nil {
		return def.input.compile()
	}
	return nil, nil
}

// Send implements dispatch.Sender: it completes the message and sends it, unless
// the child has been sent before.
func (c *child) Send(ctx context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	d := c.parent
	out := *m
	keyed := out.DeduplicationID != ""
	if keyed {
		// The key is this job's own affair: other jobs may use the same one.
		out.JobID = dispatch.JobIDForKey(out.WorkerID, d.jobID+"/"+out.JobID)
		out.DeduplicationID = out.JobID
	}
	c.jobID = out.JobID
	out.Context = d.childContext(out.Context)
	out.Metadata = d.childMetadata(out.Metadata, c.awaited)

	if keyed {
		lock, _ := d.keyed.LoadOrStore(out.JobID, new(sync.Mutex))
		mu := lock.(*sync.Mutex)
		mu.Lock()
		defer mu.Unlock()
	}
	sent, err := c.sentBefore(ctx, keyed)
	if err != nil {
		return "", err
	}
	if sent {
		return "", nil
	}
	d.warnUndeclared(ctx, out.WorkerID)
	api, err := d.batch.app.queue.client.Get(ctx)
	if err != nil {
		return "", fmt.Errorf("make the client of SQS: %w", err)
	}
	id, err := dispatch.NewSQS(api, d.batch.app.childQueueURL).Send(ctx, &out, delay)
	if err != nil {
		return "", err
	}
	d.recordChild(ctx, jobstore.Child{
		JobID: out.JobID, WorkerID: out.WorkerID, Awaited: c.awaited, DelaySeconds: int(wholeSecondsUp(delay)),
	})
	return id, nil
}

// warnUndeclared tells the author of a call that WithCalls does not name, once in the life of
// a function: the role that aiwctl push makes refuses it, and the local endpoint, where
// authors see their logs, has no roles.
func (d *delivery) warnUndeclared(ctx context.Context, workerID string) {
	app := d.batch.app
	if workerID == d.def.id || slices.Contains(d.def.settings.calls, workerID) || app.cfg.Getenv(envRuntimeAPI) == "" {
		return
	}
	if _, told := app.undeclared.LoadOrStore([2]string{d.def.id, workerID}, true); told {
		return
	}
	d.events.LogAttrs(ctx, slog.LevelWarn, "the worker starts a job of another one without saying so: add runtime.WithCalls to its options, "+
		"since a function deployed by aiwctl push may send to the queues of those that are named there only",
		slog.String("calls", workerID))
}

// sentBefore reports whether the child is on its way, or at its end, already.
func (c *child) sentBefore(ctx context.Context, keyed bool) (bool, error) {
	if c.awaited {
		var err error
		c.known, err = c.parent.batch.app.store.Get(ctx, c.jobID)
		if err != nil && !errors.Is(err, jobstore.ErrNotFound) {
			return false, fmt.Errorf("nothing was sent, since the job store does not answer, and the end of job %q could not be seen: %w", c.jobID, err)
		}
		if c.known != nil {
			// A child that has failed is given another chance by whoever asks again.
			return c.known.Status != jobstore.Failed, nil
		}
	}
	return keyed && c.parent.hasChild(c.jobID), nil
}

// childContext adds to what the caller gave: a child gets nothing else of this
// job's context, which may hold more than it is meant to see.
func (d *delivery) childContext(given map[string]any) map[string]any {
	out := make(map[string]any, len(given)+2)
	requestID, ok := d.msg.Context[contextRequestID]
	if !ok || requestID == nil || requestID == "" {
		requestID = d.batch.requestID
	}
	out[contextRequestID] = requestID
	if user := d.msg.EffectiveUserID(); user != "" {
		out[contextUserID] = user
	}
	maps.Copy(out, given)
	return out
}

func (d *delivery) childMetadata(given map[string]any, awaited bool) map[string]any {
	if _, ok := given[metadataTrigger]; ok {
		return given
	}
	out := make(map[string]any, len(given)+1)
	maps.Copy(out, given)
	out[metadataTrigger] = trigger{Type: "worker", ParentJobID: d.jobID, ParentWorkerID: d.def.id, Awaited: awaited}
	return out
}

// hasChild reports whether this delivery, or one before, has sent the child.
func (d *delivery) hasChild(jobID string) bool {
	is := func(c jobstore.Child) bool { return c.JobID == jobID }
	if d.before != nil && slices.ContainsFunc(d.before.Children, is) {
		return true
	}
	d.reports.mu.Lock()
	defer d.reports.mu.Unlock()
	return slices.ContainsFunc(d.reports.children, is)
}

// recordChild adds the child to this job's record. It has been sent, so that a
// failure here must not fail its parent.
func (d *delivery) recordChild(ctx context.Context, c jobstore.Child) {
	d.reports.mu.Lock()
	d.reports.children = append(d.reports.children, c)
	closed := d.reports.closed
	d.reports.mu.Unlock()
	if closed {
		return
	}
	ctx, cancel := d.noteContext(context.WithoutCancel(ctx))
	defer cancel()
	if err := d.update(ctx, jobstore.Update{Child: &c}); err != nil {
		d.events.LogAttrs(ctx, slog.LevelWarn, "a child job was started, but it is not in this job's record",
			slog.String("childJobId", c.JobID), slog.String("childWorkerId", c.WorkerID), slog.Any("error", jobError(err)))
	}
}

// queueURLs are the queues of workers that jobs dispatch to. The zero value is ready.
type queueURLs struct {
	mu   sync.Mutex
	urls map[string]string
}

// childQueueURL finds a worker's queue. One that had to be asked for is remembered.
func (a *App) childQueueURL(ctx context.Context, workerID string) (string, error) {
	env := dispatch.QueueURLEnv(workerID)
	if url := strings.TrimSpace(a.cfg.Getenv(env)); url != "" {
		return url, nil
	}
	a.children.mu.Lock()
	url := a.children.urls[workerID]
	a.children.mu.Unlock()
	if url != "" {
		return url, nil
	}
	service := firstEnv(a.cfg.Getenv, envService, envServiceOther)
	if service == "" {
		return "", fmt.Errorf("neither %s nor %s is set: set the first to the queue's URL, or the second to the service's name", env, envService)
	}
	stage := firstEnv(a.cfg.Getenv, envEnvironment, envStage)
	if stage == "" {
		stage = defaultStage
	}
	url, err := a.lookUpQueue(ctx, workerID, service+"-"+workerID+"-"+stage)
	if err != nil {
		return "", fmt.Errorf("%w (%s is not set)", err, env)
	}
	a.children.mu.Lock()
	defer a.children.mu.Unlock()
	if a.children.urls == nil {
		a.children.urls = make(map[string]string)
	}
	a.children.urls[workerID] = url
	return url, nil
}

// lookUpQueue asks SQS for a worker's queue. Of a worker that is not in this App
// nobody here knows whether its queue is FIFO, and then has another name.
func (a *App) lookUpQueue(ctx context.Context, workerID, name string) (string, error) {
	names := []string{name, name + fifoSuffix}
	if def := a.workers[workerID]; def != nil {
		if names = names[:1]; def.settings.fifo {
			names[0] += fifoSuffix
		}
	}
	api, err := a.queue.client.Get(ctx)
	if err != nil {
		return "", fmt.Errorf("make the client of SQS: %w", err)
	}
	var first error
	for _, name := range names {
		got, err := api.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err == nil && (got == nil || got.QueueUrl == nil || *got.QueueUrl == "") {
			err = errors.New("SQS answered without its URL")
		}
		if err == nil {
			return *got.QueueUrl, nil
		}
		if first == nil {
			first = fmt.Errorf("look for queue %q: %w", name, err)
		}
		if _, missing := errors.AsType[*types.QueueDoesNotExist](err); !missing {
			return "", first
		}
	}
	return "", fmt.Errorf("%w: %w", dispatch.ErrUnknownWorker, first)
}

func firstEnv(getenv func(string) string, names ...string) string {
	for _, name := range names {
		if v := strings.TrimSpace(getenv(name)); v != "" {
			return v
		}
	}
	return ""
}
