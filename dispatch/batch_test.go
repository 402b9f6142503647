package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// batchQueue is SQS as far as sending goes. fail, if set, says what becomes of a
// body in a call, by how often that body was seen before.
type batchQueue struct {
	fakeQueue
	fail func(body string, before int) (code string, senderFault bool)
	call func(n int) error // of the n-th call, from 1
	took time.Duration     // each call takes

	mu      sync.Mutex
	calls   []*sqs.SendMessageBatchInput
	seen    map[string]int
	taken   []string
	atOnce  int
	busiest int
}

func (f *batchQueue) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	f.mu.Lock()
	f.calls = append(f.calls, in)
	n := len(f.calls)
	f.atOnce++
	f.busiest = max(f.busiest, f.atOnce)
	f.mu.Unlock()
	if f.took > 0 {
		select {
		case <-time.After(f.took):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.atOnce--
	if f.call != nil {
		if err := f.call(n); err != nil {
			return nil, err
		}
	}
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if f.seen == nil {
			f.seen = map[string]int{}
		}
		before := f.seen[*e.MessageBody]
		f.seen[*e.MessageBody]++
		code, senderFault := "", false
		if f.fail != nil {
			code, senderFault = f.fail(*e.MessageBody, before)
		}
		switch code {
		case "":
			f.taken = append(f.taken, *e.MessageBody)
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: awssdk.String("m-" + jobOf(*e.MessageBody))})
		case "silence":
		default:
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: &code, Message: awssdk.String("no\nsuch luck"), SenderFault: senderFault})
		}
	}
	slices.Reverse(out.Successful) // SQS promises no order
	return out, nil
}

// jobOf is the job's id in a body.
func jobOf(body string) string {
	m, err := dispatch.ParseMessage([]byte(body))
	if err != nil {
		return err.Error()
	}
	return m.JobID
}

func (f *batchQueue) client(t *testing.T, cfg dispatch.Config) *dispatch.Client {
	t.Helper()
	cfg.Remote = dispatch.NewSQS(f, queueURLs)
	return newClient(t, cfg)
}

// numbered makes n items; item 3 has the input {"n":3} and the job id j3.
func numbered(n int) []dispatch.Item {
	items := make([]dispatch.Item, n)
	for i := range items {
		items[i] = dispatch.Item{Input: map[string]any{"n": i}, Options: []dispatch.Option{dispatch.WithJobID(fmt.Sprintf("j%d", i))}}
	}
	return items
}

// checkSent fails unless each job was taken once, and each result says so.
func checkSent(t *testing.T, f *batchQueue, results []dispatch.ItemResult, n int) {
	t.Helper()
	if len(results) != n || len(f.taken) != n {
		t.Fatalf("%d results and %d messages for %d items", len(results), len(f.taken), n)
	}
	times := map[string]int{}
	for _, body := range f.taken {
		times[jobOf(body)]++
	}
	for i, r := range results {
		id := fmt.Sprintf("j%d", i)
		if r != (dispatch.ItemResult{Result: dispatch.Result{MessageID: "m-" + id, Status: "queued", JobID: id}}) || times[id] != 1 {
			t.Errorf("item %d: %+v; it was sent %d times", i, r, times[id])
		}
	}
}

func TestDispatchManySendsInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &batchQueue{took: time.Second}
		c := f.client(t, dispatch.Config{})
		start := time.Now()
		results, err := c.DispatchMany(t.Context(), "echo", numbered(245), dispatch.WithMetadata(map[string]any{"source": "test"}), dispatch.WithDelay(1500*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		checkSent(t, f, results, 245)
		if len(f.calls) != 25 || f.busiest != dispatch.DefaultParallel || time.Since(start) != 4*time.Second {
			t.Errorf("%d calls, %d at once, in %s", len(f.calls), f.busiest, time.Since(start))
		}
		for _, in := range f.calls {
			if *in.QueueUrl != "https://sqs/1/aiw-echo-demo" || len(in.Entries) > 10 {
				t.Errorf("a call of %d to %s", len(in.Entries), *in.QueueUrl)
			}
			for _, e := range in.Entries {
				if e.DelaySeconds != 2 || e.MessageGroupId != nil || e.MessageDeduplicationId != nil || !strings.Contains(*e.MessageBody, `"metadata":{"source":"test"}`) {
					t.Errorf("entry %+v", e)
				}
			}
		}

		f.busiest = 0
		if _, err := c.DispatchMany(t.Context(), "echo", numbered(100), dispatch.WithParallel(2)); err != nil || f.busiest != 2 {
			t.Errorf("%d at once, want 2: %v", f.busiest, err)
		}
		if results, err := c.DispatchMany(t.Context(), "echo", nil); err != nil || len(results) != 0 {
			t.Errorf("nothing: %v, %v", results, err)
		}
	})
}

