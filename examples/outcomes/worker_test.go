package outcomes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// What a stage tells its worker processes.
const (
	envDir  = "OUTCOMES_DIR"  // where its processes share files
	envHold = "OUTCOMES_HOLD" // whom a handler asks that is to be held up
)

// The workers. They do the same, and differ in their settings.
const (
	workerTask   = "task"   // two deliveries
	workerMany   = "many"   // batches of ten, three deliveries
	workerParent = "parent" // four deliveries
	workerSole   = "sole"   // one delivery
	workerBrief  = "brief"  // a brief function, four deliveries
	workerOnce   = "once"   // a brief function, one delivery
	workerLine   = "line"   // a FIFO queue, batches of ten, two deliveries
	workerTries  = "tries"  // three tries within a delivery, two deliveries
	workerClock  = "clock"  // a schedule
)

// The ways in which a run of the handler ends.
const (
	doValue     = "value"
	doError     = "error"
	doPermanent = "permanent"
	doSnooze    = "snooze"
	doPanic     = "panic"
	doNonsense  = "nonsense" // an output that does not fit
	doHold      = "hold"     // a value, once the test lets it go
	doHeed      = "heed"     // stays until its context ends
	doIgnore    = "ignore"   // stays whatever its context says
	doTokens    = "tokens"   // uses 120 tokens
	doOutage    = "outage"   // a value, and then the store is down
	doDispatch  = "dispatch" // a value; starts the child
	doStumble   = "stumble"  // starts the child, and then an error
	doLater     = "later"    // a value; starts the child in two seconds
	doAwait     = "await"    // a value that holds the child's
)

// Input says how a job behaves.
type Input struct {
	// Do is what its runs do, one after the other; the last is what all further ones
	// do.
	Do []string `json:"do"`
	// Child is the job of worker task that this one starts.
	Child *Input `json:"child,omitempty"`
}

// Output says which run of the job made it.
type Output struct {
	Run   int     `json:"run"`
	Child *Output `json:"child,omitempty"`
}

// outputSchema refuses what doNonsense makes, which the inferred one would not.
const outputSchema = `{"type":"object","required":["run"],"properties":{"run":{"type":"integer","minimum":1}}}`

// handlerRun is what a run of the handler notes about itself before it does anything.
type handlerRun struct {
	Job       string         `json:"job"`
	Worker    string         `json:"worker"`
	Does      string         `json:"does"`
	At        time.Time      `json:"at"`
	PID       int            `json:"pid"`
	Request   string         `json:"request"`
	Attempt   int            `json:"attempt"`
	Try       int            `json:"try"`
	LastError string         `json:"lastError"`
	User      string         `json:"user"`
	Metadata  map[string]any `json:"metadata"`
}

// The files that the processes of a stage share.
const (
	fileRuns   = "runs"       // a handlerRun on each line
	fileOutage = "store-down" // while it exists, the store is down
)

// briefTimeout is the timeout of a brief function.
const briefTimeout = 10 * time.Second

var errService = errors.New("the service is away")

// program is the worker program in one of its processes.
type program struct{ dir, hold string }

func (p program) handle(ctx context.Context, job *runtime.Job[Input]) (Output, error) {
	does, n, err := p.begin(job)
	if err != nil {
		return Output{}, err
	}
	out := Output{Run: n}
	childKey := dispatch.WithIdempotencyKey("child")
	switch does {
	case doError:
		return out, errService
	case doPermanent:
		return out, runtime.Permanent(errors.New("there is no such customer"))
	case doSnooze:
		return out, runtime.Snooze(time.Second)
	case doPanic:
		panic("something is nil")
	case doNonsense:
		return Output{Run: -1}, nil
	case doHold:
		return out, p.held(ctx, job.ID)
	case doHeed:
		<-ctx.Done()
		return out, ctx.Err()
	case doIgnore:
		<-time.After(time.Hour)
	case doTokens:
		return out, job.UseTokens(ctx, 70, 50)
	case doOutage:
		return out, os.WriteFile(filepath.Join(p.dir, fileOutage), nil, 0o600)
	case doDispatch:
		_, err = job.Dispatch(ctx, workerTask, job.Input.Child, childKey)
	case doStumble:
		_, err = job.Dispatch(ctx, workerTask, job.Input.Child, childKey)
		err = errors.Join(err, errService)
	case doLater:
		_, err = job.Dispatch(ctx, workerTask, job.Input.Child, childKey, dispatch.WithDelay(2*time.Second))
	case doAwait:
		_, err = job.DispatchAwait(ctx, workerTask, job.Input.Child, &out.Child, childKey)
	}
	return out, err
}

