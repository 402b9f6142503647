package runtime

import (
	"log/slog"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// notify sends the completion webhook, if the job has one, and logs the result.
// A webhook that fails never fails the job.
func (d *delivery) notify(p webhookPayload) {
	target := d.msg.WebhookURL
	if target == "" {
		return
	}
	p.JobID, p.WorkerID, p.Metadata = d.jobID, d.workerID, d.msg.Metadata
	began := time.Now()
	status, attempts, err := d.batch.app.webhook.send(d.batch.ctx, target, p)
	attrs := []slog.Attr{slog.String("webhookUrl", loggableURL(target)), slog.Int("webhookAttempts", attempts), milliseconds(time.Since(began))}
	if status != 0 {
		attrs = append(attrs, slog.Int("webhookStatus", status))
	}
	if err != nil {
		d.event(slog.LevelWarn, "webhook not delivered: "+jsonlog.Truncate(err.Error(), 300), dispatch.EventWebhook,
			append(attrs, slog.Any("error", jobError(err)))...)
		return
	}
	d.event(slog.LevelInfo, "webhook delivered", dispatch.EventWebhook, attrs...)
}
