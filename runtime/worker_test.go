package runtime

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func accept(_ context.Context, j *Job[order]) (order, error) { return j.Input, nil }

func TestNewRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		id   string
		opt  Option
		want string
	}{
		{"no id", "", nil, "the id is empty"},
		{"id with a dot", "a.b", nil, "letters, digits, - and _"},
		{"id with a space", "a b", nil, "letters, digits, - and _"},
		{"id of dashes", "--", nil, "needs a letter"},
		{"long id", strings.Repeat("a", 49), nil, "at most 48"},
		{"no timeout", "w", WithTimeout(0), "1s to 900s"},
		{"long timeout", "w", WithTimeout(901 * time.Second), "1s to 900s"},
		{"half seconds", "w", WithTimeout(1500 * time.Millisecond), "whole seconds"},
		{"little memory", "w", WithMemory(127), "128 to 10240"},
		{"much memory", "w", WithMemory(10241), "128 to 10240"},
		{"core", "w", WithGroup("Core"), "taken"},
		{"core with a dash", "w", WithGroup("co-re"), "taken"},
		{"long group", "w", WithGroup("thirteen-char"), "at most 12"},
		{"odd group", "w", WithGroup("a_b"), "letters, digits"},
		{"empty batch", "w", WithBatchSize(0), "1 to 10000"},
		{"huge batch", "w", WithBatchSize(10001), "1 to 10000"},
		{"visibility below timeout", "w", WithVisibilityTimeout(299 * time.Second), "below the function's timeout"},
		{"long visibility", "w", WithVisibilityTimeout(13 * time.Hour), "up to 12h"},
		{"no receive", "w", WithMaxReceiveCount(0), "1 to 1000"},
		{"concurrency of one", "w", WithMaximumConcurrency(1), "2 to 1000"},
		{"short retention", "w", WithRetention(time.Second), "from 1m"},
		{"long retention", "w", WithDLQRetention(15 * 24 * time.Hour), "336h"},
		{"broken schema", "w", WithInputSchema(json.RawMessage(`{"type":"thing"}`)), "input schema"},
		{"schema that is not JSON", "w", WithOutputSchema(json.RawMessage(`{`)), "output schema"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.id, accept, tt.opt)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := New[order, order]("w", nil); err == nil {
		t.Error("a nil handler was accepted")
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	plain := Must(New("plain", accept))
	full := Must(New("full", accept,
		WithDescription("does it all"), WithGroup("media"), WithTimeout(30*time.Second), WithMemory(1024), WithBatchSize(10),
		WithVisibilityTimeout(time.Minute), WithMaxReceiveCount(5), WithMaximumConcurrency(7), WithRetention(time.Hour), WithDLQRetention(2*time.Hour),
		WithInputSchema(json.RawMessage("{\n \"type\": \"object\" }"))))
	m := newRig(t, nil, plain, full).Manifest()
	if m.Version != dispatch.ManifestVersion || len(m.Workers) != 2 || m.Workers[0].ID != "full" || m.Workers[1].ID != "plain" {
		t.Fatalf("manifest = %+v", m)
	}
	f, p := m.Workers[0], m.Workers[1]
	if want := (dispatch.SQSSetting{VisibilityTimeoutSeconds: 60, MaxReceiveCount: 5, RetentionSeconds: 3600, DLQRetentionSeconds: 7200, BatchSize: 10, MaximumConcurrency: 7}); f.SQS != want {
		t.Errorf("sqs = %+v, want %+v", f.SQS, want)
	}
	if f.Group != "media" || f.Description != "does it all" || f.TimeoutSeconds != 30 || f.MemoryMB != 1024 || string(f.InputSchema) != `{"type":"object"}` {
		t.Errorf("worker = %+v", f)
	}
	if want := (dispatch.SQSSetting{VisibilityTimeoutSeconds: 1800, MaxReceiveCount: 3, RetentionSeconds: 1209600, DLQRetentionSeconds: 1209600, BatchSize: 1}); p.SQS != want {
		t.Errorf("default sqs = %+v, want %+v", p.SQS, want)
	}
	if p.Group != "default" || p.TimeoutSeconds != 300 || p.MemoryMB != 512 {
		t.Errorf("default worker = %+v", p)
	}
}

func TestNewAppRefusesNamesThatCollide(t *testing.T) {
	t.Parallel()
	w := func(id string) Runner { return Must(New(id, accept)) }
	for _, tt := range []struct {
		workers []Runner
		want    string
	}{
		{[]Runner{w("a"), w("a")}, `two workers have the id "a"`},
		{[]Runner{w("a-b"), w("ab")}, "one function name"},
		{[]Runner{w("a-b"), w("A_B")}, "one function name"},
		{[]Runner{w("a"), w("a-dlq")}, "dead-letter queue"},
		{[]Runner{nil}, "nil"},
		{[]Runner{&Worker[order, order]{}}, "not made by New"},
	} {
		if _, err := NewApp(AppConfig{}, tt.workers...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want one with %q", err, tt.want)
		}
	}
	r := newRig(t, map[string]string{"AIWORKER_MAX_RECEIVE_COUNT": "three"})
	if r.maxReceive != 0 || !strings.Contains(r.text(), "AIWORKER_MAX_RECEIVE_COUNT") {
		t.Errorf("maxReceive = %d, log = %s", r.maxReceive, r.text())
	}
}
