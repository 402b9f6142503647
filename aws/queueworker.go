package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// QueueWorker stands in for a worker where there is just a queue, named by its name,
// URL or ARN, which no worker of the stage has. Of a queue that has a dead-letter
// queue it has both. Of a dead-letter queue it has the queue that it serves, if it is
// the only one. Of any other queue, messages can be looked at as if they were dead
// letters, but there is nowhere to send them back to. Its ID is the queue's name.
//
// The error of Classify kind KindNotFound says that there is no such queue.
func (s *Stage) QueueWorker(ctx context.Context, name string) (Worker, error) {
	ref, ok := queueFromARN(name)
	if !ok {
		ref, ok = queueFromURL(name, s.target.Region)
	}
	if !ok {
		out, err := s.api.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: awssdk.String(name)})
		if err != nil {
			return Worker{}, fmt.Errorf("find the queue %q: %w", clean(name), err)
		}
		if ref, ok = queueFromURL(awssdk.ToString(out.QueueUrl), s.target.Region); !ok {
			return Worker{}, fmt.Errorf("find the queue %q: %q is not the URL of an SQS queue", clean(name), clean(awssdk.ToString(out.QueueUrl)))
		}
	}
	q, err := s.readQueue(ctx, ref)
	if err != nil {
		return Worker{}, fmt.Errorf("read the queue %q: %w", q.Name, err)
	}
	out, err := s.api.sqs.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &q.URL}, s.inRegion(ref.region))
	if err != nil {
		return Worker{}, fmt.Errorf("list the queues that %q serves: %w", q.Name, err)
	}
	switch sources := out.QueueUrls; {
	case len(sources) == 1 && awssdk.ToString(out.NextToken) == "":
		if source, ok := queueFromURL(sources[0], ref.region); ok {
			if own, err := s.readQueue(ctx, source); err == nil {
				return Worker{ID: q.Name, Queue: own, DLQ: q}, nil
			}
		}
	case len(sources) == 0 && q.DeadLetterARN != "":
		if dead, ok := queueFromARN(q.DeadLetterARN); ok {
			if strings.HasSuffix(q.URL, "/"+ref.account+"/"+ref.name) && dead.region == ref.region {
				dead.url = strings.TrimSuffix(q.URL, ref.account+"/"+ref.name) + dead.account + "/" + dead.name
			}
			dlq, err := s.readQueue(ctx, dead)
			if err != nil {
				return Worker{}, fmt.Errorf("read the dead-letter queue %q: %w", dlq.Name, err)
			}
			return Worker{ID: q.Name, Queue: q, DLQ: dlq}, nil
		}
	}
	return Worker{ID: q.Name, DLQ: q}, nil
}
