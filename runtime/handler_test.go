package runtime

import (
	"context"
	"encoding/json"
	"errors"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func goexit() { goruntime.Goexit() }

func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		maxReceive string
		body       string
		attempt    int
		failed     bool
		events     string
		errorName  string
		errorText  string
	}{
		{"completed", "3", body("ok", "j", `{"number":1}`), 1, false, "job.started job.completed", "", ""},
		{"error, attempts left", "3", body("error", "j", `{"number":1}`), 2, true, "job.started job.retrying", "Error", "the service did not answer"},
		{"error, last attempt", "3", body("error", "j", `{"number":1}`), 3, true, "job.started job.failed", "Error", "the service did not answer"},
		{"error, beyond the last attempt", "3", body("error", "j", `{"number":1}`), 7, true, "job.started job.failed", "Error", "the service did not answer"},
		{"error, unknown limit", "", body("error", "j", `{"number":1}`), 99, true, "job.started job.retrying", "Error", "the service did not answer"},
		{"permanent", "3", body("permanent", "j", `{"number":1}`), 1, true, "job.started job.failed", "Error", "the service did not answer"},
		{"panic, attempts left", "3", body("panic", "j", `{"number":1}`), 1, true, "job.started job.retrying", "PanicError", "panic: no such\norder"},
		{"panic, last attempt", "1", body("panic", "j", `{"number":1}`), 1, true, "job.started job.failed", "PanicError", "panic: no such\norder"},
		{"goroutine ended", "3", body("exit", "j", `{"number":1}`), 1, true, "job.started job.retrying", "Error", "without returning"},
		{"output does not fit", "3", body("bad-output", "j", `{"number":1}`), 1, true, "job.started job.failed", "OutputError", "/number"},
		{"output is not JSON", "3", body("unencodable", "j", `{"number":1}`), 1, true, "job.started job.failed", "OutputError", "unsupported type"},
		{"input does not fit", "3", body("ok", "j", `{"number":"one"}`), 1, true, "job.failed", "ValidationError", "/number"},
		{"input missing", "3", `{"workerId":"ok","jobId":"j"}`, 1, true, "job.failed", "ValidationError", "number"},
		{"input with a property more", "3", body("ok", "j", `{"number":1,"new":true}`), 1, false, "job.started job.completed", "", ""},
		{"no context, no metadata", "3", `{"workerId":"ok","jobId":"j","input":{"number":1}}`, 1, false, "job.started job.completed", "", ""},
		{"not JSON", "3", `pay attention`, 1, true, "job.failed", "MessageError", "not a job"},
		{"not an object", "3", `[1]`, 1, true, "job.failed", "MessageError", "not a job"},
		{"empty", "3", ``, 1, true, "job.failed", "MessageError", "not a job"},
		{"unknown worker", "3", body("nobody", "j", `{}`), 1, true, "job.failed", "MessageError", `worker "nobody"`},
		{"no worker", "3", `{"jobId":"j"}`, 1, true, "job.failed", "MessageError", `worker ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": tt.maxReceive}, testWorkers()...)
			resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", tt.body, tt.attempt)))
			want := []string{}
			if tt.failed {
				want = []string{"m1"}
			}
			if got := failures(t, resp, err); !slices.Equal(got, want) {
				t.Errorf("failures = %q, want %q", got, want)
			}
			if got := r.eventNames(t); got != tt.events {
				t.Errorf("events = %q, want %q", got, tt.events)
			}
			_, all := r.lines(t)
			last := all[len(all)-1]
			if last.Attempt != tt.attempt {
				t.Errorf("attempt = %d, want %d", last.Attempt, tt.attempt)
			}
			if tt.errorName == "" {
				return
			}
			if last.Error == nil {
				t.Fatal("the last event has no error")
			}
			if last.Error.Name != tt.errorName || !strings.Contains(last.Error.Message, tt.errorText) {
				t.Errorf("error = %s: %q, want %s: ...%q...", last.Error.Name, last.Error.Message, tt.errorName, tt.errorText)
			}
		})
	}
}

func TestEventsCarryTheJob(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "5"}, testWorkers()...)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	resp, err := r.HandleSQS(ctx, batchOf(record("m1", body("ok", "job-1", `{"number":7}`), 2)))
	failures(t, resp, err)

	runs, all := r.lines(t)
	if want := []dispatch.Run{{JobID: "job-1", WorkerID: "ok", AWSRequestID: "req-1"}}; !slices.Equal(runs, want) {
		t.Errorf("markers = %+v, want %+v", runs, want)
	}
	if first := strings.SplitN(r.text(), "\n", 2)[0]; first != `[AIWORKER_RUN] {"jobId":"job-1","workerId":"ok","awsRequestId":"req-1"}` {
		t.Errorf("first line = %s", first)
	}
	for _, e := range all {
		if e.JobID != "job-1" || e.WorkerID != "ok" || e.RequestID != "req-1" || e.Attempt != 2 || e.MaxAttempts != 5 || e.Time.IsZero() {
			t.Errorf("event = %+v: it does not name its job", e)
		}
	}
	if done := r.eventOf(t, dispatch.EventCompleted); string(done.Output) != `{"number":7}` || done.Level != "INFO" {
		t.Errorf("completed = %+v", done)
	}
}

func TestJobGetsTheMessage(t *testing.T) {
	t.Parallel()
	var got Job[map[string]any]
	w := Must(New("look", func(_ context.Context, j *Job[map[string]any]) (bool, error) {
		got = *j
		return true, nil
	}))
	r := newRig(t, map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "4"}, w)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	resp, err := r.HandleSQS(ctx, batchOf(record("m1", body("look", "job-1", `{"big":12345678901234567890}`), 3)))
	failures(t, resp, err)
	if got.ID != "job-1" || got.WorkerID != "look" || got.RequestID != "req-1" || got.UserID != "u-7" || got.Attempt != 3 || got.MaxAttempts != 4 {
		t.Errorf("job = %+v", got)
	}
	if got.Input["big"] != json.Number("12345678901234567890") || got.Metadata["k"] != json.Number("1") {
		t.Errorf("numbers were rounded: input %v, metadata %v", got.Input, got.Metadata)
	}
}

func TestMessageWithoutJobIDIsNamedAfterItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, testWorkers()...)
	resp, err := r.HandleSQS(t.Context(), batchOf(
		record("m1", `{"workerId":"ok","input":{"number":1}}`, 1),
		record("m2", `not a job`, 1)))
	failures(t, resp, err)
	runs, _ := r.lines(t)
	if len(runs) != 2 || runs[0].JobID != "m1" || runs[1].JobID != "m2" {
		t.Errorf("markers = %+v, want one for m1 and one for m2", runs)
	}
}

func TestOneBadRecordLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, testWorkers()...)
	resp, err := r.HandleSQS(t.Context(), batchOf(
		record("m1", body("ok", "j1", `{"number":1}`), 1),
		record("m2", body("panic", "j2", `{"number":1}`), 1),
		record("m3", `{`, 1),
		record("m4", body("error", "j4", `{"number":1}`), 1),
		record("m5", body("ok", "j5", `{"number":1}`), 1),
	))
	if got, want := failures(t, resp, err), []string{"m2", "m3", "m4"}; !slices.Equal(got, want) {
		t.Errorf("failures = %q, want %q", got, want)
	}
}

func TestFunctionOfOneWorkerRefusesOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, testWorkers()...)
	resp := r.handleBatch(t.Context(), batchOf(
		record("m1", body("ok", "j1", `{"number":1}`), 1),
		record("m2", body("error", "j2", `{"number":1}`), 1),
		record("m3", `{"jobId":"j3","input":{"number":1}}`, 1), // names none: it is in this queue
	), r.workers["ok"])
	if got, want := failures(t, resp, nil), []string{"m2"}; !slices.Equal(got, want) {
		t.Errorf("failures = %q, want %q", got, want)
	}
	if e := r.eventOf(t, dispatch.EventFailed); !strings.Contains(e.Error.Message, `this is the queue of worker "ok"`) {
		t.Errorf("error = %q", e.Error.Message)
	}
}

func TestPanicStackStartsAtThePanic(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, testWorkers()...)
	resp, err := r.HandleSQS(t.Context(), batchOf(record("m1", body("panic", "j", `{"number":1}`), 1)))
	failures(t, resp, err)
	lines := strings.Split(r.eventOf(t, dispatch.EventRetrying).Error.Stack, "\n")
	if len(lines) < 3 || !strings.Contains(lines[1], "testWorkers") || !strings.Contains(lines[2], "harness_test.go") {
		t.Errorf("stack starts with %q", lines[:min(3, len(lines))])
	}
}

func TestOutcomeHookSeesEachAttempt(t *testing.T) {
	t.Parallel()
	var got []Outcome
	app, err := NewApp(AppConfig{
		Output: &rig{}, Getenv: func(string) string { return "" },
		OnOutcome: func(_ context.Context, o Outcome) {
			got = append(got, o)
			panic("an observer must not hurt the job")
		},
	}, testWorkers()...)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := app.HandleSQS(t.Context(), batchOf(
		record("m1", body("ok", "j1", `{"number":1}`), 1),
		record("m2", body("error", "j2", `{"number":1}`), 2)))
	if ids := failures(t, resp, err); !slices.Equal(ids, []string{"m2"}) {
		t.Errorf("failures = %q", ids)
	}
	if len(got) != 2 || got[0].Err != nil || !got[0].Final || string(got[0].Output) != `{"number":1}` {
		t.Fatalf("outcomes = %+v", got)
	}
	if !errors.Is(got[1].Err, errService) || got[1].Final || got[1].Attempt != 2 || got[1].Output != nil {
		t.Errorf("second outcome = %+v", got[1])
	}
}
