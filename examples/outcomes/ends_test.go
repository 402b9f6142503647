package outcomes_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// ends is what a job has left behind when all is over.
type ends struct {
	// status is the record's; empty: there is none. err and lastErr are parts of its
	// errors' texts; empty: it has none.
	status       jobstore.Status
	err, lastErr string
	// runs is how often the handler ran, and output which of them made the output.
	runs, output int
	// events are the events in the log, without the "job." before each.
	events string
	// webhook is the only callback that came; empty: none did.
	webhook webhook.Status
}

// check compares what a job has left behind. The stage must have settled.
func (s *stage) check(t *testing.T, worker, jobID string, want ends) {
	t.Helper()
	if got := len(s.runs(t, jobID)); got != want.runs {
		t.Errorf("%s: the handler ran %d times, want %d", jobID, got, want.runs)
	}
	if got := eventNames(s.events(t, worker, jobID)); got != want.events {
		t.Errorf("%s: the log has %q\nwant %q", jobID, got, want.events)
	}
	s.checkRecord(t, worker, jobID, want)
	s.checkWebhook(t, worker, jobID, want)
}

func (s *stage) checkRecord(t *testing.T, worker, jobID string, want ends) {
	t.Helper()
	r := s.record(t, jobID)
	if r == nil || want.status == "" {
		if r != nil || want.status != "" {
			t.Errorf("%s: the record is %+v, want status %q", jobID, r, want.status)
		}
		return
	}
	if r.Status != want.status || r.WorkerID != worker || r.UserID != "u-1" || !r.LeaseUntil.IsZero() {
		t.Errorf("%s: the record is of worker %s, user %q, %s, with a lease until %v, want %s and none", jobID, r.WorkerID, r.UserID, r.Status, r.LeaseUntil, want.status)
	}
	for what, e := range map[string]struct {
		got  *dispatch.JobError
		want string
	}{"error": {r.Error, want.err}, "last error": {r.LastError, want.lastErr}} {
		switch {
		case (e.got == nil) != (e.want == ""):
			t.Errorf("%s: the record's %s is %+v, want %q", jobID, what, e.got, e.want)
		case e.got != nil && !strings.Contains(e.got.Name+": "+e.got.Message, e.want):
			t.Errorf("%s: the record's %s is %q %q, want %q", jobID, what, e.got.Name, e.got.Message, e.want)
		}
	}
	if want.status == jobstore.Completed || want.output > 0 {
		checkOutput(t, jobID+": the record's output", r.Output, want.output)
	} else if r.Output != nil {
		t.Errorf("%s: the record has the output %s", jobID, r.Output)
	}
	switch {
	case want.webhook == "" && r.Webhook != nil:
		t.Errorf("%s: the record has the webhook %+v", jobID, *r.Webhook)
	case want.webhook != "" && (r.Webhook == nil || !r.Webhook.Delivered || r.Webhook.Pending):
		t.Errorf("%s: the record's webhook is %+v, want a delivered one", jobID, r.Webhook)
	}
}

func checkOutput(t *testing.T, what string, got []byte, run int) {
	t.Helper()
	var out Output
	if err := json.Unmarshal(bytes.TrimSpace(got), &out); err != nil || out.Run != run {
		t.Errorf("%s is %s (%v), want that of run %d", what, cmp.Or(string(got), "missing"), err, run)
	}
}

func (s *stage) checkWebhook(t *testing.T, worker, jobID string, want ends) {
	t.Helper()
	got := s.callbacks(jobID)
	if want.webhook == "" {
		if len(got) != 0 {
			t.Errorf("%s: webhooks %+v, want none", jobID, got)
		}
		return
	}
	if len(got) != 1 {
		t.Errorf("%s: %d webhooks, want one: %+v", jobID, len(got), got)
		return
	}
	e := got[0]
	if e.Status != want.webhook || e.WorkerID != worker || e.ID == "" || e.Metadata["order"] != json.Number("1.50") {
		t.Errorf("%s: webhook %+v, want %s with the caller's metadata", jobID, e, want.webhook)
	}
	switch want.webhook {
	case webhook.StatusSuccess:
		if e.Output.Run != want.output {
			t.Errorf("%s: the webhook has the output of run %d, want %d", jobID, e.Output.Run, want.output)
		}
	case webhook.StatusError:
		if e.Error == nil || !strings.Contains(e.Error.Name+": "+e.Error.Message, want.err) {
			t.Errorf("%s: the webhook says %+v, want %q", jobID, e.Error, want.err)
		}
	}
}

// dead returns the messages of a worker's dead-letter queue, once there are so many;
// more are an error.
func (s *stage) dead(t *testing.T, worker string, want int) []types.Message {
	t.Helper()
	url := s.dlq(worker)
	eventually(t, fmt.Sprintf("%d dead letters of worker %s", want, worker), func() bool { return s.depth(t, url) >= want })
	seen := map[string]bool{}
	var all []types.Message
	eventually(t, "the dead letters", func() bool {
		out, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10,
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			// Whoever replays it must find it.
			if _, err := s.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
			if !seen[*m.MessageId] {
				seen[*m.MessageId] = true
				all = append(all, m)
			}
		}
		return len(all) >= want
	})
	if n := s.depth(t, url); n != want {
		t.Errorf("%d dead letters of worker %s, want %d", n, worker, want)
	}
	return all
}

// deadLetter checks the only dead letter of a worker: the body byte for byte, the
// attributes, and the reason if the runtime has put it there itself.
func (s *stage) deadLetter(t *testing.T, worker, body, reason string) {
	t.Helper()
	checkLetter(t, s.dead(t, worker, 1)[0], body, reason)
}

func checkLetter(t *testing.T, m types.Message, body, reason string) {
	t.Helper()
	if *m.Body != body {
		t.Errorf("the dead letter is %q\nwant %q", *m.Body, body)
	}
	if got := awssdk.ToString(m.MessageAttributes[attribute].StringValue); got != attributeValue {
		t.Errorf("the dead letter has lost its attribute: %v", m.MessageAttributes)
	}
	got := awssdk.ToString(m.MessageAttributes["AIWorkerError"].StringValue)
	if (got == "") != (reason == "") || !strings.Contains(got, reason) {
		t.Errorf("AIWorkerError of the dead letter = %q, want %q", got, reason)
	}
	want := 1
	if reason != "" {
		want = 2
	}
	if len(m.MessageAttributes) != want {
		t.Errorf("the dead letter has %d attributes, want %d: %v", len(m.MessageAttributes), want, m.MessageAttributes)
	}
}
