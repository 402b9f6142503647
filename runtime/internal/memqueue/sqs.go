package memqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

var _ sqsclient.API = (*Broker)(nil)

// SendMessage implements the SDK's method: to a worker's queue, or to its
// dead-letter queue.
func (b *Broker) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if in.QueueUrl == nil || in.MessageBody == nil {
		return nil, errors.New("SendMessage needs a queue and a body")
	}
	id, err := b.send(*in.QueueUrl, *in.MessageBody, in.MessageGroupId, in.MessageAttributes, in.DelaySeconds)
	if err != nil {
		return nil, err
	}
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

func (b *Broker) send(url, body string, group *string, attrs map[string]types.MessageAttributeValue, delaySeconds int32) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := sqsclient.QueueName(url)
	for _, q := range b.queues {
		switch name {
		case q.name():
			var in string
			if group != nil {
				in = *group
			}
			return b.add(q, body, in, attrs, time.Duration(delaySeconds)*time.Second).id, nil
		case q.deadName():
			b.bury(q.Worker, body, attrs, 0)
			return fmt.Sprintf("dead-%d", len(b.dead)), nil
		}
	}
	return "", b.unknown(name)
}

// SendMessageBatch implements the SDK's method.
func (b *Broker) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	if in.QueueUrl == nil {
		return nil, errors.New("SendMessageBatch needs a queue")
	}
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if e.MessageBody == nil {
			return nil, errors.New("SendMessageBatch needs a body in every entry")
		}
		id, err := b.send(*in.QueueUrl, *e.MessageBody, e.MessageGroupId, e.MessageAttributes, e.DelaySeconds)
		if err != nil {
			return nil, err
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: &id})
	}
	return out, nil
}

// ChangeMessageVisibility implements the SDK's method.
func (b *Broker) ChangeMessageVisibility(_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if m.inFlight && in.ReceiptHandle != nil && m.receipt == *in.ReceiptHandle {
			m.hidden = time.Duration(in.VisibilityTimeout) * time.Second
			b.wait(m, m.hidden)
			return &sqs.ChangeMessageVisibilityOutput{}, nil
		}
	}
	return nil, &types.ReceiptHandleIsInvalid{}
}

// GetQueueUrl implements the SDK's method. Queues are found through the
// environment; who comes here asks for a worker that is not in this process.
func (b *Broker) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	if in.QueueName == nil {
		return nil, errors.New("GetQueueUrl needs a name")
	}
	name := strings.TrimSuffix(strings.TrimPrefix(*in.QueueName, Service+"-"), "-"+Stage)
	b.mu.Lock()
	defer b.mu.Unlock()
	q, ok := b.queues[name]
	if !ok {
		return nil, b.unknown(name)
	}
	url := urlPrefix + q.name()
	return &sqs.GetQueueUrlOutput{QueueUrl: &url}, nil
}

// GetQueueAttributes implements the SDK's method, with nothing to tell.
func (b *Broker) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{}, nil
}
