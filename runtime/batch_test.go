package runtime

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

func TestBatchOfMixedOutcomes(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, dlqEnv("permanent"), nil, rowWorkers()...)
	busy := jobstore.Claim{JobID: "busy", WorkerID: "ok", Owner: "another", MessageID: "other", Lease: time.Now().Add(time.Hour)}
	if _, err := q.store.Claim(t.Context(), busy); err != nil {
		t.Fatal(err)
	}
	one := `{"number":1}`
	ids := q.deliver(t,
		queued("completed", body("ok", "completed", one), 1),
		queued("duplicate", body("ok", "completed", one), 1),
		queued("error", body("fails", "error", one), 1),
		queued("last", body("fails", "last", one), 3),
		queued("permanent", body("permanent", "permanent", one), 1),
		queued("snoozed", body("snoozes", "snoozed", one), 1),
		queued("busy", body("ok", "busy", one), 1),
		queued("unreadable", `{`, 1),
		queued("unknown", body("nobody", "unknown", one), 1),
		queued("completed", body("ok", "completed", one), 1),
		queued("error", body("fails", "error", one), 1), // SQS delivers at least once
	)
	if want := []string{"error", "last", "busy", "unreadable", "unknown"}; !slices.Equal(ids, want) {
		t.Errorf("failures = %q, want %q", ids, want)
	}
	var kinds []string
	for _, o := range q.outcomes {
		kinds = append(kinds, string(o.Kind))
	}
	if got, want := strings.Join(kinds, " "), "completed duplicate retrying failed failed snoozed busy failed failed duplicate retrying"; got != want {
		t.Errorf("outcomes = %q, want %q", got, want)
	}
}

func TestFIFOGroup(t *testing.T) {
	t.Parallel()
	one := `{"number":1}`
	type step struct {
		id, worker, group string
		receive           int
		again             bool
		hides             []int32
		status            jobstore.Status // empty: no record
	}
	for _, tt := range []struct {
		name  string
		dlq   string // of this worker
		steps []step
	}{
		{"after a failure the group waits", "", []step{
			{"a1", "ok", "a", 1, false, nil, jobstore.Completed},
			{"a2", "fails", "a", 1, true, []int32{7}, jobstore.Queued},
			{"b1", "ok", "b", 1, false, nil, jobstore.Completed},
			{"a3", "ok", "a", 1, true, []int32{0}, ""},
			{"a4", "nobody", "a", 1, true, []int32{0}, ""},
		}},
		{"a dead letter holds nobody up", "permanent", []step{
			{"a1", "permanent", "a", 1, false, nil, jobstore.Failed},
			{"a2", "ok", "a", 1, false, nil, jobstore.Completed},
		}},
		{"without its queue it does", "", []step{
			{"a1", "permanent", "a", 1, true, []int32{0}, jobstore.Failed},
			{"a2", "ok", "a", 1, true, []int32{0}, ""},
		}},
		{"who goes to the dead-letter queue by itself holds nobody up", "", []step{
			{"a1", "fails", "a", 3, true, []int32{0}, jobstore.Failed},
			{"a2", "ok", "a", 3, false, nil, jobstore.Completed},
			{"a3", "fails", "a", 3, true, []int32{0}, jobstore.Failed},
		}},
		{"who was never started and goes to the dead-letter queue has failed", "", []step{
			{"a1", "fails", "a", 1, true, []int32{7}, jobstore.Queued},
			{"a2", "ok", "a", 3, true, []int32{0}, jobstore.Failed},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := dlqEnv(tt.dlq)
			for name := range env {
				env[name] += ".fifo"
			}
			q := newQueueRig(t, env, nil, rowWorkers()...)
			var ev events.SQSEvent
			var want []string
			for _, s := range tt.steps {
				ev.Records = append(ev.Records, inGroup(queued(s.id, body(s.worker, s.id, one), s.receive), s.group))
				if s.again {
					want = append(want, s.id)
				}
			}
			if ids := q.deliver(t, ev.Records...); !slices.Equal(ids, want) {
				t.Errorf("failures = %q, want %q", ids, want)
			}
			for _, s := range tt.steps {
				if got := q.sqs.hidesOf(s.id); !slices.Equal(got, s.hides) {
					t.Errorf("%s: visibility timeouts = %v, want %v", s.id, got, s.hides)
				}
				r := q.job(t, s.id)
				if (r == nil) != (s.status == "") || (r != nil && r.Status != s.status) {
					t.Errorf("%s: record = %+v, want status %q", s.id, r, s.status)
				}
			}
		})
	}
}

// A fair queue has message groups, and no order to keep.
func TestGroupOfAStandardQueueGoesOn(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, nil, nil)
	var records []events.SQSMessage
	for i, w := range []string{"error", "ok"} {
		m := queued(fmt.Sprint("m", i), body(w, w, `{"number":1}`), 1)
		m.Attributes["MessageGroupId"] = "tenant"
		records = append(records, m)
	}
	if ids := q.deliver(t, records...); !slices.Equal(ids, []string{"m0"}) {
		t.Errorf("failures = %q", ids)
	}
}

