package redrive

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

// A plan is judged anew when it changes, without receiving anything again.
func TestRecheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 3)
		w.queue("http://sqs/other")
		e := engineWith(w, w, Config{Dir: NoJournal})
		worker := orders()
		worker.InputSchema = []byte(`{"type":"object","properties":{"n":{"maximum":2}}}`)
		s, err := e.Select(t.Context(), worker, Choice{Check: true})
		if err != nil {
			t.Fatal(err)
		}
		received := len(w.hiddenIDs(dlqURL))
		if s.Blocked[check.KindInvalidInput] != 1 {
			t.Errorf("blocked: %v", s.Blocked)
		}
		// Whoever reads another queue is not known: nothing but the size is checked.
		if err := e.Recheck(t.Context(), s, Choice{To: "http://sqs/other"}); err != nil || len(s.Blocked) != 0 {
			t.Errorf("blocked: %v, %v", s.Blocked, err)
		}
		if err := e.Recheck(t.Context(), s, Choice{}); err != nil || s.Blocked[check.KindInvalidInput] != 1 {
			t.Errorf("blocked: %v, %v", s.Blocked, err)
		}
		if now := len(w.hiddenIDs(dlqURL)); now != received || s.Held() != 3 {
			t.Errorf("%d are hidden, %d held; before it were %d", now, s.Held(), received)
		}
		if err := s.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhyAndAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		c := &cloud{}
		e := engineWith(w, w, Config{Dir: NoJournal, Logs: logs.NewReader(c)})
		at := time.Now()
		c.say("START RequestId: req-1 Version: $LATEST")
		c.say(`[AIWORKER_RUN] {"jobId":"job-1","workerId":"orders","awsRequestId":"req-1"}`)
		c.say(`{"event":"job.failed","jobId":"job-1","workerId":"orders","level":"error","msg":"job failed","willRetry":false,"error":{"message":"out of stock"}}`)
		c.say("END RequestId: req-1")
		worker := orders()
		worker.Function = &aws.Function{Name: "orders", LogGroup: "/aws/lambda/orders", Runtime: "provided.al2023"}
		found, err := e.Why(t.Context(), worker, []why.Job{{ID: "job-1", From: at}})
		f := found.Failures["job-1"]
		if err != nil || f.Message != "out of stock" {
			t.Fatalf("%+v, %v", found, err)
		}
		for _, ask := range [][2]string{{"job-1", ""}, {"job-1", "req-1"}} {
			lines, err := e.Attempt(t.Context(), worker, ask[0], ask[1], at)
			var text []string
			for _, l := range lines {
				text = append(text, l.Text)
			}
			if err != nil || !strings.Contains(strings.Join(text, "\n"), "out of stock") {
				t.Errorf("%v: %q, %v", ask, text, err)
			}
		}
	})
}

func TestSelectedIsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	s := Selected(orders(), Chosen{Letter: &letter.Letter{ID: "a"}}, Chosen{
		Letter: &letter.Letter{ID: "b"}, Edit: &letter.Letter{ID: "b"}, Problems: []check.Problem{{Kind: check.KindNotAJob, Blocks: true}},
	})
	if got := chosenIDs(t, s); len(got) != 2 || s.Count != 2 || s.Edits != 1 || s.Blocked[check.KindNotAJob] != 1 || s.Held() != 0 {
		t.Errorf("%v, %+v", got, s)
	}
	if err := s.Release(context.Background()); err != nil {
		t.Error(err)
	}
	if (&Engine{}).Protected("x").Needed {
		t.Error("an engine without a guard protects")
	}
}
