package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// outbox is an SQS client that keeps what is sent.
type outbox struct {
	SQSAPI
	sent []*sqs.SendMessageInput
	err  error
}

func (o *outbox) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if o.err != nil {
		return nil, o.err
	}
	o.sent = append(o.sent, in)
	return &sqs.SendMessageOutput{}, nil
}

// EventBridge's own event, from its user guide.
const scheduledEventText = `{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events",
	"account":"123456789012","time":"2026-10-08T16:53:06Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:123456789012:rule/nightly"],"detail":{}}`

func scheduledApp(t *testing.T, out *outbox, handler string, workers ...Runner) func(context.Context, string) error {
	t.Helper()
	env := map[string]string{
		"_HANDLER": handler, "WORKER_QUEUE_URL_TICK": "https://sqs.us-east-1.amazonaws.com/123456789012/aiw-tick-dev",
		"WORKER_QUEUE_URL_LINE": "https://sqs.us-east-1.amazonaws.com/123456789012/aiw-line-dev.fifo",
	}
	app, err := NewApp(AppConfig{
		Output: &strings.Builder{}, SQS: out, Getenv: func(name string) string { return env[name] },
		Now: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) },
	}, workers...)
	if err != nil {
		t.Fatal(err)
	}
	h, err := app.lambdaHandler()
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, payload string) error {
		resp, err := h.(lambda.Handler).Invoke(ctx, []byte(payload))
		if bytes.Contains(resp, []byte("itemIdentifier")) {
			t.Errorf("failures %s", resp)
		}
		return err
	}
}

func tick(id string, opts ...Option) Runner { return Must(New(id, accept, opts...)) }

func TestScheduledEventBecomesAJob(t *testing.T) {
	t.Parallel()
	nightly := WithSchedule("cron(0 3 * * ? *)", ScheduleInput(order{Number: 4, Note: "<&>"}))
	request := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	for _, tt := range []struct {
		name, handler, payload, input, at, group string
	}{
		{"EventBridge's event", "worker.tick", scheduledEventText, `{"number":4,"note":"<&>"}`, "2026-10-08T16:53:06.000Z", ""},
		{"the deployment's input", "worker.tick", `{"aiworkerSchedule":{"workerId":"tick","input":{"number":5},"id":"e1","at":"2026-10-09T00:00:00Z"}}`, `{"number":5}`, "2026-10-09T00:00:00.000Z", ""},
		{"to a function of several workers", "main", `{"aiworkerSchedule":{"workerId":"line","input":{"number":6}}}`, `{"number":6}`, "2026-11-01T00:00:00.000Z", "line"},
		{"no input", "worker.tick", `{"aiworkerSchedule":{}}`, `{}`, "2026-11-01T00:00:00.000Z", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := &outbox{}
			handle := scheduledApp(t, out, tt.handler, tick("tick", nightly), tick("line", WithFIFO()))
			// Lambda calls twice when it is not sure of the first time.
			for range 2 {
				if err := handle(request, tt.payload); err != nil {
					t.Fatal(err)
				}
			}
			if len(out.sent) != 2 {
				t.Fatalf("%d messages", len(out.sent))
			}
			var jobs []*dispatch.Message
			for _, in := range out.sent {
				msg, err := dispatch.ParseMessage([]byte(*in.MessageBody))
				if err != nil {
					t.Fatal(err)
				}
				jobs = append(jobs, msg)
			}
			msg := jobs[0]
			trigger, _ := msg.Metadata["__trigger"].(map[string]any)
			if string(msg.Input) != tt.input || trigger["type"] != "schedule" || trigger["at"] != tt.at {
				t.Errorf("message %s", *out.sent[0].MessageBody)
			}
			if msg.JobID == "" || jobs[1].JobID != msg.JobID {
				t.Errorf("the job ids are %q and %q, want one", msg.JobID, jobs[1].JobID)
			}
			worker := "tick"
			if tt.group != "" {
				worker = tt.group
				if in := out.sent[0]; in.MessageGroupId == nil || *in.MessageGroupId != tt.group || *in.MessageDeduplicationId != msg.JobID {
					t.Errorf("group %v, deduplication %v", in.MessageGroupId, in.MessageDeduplicationId)
				}
			}
			if msg.WorkerID != worker || !strings.Contains(*out.sent[0].QueueUrl, "/aiw-"+worker+"-dev") {
				t.Errorf("job for %q in %s", msg.WorkerID, *out.sent[0].QueueUrl)
			}
		})
	}
}

