package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// tracer is a dispatch.Tracer that writes spans down. A span's id is its number, and
// a traceparent is "span-<number>".
type tracer struct {
	mu    sync.Mutex
	spans []string // "<id> <parent> <name> <kind> <result>"
	attrs []map[string]string
}

type spanKey struct{}

func (tr *tracer) Start(ctx context.Context, s dispatch.Span) (context.Context, func(error)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	above, _ := ctx.Value(spanKey{}).(string)
	if above == "" {
		above = "-"
	}
	n := len(tr.spans)
	id := fmt.Sprint("span-", n)
	tr.spans = append(tr.spans, "")
	tr.attrs = append(tr.attrs, s.Attributes)
	return context.WithValue(ctx, spanKey{}, id), func(err error) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		result := "ok"
		if err != nil {
			result = "error"
		}
		if tr.spans[n] != "" {
			result = "ended twice"
		}
		tr.spans[n] = fmt.Sprintf("%s below %s: %s, kind %d, %s", id, above, s.Name, s.Kind, result)
	}
}

func (tr *tracer) Inject(ctx context.Context, set func(name, value string)) {
	if id, ok := ctx.Value(spanKey{}).(string); ok {
		set(dispatch.ContextTraceParent, id)
	}
}

func (tr *tracer) Extract(ctx context.Context, get func(name string) string) context.Context {
	if id := get(dispatch.ContextTraceParent); id != "" {
		return context.WithValue(ctx, spanKey{}, id)
	}
	return ctx
}

func TestSpansFromDispatchToWebhook(t *testing.T) {
	t.Parallel()
	tr := &tracer{}
	child := runtime.Must(runtime.New("child", func(context.Context, *runtime.Job[int]) (int, error) {
		return 0, runtime.Permanent(errors.New("no"))
	}))
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, err := j.Dispatch(ctx, "child", 1)
		return err
	})
	h := runtimetest.StartConfig(t, runtimetest.Config{App: runtime.AppConfig{Tracer: tr}}, w, child)
	job := h.Run("parent", 1, dispatch.WithWebhookURL("https://example.com/hook"))
	if job.Err() != nil || len(job.Webhooks) != 1 {
		t.Fatalf("error %v, %d webhooks", job.Err(), len(job.Webhooks))
	}
	want := []string{
		"span-0 below -: send parent, kind 1, ok",
		"span-1 below span-0: process parent, kind 2, ok",
		"span-2 below span-1: send child, kind 1, ok",
		"span-3 below span-1: webhook parent, kind 3, ok",
		"span-4 below span-2: process child, kind 2, error",
	}
	if !slices.Equal(tr.spans, want) {
		t.Errorf("spans:\n%s\nwant:\n%s", strings.Join(tr.spans, "\n"), strings.Join(want, "\n"))
	}
	if a := tr.attrs[1]; a["messaging.system"] != "aws_sqs" || a["messaging.operation.type"] != "process" || a["messaging.message.id"] != job.Deliveries[0].MessageID ||
		a["messaging.destination.name"] != "parent" || a["messaging.message.conversation_id"] != job.JobID {
		t.Errorf("attributes %v", a)
	}
}

// A trace context that is no text is no trace context.
func TestTraceContextOfAnotherType(t *testing.T) {
	t.Parallel()
	tr := &tracer{}
	w := parent(func(context.Context, *runtime.Job[int]) error { return nil })
	app, _ := newAppWith(t, runtime.AppConfig{Tracer: tr}, w)
	ev := oneMessage("parent", "1")
	ev.Records[0].Body = `{"workerId":"parent","jobId":"j","input":1,"context":{"traceparent":7},"metadata":{}}`
	if resp, err := app.HandleSQS(t.Context(), ev); err != nil || len(resp.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if !slices.Equal(tr.spans, []string{"span-0 below -: process parent, kind 2, ok"}) {
		t.Errorf("spans %q", tr.spans)
	}
}
