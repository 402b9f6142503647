package oteltrace_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/oteltrace"
)

// queue is a sender that keeps the bodies.
type queue struct{ bodies [][]byte }

func (q *queue) Send(_ context.Context, m *dispatch.Message, _ time.Duration) (string, error) {
	body, err := m.MarshalJSON()
	q.bodies = append(q.bodies, body)
	return "m-1", err
}

// full is a queue that takes nothing.
type full struct{}

func (full) Send(context.Context, *dispatch.Message, time.Duration) (string, error) {
	return "", errors.New("the queue is full")
}

func (full) SendBatch(_ context.Context, _ string, entries []dispatch.BatchEntry) []dispatch.BatchOutcome {
	outcomes := make([]dispatch.BatchOutcome, len(entries))
	for i := range outcomes {
		outcomes[i].Err = errors.New("the queue is full")
	}
	return outcomes
}

func provider(t *testing.T) (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = p.Shutdown(context.WithoutCancel(t.Context())) })
	return p, spans
}

func newClient(t *testing.T, s dispatch.Sender, tracer dispatch.Tracer) *dispatch.Client {
	t.Helper()
	c, err := dispatch.NewClient(dispatch.Config{Remote: s, Tracer: tracer, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// received is what a worker's side gets out of a message.
func received(t *testing.T, tracer dispatch.Tracer, body []byte) (context.Context, *dispatch.Message) {
	t.Helper()
	m, err := dispatch.ParseMessage(body)
	if err != nil {
		t.Fatal(err)
	}
	return tracer.Extract(t.Context(), func(name string) string {
		text, _ := m.Context[name].(string)
		return text
	}), m
}

func TestOneTraceFromDispatchToWorker(t *testing.T) {
	t.Parallel()
	p, spans := provider(t)
	tracer := oteltrace.New(p)
	q := &queue{}

	ctx, request := p.Tracer("caller").Start(t.Context(), "POST /orders")
	if _, err := newClient(t, q, tracer).Dispatch(ctx, "echo", nil, dispatch.WithJobID("job-1")); err != nil {
		t.Fatal(err)
	}
	request.End()

	jobCtx, m := received(t, tracer, q.bodies[0])
	jobCtx, endJob := tracer.Start(jobCtx, dispatch.Span{Name: "process echo", Kind: dispatch.SpanConsumer})
	_, endHook := tracer.Start(jobCtx, dispatch.Span{Name: "webhook echo", Kind: dispatch.SpanClient, Attributes: map[string]string{"http.response.status_code": "200"}})
	endHook(nil)
	// The job sends another one.
	if _, err := newClient(t, q, tracer).Dispatch(jobCtx, "flaky", nil); err != nil {
		t.Fatal(err)
	}
	endJob(errors.New("no luck"))
	childCtx, _ := received(t, tracer, q.bodies[1])
	_, endChild := tracer.Start(childCtx, dispatch.Span{Name: "process flaky", Kind: dispatch.SpanConsumer})
	endChild(nil)

	byName := map[string]tracetest.SpanStub{}
	for _, s := range spans.GetSpans() {
		byName[s.Name] = s
	}
	for _, want := range []struct {
		name, parent string
		kind         trace.SpanKind
	}{
		{"POST /orders", "", trace.SpanKindInternal},
		{"send echo", "POST /orders", trace.SpanKindProducer},
		{"process echo", "send echo", trace.SpanKindConsumer},
		{"webhook echo", "process echo", trace.SpanKindClient},
		{"send flaky", "process echo", trace.SpanKindProducer},
		{"process flaky", "send flaky", trace.SpanKindConsumer},
	} {
		s, ok := byName[want.name]
		if !ok || s.SpanContext.TraceID() != request.SpanContext().TraceID() || s.SpanKind != want.kind || s.Parent.SpanID() != byName[want.parent].SpanContext.SpanID() {
			t.Errorf("%s: span %+v, want one of kind %s below %q", want.name, s, want.kind, want.parent)
		}
	}
	if !byName["process echo"].Parent.IsRemote() || m.Context["traceparent"] == nil {
		t.Errorf("the job's parent is not remote; context %v", m.Context)
	}
	attributes := attribute.NewSet(byName["send echo"].Attributes...)
	for name, want := range map[attribute.Key]string{"messaging.system": "aws_sqs", "messaging.message.conversation_id": "job-1", "messaging.destination.name": "echo"} {
		if got, _ := attributes.Value(name); got.AsString() != want {
			t.Errorf("%s = %q, want %q", name, got.AsString(), want)
		}
	}
	hook := attribute.NewSet(byName["webhook echo"].Attributes...)
	if got, _ := hook.Value("http.response.status_code"); got.AsInt64() != 200 {
		t.Errorf("status code %v", got)
	}
	failed := byName["process echo"]
	if failed.Status.Code != codes.Error || failed.Status.Description != "no luck" || len(failed.Events) != 1 {
		t.Errorf("status %+v, events %+v", failed.Status, failed.Events)
	}
	if s := byName["send echo"]; s.Status.Code != codes.Unset || len(s.Events) > 0 {
		t.Errorf("status %+v", s.Status)
	}
}

func TestBatchSpan(t *testing.T) {
	t.Parallel()
	p, spans := provider(t)
	_, err := newClient(t, full{}, oteltrace.New(p)).DispatchMany(t.Context(), "echo", make([]dispatch.Item, 12), dispatch.WithParallel(1))
	if err == nil {
		t.Fatal("the queue is full")
	}
	got := spans.GetSpans()
	if len(got) != 2 {
		t.Fatalf("%d spans", len(got))
	}
	attributes := attribute.NewSet(got[1].Attributes...)
	if n, _ := attributes.Value("messaging.batch.message_count"); n.AsInt64() != 2 || got[1].Status.Code != codes.Error {
		t.Errorf("span %+v", got[1])
	}
}

func TestTraceStateAndOtherPropagators(t *testing.T) {
	t.Parallel()
	p, _ := provider(t)
	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		t.Fatal(err)
	}
	member, err := baggage.NewMember("tenant", "7")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithSpanContext(baggage.ContextWithBaggage(t.Context(), bag), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
	for _, tt := range []struct {
		name        string
		propagators []propagation.TextMapPropagator
		tenant      string
	}{
		{"the default", nil, ""},
		{"one", []propagation.TextMapPropagator{propagation.TraceContext{}}, ""},
		{"two", []propagation.TextMapPropagator{propagation.TraceContext{}, propagation.Baggage{}}, "7"},
	} {
		tracer := oteltrace.New(p, tt.propagators...)
		q := &queue{}
		if _, err := newClient(t, q, tracer).Dispatch(ctx, "echo", nil); err != nil {
			t.Fatal(err)
		}
		jobCtx, m := received(t, tracer, q.bodies[0])
		if got := trace.SpanContextFromContext(jobCtx); got.TraceID() != (trace.TraceID{1}) || got.TraceState().String() != "vendor=1" || m.Context["tracestate"] != "vendor=1" {
			t.Errorf("%s: the worker sees %+v", tt.name, got)
		}
		if got := baggage.FromContext(jobCtx).Member("tenant").Value(); got != tt.tenant {
			t.Errorf("%s: tenant %q", tt.name, got)
		}
	}
}

// Without a provider no span is made, and a trace goes on through the job.
func TestWithoutAProvider(t *testing.T) {
	t.Parallel()
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	tracer, q := oteltrace.New(nil), &queue{}
	if _, err := newClient(t, q, tracer).Dispatch(trace.ContextWithSpanContext(t.Context(), parent), "echo", nil); err != nil {
		t.Fatal(err)
	}
	jobCtx, _ := received(t, tracer, q.bodies[0])
	if got := trace.SpanContextFromContext(jobCtx); got.TraceID() != parent.TraceID() || got.SpanID() != parent.SpanID() {
		t.Errorf("the worker sees %+v", got)
	}
	if _, err := newClient(t, q, tracer).Dispatch(t.Context(), "echo", nil); err != nil || !strings.Contains(string(q.bodies[1]), `"context":{}`) {
		t.Errorf("no trace: %v, %s", err, q.bodies[1])
	}
	if ctx := t.Context(); tracer.Extract(ctx, func(string) string { return "\x00" }) != ctx {
		t.Error("nonsense makes a trace context")
	}
}

// Who does not trace does not link OpenTelemetry.
func TestOnlyThisPackageLinksOpenTelemetry(t *testing.T) {
	t.Parallel()
	const module = "github.com/microfox-ai/aiwctl/"
	for pkg, links := range map[string]bool{"dispatch": false, "runtime": false, "dispatch/oteltrace": true} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", pkg, err)
		}
		if got := strings.Contains(string(out), "go.opentelemetry.io/"); got != links {
			t.Errorf("%s links OpenTelemetry: %v", pkg, got)
		}
	}
}
