// Package receiver is the other end of a completion webhook: what an application
// has that wants to hear of its jobs.
package receiver

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/microfox-ai/aiwctl/examples/workers/jobs"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// remembered is how many events the receiver knows again when they are repeated.
const remembered = 1000

// New makes a receiver of the jobs of worker publish, which notes in the log what
// came of them. The secret is the one in the worker's WORKER_WEBHOOK_SECRET: a
// request that is not signed with it never gets as far as the function.
func New(secret string, log *slog.Logger) (http.Handler, error) {
	cfg := webhook.Config{Secret: secret, Remember: remembered, Logger: log}
	return webhook.Handler(cfg, func(ctx context.Context, e webhook.Event[jobs.PublishOutput]) error {
		if e.Status == webhook.StatusError {
			log.WarnContext(ctx, "not published", "jobId", e.JobID, "error", e.Error.Message)
			return nil
		}
		log.InfoContext(ctx, "published", "jobId", e.JobID, "title", e.Output.Title, "summary", e.Output.Summary)
		return nil
	})
}
