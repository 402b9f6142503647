package queues_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// modelled is what the model knows of a message.
type modelled struct {
	visibleAt time.Time
	receives  int
	handles   []string // oldest first
}

// TestModel runs random operations on a queue with a dead-letter queue and compares
// with a simple model: no message is lost, none is delivered while it is hidden,
// none oftener than maxReceiveCount, and the counts are right.
func TestModel(t *testing.T) {
	t.Parallel()
	const maxReceives, hiddenFor = 3, 30 * time.Second
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		b := queues.New(queues.Config{Now: func() time.Time { return now }})
		defer b.Close()
		for name, attributes := range map[string]map[string]string{
			"dlq": nil, "q": {"RedrivePolicy": redriveTo("dlq", maxReceives)},
		} {
			if _, _, err := b.EnsureQueue("dlq", nil); err != nil {
				t.Fatal(err)
			}
			if _, _, err := b.EnsureQueue(name, attributes); err != nil {
				t.Fatal(err)
			}
		}
		handler := b.Handler()
		model := map[string]*modelled{}
		dead := 0 // in the dead-letter queue

		visible := func() (eligible, exhausted int) {
			for _, m := range model {
				switch {
				case m.visibleAt.After(now):
				case m.receives < maxReceives:
					eligible++
				default:
					exhausted++
				}
			}
			return eligible, exhausted
		}
		pick := func(t *rapid.T) (string, *modelled) {
			ids := make([]string, 0, len(model))
			for id, m := range model {
				if len(m.handles) > 0 {
					ids = append(ids, id)
				}
			}
			if len(ids) == 0 {
				t.Skip("nothing has been received")
			}
			// In a fixed order, so that a failure can be run again.
			id := ids[0]
			want := rapid.IntRange(0, 1<<20).Draw(t, "which")
			best := -1
			for _, other := range ids {
				if n, _ := strconv.Atoi(other); best < 0 || (n+want)%997 < best {
					best, id = (n+want)%997, other
				}
			}
			return id, model[id]
		}
		receive := func(t *rapid.T, n int) {
			eligible, _ := visible()
			list, err := b.Receive(context.Background(), arn("q"), n, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != min(n, eligible) {
				t.Fatalf("received %d messages of %d, wanted %d", len(list), eligible, n)
			}
			for _, got := range list {
				m := model[got.Body]
				if m == nil || m.visibleAt.After(now) || m.receives >= maxReceives {
					t.Fatalf("message %s should not have come: %+v", got.Body, m)
				}
				m.receives++
				if c := got.Attributes["ApproximateReceiveCount"]; c != strconv.Itoa(m.receives) {
					t.Fatalf("message %s: receive count %s, want %d", got.Body, c, m.receives)
				}
				m.visibleAt = now.Add(hiddenFor)
				m.handles = append(m.handles, got.ReceiptHandle)
			}
			// What has been moved can be seen at the dead-letter queue.
			d, err := b.Depth(arn("dlq"))
			if err != nil {
				t.Fatal(err)
			}
			if moved := d.Visible - dead; moved > 0 {
				found := exhaustedBodies(t, b)
				for id, m := range model {
					if m.receives >= maxReceives && !m.visibleAt.After(now) && found[id] {
						delete(model, id)
					}
				}
				dead = d.Visible
			}
		}
		serial := 0
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				delay := rapid.SampledFrom([]int{0, 0, 0, 1, 20, 60}).Draw(t, "delay")
				serial++
				id := strconv.Itoa(serial)
				status, answer := post(handler, "SendMessage", fmt.Sprintf(`{"QueueUrl":"x/q","MessageBody":"%s","DelaySeconds":%d}`, id, delay))
				if status != 200 {
					t.Fatal(answer)
				}
				model[id] = &modelled{visibleAt: now.Add(time.Duration(delay) * time.Second)}
			},
			"receive": func(t *rapid.T) { receive(t, rapid.IntRange(1, 12).Draw(t, "n")) },
			"delete": func(t *rapid.T) {
				id, m := pick(t)
				i := rapid.IntRange(0, len(m.handles)-1).Draw(t, "handle")
				if err := b.Delete(arn("q"), m.handles[i:i+1]); err != nil {
					t.Fatal(err)
				}
				if i == len(m.handles)-1 {
					delete(model, id)
				}
			},
			"hide": func(t *rapid.T) {
				_, m := pick(t)
				i := rapid.IntRange(0, len(m.handles)-1).Draw(t, "handle")
				d := time.Duration(rapid.SampledFrom([]int{0, 1, 45}).Draw(t, "seconds")) * time.Second
				if err := b.SetVisibility(arn("q"), m.handles[i:i+1], d); err != nil {
					t.Fatal(err)
				}
				if i == len(m.handles)-1 && m.visibleAt.After(now) {
					m.visibleAt = now.Add(d)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				eligible, exhausted := visible()
				d, err := b.Depth(arn("q"))
				if err != nil || d.Visible != eligible+exhausted || d.Visible+d.InFlight+d.Delayed != len(model) {
					t.Fatalf("got %+v, %v; the model has %d visible of %d", d, err, eligible+exhausted, len(model))
				}
			},
		})
		// In the end everything comes out, here or there.
		for range 2 * maxReceives {
			now = now.Add(time.Minute)
			receive(t, 1000)
		}
		if len(model) != 0 {
			t.Fatalf("%d messages have neither come out nor gone to the dead-letter queue", len(model))
		}
	})
}

