package aws

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// sdkWriter is a Writer made of the SDK's clients.
type sdkWriter struct {
	sqs    *sqs.Client
	lambda *lambda.Client
}

func (w sdkWriter) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return w.sqs.SendMessage(ctx, in, o...)
}

func (w sdkWriter) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, o ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return w.sqs.SendMessageBatch(ctx, in, o...)
}

func (w sdkWriter) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, o ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return w.sqs.DeleteMessageBatch(ctx, in, o...)
}

func (w sdkWriter) StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, o ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	return w.sqs.StartMessageMoveTask(ctx, in, o...)
}

func (w sdkWriter) CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, o ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	return w.sqs.CancelMessageMoveTask(ctx, in, o...)
}

func (w sdkWriter) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	return w.lambda.UpdateEventSourceMapping(ctx, in, o...)
}

// lentWriter stops working when the action it was lent to has ended.
type lentWriter struct {
	w    Writer
	over atomic.Bool
}

func (l *lentWriter) run(ctx context.Context, fn func(context.Context, Writer) error) error {
	defer l.over.Store(true)
	return fn(ctx, l)
}

func (l *lentWriter) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.SendMessage(ctx, in, o...)
}

func (l *lentWriter) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, o ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.SendMessageBatch(ctx, in, o...)
}

func (l *lentWriter) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, o ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.DeleteMessageBatch(ctx, in, o...)
}

func (l *lentWriter) StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, o ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.StartMessageMoveTask(ctx, in, o...)
}

func (l *lentWriter) CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, o ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.CancelMessageMoveTask(ctx, in, o...)
}

func (l *lentWriter) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	if l.over.Load() {
		return nil, errLoanOver
	}
	return l.w.UpdateEventSourceMapping(ctx, in, o...)
}
