package dispatch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestIdempotencyKeyMakesTheJobID(t *testing.T) {
	t.Parallel()
	// The ids are for ever: jobs with them stand in stores.
	const want = "job-7798dac5cea7a78d546a30ad97d8d9e8e877653b"
	if got := dispatch.JobIDForKey("echo", "order-17"); got != want {
		t.Errorf("JobIDForKey = %s, want %s", got, want)
	}
	seen := map[string]string{}
	for _, pair := range [][2]string{
		{"echo", "a"},
		{"echo", "b"},
		{"ech", "oa"},
		{"echo ", "a"},
		{"echo", " a"},
		{"echo a", ""},
		{"", "echo a"},
		{"echo", strings.Repeat("x", 1<<16)},
		{"echo", "\x00\xff"},
		{"echo", "ключ"},
	} {
		id := dispatch.JobIDForKey(pair[0], pair[1])
		if other, ok := seen[id]; ok || len(id) != 44 || strings.Trim(strings.TrimPrefix(id, "job-"), "0123456789abcdef") != "" {
			t.Errorf("%q has the id %s, like %q", pair, id, other)
		}
		seen[id] = fmt.Sprint(pair)
	}

	remote := &inbox{}
	c := newClient(t, dispatch.Config{Remote: remote})
	first, err := c.Dispatch(t.Context(), "echo", map[string]any{"n": 1}, dispatch.WithIdempotencyKey("order-17"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Dispatch(t.Context(), "echo", map[string]any{"n": 2}, dispatch.WithIdempotencyKey("order-17"))
	if err != nil || first.JobID != second.JobID || first.JobID != dispatch.JobIDForKey("echo", "order-17") {
		t.Errorf("%+v, %+v, %v", first, second, err)
	}
	if other, err := c.Dispatch(t.Context(), "echo2", nil, dispatch.WithIdempotencyKey("order-17")); err != nil || other.JobID == first.JobID {
		t.Errorf("another worker: %+v, %v", other, err)
	}
	if none, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithIdempotencyKey(""), dispatch.WithJobID("mine")); err != nil || none.JobID != "mine" {
		t.Errorf("an empty key: %+v, %v", none, err)
	}
	if _, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithIdempotencyKey("k"), dispatch.WithJobID("mine")); err == nil || !strings.Contains(err.Error(), "exclude each other") {
		t.Errorf("key and id: %v", err)
	}
	for _, group := range []string{"two words", "ä", strings.Repeat("g", 129)} {
		if _, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithMessageGroup(group)); err == nil || !strings.Contains(err.Error(), "message group") {
			t.Errorf("group %q: %v", group, err)
		}
	}
	if strings.Contains(strings.Join(remote.bodies, ""), "order-17") {
		t.Error("the key is in the message")
	}
}

const fifoURL = "https://sqs/1/aiw-echo-demo.fifo"

func TestFIFOQueues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 200)
	derived := func(key string) string { return dispatch.JobIDForKey("echo", key) }
	tests := []struct {
		name         string
		opts         []dispatch.Option
		group, dedup string
		standard     string // the group on a standard queue
	}{
		{name: "each job is a group of its own", opts: []dispatch.Option{dispatch.WithJobID("j-1")}, group: "j-1", dedup: "j-1"},
		{name: "a key", opts: []dispatch.Option{dispatch.WithIdempotencyKey("order-17")}, group: derived("order-17"), dedup: "order-17"},
		{name: "a key SQS does not take", opts: []dispatch.Option{dispatch.WithIdempotencyKey("order 17")}, group: derived("order 17"), dedup: derived("order 17")},
		{name: "a long key", opts: []dispatch.Option{dispatch.WithIdempotencyKey(long)}, group: derived(long), dedup: derived(long)},
		{name: "a group", opts: []dispatch.Option{dispatch.WithJobID("j-1"), dispatch.WithMessageGroup("tenant-7")}, group: "tenant-7", dedup: "j-1", standard: "tenant-7"},
		{name: "group and key", opts: []dispatch.Option{dispatch.WithIdempotencyKey("k"), dispatch.WithMessageGroup("tenant-7")}, group: "tenant-7", dedup: "k", standard: "tenant-7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &batchQueue{}
			c := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(f, constantURL(fifoURL))})
			if _, err := c.Dispatch(t.Context(), "echo", nil, tt.opts...); err != nil {
				t.Fatal(err)
			}
			if _, err := c.DispatchMany(t.Context(), "echo", []dispatch.Item{{Options: tt.opts}}); err != nil {
				t.Fatal(err)
			}
			one, many := f.sent[0], f.calls[0].Entries[0]
			if got := awssdk.ToString(one.MessageGroupId); got != tt.group || awssdk.ToString(many.MessageGroupId) != tt.group {
				t.Errorf("group %q, want %q", got, tt.group)
			}
			if got := awssdk.ToString(one.MessageDeduplicationId); got != tt.dedup || awssdk.ToString(many.MessageDeduplicationId) != tt.dedup {
				t.Errorf("deduplication id %q, want %q", got, tt.dedup)
			}
			f = &batchQueue{}
			if _, err := f.client(t, dispatch.Config{}).Dispatch(t.Context(), "echo", nil, tt.opts...); err != nil {
				t.Fatal(err)
			}
			if in := f.sent[0]; awssdk.ToString(in.MessageGroupId) != tt.standard || in.MessageDeduplicationId != nil {
				t.Errorf("on a standard queue: %+v", in)
			}
		})
	}

	f := &batchQueue{}
	c := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(f, constantURL(fifoURL))})
	if _, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithDelay(time.Second)); !errors.Is(err, dispatch.ErrDelay) || len(f.sent) > 0 {
		t.Errorf("a delay: %v", err)
	}
	results, err := c.DispatchMany(t.Context(), "echo", []dispatch.Item{{}, {Options: []dispatch.Option{dispatch.WithDelay(time.Second)}}})
	if !errors.Is(err, dispatch.ErrDelay) || len(f.taken) != 1 || results[0].Err != nil {
		t.Errorf("a delay among many: %v, %d taken", err, len(f.taken))
	}
	// An id that SQS would refuse still makes a group.
	odd := &dispatch.Message{WorkerID: "echo", JobID: "job with spaces"}
	if _, err := dispatch.NewSQS(f, constantURL(fifoURL)).Send(t.Context(), odd, 0); err != nil {
		t.Fatal(err)
	}
	if in := f.sent[len(f.sent)-1]; strings.Contains(*in.MessageGroupId, " ") || *in.MessageGroupId != *in.MessageDeduplicationId || len(*in.MessageGroupId) > 128 {
		t.Errorf("sent %+v", in)
	}
}

