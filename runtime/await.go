package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// The pause between two looks at an awaited job grows from the first to the second.
const (
	awaitFirst = 250 * time.Millisecond
	awaitLast  = 5 * time.Second
)

// ChildError is the failure of an awaited job.
type ChildError struct {
	// JobID and WorkerID are the child's.
	JobID, WorkerID string
	// Err is why it failed; never nil.
	Err *dispatch.JobError
}

// Error says which job failed, and why.
func (e *ChildError) Error() string {
	return fmt.Sprintf("job %q of worker %q failed: %s", e.JobID, e.WorkerID, e.Err.Message)
}

// DispatchAwait is Dispatch, and waits until the job has come to its end: its
// output is decoded into out, a pointer, or nil for an output that does not matter.
// A job that has failed is a *ChildError.
//
// It watches the job's record, so parent and child need the same store; without one
// nothing is sent. An output that was too long for the store is an error. The parent
// waits while its function runs and costs, within its own timeout: when that is
// near, the error says that the child goes on. Give such a dispatch an idempotency
// key, and the parent's next attempt waits for the same child, or gets its output
// at once; a child that has failed in the meantime is started anew.
//
// A worker that awaits its own kind, or one of a small maximum concurrency, can end
// with all functions waiting and none working.
func (j *Job[In]) DispatchAwait(ctx context.Context, workerID string, input, out any, opts ...dispatch.Option) (dispatch.Result, error) {
	if j == nil || j.d == nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q: %w", workerID, errNoDelivery)
	}
	if j.d.batch.app.store == nil {
		return dispatch.Result{}, fmt.Errorf("dispatch to worker %q and wait for it: nothing was sent, since this program has no job store in which the end of the job could be seen; give AppConfig.Store, or set AIWORKER_STORE for local work, or use Dispatch", workerID)
	}
	c := child{parent: j.d, awaited: true}
	result, err := c.dispatch(ctx, workerID, input, opts)
	if err != nil {
		return result, err
	}
	rec, err := c.await(ctx, workerID)
	if err != nil {
		return result, err
	}
	return result, c.decode(rec, workerID, out)
}

// await looks at the child's record until the child has come to its end.
func (c *child) await(ctx context.Context, workerID string) (*jobstore.Record, error) {
	if c.known != nil && c.known.Status == jobstore.Completed {
		return c.known, nil
	}
	var failing error
	for wait := awaitFirst; ; wait = min(2*wait, awaitLast) {
		if err := pause.Sleep(ctx, wait); err != nil {
			return nil, c.stillRunning(workerID, err, failing)
		}
		rec, err := c.parent.batch.app.store.Get(ctx, c.jobID)
		switch {
		case err == nil:
			failing = nil
		case errors.Is(err, jobstore.ErrNotFound), ctx.Err() != nil:
			continue // no delivery has claimed it yet
		default:
			if failing == nil {
				c.parent.events.LogAttrs(ctx, slog.LevelWarn, "the record of an awaited job cannot be read; the wait goes on",
					slog.String("childJobId", c.jobID), slog.String("childWorkerId", workerID), slog.Any("error", jobError(err)))
			}
			failing = err
			continue
		}
		switch rec.Status {
		case jobstore.Completed:
			return rec, nil
		case jobstore.Failed:
			if c.known != nil && rec.CompletedAt.Equal(c.known.CompletedAt) {
				continue // the failure before it was sent again
			}
			je := rec.Error
			if je == nil {
				je = &dispatch.JobError{Message: "its record does not say why"}
			}
			return nil, &ChildError{JobID: c.jobID, WorkerID: workerID, Err: je}
		case jobstore.Queued, jobstore.Running:
		}
	}
}

func (c *child) stillRunning(workerID string, ended, failing error) error {
	if failing != nil {
		return fmt.Errorf("wait for job %q of worker %q: %w; the job goes on (its record cannot be read: %w)", c.jobID, workerID, ended, failing)
	}
	return fmt.Errorf("wait for job %q of worker %q: %w; the job goes on, and with the same idempotency key another attempt waits for it again", c.jobID, workerID, ended)
}

func (c *child) decode(rec *jobstore.Record, workerID string, out any) error {
	if out == nil {
		return nil
	}
	if len(rec.Output) == 0 {
		return fmt.Errorf("job %q of worker %q is completed, but its output of %d bytes is not in the job store; have the worker store it elsewhere and return a reference", c.jobID, workerID, rec.OutputBytes)
	}
	if err := decodeInput(rec.Output, out); err != nil {
		return fmt.Errorf("decode the output of job %q of worker %q: %w", c.jobID, workerID, err)
	}
	return nil
}
