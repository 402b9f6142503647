package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const testQueueURL = "https://sqs.us-east-1.amazonaws.com/000000000000/orders"

// flakyStore fails as long as it is told to.
type flakyStore struct {
	jobstore.Store
	claims, updates func(try int) error // nil: works

	mu                   sync.Mutex
	claimTries, endTries int
}

var errStore = errors.New("the table does not answer")

func (s *flakyStore) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	s.mu.Lock()
	s.claimTries++
	try := s.claimTries
	s.mu.Unlock()
	if s.claims != nil {
		if err := s.claims(try); err != nil {
			return jobstore.Claimed{}, err
		}
	}
	return s.Store.Claim(ctx, c)
}

func (s *flakyStore) Update(ctx context.Context, id string, u jobstore.Update) error {
	s.mu.Lock()
	s.endTries++
	try := s.endTries
	s.mu.Unlock()
	if s.updates != nil {
		if err := s.updates(try); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, id, u)
}

func always(error) func(int) error { return func(int) error { return errStore } }

func firstTimes(n int) func(int) error {
	return func(try int) error {
		if try <= n {
			return errStore
		}
		return nil
	}
}

// counter is a worker that counts its runs.
func counter(runs *int) Runner {
	return Must(New("count", func(_ context.Context, j *Job[order]) (order, error) {
		*runs++
		return j.Input, nil
	}))
}

func claimAs(t testing.TB, s jobstore.Store, job, owner string, lease time.Duration) {
	t.Helper()
	got, err := s.Claim(t.Context(), jobstore.Claim{JobID: job, WorkerID: "count", Owner: owner, MessageID: "other", Lease: time.Now().Add(lease)})
	if err != nil || got.Decision != jobstore.ClaimedJob {
		t.Fatalf("claim = %+v, %v", got, err)
	}
}

func TestCompletedJobIsNotRunAgain(t *testing.T) {
	t.Parallel()
	runs := 0
	q := newQueueRig(t, nil, nil, counter(&runs))
	m := body("count", "j", `{"number":5}`)
	q.deliver(t, queued("m1", m, 1))
	if ids := q.deliver(t, queued("m1", m, 2), queued("m2", m, 1)); len(ids) != 0 {
		t.Errorf("failures = %q: the messages of a completed job are done with", ids)
	}
	if runs != 1 {
		t.Errorf("the handler ran %d times", runs)
	}
	if got := q.eventNames(t); got != "job.started job.completed job.skipped job.skipped" {
		t.Errorf("events = %q", got)
	}
	_, all := q.lines(t)
	if e := all[len(all)-1]; e.JobStatus != "completed" || string(e.Output) != `{"number":5}` || e.Level != "INFO" {
		t.Errorf("skipped = %+v", e)
	}
	if o := q.lastOutcome(t); o.Kind != KindDuplicate || !o.Final || o.Err != nil || string(o.Output) != `{"number":5}` {
		t.Errorf("outcome = %+v", o)
	}
}

// What the store did not keep cannot be shown again, but its length can.
func TestCompletedJobWithoutItsOutput(t *testing.T) {
	t.Parallel()
	runs := 0
	q := newQueueRig(t, nil, func(c *AppConfig) { c.MaxStoredOutput = 3 }, counter(&runs))
	m := body("count", "j", `{"number":5}`)
	q.deliver(t, queued("m1", m, 1))
	if ids := q.deliver(t, queued("m1", m, 2)); len(ids) != 0 || runs != 1 {
		t.Errorf("failures = %q, %d runs", ids, runs)
	}
	if e := q.eventOf(t, dispatch.EventSkipped); e.Output != nil || e.OutputBytes != len(`{"number":5}`) {
		t.Errorf("skipped = %+v", e)
	}
}

func TestRunningJobIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		fifo    bool
		again   bool
		hides   []int32
		sent    int
	}{
		{"receives left", 1, false, true, []int32{40}, 0},
		{"last receive", 3, false, false, nil, 1},
		{"last receive on a FIFO queue", 3, true, true, []int32{40}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				q := newQueueRig(t, nil, nil, counter(&runs))
				claimAs(t, q.store, "j", "another", 40*time.Second)
				m := queued("m1", body("count", "j", `{"number":5}`), tt.receive)
				if tt.fifo {
					m = inGroup(m, "g")
				}
				if again := len(q.deliver(t, m)) == 1; again != tt.again {
					t.Errorf("delivered again: %v", again)
				}
				if got := q.sqs.hidesOf("m1"); !slices.Equal(got, tt.hides) {
					t.Errorf("visibility timeouts = %v, want %v", got, tt.hides)
				}
				sent := q.sqs.sentTo(testQueueURL)
				if len(sent) != tt.sent {
					t.Fatalf("%d messages were sent again, want %d", len(sent), tt.sent)
				}
				if runs != 0 {
					t.Error("the handler ran beside another delivery's")
				}
				if r := q.job(t, "j"); r.Status != jobstore.Running || r.Owner != "another" {
					t.Errorf("record = %+v", r)
				}
				if o := q.lastOutcome(t); o.Kind != KindBusy || o.Final {
					t.Errorf("outcome = %+v", o)
				}
				if e := q.eventOf(t, dispatch.EventSkipped); e.JobStatus != "running" {
					t.Errorf("event = %+v", e)
				}
				if tt.sent == 0 {
					return
				}
				if *sent[0].MessageBody != m.Body || sent[0].DelaySeconds != 40 {
					t.Errorf("sent again: %+v", sent[0])
				}
				// When the other delivery has died, the job runs.
				time.Sleep(41 * time.Second)
				if ids := q.deliver(t, q.comesBack("m2", sent[0], 1)); len(ids) != 0 || runs != 1 || q.lastOutcome(t).Attempt != 3 {
					t.Errorf("failures = %q, %d runs, outcome %+v", ids, runs, q.lastOutcome(t))
				}
			})
		})
	}
}

// Deliveries that die while they run the job must not go round for ever.
func TestJobWhoseDeliveriesDieFails(t *testing.T) {
	t.Parallel()
	runs := 0
	q := newQueueRig(t, dlqEnv("count"), nil, counter(&runs))
	m := queued("m1", body("count", "j", `{"number":5}`), 1)
	three := `{"attempts":3,"sent":` + m.Attributes["SentTimestamp"] + `}`
	m.MessageAttributes = map[string]events.SQSMessageAttribute{attrCarried: {DataType: "String", StringValue: &three}}
	if ids := q.deliver(t, m); len(ids) != 0 || runs != 0 {
		t.Errorf("failures = %q, %d runs", ids, runs)
	}
	if r := q.job(t, "j"); r.Status != jobstore.Failed || !strings.Contains(r.Error.Message, "attempts are used up") {
		t.Errorf("record = %+v", r)
	}
	if len(q.sqs.sentTo(testDLQURL)) != 1 {
		t.Error("the message is not in the dead-letter queue")
	}
}

func TestFailedJob(t *testing.T) {
	t.Parallel()
	failing := func(runs *int) Runner {
		return Must(New("permanent", func(context.Context, *Job[order]) (order, error) {
			*runs++
			return order{}, Permanent(errService)
		}))
	}
	m := body("permanent", "j", `{"number":1}`)
	for _, tt := range []struct {
		name string
		next func() events.SQSMessage
		runs int
	}{
		{"the same message, on its way to the dead-letter queue", func() events.SQSMessage { return queued("m1", m, 2) }, 1},
		{"replayed as another message", func() events.SQSMessage { return queued("m2", m, 1) }, 2},
		{"replayed, its receives counted anew", func() events.SQSMessage { return queued("m1", m, 1) }, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			q := newQueueRig(t, nil, nil, failing(&runs))
			q.deliver(t, queued("m1", m, 1))
			first := q.job(t, "j")
			next := tt.next()
			if ids := q.deliver(t, next); !slices.Equal(ids, []string{next.MessageId}) {
				t.Errorf("failures = %q", ids)
			}
			if runs != tt.runs {
				t.Errorf("the handler ran %d times, want %d", runs, tt.runs)
			}
			r := q.job(t, "j")
			if r.Status != jobstore.Failed || r.Error == nil || r.Error.Message != errService.Error() || !r.CreatedAt.Equal(first.CreatedAt) {
				t.Errorf("record = %+v", r)
			}
			if tt.runs > 1 {
				return
			}
			if got := q.sqs.hidesOf("m1"); !slices.Equal(got, []int32{0, 0}) {
				t.Errorf("visibility timeouts = %v", got)
			}
			if e := q.eventOf(t, dispatch.EventSkipped); e.JobStatus != "failed" || e.Error == nil || e.Error.Message != errService.Error() {
				t.Errorf("event = %+v", e)
			}
			if o := q.lastOutcome(t); o.Kind != KindDuplicate || !o.Final || o.Err == nil {
				t.Errorf("outcome = %+v", o)
			}
		})
	}
}

