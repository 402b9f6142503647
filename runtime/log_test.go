package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// logOf runs one job and returns the line with the given message.
func logOf(t *testing.T, message string, handler func(ctx context.Context, log *slog.Logger)) map[string]any {
	t.Helper()
	w := Must(New("w", func(ctx context.Context, j *Job[order]) (order, error) {
		handler(ctx, j.Log)
		return j.Input, nil
	}))
	r := newRig(t, nil, w)
	resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("w", "job-1", `{"number":1}`), 1)))
	if ids := failures(t, resp, err); len(ids) != 0 {
		t.Fatalf("failures = %q", ids)
	}
	r.lines(t) // every line is a JobEvent
	for line := range strings.Lines(r.text()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			return fields
		}
	}
	t.Fatalf("no line with the message %q", message)
	return nil
}

func TestHandlerCannotForgeEvents(t *testing.T) {
	t.Parallel()
	got := logOf(t, "hi", func(ctx context.Context, log *slog.Logger) {
		log.With("jobId", "other").InfoContext(ctx, "hi",
			"event", dispatch.EventCompleted, "attempt", "many", "colour", "blue", slog.Group("", slog.String("output", "x")))
	})
	for name, want := range map[string]any{
		"jobId": "job-1", "attr.jobId": "other", "attr.event": dispatch.EventCompleted, "event": nil,
		"attempt": 1.0, "attr.attempt": "many", "colour": "blue", "output": nil, "attr.output": "x",
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
}

func TestErrorAttributeTakesTheShapeOfTheContract(t *testing.T) {
	t.Parallel()
	for _, value := range []any{errors.New("no stock"), "no stock"} {
		got := logOf(t, "hi", func(ctx context.Context, log *slog.Logger) { log.ErrorContext(ctx, "hi", "error", value) })
		if e, ok := got["error"].(map[string]any); !ok || e["message"] != "no stock" {
			t.Errorf("error = %v", got["error"])
		}
	}
}

func TestGroupsAreTheAuthorsOwn(t *testing.T) {
	t.Parallel()
	got := logOf(t, "hi", func(ctx context.Context, log *slog.Logger) {
		log.WithGroup("g").InfoContext(ctx, "hi", "event", "party")
	})
	if g, ok := got["g"].(map[string]any); !ok || g["event"] != "party" {
		t.Errorf("group = %v", got["g"])
	}
}

func TestLogLinesStayLines(t *testing.T) {
	t.Parallel()
	hostile := "first\nsecond\r\x1b[31m\u2028"
	got := logOf(t, hostile, func(ctx context.Context, log *slog.Logger) { log.InfoContext(ctx, hostile, hostile, hostile) })
	if got[hostile] != hostile {
		t.Errorf("attribute = %q", got[hostile])
	}
}

func TestOutputInTheLog(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLoggedOutput)
	for _, tt := range []struct {
		name   string
		note   string
		opts   []Option
		output bool
	}{
		{"short", "hi", nil, true},
		{"over the cap", long, nil, false},
		{"turned off", "secret", []Option{WithoutOutputLog()}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := Must(New("w", func(context.Context, *Job[order]) (order, error) { return order{Note: tt.note}, nil }, tt.opts...))
			r := newRig(t, nil, w)
			resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("w", "j", `{"number":1}`), 1)))
			failures(t, resp, err)
			e := r.eventOf(t, dispatch.EventCompleted)
			if got := e.Output != nil; got != tt.output {
				t.Errorf("output in the log = %v, want %v", got, tt.output)
			}
			if want := len(`{"number":0,"note":""}`) + len(tt.note); !tt.output && e.OutputBytes != want {
				t.Errorf("outputBytes = %d, want %d", e.OutputBytes, want)
			}
			if !tt.output && strings.Contains(r.text(), tt.note) {
				t.Error("the output stands in the log")
			}
		})
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	w := Must(New("w", func(ctx context.Context, j *Job[order]) (order, error) {
		j.Progress(ctx, 250, "nearly there")
		return j.Input, nil
	}))
	r := newRig(t, nil, w)
	resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("w", "j", `{"number":1}`), 1)))
	failures(t, resp, err)
	if e := r.eventOf(t, dispatch.EventProgress); e.Percent != 100 || e.Note != "nearly there" || e.JobID != "j" {
		t.Errorf("progress = %+v", e)
	}
	var none *Job[order]
	none.Progress(t.Context(), 1, "") // must not panic
}

func TestAbsurdJobIDDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, testWorkers()...)
	resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("ok", strings.Repeat("j", 100_000), `{"number":1}`), 1)))
	failures(t, resp, err)
	if n := len(r.text()); n > 5000 {
		t.Errorf("the log of one job has %d bytes", n)
	}
}
