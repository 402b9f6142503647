package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// rowWorkers are the test workers with backoffs that a test can tell.
func rowWorkers() []Runner {
	snooze := func(d time.Duration) Handler[order, order] {
		return func(context.Context, *Job[order]) (order, error) {
			return order{}, fmt.Errorf("wait for the courier: %w", Snooze(d))
		}
	}
	fails := func(context.Context, *Job[order]) (order, error) { return order{}, errService }
	return append(testWorkers(),
		Must(New("fails", fails, WithBackoff(Constant(7*time.Second)))),
		Must(New("panics", func(context.Context, *Job[order]) (order, error) { panic("no such order") }, WithBackoff(Constant(7*time.Second)))),
		Must(New("snoozes", snooze(90*time.Second))),
		Must(New("sleeps", snooze(time.Hour))),
		Must(New("spent", func(context.Context, *Job[order]) (order, error) {
			return order{}, fmt.Errorf("ask the model: %w", &TokenBudgetError{Used: 11, Limit: 10})
		})),
	)
}

// One row for each way in which a delivery can end, with a store and a queue.
func TestEachOutcome(t *testing.T) {
	t.Parallel()
	one := `{"number":1}`
	tests := []struct {
		name    string
		worker  string
		input   string // of worker; else
		body    string
		receive int
		dlq     bool // the dead-letter queue is known
		fifo    bool

		again  bool // SQS shall deliver the message again
		status jobstore.Status
		hides  []int32
		buried int
		sent   int
		delay  int32
		events string
		kind   OutcomeKind
		final  bool
	}{
		{name: "value", worker: "ok", receive: 1, status: jobstore.Completed, events: "job.started job.completed", kind: KindCompleted, final: true},
		{name: "error, attempts left", worker: "fails", receive: 1, again: true, status: jobstore.Queued, hides: []int32{7}, events: "job.started job.retrying", kind: KindRetrying},
		{name: "error, last attempt", worker: "fails", receive: 3, dlq: true, again: true, status: jobstore.Failed, hides: []int32{0}, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "permanent", worker: "permanent", receive: 1, dlq: true, status: jobstore.Failed, buried: 1, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "permanent, no dead-letter queue known", worker: "permanent", receive: 1, again: true, status: jobstore.Failed, hides: []int32{0}, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "permanent on the last receive", worker: "permanent", receive: 3, dlq: true, status: jobstore.Failed, buried: 1, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "token budget", worker: "spent", receive: 1, dlq: true, status: jobstore.Failed, buried: 1, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "input does not fit", worker: "ok", input: `{"number":"one"}`, receive: 1, dlq: true, status: jobstore.Failed, buried: 1, events: "job.failed", kind: KindFailed, final: true},
		{name: "output does not fit", worker: "bad-output", receive: 1, dlq: true, status: jobstore.Failed, buried: 1, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "snooze", worker: "snoozes", receive: 2, status: jobstore.Queued, sent: 1, delay: 90, events: "job.started job.deferred", kind: KindSnoozed},
		{name: "snooze for long", worker: "sleeps", receive: 1, status: jobstore.Queued, sent: 1, delay: 900, events: "job.started job.deferred", kind: KindSnoozed},
		{name: "snooze on the last receive", worker: "snoozes", receive: 3, status: jobstore.Queued, sent: 1, delay: 90, events: "job.started job.deferred", kind: KindSnoozed},
		{name: "snooze on a FIFO queue", worker: "sleeps", receive: 1, fifo: true, again: true, status: jobstore.Queued, hides: []int32{3600}, events: "job.started job.deferred", kind: KindSnoozed},
		{name: "snooze on a FIFO queue, last receive", worker: "sleeps", receive: 3, fifo: true, again: true, status: jobstore.Failed, hides: []int32{0}, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "panic", worker: "panics", receive: 1, again: true, status: jobstore.Queued, hides: []int32{7}, events: "job.started job.retrying", kind: KindRetrying},
		{name: "panic, last attempt", worker: "panics", receive: 3, again: true, status: jobstore.Failed, hides: []int32{0}, events: "job.started job.failed", kind: KindFailed, final: true},
		{name: "not JSON", body: `pay attention`, receive: 1, dlq: true, again: true, hides: []int32{0}, events: "job.failed", kind: KindFailed, final: true},
		{name: "unknown worker", worker: "nobody", receive: 1, dlq: true, again: true, hides: []int32{0}, events: "job.failed", kind: KindFailed, final: true},
		{name: "job id too long for a store", body: body("ok", strings.Repeat("j", maxJobID+1), one), receive: 1, again: true, hides: []int32{0}, events: "job.failed", kind: KindFailed, final: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			if tt.dlq {
				env = dlqEnv(tt.worker)
			}
			q := newQueueRig(t, env, nil, rowWorkers()...)
			if tt.input == "" {
				tt.input = one
			}
			if tt.body == "" {
				tt.body = body(tt.worker, "j", tt.input)
			}
			m := queued("m1", tt.body, tt.receive)
			if tt.fifo {
				m = inGroup(m, "g")
			}
			if again := len(q.deliver(t, m)) == 1; again != tt.again {
				t.Errorf("delivered again: %v, want %v", again, tt.again)
			}
			r := q.job(t, "j")
			if tt.status == "" {
				if r != nil {
					t.Errorf("the store has a record: %+v", r)
				}
			} else if r == nil || r.Status != tt.status {
				t.Errorf("record = %+v, want status %q", r, tt.status)
			}
			if got := q.sqs.hidesOf("m1"); !slices.Equal(got, tt.hides) {
				t.Errorf("visibility timeouts = %v, want %v", got, tt.hides)
			}
			if got := len(q.sqs.sentTo(testDLQURL)); got != tt.buried {
				t.Errorf("%d messages in the dead-letter queue, want %d", got, tt.buried)
			}
			sent := q.sqs.sentTo("https://sqs.us-east-1.amazonaws.com/000000000000/orders")
			if len(sent) != tt.sent {
				t.Fatalf("%d messages were sent again, want %d", len(sent), tt.sent)
			}
			if tt.sent > 0 && sent[0].DelaySeconds != tt.delay {
				t.Errorf("delay = %d, want %d", sent[0].DelaySeconds, tt.delay)
			}
			if got := q.eventNames(t); got != tt.events {
				t.Errorf("events = %q, want %q", got, tt.events)
			}
			if o := q.lastOutcome(t); o.Kind != tt.kind || o.Final != tt.final || len(q.outcomes) != 1 {
				t.Errorf("outcomes = %+v, want one of kind %q, final %v", q.outcomes, tt.kind, tt.final)
			}
		})
	}
}

