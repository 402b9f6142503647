package outcomes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

func TestValue(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerTask, s.body(workerTask, "j", doValue))
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, runs: 1, output: 1,
		events: "started completed webhook", webhook: webhook.StatusSuccess,
	})
	if e := s.events(t, workerTask, "j")[1]; e.Attempt != 1 || e.MaxAttempts != 2 || e.DurationMS <= 0 || string(e.Output) != `{"run":1}` {
		t.Errorf("the line of the completion: %+v", e)
	}
	run := s.runs(t, "j")[0]
	if run.User != "u-1" || run.Attempt != 1 || run.Try != 1 || run.LastError != "" {
		t.Errorf("the handler saw %+v", run)
	}
	if marker := s.search(t, workerTask, `"`+dispatch.RunMarker+`"`); len(marker) != 1 || !strings.Contains(marker[0], run.Request) {
		t.Errorf("markers %q, want one of request %s", marker, run.Request)
	}
}

func TestErrorWithReceivesLeft(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerTask, s.body(workerTask, "j", doError, doHold))
	s.held(t, "j")
	// In the second attempt, nobody has heard anything yet.
	if r := s.record(t, "j"); r.Status != jobstore.Running || r.LastError == nil || r.LastError.Message != errService.Error() {
		t.Errorf("in the second attempt the record is %+v", r)
	}
	if n := s.tried(); n != 0 {
		t.Errorf("%d webhooks before the end", n)
	}
	s.letGo("j")
	s.settled(t, workerTask)
	s.dead(t, workerTask, 0)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Completed, lastErr: errService.Error(), runs: 2, output: 2,
		events: "started retrying started completed webhook", webhook: webhook.StatusSuccess,
	})
	runs := s.runs(t, "j")
	// The backoff is one second, the queue's visibility timeout a minute.
	if waited := runs[1].At.Sub(runs[0].At); waited < 900*time.Millisecond || waited > 50*time.Second {
		t.Errorf("the second attempt came after %v, want 1 s", waited)
	}
	if runs[1].Attempt != 2 || runs[1].LastError != errService.Error() {
		t.Errorf("the second attempt saw %+v", runs[1])
	}
	if e := s.events(t, workerTask, "j")[1]; e.DelayMS != 1000 || e.Attempt != 1 || e.Error == nil || e.Error.Message != errService.Error() {
		t.Errorf("the line of the first attempt: %+v", e)
	}
}

func TestErrorOnTheLastReceive(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTask, "j", doError)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: errService.Error(), lastErr: errService.Error(), runs: 2,
		events: "started retrying started failed webhook", webhook: webhook.StatusError,
	})
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTask, "j", doPermanent)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "there is no such customer")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: "there is no such customer", runs: 1,
		events: "started failed webhook", webhook: webhook.StatusError,
	})
}

// Without the URL the message takes its receives to get to the dead-letter queue,
// but the handler does not run again, nor is anybody called.
func TestPermanentWithoutTheQueuesURL(t *testing.T) {
	t.Parallel()
	s := start(t, dispatch.DLQURLEnv(workerTask)+"=", dispatch.DLQURLEnv(workerMany)+"=")
	for worker, skips := range map[string]int{workerTask: 1, workerMany: 2} {
		body := s.body(worker, worker, doPermanent)
		s.send(t, worker, body)
		s.deadLetter(t, worker, body, "")
		s.settled(t, worker)
		var others []string
		skipped := 0
		events := s.events(t, worker, worker)
		for _, e := range events {
			if e.Event != dispatch.EventSkipped {
				others = append(others, e.Event)
				continue
			}
			// The delivery that told the webhook may still be at it.
			if skipped++; e.JobStatus != string(jobstore.Failed) || e.Error == nil {
				t.Errorf("%s: skipped as %+v", worker, e)
			}
		}
		if got := strings.Join(others, " "); got != "job.started job.failed job.webhook" || skipped != skips {
			t.Errorf("%s: events %s and %d skipped, want %d", worker, got, skipped, skips)
		}
		s.check(t, worker, worker, ends{
			status: jobstore.Failed, err: "there is no such customer", runs: 1,
			// Of the claim that found the job to be over.
			lastErr: "there is no such customer",
			events:  eventNames(events), webhook: webhook.StatusError,
		})
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.bodyWith(workerTask, "j", `{"do":"value"}`)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "/do")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: "ValidationError", runs: 0,
		events: "failed webhook", webhook: webhook.StatusError,
	})
}

func TestInvalidOutput(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTask, "j", doNonsense)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "/run")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: "OutputError", runs: 1,
		events: "started failed webhook", webhook: webhook.StatusError,
	})
}

// What is no job of this worker leaves no record and calls nobody.
func TestMessageThatIsNoJob(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(*stage) string{
		"unparseable body": func(*stage) string { return "{\"jobId\": \"j\", \"workerId\":\"task\" <\u00e4>\n" },
		"unknown worker":   func(s *stage) string { return s.body(workerMany, "j", doValue) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			body := body(s)
			s.send(t, workerTask, body)
			began := time.Now()
			s.deadLetter(t, workerTask, body, "")
			// Its receives pass at once: nothing waits for a visibility timeout.
			if took := time.Since(began); took > 50*time.Second {
				t.Errorf("the message was in the dead-letter queue after %v", took)
			}
			s.settled(t, workerTask)
			if r := s.record(t, "j"); r != nil || len(s.runs(t, "j")) != 0 || s.tried() != 0 {
				t.Errorf("record %+v, runs %v, %d webhooks, want nothing", r, s.runs(t, "j"), s.tried())
			}
			failed := s.search(t, workerTask, `{ $.event = "job.failed" && $.error.name = "MessageError" }`)
			if others := s.search(t, workerTask, `{ $.event = "job.*" && $.event != "job.failed" }`); len(failed) != 2 || len(others) != 0 {
				t.Errorf("%d lines say that the job failed, want 2; others are %q", len(failed), others)
			}
		})
	}
}
