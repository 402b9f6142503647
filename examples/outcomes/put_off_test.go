package outcomes_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// Two snoozes in a queue with two receives: none of them is an attempt.
func TestSnooze(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerTask, s.body(workerTask, "j", doSnooze, doSnooze, doValue))
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, runs: 3, output: 3,
		events: "started deferred started deferred started completed webhook", webhook: webhook.StatusSuccess,
	})
	runs := s.runs(t, "j")
	for i, run := range runs {
		if run.Attempt != 1 || run.LastError != "" {
			t.Errorf("run %d is attempt %d after %q, want the first", i+1, run.Attempt, run.LastError)
		}
		if i > 0 && run.At.Sub(runs[i-1].At) < 900*time.Millisecond {
			t.Errorf("run %d came %v after the one before, want 1 s", i+1, run.At.Sub(runs[i-1].At))
		}
	}
	if e := s.events(t, workerTask, "j")[1]; e.DelayMS != 1000 {
		t.Errorf("the line of the snooze: %+v", e)
	}
}

// What was sent again for a snooze is still the message that the caller sent.
func TestSnoozeAndThenPermanent(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTask, "j", doSnooze, doPermanent)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "there is no such customer")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: "there is no such customer", runs: 2,
		events: "started deferred started failed webhook", webhook: webhook.StatusError,
	})
}

func TestDeadlineNear(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do, reason string
		killed     bool
	}{
		"the handler stops":   {doHeed, "Timeout: the function's timeout is near", false},
		"the handler goes on": {doIgnore, "Timeout: the handler ignored the end of its context", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.send(t, workerBrief, s.body(workerBrief, "j", row.do, doValue))
			s.settled(t, workerBrief)
			s.dead(t, workerBrief, 0)
			s.check(t, workerBrief, "j", ends{
				status: jobstore.Completed, lastErr: row.reason, runs: 2, output: 2,
				events: "started retrying started completed webhook", webhook: webhook.StatusSuccess,
			})
			runs := s.runs(t, "j")
			// A process that was not killed may still be answering when the job comes again:
			// another one runs it then.
			if row.killed && runs[0].PID == runs[1].PID {
				t.Error("the process was not killed")
			}
			if lines := s.search(t, workerBrief, `"Task timed out after 10.00 seconds"`); (len(lines) == 1) != row.killed {
				t.Errorf("lines of the kill: %q", lines)
			}
		})
	}
}

func TestDeadlineOfTheLastAttempt(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerOnce, "j", doHeed)
	s.send(t, workerOnce, body)
	s.deadLetter(t, workerOnce, body, "")
	eventually(t, "the callback", func() bool { return len(s.callbacks("j")) > 0 })
	s.settled(t, workerOnce)
	// Where the deadline leaves no time for the callback, it comes with a later message.
	events := strings.Replace(eventNames(s.events(t, workerOnce, "j")), "webhook webhook", "webhook", 1)
	if want := "started failed webhook"; events != want {
		t.Errorf("the log has %q, want %q", events, want)
	}
	want := ends{status: jobstore.Failed, err: "Timeout", webhook: webhook.StatusError}
	s.checkRecord(t, workerOnce, "j", want)
	s.checkWebhook(t, workerOnce, "j", want)
}

// A process that is asked to stop interrupts its job, which another one runs.
func TestShutdown(t *testing.T) {
	t.Parallel()
	// A process under the race detector would stay for another second.
	s := start(t, "GORACE=atexit_sleep_ms=0")
	s.send(t, workerTask, s.body(workerTask, "j", doHold, doValue))
	s.held(t, "j")
	process, err := os.FindProcess(s.runs(t, "j")[0].PID)
	if err == nil {
		err = process.Signal(syscall.SIGTERM)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, lastErr: "Interrupted", runs: 2, output: 2,
		events: "started retrying started completed webhook", webhook: webhook.StatusSuccess,
	})
	if runs := s.runs(t, "j"); runs[0].PID == runs[1].PID {
		t.Error("the process that was to stop has run the job again")
	}
}

// Nothing runs while the store cannot say whether it may.
func TestStoreDownAtTheClaim(t *testing.T) {
	t.Parallel()
	s := start(t)
	outage := filepath.Join(s.dir, fileOutage)
	if err := os.WriteFile(outage, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.send(t, workerTask, s.body(workerTask, "j", doValue))
	eventually(t, "the job to be put off", func() bool { return len(s.events(t, workerTask, "j")) > 0 })
	if n := len(s.runs(t, "j")); n != 0 {
		t.Errorf("the handler ran %d times without a store", n)
	}
	if err := os.Remove(outage); err != nil {
		t.Fatal(err)
	}
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, runs: 1, output: 1,
		events: "deferred started completed webhook", webhook: webhook.StatusSuccess,
	})
	if e := s.events(t, workerTask, "j")[0]; e.DelayMS <= 0 || e.Error == nil || e.Error.Name != "StoreError" {
		t.Errorf("the line of the outage: %+v", e)
	}
}

// A job whose end could not be recorded has not ended: it is done again when the
// store is back.
func TestStoreDownAtTheEnd(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerBrief, s.body(workerBrief, "j", doOutage, doValue))
	eventually(t, "the attempt to fail", func() bool { return strings.Contains(eventNames(s.events(t, workerBrief, "j")), "retrying") })
	if n := s.tried(); n != 0 {
		t.Errorf("%d callbacks for an end that is not recorded", n)
	}
	if err := os.Remove(filepath.Join(s.dir, fileOutage)); err != nil {
		t.Fatal(err)
	}
	s.settled(t, workerBrief)
	s.dead(t, workerBrief, 0)
	events := s.events(t, workerBrief, "j")
	s.check(t, workerBrief, "j", ends{
		status: jobstore.Completed, runs: 2, output: 2, events: eventNames(events), webhook: webhook.StatusSuccess,
	})
	completed := 0
	for _, e := range events {
		if e.Event == dispatch.EventCompleted {
			completed++
		}
	}
	if e := events[1]; completed != 1 || e.Event != dispatch.EventRetrying || e.Error == nil || e.Error.Name != "StoreError" {
		t.Errorf("%d completions in the log, and the first attempt says %+v", completed, e)
	}
}
