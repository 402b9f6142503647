package runtime

import (
	"os"
	"testing"
)

func TestZZInterop(t *testing.T) {
	url := os.Getenv("INTEROP_URL")
	if url == "" {
		t.Skip("by hand")
	}
	q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", otherWebhookSecret+" "+testWebhookSecret), nil)
	q.deliver(t, queued("m1", webhookBody("ok", url), 1))
	q.deliver(t, queued("m2", webhookBody("permanent", url), 1))
	t.Log(q.job(t, "j-1").Webhook)
}
