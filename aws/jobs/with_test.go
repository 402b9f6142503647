package jobs_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// What the message held is told by the record, else by the dead letter, and stays when
// the life is told again.
func TestInput(t *testing.T) {
	t.Parallel()
	failed := []string{marker("r1"), event("job.started", "r1", 1, ""), event("job.progress", "r1", 1, `,"percent":150,"note":"half"`), event("job.failed", "r1", 1, `,"maxAttempts":4,"error":{"message":"no"}`)}
	w := newWorld("w").say("w", 0, failed...)
	w.letters = []letter.Letter{{ID: "m", Message: &dispatch.Message{JobID: "j", WorkerID: "w", Input: json.RawMessage(`{"n":1}`), Metadata: map[string]any{"k": "v"}}}}
	life := w.find(t, "j")
	for _, l := range []*jobs.Life{life, life.With(life.Lines(), start.Add(time.Hour))} {
		if string(l.Input) != `{"n":1}` || string(l.Metadata) != `{"k":"v"}` || l.InputFrom != "dead-letter queue" || l.DeadLetter == nil {
			t.Errorf("input %s, metadata %s from %q, dead letter %v", l.Input, l.Metadata, l.InputFrom, l.DeadLetter)
		}
		if p := l.Attempts[0].Progress; p == nil || p.Percent != 100 || p.Note != "half" || l.MaxAttempts != 4 {
			t.Errorf("progress %+v, %d attempts", p, l.MaxAttempts)
		}
	}
	w.record = &jobs.Record{WorkerID: "w", Status: "failed", Input: json.RawMessage(`{"n":2}`)}
	if life := w.find(t, "j"); string(life.Input) != `{"n":2}` || life.InputFrom != "record" {
		t.Errorf("input %s from %q", life.Input, life.InputFrom)
	}
}

// A record that was read before the lines came contradicts nothing.
func TestWithLinesYoungerThanTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld("w").say("w", 0, completed[:2]...)
	w.record = &jobs.Record{WorkerID: "w", Status: "running", UpdatedAt: start, CreatedAt: start}
	life := w.find(t, "j")
	told := life.With(newWorld("w").say("w", 0, completed...).find(t, "j").Lines(), start.Add(time.Minute))
	if told.State != jobs.StateCompleted || len(told.Disagreements) > 0 {
		t.Errorf("%s, disagreements %q", told.State, told.Disagreements)
	}
}