// begin notes the run, and says what it is to do and which run of its job it is.
func (p program) begin(job *runtime.Job[Input]) (does string, n int, err error) {
	before, err := readRuns(p.dir)
	if err != nil {
		return "", 0, err
	}
	for _, r := range before {
		if r.Job == job.ID {
			n++
		}
	}
	do := job.Input.Do
	r := handlerRun{
		Job: job.ID, Worker: job.WorkerID, Does: do[min(n, len(do)-1)], At: time.Now(), PID: os.Getpid(),
		Request: job.RequestID, Attempt: job.Attempt, Try: job.Try, User: job.UserID, Metadata: job.Metadata,
	}
	if job.LastError != nil {
		r.LastError = job.LastError.Error()
	}
	text, err := json.Marshal(r)
	if err != nil {
		return "", 0, err
	}
	return r.Does, n + 1, appendLine(p.dir, fileRuns, string(text))
}

// held returns when the test lets the job go.
func (p program) held(ctx context.Context, jobID string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.hold+jobID, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func readRuns(dir string) ([]handlerRun, error) {
	f, err := os.Open(filepath.Join(dir, fileRuns))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var runs []handlerRun
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r handlerRun
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("read the run %q: %w", lines.Text(), err)
		}
		runs = append(runs, r)
	}
	return runs, lines.Err()
}

// appendLine writes one line in one piece, whichever process else does.
func appendLine(dir, name, line string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

func (p program) workers() []runtime.Runner {
	add := func(id string, timeout time.Duration, receives int, more ...runtime.Option) runtime.Runner {
		return runtime.Must(runtime.New(id, p.handle, append([]runtime.Option{
			runtime.WithOutputSchema([]byte(outputSchema)),
			runtime.WithTimeout(timeout), runtime.WithVisibilityTimeout(timeout),
			runtime.WithMaxReceiveCount(receives), runtime.WithBackoff(runtime.Constant(time.Second)),
		}, more...)...))
	}
	// Nobody waits for the end of a long function. A tenth of a brief one's timeout is what the
	// runtime has to settle a job whose handler has used up the rest: much, on a busy machine.
	const long = time.Minute
	// Their messages stay hidden well beyond the function's end, so that a busy machine
	// does not deliver one again to a job whose settling has only begun.
	hidden := runtime.WithVisibilityTimeout(2 * briefTimeout)
	return []runtime.Runner{
		add(workerTask, long, 2),
		add(workerMany, long, 3, runtime.WithBatchSize(10), runtime.WithBatchWindow(time.Second)),
		add(workerParent, long, 4),
		add(workerSole, long, 1),
		add(workerBrief, briefTimeout, 4, hidden),
		add(workerOnce, briefTimeout, 1, hidden),
		add(workerLine, long, 2, runtime.WithFIFO(), runtime.WithBatchSize(10)),
		add(workerTries, long, 2, runtime.WithRetry(3, runtime.BadJSON(),
			runtime.Custom("service away", func(err error) bool { return strings.Contains(err.Error(), errService.Error()) }, 0))),
		add(workerClock, long, 2, runtime.WithSchedule("rate(1 day)", runtime.ScheduleInput(Input{Do: []string{doValue}}))),
	}
}

// isWorker reports whether this process was started as a worker program.
func isWorker(args []string) bool {
	return os.Getenv(envDir) != "" && (os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" || slices.Contains(args[1:], "manifest"))
}

// runWorker is the main function of the worker program; it returns the exit code.
func runWorker(ctx context.Context, args []string) int {
	p := program{dir: os.Getenv(envDir), hold: os.Getenv(envHold)}
	// A callback that is handed on would else wait for half a minute.
	cfg := runtime.AppConfig{WebhookBackoff: runtime.Constant(time.Second)}
	if url := os.Getenv("AIWORKER_STORE"); url != "" {
		store, err := jobstore.Open(url)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		cfg.Store = fallible{Store: store, dir: p.dir}
	}
	app, err := runtime.NewApp(cfg, p.workers()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return app.Run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// fallible is a store that is down while a file exists.
type fallible struct {
	jobstore.Store
	dir string
}

var errOutage = errors.New("the store is down")

func (f fallible) up() error {
	if _, err := os.Stat(filepath.Join(f.dir, fileOutage)); err == nil {
		return errOutage
	}
	return nil
}

// Claim implements jobstore.Store.
func (f fallible) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if err := f.up(); err != nil {
		return jobstore.Claimed{}, err
	}
	return f.Store.Claim(ctx, c)
}

// Update implements jobstore.Store.
func (f fallible) Update(ctx context.Context, jobID string, u jobstore.Update) error {
	if err := f.up(); err != nil {
		return err
	}
	return f.Store.Update(ctx, jobID, u)
}

// Get implements jobstore.Store.
func (f fallible) Get(ctx context.Context, jobID string) (*jobstore.Record, error) {
	if err := f.up(); err != nil {
		return nil, err
	}
	return f.Store.Get(ctx, jobID)
}
