package logs_test

import (
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestMoment(t *testing.T) {
	t.Parallel()
	webhook := func(msg, more string) string {
		return `{"level":"INFO","msg":"` + msg + `","event":"job.webhook","jobId":"j","webhookUrl":"https://x.example/hook","webhookAttempts":2` + more + `}`
	}
	for name, tt := range map[string]struct {
		in   string
		want logs.Moment // zero: none
	}{
		"plain":   {in: "try 1 of 4 failed (busy)"},
		"started": {in: `{"msg":"job started","event":"job.started","jobId":"j"}`},
		"try": {
			in:   `{"level":"WARN","msg":"try 1 of 4 failed (rate limit), the next one starts in 1.5s: busy","jobId":"j","workerId":"w","attempt":1,"pattern":"rate limit","try":1,"delayMs":1500,"error":{"message":"busy","name":"E"}}`,
			want: logs.Moment{Kind: logs.MomentTry, Try: 1, Tries: 4, Delay: 1500 * time.Millisecond, Error: dispatch.JobError{Name: "E", Message: "busy"}, Text: "try 1 of 4 failed (rate limit), the next one starts in 1.5s: busy"},
		},
		"somebody else's try": {in: `{"level":"WARN","msg":"try 1 of 4 failed","jobId":"j"}`},
		"TypeScript retry": {
			in:   `[WARN] [w] [j] [worker-retry] Retrying handler (attempt 2/3): no host {"delayMs":1000}`,
			want: logs.Moment{Kind: logs.MomentTry, Try: 1, Tries: 3, Delay: time.Second, Error: dispatch.JobError{Message: "no host"}, Text: "no host"},
		},
		"TypeScript retry of a step": {
			in:   `[WARN] [w] [j] [queue-retry] Retrying step (attempt 3/3): no host`,
			want: logs.Moment{Kind: logs.MomentTry, Try: 2, Tries: 3, Error: dispatch.JobError{Message: "no host"}, Text: "no host"},
		},
		"delivered": {in: webhook("webhook delivered", `,"webhookStatus":204`), want: logs.Moment{Kind: logs.MomentWebhook, Delivered: true, URL: "https://x.example/hook", Status: 204, Attempts: 2, Text: "webhook delivered"}},
		"pending": {
			in:   webhook("webhook not delivered yet, a message in the queue will try again: 503", `,"webhookStatus":503,"error":{"message":"503"}`),
			want: logs.Moment{Kind: logs.MomentWebhook, Pending: true, URL: "https://x.example/hook", Status: 503, Attempts: 2, Error: dispatch.JobError{Message: "503"}, Text: "webhook not delivered yet, a message in the queue will try again: 503"},
		},
		"lost":      {in: webhook("webhook lost: too long", ""), want: logs.Moment{Kind: logs.MomentWebhook, URL: "https://x.example/hook", Attempts: 2, Text: "webhook lost: too long"}},
		"callback":  {in: "[Worker] Webhook callback successful: { jobId: 'j', workerId: 'w', status: 200 }", want: logs.Moment{Kind: logs.MomentWebhook, Delivered: true, Status: 200, Attempts: 1, Text: "Webhook callback successful"}},
		"no answer": {in: "[Worker] Webhook callback error: { jobId: 'j', workerId: 'w', error: 'fetch failed' }", want: logs.Moment{Kind: logs.MomentWebhook, Attempts: 1, Error: dispatch.JobError{Message: "fetch failed"}, Text: "Webhook callback error"}},
		"refused":   {in: "[Worker] Webhook callback failed: {\n  jobId: 'j',\n  status: 500,\n  statusText: 'Internal'\n}", want: logs.Moment{Kind: logs.MomentWebhook, Status: 500, Attempts: 1, Error: dispatch.JobError{Message: "Internal"}, Text: "Webhook callback failed"}},
		"step":      {in: "[Worker] Queue job step updated {\n  queueId: 'q',\n  queueJobId: 'qj',\n  stepIndex: 0,\n  workerId: 'w',\n  status: 'completed'\n}", want: logs.Moment{Kind: logs.MomentStep, Text: "queue q, run qj: the step is completed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := logs.Parse("g", "s", "w", "e", time.Time{}, tt.in)
			if m, ok := l.Moment(); m != tt.want || ok != (tt.want != logs.Moment{}) {
				t.Errorf("got %v %+v\nwant %+v", ok, m, tt.want)
			}
		})
	}
}