func TestScheduledRunsHaveTheirOwnJobs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	at := time.Date(2026, 10, 8, 0, 0, 0, 0, time.UTC)
	for _, run := range []dispatch.ScheduledRun{
		{WorkerID: "a", ID: "1", At: at},
		{WorkerID: "b", ID: "1", At: at},
		{WorkerID: "a", ID: "2", At: at},
		{WorkerID: "a", ID: "1", At: at.Add(time.Minute)},
		{WorkerID: "a", ID: "1"},
		{WorkerID: "a", ID: "2"},
	} {
		id := run.Message(at).JobID
		if seen[id] || id != run.Message(at.Add(time.Hour)).JobID || !strings.HasPrefix(id, "job-") {
			t.Errorf("%+v: job %s", run, id)
		}
		seen[id] = true
	}
}

func TestScheduledEventErrors(t *testing.T) {
	t.Parallel()
	two := []Option{WithSchedule("rate(1 hour)", ScheduleInput(order{Number: 1})), WithSchedule("rate(1 day)", ScheduleInput(order{Number: 2}))}
	for _, tt := range []struct {
		name, handler, payload, want string
		opts                         []Option
		out                          outbox
	}{
		{"several workers", "main", scheduledEventText, "names no worker", nil, outbox{}},
		{"several inputs", "worker.tick", scheduledEventText, "which of the worker's schedules", two, outbox{}},
		{"another worker", "worker.tick", `{"aiworkerSchedule":{"workerId":"line"}}`, `this function runs worker "tick"`, nil, outbox{}},
		{"no such worker", "main", `{"aiworkerSchedule":{"workerId":"gone","id":"1"}}`, "no such worker", nil, outbox{}},
		{"no id", "worker.tick", `{"aiworkerSchedule":{"workerId":"tick"}}`, "neither the event nor the invocation has an id", nil, outbox{}},
		{"no queue", "worker.lost", `{"aiworkerSchedule":{"id":"1"}}`, "WORKER_QUEUE_URL_LOST is empty", nil, outbox{}},
		{"the queue fails", "worker.tick", scheduledEventText, "no network", nil, outbox{err: errors.New("no network")}},
		{"another event of EventBridge", "worker.tick", `{"source":"aws.events","detail-type":"Something else"}`, "no Records", nil, outbox{}},
		{"an event of S3", "worker.tick", `{"source":"aws.s3"}`, "no Records", nil, outbox{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			handle := scheduledApp(t, &tt.out, tt.handler, tick("tick", tt.opts...), tick("line"), tick("lost"))
			if err := handle(t.Context(), tt.payload); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
			if len(tt.out.sent) > 0 {
				t.Errorf("sent %s", *tt.out.sent[0].MessageBody)
			}
		})
	}
}

// A job whose text speaks of schedules is still a job.
func TestSQSEventIsNoSchedule(t *testing.T) {
	t.Parallel()
	out := &outbox{}
	handle := scheduledApp(t, out, "worker.tick", tick("tick"))
	text, err := json.Marshal(batchOf(record("m1", `{"workerId":"tick","jobId":"j","input":{"number":1,"note":"aws.events aiworkerSchedule"},"aiworkerSchedule":{"workerId":"tick"}}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := handle(t.Context(), string(text)); err != nil || len(out.sent) > 0 {
		t.Errorf("%v, %d messages", err, len(out.sent))
	}
}
