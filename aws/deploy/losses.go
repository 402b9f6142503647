package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Queues that would be deleted, and what is in them. SQS deletes a queue with all of its
// messages, and none of them comes back.

// unconfirmed are the queues that need their names and have not got them.
func unconfirmed(queues []QueueLoss, c Confirmed) []QueueLoss {
	var out []QueueLoss
	for _, q := range queues {
		if q.Needs && !slices.Contains(c.Queues, q.Queue) {
			out = append(out, q)
		}
	}
	return out
}

// going are the queues of a stack that a new template deletes or replaces, by logical id; true
// for those that are replaced. A queue's name and kind cannot be changed but by replacing it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
func going(old, next body) map[string]bool {
	out := map[string]bool{}
	for logical, q := range old.Resources {
		if q.Type != queueType {
			continue
		}
		n, kept := next.Resources[logical]
		switch {
		case !kept || n.Type != queueType:
			if !q.staysWhenRemoved() {
				out[logical] = false
			}
		case canonical(q.Properties.QueueName) != canonical(n.Properties.QueueName) || isFIFO(q) != isFIFO(n):
			if !q.staysWhenReplaced() {
				out[logical] = true
			}
		}
	}
	return out
}

func isFIFO(r bodyResource) bool {
	return strings.Trim(string(r.Properties.FifoQueue), `"`) == "true"
}

func (r bodyResource) staysWhenRemoved() bool  { return strings.HasPrefix(r.DeletionPolicy, "Retain") }
func (r bodyResource) staysWhenReplaced() bool { return r.UpdateReplacePolicy == "Retain" }

// losses are a stack's queues that go, with what is in them. A nil going means all that the
// template does not keep.
func (d *Deployer) losses(ctx context.Context, s *stack, old body, goes map[string]bool) ([]QueueLoss, error) {
	if goes != nil && len(goes) == 0 {
		return nil, nil
	}
	resources, err := d.resources(ctx, s)
	if err != nil {
		return nil, err
	}
	of := workersOf(old)
	var out []QueueLoss
	for _, r := range resources {
		if r.kind != queueType {
			continue
		}
		replaced, is := goes[r.logical]
		if goes == nil {
			is = !old.Resources[r.logical].staysWhenRemoved()
		}
		if is {
			out = append(out, loss(s.name, r, of, replaced))
		}
	}
	d.count(ctx, out)
	return out, nil
}

// loss is a queue that goes, before it is looked into.
func loss(stack string, r resource, of workers, replaced bool) QueueLoss {
	q := QueueLoss{Stack: stack, Worker: of.worker(r.logical), Replaced: replaced, logical: r.logical, url: r.physical}
	q.Queue = r.physical[strings.LastIndexByte(r.physical, '/')+1:]
	q.DLQ = q.Worker != "" && strings.HasPrefix(strings.TrimPrefix(r.logical, project.LogicalID(q.Worker, "")), "D")
	return q
}

// count looks into queues, several at a time.
func (d *Deployer) count(ctx context.Context, queues []QueueLoss) {
	_ = each(ctx, len(queues), func(ctx context.Context, i int) error {
		d.countOne(ctx, &queues[i])
		return nil // what could not be read is said of the queue
	})
	slices.SortFunc(queues, func(a, b QueueLoss) int {
		return cmp.Or(strings.Compare(a.Stack, b.Stack), strings.Compare(a.Queue, b.Queue))
	})
}

func (d *Deployer) countOne(ctx context.Context, q *QueueLoss) {
	out, err := d.api.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []sqstypes.QueueAttributeName{
			sqstypes.QueueAttributeNameApproximateNumberOfMessages,
			sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	q.Visible, q.InFlight, q.Delayed, q.Unread = 0, 0, 0, ""
	kind, hint := aws.Classify(err)
	switch {
	case kind == aws.KindNotFound: // nothing is lost with it
	case err != nil:
		q.Unread = clean(cmp.Or(hint, err.Error()))
	default:
		number := func(name sqstypes.QueueAttributeName) int {
			n, _ := strconv.Atoi(out.Attributes[string(name)])
			return n
		}
		q.Visible = number(sqstypes.QueueAttributeNameApproximateNumberOfMessages)
		q.InFlight = number(sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
		q.Delayed = number(sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	}
	q.Needs = q.Unread != "" || q.Visible+q.InFlight+q.Delayed > 0
	q.Text = q.say()
}

// say is what is in a queue that goes.
func (q *QueueLoss) say() string {
	name := "queue " + q.Queue
	if q.DLQ {
		name = "dead-letter queue " + q.Queue
	}
	if q.Worker != "" {
		name += " of worker " + q.Worker
	}
	becomes := "is deleted"
	if q.Replaced {
		becomes = "is replaced"
	}
	if q.Unread != "" {
		return fmt.Sprintf("%s %s; how many messages are in it could not be read: %s", name, becomes, q.Unread)
	}
	if !q.Needs {
		return fmt.Sprintf("%s %s; it is empty", name, becomes)
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{q.Visible, "waiting"}, {q.InFlight, "in flight"}, {q.Delayed, "delayed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return fmt.Sprintf("%s %s with about %s (%s)", name, becomes, messages(q.Visible+q.InFlight+q.Delayed), strings.Join(parts, ", "))
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}