func TestDispatchManyKeepsToSQSsLimits(t *testing.T) {
	t.Parallel()
	f := &batchQueue{}
	items := numbered(30)
	sizes := []int{1, 300_000, 1_000_000, 40_000, 5, 1_048_000}
	for i := range items {
		items[i].Input = strings.Repeat("x", sizes[i%len(sizes)])
	}
	results, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", items)
	if err != nil {
		t.Fatal(err)
	}
	checkSent(t, f, results, len(items))
	for _, in := range f.calls {
		sum := 0
		for _, e := range in.Entries {
			sum += len(*e.MessageBody)
		}
		if sum > dispatch.MaxMessageBytes || len(in.Entries) > dispatch.MaxBatch {
			t.Errorf("a batch of %d messages, %d bytes", len(in.Entries), sum)
		}
	}
}

func TestDispatchManyTriesAgainWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &batchQueue{fail: func(body string, before int) (string, bool) {
			switch n := strings.TrimPrefix(jobOf(body), "j"); {
			case strings.HasSuffix(n, "3") && before < 2:
				return "InternalError", false
			case strings.HasSuffix(n, "7") && before < 1:
				return "RequestThrottled", true
			}
			return "", false
		}}
		results, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", numbered(40))
		if err != nil {
			t.Fatal(err)
		}
		checkSent(t, f, results, 40)
		if want := 4 + 4 + 4; len(f.calls) != want {
			t.Errorf("%d calls, want %d", len(f.calls), want)
		}
	})
}

func TestDispatchManyKeepsErrorsPerItem(t *testing.T) {
	t.Parallel()
	fail := func(body string, _ int) (string, bool) {
		switch jobOf(body) {
		case "j1":
			return "InvalidMessageContents", true
		case "j4":
			return "ServiceUnavailable", false
		case "j12":
			return "silence", false
		}
		return "", false
	}
	for _, tt := range []struct{ retries, times int }{{0, 4}, {-1, 1}} {
		t.Run(fmt.Sprintf("retries %d", tt.retries), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &batchQueue{fail: fail}
				results, err := f.client(t, dispatch.Config{Retries: tt.retries}).DispatchMany(t.Context(), "echo", numbered(15))
				for i, r := range results {
					failed := i == 1 || i == 4 || i == 12
					if (r.Err != nil) != failed || r.JobID != fmt.Sprintf("j%d", i) || (r.Status == "queued") == failed {
						t.Errorf("item %d: %+v", i, r)
					}
				}
				times := map[string]int{}
				for body, n := range f.seen {
					times[jobOf(body)] = n
				}
				if times["j1"] != 1 || times["j4"] != tt.times || times["j12"] != 1 || times["j0"] != 1 || len(f.taken) != 12 {
					t.Errorf("sent: %v", times)
				}
				many, ok := errors.AsType[*dispatch.ManyError](err)
				if !ok || many.Total != 15 || len(many.Failed) != 3 || many.Failed[1].Index != 4 {
					t.Fatalf("error %v", err)
				}
				if fault, ok := errors.AsType[smithy.APIError](results[1].Err); !ok || fault.ErrorCode() != "InvalidMessageContents" || fault.ErrorFault() != smithy.FaultClient || !errors.Is(err, results[4].Err) {
					t.Errorf("item 1: %v", results[1].Err)
				}
				text := err.Error()
				for _, want := range []string{
					"dispatch to worker \"echo\": 3 of 15 jobs not sent\n  item 1: ", "InvalidMessageContents: no such luck", "\n  item 4: ", "\n  item 12: ", "it may have been sent",
				} {
					if !strings.Contains(text, want) {
						t.Errorf("error %q does not say %q", text, want)
					}
				}
				if strings.Contains(text, "tried 4 times") != (tt.retries == 0) {
					t.Errorf("error %q", text)
				}
			})
		})
	}
}

