package outcomes_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// replay sends the dead letters of a worker back, as the console does.
func (s *stage) replay(t *testing.T, worker string) {
	t.Helper()
	console, err := aws.Open(t.Context(), aws.Target{EndpointURL: s.server.Endpoint(), Stage: stageName}, aws.Options{
		HTTPClient: s.http, AuditPath: aws.NoAudit, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := console.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range inventory.Workers {
		if w.ID != worker {
			continue
		}
		report, err := redrive.New(console, redrive.Config{Dir: redrive.NoJournal}).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
		if err != nil || report.Replayed != 1 {
			t.Fatalf("replay: %+v, %v", report, err)
		}
		return
	}
	t.Fatalf("the console does not find worker %s", worker)
}

// move has SQS move the dead letters back. It knows where they came from only if it
// has moved them here itself, and is told.
func (s *stage) move(t *testing.T, worker string) {
	t.Helper()
	if _, err := s.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
		SourceArn: new(s.queueARN(t, s.dlq(worker))), DestinationArn: new(s.queueARN(t, s.queue(worker))),
	}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) queueARN(t *testing.T, url string) string {
	t.Helper()
	out, err := s.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)]
}

// A dead letter that comes back is run again, however it became one and whichever
// way it comes.
func TestReplayRunsAFailedJobAgain(t *testing.T) {
	t.Parallel()
	for how, replay := range map[string]func(*stage, *testing.T, string){
		"by the console": (*stage).replay,
		"by SQS":         (*stage).move,
		"by hand": func(s *stage, t *testing.T, worker string) {
			s.send(t, worker, *s.dead(t, worker, 1)[0].Body)
		},
	} {
		for why, job := range map[string]struct {
			do       []string
			runs     int
			events   string
			lastErr  string
			attempts []int
		}{
			"after its last attempt": {[]string{doError, doError, doValue}, 3, "started retrying started failed webhook ", errService.Error(), []int{1, 2, 1}},
			"after a permanent one":  {[]string{doPermanent, doValue}, 2, "started failed webhook ", "no such customer", []int{1, 1}},
		} {
			t.Run(how+" "+why, func(t *testing.T) {
				t.Parallel()
				s := start(t)
				s.send(t, workerTask, s.body(workerTask, "j", job.do...))
				s.dead(t, workerTask, 1)
				s.settled(t, workerTask)
				replay(s, t, workerTask)
				s.untilRecord(t, "j", jobstore.Completed)
				s.settled(t, workerTask)
				s.checkRecord(t, workerTask, "j", ends{status: jobstore.Completed, lastErr: job.lastErr, output: job.runs, webhook: webhook.StatusSuccess})
				if got, want := eventNames(s.events(t, workerTask, "j")), job.events+"started completed webhook"; got != want {
					t.Errorf("the log has %q\nwant %q", got, want)
				}
				runs := s.runs(t, "j")
				if len(runs) != job.runs {
					t.Fatalf("the handler ran %d times, want %d", len(runs), job.runs)
				}
				for i, run := range runs {
					if run.Attempt != job.attempts[i] {
						t.Errorf("run %d is attempt %d, want %d", i+1, run.Attempt, job.attempts[i])
					}
				}
				if last := runs[job.runs-1]; last.LastError != job.lastErr && job.lastErr == errService.Error() {
					t.Errorf("the replay saw the error %q", last.LastError)
				}
				calls := s.callbacks("j")
				if len(calls) != 2 || calls[0].Status != webhook.StatusError || calls[1].Status != webhook.StatusSuccess || calls[0].ID == calls[1].ID {
					t.Errorf("callbacks %+v, want an error and, as another event, a success", calls)
				}
			})
		}
	}
}

// A replay that fails again is the same dead letter again.
func TestReplayThatFailsAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := s.body(workerTask, "j", doPermanent, doSnooze, doPermanent)
	s.send(t, workerTask, body)
	s.deadLetter(t, workerTask, body, "no such customer")
	s.settled(t, workerTask)
	s.replay(t, workerTask)
	eventually(t, "the replay to fail", func() bool { return len(s.callbacks("j")) == 2 })
	s.settled(t, workerTask)
	s.deadLetter(t, workerTask, body, "no such customer")
	if calls := s.callbacks("j"); calls[1].Status != webhook.StatusError || calls[0].ID == calls[1].ID {
		t.Errorf("callbacks %+v, want two errors that are two events", calls)
	}
	if got, want := eventNames(s.events(t, workerTask, "j")), "started failed webhook started deferred started failed webhook"; got != want {
		t.Errorf("the log has %q\nwant %q", got, want)
	}
}
