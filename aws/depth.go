package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// WorkerError is what went wrong with one worker of several.
type WorkerError struct {
	WorkerID string
	// Queue is the queue's name.
	Queue string
	Err   error
}

// Error names the worker and the queue.
func (e *WorkerError) Error() string {
	return fmt.Sprintf("worker %s: queue %s: %s", e.WorkerID, e.Queue, brief(e.Err))
}

// Unwrap is the cause.
func (e *WorkerError) Unwrap() error { return e.Err }

// PartialError joins the errors of workers that could not be read while others
// could.
type PartialError struct {
	// Op is what was being done, as in "refresh".
	Op string
	// Failed has one entry for each queue, in the order of the workers.
	Failed []*WorkerError
	// Of is how many queues were to be read.
	Of int
}

// Error gives the first few in full and names some of the rest.
func (e *PartialError) Error() string {
	const full, named = 3, 10
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d of %d queues could not be read", e.Op, len(e.Failed), e.Of)
	for i, f := range e.Failed {
		switch {
		case i < full:
			fmt.Fprintf(&b, "; %v", f)
		case i == full:
			b.WriteString("; and " + f.WorkerID)
		case i < named:
			b.WriteString(", " + f.WorkerID)
		}
	}
	if more := len(e.Failed) - named; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// Unwrap lists the workers' errors, for errors.As and Classify.
func (e *PartialError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f
	}
	return errs
}

// depthAttributes are all that a refresh asks for.
func depthAttributes() []types.QueueAttributeName {
	return []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
}

// inRegion sends one call to another region than the stage's.
func (s *Stage) inRegion(region string) func(*sqs.Options) {
	return func(o *sqs.Options) {
		if region != "" && s.target.EndpointURL == "" {
			o.Region = region
		}
	}
}

// readQueue reads a queue with all of its attributes. The result is not nil
// even when err is not: it then holds what the reference says.
func (s *Stage) readQueue(ctx context.Context, ref queueRef) (*Queue, error) {
	q := s.unreadQueue(ref)
	get := func() (*sqs.GetQueueAttributesOutput, error) {
		return s.api.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl:       awssdk.String(q.URL),
			AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		}, s.inRegion(ref.region))
	}
	out, err := get()
	if kind, _ := Classify(err); kind == KindNotFound && ref.url == "" {
		// The URL was made up from the ARN. An endpoint that is not AWS may name
		// its queues another way, and is asked before the queue is called gone.
		named, nameErr := s.api.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{
			QueueName: awssdk.String(ref.name), QueueOwnerAWSAccountId: awssdk.String(ref.account),
		}, s.inRegion(ref.region))
		if nameErr == nil && awssdk.ToString(named.QueueUrl) != q.URL {
			q.URL = awssdk.ToString(named.QueueUrl)
			out, err = get()
		}
	}
	if err != nil {
		return q, err
	}
	a := out.Attributes
	if v := a[string(types.QueueAttributeNameQueueArn)]; v != "" {
		q.ARN = v
	}
	q.FIFO = a[string(types.QueueAttributeNameFifoQueue)] == "true"
	q.VisibilityTimeout = seconds(a[string(types.QueueAttributeNameVisibilityTimeout)])
	q.MaxMessageBytes = atoi(a[string(types.QueueAttributeNameMaximumMessageSize)])
	if key := a[string(types.QueueAttributeNameKmsMasterKeyId)]; key != "" {
		q.Encryption = "SSE-KMS " + key
	} else if a[string(types.QueueAttributeNameSqsManagedSseEnabled)] == "true" {
		q.Encryption = "SSE-SQS"
	}
	q.Retention = seconds(a[string(types.QueueAttributeNameMessageRetentionPeriod)])
	if policy, ok := parseRedrivePolicy(a[string(types.QueueAttributeNameRedrivePolicy)]); ok {
		q.DeadLetterARN, q.MaxReceiveCount = policy.target, policy.maxReceives
	}
	q.RedriveAllow, q.AllowedSources = parseRedriveAllow(a[string(types.QueueAttributeNameRedriveAllowPolicy)])
	q.Depth = s.depthOf(a)
	return q, nil
}

