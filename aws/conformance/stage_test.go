package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	service   = "shop"
	stageName = "conf"
)

// stage is what somebody else has deployed: queues, functions, mappings and log groups.
type stage struct {
	*endpoint
	// opened is the stage as package aws sees it.
	opened  *aws.Stage
	workers map[string]*deployed
}

// worker is how a worker is deployed. The zero value of what follows the id is a
// healthy one.
type worker struct {
	id string
	// queue, function and handler are named as deployments name them, unless given.
	queue, function, handler string
	// runtime is Node's unless given.
	runtime string
	stage   string // stageName unless given
	fifo    bool
	// noDLQ, receives: the redrive policy; receives is 3 unless given.
	noDLQ    bool
	receives int
	// visibility is the queue's once all is there: 60 s unless given. The function's
	// timeout is 20 s.
	visibility int
	disabled   bool // the mapping
	noReport   bool // of batch item failures
	// after is what happens to it once all is there.
	after func(context.Context, *stage, *deployed) error
}

// deployed is a worker that has been made.
type deployed struct {
	worker
	url, arn       string
	dlqURL, dlqARN string
	dlq            string
	uuid           string // of the mapping
}

// The stage has one worker of each kind that discovery must tell apart. Messages are
// sent only to those whose mapping is disabled: the others' functions would run.
func workers() []worker {
	gone := func(url func(*deployed) string) func(context.Context, *stage, *deployed) error {
		return func(ctx context.Context, s *stage, d *deployed) error {
			_, err := s.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: new(url(d))})
			return err
		}
	}
	return []worker{
		{id: "resize"},
		{id: "paused", disabled: true},
		{id: "letters", disabled: true, receives: 1},
		{id: "orders", disabled: true, fifo: true},
		{id: "hasty", receives: 1, visibility: 10},
		{id: "bare", noDLQ: true, noReport: true},
		{id: "compiled", noReport: true, runtime: "provided.al2023", handler: "worker.compiled"},
		{id: "thumb-nails", queue: "anything", function: "whatever", runtime: "provided.al2023", handler: "worker.thumb-nails"},
		{id: "orphan", after: func(ctx context.Context, s *stage, d *deployed) error { return s.removeFunction(ctx, d.function) }},
		{id: "lost", after: gone(func(d *deployed) string { return d.url })},
		{id: "dangling", after: gone(func(d *deployed) string { return d.dlqURL })},
		{id: "resize", stage: "other"},
		{id: "shop-two-conf", queue: "shop-two-conf", function: "consumer-one", after: func(ctx context.Context, s *stage, d *deployed) error {
			if err := s.function(ctx, functionSpec{name: "consumer-two", runtime: "nodejs22.x", handler: "index.handler", timeout: 20, memory: 128, env: map[string]string{"STAGE": stageName}}); err != nil {
				return err
			}
			_, err := s.mapping(ctx, mappingSpec{function: "consumer-two", queueARN: d.arn, batch: 1, report: true, enabled: true})
			return err
		}},
	}
}

func newStage(t *testing.T, e *endpoint) *stage {
	t.Helper()
	s := &stage{endpoint: e, workers: make(map[string]*deployed)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, w := range workers() {
		d, err := s.deploy(ctx, w)
		if err != nil {
			t.Fatalf("deploy worker %s to %s: %v", w.id, e.url, err)
		}
		if d.stage == stageName {
			s.workers[d.id] = d
		}
	}
	var err error
	if s.opened, err = e.open(ctx, aws.Target{Stage: stageName}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) deploy(ctx context.Context, w worker) (*deployed, error) {
	d := &deployed{worker: w}
	orElse(&d.stage, stageName)
	suffix := ""
	if d.fifo {
		suffix = ".fifo"
	}
	orElse(&d.queue, service+"-"+d.id+"-"+d.stage+suffix)
	orElse(&d.function, dispatch.FunctionName(service, d.stage, d.id))
	orElse(&d.runtime, "nodejs22.x")
	orElse(&d.handler, "index.handler")
	if d.receives == 0 {
		d.receives = 3
	}
	if d.visibility == 0 {
		d.visibility = 60
	}
	attributes := map[string]string{"VisibilityTimeout": "60", "MessageRetentionPeriod": "86400"}
	dlqAttributes := map[string]string{"MessageRetentionPeriod": "1209600"}
	if d.fifo {
		attributes["FifoQueue"], dlqAttributes["FifoQueue"] = "true", "true"
	}
	var err error
	if !d.noDLQ {
		d.dlq = service + "-" + d.id + "-dlq-" + d.stage + suffix
		if d.dlqURL, d.dlqARN, err = s.makeQueue(ctx, d.dlq, dlqAttributes); err != nil {
			return nil, err
		}
		// SQS takes and keeps the number as a number or as a string.
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, d.dlqARN, d.receives)
	}
	if d.url, d.arn, err = s.makeQueue(ctx, d.queue, attributes); err != nil {
		return nil, err
	}
	if err = s.function(ctx, functionSpec{
		name: d.function, runtime: d.runtime, handler: d.handler, timeout: 20, memory: 256,
		env: map[string]string{"STAGE": d.stage, "TABLE": "not-shown"}, tags: map[string]string{"function-of": d.id},
	}); err != nil {
		return nil, fmt.Errorf("make function %s: %w", d.function, err)
	}
	m := mappingSpec{function: d.function, queueARN: d.arn, batch: 5, concurrency: 4, report: !d.noReport, enabled: !d.disabled}
	if d.uuid, err = s.mapping(ctx, m); err != nil {
		return nil, fmt.Errorf("map queue %s: %w", d.queue, err)
	}
	if d.visibility != 60 {
		// Lambda refuses a mapping of such a queue, and nobody minds what is set later.
		if _, err = s.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: &d.url, Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(d.visibility)},
		}); err != nil {
			return nil, err
		}
	}
	if d.after != nil {
		if err = d.after(ctx, s, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func orElse(s *string, otherwise string) {
	if *s == "" {
		*s = otherwise
	}
}

func (s *stage) makeQueue(ctx context.Context, name string, attributes map[string]string) (queueURL, arn string, err error) {
	out, err := s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: map[string]string{"service": service, "queue": name}})
	if err != nil {
		return "", "", fmt.Errorf("make queue %s: %w", name, err)
	}
	a, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return "", "", fmt.Errorf("read queue %s: %w", name, err)
	}
	return *out.QueueUrl, a.Attributes["QueueArn"], nil
}

