package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/microfox-ai/aiwctl/runtime"
)

// noter writes down the order in which things happen.
type noter struct {
	mu    sync.Mutex
	notes []string
}

func (n *noter) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, text)
}

func (n *noter) around(name string) runtime.Middleware {
	return func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
		n.note("+" + name)
		defer n.note("-" + name)
		return next(ctx, inv)
	}
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	var n noter
	w := runtime.Must(runtime.New("w", func(context.Context, *runtime.Job[int]) (int, error) {
		n.note("handler")
		return 1, nil
	}, runtime.WithMiddleware(n.around("c"), nil), runtime.WithMiddleware(n.around("d"))))
	app, _ := newAppWith(t, runtime.AppConfig{Middleware: []runtime.Middleware{n.around("a"), nil, n.around("b")}}, w)
	if resp, err := app.HandleSQS(t.Context(), oneMessage("w", "1")); err != nil || len(resp.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := strings.Join(n.notes, " "); got != "+a +b +c +d handler -d -c -b -a" {
		t.Errorf("order %q", got)
	}
}

func TestMiddlewareSeesTheInvocation(t *testing.T) {
	t.Parallel()
	var got runtime.Invocation
	w := runtime.Must(runtime.New("w", func(context.Context, *runtime.Job[int]) (int, error) { return 1, nil },
		runtime.WithMiddleware(func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			got = *inv
			inv.Log.InfoContext(ctx, "seen by the middleware")
			return next(ctx, inv)
		})))
	app, log := newAppWith(t, runtime.AppConfig{Getenv: func(name string) string {
		return map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "4"}[name]
	}}, w)
	ev := oneMessage("w", "5")
	ev.Records[0].Body = `{"workerId":"w","jobId":"job-1","input":5,"context":{"userId":"u-1","x":1},"metadata":{"k":2}}`
	ev.Records[0].Attributes["ApproximateReceiveCount"] = "2"
	if _, err := app.HandleSQS(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	if got.JobID != "job-1" || got.WorkerID != "w" || got.RequestID == "" || got.UserID != "u-1" || got.Attempt != 2 || got.MaxAttempts != 4 ||
		got.Try != 1 || string(got.Input) != "5" || got.Metadata["k"] != json.Number("2") || got.Context["x"] != json.Number("1") {
		t.Errorf("invocation = %+v", got)
	}
	if !strings.Contains(log.String(), `"msg":"seen by the middleware","jobId":"job-1"`) {
		t.Errorf("log:\n%s", log)
	}
}

func TestMiddlewareDecides(t *testing.T) {
	t.Parallel()
	errRefused := errors.New("refused")
	for _, tt := range []struct {
		name       string
		middleware runtime.Middleware
		want       string // output, or a part of the error
		runs       int
	}{
		{"another input", func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			changed := *inv
			changed.Input = json.RawMessage("20")
			return next(ctx, &changed)
		}, "40", 1},
		{"input in place", func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			inv.Input = json.RawMessage("30")
			return next(ctx, inv)
		}, "60", 1},
		{"another output", func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			out, err := next(ctx, inv)
			return append(out, '0'), err
		}, "20", 1},
		{"an output that does not fit", func(context.Context, *runtime.Invocation, runtime.Next) (json.RawMessage, error) {
			return json.RawMessage(`"text"`), nil
		}, "does not fit its schema", 0},
		{"no output", func(context.Context, *runtime.Invocation, runtime.Next) (json.RawMessage, error) {
			return nil, nil
		}, "does not fit its schema", 0},
		{"an input of another type", func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			inv.Input = json.RawMessage(`"text"`)
			return next(ctx, inv)
		}, "not the handler's type", 0},
		{"an error", func(context.Context, *runtime.Invocation, runtime.Next) (json.RawMessage, error) {
			return nil, runtime.Permanent(errRefused)
		}, "refused", 0},
		{"a panic", func(context.Context, *runtime.Invocation, runtime.Next) (json.RawMessage, error) {
			panic("in the middleware")
		}, "panic: in the middleware", 0},
		{"again", func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			if _, err := next(ctx, inv); err != nil {
				return nil, err
			}
			return next(ctx, nil)
		}, "2", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			w := runtime.Must(runtime.New("w", func(_ context.Context, j *runtime.Job[int]) (int, error) {
				runs++
				return 2 * j.Input, nil
			}, runtime.WithMiddleware(tt.middleware)))
			var got runtime.Outcome
			app, _ := newAppWith(t, runtime.AppConfig{OnOutcome: func(_ context.Context, o runtime.Outcome) { got = o }}, w)
			if _, err := app.HandleSQS(t.Context(), oneMessage("w", "1")); err != nil {
				t.Fatal(err)
			}
			text := string(got.Output)
			if got.Err != nil {
				text = got.Err.Error()
			}
			if !strings.Contains(text, tt.want) || runs != tt.runs {
				t.Errorf("%q after %d runs, want %q after %d", text, runs, tt.want, tt.runs)
			}
		})
	}
}

// What a middleware puts into the context reaches the handler, in every try.
func TestMiddlewareRunsInEachTry(t *testing.T) {
	t.Parallel()
	type key struct{}
	var tries []string
	w := runtime.Must(runtime.New("w", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		tries = append(tries, fmt.Sprintf("%d %v", j.Try, ctx.Value(key{})))
		if j.Try == 1 {
			return 0, errors.New("again")
		}
		return 1, nil
	}, runtime.WithRetry(2, runtime.Custom("again", func(err error) bool { return err.Error() == "again" }, 0)),
		runtime.WithMiddleware(func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
			last := "none"
			if inv.LastError != nil {
				last = inv.LastError.Error()
			}
			return next(context.WithValue(ctx, key{}, last), inv)
		})))
	app, _ := newApp(t, w)
	if resp, err := app.HandleSQS(t.Context(), oneMessage("w", "1")); err != nil || len(resp.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if got := strings.Join(tries, ", "); got != "1 none, 2 again" {
		t.Errorf("tries %q", got)
	}
}

// Without middleware nothing is spent on it.
func TestMiddlewareCostsNothingWhenThereIsNone(t *testing.T) {
	// Not parallel: it counts allocations.
	w := func(opts ...runtime.Option) *runtime.App {
		app, err := runtime.NewApp(runtime.AppConfig{Output: discard{}, Getenv: func(string) string { return "" }},
			runtime.Must(runtime.New("w", func(context.Context, *runtime.Job[int]) (int, error) { return 1, nil }, opts...)))
		if err != nil {
			t.Fatal(err)
		}
		return app
	}
	plain, wrapped := w(), w(runtime.WithMiddleware(func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
		return next(ctx, inv)
	}))
	ev := oneMessage("w", "1")
	count := func(app *runtime.App) float64 {
		return testing.AllocsPerRun(200, func() { _, _ = app.HandleSQS(t.Context(), ev) })
	}
	if without, with := count(plain), count(wrapped); with < without+2 {
		t.Errorf("%v allocations without, %v with middleware: is the invocation made in vain?", without, with)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