func TestDispatchManyWholeCalls(t *testing.T) {
	t.Parallel()
	throttled := &smithy.GenericAPIError{Code: "RequestThrottled", Message: "slow down"}
	lost := errors.New("connection reset")
	t.Run("throttled, so nothing was taken", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := &batchQueue{call: func(n int) error {
				if n <= 2 {
					return throttled
				}
				return nil
			}}
			results, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", numbered(20), dispatch.WithParallel(1))
			if err != nil {
				t.Fatal(err)
			}
			checkSent(t, f, results, 20)
		})
	})
	t.Run("lost, so nobody knows", func(t *testing.T) {
		t.Parallel()
		f := &batchQueue{call: func(n int) error {
			if n == 1 {
				return lost
			}
			return nil
		}}
		results, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", numbered(20), dispatch.WithParallel(1))
		if !errors.Is(err, lost) || !strings.Contains(err.Error(), "10 of 20 jobs not sent") || len(f.calls) != 2 || results[9].Err == nil || results[10].Err != nil {
			t.Errorf("%v after %d calls", err, len(f.calls))
		}
	})
	t.Run("no such queue", func(t *testing.T) {
		t.Parallel()
		f := &batchQueue{}
		if _, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "nobody", numbered(2)); !errors.Is(err, dispatch.ErrUnknownWorker) || len(f.calls) > 0 {
			t.Errorf("%v after %d calls", err, len(f.calls))
		}
	})
	t.Run("no base URL", func(t *testing.T) {
		t.Parallel()
		if results, err := newClient(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", numbered(2)); !errors.Is(err, dispatch.ErrNoBaseURL) || results != nil {
			t.Errorf("%v, %v", results, err)
		}
	})
}

func TestDispatchManyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &batchQueue{took: time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		results, err := f.client(t, dispatch.Config{}).DispatchMany(ctx, "echo", numbered(100), dispatch.WithParallel(1))
		if !errors.Is(err, context.DeadlineExceeded) || len(f.taken) != 20 || len(f.calls) != 3 {
			t.Fatalf("%v, %d taken in %d calls", err, len(f.taken), len(f.calls))
		}
		for i, r := range results {
			if (r.Err == nil) != (i < 20) {
				t.Errorf("item %d: %+v", i, r)
			}
		}
		if n := strings.Count(err.Error(), "\n"); n != 21 || !strings.HasSuffix(err.Error(), "and more") {
			t.Errorf("the error has %d lines", n)
		}
	})
}

