package local_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// A FIFO worker has FIFO queues, and its jobs run in the order in which they were
// sent. When it becomes a standard worker the old queue is not served any more.
func TestWorkerWithFIFOQueue(t *testing.T) {
	t.Parallel()
	m := manifest(t, "echo")
	m.Workers[0].SQS.FIFO, m.Workers[0].SQS.BatchSize = true, 10
	s := start(t, local.Config{Programs: []local.Program{program(m)}})
	c := connect(t, s, dispatch.StableHTTPClient)
	url := c.queueURL(t, "aiw-echo-demo.fifo")
	c.queueURL(t, "aiw-echo-dlq-demo.fifo")

	const jobs = 25
	var want []string
	for i := range jobs {
		id := fmt.Sprintf("job-%02d", i)
		want = append(want, id)
		if _, err := c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: url, MessageGroupId: awssdk.String("one"),
			MessageBody: awssdk.String(fmt.Sprintf(`{"workerId":"echo","jobId":%q,"input":{"text":"x"}}`, id)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	eventually(t, "all jobs to be completed", func() bool {
		got = nil
		for _, line := range c.search(t, "aiw-demo-workerEcho", `{ $.event = "job.completed" }`) {
			_, rest, _ := strings.Cut(line, `"jobId":"`)
			id, _, _ := strings.Cut(rest, `"`)
			got = append(got, id)
		}
		return len(got) >= jobs
	})
	if !slices.Equal(got, want) {
		t.Errorf("the order was %q", got)
	}

	if err := s.SetPrograms(t.Context(), []local.Program{program(manifest(t, "echo"))}); err != nil {
		t.Fatal(err)
	}
	out, err := c.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("aiw-demo-workerEcho")})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.EventSourceMappings) != 1 || !strings.HasSuffix(awssdk.ToString(out.EventSourceMappings[0].EventSourceArn), ":aiw-echo-demo") {
		t.Errorf("mappings %+v", out.EventSourceMappings)
	}
}

// What AWS refuses about a queue or a schedule is refused before anything changes.
func TestDeploymentIsCheckedFirst(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*dispatch.ManifestWorker){
		"a batch size of 11: it must be 1 to 10": func(w *dispatch.ManifestWorker) { w.SQS.FIFO, w.SQS.BatchSize = true, 11 },
		"Lambda allows none for a FIFO queue":    func(w *dispatch.ManifestWorker) { w.SQS.FIFO, w.SQS.MaximumBatchingWindowSeconds = true, 1 },
		"a batching window of 301 s":             func(w *dispatch.ManifestWorker) { w.SQS.MaximumBatchingWindowSeconds = 301 },
		"exactly one of day-of-month and day-of-week": func(w *dispatch.ManifestWorker) {
			w.Schedules = []dispatch.ScheduleSetting{{Expression: "cron(0 9 * * * *)"}}
		},
		"has 82 characters, and SQS allows 80": func(w *dispatch.ManifestWorker) { w.SQS.FIFO, w.ID = true, strings.Repeat("a", 64) },
	} {
		m := manifest(t, "echo")
		change(&m.Workers[0])
		s, err := local.Start(t.Context(), local.Config{Listen: "127.0.0.1:0", Stage: "demo", Service: "aiw", Programs: []local.Program{program(m)}})
		if err == nil {
			err = s.Close(t.Context())
			t.Errorf("%s: it was accepted; %v", want, err)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
