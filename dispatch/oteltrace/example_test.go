package oteltrace_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/oteltrace"
)

func ExampleNew() {
	spans := tracetest.NewInMemoryExporter() // in real life one that sends them on
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	jobs := &queue{}
	client, err := dispatch.NewClient(dispatch.Config{Remote: jobs, Tracer: oteltrace.New(provider)})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Dispatch(context.Background(), "video-processing", nil); err != nil {
		fmt.Println(err)
		return
	}
	sent := spans.GetSpans()[0]
	m, err := dispatch.ParseMessage(jobs.bodies[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	parent := fmt.Sprintf("00-%s-%s-01", sent.SpanContext.TraceID(), sent.SpanContext.SpanID())
	fmt.Println(sent.Name, sent.SpanKind, m.Context[dispatch.ContextTraceParent] == parent)
	// Output: send video-processing producer true
}
