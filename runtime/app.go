package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// AppConfig configures an App. The zero value is what Main uses.
type AppConfig struct {
	// Logger gets the job events; nil means JSON lines on Output. A logger of
	// another form works, but the console then shows its lines as plain text.
	Logger *slog.Logger
	// Output gets the log: markers and, without a Logger, JSON lines. Nil means
	// os.Stdout, which is where Lambda looks for it.
	Output io.Writer
	// Store keeps job records, so that a job runs once although SQS delivers at least
	// once. Nil means AIWORKER_STORE ("memory:" or "file:<directory>", for local
	// work), and without that variable none: each delivery then runs its job.
	Store jobstore.Store
	// Middleware wraps every handler, the first one outermost; see WithMiddleware
	// for those of one worker, which are inside these.
	Middleware []Middleware
	// Tracer makes spans; nil means no tracing.
	Tracer dispatch.Tracer
	// SQS is used to delay, re-send and dead-letter messages, and for Job.Dispatch;
	// nil means a client made from the environment when it is first needed.
	SQS SQSAPI
	// WebhookSecret signs completion webhooks, as "whsec_" and base64; several,
	// separated by spaces, sign side by side while one replaces another. Empty means
	// WORKER_WEBHOOK_SECRET, and without that webhooks are not signed.
	WebhookSecret string
	// WebhookAllowPrivate lets webhooks go to private, loopback and link-local
	// addresses; false means WORKER_WEBHOOK_ALLOW_PRIVATE=true.
	WebhookAllowPrivate bool
	// WebhookBackoff is how long a webhook waits that the invocation could not
	// deliver: it is called with 1 for the delayed message, and with one more for each
	// delivery of that which fails, without an error. Nil means Exponential from 30
	// seconds, at most 15 minutes. The message's own delay is 15 minutes at most.
	WebhookBackoff Backoff
	// WebhookClient sends completion webhooks; nil means a client of the App's own,
	// which takes no proxy from the environment. Its redirect policy is replaced: see
	// the package documentation. Private addresses are refused on the connections of
	// an *http.Transport, or of none; what its Proxy function sends through a proxy,
	// and any other RoundTripper, is trusted with them.
	WebhookClient *http.Client
	// WebhookStack puts the stack of a panic into the webhook's payload. Stacks
	// tell a receiver about the inside of the worker, so the default is off.
	WebhookStack bool
	// MaxStoredOutput is how many bytes of output a job's record keeps; of a longer
	// one it keeps the length alone. Input and metadata are kept up to a quarter of
	// it each. Zero means 256 KiB, with which a record fits into the 400 KB of a
	// DynamoDB item; below zero nothing of them is kept.
	MaxStoredOutput int
	// OnOutcome, if set, is called once for each message when it has been dealt with,
	// for metrics and tests; not for a webhook that was handed on to a message. It is
	// called from the goroutine of the invocation and must be quick.
	OnOutcome func(ctx context.Context, o Outcome)
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// OutcomeKind says in a word what came of a delivery.
type OutcomeKind string

// The kinds of outcomes.
const (
	// KindCompleted: the handler's output is valid, and recorded where there is a store.
	KindCompleted OutcomeKind = "completed"
	// KindRetrying: the attempt failed, and SQS delivers the job again.
	KindRetrying OutcomeKind = "retrying"
	// KindFailed: the job has failed for good.
	KindFailed OutcomeKind = "failed"
	// KindSnoozed: the handler asked to be called again later.
	KindSnoozed OutcomeKind = "snoozed"
	// KindDeferred: the job did not run and SQS delivers it again, because it is not
	// due, the job store cannot be reached, or the invocation has no time left for it.
	KindDeferred OutcomeKind = "deferred"
	// KindBusy: another delivery has the job; if this one ran it, nothing of that counts.
	KindBusy OutcomeKind = "busy"
	// KindDuplicate: the job had come to its end before, and did not run.
	KindDuplicate OutcomeKind = "duplicate"
)

// Outcome is what came of one delivery of a job.
type Outcome struct {
	// JobID and WorkerID are the message's; WorkerID is empty when the message
	// could not be read. MessageID is the SQS message.
	JobID, WorkerID, MessageID string
	// Kind sums it up.
	Kind OutcomeKind
	// Attempt and MaxAttempts are those of Job, and Receives is how often SQS has
	// delivered this message, from 1.
	Attempt, MaxAttempts, Receives int
	// Output is the job's output as JSON; nil unless it is completed, or was before.
	Output json.RawMessage
	// Err is nil when the job is completed, or was before. Otherwise it wraps the
	// handler's error, or is a *dispatch.ValidationError, an *OutputError or a
	// *PanicError, or says why the job did not run.
	Err error
	// Final says that the job has come to its end: no other attempt will be made,
	// or none could help.
	Final bool
	// Duration is how long the handler ran; zero when it did not.
	Duration time.Duration
}

// App is a program's set of workers. It is safe for concurrent use.
type App struct {
	cfg     AppConfig
	workers map[string]*definition
	// problems are those of a program that is asked for its manifest; otherwise
	// NewApp returns them.
	problems []*problem
	out      *jsonlog.Writer
	log      *slog.Logger
	webhook  *webhookSender
	queue    *queueOps
	store    jobstore.Store // nil: none
	// maxStored is AppConfig.MaxStoredOutput, resolved.
	maxStored int
	// children are the queues of workers that jobs dispatch to.
	children queueURLs
	// undeclared are the calls, from worker to worker, that the log has warned of.
	undeclared sync.Map
	// maxReceive is the queue's maxReceiveCount; 0 is unknown.
	maxReceive int
	// active is held for reading by every invocation, so that a shutdown can wait
	// for them, and keep out further ones, by taking it for writing.
	active sync.RWMutex
}

// NewApp makes an App. Two workers must not have the same id, nor ids that make
// the same function, queue or variable name when deployed; the error names all that do.
//
// In a program that was started to print its manifest (its last argument is "manifest") they
// are no error of NewApp: Run prints them, and those of every Must, in the manifest.
func NewApp(cfg AppConfig, workers ...Runner) (*App, error) {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Output == nil {
		cfg.Output = os.Stdout
	}
	a := &App{cfg: cfg, workers: make(map[string]*definition, len(workers)), out: jsonlog.NewWriter(cfg.Output)}
	a.log = cfg.Logger
	if a.log == nil {
		a.log = jsonlog.New(a.out, cfg.Getenv("DEBUG") != "" || cfg.Getenv("WORKER_DEBUG") != "")
	}
	cfg.Tracer = guardTracer(cfg.Tracer, a.log)
	a.cfg.Tracer = cfg.Tracer
	a.queue = &queueOps{client: sqsclient.NewLazy(cfg.SQS, "us-east-1", cfg.Getenv), getenv: cfg.Getenv, log: a.log}
	var err error
	if a.store, err = openStore(cfg); err != nil {
		return nil, err
	}
	a.store = guardStore(a.store)
	a.maxStored = cmp.Or(max(cfg.MaxStoredOutput, -1), defaultMaxStored)
	if a.webhook, err = newWebhookSender(cfg, a.log); err != nil {
		return nil, err
	}

	if text := strings.TrimSpace(cfg.Getenv("AIWORKER_MAX_RECEIVE_COUNT")); text != "" {
		// The count only tells a last attempt from the others: not worth losing
		// jobs over, which is what a function that does not start would do.
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			a.log.Warn("AIWORKER_MAX_RECEIVE_COUNT is not a number of 1 or more; the last attempt of a job will not be recognised", "value", text)
		} else {
			a.maxReceive = n
		}
	}
	problems := a.take(workers)
	if manifestWanted() {
		a.problems = append(remembered(), problems...)
		return a, nil
	}
	if len(problems) > 0 {
		errs := make([]error, len(problems))
		for i, p := range problems {
			errs[i] = p.err
		}
		return nil, errors.Join(errs...)
	}
	return a, nil
}

