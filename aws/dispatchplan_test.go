package aws_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestAgainSaysWhichJobIsRepeated(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	was := map[string]any{"n": json.Number("1"), "__trigger": map[string]any{"type": "cron"}}
	for _, tt := range []struct {
		was  map[string]any
		want string
	}{
		{nil, `{"__trigger":{"at":"2026-03-04T04:06:07.000Z","replayOf":"job-1","type":"replay"}}`},
		{was, `{"__trigger":{"at":"2026-03-04T04:06:07.000Z","previous":{"type":"cron"},"replayOf":"job-1","type":"replay"},"n":1}`},
	} {
		got, err := json.Marshal(aws.Again(tt.was, "job-1", at))
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if trigger := was["__trigger"].(map[string]any); trigger["type"] != "cron" {
		t.Errorf("the map that was given is now %v", was)
	}
}

func TestPlanText(t *testing.T) {
	t.Parallel()
	r := aws.DispatchResult{
		Result: dispatch.Result{JobID: "job-1"}, QueueURL: "https://q.example/orders", Via: aws.ViaQueue, Message: json.RawMessage(`{"a":1}`),
		Warnings: []dispatch.Violation{{Pointer: "/x", Message: "is more", Line: 1, Column: 2, Warning: true}},
	}
	want := "would send 7 bytes to https://q.example/orders by queue, as job-1:\n{\n  \"a\": 1\n}\nwarning: line 1, column 2: /x: is more\n"
	if got := r.PlanText(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
