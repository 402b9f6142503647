package local

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

// clockCheck is how often the clock is looked at at least: a timer stands still
// while the machine sleeps.
const clockCheck = time.Minute

// scheduler runs the schedules of the workers while the endpoint is up, as
// EventBridge does: when one is due, its job goes into the worker's queue. Runs
// that were missed while the machine slept are not made up for, but for the last.
type scheduler struct {
	// send puts a job into a worker's queue.
	send func(scheduledWorker, *dispatch.Message) error
	log  *slog.Logger

	mu      sync.Mutex
	stop    context.CancelFunc
	running sync.WaitGroup
	// entries belong to the goroutine while it runs.
	entries []*scheduledWorker
}

// scheduledWorker is one schedule of a worker.
type scheduledWorker struct {
	workerID, queueARN string
	number             int // among the worker's schedules
	fifo               bool
	schedule           *schedule.Schedule
	run                dispatch.ScheduledRun
	due                time.Time // zero: never again
}

func newScheduler(send func(scheduledWorker, *dispatch.Message) error, log *slog.Logger) *scheduler {
	return &scheduler{send: send, log: log}
}

// set replaces the schedules. One that stays the same keeps its time, so that
// building a program again does not put off what runs once an hour.
func (s *scheduler) set(entries []*scheduledWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
	now := time.Now().Round(0)
	for _, e := range entries {
		at := slices.IndexFunc(s.entries, func(o *scheduledWorker) bool {
			return o.workerID == e.workerID && o.number == e.number && o.schedule.String() == e.schedule.String()
		})
		if at >= 0 {
			e.due = s.entries[at].due
		} else {
			e.due = e.schedule.Next(now)
			s.log.Info("schedule", "workerId", e.workerID, "expression", e.schedule.String(), "next", e.due)
		}
	}
	s.entries = entries
	if len(entries) == 0 {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.loop(ctx) })
}

// close ends the schedules and waits for a job that is being sent.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt()
	s.entries = nil
}

func (s *scheduler) halt() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	s.running.Wait()
}

func (s *scheduler) loop(ctx context.Context) {
	for {
		now := time.Now().Round(0) // the clock on the wall, which goes on while the machine sleeps
		wait := clockCheck
		for _, e := range s.entries {
			if !e.due.IsZero() && !e.due.After(now) {
				s.start(e, now)
			}
			if !e.due.IsZero() {
				wait = min(wait, e.due.Sub(now))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// start sends the job of a schedule that is due.
func (s *scheduler) start(e *scheduledWorker, now time.Time) {
	run := e.run
	run.At = e.due
	run.ID = fmt.Sprintf("%d %s", e.number, e.schedule)
	if e.due = e.schedule.Next(e.due); !e.due.IsZero() && !e.due.After(now) {
		e.due = e.schedule.Next(now)
	}
	msg := run.Message(now)
	if err := s.send(*e, msg); err != nil {
		s.log.Error("scheduled job not sent", "workerId", e.workerID, "jobId", msg.JobID, "error", err, "next", e.due)
		return
	}
	s.log.Info("scheduled job sent", "workerId", e.workerID, "jobId", msg.JobID, "expression", e.schedule.String(), "next", e.due)
}

// sendScheduled puts the job of a schedule into the worker's queue.
func (s *Server) sendScheduled(e scheduledWorker, msg *dispatch.Message) error {
	body, err := msg.MarshalJSON()
	if err != nil {
		return err
	}
	group := ""
	if e.fifo {
		group = e.workerID
	}
	_, err = s.queues.Send(e.queueARN, group, string(body))
	return err
}

// putSchedules makes the workers' schedules the ones that run.
func (d *deployment) putSchedules(context.Context) error {
	var entries []*scheduledWorker
	for _, w := range d.workers {
		for i, setting := range w.Schedules {
			if setting.Disabled {
				continue
			}
			parsed, err := schedule.Parse(setting.Expression)
			if err != nil {
				return fmt.Errorf("worker %q: %w", w.ID, err)
			}
			entries = append(entries, &scheduledWorker{
				workerID: w.ID, queueARN: d.queues[w.ID].arn, number: i, fifo: w.SQS.FIFO, schedule: parsed,
				run: dispatch.ScheduledRun{WorkerID: w.ID, Input: setting.Input},
			})
		}
	}
	d.schedules.set(entries)
	return nil
}