// unreadQueue is a queue of which only the name is known.
func (s *Stage) unreadQueue(ref queueRef) *Queue {
	return &Queue{Name: ref.name, URL: s.target.urlFor(ref), ARN: ref.arn(), FIFO: strings.HasSuffix(ref.name, ".fifo")}
}

func (s *Stage) depthOf(a map[string]string) Depth {
	return Depth{
		Visible:  atoi(a[string(types.QueueAttributeNameApproximateNumberOfMessages)]),
		InFlight: atoi(a[string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)]),
		Delayed:  atoi(a[string(types.QueueAttributeNameApproximateNumberOfMessagesDelayed)]),
		At:       s.opts.Now(),
	}
}

type redrivePolicy struct {
	target      string
	maxReceives int
}

// parseRedrivePolicy reads the attribute of that name. SQS accepts and returns
// maxReceiveCount as a number or as a string, as it was set.
func parseRedrivePolicy(raw string) (redrivePolicy, bool) {
	var p struct {
		Target string          `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(raw), &p) != nil || p.Target == "" {
		return redrivePolicy{}, false
	}
	return redrivePolicy{target: p.Target, maxReceives: atoi(strings.Trim(string(p.Max), `"`))}, true
}

// parseRedriveAllow reads the attribute RedriveAllowPolicy.
func parseRedriveAllow(raw string) (permission string, sources []string) {
	var p struct {
		Permission string   `json:"redrivePermission"`
		Sources    []string `json:"sourceQueueArns"`
	}
	if json.Unmarshal([]byte(raw), &p) != nil {
		return "", nil
	}
	return p.Permission, p.Sources
}

func seconds(s string) time.Duration { return time.Duration(atoi(s)) * time.Second }

// atoi is for numbers that SQS writes; anything else counts as zero.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// Refresh reads the depths of the given workers' queues and DLQs again, one
// call for each queue, with bounded concurrency. It changes a copy; workers that
// were given stay as they are. Workers that could not be read keep their old
// depth and are named in the error, a *PartialError.
func (s *Stage) Refresh(ctx context.Context, workers []Worker) ([]Worker, error) {
	out := make([]Worker, len(workers))
	copy(out, workers)

	// A dead-letter queue may serve several workers, and is read once.
	type reading struct {
		worker string
		queue  *Queue
		depth  Depth
	}
	var readings []reading
	index := make(map[string]int)
	each := func(visit func(workerID string, slot **Queue)) {
		for i := range out {
			visit(out[i].ID, &out[i].Queue)
			visit(out[i].ID, &out[i].DLQ)
		}
	}
	each(func(id string, slot **Queue) {
		if q := *slot; q != nil && q.URL != "" {
			if _, ok := index[q.URL]; !ok {
				index[q.URL] = len(readings)
				readings = append(readings, reading{worker: id, queue: q})
			}
		}
	})
	ctx = paced(ctx)
	errs := callWide(ctx, queueWidth, len(readings), func(i int) error {
		r := &readings[i]
		region := ""
		if ref, ok := queueFromARN(r.queue.ARN); ok {
			region = ref.region
		}
		got, err := s.api.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: awssdk.String(r.queue.URL), AttributeNames: depthAttributes(),
		}, s.inRegion(region))
		if err != nil {
			return err
		}
		r.depth = s.depthOf(got.Attributes)
		return nil
	})
	each(func(_ string, slot **Queue) {
		q := *slot
		if q == nil || q.URL == "" {
			return
		}
		if i := index[q.URL]; errs[i] == nil {
			c := *q
			c.Depth = readings[i].depth
			*slot = &c
		}
	})
	partial := &PartialError{Op: "refresh", Of: len(readings)}
	for i, err := range errs {
		if err != nil {
			partial.Failed = append(partial.Failed, &WorkerError{WorkerID: readings[i].worker, Queue: readings[i].queue.Name, Err: err})
		}
	}
	if len(partial.Failed) > 0 {
		return out, partial
	}
	return out, nil
}
