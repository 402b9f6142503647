package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// recorder is a tracer whose spans are numbered.
type recorder struct {
	mu    sync.Mutex
	spans []recorded
	state string // tracestate it injects; empty: none
}

type recorded struct {
	dispatch.Span
	parent int
	ended  int
	err    error
}

type spanKey struct{}

func (r *recorder) Start(ctx context.Context, s dispatch.Span) (context.Context, func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	parent, _ := ctx.Value(spanKey{}).(int)
	r.spans = append(r.spans, recorded{Span: s, parent: parent})
	n := len(r.spans)
	return context.WithValue(ctx, spanKey{}, n), func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.spans[n-1].ended++
		r.spans[n-1].err = err
	}
}

func traceParent(n int) string {
	return fmt.Sprintf("00-0af7651916cd43dd8448eb211c80319c-%016x-01", n)
}

func (r *recorder) Inject(ctx context.Context, set func(name, value string)) {
	if n, ok := ctx.Value(spanKey{}).(int); ok {
		set(dispatch.ContextTraceParent, traceParent(n))
		if r.state != "" {
			set(dispatch.ContextTraceState, r.state)
		}
	}
}

func (r *recorder) Extract(ctx context.Context, _ func(string) string) context.Context { return ctx }

// contextOf is the context in a body.
func contextOf(t *testing.T, body string) map[string]any {
	t.Helper()
	m, err := dispatch.ParseMessage([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return m.Context
}

func TestDispatchIsTraced(t *testing.T) {
	t.Parallel()
	tracer, remote, local := &recorder{state: "vendor=1"}, &inbox{}, &inbox{}
	c := newClient(t, dispatch.Config{Remote: remote, Local: local, Tracer: tracer})
	ctx, _ := tracer.Start(t.Context(), dispatch.Span{Name: "the caller's"})
	mine := map[string]any{"requestId": "r-1"}
	if _, err := c.Dispatch(ctx, "echo", nil, dispatch.WithJobID("j-1"), dispatch.WithContext(mine)); err != nil {
		t.Fatal(err)
	}
	s := tracer.spans[1]
	if s.Name != "send echo" || s.Kind != dispatch.SpanProducer || s.parent != 1 || s.ended != 1 || s.err != nil {
		t.Errorf("span %+v", s)
	}
	if want := map[string]string{
		"messaging.system": "aws_sqs", "messaging.operation.name": "send", "messaging.operation.type": "send",
		"messaging.destination.name": "echo", "messaging.message.conversation_id": "j-1",
	}; !maps.Equal(s.Attributes, want) {
		t.Errorf("attributes %v", s.Attributes)
	}
	if got := contextOf(t, remote.bodies[0]); got["traceparent"] != traceParent(2) || got["tracestate"] != "vendor=1" || got["requestId"] != "r-1" {
		t.Errorf("context %v", got)
	}
	if len(mine) != 1 {
		t.Error("the caller's map was changed")
	}

	// The caller's own trace context stays, whole.
	if _, err := c.Dispatch(ctx, "echo", nil, dispatch.WithContext(map[string]any{"traceparent": "mine"})); err != nil {
		t.Fatal(err)
	}
	if got := contextOf(t, remote.bodies[1]); got["traceparent"] != "mine" || got["tracestate"] != nil {
		t.Errorf("context %v", got)
	}

	// A job that runs here is not sent to SQS, and still is part of the trace.
	if _, err := c.Dispatch(ctx, "echo", nil, dispatch.WithMode(dispatch.ModeLocal)); err != nil {
		t.Fatal(err)
	}
	if _, ok := tracer.spans[3].Attributes["messaging.system"]; ok || contextOf(t, local.bodies[0])["traceparent"] != traceParent(4) {
		t.Errorf("local: %+v, %s", tracer.spans[3], local.bodies[0])
	}

	// What cannot be sent has no span; what was not sent, its error.
	if _, err := c.Dispatch(ctx, " ", nil); err == nil || len(tracer.spans) != 4 {
		t.Errorf("%v, %d spans", err, len(tracer.spans))
	}
	broken := newClient(t, dispatch.Config{Remote: dispatch.NewSQS(&fakeQueue{}, queueURLs), Tracer: tracer})
	if _, err := broken.Dispatch(ctx, "broken", nil); err == nil || tracer.spans[4].err == nil || tracer.spans[4].ended != 1 {
		t.Errorf("%v, %+v", err, tracer.spans[4])
	}
	if m, err := c.NewMessage(ctx, "echo", nil); err != nil || len(m.Context) > 0 || len(tracer.spans) != 5 {
		t.Errorf("NewMessage sends nothing: %v, %+v, %d spans", err, m, len(tracer.spans))
	}

	// Without a tracer there is nothing of it.
	plain := &inbox{}
	if _, err := newClient(t, dispatch.Config{Remote: plain}).Dispatch(ctx, "echo", nil); err != nil || !strings.Contains(plain.bodies[0], `"context":{}`) {
		t.Errorf("%v: %s", err, plain.bodies)
	}
}

// A job that fits is not lost to its trace context.
func TestTraceContextNeverMakesAJobTooLarge(t *testing.T) {
	t.Parallel()
	tracer, f := &recorder{}, &batchQueue{}
	c := f.client(t, dispatch.Config{Tracer: tracer})
	empty, err := c.NewMessage(t.Context(), "echo", []byte(`""`), dispatch.WithJobID("j-1"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := empty.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 70, 71} {
		input := strings.Repeat("x", dispatch.MaxMessageBytes-len(body)-room)
		if _, err := c.Dispatch(t.Context(), "echo", input, dispatch.WithJobID("j-1")); err != nil {
			t.Errorf("%d bytes of room: %v", room, err)
		}
		// Two of half the size, and small ones beside them.
		items := numbered(6)
		items[1].Input, items[2].Input = input[:len(input)/2-room], input[:len(input)/2-500]
		if _, err := c.DispatchMany(t.Context(), "echo", items); err != nil {
			t.Errorf("%d bytes of room, many: %v", room, err)
		}
	}
	for _, in := range f.calls {
		sum := 0
		for _, e := range in.Entries {
			sum += len(*e.MessageBody)
		}
		if sum > dispatch.MaxMessageBytes {
			t.Errorf("a batch of %d bytes", sum)
		}
	}
	traced := 0
	for _, in := range f.sent {
		if len(*in.MessageBody) > dispatch.MaxMessageBytes {
			t.Errorf("a message of %d bytes", len(*in.MessageBody))
		}
		if strings.Contains(*in.MessageBody, traceParent(0)[:20]) {
			traced++
		}
	}
	if traced != 1 {
		t.Errorf("%d of 3 messages have a trace context; one has room for it", traced)
	}
}

func TestDispatchManyIsTraced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer := &recorder{}
		f := &batchQueue{fail: func(body string, _ int) (string, bool) {
			if jobOf(body) == "j14" && strings.Contains(body, traceParent(2)) {
				return "InternalError", false
			}
			return "", false
		}}
		c := f.client(t, dispatch.Config{Tracer: tracer})
		items := numbered(25)
		items[3].Options = append(items[3].Options, dispatch.WithContext(map[string]any{"traceparent": "mine"}))
		if _, err := c.DispatchMany(t.Context(), "echo", items, dispatch.WithParallel(1)); err != nil {
			t.Fatal(err)
		}
		var counts []string
		for i, s := range tracer.spans {
			counts = append(counts, s.Attributes["messaging.batch.message_count"])
			if s.Name != "send echo" || s.Kind != dispatch.SpanProducer || s.ended != 1 || (s.err != nil) != (i == 1) {
				t.Errorf("span %+v", s)
			}
		}
		if got := strings.Join(counts, " "); got != "10 10 1 5" || len(f.calls) != 4 {
			t.Errorf("batches of %s", got)
		}
		if err := tracer.spans[1].err; err == nil || !strings.Contains(err.Error(), "1 of 10 messages were not taken") {
			t.Errorf("span's error %v", err)
		}
		for call, in := range f.calls {
			for _, e := range in.Entries {
				want := traceParent(call + 1)
				if jobOf(*e.MessageBody) == "j3" {
					want = "mine"
				}
				if got := contextOf(t, *e.MessageBody)["traceparent"]; got != want {
					t.Errorf("job %s in call %d carries %v", jobOf(*e.MessageBody), call+1, got)
				}
			}
		}
	})
}

func TestDispatchManyTracesSingleSends(t *testing.T) {
	t.Parallel()
	tracer, s := &recorder{}, &inbox{}
	if _, err := newClient(t, dispatch.Config{Remote: s, Tracer: tracer}).DispatchMany(t.Context(), "echo", numbered(3)); err != nil || len(tracer.spans) != 3 {
		t.Errorf("%v, %d spans", err, len(tracer.spans))
	}
	if err := errors.Join(tracer.spans[0].err, tracer.spans[1].err, tracer.spans[2].err); err != nil {
		t.Error(err)
	}
}
