package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	// progressInterval is the least time between two records of a job's progress.
	progressInterval = time.Second
	// reportTimeout bounds one write of what a handler reports.
	reportTimeout = 3 * time.Second
)

// reports is what a handler has reported about its job, and how it gets into the
// job's record. The zero value is ready.
type reports struct {
	mu sync.Mutex
	// closed: the delivery is being settled, nothing is recorded any more.
	closed bool
	// lost: another delivery has the job.
	lost error
	// complained: the log knows that the store fails.
	complained bool

	progress    jobstore.Progress
	hasProgress bool
	progressDue bool // progress is not recorded yet
	savedAt     time.Time
	timer       *time.Timer        // set while a write is planned or under way
	abort       context.CancelFunc // ends the write; set with timer
	writers     sync.WaitGroup

	// saving is held while tokens are recorded, so that totals arrive in order.
	saving    sync.Mutex
	tokens    jobstore.Tokens
	hasTokens bool
	tokensDue bool

	// children are the jobs that this delivery has dispatched.
	children []jobstore.Child
}

// recorded says that the delivery has claimed the job in a store.
func (d *delivery) recorded() bool { return d.owner != "" }

// note changes the job's record while its handler runs. lost is set when the job has
// been lost to another delivery; any other error is logged, once.
func (d *delivery) note(ctx context.Context, u jobstore.Update) (done bool, lost error) {
	ctx, cancel := d.noteContext(ctx)
	defer cancel()
	err := d.update(ctx, u)
	if err == nil {
		return true, nil
	}
	r := &d.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, jobstore.ErrLeaseLost) {
		r.lost = err
		return false, err
	}
	if !r.complained {
		r.complained = true
		d.events.LogAttrs(ctx, slog.LevelWarn, "what the handler reports about its job cannot be recorded; the job goes on",
			slog.Any("error", jobError(err)))
	}
	return false, nil
}

// noteContext bounds a write to the job's record. Callers see to it that the end of
// the handler's context does not end it.
func (d *delivery) noteContext(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := reportTimeout
	if !d.batch.deadline.IsZero() {
		timeout = min(timeout, time.Until(d.batch.deadline)/2)
	}
	return context.WithTimeout(ctx, timeout)
}

// saveProgress has the progress recorded as soon as the last record of it is old
// enough.
func (d *delivery) saveProgress(p jobstore.Progress) {
	r := &d.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress, r.hasProgress = p, true
	if r.closed || r.lost != nil || !d.recorded() {
		return
	}
	r.progressDue = true
	d.planProgress()
}

// planProgress starts a write unless there is one that will see the newest
// progress. r.mu is held.
func (d *delivery) planProgress() {
	r := &d.reports
	if r.timer != nil || r.closed {
		return
	}
	wait := time.Duration(0)
	if !r.savedAt.IsZero() {
		wait = max(progressInterval-time.Since(r.savedAt), 0)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.batch.ctx))
	r.abort = cancel
	r.writers.Add(1)
	r.timer = time.AfterFunc(wait, func() {
		defer r.writers.Done()
		defer cancel()
		d.writeProgress(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.timer = nil
		if r.progressDue && r.lost == nil {
			d.planProgress()
		}
	})
}

func (d *delivery) writeProgress(ctx context.Context) {
	r := &d.reports
	r.mu.Lock()
	p := r.progress
	r.progressDue = false
	r.savedAt = time.Now()
	r.mu.Unlock()
	if done, lost := d.note(ctx, jobstore.Update{Progress: &p}); !done && lost == nil {
		r.mu.Lock()
		r.progressDue = true // the store may be back for the next write
		r.mu.Unlock()
	}
}

// closeReports ends the recording: what is not in the record yet is written now,
// and what a handler that runs on reports later is not. It returns an error when
// the job has been lost to another delivery.
func (d *delivery) closeReports() error {
	r := &d.reports
	r.mu.Lock()
	r.closed = true
	timer := r.timer
	r.mu.Unlock()
	if !d.recorded() {
		return nil
	}
	if timer != nil {
		r.stopWriter(timer, d.batch.deadline)
	}
	// A handler that runs on may be in UseTokens: then the sum is being written.
	tokens := r.saving.TryLock()
	if tokens {
		defer r.saving.Unlock()
	}
	r.mu.Lock()
	var u jobstore.Update
	if r.progressDue {
		p := r.progress
		u.Progress = &p
	}
	if r.tokensDue && tokens {
		t := r.tokens
		u.Tokens = &t
	}
	r.progressDue, r.tokensDue = false, false
	lost := r.lost
	r.mu.Unlock()
	if lost == nil && (u.Progress != nil || u.Tokens != nil) {
		_, lost = d.note(context.WithoutCancel(d.batch.ctx), u)
	}
	if lost != nil {
		return fmt.Errorf("job %q was taken over while it ran, and what came of this run is dropped: %w", d.jobID, lost)
	}
	return nil
}

// stopWriter waits for the write of progress that is planned or under way. Near the
// function's deadline it does not wait for a store that takes its time.
func (r *reports) stopWriter(timer *time.Timer, deadline time.Time) {
	if timer.Stop() {
		r.abort()
		r.writers.Done()
		return
	}
	if !deadline.IsZero() {
		defer time.AfterFunc(min(reportTimeout, time.Until(deadline)/4), r.abort).Stop()
	}
	r.writers.Wait()
}

// finalMetadata is the message's metadata with what the handler has reported, under
// the names that receivers know from the deployed system: tokenUsage, progress and
// progressMessage.
func (d *delivery) finalMetadata() map[string]any {
	r := &d.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	given := d.quietMessage().Metadata
	if !r.hasProgress && !r.hasTokens {
		return given
	}
	m := make(map[string]any, len(given)+3)
	maps.Copy(m, given)
	if r.hasProgress {
		m["progress"] = r.progress.Percent
		if r.progress.Message != "" {
			m["progressMessage"] = r.progress.Message
		}
	}
	if r.hasTokens {
		m["tokenUsage"] = r.tokens
	}
	return m
}
