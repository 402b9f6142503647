package queues_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// The tests below run in fake time, through the Go methods of the broker.

// make1 is a broker with one queue "q".
func make1(t *testing.T, attributes map[string]string) *queues.Broker {
	t.Helper()
	b := queues.New(queues.Config{})
	t.Cleanup(b.Close)
	if _, _, err := b.CreateQueue("q", attributes); err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, b *queues.Broker, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := b.Send(arn("q"), "", body); err != nil {
			t.Error(err)
		}
	}
}

func get(t *testing.T, b *queues.Broker, n int, wait time.Duration) []events.SQSMessage {
	t.Helper()
	list, err := b.Receive(t.Context(), arn("q"), n, wait)
	if err != nil {
		t.Error(err)
	}
	return list
}

func TestWaitForMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, nil)
		start := time.Now()
		if got := get(t, b, 1, 20*time.Second); len(got) != 0 || time.Since(start) != 20*time.Second {
			t.Errorf("got %d messages after %v", len(got), time.Since(start))
		}
		start = time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := get(t, b, 1, 20*time.Second); len(got) != 1 || time.Since(start) != 3*time.Second {
				t.Errorf("got %d messages after %v", len(got), time.Since(start))
			}
		})
		time.Sleep(3 * time.Second)
		put(t, b, "x")
		wg.Wait()
	})
}

// TestWaitForTime waits for a delay and a visibility timeout to end, though
// nobody touches the queue.
func TestWaitForTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, map[string]string{"DelaySeconds": "7", "VisibilityTimeout": "5"})
		put(t, b, "x")
		start := time.Now()
		if got := get(t, b, 1, 20*time.Second); len(got) != 1 || time.Since(start) != 7*time.Second {
			t.Errorf("delayed: got %d messages after %v", len(got), time.Since(start))
		}
		start = time.Now()
		got := get(t, b, 1, 20*time.Second)
		if len(got) != 1 || time.Since(start) != 5*time.Second {
			t.Fatalf("invisible: got %d messages after %v", len(got), time.Since(start))
		}
		// Showing it earlier, and later, counts for those who wait already.
		for _, change := range []time.Duration{0, 2 * time.Second, 11 * time.Second} {
			start = time.Now()
			var wg sync.WaitGroup
			wg.Go(func() {
				next := get(t, b, 1, 20*time.Second)
				if len(next) != 1 || time.Since(start) != time.Second+change {
					t.Errorf("changed to %v: got %d messages after %v", change, len(next), time.Since(start))
				}
				got = next
			})
			time.Sleep(time.Second)
			if err := b.SetVisibility(arn("q"), []string{got[0].ReceiptHandle}, change); err != nil {
				t.Error(err)
			}
			wg.Wait()
		}
	})
}

// TestWaitersInOrder: the first to wait is the first to get.
func TestWaitersInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, nil)
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				got := get(t, b, 1, time.Minute)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, strconv.Itoa(i)+got[0].Body)
			})
			synctest.Wait()
		}
		for i := range 5 {
			put(t, b, strconv.Itoa(i))
			synctest.Wait()
		}
		wg.Wait()
		if want := []string{"00", "11", "22", "33", "44"}; !slices.Equal(order, want) {
			t.Errorf("got %v, want %v", order, want)
		}
	})
}

// TestFirstWaiterLeaves: another one then watches the clock.
func TestFirstWaiterLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, map[string]string{"DelaySeconds": "10"})
		put(t, b, "x")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Receive(ctx, arn("q"), 1, time.Minute); !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v", err)
			}
		})
		synctest.Wait()
		start := time.Now()
		wg.Go(func() {
			if got := get(t, b, 1, time.Minute); len(got) != 1 || time.Since(start) != 10*time.Second {
				t.Errorf("got %d messages after %v", len(got), time.Since(start))
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

// TestCancelledReceive: whatever the moment, a message is either answered or
// still there, unreceived.
func TestCancelledReceive(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			b := make1(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got []events.SQSMessage
			var wg sync.WaitGroup
			wg.Go(func() { got, _ = b.Receive(ctx, arn("q"), 1, time.Minute) })
			synctest.Wait()
			put(t, b, "x")
			cancel() // mostly before the receiver has woken up
			wg.Wait()
			if len(got) == 1 {
				return
			}
			again := get(t, b, 1, 0)
			if len(again) != 1 || again[0].Attributes["ApproximateReceiveCount"] != "1" {
				t.Errorf("got %v", again)
			}
		})
	}
}

func TestEndOfWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := b.Receive(t.Context(), arn("q"), 1, time.Minute)
			if e, ok := errors.AsType[*wire.Error](err); !ok || e.HTTPStatus() != 503 {
				t.Errorf("got error %v", err)
			}
		})
		synctest.Wait()
		b.Close()
		wg.Wait()
	})
}

// TestQueueWaitTime: a receive that names no time waits as long as the queue says,
// and one that names zero does not.
func TestQueueWaitTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, map[string]string{"ReceiveMessageWaitTimeSeconds": "9"})
		for body, want := range map[string]time.Duration{
			`{"QueueUrl":"http://h/000000000000/q"}`:                        9 * time.Second,
			`{"QueueUrl":"http://h/000000000000/q","WaitTimeSeconds":0}`:    0,
			`{"QueueUrl":"http://h/000000000000/q","WaitTimeSeconds":2}`:    2 * time.Second,
			`{"QueueUrl":"http://h/000000000000/q","WaitTimeSeconds":null}`: 9 * time.Second,
		} {
			start := time.Now()
			if status, answer := post(b.Handler(), "ReceiveMessage", body); status != 200 || answer != `{}` || time.Since(start) != want {
				t.Errorf("%s: got %d %s after %v", body, status, answer, time.Since(start))
			}
		}
	})
}

// TestOverLimit: a standard queue refuses to have more than 120,000 messages in flight.
func TestOverLimit(t *testing.T) {
	t.Parallel()
	b := make1(t, nil)
	for range 120_001 {
		put(t, b, "x")
	}
	if got := get(t, b, 200_000, 0); len(got) != 120_000 {
		t.Fatalf("got %d messages", len(got))
	}
	_, err := b.Receive(t.Context(), arn("q"), 1, 0)
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "OverLimit" {
		t.Errorf("got error %v", err)
	}
}

func TestMoveRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := make1(t, nil)
		if _, _, err := b.CreateQueue("source", map[string]string{"RedrivePolicy": redriveTo("q", 1)}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.CreateQueue("to", nil); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			put(t, b, "x")
		}
		status, answer := post(b.Handler(), "StartMessageMoveTask", `{"SourceArn":"`+arn("q")+`","DestinationArn":"`+arn("to")+`","MaxNumberOfMessagesPerSecond":10}`)
		if status != 200 {
			t.Fatal(answer)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		if d, err := b.Depth(arn("to")); err != nil || d.Visible != 20 {
			t.Errorf("got %+v, %v after two seconds at ten a second", d, err)
		}
	})
}
