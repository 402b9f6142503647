package adopt_test

import (
	"context"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// Jobs that wait in the queue when it is taken over are the TypeScript system's, and are handled as
// they are: the message is one contract.
func TestJobsOfTheTypeScriptSystemAreHandled(t *testing.T) {
	t.Parallel()
	type input struct {
		Text string `json:"text"`
	}
	type output struct {
		Text, User string
	}
	echo := runtime.Must(runtime.New("echo", func(_ context.Context, job *runtime.Job[input]) (output, error) {
		return output{strings.ToUpper(job.Input.Text), job.UserID}, nil
	}))
	h := runtimetest.Start(t, echo)
	// As createWorker().dispatch sends it, the trigger, a worker to a worker, and a schedule.
	for id, body := range map[string]string{
		"job-1741064767000-abc": `{"workerId":"echo","jobId":"job-1741064767000-abc","input":{"text":"hi"},"context":{"requestId":"r-1","userId":"u-1","tenant":"t"},"metadata":{"tenant":"t"},"timestamp":"2025-03-04T05:06:07.000Z"}`,
		"job-trigger":           `{"workerId":"echo","jobId":"job-trigger","input":{"text":"hi"},"context":{"userId":"u-1"},"webhookUrl":"","metadata":{},"timestamp":"2025-03-04T05:06:07.000Z","maxTokens":5}`,
		"job-child":             `{"workerId":"echo","jobId":"job-child","input":{"text":"hi"},"context":{"requestId":"r-1","userId":"u-1"},"metadata":{"__trigger":{"type":"worker","parentJobId":"p","parentWorkerId":"q","awaited":false}},"timestamp":"2025-03-04T05:06:07.000Z"}`,
		"job-chain":             `{"workerId":"echo","jobId":"job-chain","input":{"text":"hi","__workerQueue":{"id":"c","stepIndex":0,"initialInput":{}}},"context":{},"userId":"u-1","metadata":{"__trigger":{"type":"schedule","queueId":"c","at":"2025-03-04T05:06:07.000Z"}},"timestamp":"2025-03-04T05:06:07.000Z"}`,
	} {
		h.Send("echo", body)
		h.Settle()
		report := h.Report(id)
		var out output
		if err := report.Err(); err != nil {
			t.Errorf("%s: %v", id, err)
		} else if err := report.Decode(&out); err != nil || out.Text != "HI" || out.User != "u-1" {
			t.Errorf("%s: %+v, %v", id, out, err)
		}
	}
	if letters := h.DeadLetters(); len(letters) > 0 {
		t.Errorf("dead letters %+v", letters)
	}
}
