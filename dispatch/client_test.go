package dispatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// inbox is a sender that keeps what it gets.
type inbox struct {
	mu     sync.Mutex
	bodies []string
	delays []time.Duration
}

func (b *inbox) Send(_ context.Context, m *dispatch.Message, delay time.Duration) (string, error) {
	body, err := m.MarshalJSON()
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies = append(b.bodies, string(body))
	b.delays = append(b.delays, delay)
	return "m-1", nil
}

func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.bodies)
}

func newClient(t *testing.T, cfg dispatch.Config) *dispatch.Client {
	t.Helper()
	if cfg.Getenv == nil {
		cfg.Getenv = env(nil)
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.UnixMilli(1767225600123).Add(456 * time.Microsecond) }
	}
	c, err := dispatch.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDispatchSendsTheDeployedForm(t *testing.T) {
	t.Parallel()
	remote := &inbox{}
	c := newClient(t, dispatch.Config{Remote: remote})
	shared := map[string]any{"requestId": "r1", "userId": "overridden"}
	withContext := dispatch.WithContext(shared)
	got, err := c.Dispatch(t.Context(), "echo", map[string]any{"text": "<hi>"},
		dispatch.WithJobID("first"), dispatch.WithJobID("job-1"), // the last one wins
		dispatch.WithWebhookURL("https://example.com/hook?a=1&b=2"),
		dispatch.WithMetadata(map[string]any{"source": "test"}),
		withContext,
		dispatch.WithUserID("u1"),
		dispatch.WithMaxTokens(0),
		dispatch.WithDelay(3*time.Second),
	)
	if err != nil || got != (dispatch.Result{MessageID: "m-1", Status: "queued", JobID: "job-1"}) {
		t.Fatalf("Dispatch = %+v, %v", got, err)
	}
	want := `{"workerId":"echo","jobId":"job-1","input":{"text":"<hi>"},"context":{"requestId":"r1","userId":"u1"},` +
		`"webhookUrl":"https://example.com/hook?a=1&b=2","metadata":{"source":"test"},"timestamp":"2026-01-01T00:00:00.123Z","maxTokens":0}`
	if remote.bodies[0] != want || remote.delays[0] != 3*time.Second {
		t.Errorf("sent after %s\n%s\nwant\n%s", remote.delays[0], remote.bodies[0], want)
	}
	if shared["userId"] != "overridden" {
		t.Error("the caller's map was changed")
	}
	if _, err := c.Dispatch(t.Context(), "echo", nil, withContext); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(remote.bodies[1], `"userId":"overridden"`) {
		t.Errorf("one dispatch leaked into the next: %s", remote.bodies[1])
	}
	for name, dispatched := range map[string]func() (dispatch.Result, error){
		"nil":         func() (dispatch.Result, error) { return c.Dispatch(t.Context(), "echo", nil) },
		"a nil map":   func() (dispatch.Result, error) { return c.Dispatch(t.Context(), "echo", map[string]any(nil)) },
		"empty text":  func() (dispatch.Result, error) { return c.DispatchRaw(t.Context(), "echo", nil) },
		"blank text":  func() (dispatch.Result, error) { return c.DispatchRaw(t.Context(), "echo", json.RawMessage(" \n")) },
		"RawMessage":  func() (dispatch.Result, error) { return c.Dispatch(t.Context(), "echo", json.RawMessage(`{}`)) },
		"empty jobID": func() (dispatch.Result, error) { return c.Dispatch(t.Context(), "echo", nil, dispatch.WithJobID("")) },
	} {
		result, err := dispatched()
		if err != nil || !strings.HasPrefix(result.JobID, "job-1767225600123-") {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		if body := remote.bodies[len(remote.bodies)-1]; !strings.Contains(body, `"input":{},"context":{},"metadata":{}`) {
			t.Errorf("%s: sent %s", name, body)
		}
	}
}

func TestNothingIsSentThatDoesNotFit(t *testing.T) {
	t.Parallel()
	schema := compile(t, `{"type":"object","properties":{"url":{"type":"string"}},"required":["url"]}`)
	remote := &inbox{}
	c := newClient(t, dispatch.Config{
		Remote: remote,
		Schema: func(_ context.Context, workerID string) (*dispatch.Schema, error) {
			switch workerID {
			case "video-processing":
				return schema, nil
			case "broken":
				return nil, errors.New("config unreachable")
			}
			return nil, nil
		},
	})
	tests := []struct {
		name, worker, input string
		opts                []dispatch.Option
		is                  error
		says                string
	}{
		{name: "input that does not fit", worker: "video-processing", input: `{"url":7}`, says: "line 1, column 8: /url: must be a string, is a number (7)"},
		{name: "input that is not JSON", worker: "echo", input: "{\n  oops}", says: "line 2, column 3"},
		{name: "not JSON, unchecked", worker: "echo", input: `{`, opts: []dispatch.Option{dispatch.WithoutValidation()}, says: "line 1, column 2"},
		{name: "no schema to be had", worker: "broken", input: `{}`, says: "config unreachable"},
		{name: "no worker", worker: " ", input: `{}`, says: "id is empty"},
		{name: "too large", worker: "echo", input: `"` + strings.Repeat("x", 1<<20) + `"`, is: dispatch.ErrTooLarge, says: "1048576"},
		{name: "a relative webhook", worker: "echo", opts: []dispatch.Option{dispatch.WithWebhookURL("/hook")}, says: "webhook URL"},
		{name: "a webhook that is no web address", worker: "echo", opts: []dispatch.Option{dispatch.WithWebhookURL("file:///etc/passwd")}, says: "webhook URL"},
		{name: "a negative budget", worker: "echo", opts: []dispatch.Option{dispatch.WithMaxTokens(-1)}, says: "below zero"},
		{name: "a long delay", worker: "echo", opts: []dispatch.Option{dispatch.WithDelay(time.Hour)}, is: dispatch.ErrDelay, says: "1h0m0s"},
		{name: "an unknown mode", worker: "echo", opts: []dispatch.Option{nil, dispatch.WithMode("sideways")}, says: "auto, local or remote"},
		{name: "metadata JSON cannot hold", worker: "echo", opts: []dispatch.Option{dispatch.WithMetadata(map[string]any{"c": make(chan int)})}, says: `"metadata"`},
		{name: "local without a local sender", worker: "echo", opts: []dispatch.Option{dispatch.WithMode(dispatch.ModeLocal)}, says: "no local sender"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.DispatchRaw(t.Context(), tt.worker, json.RawMessage(tt.input), tt.opts...)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v with %q", err, tt.is, tt.says)
			}
			if remote.count() > 0 {
				t.Error("something was sent")
			}
		})
	}

	invalid, err := c.NewMessage(t.Context(), "video-processing", json.RawMessage(`{}`))
	refused, ok := errors.AsType[*dispatch.ValidationError](err)
	if invalid != nil || !ok || refused.WorkerID != "video-processing" || len(refused.Violations) != 1 {
		t.Errorf("NewMessage = %v, %v", invalid, err)
	}
	m, err := c.NewMessage(t.Context(), "video-processing", json.RawMessage(`{"url":7}`), dispatch.WithoutValidation())
	if err != nil || string(m.Input) != `{"url":7}` {
		t.Errorf("without validation: %v, %v", m, err)
	}
	if _, err := c.NewMessage(t.Context(), "broken", nil, dispatch.WithoutValidation()); err != nil {
		t.Errorf("without validation the schema is not looked up: %v", err)
	}
	if _, err := c.Dispatch(t.Context(), "echo", func() {}); err == nil {
		t.Error("a function was dispatched")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		mode        dispatch.Mode // of the client
		option      dispatch.Mode // of the dispatch
		environment map[string]string
		noLocal     bool
		local       bool // where it goes
	}{
		{name: "auto is remote"},
		{name: "auto in development is local", environment: map[string]string{"NODE_ENV": "development"}, local: true},
		{name: "auto in production is remote", environment: map[string]string{"NODE_ENV": "production"}},
		{name: "local mode switched off", environment: map[string]string{"NODE_ENV": "development", "WORKERS_LOCAL_MODE": "false"}},
		{name: "only the word false switches it off", environment: map[string]string{"NODE_ENV": "development", "WORKERS_LOCAL_MODE": "0"}, local: true},
		{name: "NODE_ENV is compared as it is", environment: map[string]string{"NODE_ENV": "Development"}},
		{name: "WORKERS_LOCAL_MODE is compared as it is", environment: map[string]string{"NODE_ENV": "development", "WORKERS_LOCAL_MODE": "FALSE"}, local: true},
		{name: "local mode alone is no development", environment: map[string]string{"WORKERS_LOCAL_MODE": "true"}},
		{name: "auto by option", mode: dispatch.ModeRemote, option: dispatch.ModeAuto, environment: map[string]string{"NODE_ENV": "development"}, local: true},
		{name: "auto without a local sender is remote", environment: map[string]string{"NODE_ENV": "development"}, noLocal: true},
		{name: "local", mode: dispatch.ModeLocal, local: true},
		{name: "remote in development", mode: dispatch.ModeRemote, environment: map[string]string{"NODE_ENV": "development"}},
		{name: "the option wins", mode: dispatch.ModeLocal, option: dispatch.ModeRemote},
		{name: "the option wins the other way", mode: dispatch.ModeRemote, option: dispatch.ModeLocal, local: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			local, remote := &inbox{}, &inbox{}
			cfg := dispatch.Config{Local: local, Remote: remote, Mode: tt.mode, Getenv: env(tt.environment)}
			if tt.noLocal {
				cfg.Local = nil
			}
			var opts []dispatch.Option
			if tt.option != "" {
				opts = append(opts, dispatch.WithMode(tt.option))
			}
			if _, err := newClient(t, cfg).Dispatch(t.Context(), "echo", nil, opts...); err != nil {
				t.Fatal(err)
			}
			if (local.count() == 1) != tt.local || local.count()+remote.count() != 1 {
				t.Errorf("local got %d, remote got %d", local.count(), remote.count())
			}
		})
	}
}

func TestClientReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	base, got := workersAPI(t, 200, "application/json", `{"messageId":"m-9"}`)
	c := newClient(t, dispatch.Config{Getenv: env(map[string]string{"WORKERS_CONFIG_API_URL": base + "/workers/config", "WORKERS_API_KEY": "k1"})})
	result, err := c.Dispatch(t.Context(), "echo", nil)
	if err != nil || result.MessageID != "m-9" {
		t.Fatalf("Dispatch = %+v, %v", result, err)
	}
	if r := <-got; r.path != "/workers/trigger" || r.key != "k1" {
		t.Errorf("the server got %+v", r)
	}

	// What the caller sets wins.
	c = newClient(t, dispatch.Config{BaseURL: base, TriggerKey: "k2", Getenv: env(map[string]string{"WORKER_BASE_URL": "http://nowhere.invalid", "WORKERS_API_KEY": "k1"})})
	if _, err := c.Dispatch(t.Context(), "echo", nil); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.key != "k2" {
		t.Errorf("the server got %+v", r)
	}

	_, err = newClient(t, dispatch.Config{}).Dispatch(t.Context(), "echo", nil)
	if !errors.Is(err, dispatch.ErrNoBaseURL) || !strings.Contains(err.Error(), "WORKER_BASE_URL") || !strings.Contains(err.Error(), "WORKERS_TRIGGER_API_URL") {
		t.Errorf("without a base URL: %v", err)
	}
	c = newClient(t, dispatch.Config{Local: &inbox{}, Getenv: env(map[string]string{"WORKER_BASE_URL": "not a url"})})
	if _, err := c.Dispatch(t.Context(), "echo", nil, dispatch.WithMode(dispatch.ModeLocal)); err != nil {
		t.Errorf("a bad variable disturbs local mode: %v", err)
	}
	if _, err := c.Dispatch(t.Context(), "echo", nil); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("a bad variable: %v", err)
	}
}

func TestNewClientRefusals(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]dispatch.Config{
		"mode":     {Mode: "sideways"},
		"base URL": {BaseURL: "example.com"},
	} {
		if c, err := dispatch.NewClient(cfg); err == nil || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestClientLogsNeitherInputNorKey(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	schema := compile(t, `{"properties":{},"additionalProperties":false}`, dispatch.TolerateOutputMode())
	c := newClient(t, dispatch.Config{
		Remote: &inbox{}, TriggerKey: "s3cret",
		Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Schema: func(context.Context, string) (*dispatch.Schema, error) { return schema, nil },
	})
	if _, err := c.Dispatch(t.Context(), "echo", map[string]any{"password": "hunter2"}, dispatch.WithJobID("job-7")); err != nil {
		t.Fatal(err)
	}
	log := out.String()
	if !strings.Contains(log, "job-7") || !strings.Contains(log, "pointer=/password") {
		t.Errorf("log says too little: %s", log)
	}
	if strings.Contains(log, "hunter2") || strings.Contains(log, "s3cret") {
		t.Errorf("log says too much: %s", log)
	}
}