// inventory discovers the stage, which must work.
func (s *stage) inventory(p *probe) *aws.Inventory {
	inv, err := s.opened.Inventory(p.ctx)
	p.must("Inventory", err)
	return inv
}

// worker is a worker as discovery finds it.
func (s *stage) worker(p *probe, id string) aws.Worker {
	w, ok := s.inventory(p).Worker(id)
	if !ok {
		p.failf("discovery does not find worker %s", id)
		panic(stop{})
	}
	return *w
}

// send sends messages with attributes of every kind.
func (s *stage) send(p *probe, queueURL string, bodies ...string) {
	for i, body := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: &body, MessageAttributes: attributes(i)}
		if strings.HasSuffix(queueURL, ".fifo") {
			in.MessageGroupId, in.MessageDeduplicationId = new(fmt.Sprintf("group-%d", i%2)), new(fmt.Sprintf("%s-%d", body, i))
		}
		_, err := s.sqs.SendMessage(p.ctx, in)
		p.must("send a message", err)
	}
}

// attributes are those of message i.
func attributes(i int) map[string]sqstypes.MessageAttributeValue {
	return map[string]sqstypes.MessageAttributeValue{
		"text":       {DataType: new("String"), StringValue: new("grüße \"<&>\" \U0001f98a")},
		"number.int": {DataType: new("Number.int"), StringValue: new(strconv.Itoa(i))},
		"bytes":      {DataType: new("Binary.png"), BinaryValue: []byte{0, 0xff, byte(i), '\n'}},
	}
}

// job is a message's body as dispatch writes it, with characters that are easily harmed.
func job(workerID, jobID string) string {
	text, err := json.Marshal(map[string]any{
		"workerId": workerID, "jobId": jobID, "input": map[string]any{"text": "ä<&>\U0001f98a\t\n\"", "n": 1e21}, "context": map[string]any{}, "metadata": map[string]any{},
	})
	if err != nil {
		panic(err) // of strings and numbers
	}
	return string(text) + " \n" // white space is the sender's, too
}

// drain receives and deletes everything that is visible.
func (s *stage) drain(p *probe, queueURL string) []sqstypes.Message {
	var all []sqstypes.Message
	for {
		out, err := s.sqs.ReceiveMessage(p.ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queueURL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
		})
		p.must("receive", err)
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			_, err := s.sqs.DeleteMessage(p.ctx, &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle})
			p.must("delete", err)
		}
		all = append(all, out.Messages...)
	}
}

// depth is visible, in flight, delayed.
func (s *stage) depth(p *probe, queueURL string) [3]int {
	names := []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}
	out, err := s.sqs.GetQueueAttributes(p.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queueURL, AttributeNames: names})
	p.must("read a depth", err)
	var d [3]int
	for i, name := range names {
		d[i], err = strconv.Atoi(out.Attributes[string(name)])
		p.must(string(name), err)
	}
	return d
}

// event is one log event to be put.
type event struct {
	stream  string
	ago     time.Duration
	message string
}

// write puts events into a log group, which it makes where it is missing.
func (s *stage) write(p *probe, group string, now time.Time, events ...event) {
	_, err := s.logs.CreateLogGroup(p.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
	if err != nil && !strings.Contains(err.Error(), "ResourceAlreadyExistsException") {
		p.must("make a log group", err)
	}
	var streams []string
	byStream := make(map[string][]cwtypes.InputLogEvent)
	for _, e := range events {
		if byStream[e.stream] == nil {
			streams = append(streams, e.stream)
		}
		byStream[e.stream] = append(byStream[e.stream], cwtypes.InputLogEvent{Timestamp: new(now.Add(-e.ago).UnixMilli()), Message: new(e.message)})
	}
	for _, stream := range streams {
		_, err := s.logs.CreateLogStream(p.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
		if err != nil && !strings.Contains(err.Error(), "ResourceAlreadyExistsException") {
			p.must("make a log stream", err)
		}
		_, err = s.logs.PutLogEvents(p.ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: byStream[stream]})
		p.must("put log events", err)
	}
}
