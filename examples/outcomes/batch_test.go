package outcomes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// Each message of a batch has its own outcome.
func TestBatchOfMixedOutcomes(t *testing.T) {
	t.Parallel()
	s := start(t)
	bodies := map[string]string{
		"value":     s.body(workerMany, "value", doValue),
		"error":     s.body(workerMany, "error", doError),
		"permanent": s.body(workerMany, "permanent", doPermanent),
		"input":     s.bodyWith(workerMany, "input", `7`),
		"output":    s.body(workerMany, "output", doNonsense),
		"snooze":    s.body(workerMany, "snooze", doSnooze, doValue),
		"panic":     s.body(workerMany, "panic", doPanic, doValue),
		"no job":    "no job",
		"last":      s.body(workerMany, "last", doValue),
	}
	s.send(t, workerMany, bodies["value"], bodies["error"], bodies["permanent"], bodies["input"], bodies["output"],
		bodies["snooze"], bodies["panic"], bodies["no job"], bodies["last"])
	letters := s.dead(t, workerMany, 5)
	s.settled(t, workerMany)
	done := func(runs int, events, lastErr string) ends {
		return ends{status: jobstore.Completed, lastErr: lastErr, runs: runs, output: runs, events: events + "completed webhook", webhook: webhook.StatusSuccess}
	}
	failed := func(runs int, events, err string) ends {
		return ends{status: jobstore.Failed, err: err, runs: runs, events: events + "failed webhook", webhook: webhook.StatusError}
	}
	s.check(t, workerMany, "value", done(1, "started ", ""))
	s.check(t, workerMany, "last", done(1, "started ", ""))
	s.check(t, workerMany, "snooze", done(2, "started deferred started ", ""))
	s.check(t, workerMany, "panic", done(2, "started retrying started ", "panic: something is nil"))
	s.check(t, workerMany, "permanent", failed(1, "started ", "no such customer"))
	s.check(t, workerMany, "input", failed(0, "", "ValidationError"))
	s.check(t, workerMany, "output", failed(1, "started ", "OutputError"))
	always := failed(3, "started retrying started retrying started ", errService.Error())
	always.lastErr = errService.Error()
	s.check(t, workerMany, "error", always)

	reasons := map[string]string{"permanent": "no such customer", "input": "input", "output": "/run", "error": "", "no job": ""}
	for _, m := range letters {
		id := "no job"
		if job, err := dispatch.ParseMessage([]byte(*m.Body)); err == nil {
			id = job.JobID
		}
		reason, expected := reasons[id]
		if delete(reasons, id); !expected {
			t.Errorf("%s is a dead letter, or is it twice", id)
			continue
		}
		checkLetter(t, m, bodies[id], reason)
	}
	// It was one batch, and one process in spite of the panic.
	first := s.runs(t, "value")[0]
	for _, id := range []string{"error", "permanent", "output", "snooze", "panic", "last"} {
		if run := s.runs(t, id)[0]; run.Request != first.Request || run.PID != first.PID {
			t.Errorf("%s ran in another invocation, or process", id)
		}
	}
	if again := s.runs(t, "panic")[1]; again.PID != first.PID {
		t.Error("the panic took the process down")
	}
	if e := s.events(t, workerMany, "panic")[1]; e.Error == nil || e.Error.Name != "PanicError" || !strings.Contains(e.Error.Stack, "program.handle") {
		t.Errorf("the line of the panic: %+v", e.Error)
	}
}

// order is which jobs of the group ran, in which order.
func (s *stage) order(t *testing.T, group string) []string {
	t.Helper()
	all, err := readRuns(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range all {
		if strings.HasPrefix(r.Job, group+"-") {
			order = append(order, r.Job)
		}
	}
	return order
}

func TestFIFO(t *testing.T) {
	t.Parallel()
	const bySQS = "SQS has moved it"
	for name, row := range map[string]struct {
		env   []string // of the stage
		first []string // what the first job of group a does
		order []string // in which group a ran
		ends  ends     // of that job
		dead  string   // why it is a dead letter; empty: it is none
	}{
		"an error is retried": {
			first: []string{doError, doValue},
			order: []string{"a-1", "a-1", "a-2", "a-3"},
			ends: ends{
				status: jobstore.Completed, lastErr: errService.Error(), runs: 2, output: 2,
				events: "started retrying started completed webhook", webhook: webhook.StatusSuccess,
			},
		},
		"a snooze holds up its group": {
			first: []string{doSnooze, doValue},
			order: []string{"a-1", "a-1", "a-2", "a-3"},
			ends: ends{
				status: jobstore.Completed, runs: 2, output: 2,
				events: "started deferred started completed webhook", webhook: webhook.StatusSuccess,
			},
		},
		// Those behind it have been received as often, and must not follow it.
		"the last attempt fails": {
			first: []string{doError},
			order: []string{"a-1", "a-1", "a-2", "a-3"},
			ends: ends{
				status: jobstore.Failed, err: errService.Error(), lastErr: errService.Error(), runs: 2,
				events: "started retrying started failed webhook", webhook: webhook.StatusError,
			},
			dead: bySQS,
		},
		"a permanent error holds nobody up": {
			first: []string{doPermanent},
			order: []string{"a-1", "a-2", "a-3"},
			ends: ends{
				status: jobstore.Failed, err: "no such customer", runs: 1,
				events: "started failed webhook", webhook: webhook.StatusError,
			},
			dead: "no such customer",
		},
		"a permanent error whose message cannot be copied": {
			env:   []string{dispatch.DLQURLEnv(workerLine) + "="},
			first: []string{doPermanent},
			order: []string{"a-1", "a-2", "a-3"},
			ends: ends{
				status: jobstore.Failed, err: "no such customer", lastErr: "no such customer", runs: 1,
				events: "started failed webhook skipped", webhook: webhook.StatusError,
			},
			dead: bySQS,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, row.env...)
			first := s.body(workerLine, "a-1", row.first...)
			s.send(t, workerLine, first, s.body(workerLine, "a-2", doValue), s.body(workerLine, "b-1", doValue),
				s.body(workerLine, "a-3", doValue), s.body(workerLine, "b-2", doValue))
			s.settled(t, workerLine)
			if got := s.order(t, "a"); !slices.Equal(got, row.order) {
				t.Errorf("the group ran as %q, want %q", got, row.order)
			}
			if got := s.order(t, "b"); !slices.Equal(got, []string{"b-1", "b-2"}) {
				t.Errorf("the other group ran as %q", got)
			}
			if runs := s.runs(t, "a-1"); len(runs) == 2 && s.runs(t, "b-2")[0].At.After(runs[1].At) {
				t.Error("the other group waited")
			}
			s.check(t, workerLine, "a-1", row.ends)
			for _, id := range []string{"a-2", "a-3", "b-1", "b-2"} {
				events := eventNames(s.events(t, workerLine, id))
				s.check(t, workerLine, id, ends{
					status: jobstore.Completed, runs: 1, output: 1,
					events: events, webhook: webhook.StatusSuccess,
				})
				if strings.TrimPrefix(events, "deferred ") != "started completed webhook" {
					t.Errorf("%s: the log has %q", id, events)
				}
			}
			if row.dead == "" {
				s.dead(t, workerLine, 0)
				return
			}
			reason := row.dead
			if reason == bySQS {
				reason = ""
			}
			letter := s.dead(t, workerLine, 1)[0]
			checkLetter(t, letter, first, reason)
			if got := letter.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]; got != "a" {
				t.Errorf("the dead letter is of group %q", got)
			}
		})
	}
}
