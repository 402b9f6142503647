// Package oteltrace makes the spans of dispatch and of the workers with
// OpenTelemetry. It is the only package of this module that links OpenTelemetry,
// so a program without tracing carries nothing of it.
//
//	client, err := dispatch.NewClient(dispatch.Config{Tracer: oteltrace.New(provider)})
//
// The trace context travels in the message's context, as "traceparent" and
// "tracestate", so that a job's span in the worker is a child of the span that
// sent it, through the workers API and the queue alike.
package oteltrace

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// scope is the instrumentation scope of the spans.
const scope = "github.com/microfox-ai/aiwctl/dispatch"

// New returns a Tracer whose spans go to the provider; nil means that no spans are
// made, and a trace that is under way is passed on. The trace context is written and
// read as W3C Trace Context, unless propagators say otherwise; of several each does
// its part.
func New(provider trace.TracerProvider, propagators ...propagation.TextMapPropagator) dispatch.Tracer {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	var propagator propagation.TextMapPropagator = propagation.TraceContext{}
	switch len(propagators) {
	case 0:
	case 1:
		propagator = propagators[0]
	default:
		propagator = propagation.NewCompositeTextMapPropagator(propagators...)
	}
	return &tracer{spans: provider.Tracer(scope), propagator: propagator}
}

type tracer struct {
	spans      trace.Tracer
	propagator propagation.TextMapPropagator
}

// Start implements dispatch.Tracer.
func (t *tracer) Start(ctx context.Context, s dispatch.Span) (context.Context, func(error)) {
	ctx, span := t.spans.Start(ctx, s.Name, trace.WithSpanKind(kind(s.Kind)), trace.WithAttributes(attributes(s.Attributes)...))
	return ctx, func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// Inject implements dispatch.Tracer.
func (t *tracer) Inject(ctx context.Context, set func(name, value string)) {
	t.propagator.Inject(ctx, carrier{set: set})
}

// Extract implements dispatch.Tracer.
func (t *tracer) Extract(ctx context.Context, get func(name string) string) context.Context {
	return t.propagator.Extract(ctx, carrier{get: get, names: t.propagator.Fields})
}

func kind(k dispatch.SpanKind) trace.SpanKind {
	switch k {
	case dispatch.SpanProducer:
		return trace.SpanKindProducer
	case dispatch.SpanConsumer:
		return trace.SpanKindConsumer
	case dispatch.SpanClient:
		return trace.SpanKindClient
	case dispatch.SpanInternal:
	}
	return trace.SpanKindInternal
}

// attributes gives each value the type that the semantic conventions ask for.
func attributes(values map[string]string) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, len(values))
	for name, text := range values {
		if isCount(name) {
			if n, err := strconv.Atoi(text); err == nil {
				list = append(list, attribute.Int(name, n))
				continue
			}
		}
		list = append(list, attribute.String(name, text))
	}
	return list
}

func isCount(name string) bool {
	switch name {
	case "messaging.batch.message_count", "messaging.message.body.size", "http.response.status_code", "server.port":
		return true
	}
	return false
}

// carrier is OpenTelemetry's view of get and set.
type carrier struct {
	get   func(name string) string
	set   func(name, value string)
	names func() []string
}

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(name string) string {
	if c.get == nil {
		return ""
	}
	return c.get(name)
}

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(name, value string) {
	if c.set != nil {
		c.set(name, value)
	}
}

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	if c.names == nil {
		return nil
	}
	return c.names()
}
