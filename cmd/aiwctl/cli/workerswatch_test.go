package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// A frame fills the terminal and not more, and its rows are read first.
func TestWatchDrawsWhatFits(t *testing.T) {
	t.Parallel()
	a, stdout, _ := testApp("", nil)
	w := &watching{app: a, flags: &workersFlags{}}
	rows := make([]workerRow, 30)
	for i := range rows {
		rows[i] = workerRow{ID: fmt.Sprintf("worker-%02d", i), State: "idle \x1b[2J" + strings.Repeat("long ", 40)}
	}
	for range 2 {
		stdout.Reset()
		if err := w.draw([]string{"prod"}, rows, 60, 12); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(stdout.String(), "\x1b[2J") {
		t.Error("a second frame clears the screen, which flickers, or a name does")
	}
	lines := strings.Split(strings.TrimSuffix(ansi.Strip(stdout.String()), "\n"), "\n")
	if len(lines) != 11 || !strings.Contains(lines[0], "21 more below") || !strings.HasPrefix(lines[1], "WORKER") {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for _, line := range lines {
		if ansi.StringWidth(line) > 60 {
			t.Errorf("a line of %d cells", ansi.StringWidth(line))
		}
	}
	if len(w.shown) != 9 || w.shown[8] != "worker-08" {
		t.Errorf("shown: %q", w.shown)
	}
}

// Calls that fail after the first reading keep what was read, with the error and its
// remedy in the heading, and heal by themselves.
func TestWatchKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	broker := queues.New(queues.Config{})
	t.Cleanup(broker.Close)
	if _, _, err := broker.CreateQueue("q", nil); err != nil {
		t.Fatal(err)
	}
	down := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down || r.Header.Get("X-Amz-Target") == "" {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","message":"not authorized to perform: sqs:GetQueueAttributes"}`))
			return
		}
		broker.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	a, stdout, stderr := testApp("", nil)
	a.global.target.EndpointURL = server.URL
	s, err := a.openStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := &workersFlags{noMetrics: true}
	w := &watching{app: a, flags: f, stage: s, board: boardOf(s, f), every: 1}
	frame := func() string {
		t.Helper()
		stdout.Reset()
		if err := w.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.show(); err != nil {
			t.Fatal(err)
		}
		return stdout.String()
	}
	if text := frame(); !strings.Contains(text, "\nq ") || !strings.Contains(text, "the list may be incomplete") || !strings.Contains(stderr.String(), "lambda:ListEventSourceMappings") {
		t.Fatalf("the first reading:\n%s", text)
	}
	down = true
	for range 2 {
		text := frame()
		if !strings.Contains(text, "\nq ") || !strings.Contains(text, "the last reading failed") || !strings.Contains(text, "sqs:GetQueueAttributes") {
			t.Errorf("while it fails:\n%s", text)
		}
	}
	if n := strings.Count(stderr.String(), "the reading failed, trying again"); n != 1 || w.failures != 2 {
		t.Errorf("told %d times, after %d failures:\n%s", n, w.failures, stderr)
	}
	down = false
	if text := frame(); strings.Contains(text, "failed") || !strings.Contains(stderr.String(), "the reading goes on") {
		t.Errorf("healed:\n%s%s", text, stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}