// Jobs that the invocation has no time for lose nothing by it.
func TestJobsThatWereNotStarted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		again   []string
		sent    int
	}{
		{"receives left", 1, []string{"m1", "m2", "m3"}, 0},
		{"last receive", 3, []string{"m1"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newQueueRig(t, nil, nil, sleeper())
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(ErrShutdown) })
				resp, err := q.HandleSQS(ctx, batchOf(
					queued("m1", body("sleep", "j1", `{"number":60,"note":"heed"}`), 1),
					queued("m2", body("sleep", "j2", `{"number":1}`), tt.receive),
					queued("m3", body("sleep", "j3", `{"number":1}`), tt.receive)))
				if ids := failures(t, resp, err); !slices.Equal(ids, tt.again) {
					t.Errorf("failures = %q, want %q", ids, tt.again)
				}
				if r := q.job(t, "j1"); r.Status != jobstore.Queued || r.LastError.Name != "Interrupted" {
					t.Errorf("interrupted job: %+v", r)
				}
				if q.job(t, "j2") != nil {
					t.Error("a job that was not started has a record")
				}
				if got := len(q.sqs.sentTo(testQueueURL)); got != tt.sent {
					t.Errorf("%d messages were sent again, want %d", got, tt.sent)
				}
				if got := q.eventNames(t); got != "job.started job.retrying job.deferred job.deferred" {
					t.Errorf("events = %q", got)
				}
			})
		})
	}
}

// The time that SQS takes must not be that of the response.
func TestSlowQueueDoesNotEatTheResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueueRig(t, nil, func(c *AppConfig) { c.SQS = &deadSQS{} }, rowWorkers()...)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var ev events.SQSEvent
		for i := range 50 {
			ev.Records = append(ev.Records, queued(fmt.Sprint("m", i), body("fails", fmt.Sprint("j", i), `{"number":1}`), 1))
		}
		resp, err := q.HandleSQS(ctx, ev)
		if ids := failures(t, resp, err); len(ids) != len(ev.Records) {
			t.Errorf("%d failures", len(ids))
		}
		if ctx.Err() != nil {
			t.Error("the response came after the deadline")
		}
	})
}

// randomBody draws what may stand in a queue.
func randomBody() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{`{}`, `null`, `{"workerId":3}`, `{"workerId":"ok","input":{"number":1}}`, `{"workerId":"ok","input":`}),
		rapid.Custom(func(t *rapid.T) string {
			worker := rapid.SampledFrom([]string{"ok", "error", "panic", "permanent", "exit", "bad-output", "snoozes", "sleeps", "spent", "nobody"}).Draw(t, "worker")
			return body(worker, fmt.Sprint("j", rapid.IntRange(0, 5).Draw(t, "job")), `{"number":1}`)
		}),
		rapid.Map(rapid.MapOf(rapid.SampledFrom([]string{"workerId", "jobId", "input", "context", "metadata", "timestamp", "maxTokens"}),
			rapid.SampledFrom([]string{`"ok"`, `1`, `null`, `{"number":5}`, `[]`, `true`})), func(m map[string]string) string {
			var parts []string
			for k, v := range m {
				parts = append(parts, fmt.Sprintf("%q:%s", k, v))
			}
			return "{" + strings.Join(parts, ",") + "}"
		}),
	)
}

