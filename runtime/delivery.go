package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
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
	// receives is how often SQS has delivered this message, and attempt that and
	// the attempts that an earlier message of the job has carried over.
	receives, attempt int
	carried           carried

	// owner names this delivery in the store, and before is the job's record before
	// it was claimed; both are zero without a store.
	owner  string
	before *jobstore.Record
	// stop ends the handler's context; nil while no handler runs. callHandler sets
	// it before the handler can call update.
	stop context.CancelCauseFunc
	// unstored says that the store could not be written to at the end of the job: it
	// is not asked again.
	unstored bool

	// quiet is the message read anew, when a handler runs on that may still write to
	// the maps of msg.
	quiet *dispatch.Message

	// keyed has a *sync.Mutex for the id of each child with an idempotency key: of
	// two dispatches at the same moment the second finds the first.
	keyed sync.Map

	reports reports         // what the handler has reported about the job
	span    context.Context //nolint:containedctx // carries the handler's span alone; nil without a tracer

	events *slog.Logger // the runtime's lines
	author *slog.Logger // the handler's lines
}

// outcome is what came of a delivery.
type outcome struct {
	output json.RawMessage
	err    error
	// ran is how long the handler took; zero when it did not run.
	ran time.Duration
	// kind is set when the delivery is settled.
	kind OutcomeKind
	// final: no further attempt will be made, or would help.
	final bool
	// done: the message can be deleted. Otherwise SQS must deliver it again, or move it to
	// the dead-letter queue.
	done bool
}

// quietMessage is the message, with maps that nobody writes to once the job is being
// settled.
func (d *delivery) quietMessage() *dispatch.Message {
	if d.quiet != nil {
		return d.quiet
	}
	return d.msg
}

func (d *delivery) openLogs() {
	h := &jobHandler{d: d}
	d.events = slog.New(h)
	d.author = slog.New(authorHandler{Handler: h})
}

// jobHandler writes lines with the job's fields. It is made for every delivery, and
// used by those few that log something of their own: so it prepares itself late.
type jobHandler struct {
	d    *delivery
	once sync.Once
	with slog.Handler
}

func (h *jobHandler) handler() slog.Handler {
	h.once.Do(func() { h.with = h.d.batch.app.log.Handler().WithAttrs(h.d.fields()) })
	return h.with
}

// Enabled implements slog.Handler.
func (h *jobHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.d.batch.app.log.Handler().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *jobHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *jobHandler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.handler().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (h *jobHandler) WithGroup(name string) slog.Handler { return h.handler().WithGroup(name) }

// fields are those of every line of the job.
func (d *delivery) fields() []slog.Attr {
	attrs := make([]slog.Attr, 0, 5)
	attrs = append(attrs,
		slog.String("jobId", jsonlog.Truncate(d.jobID, jsonlog.MaxID)),
		slog.String("workerId", jsonlog.Truncate(d.workerID, jsonlog.MaxID)),
		slog.String("requestId", d.batch.requestID),
		slog.Int("attempt", d.attempt))
	if d.batch.maxReceive > 0 {
		attrs = append(attrs, slog.Int("maxAttempts", d.batch.maxReceive))
	}
	return attrs
}

// event writes an event of dispatch.JobEvent.
func (d *delivery) event(level slog.Level, message, event string, attrs ...slog.Attr) {
	if d.batch.app.cfg.Logger != nil {
		d.events.LogAttrs(context.WithoutCancel(d.batch.ctx), level, message,
			append([]slog.Attr{slog.String("event", event)}, attrs...)...)
		return
	}
	l := &d.batch.line
	l.Begin(time.Now(), level, message)
	l.String("jobId", jsonlog.Truncate(d.jobID, jsonlog.MaxID))
	l.String("workerId", jsonlog.Truncate(d.workerID, jsonlog.MaxID))
	l.String("requestId", d.batch.requestID)
	l.Int("attempt", int64(d.attempt))
	if d.batch.maxReceive > 0 {
		l.Int("maxAttempts", int64(d.batch.maxReceive))
	}
	l.String("event", event)
	for _, a := range attrs {
		l.Attr(a)
	}
	l.Write(d.batch.app.out)
}

// lastAttempt says that a failure of this attempt is the job's.
func (d *delivery) lastAttempt() bool {
	return d.batch.maxReceive > 0 && d.attempt >= d.batch.maxReceive
}

// lastReceive says that SQS moves the message to the dead-letter queue unless it
// is deleted.
func (d *delivery) lastReceive() bool {
	return d.batch.maxReceive > 0 && d.receives >= d.batch.maxReceive
}

// local says that the message came from no queue: it was handed to the process
// directly, and SQS knows nothing of it.
func (d *delivery) local() bool { return d.rec.EventSourceARN == "" }

// report tells the program's observer, and returns the outcome.
func (d *delivery) report(o outcome) outcome {
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
		JobID: d.jobID, WorkerID: d.workerID, MessageID: d.rec.MessageId, Kind: o.kind,
		Attempt: d.attempt, MaxAttempts: d.batch.maxReceive, Receives: d.receives,
		Output: o.output, Err: o.err, Final: o.final, Duration: o.ran,
	})
}

func milliseconds(d time.Duration) slog.Attr { return slog.Float64("durationMs", inMillis(d)) }

func delayAttr(d time.Duration) slog.Attr { return slog.Float64("delayMs", inMillis(d)) }

func inMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