func TestRecordOfACompletedJob(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, nil, nil)
	q.deliver(t, queued("m1", body("ok", "j", `{"number":7}`), 2))
	r := q.job(t, "j")
	if r == nil || string(r.Output) != `{"number":7}` || string(r.Input) != `{"number":7}` || r.UserID != "u-7" ||
		r.Metadata["k"] != json.Number("1") || r.MessageID != "m1" || r.Receives != 2 || r.WorkerID != "ok" || r.CompletedAt.IsZero() {
		t.Errorf("record = %+v", r)
	}
	if n := q.sqs.callCount(); n != 0 {
		t.Errorf("SQS was called %d times for a job that was completed", n)
	}
}

func TestErrorsAreRecorded(t *testing.T) {
	t.Parallel()
	q := newQueueRig(t, nil, nil, rowWorkers()...)
	q.deliver(t, queued("m1", body("fails", "j", `{"number":1}`), 1))
	if r := q.job(t, "j"); r.LastError == nil || r.LastError.Message != errService.Error() || r.Error != nil {
		t.Errorf("after the first attempt: %+v", r)
	}
	q.deliver(t, queued("m1", body("panics", "p", `{"number":1}`), 3))
	if r := q.job(t, "p"); r.Error == nil || r.Error.Name != "PanicError" || r.Error.Stack == "" {
		t.Errorf("after the last attempt: %+v", r)
	}
}