// exhaustedBodies are the bodies of the messages in the dead-letter queue, which
// it leaves visible.
func exhaustedBodies(t *rapid.T, b *queues.Broker) map[string]bool {
	list, err := b.Receive(context.Background(), arn("dlq"), 10000, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	var handles []string
	for _, m := range list {
		if found[m.Body] {
			t.Fatalf("message %s is twice in the dead-letter queue", m.Body)
		}
		found[m.Body] = true
		handles = append(handles, m.ReceiptHandle)
	}
	if err := b.SetVisibility(arn("dlq"), handles, 0); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFIFOModel: every message comes once, in order within its group, and never
// while another of its group is in flight.
func TestFIFOModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		b := queues.New(queues.Config{Now: func() time.Time { return now }})
		defer b.Close()
		if _, _, err := b.CreateQueue("q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}); err != nil {
			t.Fatal(err)
		}
		next := map[string]int{} // the next to be deleted, by group
		sent := map[string]int{} // how many were sent, by group
		type held struct {
			group, handle string
			n             int
			until         time.Time
		}
		var flying []held
		drop := func() {
			kept := flying[:0]
			for _, h := range flying {
				if h.until.After(now) {
					kept = append(kept, h)
				}
			}
			flying = kept
		}
		receive := func(t *rapid.T, n int) {
			drop()
			locked := map[string]bool{}
			for _, h := range flying {
				locked[h.group] = true
			}
			list, err := b.Receive(context.Background(), arn("q.fifo"), n, 0)
			if err != nil {
				t.Fatal(err)
			}
			can := 0
			for g := range sent {
				if !locked[g] {
					can += sent[g] - next[g]
				}
			}
			if len(list) != min(n, can) {
				t.Fatalf("received %d messages, want %d of %d", len(list), min(n, can), can)
			}
			at := map[string]int{}
			for _, m := range list {
				g := m.Attributes["MessageGroupId"]
				if locked[g] {
					t.Fatalf("got %s of a group that is in flight", m.Body)
				}
				if want := g + strconv.Itoa(next[g]+at[g]); m.Body != want {
					t.Fatalf("got %s, want %s", m.Body, want)
				}
				flying = append(flying, held{g, m.ReceiptHandle, next[g] + at[g], now.Add(30 * time.Second)})
				at[g]++
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				g := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group")
				if _, err := b.Send(arn("q.fifo"), g, g+strconv.Itoa(sent[g])); err != nil {
					t.Fatal(err)
				}
				sent[g]++
			},
			"receive": func(t *rapid.T) { receive(t, rapid.IntRange(1, 5).Draw(t, "n")) },
			"delete": func(t *rapid.T) { // the first of some group
				drop()
				for i, h := range flying {
					if h.n != next[h.group] {
						continue
					}
					if err := b.Delete(arn("q.fifo"), []string{h.handle}); err != nil {
						t.Fatal(err)
					}
					next[h.group]++
					flying = append(flying[:i:i], flying[i+1:]...)
					return
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			},
		})
	})
}