func TestStoreDownAtTheClaim(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		again   bool
		hides   int
		sent    int
	}{
		{"receives left", 1, true, 1, 0},
		{"last receive", 3, false, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				var store *flakyStore
				q := newQueueRig(t, nil, func(c *AppConfig) {
					store = &flakyStore{Store: c.Store, claims: always(errStore)}
					c.Store = store
				}, counter(&runs))
				m := queued("m1", body("count", "j", `{"number":1}`), tt.receive)
				if again := len(q.deliver(t, m)) == 1; again != tt.again || runs != 0 {
					t.Errorf("delivered again: %v, %d runs", again, runs)
				}
				if got := q.sqs.hidesOf("m1"); len(got) != tt.hides || (len(got) == 1 && got[0] < 1) {
					t.Errorf("visibility timeouts = %v", got)
				}
				if store.claimTries != storeTries {
					t.Errorf("the claim was tried %d times, want %d", store.claimTries, storeTries)
				}
				if o := q.lastOutcome(t); o.Kind != KindDeferred || o.Final || !errors.Is(o.Err, errStore) {
					t.Errorf("outcome = %+v", o)
				}
				if e := q.eventOf(t, dispatch.EventDeferred); e.Error == nil || e.Error.Name != "StoreError" || e.DelayMS <= 0 {
					t.Errorf("event = %+v", e)
				}
				sent := q.sqs.sentTo(testQueueURL)
				if len(sent) != tt.sent {
					t.Fatalf("%d messages were sent again, want %d", len(sent), tt.sent)
				}
				if tt.sent == 0 {
					return
				}
				// The job has not run, so it has all its attempts when the store is back.
				store.claims = nil
				if ids := q.deliver(t, q.comesBack("m2", sent[0], 1)); len(ids) != 0 || q.lastOutcome(t).Attempt != 1 {
					t.Errorf("failures = %q, outcome %+v", ids, q.lastOutcome(t))
				}
			})
		})
	}
}

// What the store will not take must not go round until the end of time.
func TestStoreThatNeverTakesTheJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = &flakyStore{Store: c.Store, claims: always(errStore)} }, counter(&runs))
		m := queued("m1", body("count", "j", `{"number":1}`), 3)
		for deliveries := 1; ; deliveries++ {
			if deliveries > 1000 {
				t.Fatal("the message goes round for ever")
			}
			if ids := q.deliver(t, m); len(ids) == 1 {
				break // the dead-letter queue
			}
			sent := q.sqs.sentTo(testQueueURL)
			time.Sleep(24 * time.Hour)
			m = q.comesBack("m", sent[len(sent)-1], 3)
		}
		if o := q.lastOutcome(t); o.Kind != KindFailed || runs != 0 {
			t.Errorf("outcome = %+v, %d runs", o, runs)
		}
	})
}

func TestStoreDownForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		q := newQueueRig(t, nil, func(c *AppConfig) {
			c.Store = &flakyStore{Store: c.Store, claims: firstTimes(2), updates: firstTimes(2)}
		}, counter(&runs))
		ids := q.deliver(t, queued("m1", body("count", "j", `{"number":1}`), 1))
		if r := q.job(t, "j"); len(ids) != 0 || runs != 1 || r.Status != jobstore.Completed || string(r.Output) != `{"number":1}` {
			t.Errorf("failures = %q, %d runs, record %+v", ids, runs, r)
		}
	})
}