func TestOutputsOverTheCapAreNotStored(t *testing.T) {
	t.Parallel()
	w := Must(New("long", func(_ context.Context, j *Job[order]) (order, error) {
		return order{Number: 1, Note: strings.Repeat("x", j.Input.Number)}, nil
	}))
	for _, tt := range []struct {
		limit, length int
		input, stored bool
	}{
		{0, 1000, true, true},
		{0, defaultMaxStored, true, false},
		{400, 10, true, true},
		{100, 300, true, false},
		{40, 1, false, true},
		{-1, 1, false, false},
	} {
		q := newQueueRig(t, nil, func(c *AppConfig) { c.MaxStoredOutput = tt.limit }, w)
		q.deliver(t, queued("m1", body("long", "j", fmt.Sprintf(`{"number":%d}`, tt.length)), 1))
		r := q.job(t, "j")
		if r.Status != jobstore.Completed || (r.Output != nil) != tt.stored || (r.Input != nil) != tt.input || r.OutputBytes < tt.length {
			t.Errorf("cap %d, output of %d: status %q, stored %v, input stored %v, OutputBytes %d", tt.limit, tt.length, r.Status, r.Output != nil, r.Input != nil, r.OutputBytes)
		}
	}
}

func TestDeadLetterKeepsTheMessage(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo %v", fifo), func(t *testing.T) {
			t.Parallel()
			dlq := testDLQURL
			m := queued("m1", body("permanent", "j", `{"number":1}`), 1)
			if fifo {
				dlq += ".fifo"
				m = inGroup(m, "g")
			}
			m.Attributes["AWSTraceHeader"] = "Root=1-5759e988-bd862e3fe1be46a994272793"
			m.MessageAttributes = map[string]events.SQSMessageAttribute{
				"colour":    {DataType: "String", StringValue: text("blue")},
				"picture":   {DataType: "Binary", BinaryValue: []byte{0, 1}},
				attrError:   {DataType: "String", StringValue: text("of another time")},
				attrCarried: {DataType: "String", StringValue: text(`{"attempts":1}`)},
			}
			env := dlqEnv("permanent")
			for name := range env {
				env[name] = dlq
			}
			q := newQueueRig(t, env, nil)
			if ids := q.deliver(t, m); len(ids) != 0 {
				t.Fatalf("failures = %q", ids)
			}
			sent := q.sqs.sentTo(dlq)
			if len(sent) != 1 {
				t.Fatalf("%d dead letters", len(sent))
			}
			in := sent[0]
			if *in.MessageBody != m.Body || in.DelaySeconds != 0 || len(in.MessageAttributes) != 3 ||
				*in.MessageAttributes["colour"].StringValue != "blue" || string(in.MessageAttributes["picture"].BinaryValue) != "\x00\x01" ||
				*in.MessageAttributes[attrError].StringValue != errService.Error() ||
				*in.MessageSystemAttributes["AWSTraceHeader"].StringValue != m.Attributes["AWSTraceHeader"] {
				t.Errorf("dead letter = %+v", in)
			}
			switch {
			case fifo && (*in.MessageGroupId != "g" || *in.MessageDeduplicationId != "dedup-m1:m1"):
				t.Errorf("group %q, deduplication id %q", *in.MessageGroupId, *in.MessageDeduplicationId)
			case !fifo && (in.MessageGroupId != nil || in.MessageDeduplicationId != nil):
				t.Error("a standard queue got a message group")
			}
		})
	}
}

func TestDeadLetterWithoutRoomForTheReason(t *testing.T) {
	t.Parallel()
	refuse := func(in *sqs.SendMessageInput) error {
		if _, with := in.MessageAttributes[attrError]; with {
			return &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "too long"}
		}
		return nil
	}
	long := body("permanent", "j", `{"number":1,"note":"`+strings.Repeat("x", 1<<20-200)+`"}`)
	long = strings.TrimSuffix(long, "}") + strings.Repeat(" ", 1<<20-len(long)) + "}"
	ten := map[string]events.SQSMessageAttribute{}
	for i := range 10 {
		value := "v"
		ten[fmt.Sprint("a", i)] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	for _, tt := range []struct {
		name    string
		body    string
		attrs   map[string]events.SQSMessageAttribute
		sendErr func(*sqs.SendMessageInput) error
		again   bool
	}{
		{"message of 1 MiB", long, nil, nil, false},
		{"ten attributes", body("permanent", "j", `{"number":1}`), ten, nil, false},
		{"the queue takes less", body("permanent", "j", `{"number":1}`), nil, refuse, false},
		{"the queue takes nothing", body("permanent", "j", `{"number":1}`), nil, func(*sqs.SendMessageInput) error { return denied("sqs:SendMessage") }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := newQueueRig(t, dlqEnv("permanent"), nil)
			q.sqs.sendErr = tt.sendErr
			m := queued("m1", tt.body, 1)
			m.MessageAttributes = tt.attrs
			ids := q.deliver(t, m)
			if tt.again {
				if got := q.sqs.hidesOf("m1"); !slices.Equal(ids, []string{"m1"}) || !slices.Equal(got, []int32{0}) {
					t.Errorf("failures = %q, visibility timeouts = %v; want the message back at once", ids, got)
				}
				return
			}
			sent := q.sqs.sentTo(testDLQURL)
			if len(ids) != 0 || len(sent) != 1 || *sent[0].MessageBody != tt.body || len(sent[0].MessageAttributes) != len(tt.attrs) {
				t.Errorf("failures = %q, %d dead letters", ids, len(sent))
			}
		})
	}
}

