package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// sleepy snoozes until the time it was first told has passed, and fails afterwards.
func sleepy(attempts *[]int, d time.Duration) Runner {
	snoozed := false
	return Must(New("sleepy", func(_ context.Context, j *Job[order]) (order, error) {
		*attempts = append(*attempts, j.Attempt)
		if !snoozed {
			snoozed = true
			return order{}, Snooze(d)
		}
		return order{}, errService
	}, WithBackoff(Constant(time.Second))))
}

func TestSnoozeUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []int
		q := newQueueRig(t, dlqEnv("sleepy"), nil, sleepy(&attempts, time.Minute))
		m := body("sleepy", "j", `{"number":1}`)
		q.deliver(t, queued("m1", m, 2)) // snoozes in its second attempt
		again := q.sqs.sentTo(testQueueURL)[0]
		time.Sleep(time.Minute)
		for receive := 1; receive <= 2; receive++ {
			q.deliver(t, q.comesBack("m2", again, receive))
		}
		if want := []int{2, 2, 3}; !slices.Equal(attempts, want) {
			t.Errorf("attempts = %v, want %v", attempts, want)
		}
		// The attempts are used up, SQS's receives are not.
		if r := q.job(t, "j"); r.Status != jobstore.Failed || len(q.sqs.sentTo(testDLQURL)) != 1 {
			t.Errorf("record = %+v, %d dead letters", r, len(q.sqs.sentTo(testDLQURL)))
		}
		// Its replay begins anew.
		dead := q.comesBack("m3", q.sqs.sentTo(testDLQURL)[0], 1)
		q.deliver(t, dead)
		if got := attempts[len(attempts)-1]; got != 1 {
			t.Errorf("the replay is attempt %d", got)
		}
	})
}

// What SQS itself moved to the dead-letter queue still carries what the runtime told
// itself; a replay of it, which comes later, is a job like any other.
func TestReplayForgetsWhatWasCarried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []int
		q := newQueueRig(t, nil, nil, sleepy(&attempts, time.Minute))
		q.deliver(t, queued("m1", body("sleepy", "j", `{"number":1}`), 3))
		again := q.sqs.sentTo(testQueueURL)[0]
		time.Sleep(2 * time.Hour)
		q.deliver(t, sentAgain("m2", again, 1))
		if want := []int{3, 1}; !slices.Equal(attempts, want) {
			t.Errorf("attempts = %v, want %v", attempts, want)
		}
	})
}

func TestLongSnoozeGoesInHops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []int
		q := newQueueRig(t, nil, nil, sleepy(&attempts, 40*time.Minute))
		began := time.Now()
		q.deliver(t, queued("m1", `{"workerId":"sleepy","input":{"number":1}}`, 1)) // named after its message
		var delays []int32
		for n := 0; len(attempts) < 2; n++ {
			sent := q.sqs.sentTo(testQueueURL)
			if len(sent) != n+1 || n > 5 {
				t.Fatalf("%d messages after %d hops, %d runs", len(sent), n, len(attempts))
			}
			last := sent[len(sent)-1]
			delays = append(delays, last.DelaySeconds)
			time.Sleep(time.Duration(last.DelaySeconds) * time.Second)
			if r := q.job(t, "m1"); r == nil || r.Status != jobstore.Queued {
				t.Fatalf("record of the snoozed job = %+v", r)
			}
			q.deliver(t, q.comesBack(fmt.Sprint("hop", n), last, 1))
		}
		if want := []int32{900, 900, 600}; !slices.Equal(delays, want) {
			t.Errorf("delays = %v, want %v", delays, want)
		}
		if took := time.Since(began); took != 40*time.Minute {
			t.Errorf("the job ran again after %v, want 40m", took)
		}
		if got := q.eventNames(t); got != "job.started job.deferred job.deferred job.deferred job.started job.retrying" {
			t.Errorf("events = %q", got)
		}
	})
}

func TestSnoozeThatCannotBeSentAgain(t *testing.T) {
	t.Parallel()
	almost := body("sleepy", "j", `{"number":1}`)
	almost = almost[:len(almost)-1] + strings.Repeat(" ", 1<<20-len(almost)-20) + "}"
	for _, tt := range []struct {
		name    string
		receive int
		body    string
		sendErr error
		hides   []int32
		status  jobstore.Status
	}{
		{"denied", 1, body("sleepy", "j", `{"number":1}`), denied("sqs:SendMessage"), []int32{60}, jobstore.Queued},
		{"denied, last receive", 3, body("sleepy", "j", `{"number":1}`), denied("sqs:SendMessage"), []int32{0}, jobstore.Failed},
		{"too long with the attribute", 1, almost, nil, []int32{60}, jobstore.Queued},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var attempts []int
			q := newQueueRig(t, nil, nil, sleepy(&attempts, time.Minute))
			q.sqs.sendErr = func(*sqs.SendMessageInput) error { return tt.sendErr }
			if ids := q.deliver(t, queued("m1", tt.body, tt.receive)); !slices.Equal(ids, []string{"m1"}) {
				t.Errorf("failures = %q", ids)
			}
			if got := q.sqs.hidesOf("m1"); !slices.Equal(got, tt.hides) {
				t.Errorf("visibility timeouts = %v, want %v", got, tt.hides)
			}
			r := q.job(t, "j")
			if r.Status != tt.status {
				t.Errorf("record = %+v", r)
			}
			if tt.status == jobstore.Failed && !strings.Contains(r.Error.Message, "last delivery") {
				t.Errorf("error = %q", r.Error.Message)
			}
		})
	}
}

