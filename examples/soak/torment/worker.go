package torment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// workerID is the worker that is tormented.
const workerID = "tormented"

// envDir is where the processes of a run share their files.
const envDir = "SOAK_DIR"

// The files of a run, in envDir.
const (
	fileRuns      = "runs"       // a line for each run of the handler
	fileCompleted = "completed"  // a line for each completion that the store took
	fileOutage    = "store-down" // as long as it exists, the store is down
)

// Input says how a job behaves.
type Input struct {
	// Number tells jobs apart.
	Number int `json:"number"`
	// Behaviour is one of the constants below.
	Behaviour string `json:"behaviour"`
}

// The ways in which a job behaves.
const (
	succeeds    = "succeeds"
	failsFirst  = "fails-first"  // an error in its first run
	panicsFirst = "panics-first" // a panic in its first run
	snoozes     = "snoozes"      // asks for a moment in its first run
	failsAlways = "fails-always"
	permanent   = "permanent"
)

// Output is what a job makes.
type Output struct {
	Number int `json:"number"`
}

var errTorment = errors.New("this job fails on purpose")

func newWorker(dir string) *runtime.Worker[Input, Output] {
	return runtime.Must(runtime.New(workerID, func(ctx context.Context, job *runtime.Job[Input]) (Output, error) {
		if err := appendLine(dir, fileRuns, job.ID); err != nil {
			return Output{}, err
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(5*time.Millisecond)))); err != nil { //nolint:gosec // a delay is no secret
			return Output{}, err
		}
		switch job.Input.Behaviour {
		case failsAlways:
			return Output{}, errTorment
		case permanent:
			return Output{}, runtime.Permanent(errTorment)
		case failsFirst, panicsFirst, snoozes:
			first, err := firstRun(dir, job.ID)
			switch {
			case err != nil:
				return Output{}, err
			case !first:
			case job.Input.Behaviour == failsFirst:
				return Output{}, errTorment
			case job.Input.Behaviour == snoozes:
				return Output{}, runtime.Snooze(time.Second)
			default:
				panic(errTorment)
			}
		}
		return Output{Number: job.Input.Number}, nil
	},
		runtime.WithTimeout(2*time.Second),
		runtime.WithVisibilityTimeout(2*time.Second),
		runtime.WithMaxReceiveCount(6),
		runtime.WithBatchSize(10),
		runtime.WithBackoff(runtime.Constant(time.Second)),
		runtime.WithoutOutputLog(),
	))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// firstRun says whether no run of the job has asked before.
func firstRun(dir, jobID string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, "first-"+jobID), os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a file of the run, which made the ids
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// appendLine writes one short line in one piece, whichever process else does.
func appendLine(dir, name, line string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a file of the run
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// IsWorker reports whether the program was started as the worker of a run, and
// not by a person.
func IsWorker(args []string) bool {
	return os.Getenv(envDir) != "" && (os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" || slices.Contains(args[1:], "manifest"))
}

// Worker is the main function of the worker; it returns the exit code.
func Worker(ctx context.Context, args []string) int {
	dir := os.Getenv(envDir)
	cfg := runtime.AppConfig{WebhookBackoff: runtime.Constant(time.Second)}
	if url := os.Getenv("AIWORKER_STORE"); url != "" {
		store, err := jobstore.Open(url)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		cfg.Store = witness{Store: store, dir: dir}
	}
	app, err := runtime.NewApp(cfg, newWorker(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return app.Run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// witness is a store that can be switched off, and that notes every completion
// that the store behind it has taken.
type witness struct {
	jobstore.Store
	dir string
}

var errOutage = errors.New("the store is down")

func (w witness) down() error {
	if _, err := os.Stat(filepath.Join(w.dir, fileOutage)); err == nil {
		return errOutage
	}
	return nil
}

// Claim implements jobstore.Store.
func (w witness) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if err := w.down(); err != nil {
		return jobstore.Claimed{}, err
	}
	return w.Store.Claim(ctx, c)
}

// Update implements jobstore.Store.
func (w witness) Update(ctx context.Context, jobID string, u jobstore.Update) error {
	if err := w.down(); err != nil {
		return err
	}
	err := w.Store.Update(ctx, jobID, u)
	if err == nil && u.Status == jobstore.Completed {
		err = appendLine(w.dir, fileCompleted, jobID)
	}
	return err
}

// Get implements jobstore.Store.
func (w witness) Get(ctx context.Context, jobID string) (*jobstore.Record, error) {
	if err := w.down(); err != nil {
		return nil, err
	}
	return w.Store.Get(ctx, jobID)
}