// Batches of one group go one after the other, however long each takes, and what
// was not taken goes before the rest of its group.
func TestGroupsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &batchQueue{took: time.Second, call: func(n int) error {
			if n%3 == 0 {
				return &types.RequestThrottled{}
			}
			return nil
		}}
		c := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(f, constantURL(fifoURL)), Retries: 100})
		items := numbered(300)
		for i := range items {
			if i%4 != 0 {
				items[i].Options = append(items[i].Options, dispatch.WithMessageGroup(fmt.Sprintf("g%d", i%4)))
			}
		}
		results, err := c.DispatchMany(t.Context(), "echo", items)
		if err != nil {
			t.Fatal(err)
		}
		checkSent(t, f, results, len(items))
		if f.busiest != dispatch.DefaultParallel {
			t.Errorf("%d calls at once", f.busiest)
		}
		last := [4]int{-1, -1, -1, -1}
		for _, body := range f.taken {
			n, err := strconv.Atoi(strings.TrimPrefix(jobOf(body), "j"))
			if err != nil {
				t.Fatal(err)
			}
			if group := n % 4; group != 0 && n < last[group] {
				t.Fatalf("job %d came after job %d of its group", n, last[group])
			} else if group != 0 {
				last[group] = n
			}
		}
	})
}

// The order, as the queue itself sees it.
func TestFIFOQueueOfTheLocalEndpoint(t *testing.T) {
	t.Parallel()
	api, _ := localQueue(t)
	q, err := api.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: awssdk.String("aiw-echo-demo.fifo"), Attributes: map[string]string{"FifoQueue": "true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(api, constantURL(*q.QueueUrl))})
	const jobs = 95
	if _, err := c.DispatchMany(t.Context(), "echo", numbered(jobs), dispatch.WithMessageGroup("one")); err != nil {
		t.Fatal(err)
	}
	// The same jobs again are no other jobs.
	if _, err := c.DispatchMany(t.Context(), "echo", numbered(jobs), dispatch.WithMessageGroup("one")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithIdempotencyKey("order 17"), dispatch.WithMessageGroup("one")); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for len(got) <= jobs {
		out, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil || len(out.Messages) == 0 {
			t.Fatalf("%v after %d messages", err, len(got))
		}
		for _, m := range out.Messages {
			got = append(got, jobOf(*m.Body))
			if _, err := api.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: q.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want []string
	for i := range jobs {
		want = append(want, fmt.Sprintf("j%d", i))
	}
	if want = append(want, dispatch.JobIDForKey("echo", "order 17")); !slices.Equal(got, want) {
		t.Errorf("the queue held %q", got)
	}
}

// What DispatchMany sends is what Dispatch sends.
func TestManyAndOneSendTheSame(t *testing.T) {
	t.Parallel()
	inputs := []any{
		nil, json.RawMessage(" null\n"), json.RawMessage(" { \"a b\" : [ 1 , 2.50 ] ,\n\"c\\\" \" : \"d\\\\\" } "), "text with \u2028 and <&>", 7,
		json.RawMessage("\"\xef\xbf\xbf \\u00e9\""),
		[]string{},
		json.RawMessage("12345678901234567890"),
	}
	f := &batchQueue{}
	c := f.client(t, dispatch.Config{})
	for i, in := range inputs {
		id := dispatch.WithJobID(fmt.Sprintf("j%d", i))
		if _, err := c.Dispatch(t.Context(), "echo", in, id); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DispatchMany(t.Context(), "echo", []dispatch.Item{{Input: in, Options: []dispatch.Option{id}}}); err != nil {
			t.Fatal(err)
		}
		if one, many := *f.sent[i].MessageBody, f.taken[i]; one != many {
			t.Errorf("%q: Dispatch sends\n%s\nDispatchMany sends\n%s", in, one, many)
		}
	}
}
