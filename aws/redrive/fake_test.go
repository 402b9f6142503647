package redrive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	dlqURL = "http://sqs/orders-dlq"
	srcURL = "http://sqs/orders"
)

// world is SQS as far as these tests need it, and the guard's writer.
type world struct {
	aws.Writer // what is not used panics

	mu      sync.Mutex
	queues  map[string]*fakeQueue
	n       int
	calls   map[string]int
	actions []aws.Action
	// fault may refuse a call before it has any effect, lose its answer after
	// it had, or refuse single entries of a batch.
	fault   func(op string) fault
	onSend  func(url string, m *fakeMessage) // called with mu held
	refuse  func(body string) bool           // SQS says that this message is wrong
	refused error                            // by the guard
	nop     bool                             // the last send came with the SDK's retries turned off

	done     func(op string) // called with mu held when a call has had its effect
	depth    func(url string, visible, hidden int) (int, int)
	readOnly bool
}

type fault struct {
	before, after error
	entry         bool // refuse the next entry
}

type fakeQueue struct {
	messages []*fakeMessage
	policy   string
	maxBytes int
	dedup    map[string]bool
	hideHalf bool // a short poll sees nothing every other time
	again    bool // every third answer has a hidden message once more
	polls    int
}

type fakeMessage struct {
	id, body, receipt string
	attributes        map[string]types.MessageAttributeValue
	system            map[string]string
	visible           time.Time
	received          int
}

func newWorld() *world {
	return &world{queues: map[string]*fakeQueue{}, calls: map[string]int{}}
}

func (w *world) queue(url string) *fakeQueue {
	q := w.queues[url]
	if q == nil {
		q = &fakeQueue{dedup: map[string]bool{}}
		w.queues[url] = q
	}
	return q
}

// put adds n jobs to the DLQ and returns their message ids.
func (w *world) put(url string, n int) []string {
	var ids []string
	for range n {
		w.n++
		id := fmt.Sprintf("m-%05d", w.n)
		w.queue(url).messages = append(w.queue(url).messages, &fakeMessage{
			id: id, body: `{"workerId":"orders","jobId":"job-` + strconv.Itoa(w.n) + `","input":{"n":` + strconv.Itoa(w.n) + `}}`,
			system: map[string]string{"SentTimestamp": strconv.FormatInt(time.Now().UnixMilli()+int64(w.n), 10)},
		})
		ids = append(ids, id)
	}
	return ids
}

// bodies are the bodies in a queue, sorted; hidden says how many are hidden.
func (w *world) bodies(url string) (bodies []string, hidden int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.queue(url).messages {
		bodies = append(bodies, m.body)
		if m.visible.After(time.Now()) {
			hidden++
		}
	}
	slices.Sort(bodies)
	return bodies, hidden
}

// delay makes a call take time. w.mu is held by the caller.
func (w *world) delay(d time.Duration) {
	w.mu.Unlock()
	time.Sleep(d) // in a synctest bubble
	w.mu.Lock()
}

// begin counts a call and asks for its fault.
func (w *world) begin(ctx context.Context, op string) (fault, error) {
	w.calls[op]++
	if err := ctx.Err(); err != nil {
		return fault{}, err
	}
	if w.fault == nil {
		return fault{}, nil
	}
	f := w.fault(op)
	return f, f.before
}

// set changes the world while leases are being extended in it.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// end tells that a call had its effect. w.mu is held by the caller.
func (w *world) end(op string) {
	if w.done != nil {
		w.done(op)
	}
}

// clone is the world as it is now. w.mu is held by the caller.
func (w *world) clone() *world {
	c := newWorld()
	c.n = w.n
	for url, q := range w.queues {
		to := *q
		to.messages, to.dedup = nil, maps.Clone(q.dedup)
		for _, m := range q.messages {
			m := *m
			to.messages = append(to.messages, &m)
		}
		c.queues[url] = &to
	}
	return c
}

