package jobstore

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Memory keeps job records in this process; they end with it. Use NewMemory.
type Memory struct {
	ttl time.Duration

	mu sync.Mutex
	// jobs holds records that nobody changes: a change puts another in its place.
	jobs map[string]*Record
	// swept is when records past their time were last removed.
	swept time.Time
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty store.
func NewMemory(opts ...Option) *Memory {
	return &Memory{ttl: newConfig(opts).ttl, jobs: map[string]*Record{}, swept: time.Now()}
}

// Claim takes a job for one delivery; see Store.
func (m *Memory) Claim(ctx context.Context, c Claim) (Claimed, error) {
	if err := firstError(ctx.Err(), c.Validate()); err != nil {
		return Claimed{}, fmt.Errorf("claim job %s in memory: %w", shortID(c.JobID), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.sweep(now)
	before := m.live(c.JobID, now)
	after, decision, err := claim(before, c, now)
	if err != nil {
		return Claimed{}, fmt.Errorf("claim job %s in memory: %w", shortID(c.JobID), err)
	}
	if decision == ClaimedJob {
		m.jobs[c.JobID] = after
	}
	return Claimed{Decision: decision, Before: before.clone()}, nil
}

// Update changes a record; see Store.
func (m *Memory) Update(ctx context.Context, jobID string, u Update) error {
	if err := firstError(ctx.Err(), u.Validate()); err != nil {
		return fmt.Errorf("update job %s in memory: %w", shortID(jobID), err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	before := m.live(jobID, now)
	if before == nil {
		return fmt.Errorf("update job %s in memory: %w", shortID(jobID), ErrNotFound)
	}
	after, err := update(before, u, now)
	if err != nil {
		return fmt.Errorf("update job %s in memory: %w", shortID(jobID), err)
	}
	m.jobs[jobID] = after
	return nil
}

// Get returns the record of a job; see Store.
func (m *Memory) Get(ctx context.Context, jobID string) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read job %s in memory: %w", shortID(jobID), err)
	}
	m.mu.Lock()
	record := m.live(jobID, time.Now())
	m.mu.Unlock()
	if record == nil {
		return nil, fmt.Errorf("read job %s in memory: %w", shortID(jobID), ErrNotFound)
	}
	return record.clone(), nil
}

// live is the record of a job, nil when there is none or its time is over.
func (m *Memory) live(jobID string, now time.Time) *Record {
	record := m.jobs[jobID]
	if record == nil || expired(record.UpdatedAt.Add(m.ttl), now) {
		return nil
	}
	return record
}

// sweep removes the records whose time is over, ten times in a lifetime of theirs: a
// process that runs for weeks keeps at most a tenth more than it must.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < m.ttl/10 {
		return
	}
	m.swept = now
	maps.DeleteFunc(m.jobs, func(_ string, r *Record) bool { return expired(r.UpdatedAt.Add(m.ttl), now) })
}

// expired says that a record's time is over.
func expired(at, now time.Time) bool { return !now.Before(at) }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
