package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// Without the permission jobs are as well off as before, and the log says so once.
func TestVisibilityThatCannotBeChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		err   error
		warns int
	}{
		{"denied", denied("sqs:ChangeMessageVisibility"), 1},
		{"the message is somebody else's by now", &smithy.GenericAPIError{Code: "ReceiptHandleIsInvalid"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := newQueueRig(t, nil, nil, rowWorkers()...)
			q.sqs.hideErr = tt.err
			ids := q.deliver(t,
				queued("m1", body("fails", "j1", `{"number":1}`), 1),
				queued("m2", body("fails", "j2", `{"number":1}`), 1),
				queued("m3", body("ok", "j3", `{"number":1}`), 1))
			if want := []string{"m1", "m2"}; !slices.Equal(ids, want) {
				t.Errorf("failures = %q, want %q", ids, want)
			}
			if got := strings.Count(q.text(), "sqs:ChangeMessageVisibility on its queue"); got != tt.warns {
				t.Errorf("%d warnings, want %d", got, tt.warns)
			}
			_, all := q.lines(t)
			for _, e := range all {
				if e.DelayMS != 0 {
					t.Errorf("event = %+v: nobody knows when SQS delivers again", e)
				}
			}
		})
	}
}

// A queue that cannot be reached costs the time of one call, not that of one for
// each job, and nothing else.
func TestSQSUnreachable(t *testing.T) {
	t.Parallel()
	for _, withStore := range []bool{true, false} {
		t.Run(fmt.Sprintf("store %v", withStore), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dead := &deadSQS{}
				q := newQueueRig(t, dlqEnv("permanent"), func(c *AppConfig) {
					c.SQS = dead
					if !withStore {
						c.Store = nil
					}
				}, rowWorkers()...)
				began := time.Now()
				var want []string
				ev := batchOf(queued("m0", body("ok", "j0", `{"number":1}`), 1))
				for i, w := range []string{"fails", "permanent", "snoozes", "panics", "fails"} {
					id := fmt.Sprint("m", i+1)
					ev.Records = append(ev.Records, queued(id, body(w, "j"+id, `{"number":1}`), 1))
					want = append(want, id)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				resp, err := q.HandleSQS(ctx, ev)
				if ids := failures(t, resp, err); !slices.Equal(ids, want) {
					t.Errorf("failures = %q, want %q", ids, want)
				}
				if took := time.Since(began); took > queueOpTimeout+time.Second || dead.calls != 1 {
					t.Errorf("%d calls took %v", dead.calls, took)
				}
				time.Sleep(queueRest)
				resp, err = q.HandleSQS(ctx, batchOf(queued("m9", body("fails", "j9", `{"number":1}`), 1)))
				failures(t, resp, err)
				if dead.calls != 2 {
					t.Errorf("%d calls: SQS should be asked again after a while", dead.calls)
				}
			})
		})
	}
}

// deadSQS is one that does not answer.
type deadSQS struct {
	SQSAPI
	calls int
}

func (d *deadSQS) wait(ctx context.Context) error {
	d.calls++
	<-ctx.Done()
	return &net.OpError{Op: "dial", Err: ctx.Err()}
}

func (d *deadSQS) ChangeMessageVisibility(ctx context.Context, _ *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return nil, d.wait(ctx)
}

func (d *deadSQS) SendMessage(ctx context.Context, _ *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return nil, d.wait(ctx)
}

// A call that had no time is no sign that SQS is away.
func TestHurriedCallDoesNotRestTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := &deadSQS{}
		q := newQueueRig(t, nil, func(c *AppConfig) { c.SQS = dead })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.queue.hide(ctx, queued("m1", "", 1), time.Second); err == nil {
			t.Error("a queue that does not answer has taken the change")
		}
		if err := q.queue.hide(t.Context(), queued("m1", "", 1), time.Second); errors.Is(err, errQueueRests) || dead.calls != 2 {
			t.Errorf("error = %v after %d calls; want another call", err, dead.calls)
		}
	})
}

func TestQueueURL(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		testQueueARN:                       testQueueURL,
		"arn:aws-cn:sqs:cn-north-1:1:q":    "https://sqs.cn-north-1.amazonaws.com/1/q",
		"":                                 "",
		"arn:aws:sns:us-east-1:1:q":        "",
		"arn:aws:sqs:us-east-1:1:q:more":   "",
		"arn:aws:kinesis:us-east-1:1:q/x:": "",
	} {
		got, err := queueURL(arn)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("queueURL(%q) = %q, %v; want %q", arn, got, err, want)
		}
	}
}

func TestWholeSecondsUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int32{0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, maxHide: 42000} {
		if got := wholeSecondsUp(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}
