package runtime

import (
	"context"
	"strconv"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

// The attributes of a span, as OpenTelemetry's semantic conventions for messaging
// name them (1.39), where they have a name.
const (
	attrSystem        = "messaging.system"
	attrOperation     = "messaging.operation.name"
	attrOperationType = "messaging.operation.type"
	attrMessageID     = "messaging.message.id"
	attrConversation  = "messaging.message.conversation_id"
	attrDestination   = "messaging.destination.name"
	attrAttempt       = "aiworker.attempt"

	systemSQS = "aws_sqs"
)

// noSpan ends a span that there is none of.
func noSpan(error) {}

// startProcess begins the span of the handler's runs, as a child of whoever
// dispatched the job.
func (d *delivery) startProcess(ctx context.Context) (context.Context, func(error)) {
	tracer := d.batch.app.cfg.Tracer
	if tracer == nil {
		return ctx, noSpan
	}
	ctx = tracer.Extract(ctx, func(name string) string {
		value, _ := d.msg.Context[name].(string)
		return value
	})
	ctx, end := tracer.Start(ctx, dispatch.Span{
		Name: "process " + d.def.id, Kind: dispatch.SpanConsumer,
		Attributes: map[string]string{
			attrSystem: systemSQS, attrOperation: "process", attrOperationType: "process",
			attrMessageID:    d.rec.MessageId,
			attrConversation: jsonlog.Truncate(d.jobID, jsonlog.MaxID),
			attrDestination:  sqsclient.QueueName(d.rec.EventSourceARN),
			attrAttempt:      strconv.Itoa(d.attempt),
		},
	})
	d.span = context.WithoutCancel(ctx)
	return ctx, end
}

// startSpan begins a span below the one of the job's handler, for what is done
// about the job once that has returned. Without a tracer it costs nothing.
func (d *delivery) startSpan(ctx context.Context, span dispatch.Span) (context.Context, func(error)) {
	tracer := d.batch.app.cfg.Tracer
	if tracer == nil {
		return ctx, noSpan
	}
	if d.span != nil {
		ctx = spanContext{Context: ctx, span: d.span}
	}
	return tracer.Start(ctx, span)
}

// spanContext is one context's deadline with another one's span.
type spanContext struct {
	context.Context
	span context.Context
}

// Value implements context.Context. What the context itself has comes first where
// it is not a span's parent: contexts keep their own machinery in values.
func (c spanContext) Value(key any) any {
	if v := c.span.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}