func TestDispatchManyValidatesFirst(t *testing.T) {
	t.Parallel()
	schema := compile(t, `{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`)
	var lookups int
	cfg := dispatch.Config{Schema: func(context.Context, string) (*dispatch.Schema, error) { lookups++; return schema, nil }}
	items := numbered(200)
	items[3].Input = map[string]any{"n": "x"}
	items[7].Input = json.RawMessage(`{`)
	items[9].Options = append(items[9].Options, dispatch.WithWebhookURL("/hook"))
	items[11].Options = []dispatch.Option{dispatch.WithJobID("j10")}
	items[13].Options = append(items[13].Options, dispatch.WithMode(dispatch.ModeLocal))
	items[15].Input = func() {}
	invalid := []int{3, 7, 9, 11, 13, 15}
	says := []string{"must be an integer", "line 1, column 2", "webhook URL", "same job as item 10", "mode local", "unsupported type"}

	f := &batchQueue{}
	results, err := f.client(t, cfg).DispatchMany(t.Context(), "echo", items)
	if len(f.calls) > 0 || lookups != 1 {
		t.Errorf("%d calls, %d lookups of the schema", len(f.calls), lookups)
	}
	refused, ok := errors.AsType[*dispatch.ValidationError](err)
	if !ok || refused.WorkerID != "echo" || !errors.Is(err, dispatch.ErrNotSent) || !strings.Contains(err.Error(), "200 of 200 jobs not sent\n  item 3: ") || strings.Contains(err.Error(), "item 0") {
		t.Errorf("error %v", err)
	}
	for i, r := range results {
		k := slices.Index(invalid, i)
		if k < 0 && !errors.Is(r.Err, dispatch.ErrNotSent) || k >= 0 && (r.Err == nil || !strings.Contains(r.Err.Error(), says[k])) {
			t.Errorf("item %d: %v", i, r.Err)
		}
	}

	results, err = f.client(t, cfg).DispatchMany(t.Context(), "echo", items, dispatch.WithInvalidSkipped())
	if len(f.taken) != 194 || err == nil || !strings.Contains(err.Error(), "6 of 200 jobs not sent\n  item 3: ") || errors.Is(err, dispatch.ErrNotSent) {
		t.Errorf("%d taken, %v", len(f.taken), err)
	}
	for i, r := range results {
		if (r.Err != nil) != slices.Contains(invalid, i) {
			t.Errorf("item %d: %+v", i, r)
		}
	}

	// One id for all jobs is a mistake.
	for name, opt := range map[string]dispatch.Option{"id": dispatch.WithJobID("one"), "key": dispatch.WithIdempotencyKey("one")} {
		f := &batchQueue{}
		if _, err := f.client(t, dispatch.Config{}).DispatchMany(t.Context(), "echo", make([]dispatch.Item, 2), opt); err == nil || len(f.calls) > 0 {
			t.Errorf("one %s for two jobs: %v after %d calls", name, err, len(f.calls))
		}
	}
}

// slowSender takes one message at a time, and not every one.
type slowSender struct {
	inbox
	mu              sync.Mutex
	atOnce, busiest int
}

func (s *slowSender) Send(ctx context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	s.mu.Lock()
	s.atOnce++
	s.busiest = max(s.busiest, s.atOnce)
	s.mu.Unlock()
	<-time.After(time.Second)
	s.mu.Lock()
	s.atOnce--
	s.mu.Unlock()
	if m.JobID == "j5" {
		return "", errors.New("no luck")
	}
	_, err := s.inbox.Send(ctx, m, delay)
	return "m-" + m.JobID, err
}

func TestDispatchManyWithAnySender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slowSender{}
		start := time.Now()
		results, err := newClient(t, dispatch.Config{Local: s}).DispatchMany(t.Context(), "echo", numbered(30), dispatch.WithMode(dispatch.ModeLocal), dispatch.WithParallel(3))
		if s.busiest != 3 || time.Since(start) != 10*time.Second || s.count() != 29 {
			t.Errorf("%d at once, %s, %d sent", s.busiest, time.Since(start), s.count())
		}
		if err == nil || !strings.Contains(err.Error(), "1 of 30 jobs not sent\n  item 5: dispatch job \"j5\": no luck") {
			t.Errorf("error %v", err)
		}
		for i, r := range results {
			if id := fmt.Sprintf("j%d", i); i != 5 && r.MessageID != "m-"+id || r.JobID != id {
				t.Errorf("item %d: %+v", i, r)
			}
		}
	})
}

// An SQS API without batches gets single messages.
func TestDispatchManyWithoutBatches(t *testing.T) {
	t.Parallel()
	f := &fakeQueue{}
	c := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(f, queueURLs)})
	if _, err := c.DispatchMany(t.Context(), "echo", numbered(12), dispatch.WithParallel(1)); err != nil || len(f.sent) != 12 {
		t.Errorf("%d sent, %v", len(f.sent), err)
	}
}

// oddSender breaks the rules of BatchSender.
type oddSender struct{ inbox }

func (*oddSender) SendBatch(context.Context, string, []dispatch.BatchEntry) []dispatch.BatchOutcome {
	return nil
}

func TestDispatchManyWithABrokenSender(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, dispatch.Config{Remote: &oddSender{}}).DispatchMany(t.Context(), "echo", numbered(3))
	if err == nil || !strings.Contains(err.Error(), "0 outcomes for 3 messages") {
		t.Errorf("error %v", err)
	}
}