// A success that was not recorded is none.
func TestStoreDownAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		kind    OutcomeKind
		events  string
	}{
		{"attempts left", 1, KindRetrying, "job.started job.retrying"},
		{"last attempt", 3, KindFailed, "job.started job.failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				var store *flakyStore
				q := newQueueRig(t, nil, func(c *AppConfig) {
					store = &flakyStore{Store: c.Store, updates: always(errStore)}
					c.Store = store
				}, counter(&runs))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				resp, err := q.HandleSQS(ctx, batchOf(queued("m1", body("count", "j", `{"number":1}`), tt.receive)))
				if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m1"}) {
					t.Errorf("failures = %q", ids)
				}
				if store.endTries != storeTries {
					t.Errorf("the end was tried to be recorded %d times, want %d", store.endTries, storeTries)
				}
				if o := q.lastOutcome(t); o.Kind != tt.kind || !errors.Is(o.Err, errStore) || o.Output != nil {
					t.Errorf("outcome = %+v", o)
				}
				if got := q.eventNames(t); got != tt.events {
					t.Errorf("events = %q, want %q", got, tt.events)
				}
			})
		})
	}
}

// The tries to record an end leave time for the response, however slow the store is.
func TestSlowStoreDoesNotEatTheResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = &slowStore{Store: c.Store} }, counter(&runs))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		resp, err := q.HandleSQS(ctx, batchOf(queued("m1", body("count", "j", `{"number":1}`), 1)))
		if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m1"}) {
			t.Errorf("failures = %q", ids)
		}
		if took := time.Since(began); took > 1900*time.Millisecond {
			t.Errorf("the response came after %v of 2s", took)
		}
	})
}

// slowStore claims at once and then never answers.
type slowStore struct{ jobstore.Store }

func (s *slowStore) Update(ctx context.Context, _ string, _ jobstore.Update) error {
	<-ctx.Done()
	return ctx.Err()
}

// A record that the store finds too long is kept without its output.
func TestStoreThatRefusesTheOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		q := newQueueRig(t, nil, func(c *AppConfig) { c.Store = &strictStore{Store: c.Store} }, counter(&runs))
		ids := q.deliver(t, queued("m1", body("count", "j", `{"number":1}`), 1))
		if r := q.job(t, "j"); len(ids) != 0 || r.Status != jobstore.Completed || r.Output != nil || r.Input != nil || r.OutputBytes != len(`{"number":1}`) {
			t.Errorf("failures = %q, record %+v", ids, r)
		}
	})
}

type strictStore struct{ jobstore.Store }

func (s *strictStore) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if c.Input != nil || c.Metadata != nil {
		return jobstore.Claimed{}, errors.New("the item is too long")
	}
	return s.Store.Claim(ctx, c)
}

func (s *strictStore) Update(ctx context.Context, id string, u jobstore.Update) error {
	if u.Output != nil {
		return errors.New("the item is too long")
	}
	return s.Store.Update(ctx, id, u)
}

// A delivery whose job was taken over records nothing, and leaves the message to
// whoever has it.
func TestLostJob(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"value", "error", "snooze", "progress"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var q *queueRig
			q = newQueueRig(t, nil, nil, Must(New("count", func(ctx context.Context, j *Job[order]) (order, error) {
				r := q.job(t, "j")
				if err := q.store.Update(ctx, "j", jobstore.Update{Status: jobstore.Queued}); err != nil {
					t.Error(err)
				}
				claimAs(t, q.store, "j", "another", time.Hour)
				if r.Owner == "" {
					t.Error("the job runs without an owner")
				}
				switch how {
				case "error":
					return order{}, Permanent(errService)
				case "snooze":
					return order{}, Snooze(time.Minute)
				case "progress":
					j.Progress(ctx, 10, "")
					select {
					case <-ctx.Done():
					case <-time.After(10 * time.Second):
						t.Error("the handler did not hear that its job is lost")
					}
					if !errors.Is(context.Cause(ctx), jobstore.ErrLeaseLost) {
						t.Errorf("cause = %v", context.Cause(ctx))
					}
					return order{}, ctx.Err()
				}
				return j.Input, nil
			})))
			if ids := q.deliver(t, queued("m1", body("count", "j", `{"number":1}`), 1)); !slices.Equal(ids, []string{"m1"}) {
				t.Errorf("failures = %q", ids)
			}
			if r := q.job(t, "j"); r.Status != jobstore.Running || r.Owner != "another" || r.Output != nil || r.LastError != nil {
				t.Errorf("record = %+v", r)
			}
			if n := q.sqs.callCount(); n != 0 {
				t.Errorf("SQS was called %d times about another delivery's message", n)
			}
			if o := q.lastOutcome(t); o.Kind != KindBusy || o.Final || !errors.Is(o.Err, jobstore.ErrLeaseLost) || o.Output != nil {
				t.Errorf("outcome = %+v", o)
			}
			if got := q.eventNames(t); !strings.HasPrefix(got, "job.started") || !strings.HasSuffix(got, "job.skipped") {
				t.Errorf("events = %q", got)
			}
		})
	}
}