// The reason is read by whoever looks into the queue, and SQS refuses control
// characters.
func TestShortError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"boom":                    "boom",
		"two\nlines\x00\x1b[31m":  "two lines  [31m",
		"":                        "unknown",
		"\xff\ufffe":              "\uFFFD\uFFFD",
		strings.Repeat("ä", 1000): strings.Repeat("ä", 256) + "...",
		"a \U0001F600 of five":    "a \U0001F600 of five",
	} {
		if got := shortError(jobError(errors.New(text))); got != want {
			t.Errorf("shortError(%q) = %q, want %q", text, got, want)
		}
	}
	if got := shortError(jobError(&PanicError{Value: "x", Stack: "secret"})); got != "PanicError: panic: x" {
		t.Errorf("panic = %q", got)
	}
}

// A job whose time ran out, or whose process stops, has not failed yet.
func TestInterruptedJobIsQueued(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		receive int
		status  jobstore.Status
	}{{"attempts left", 1, jobstore.Queued}, {"last attempt", 3, jobstore.Failed}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newQueueRig(t, nil, nil, sleeper())
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				resp, err := q.HandleSQS(ctx, batchOf(queued("m1", body("sleep", "j", `{"number":1000,"note":"heed"}`), tt.receive)))
				if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m1"}) {
					t.Errorf("failures = %q", ids)
				}
				r := q.job(t, "j")
				je := r.LastError
				if tt.status == jobstore.Failed {
					je = r.Error
				}
				if r.Status != tt.status || je == nil || je.Name != "Timeout" {
					t.Errorf("record = %+v, error %+v", r, je)
				}
			})
		})
	}
}

// A handler that ignores its context is left alone with its message until the process
// is killed.
func TestMessageOfAnOverrunningHandlerWaitsForTheKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueueRig(t, nil, nil, Must(New("sleep", func(_ context.Context, j *Job[order]) (order, error) {
			time.Sleep(time.Minute)
			j.Progress(context.Background(), 50, "still here")
			return j.Input, nil
		}, WithBackoff(Constant(0)))))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		resp, err := q.HandleSQS(ctx, batchOf(queued("m1", body("sleep", "j", `{"number":1}`), 1)))
		if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m1"}) {
			t.Errorf("failures = %q", ids)
		}
		if got := q.sqs.hidesOf("m1"); len(got) != 1 || got[0] < 1 || got[0] > 2 {
			t.Errorf("visibility timeouts = %v; want one until after the deadline", got)
		}
		// The next delivery completes the job before the handler comes back.
		claimed, err := q.store.Claim(t.Context(), jobstore.Claim{JobID: "j", WorkerID: "sleep", Owner: "next", Lease: time.Now().Add(time.Hour)})
		if err != nil || claimed.Decision != jobstore.ClaimedJob {
			t.Fatalf("claim = %+v, %v", claimed, err)
		}
		if err := q.store.Update(t.Context(), "j", jobstore.Update{Owner: "next", Status: jobstore.Completed}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if r := q.job(t, "j"); r.Status != jobstore.Completed || r.Progress != nil {
			t.Errorf("the handler that was left behind changed the record: %+v", r)
		}
	})
}