// take makes the workers the App's, and says what is wrong with them together.
func (a *App) take(workers []Runner) []*problem {
	var problems []*problem
	wrong := func(d *definition, format string, args ...any) {
		p := &problem{err: fmt.Errorf(format, args...)}
		if d != nil {
			p.at, p.id = d.at, d.id
		}
		problems = append(problems, p)
	}
	for i, w := range workers {
		if w == nil {
			wrong(nil, "worker number %d is nil", i+1)
			continue
		}
		d := w.definition()
		switch {
		case d == nil:
			wrong(nil, "worker number %d was not made by New", i+1)
		case d.refused: // Must has remembered why
		case a.workers[d.id] != nil:
			wrong(d, "two workers have the id %q", d.id)
		default:
			a.workers[d.id] = d
		}
	}
	a.checkNames(wrong)
	return problems
}

// checkNames refuses ids that differ and still collide once deployed: the
// function's name drops dashes and letter case, the variable's name drops case,
// and the dead-letter queue of "a" is called like the queue of "a-dlq".
func (a *App) checkNames(wrong func(d *definition, format string, args ...any)) {
	functions := map[string]string{}
	for _, id := range a.ids() {
		key := strings.ToLower(strings.Map(func(r rune) rune {
			if isAlphanumeric(r) {
				return r
			}
			return -1
		}, id))
		if other, taken := functions[key]; taken {
			wrong(a.workers[id], "workers %q and %q would share one function name: rename one", other, id)
		}
		functions[key] = id
		if d, taken := a.workers[id+"-dlq"]; taken {
			wrong(d, "worker %q would share the dead-letter queue of worker %q: rename one", id+"-dlq", id)
		}
	}
}

// ids are the workers' ids, sorted.
func (a *App) ids() []string { return slices.Sorted(maps.Keys(a.workers)) }

// idList is for messages.
func (a *App) idList() string { return cmp.Or(strings.Join(a.ids(), ", "), "none") }
