package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestDigestWaitsForItsFigures(t *testing.T) {
	t.Parallel()
	asked := 0
	var until time.Time
	w := runtime.Must(NewDigest(func(_ context.Context, at time.Time) (int, time.Duration, error) {
		until = at
		if asked++; asked < 3 {
			return 0, 90 * time.Second, nil
		}
		return 7, 0, nil
	}))
	h := runtimetest.Start(t, w)
	sent := h.Now()
	job := h.Run("digest", DigestInput{})
	var out DigestOutput
	if err := job.Decode(&out); err != nil || out.Visitors != 7 || !out.Until.Equal(until) {
		t.Errorf("digest = %+v, %v", out, err)
	}
	if d := until.Sub(sent); d < -time.Second || d > time.Second {
		t.Errorf("the minute ends %v after the job was sent", d)
	}
	if last := job.Last(); len(job.Deliveries) != 3 || last.Attempt != 1 || last.At < 3*time.Minute {
		t.Errorf("%d deliveries, the last one is attempt %d at %v", len(job.Deliveries), last.Attempt, last.At)
	}
}

func TestDigestWithoutFigures(t *testing.T) {
	t.Parallel()
	down := errors.New("the database is down")
	w := runtime.Must(NewDigest(func(context.Context, time.Time) (int, time.Duration, error) { return 0, 0, down }))
	if _, err := runtimetest.Run(t, w, DigestInput{Until: time.Unix(0, 0).UTC()}); !errors.Is(err, down) || !strings.Contains(err.Error(), "until 1970-01-01T00:00:00Z") {
		t.Errorf("error = %v", err)
	}
}

func TestPretendedFiguresAreLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until := time.Now()
		time.Sleep(300 * time.Millisecond)
		if _, late, _ := pretendedFigures(t.Context(), until); late != figuresAfter {
			t.Errorf("late by %v, want %v", late, figuresAfter)
		}
		time.Sleep(figuresAfter)
		if n, late, err := pretendedFigures(t.Context(), until); n < 200 || late != 0 || err != nil {
			t.Errorf("%d visitors, late by %v, %v", n, late, err)
		}
	})
}

func TestLogSaysWhoStartedTheJob(t *testing.T) {
	t.Parallel()
	run := dispatch.ScheduledRun{WorkerID: "digest", ID: "1", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	msg := run.Message(time.Now())
	for _, tt := range []struct {
		metadata map[string]any
		want     string
	}{
		{msg.Metadata, "its schedule"},
		{map[string]any{"__trigger": map[string]any{"type": "worker", "parentJobId": "job-1", "parentWorkerId": "publish"}}, "job-1 of worker publish"},
		{map[string]any{"__trigger": map[string]any{"type": "moon"}}, ""},
		{map[string]any{"__trigger": 7}, ""},
		{nil, ""},
	} {
		if got := startedBy(tt.metadata); got != tt.want {
			t.Errorf("%v: started by %q, want %q", tt.metadata, got, tt.want)
		}
	}
}
