package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

type recorder struct{ sent []*dispatch.Message }

func (r *recorder) Send(_ context.Context, m *dispatch.Message, _ time.Duration) (string, error) {
	r.sent = append(r.sent, m)
	return "message-1", nil
}

func TestDispatchSendsThroughTheClient(t *testing.T) {
	t.Parallel()
	var rec recorder
	client, err := dispatch.NewClient(dispatch.Config{Remote: &rec, Mode: dispatch.ModeRemote, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	w := Must(New("w", accept, WithClient(client), WithInputSchema(json.RawMessage(`{"properties":{"number":{"minimum":1}}}`))))
	res, err := w.Dispatch(t.Context(), order{Number: 7, Note: "<&>"}, dispatch.WithJobID("job-1"))
	if err != nil {
		t.Fatal(err)
	}
	if res.MessageID != "message-1" || res.JobID != "job-1" || res.Status != dispatch.StatusQueued {
		t.Errorf("result = %+v", res)
	}
	if len(rec.sent) != 1 || rec.sent[0].WorkerID != "w" || string(rec.sent[0].Input) != `{"number":7,"note":"<&>"}` {
		t.Errorf("sent = %+v", rec.sent)
	}

	_, err = w.Dispatch(t.Context(), order{Number: 0})
	var invalid *dispatch.ValidationError
	if !errors.As(err, &invalid) || invalid.WorkerID != "w" || invalid.Violations[0].Pointer != "/number" {
		t.Errorf("error = %v", err)
	}
	if len(rec.sent) != 1 {
		t.Error("an invalid input was sent")
	}
}

func TestDispatchInLocalMode(t *testing.T) {
	t.Parallel()
	var got Job[order]
	w := Must(New("w", func(ctx context.Context, j *Job[order]) (order, error) {
		got = *j
		if _, ok := ctx.Deadline(); !ok {
			t.Error("a local job has no deadline")
		}
		if j.Input.Number < 0 {
			return order{}, errService
		}
		return j.Input, nil
	}))
	res, err := w.Dispatch(t.Context(), order{Number: 7}, dispatch.WithMode(dispatch.ModeLocal), dispatch.WithJobID("job-1"), dispatch.WithUserID("u-1"))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "job-1" || got.Input.Number != 7 || got.UserID != "u-1" || got.Attempt != 1 || got.MaxAttempts != 3 {
		t.Errorf("job = %+v", got)
	}
	if res.JobID != "job-1" || !strings.HasPrefix(res.MessageID, "local-") {
		t.Errorf("result = %+v", res)
	}
	if _, err := w.Dispatch(t.Context(), order{Number: -1}, dispatch.WithMode(dispatch.ModeLocal)); !errors.Is(err, errService) {
		t.Errorf("error = %v, want the handler's", err)
	}
}
