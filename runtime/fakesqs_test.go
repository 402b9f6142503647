package runtime

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	testQueueARN = "arn:aws:sqs:us-east-1:000000000000:orders"
	testFIFOARN  = testQueueARN + ".fifo"
	testDLQURL   = "https://sqs.us-east-1.amazonaws.com/000000000000/orders-dlq"
)

// fakeSQS remembers what it is asked, and fails as it is told.
type fakeSQS struct {
	SQSAPI // panics when anything else is called

	hideErr error
	sendErr func(*sqs.SendMessageInput) error

	mu    sync.Mutex
	hides []hidden
	sent  []*sqs.SendMessageInput
	at    map[*sqs.SendMessageInput]time.Time // when
	calls int
}

type hidden struct {
	receipt string
	seconds int32
}

func (f *fakeSQS) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.hideErr != nil {
		return nil, f.hideErr
	}
	f.hides = append(f.hides, hidden{*in.ReceiptHandle, in.VisibilityTimeout})
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (f *fakeSQS) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.sendErr != nil {
		if err := f.sendErr(in); err != nil {
			return nil, err
		}
	}
	f.sent = append(f.sent, in)
	if f.at == nil {
		f.at = map[*sqs.SendMessageInput]time.Time{}
	}
	f.at[in] = time.Now()
	return &sqs.SendMessageOutput{}, nil
}

// hidesOf are the visibility timeouts that a message was given.
func (f *fakeSQS) hidesOf(id string) (seconds []int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hides {
		if h.receipt == "receipt-"+id {
			seconds = append(seconds, h.seconds)
		}
	}
	return seconds
}

// sentTo are the messages that were sent to a queue.
func (f *fakeSQS) sentTo(url string) (in []*sqs.SendMessageInput) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.sent {
		if *m.QueueUrl == url {
			in = append(in, m)
		}
	}
	return in
}

func (f *fakeSQS) callCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func denied(action string) error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform " + action}
}

// queueRig is a rig whose messages come from a queue, with a store and everything
// that the runtime may ask for.
type queueRig struct {
	*rig
	sqs      *fakeSQS
	store    *jobstore.Memory
	outcomes []Outcome
}

// newQueueRig makes one; change may take things away from its configuration.
func newQueueRig(t testing.TB, env map[string]string, change func(*AppConfig), workers ...Runner) *queueRig {
	t.Helper()
	q := &queueRig{rig: &rig{}, sqs: &fakeSQS{}, store: jobstore.NewMemory()}
	all := map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "3"}
	maps.Copy(all, env)
	cfg := AppConfig{
		Output: q.rig, SQS: q.sqs, Store: q.store,
		OnOutcome: func(_ context.Context, o Outcome) { q.outcomes = append(q.outcomes, o) },
		Getenv:    func(name string) string { return all[name] },
	}
	if change != nil {
		change(&cfg)
	}
	if len(workers) == 0 {
		workers = testWorkers()
	}
	app, err := NewApp(cfg, workers...)
	if err != nil {
		t.Fatal(err)
	}
	q.App = app
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", q.text())
		}
	})
	return q
}

// queued is a message as it comes from the queue.
func queued(id, body string, receives int) events.SQSMessage {
	m := record(id, body, receives)
	m.ReceiptHandle = "receipt-" + id
	m.EventSourceARN = testQueueARN
	m.Attributes["SentTimestamp"] = fmt.Sprint(time.Now().UnixMilli())
	return m
}

func inGroup(m events.SQSMessage, group string) events.SQSMessage {
	m.EventSourceARN = testFIFOARN
	m.Attributes["MessageGroupId"] = group
	m.Attributes["MessageDeduplicationId"] = "dedup-" + m.MessageId
	return m
}

// sentAgain is a message as it comes from the queue that the runtime put it into.
func sentAgain(id string, in *sqs.SendMessageInput, receives int) events.SQSMessage {
	m := queued(id, *in.MessageBody, receives)
	m.MessageAttributes = map[string]events.SQSMessageAttribute{}
	for name, a := range in.MessageAttributes {
		m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: *a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
	}
	return m
}

// comesBack is sentAgain for a message that was sent a while ago.
func (q *queueRig) comesBack(id string, in *sqs.SendMessageInput, receives int) events.SQSMessage {
	m := sentAgain(id, in, receives)
	m.Attributes["SentTimestamp"] = fmt.Sprint(q.sqs.at[in].UnixMilli())
	return m
}

// deliver hands messages to the function, and returns the ids that are to be
// delivered again.
func (q *queueRig) deliver(t testing.TB, records ...events.SQSMessage) []string {
	t.Helper()
	resp, err := q.HandleSQS(t.Context(), batchOf(records...))
	return failures(t, resp, err)
}

func (q *queueRig) lastOutcome(t testing.TB) Outcome {
	t.Helper()
	if len(q.outcomes) == 0 {
		t.Fatal("no outcome was reported")
	}
	return q.outcomes[len(q.outcomes)-1]
}

// job is the job's record; nil when there is none.
func (q *queueRig) job(t testing.TB, id string) *jobstore.Record {
	t.Helper()
	r, err := q.store.Get(t.Context(), id)
	if err != nil {
		return nil
	}
	return r
}

func dlqEnv(worker string) map[string]string {
	return map[string]string{dispatch.DLQURLEnv(worker): testDLQURL}
}