func TestSnoozeError(t *testing.T) {
	t.Parallel()
	if after := snoozed(fmt.Errorf("later: %w", Snooze(time.Minute))); after != time.Minute {
		t.Errorf("wrapped: %v", after)
	}
	for name, err := range map[string]error{
		"nil":        nil,
		"plain":      errService,
		"nothing":    Snooze(0),
		"backwards":  Snooze(-time.Second),
		"permanent":  Permanent(Snooze(time.Minute)),
		"a panic of": &PanicError{Value: Snooze(time.Minute)},
	} {
		if after := snoozed(err); after != 0 {
			t.Errorf("%s: snoozed for %v", name, after)
		}
	}
	if err := Snooze(0); err == nil || !strings.Contains(err.Error(), "more than zero") {
		t.Errorf("Snooze(0) = %v", err)
	}
}

// The attribute comes through the queue: anybody may have written it.
func TestCarriedIsNotTrusted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for text, want := range map[string]carried{
		``:                    {},
		`null`:                {},
		`[1]`:                 {},
		`{"attempts":"many"}`: {},
		fmt.Sprintf(`{"attempts":-5,"sent":%d}`, now.UnixMilli()):                    {Sent: now.UnixMilli()},
		fmt.Sprintf(`{"attempts":99999999,"sent":%d}`, now.UnixMilli()):              {Sent: now.UnixMilli(), Attempts: maxMaxReceiveCount},
		fmt.Sprintf(`{"attempts":2,"sent":%d}`, now.Add(-time.Hour).UnixMilli()):     {},
		fmt.Sprintf(`{"attempts":2,"jobId":"x","sent":%d}`, -int64(1)<<63):           {JobID: "x"},
		fmt.Sprintf(`{"attempts":2,"due":9,"since":8,"sent":%d}`, now.UnixMilli()+9): {Attempts: 2, Due: 9, Since: 8, Sent: now.UnixMilli() + 9},
	} {
		rec := queued("m", "", 1)
		rec.Attributes["SentTimestamp"] = fmt.Sprint(now.UnixMilli())
		rec.MessageAttributes = map[string]events.SQSMessageAttribute{attrCarried: {DataType: "String", StringValue: &text}}
		if got := readCarried(&rec); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	for _, due := range []int64{-1 << 63, 1<<63 - 1} {
		rest := carried{Due: due}.wait(now)
		if (rest > 0) != (due > 0) {
			t.Errorf("due %d: wait %v", due, rest)
		}
	}
}

func TestLocalRunKnowsNoQueue(t *testing.T) {
	t.Parallel()
	for _, worker := range []string{"fails", "permanent", "snoozes", "panics", "nobody"} {
		q := newQueueRig(t, dlqEnv(worker), nil, rowWorkers()...)
		m := record("m1", body(worker, "j", `{"number":1}`), 3)
		if ids := q.deliver(t, m); !slices.Equal(ids, []string{"m1"}) {
			t.Errorf("%s: failures = %q", worker, ids)
		}
		if n := q.sqs.callCount(); n != 0 {
			t.Errorf("%s: SQS was called %d times", worker, n)
		}
		if o := q.lastOutcome(t); o.Err == nil || (worker == "snoozes" && o.Kind != KindSnoozed) {
			t.Errorf("%s: outcome %+v", worker, o)
		}
	}
}

// A job that is not due does not run early because a hop fails.
func TestHopThatCannotBeSentAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		hides   []int32
		kind    OutcomeKind
	}{
		{"receives left", 1, []int32{1800}, KindDeferred},
		{"last receive", 3, []int32{0}, KindFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var attempts []int
				q := newQueueRig(t, nil, nil, sleepy(&attempts, 45*time.Minute))
				q.deliver(t, queued("m1", body("sleepy", "j", `{"number":1}`), 1))
				hop := q.sqs.sentTo(testQueueURL)[0]
				time.Sleep(15 * time.Minute)
				q.sqs.sendErr = func(*sqs.SendMessageInput) error { return denied("sqs:SendMessage") }
				if ids := q.deliver(t, q.comesBack("m2", hop, tt.receive)); !slices.Equal(ids, []string{"m2"}) || len(attempts) != 1 {
					t.Errorf("failures = %q, %d runs", ids, len(attempts))
				}
				if got := q.sqs.hidesOf("m2"); !slices.Equal(got, tt.hides) {
					t.Errorf("visibility timeouts = %v, want %v", got, tt.hides)
				}
				o := q.lastOutcome(t)
				if o.Kind != tt.kind {
					t.Errorf("outcome = %+v", o)
				}
				if r := q.job(t, "j"); (r.Status == jobstore.Failed) != (tt.kind == KindFailed) {
					t.Errorf("record = %+v", r)
				}
			})
		})
	}
}