// TestConcurrently has many senders, receivers and a mover on the same queues. Every
// message ends deleted once, and no message is held by two receivers.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	const senders, each = 4, 500
	b := queues.New(queues.Config{})
	defer b.Close()
	for _, q := range []struct{ name, redrive string }{{"dlq", ""}, {"q", redriveTo("dlq", 2)}} {
		if _, _, err := b.CreateQueue(q.name, map[string]string{"VisibilityTimeout": "600", "RedrivePolicy": q.redrive}); err != nil {
			t.Fatal(err)
		}
	}
	handler := b.Handler()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if _, err := b.Send(arn("q"), "", fmt.Sprintf("%d-%d", s, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	held, deleted := map[string]bool{}, map[string]bool{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for r := range 8 {
		wg.Go(func() {
			for n := r; ; n++ {
				list, err := b.Receive(ctx, arn("q"), 7, time.Minute)
				if err != nil {
					return
				}
				for _, m := range list {
					mu.Lock()
					if held[m.MessageId] || deleted[m.Body] {
						t.Errorf("message %s is delivered while another holds it", m.Body)
					}
					held[m.MessageId] = true
					mu.Unlock()
				}
				for i, m := range list {
					handles := []string{m.ReceiptHandle}
					mu.Lock()
					delete(held, m.MessageId)
					if (n+i)%3 > 0 {
						deleted[m.Body] = true
					}
					mu.Unlock()
					if (n+i)%3 > 0 {
						err = b.Delete(arn("q"), handles)
					} else {
						err = b.SetVisibility(arn("q"), handles, 0) // try again, and at last to the dead letters
					}
					if err != nil {
						t.Error(err)
					}
				}
				mu.Lock()
				done := len(deleted) == senders*each
				mu.Unlock()
				if done {
					cancel()
				}
			}
		})
	}
	wg.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C: // most of them are refused: a task is running
				post(handler, "StartMessageMoveTask", `{"SourceArn":"`+arn("dlq")+`"}`)
			}
		}
	})
	wg.Wait()
	for _, name := range []string{"q", "dlq"} {
		if d, err := b.Depth(arn(name)); err != nil || d != (queues.Depth{}) {
			t.Errorf("%s has %+v, %v", name, d, err)
		}
	}
}

// FuzzRequest: whatever is sent, the answer is JSON and never a fault of ours.
func FuzzRequest(f *testing.F) {
	operations := []string{
		"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility",
		"ChangeMessageVisibilityBatch", "CreateQueue", "SetQueueAttributes", "GetQueueAttributes", "ListQueues",
		"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask", "TagQueue", "UntagQueue", "ListQueueTags",
		"DeleteQueue", "PurgeQueue", "GetQueueUrl", "ListDeadLetterSourceQueues", "Nonsense",
	}
	for i, body := range []string{
		`{"QueueUrl":"http://h/000000000000/q","MessageBody":"x\ud834\udd1e","DelaySeconds":1,"MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AAE="}}}`,
		`{"QueueUrl":"h/q","Entries":[{"Id":"1","MessageBody":"x"},{"Id":"2","MessageBody":null}]}`,
		`{"QueueUrl":"h/q","MaxNumberOfMessages":10,"AttributeNames":["All"],"MessageAttributeNames":["a.*"],"VisibilityTimeout":0}`,
		`{"QueueUrl":"h/q","ReceiptHandle":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"QueueUrl":"h/q","Entries":[{"Id":"a","ReceiptHandle":"x","VisibilityTimeout":1e3}]}`,
		`{"QueueName":"n","Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":1}"},"tags":{"a":"b"}}`,
		`{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:q","MaxResults":1}`,
		`{}`, ``, `null`, `[]`, `{"QueueUrl":`,
	} {
		f.Add(i%len(operations), body)
	}
	b := queues.New(queues.Config{})
	f.Cleanup(b.Close)
	handler := b.Handler()
	f.Fuzz(func(t *testing.T, which int, body string) {
		if _, _, err := b.EnsureQueue("q", nil); err != nil {
			t.Skip() // deleted a moment ago
		}
		operation := operations[max(which, -which-1)%len(operations)]
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // no waiting
		status, answer := postContext(ctx, handler, operation, body)
		if status != 200 && status != 503 && (status < 400 || status > 499) {
			t.Errorf("%s %q: got %d %s", operation, body, status, answer)
		}
		if answer != "" && !json.Valid([]byte(answer)) {
			t.Errorf("%s %q: the answer is not JSON: %s", operation, body, answer)
		}
	})
}
