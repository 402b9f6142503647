package outcomes_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

// untilHandedOn waits until a message in the queue is to see to the callback.
func (s *stage) untilHandedOn(t *testing.T, jobID string) {
	t.Helper()
	eventually(t, "the callback of job "+jobID+" to be handed on", func() bool {
		r := s.record(t, jobID)
		return r != nil && r.Webhook != nil && r.Webhook.Pending && !r.Webhook.Delivered
	})
}

// While the receiver is down the callback waits in the queue; it comes when the
// receiver is up, once, whoever asks for the job meanwhile.
func TestCallbackIsHandedOn(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answer(unavailable)
	s.send(t, workerMany, s.body(workerMany, "j", doValue))
	s.untilHandedOn(t, "j")
	s.send(t, workerMany, s.body(workerMany, "j", doValue))
	eventually(t, "the duplicate", func() bool { return strings.Contains(eventNames(s.events(t, workerMany, "j")), "skipped") })
	s.answer(nil)
	s.settled(t, workerMany)
	s.dead(t, workerMany, 0)
	events := eventNames(s.events(t, workerMany, "j"))
	s.check(t, workerMany, "j", ends{status: jobstore.Completed, runs: 1, output: 1, events: events, webhook: webhook.StatusSuccess})
	if tries := s.tried(); s.record(t, "j").Webhook.Attempts != tries {
		t.Errorf("%d tries, and the record says %+v", tries, s.record(t, "j").Webhook)
	}
	// The duplicate, or the message that tries again, may have come in between.
	if !strings.HasPrefix(events, "started completed webhook ") || strings.Count(events, "skipped") != 1 {
		t.Errorf("the log has %q", events)
	}
}

// A callback that cannot be delivered at all ends as a dead letter, whose replay
// tries again. The job itself is not touched.
func TestCallbackThatDies(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.answer(unavailable)
	s.send(t, workerOnce, s.body(workerOnce, "j", doValue))
	letter := s.dead(t, workerOnce, 1)[0]
	s.settled(t, workerOnce)
	if m, err := dispatch.ParseMessage([]byte(*letter.Body)); err != nil || m.JobID != "j" || m.WorkerID != workerOnce {
		t.Errorf("the dead letter is %s", *letter.Body)
	}
	if w := s.record(t, "j").Webhook; w == nil || w.Delivered || w.Pending || w.Status != http.StatusServiceUnavailable {
		t.Errorf("the record's webhook is %+v, want one that was given up", w)
	}
	s.answer(nil)
	s.replay(t, workerOnce)
	s.settled(t, workerOnce)
	s.dead(t, workerOnce, 0)
	s.check(t, workerOnce, "j", ends{
		status: jobstore.Completed, runs: 1, output: 1,
		events: "started completed webhook webhook webhook", webhook: webhook.StatusSuccess,
	})
}

// The worker dies between the job's end and the answer to its callback: the next
// delivery sends the callback again, as the same event, and nothing else.
func TestCallbackThatWasNeverConfirmed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do   string
		want ends
	}{
		"of a completed job": {doValue, ends{
			status: jobstore.Completed, runs: 1, output: 1, events: "started completed skipped webhook", webhook: webhook.StatusSuccess,
		}},
		"of a failed job": {doPermanent, ends{
			status: jobstore.Failed, err: "no such customer", lastErr: "no such customer", runs: 1,
			events: "started failed skipped webhook", webhook: webhook.StatusError,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			var first sync.Once
			event := ""
			s.answer(func(_ http.ResponseWriter, r *http.Request) {
				first.Do(func() {
					event = r.Header.Get(webhook.HeaderID)
					s.answer(nil)
					s.kill(t, "j")
				})
			})
			s.send(t, workerBrief, s.body(workerBrief, "j", row.do))
			eventually(t, "the callback", func() bool { return len(s.callbacks("j")) > 0 })
			s.settled(t, workerBrief)
			s.check(t, workerBrief, "j", row.want)
			if got := s.callbacks("j")[0].ID; got != event {
				t.Errorf("the callback is event %s, and was %s at first", got, event)
			}
			if n := s.tried(); n != 2 {
				t.Errorf("%d callbacks were tried, want 2", n)
			}
		})
	}
}

// A receiver that takes its time hears of a failure once, although the message
// comes back.
func TestCallbackToASlowReceiver(t *testing.T) {
	t.Parallel()
	s := start(t, dispatch.DLQURLEnv(workerTask)+"=")
	var first sync.Once
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		s.answer(nil)
		first.Do(func() {
			select {
			case <-s.hold("slow").open:
			case <-r.Context().Done():
			}
		})
		w.WriteHeader(http.StatusNoContent)
	})
	body := s.body(workerTask, "j", doPermanent)
	s.send(t, workerTask, body)
	eventually(t, "the callback", func() bool { return s.tried() > 0 })
	// The message must not come back while its delivery still has to call somebody.
	s.send(t, workerTask, s.body(workerTask, "other", doValue))
	s.untilRecord(t, "other", jobstore.Completed)
	s.letGo("slow")
	s.deadLetter(t, workerTask, body, "")
	s.settled(t, workerTask)
	if n := s.tried() - len(s.callbacks("other")); n != 1 {
		t.Errorf("%d callbacks for the job, want 1", n)
	}
}