func (w *world) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.begin(ctx, "attributes"); err != nil {
		return nil, err
	}
	q := w.queue(*in.QueueUrl)
	visible, hidden := 0, 0
	for _, m := range q.messages {
		if m.visible.After(time.Now()) {
			hidden++
		} else {
			visible++
		}
	}
	if w.depth != nil {
		visible, hidden = w.depth(*in.QueueUrl, visible, hidden)
	}
	a := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed":    "0",
	}
	if q.policy != "" {
		a["RedrivePolicy"] = q.policy
	}
	if q.maxBytes > 0 {
		a["MaximumMessageSize"] = strconv.Itoa(q.maxBytes)
	}
	return &sqs.GetQueueAttributesOutput{Attributes: a}, nil
}

func (w *world) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	w.mu.Lock()
	f, err := w.begin(ctx, "receive")
	if err != nil {
		w.mu.Unlock()
		return nil, err
	}
	q := w.queue(*in.QueueUrl)
	q.polls++
	out := &sqs.ReceiveMessageOutput{}
	blocked := map[string]bool{} // message groups with a hidden message
	for _, m := range q.messages {
		if g := m.system["MessageGroupId"]; g != "" && isFIFO(*in.QueueUrl) && m.visible.After(time.Now()) {
			blocked[g] = true
		}
	}
	for _, m := range q.messages {
		if len(out.Messages) >= int(in.MaxNumberOfMessages) || q.hideHalf && in.WaitTimeSeconds == 0 && q.polls%2 == 0 {
			break
		}
		again := q.again && q.polls%3 == 0 && m.received == 1
		if m.visible.After(time.Now()) && !again || blocked[m.system["MessageGroupId"]] {
			continue
		}
		w.n++
		m.received++
		m.receipt = fmt.Sprintf("%s/%d", m.id, w.n)
		m.visible = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		system := map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.received)}
		for k, v := range m.system {
			system[k] = v
		}
		out.Messages = append(out.Messages, types.Message{
			MessageId: new(m.id), Body: new(m.body), ReceiptHandle: new(m.receipt), MessageAttributes: m.attributes, Attributes: system,
		})
	}
	w.end("receive")
	w.mu.Unlock()
	if f.after != nil {
		return nil, f.after
	}
	if err := ctx.Err(); err != nil { // given up while it was under way
		return nil, err
	}
	if len(out.Messages) == 0 && in.WaitTimeSeconds > 0 {
		time.Sleep(time.Duration(in.WaitTimeSeconds) * time.Second) // in a synctest bubble
	}
	return out, nil
}

func (w *world) find(url, receipt string) *fakeMessage {
	for _, m := range w.queue(url).messages {
		if m.receipt == receipt && receipt != "" {
			return m
		}
	}
	return nil
}

func (w *world) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := w.begin(ctx, "visibility")
	if err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		m := w.find(*in.QueueUrl, *e.ReceiptHandle)
		if m == nil || f.entry {
			f.entry = false
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: new("InternalError")})
			continue
		}
		m.visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	w.end("visibility")
	return out, f.after
}

