package dispatch

import (
	"context"
	"maps"
)

// Tracer makes the spans of a dispatch, and of a job in the worker. Package
// dispatch/oteltrace adapts an OpenTelemetry tracer provider; without a Tracer
// nothing of OpenTelemetry is linked or spent.
type Tracer interface {
	// Start begins a span as a child of the one in ctx. The returned function ends
	// it, once, with the error of what was done; nil means success.
	Start(ctx context.Context, span Span) (context.Context, func(err error))
	// Inject writes the trace context of ctx as W3C headers ("traceparent",
	// "tracestate"), through set.
	Inject(ctx context.Context, set func(name, value string))
	// Extract returns ctx with the trace context that get finds under those names;
	// ctx itself when there is none.
	Extract(ctx context.Context, get func(name string) string) context.Context
}

// Span describes a span when it begins.
type Span struct {
	// Name is "send <worker>", "process <worker>" or "webhook <worker>".
	Name string
	Kind SpanKind
	// Attributes are named by OpenTelemetry's semantic conventions where these have
	// a name: messaging.system, messaging.operation.type, messaging.message.id.
	Attributes map[string]string
}

// SpanKind is OpenTelemetry's kind of a span.
type SpanKind int

// The kinds of spans that are made.
const (
	SpanInternal SpanKind = iota
	SpanProducer          // a message is sent
	SpanConsumer          // a message is processed
	SpanClient            // an HTTP request is made
)

// The keys of a message's context that carry its trace context. They travel in
// the body because the workers API has no other place for them.
const (
	ContextTraceParent = "traceparent"
	ContextTraceState  = "tracestate"
)

// The attributes of a send's span, as OpenTelemetry's semantic conventions for
// messaging name them (1.39).
const (
	attrSystem        = "messaging.system"
	attrOperation     = "messaging.operation.name"
	attrOperationType = "messaging.operation.type"
	attrDestination   = "messaging.destination.name"
	attrConversation  = "messaging.message.conversation_id"
	attrBatchCount    = "messaging.batch.message_count"
	systemSQS         = "aws_sqs"
)

// startSend begins the span of a send to a worker. Without a Tracer it does
// nothing.
func (c *Client) startSend(ctx context.Context, mode Mode, workerID, name, value string) (context.Context, func(error)) {
	if c.cfg.Tracer == nil {
		return ctx, func(error) {}
	}
	attributes := map[string]string{
		attrOperation: "send", attrOperationType: "send", attrDestination: workerID, name: value,
	}
	if mode == ModeRemote {
		attributes[attrSystem] = systemSQS
	}
	return c.cfg.Tracer.Start(ctx, Span{Name: "send " + workerID, Kind: SpanProducer, Attributes: attributes})
}

// carriesTrace is whether the caller gave the message a trace context.
func (m *Message) carriesTrace() bool {
	_, ok := m.Context[ContextTraceParent]
	return ok
}

// withTrace is the message with the trace context of ctx, as long as it takes no
// more than room bytes: a job is worth more than its trace. The message itself
// stays as it is, so that a further try can carry another context. size is that of the
// returned message's body.
func (c *Client) withTrace(ctx context.Context, m *Message, body []byte, room int) (*Message, []byte) {
	if c.cfg.Tracer == nil || m.carriesTrace() {
		return m, body
	}
	var added map[string]any
	c.cfg.Tracer.Inject(ctx, func(name, value string) {
		if _, taken := m.Context[name]; !taken && value != "" {
			added = withMember(added, name, value)
		}
	})
	if len(added) == 0 {
		return m, body
	}
	traced := *m
	maps.Copy(added, m.Context)
	traced.Context = added
	text, err := traced.MarshalJSON()
	if err != nil || len(text)-len(body) > room {
		return m, body
	}
	return &traced, text
}
