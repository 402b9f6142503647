package functions

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/dice"
)

// receiveAll takes messages until the queue has been quiet for a while.
func receiveAll(t *testing.T, q Queues, arn string) (bodies []string) {
	t.Helper()
	for {
		got, err := q.Receive(t.Context(), arn, 10, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return bodies
		}
		for _, m := range got {
			bodies = append(bodies, m.Body)
		}
	}
}

func TestFaultsDeliverEveryMessageAtLeastOnce(t *testing.T) {
	t.Parallel()
	const fifo = testQueue + ".fifo"
	var sent []string
	for i := range 50 {
		sent = append(sent, fmt.Sprintf("m%02d", i))
	}
	for _, tt := range []struct {
		name   string
		faults Faults
		arn    string
		times  int
		sorted bool
		took   time.Duration // at least
	}{
		{"none", Faults{}, testQueue, 1, true, 0},
		{"duplicates", Faults{Duplicate: 1}, testQueue, 2, false, 0},
		{"delays", Faults{Delay: 1}, testQueue, 1, false, 500 * time.Millisecond},
		{"order", Faults{Reorder: 1}, testQueue, 1, false, 0},
		{"FIFO queues keep their order", Faults{Duplicate: 1, Delay: 1, Reorder: 1}, fifo, 1, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				queues := newFakeQueues()
				queues.make(tt.arn, time.Hour, 0)
				queues.send(tt.arn, sent...)
				tt.faults.MaxDelay, tt.faults.Seed = time.Second, 1
				began := time.Now()
				got := receiveAll(t, newFaultyQueues(queues, tt.faults, dice.New(1)), tt.arn)
				if took := time.Since(began) - 20*time.Second; took < tt.took || took > time.Second {
					t.Errorf("the last message came after %s", took)
				}
				if slices.IsSorted(got) != tt.sorted {
					t.Errorf("in order: %v, want %v: %q", !tt.sorted, tt.sorted, got)
				}
				slices.Sort(got)
				if want := slices.Sorted(slices.Values(slices.Repeat(sent, tt.times))); !slices.Equal(got, want) {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

func TestFaultsKeepTheHandleOfADuplicate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		queues := newFakeQueues()
		queues.make(testQueue, time.Hour, 0)
		queues.send(testQueue, "once")
		q := newFaultyQueues(queues, Faults{Duplicate: 1, MaxDelay: time.Second}, dice.New(1))
		var got [2][]events.SQSMessage
		for i := range got {
			var err error
			if got[i], err = q.Receive(t.Context(), testQueue, 1, 20*time.Second); err != nil || len(got[i]) != 1 {
				t.Fatalf("receive %d: %v, %v", i, got[i], err)
			}
		}
		if a, b := got[0][0], got[1][0]; a.MessageId != b.MessageId || a.ReceiptHandle != b.ReceiptHandle {
			t.Errorf("the duplicate is another message: %v, %v", a, b)
		}
	})
}

func TestFaultsKill(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Faults = Faults{Kill: 1, KillWithin: time.Millisecond} })
	s.function("f")
	result := s.invoke("f", order{Do: "print", Text: "never done", Sleep: "10s"})
	if result.FunctionError == "" || !strings.Contains(string(result.Payload), exitError) {
		t.Errorf("result %s, %q", result.Payload, result.FunctionError)
	}
	if s.logs.contains("never done") {
		t.Error("the invocation came to its end")
	}
}