func (w *world) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := w.begin(ctx, "send")
	if err != nil {
		return nil, err
	}
	var o sqs.Options
	for _, fn := range opts {
		fn(&o)
	}
	w.nop = o.Retryer != nil && o.Retryer.MaxAttempts() == 1
	total := 0
	for _, e := range in.Entries {
		total += len(*e.MessageBody)
	}
	if len(in.Entries) > 10 || total > batchBytes {
		return nil, &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.BatchRequestTooLong", Message: "too long", Fault: smithy.FaultClient}
	}
	q := w.queue(*in.QueueUrl)
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if f.entry {
			f.entry = false
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: new("InternalError"), Message: new("try again")})
			continue
		}
		if w.refuse != nil && w.refuse(*e.MessageBody) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: new("InvalidMessageContents"), Message: new("no"), SenderFault: true})
			continue
		}
		w.n++
		m := &fakeMessage{
			id: fmt.Sprintf("n-%05d", w.n), body: *e.MessageBody, attributes: e.MessageAttributes,
			system: map[string]string{},
		}
		if e.MessageGroupId != nil {
			m.system["MessageGroupId"] = *e.MessageGroupId
		}
		if h, ok := e.MessageSystemAttributes["AWSTraceHeader"]; ok {
			m.system["AWSTraceHeader"] = *h.StringValue
		}
		dup := e.MessageDeduplicationId != nil && q.dedup[*e.MessageDeduplicationId]
		if e.MessageDeduplicationId != nil {
			m.system["MessageDeduplicationId"] = *e.MessageDeduplicationId
			q.dedup[*e.MessageDeduplicationId] = true
		}
		if !dup {
			q.messages = append(q.messages, m)
			if w.onSend != nil {
				w.onSend(*in.QueueUrl, m)
			}
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: &m.id})
	}
	w.end("send")
	if err := cmp.Or(f.after, ctx.Err()); err != nil { // lost, or given up while it was under way
		return nil, err
	}
	return out, nil
}

func (w *world) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := w.begin(ctx, "delete")
	if err != nil {
		return nil, err
	}
	q := w.queue(*in.QueueUrl)
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if f.entry {
			f.entry = false
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: new("InternalError"), Message: new("try again")})
			continue
		}
		q.messages = slices.DeleteFunc(q.messages, func(m *fakeMessage) bool { return m.receipt == *e.ReceiptHandle })
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	w.end("delete")
	if err := cmp.Or(f.after, ctx.Err()); err != nil { // lost, or given up while it was under way
		return nil, err
	}
	return out, nil
}

func (w *world) Check(context.Context, aws.Action) error {
	if w.readOnly {
		return aws.ErrReadOnly
	}
	return nil
}

func (w *world) ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: []string{srcURL}}, nil
}

func (w *world) ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	panic("not called here")
}

// engine is an Engine on the world, which keeps no journal.
func engine(w *world) *Engine { return engineOn(w, w) }

func engineOn(q queue, w *world) *Engine { return engineWith(q, w, Config{Dir: NoJournal}) }

// journalled is an Engine on the world that keeps its journals in dir.
func journalled(w *world, dir string) *Engine { return engineWith(w, w, Config{Dir: dir}) }

func engineWith(q queue, w *world, cfg Config) *Engine {
	return newEngine(q, w, func() aws.Target { return aws.Target{EndpointURL: "http://127.0.0.1:1", Stage: "test"} }, cfg)
}

func (w *world) Do(ctx context.Context, a aws.Action, fn func(context.Context, aws.Writer) error) error {
	if w.readOnly {
		return aws.ErrReadOnly
	}
	if w.refused != nil {
		return w.refused
	}
	w.actions = append(w.actions, a)
	return fn(ctx, w)
}

func orders() aws.Worker {
	return aws.Worker{ID: "orders", Queue: &aws.Queue{Name: "orders", URL: srcURL}, DLQ: &aws.Queue{Name: "orders-dlq", URL: dlqURL}}
}

func jobIDs(raw []string) []string {
	var out []string
	for _, s := range raw {
		var m struct {
			JobID string `json:"jobId"`
		}
		if json.Unmarshal([]byte(s), &m) == nil {
			out = append(out, m.JobID)
		}
	}
	return out
}

var errLost = fmt.Errorf("the answer was lost")

func throttled() error {
	return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
}

// slowReceive makes every receive take long.
type slowReceive struct {
	*world
	delay time.Duration
}

func (s slowReceive) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, o ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	// The answer takes long, the call not: the lease runs from the call.
	out, err := s.world.ReceiveMessage(ctx, in, o...)
	if len(out.Messages) > 0 {
		time.Sleep(s.delay / 2) // in a synctest bubble
	}
	return out, err
}