// In its last delivery such a message would go to the dead-letter queue while its job
// is running.
func TestLostJobOnTheLastReceive(t *testing.T) {
	t.Parallel()
	var q *queueRig
	q = newQueueRig(t, nil, nil, Must(New("count", func(ctx context.Context, _ *Job[order]) (order, error) {
		if err := q.store.Update(ctx, "j", jobstore.Update{Status: jobstore.Queued}); err != nil {
			t.Error(err)
		}
		claimAs(t, q.store, "j", "another", time.Hour)
		return order{}, errService
	})))
	m := queued("m1", body("count", "j", `{"number":1}`), 3)
	if ids := q.deliver(t, m); len(ids) != 0 {
		t.Errorf("failures = %q", ids)
	}
	if sent := q.sqs.sentTo(testQueueURL); len(sent) != 1 || *sent[0].MessageBody != m.Body {
		t.Errorf("%d messages were sent again", len(sent))
	}
	if r := q.job(t, "j"); r.Owner != "another" || r.Status != jobstore.Running {
		t.Errorf("record = %+v", r)
	}
}

// Of two deliveries at the same moment one runs the job.
func TestTwoDeliveriesAtTheSameMoment(t *testing.T) {
	t.Parallel()
	var running, runs, most int
	var mu sync.Mutex
	w := Must(New("count", func(_ context.Context, j *Job[order]) (order, error) {
		mu.Lock()
		running++
		runs++
		most = max(most, running)
		mu.Unlock()
		time.Sleep(time.Second)
		mu.Lock()
		running--
		mu.Unlock()
		return j.Input, nil
	}))
	synctest.Test(t, func(t *testing.T) {
		q := newQueueRig(t, nil, func(c *AppConfig) { c.OnOutcome = nil }, w)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { q.deliver(t, queued("m1", body("count", "j", `{"number":1}`), 1)) })
		}
		wg.Wait()
		if runs != 1 || most != 1 {
			t.Errorf("the handler ran %d times, %d at once", runs, most)
		}
	})
}

func TestLease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		timeout time.Duration // of the function; zero: no deadline
		want    time.Duration
	}{
		{"until the deadline", 30 * time.Second, 35 * time.Second},
		{"of the worker's timeout without one", 0, 65 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var q *queueRig
				var got time.Duration
				owners := map[string]bool{}
				q = newQueueRig(t, nil, nil, Must(New("look", func(context.Context, *Job[order]) (order, error) {
					r := q.job(t, "j")
					got = time.Until(r.LeaseUntil)
					owners[r.Owner] = true
					return order{}, errService
				}, WithTimeout(time.Minute))))
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				m := body("look", "j", `{"number":1}`)
				resp, err := q.HandleSQS(ctx, batchOf(queued("m1", m, 1), queued("m1", m, 1)))
				failures(t, resp, err)
				if (got - tt.want).Abs() > time.Millisecond {
					t.Errorf("lease = %v, want %v", got, tt.want)
				}
				if len(owners) != 2 {
					t.Errorf("owners = %v, want one for each delivery", owners)
				}
			})
		})
	}
}

func TestStoreFromTheEnvironment(t *testing.T) {
	t.Parallel()
	open := func(url string) (*App, error) {
		return NewApp(AppConfig{Output: &rig{}, Getenv: func(name string) string {
			if name == envStore {
				return url
			}
			return ""
		}})
	}
	for _, url := range []string{"", "memory:", "file:" + t.TempDir()} {
		app, err := open(url)
		if err != nil {
			t.Fatalf("%q: %v", url, err)
		}
		if (app.store != nil) != (url != "") {
			t.Errorf("%q: store = %v", url, app.store)
		}
	}
	if _, err := open("redis://x"); err == nil || !strings.Contains(err.Error(), envStore) {
		t.Errorf("error = %v, want one that names %s", err, envStore)
	}
}
