package outcomes_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// The same job once more: nothing runs, and nobody is called again.
func TestAlreadyCompleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerTask, s.body(workerTask, "j", doValue))
	s.untilRecord(t, "j", jobstore.Completed)
	s.settled(t, workerTask)
	s.send(t, workerTask, s.body(workerTask, "j", doValue))
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, runs: 1, output: 1,
		events: "started completed webhook skipped", webhook: webhook.StatusSuccess,
	})
	if e := s.events(t, workerTask, "j")[3]; e.JobStatus != string(jobstore.Completed) || string(e.Output) != `{"run":1}` {
		t.Errorf("the line of the duplicate: %+v", e)
	}
}

// skipped counts the deliveries that found the job running, and returns the last.
func (s *stage) skipped(t *testing.T, worker, jobID string) (n int, last dispatch.JobEvent) {
	t.Helper()
	for _, e := range s.events(t, worker, jobID) {
		if e.Event == dispatch.EventSkipped && e.JobStatus == string(jobstore.Running) {
			n++
			last = e
		}
	}
	return n, last
}

// A second message of a running job waits until the first delivery cannot be running
// any more, also where it has no receive left, and is then deleted.
func TestLeaseHeldElsewhere(t *testing.T) {
	t.Parallel()
	for name, worker := range map[string]string{"with receives left": workerBrief, "on the last receive": workerOnce} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.send(t, worker, s.body(worker, "j", doHold))
			s.held(t, "j")
			s.send(t, worker, s.body(worker, "j", doHold))
			var busy dispatch.JobEvent
			eventually(t, "the second message to find the job running", func() (found bool) {
				var n int
				n, busy = s.skipped(t, worker, "j")
				return n > 0
			})
			s.letGo("j")
			// The lease lasts for the function's ten seconds, and five more.
			if busy.DelayMS < 6000 || busy.DelayMS > 16000 {
				t.Errorf("the second message waits for %v ms", busy.DelayMS)
			}
			completed := s.untilRecord(t, "j", jobstore.Completed).CompletedAt
			s.settled(t, worker)
			if waited := time.Since(completed); waited < 2*time.Second {
				t.Errorf("the second message was gone after %v", waited)
			}
			s.dead(t, worker, 0)
			s.check(t, worker, "j", ends{
				status: jobstore.Completed, runs: 1, output: 1,
				events: "started skipped completed webhook skipped", webhook: webhook.StatusSuccess,
			})
		})
	}
}

// When the process that runs the job is killed, whichever message comes first after
// its lease runs the job again.
func TestLeaseOfAKilledProcess(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerBrief, s.body(workerBrief, "j", doHold))
	s.held(t, "j")
	s.send(t, workerBrief, s.body(workerBrief, "j", doHold))
	eventually(t, "the second message to find the job running", func() bool {
		n, _ := s.skipped(t, workerBrief, "j")
		return n > 0
	})
	lease := s.record(t, "j").LeaseUntil
	s.kill(t, "j")
	s.settled(t, workerBrief)
	s.dead(t, workerBrief, 0)
	events := eventNames(s.events(t, workerBrief, "j"))
	s.check(t, workerBrief, "j", ends{status: jobstore.Completed, runs: 2, output: 2, events: events, webhook: webhook.StatusSuccess})
	if strings.Count(events, "started") != 2 || strings.Count(events, "completed") != 1 {
		t.Errorf("the log has %q", events)
	}
	runs := s.runs(t, "j")
	if runs[0].PID == runs[1].PID || runs[1].At.Before(lease.Add(-time.Millisecond)) {
		t.Errorf("the second run is %+v, want one of another process after the lease, which lasted until %v", runs[1], lease)
	}
}

// kill kills the process that runs the job.
func (s *stage) kill(t *testing.T, jobID string) {
	t.Helper()
	runs := s.runs(t, jobID)
	process, err := os.FindProcess(runs[len(runs)-1].PID)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	s.letGo(jobID)
}
