package redrive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

func TestPeekSeesEachOnceAndLeavesNoneHidden(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 57, 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			ids := w.put(dlqURL, n)
			w.queue(dlqURL).hideHalf = true
			got, err := engine(w).Peek(t.Context(), orders(), 0)
			if err != nil {
				t.Fatal(err)
			}
			var seen []string
			for _, l := range got.Letters {
				seen = append(seen, l.ID)
			}
			if !slices.Equal(seen, ids) {
				t.Errorf("%d messages: saw %d, or not in order", n, len(seen))
			}
			if !got.Complete || got.Depth.Visible != n || len(got.Warnings) != 0 {
				t.Errorf("%d messages: %+v %v %q", n, got.Depth, got.Complete, got.Warnings)
			}
			if _, hidden := w.bodies(dlqURL); hidden != 0 {
				t.Errorf("%d of %d messages stay hidden", hidden, n)
			}
		})
	}
}

func TestPeekReadsALetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 1)
		w.queue(dlqURL).messages = append(w.queue(dlqURL).messages, &fakeMessage{id: "odd", body: "not JSON \x1b[31m", system: map[string]string{"SentTimestamp": "1"}})
		got, err := engine(w).Peek(t.Context(), orders(), 0)
		if err != nil || len(got.Letters) != 2 {
			t.Fatal(got, err)
		}
		odd, job := got.Letters[0], got.Letters[1]
		if odd.Body != "not JSON \x1b[31m" || odd.Message != nil || odd.ParseErr == nil || odd.JobID() != "" {
			t.Errorf("a body that is no job: %+v", odd)
		}
		if job.JobID() != "job-1" || job.Message.WorkerID != "orders" || job.ReceiveCount != 1 || job.SentAt.IsZero() {
			t.Errorf("a job: %+v", job)
		}
	})
}

func TestPeekStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 500)
		got, err := engine(w).Peek(t.Context(), orders(), 123)
		if err != nil || len(got.Letters) != 123 || got.Complete {
			t.Errorf("%d letters, complete %v, %v", len(got.Letters), got.Complete, err)
		}
		received := 0
		for _, m := range w.queue(dlqURL).messages {
			received += m.received
		}
		if received != 123 {
			t.Errorf("%d messages were received", received)
		}
	})
}

func TestPeekWarns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 3)
		q := w.queue(dlqURL)
		q.policy = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-graveyard","maxReceiveCount":"4"}`
		q.messages[0].visible = time.Now().Add(time.Hour)
		got, err := engine(w).Peek(t.Context(), orders(), 0)
		if err != nil || got.Complete || len(got.Letters) != 2 {
			t.Fatalf("%+v %v", got, err)
		}
		all := strings.Join(got.Warnings, "\n")
		for _, want := range []string{"orders-graveyard", "more than 4 times", "1 message is of", "2 messages were seen of the 3"} {
			if !strings.Contains(all, want) {
				t.Errorf("no warning says %q:\n%s", want, all)
			}
		}
	})
}

func TestPeekInterruptedReleases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 1000)
		ctx, cancel := context.WithCancel(t.Context())
		w.fault = func(op string) fault {
			if op == "receive" && w.calls[op] == 30 {
				cancel()
			}
			return fault{}
		}
		got, err := engine(w).Peek(ctx, orders(), 0)
		if !errors.Is(err, context.Canceled) || len(got.Letters) == 0 {
			t.Errorf("%d letters, err %v", len(got.Letters), err)
		}
		if _, hidden := w.bodies(dlqURL); hidden != 0 {
			t.Errorf("%d messages stay hidden", hidden)
		}
	})
}

// A listing that takes longer than the lease must not see a message twice, nor
// let go of one.
func TestPeekExtendsItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 40)
		slow := slowReceive{w, 30 * time.Second}
		got, err := engineOn(slow, w).Peek(t.Context(), orders(), 0)
		if err != nil || len(got.Letters) != 40 {
			t.Fatalf("%d letters, %v", len(got.Letters), err)
		}
		for _, m := range w.queue(dlqURL).messages {
			if m.received != 1 {
				t.Errorf("%s was received %d times", m.id, m.received)
			}
		}
		if _, hidden := w.bodies(dlqURL); hidden != 0 {
			t.Errorf("%d messages stay hidden", hidden)
		}
	})
}

func TestPeekSurvivesFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 100)
		n := 0
		w.fault = func(op string) fault {
			n++
			switch {
			case n%3 == 0 && op != "attributes":
				return fault{before: throttled()}
			case n%5 == 0 && op == "visibility":
				return fault{entry: true}
			}
			return fault{}
		}
		got, err := engine(w).Peek(t.Context(), orders(), 0)
		if err != nil || len(got.Letters) != 100 || len(got.Warnings) != 0 {
			t.Errorf("%d letters, %v %q", len(got.Letters), err, got.Warnings)
		}
		if _, hidden := w.bodies(dlqURL); hidden != 0 {
			t.Errorf("%d messages stay hidden", hidden)
		}
	})
}

func TestPeekWithoutADLQ(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := engine(w).Peek(t.Context(), aws.Worker{ID: "orders"}, 0)
	if err == nil || !strings.Contains(err.Error(), `worker "orders" has no dead-letter queue`) {
		t.Errorf("err = %v", err)
	}
}
