package runtime

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Two jobs of different workers under one id: the second one must not pass for done
// with the output of the first.
func TestJobIDOfAnotherWorker(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusOK))
	runs := 0
	env := webhookEnv()
	for k, v := range dlqEnv("count") {
		env[k] = v
	}
	q := newQueueRig(t, env, nil, append(testWorkers(), counter(&runs))...)
	q.deliver(t, queued("m1", body("ok", "j-1", `{"number":1}`), 1))
	if got := q.deliver(t, queued("m2", webhookBody("count", rc.url), 1)); len(got) != 0 {
		t.Errorf("failures %v", got)
	}
	if o := q.lastOutcome(t); o.Kind != KindFailed || o.Err == nil || !strings.Contains(o.Err.Error(), `"ok"`) {
		t.Errorf("outcome %+v", o)
	}
	if runs != 0 || len(q.sqs.sentTo(testDLQURL)) != 1 {
		t.Errorf("%d runs, %d dead letters", runs, len(q.sqs.sentTo(testDLQURL)))
	}
	if calls := rc.calls(); len(calls) != 1 || !strings.Contains(calls[0].body, `"status":"error"`) {
		t.Errorf("webhooks %+v", calls)
	}
	if rec := q.job(t, "j-1"); rec == nil || rec.Status != jobstore.Completed || rec.WorkerID != "ok" || rec.Webhook != nil {
		t.Errorf("record %+v", rec)
	}
}

// A callback of a failure that arrives while the job runs again says nothing of the
// callback of that run.
func TestLateCallbackOfAFailure(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(http.StatusServiceUnavailable))
	q := newQueueRig(t, webhookEnv(), nil)
	q.jump(t, queued("m1", webhookBody("permanent", rc.url), 1))
	sent := q.sqs.sentTo(testQueueURL)
	if len(sent) != 1 {
		t.Fatalf("%d messages hand the callback on", len(sent))
	}
	claim := jobstore.Claim{JobID: "j-1", WorkerID: "permanent", Owner: "replay", MessageID: "m2", Receives: 1, Lease: time.Now().Add(time.Minute)}
	if _, err := q.store.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	rc.now(http.StatusOK)
	q.jump(t, sentAgain("h", sent[0], 1))
	if rec := q.job(t, "j-1"); rec == nil || rec.Webhook != nil {
		t.Errorf("webhook in the record %+v: the end of the replay would pass for told", rec)
	}
}
