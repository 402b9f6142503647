package dispatch

import "context"

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
