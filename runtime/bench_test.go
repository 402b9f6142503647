package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func benchHandler(_ context.Context, j *Job[order]) (order, error) { return j.Input, nil }

// benchPayload is an SQS event as Lambda sends it.
func benchPayload(b *testing.B, messages int) json.RawMessage {
	b.Helper()
	ev := batchOf()
	for i := range messages {
		rec := record(fmt.Sprint("059f36b4-87a3-44ab-83d2-66197500000", i), body("w", fmt.Sprint("job-1767225600123-00000000", i), `{"number":1,"note":"hello"}`), 1)
		rec.ReceiptHandle, rec.EventSourceARN = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", "arn:aws:sqs:us-east-1:123456789012:svc-w-prod"
		rec.EventSource, rec.AWSRegion, rec.Md5OfBody = "aws:sqs", "us-east-1", "e4e68fb7bd0e697a0ae8f1bb342846b3"
		ev.Records = append(ev.Records, rec)
	}
	text, err := json.Marshal(ev)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// BenchmarkHandleSQS measures what the runtime adds to a job: the same handler
// behind a bare aws-lambda-go function, and as a worker, which also checks input
// and output, logs the job, and contains panics. Each invocation has a deadline,
// as in Lambda. The difference between "worker" and "bare" is the runtime's; ns/msg
// is time per message, allocs/op are those of a whole batch.
func BenchmarkHandleSQS(b *testing.B) {
	bare := lambda.NewHandler(func(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
		for _, rec := range ev.Records {
			var m struct {
				JobID string `json:"jobId"`
				Input order  `json:"input"`
			}
			if err := json.Unmarshal([]byte(rec.Body), &m); err != nil {
				return events.SQSEventResponse{}, err
			}
			out, err := benchHandler(ctx, &Job[order]{ID: m.JobID, Input: m.Input})
			if err != nil || out.Number == 0 {
				return events.SQSEventResponse{}, err
			}
		}
		return events.SQSEventResponse{}, nil
	})
	worker := func() lambda.Handler {
		app, err := NewApp(AppConfig{Output: io.Discard, Getenv: func(name string) string {
			return map[string]string{envHandler: handlerPrefix + "w", "AIWORKER_MAX_RECEIVE_COUNT": "3"}[name]
		}}, Must(New("w", benchHandler)))
		if err != nil {
			b.Fatal(err)
		}
		h, err := app.lambdaHandler()
		if err != nil {
			b.Fatal(err)
		}
		return lambda.NewHandler(h)
	}
	for _, messages := range []int{1, 10} {
		payload := benchPayload(b, messages)
		for _, bb := range []struct {
			name string
			h    lambda.Handler
		}{{"bare", bare}, {"worker", worker()}} {
			b.Run(fmt.Sprintf("%s/batch=%d", bb.name, messages), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
					answer, err := bb.h.Invoke(ctx, payload)
					cancel()
					if err != nil || len(answer) > len(`{"batchItemFailures":null}`) {
						b.Fatal(string(answer), err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(messages), "ns/msg")
			})
		}
	}
}

// BenchmarkNew measures what a worker costs at the start of a function.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New("w", accept); err != nil {
			b.Fatal(err)
		}
	}
}