// Whatever comes in a batch, and whether store and queue work or not: each message
// is done with or named once, none that is unknown is named, and one that is done
// with is so for a reason that the outcomes tell.
func TestResponseNamesEachMessageOnce(t *testing.T) {
	t.Parallel()
	workers := rowWorkers()
	rapid.Check(t, func(rt *rapid.T) {
		fifo := rapid.Bool().Draw(rt, "fifo")
		storeDown, queueDown := rapid.Bool().Draw(rt, "store down"), rapid.Bool().Draw(rt, "queue denied")
		done := map[string]int{}
		q := newQueueRig(t, dlqEnv("permanent"), func(c *AppConfig) {
			switch {
			case storeDown:
				c.Store = brokenStore{}
			case rapid.Bool().Draw(rt, "no store"):
				c.Store = nil
			}
			c.OnOutcome = func(_ context.Context, o Outcome) {
				switch o.Kind {
				case KindCompleted, KindDuplicate:
					done[o.MessageID]++
				case KindFailed, KindSnoozed, KindBusy, KindDeferred:
					done[o.MessageID] += 0
				case KindRetrying:
				default:
					rt.Errorf("outcome = %+v", o)
				}
			}
		}, workers...)
		if queueDown {
			q.sqs.hideErr = denied("sqs:ChangeMessageVisibility")
			q.sqs.sendErr = func(*sqs.SendMessageInput) error { return denied("sqs:SendMessage") }
		}
		var ev events.SQSEvent
		known := map[string]bool{}
		for i := range rapid.IntRange(0, 12).Draw(rt, "records") {
			m := queued(fmt.Sprint("m", i), randomBody().Draw(rt, "body"), rapid.IntRange(-1, 5).Draw(rt, "count"))
			if fifo {
				m = inGroup(m, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "group"))
			}
			if text := rapid.SampledFrom([]string{"", `{"attempts":2}`, `{"attempts":9,"due":99999999999999}`, "x"}).Draw(rt, "carried"); text != "" {
				m.MessageAttributes = map[string]events.SQSMessageAttribute{attrCarried: {DataType: "String", StringValue: &text}}
			}
			known[m.MessageId] = true
			ev.Records = append(ev.Records, m)
		}
		// With a store that is down every job waits for its tries.
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		resp, err := q.HandleSQS(ctx, ev)
		named := map[string]bool{}
		for _, id := range failures(t, resp, err) {
			if named[id] || !known[id] {
				rt.Fatalf("message %q is named twice or is unknown", id)
			}
			named[id] = true
		}
		gone := len(q.sqs.sentTo(testDLQURL)) + len(q.sqs.sentTo(testQueueURL))
		for id, n := range done {
			if n > 1 || (n == 1 && named[id]) {
				rt.Errorf("message %q is done with %d times, and named: %v", id, n, named[id])
			}
			if n == 1 {
				gone++
			}
		}
		if len(named)+gone != len(ev.Records) {
			rt.Fatalf("%d messages: %d named, %d completed, copied or sent again", len(ev.Records), len(named), gone)
		}
		if runs, _ := q.lines(t); len(runs) != len(ev.Records) {
			rt.Fatalf("%d markers for %d messages", len(runs), len(ev.Records))
		}
	})
}

// brokenStore fails at once, and for good.
type brokenStore struct{}

func (brokenStore) Claim(context.Context, jobstore.Claim) (jobstore.Claimed, error) {
	return jobstore.Claimed{}, jobstore.ErrNotFound // is not tried again
}
func (brokenStore) Update(context.Context, string, jobstore.Update) error { return errStore }
func (brokenStore) Get(context.Context, string) (*jobstore.Record, error) { return nil, errStore }

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errService }

// Neither body nor attributes of one message may touch the others, and whatever
// they are the log stays lines of JSON.
func FuzzHandleSQS(f *testing.F) {
	seeds := []struct{ body, carried, group string }{
		{`{}`, ``, ``},
		{`{"workerId":"ok","input":{"number":1}}`, `{"attempts":1,"sent":1}`, ``},
		{`[`, `[`, `g`},
		{"\x00", "\x00", "\x00"},
		{`{"workerId":"panic","input":{"number":1}}`, ``, `g`},
		{body("snoozes", "j1", `{"number":1}`), `{"attempts":99999,"due":9223372036854775807}`, ``},
		{body("permanent", "j1", `{"number":1}`), `{"jobId":"j0"}`, ``},
		{`{"workerId":"ok","jobId":"j","webhookDelivery":{}}`, ``, ``},
		{`{"workerId":"ok","jobId":7,"input":{"number":1},"maxTokens":-1}`, ``, ``},
	}
	for _, s := range seeds {
		f.Add(s.body, s.carried, s.group, 1)
		f.Add(s.body, s.carried, s.group, 3)
	}
	workers := rowWorkers()
	f.Fuzz(func(t *testing.T, text, carried, group string, receives int) {
		m := queued("m1", text, receives)
		if group != "" {
			m = inGroup(m, group)
		}
		if carried != "" {
			m.MessageAttributes = map[string]events.SQSMessageAttribute{attrCarried: {DataType: "String", StringValue: &carried}}
		}
		q := newQueueRig(t, dlqEnv("permanent"), func(c *AppConfig) {
			c.WebhookClient = &http.Client{Transport: noNetwork{}} // the text may name anybody
		}, workers...)
		ids := q.deliver(t, m, queued("m2", body("ok", "sibling", `{"number":1}`), 1))
		if slices.Contains(ids, "m2") || len(ids) > 1 {
			t.Errorf("failures = %q", ids)
		}
		if r := q.job(t, "sibling"); r == nil || r.Status != jobstore.Completed {
			t.Errorf("the sibling's record = %+v", r)
		}
		q.lines(t)
	})
}

// A process that is asked to stop has two seconds, whatever hangs.
func TestShutdownIsNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store, c.SQS = &slowStore{Store: c.Store}, &deadSQS{} }, sleeper())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ctx, stop := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { stop(ErrShutdown) })
		began := time.Now()
		resp, err := q.HandleSQS(ctx, batchOf(
			queued("m1", body("sleep", "j1", `{"number":50,"note":"heed"}`), 1),
			queued("m2", body("sleep", "j2", `{"number":1}`), 3)))
		if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m1", "m2"}) {
			t.Errorf("failures = %q", ids)
		}
		if took := time.Since(began) - time.Second; took > shutdownGrace {
			t.Errorf("the response came %v after the signal", took)
		}
	})
}
