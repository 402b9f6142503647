package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	// leaseSlack is how long after the function's deadline a claim still holds:
	// clocks differ, and Lambda kills a little late.
	leaseSlack = 5 * time.Second
	// storeTimeout bounds one call of the store, and storeTries how often a claim
	// or an end is tried, storeWait apart and then twice as long each time, less a random half.
	storeTimeout = 3 * time.Second
	storeTries   = 4
	storeWait    = 100 * time.Millisecond
	// storePatience bounds the tries together, where the function's deadline leaves
	// more.
	storePatience = 10 * time.Second
	// shutdownStoreTime bounds them when the process is to stop.
	shutdownStoreTime = 500 * time.Millisecond
	// settleReserve is left of the invocation, after the store was written, for SQS
	// and for the response.
	settleReserve = 250 * time.Millisecond

	// defaultMaxStored is AppConfig.MaxStoredOutput's default. A quarter of it is
	// what the input, and the metadata, may have: a DynamoDB item holds 400 KB with everything.
	defaultMaxStored = 256 << 10
	// maxJobID is what the stores take as a key; DynamoDB allows 2048 bytes.
	maxJobID = 1024
)

// storeError is a job that was not run, or whose end was not recorded, since the
// job store failed.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// claim takes the job in the store. Without a store each delivery has its job.
func (d *delivery) claim() (jobstore.Claimed, error) {
	store := d.batch.app.store
	if store == nil {
		return jobstore.Claimed{Decision: jobstore.ClaimedJob}, nil
	}
	if d.owner == "" {
		d.owner = d.batch.requestID + "/" + rand.Text()
	}
	c := jobstore.Claim{
		JobID: d.jobID, WorkerID: d.def.id, UserID: d.msg.EffectiveUserID(),
		Input: d.msg.Input, Metadata: d.msg.Metadata,
		MessageID: d.rec.MessageId, Receives: d.receives,
		Owner: d.owner, Lease: d.leaseEnd(),
	}
	// Nothing of the body can be longer than the body.
	if limit := d.batch.app.maxStored / 4; len(d.rec.Body) > limit {
		if len(d.rec.Body)-len(c.Input) > limit {
			c.Metadata = nil
		}
		if len(c.Input) > limit {
			c.Input = nil
		}
	}
	var got jobstore.Claimed
	err := d.tryStore(func(ctx context.Context, try int) (err error) {
		if try == storeTries {
			// It may be the store that finds them too long.
			c.Input, c.Metadata = nil, nil
		}
		got, err = store.Claim(ctx, c)
		return err
	})
	if err != nil {
		return got, &storeError{fmt.Errorf("the job was not started, since the job store cannot say whether it may run: %w", err)}
	}
	if got.Decision == jobstore.ClaimedJob {
		d.before = got.Before
	}
	return got, nil
}

// leaseEnd is when this delivery cannot be running any more.
func (d *delivery) leaseEnd() time.Time {
	end := d.batch.deadline
	if end.IsZero() {
		end = time.Now().Add(d.def.settings.timeout)
	}
	return end.Add(leaseSlack)
}

// update changes the job's record as the delivery that has claimed it. Without a
// store it does nothing. When another delivery has the job by now, the error wraps
// jobstore.ErrLeaseLost, and the handler's context has been ended with that cause.
func (d *delivery) update(ctx context.Context, u jobstore.Update) error {
	if d.owner == "" {
		return nil
	}
	u.Owner = d.owner
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := d.batch.app.store.Update(ctx, d.jobID, u)
	if errors.Is(err, jobstore.ErrLeaseLost) && d.stop != nil {
		d.stop(jobstore.ErrLeaseLost)
	}
	return err
}

// recordEnd writes how the delivery ended, with bounded tries inside the time that
// is left. The error wraps jobstore.ErrLeaseLost when the end is another
// delivery's to record; any other means that nothing is recorded.
func (d *delivery) recordEnd(u jobstore.Update) error {
	if d.owner == "" || d.unstored {
		return nil
	}
	u.Owner = d.owner
	if len(u.Output) > d.batch.app.maxStored {
		u.Output = nil
	}
	err := d.tryStore(func(ctx context.Context, try int) error {
		if try == storeTries && u.Output != nil {
			// The output may be what the store refuses; the end of the job matters more.
			u.Output = nil
		}
		return d.batch.app.store.Update(ctx, d.jobID, u)
	})
	switch {
	case err == nil, errors.Is(err, jobstore.ErrLeaseLost):
		return err
	case errors.Is(err, jobstore.ErrNotFound):
		// The record's time was over, or somebody removed it. There is nothing to
		// protect, and nothing to write to.
		return nil
	}
	d.unstored = true
	return &storeError{fmt.Errorf("record that the job is %s: %w", u.Status, err)}
}

func (d *delivery) storeFailed(err error) {
	d.events.LogAttrs(d.batch.ctx, slog.LevelWarn, "the job store was not updated", slog.Any("error", jobError(err)))
}

// tryStore calls f until it succeeds, or says that the lease is lost or the record
// gone, which no further try changes.
func (d *delivery) tryStore(f func(ctx context.Context, try int) error) error {
	limit := time.Now().Add(storePatience)
	if deadline := d.batch.deadline; !deadline.IsZero() {
		left := time.Until(deadline)
		if end := deadline.Add(-min(settleReserve, left/2)); end.Before(limit) {
			limit = end
		}
	}
	// A shutdown must not keep an end from being recorded, but it leaves less time.
	if end := time.Now().Add(shutdownStoreTime); d.batch.ctx.Err() != nil && end.Before(limit) {
		limit = end
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(d.batch.ctx), limit)
	defer cancel()
	for try, wait := 1, storeWait; ; try, wait = try+1, 2*wait {
		one, stop := context.WithTimeout(ctx, storeTimeout)
		err := f(one, try)
		stop()
		if err == nil || errors.Is(err, jobstore.ErrLeaseLost) || errors.Is(err, jobstore.ErrNotFound) || try == storeTries {
			return err
		}
		timer := time.NewTimer(wait/2 + mathrand.N(wait/2)) //nolint:gosec // spreads load, guards nothing
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// statusAttr is the dispatch.JobEvent.JobStatus of a delivery that left the job alone.
func statusAttr(s jobstore.Status) slog.Attr { return slog.String("jobStatus", string(s)) }

// recordedError is why a record says that its job failed.
func recordedError(r *jobstore.Record) *dispatch.JobError {
	if r != nil && r.Error != nil {
		return r.Error
	}
	return &dispatch.JobError{Message: "the record does not say why", Name: "Error"}
}
