package outcomes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// Another attempt would only use more.
func TestTokenBudget(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := strings.Replace(s.body(workerTask, "j", doTokens), `"zeta"`, `"maxTokens": 100, "zeta"`, 1)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "TokenBudgetError: the token budget is used up: 120 tokens used of 100")
	s.settled(t, workerTask)
	s.check(t, workerTask, "j", ends{
		status: jobstore.Failed, err: "the token budget is used up", runs: 1,
		events: "started failed webhook", webhook: webhook.StatusError,
	})
	if got := s.record(t, "j").Tokens; got == nil || got.Input != 70 || got.Output != 50 || got.Budget == nil || *got.Budget != 100 {
		t.Errorf("the record's tokens are %+v", got)
	}
	usage, err := json.Marshal(s.callbacks("j")[0].Metadata["tokenUsage"])
	if err != nil || string(usage) != `{"budget":100,"inputTokens":70,"outputTokens":50}` {
		t.Errorf("the callback's tokenUsage is %s, %v", usage, err)
	}
}

// Three tries, and one delivery.
func TestRetryWithinADelivery(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send(t, workerTries, s.body(workerTries, "j", doError, doNonsense, doValue))
	s.settled(t, workerTries)
	s.dead(t, workerTries, 0)
	s.check(t, workerTries, "j", ends{
		status: jobstore.Completed, runs: 3, output: 3,
		events: "started completed webhook", webhook: webhook.StatusSuccess,
	})
	runs := s.runs(t, "j")
	for i, saw := range []string{"", errService.Error(), "the output does not fit its schema"} {
		if run := runs[i]; run.Try != i+1 || run.Attempt != 1 || run.Request != runs[0].Request || !strings.Contains(run.LastError, saw) {
			t.Errorf("run %d: %+v, want try %d after %q", i+1, run, i+1, saw)
		}
	}
}

// When the tries are used up the attempt has failed, and the next one has them anew.
func TestRetriesOfEachDelivery(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTries, "j", doError)
	s.send(t, workerTries, body)
	s.deadLetter(t, workerTries, body, "")
	s.settled(t, workerTries)
	s.check(t, workerTries, "j", ends{
		status: jobstore.Failed, err: errService.Error(), lastErr: errService.Error(), runs: 6,
		events: "started retrying started failed webhook", webhook: webhook.StatusError,
	})
}

// withChild is a job that starts a child.
func (s *stage) withChild(worker, child string, do ...string) string {
	steps, err := json.Marshal(do)
	if err != nil {
		panic(err)
	}
	return s.bodyWith(worker, "parent", fmt.Sprintf(`{"do":%s,"child":{"do":[%q]}}`, steps, child))
}

func TestChildJobs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		do             []string
		output, events string
		delay          int
	}{
		"fire and forget":       {[]string{doDispatch}, `{"run":1}`, "started completed webhook", 0},
		"delayed":               {[]string{doLater}, `{"run":1}`, "started completed webhook", 2},
		"awaited":               {[]string{doAwait}, `{"run":1,"child":{"run":1}}`, "started completed webhook", 0},
		"by a parent run twice": {[]string{doStumble, doDispatch}, `{"run":2}`, "started retrying started completed webhook", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.send(t, workerParent, s.withChild(workerParent, doValue, row.do...))
			parent := s.untilRecord(t, "parent", jobstore.Completed)
			awaited := row.do[0] == doAwait
			if len(parent.Children) != 1 {
				t.Fatalf("the parent's children are %+v, want one", parent.Children)
			}
			child := parent.Children[0]
			if want := (jobstore.Child{JobID: child.JobID, WorkerID: workerTask, Awaited: awaited, DelaySeconds: row.delay}); child != want {
				t.Errorf("the child is recorded as %+v, want %+v", child, want)
			}
			if string(parent.Output) != row.output {
				t.Errorf("the parent's output is %s, want %s", parent.Output, row.output)
			}
			s.untilRecord(t, child.JobID, jobstore.Completed)
			s.settled(t, workerParent)
			s.settled(t, workerTask)
			if got := eventNames(s.events(t, workerParent, "parent")); got != row.events {
				t.Errorf("the parent's log has %q, want %q", got, row.events)
			}
			s.check(t, workerTask, child.JobID, ends{status: jobstore.Completed, runs: 1, output: 1, events: "started completed"})
			run := s.runs(t, child.JobID)[0]
			trigger, err := json.Marshal(run.Metadata["__trigger"])
			want := fmt.Sprintf(`{"awaited":%t,"parentJobId":"parent","parentWorkerId":%q,"type":"worker"}`, awaited, workerParent)
			if err != nil || string(trigger) != want || run.User != "u-1" {
				t.Errorf("the child's __trigger is %s, want %s; its user is %q", trigger, want, run.User)
			}
			if waited := run.At.Sub(s.runs(t, "parent")[0].At); waited < time.Duration(row.delay)*time.Second {
				t.Errorf("the child ran after %v, want %d s", waited, row.delay)
			}
		})
	}
}

// The failure of an awaited child is the parent's error.
func TestAwaitedChildThatFails(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.withChild(workerSole, doPermanent, doAwait)
	s.send(t, workerSole, body)
	s.deadLetter(t, workerSole, body, "")
	s.settled(t, workerSole)
	s.settled(t, workerTask)
	s.check(t, workerSole, "parent", ends{
		status: jobstore.Failed, err: "failed: there is no such customer", runs: 1,
		events: "started failed webhook", webhook: webhook.StatusError,
	})
	letter := s.dead(t, workerTask, 1)[0]
	if m, err := dispatch.ParseMessage([]byte(*letter.Body)); err != nil || m.JobID != s.record(t, "parent").Children[0].JobID {
		t.Errorf("the child's dead letter is %s (%v)", *letter.Body, err)
	}
}

// The event of a schedule becomes a job like any other; Lambda invokes again when it
// is not sure, and there is still one.
func TestScheduledEvent(t *testing.T) {
	t.Parallel()
	s := start(t)
	event := []byte(`{"version":"0","id":"e-1","source":"aws.events","detail-type":"Scheduled Event","time":"2026-11-24T01:00:00Z","detail":{}}`)
	for range 2 {
		out, err := s.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: new(function(workerClock)), Payload: event})
		if err != nil || out.FunctionError != nil {
			t.Fatalf("invoke: %v %+v", err, out)
		}
		s.settled(t, workerClock)
	}
	s.dead(t, workerClock, 0)
	all, err := readRuns(s.dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d runs (%v), want one", len(all), err)
	}
	if trigger, _ := all[0].Metadata["__trigger"].(map[string]any); trigger["type"] != "schedule" || trigger["at"] != "2026-11-24T01:00:00.000Z" {
		t.Errorf("the job's __trigger is %v", trigger)
	}
	if r := s.record(t, all[0].Job); r == nil || r.Status != jobstore.Completed {
		t.Errorf("the record is %+v", r)
	}
}
