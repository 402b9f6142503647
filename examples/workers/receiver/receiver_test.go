package receiver_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/examples/workers/receiver"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// The receiver gets what the worker sends, signed by the one and checked by the
// other.
func TestReceiverHearsOfPublishedJobs(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret().Reveal()
	var log bytes.Buffer
	h, err := receiver.New(secret, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	stage := runtimetest.StartConfig(t, runtimetest.Config{
		App: runtime.AppConfig{WebhookSecret: secret},
		Receiver: func(w runtimetest.Webhook, _ int) int {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/published", bytes.NewReader(w.Body))
			req.Header = w.Header
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, req)
			return answer.Code
		},
	}, jobs.All()...)
	in := jobs.PublishInput{Title: "Queues", Transcript: "Queues fill up.", Clips: []string{"https://example.com/1.mp4"}}
	done := stage.Run("publish", in, dispatch.WithWebhookURL("https://app.example.com/published"))
	in.Clips = []string{}
	failed := stage.Run("publish", in, dispatch.WithWebhookURL("https://app.example.com/published"))
	for _, r := range []runtimetest.Report{done, failed} {
		if r.Record.Webhook == nil || !r.Record.Webhook.Delivered {
			t.Errorf("webhook of %s: %+v", r.JobID, r.Record.Webhook)
		}
	}
	for _, want := range []string{
		`msg=published jobId=` + done.JobID + ` title=Queues summary="Queues fill up"`,
		`msg="not published" jobId=` + failed.JobID + ` error="\"Queues\" has no clips`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, log.String())
		}
	}
}

func TestReceiverRefusesStrangers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, err := receiver.New(webhook.NewSecret().Reveal(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/published", strings.NewReader(`{"jobId":"j","workerId":"publish","status":"success","output":{}}`))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, req)
	if answer.Code != http.StatusUnauthorized || strings.Contains(log.String(), "msg=published") {
		t.Errorf("answered %d:\n%s", answer.Code, log.String())
	}
	if _, err := receiver.New("", slog.Default()); err == nil {
		t.Error("a receiver without a secret")
	}
}
