package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// fakeQueue remembers what was sent.
type fakeQueue struct {
	sent []*sqs.SendMessageInput
	err  error
}

func (f *fakeQueue) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.sent = append(f.sent, in)
	id := "sqs-1"
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

func queueURLs(_ context.Context, workerID string) (string, error) {
	switch workerID {
	case "echo":
		return "https://sqs/1/aiw-echo-demo", nil
	case "broken":
		return "", errors.New("throttled")
	}
	return "", nil
}

func TestSQSSend(t *testing.T) {
	t.Parallel()
	queue := &fakeQueue{}
	id, err := dispatch.NewSQS(queue, queueURLs).Send(t.Context(), &dispatch.Message{WorkerID: "echo", JobID: "j"}, 1500*time.Millisecond)
	if err != nil || id != "sqs-1" {
		t.Fatalf("Send = %q, %v", id, err)
	}
	in := queue.sent[0]
	if *in.QueueUrl != "https://sqs/1/aiw-echo-demo" || in.DelaySeconds != 2 ||
		*in.MessageBody != `{"workerId":"echo","jobId":"j","input":{},"context":{},"metadata":{}}` || len(in.MessageAttributes) > 0 {
		t.Errorf("sent %+v", in)
	}
}

func TestSQSRefusals(t *testing.T) {
	t.Parallel()
	gone := &types.QueueDoesNotExist{}
	tests := []struct {
		name   string
		m      *dispatch.Message
		delay  time.Duration
		sdkErr error
		is     error
		says   string
	}{
		{name: "a negative delay", m: &dispatch.Message{WorkerID: "echo"}, delay: -1, is: dispatch.ErrDelay, says: "0 to 900"},
		{name: "a long delay", m: &dispatch.Message{WorkerID: "echo"}, delay: 901 * time.Second, is: dispatch.ErrDelay, says: "15m1s"},
		{name: "unknown worker", m: &dispatch.Message{WorkerID: "nobody"}, is: dispatch.ErrUnknownWorker, says: `"nobody"`},
		{name: "nil", m: nil, is: dispatch.ErrUnknownWorker, says: `""`},
		{name: "no queue URL to be had", m: &dispatch.Message{WorkerID: "broken"}, says: "throttled"},
		{name: "no such queue", m: &dispatch.Message{WorkerID: "echo"}, sdkErr: gone, is: dispatch.ErrUnknownWorker, says: "https://sqs/1/aiw-echo-demo"},
		{name: "the SDK's own", m: &dispatch.Message{WorkerID: "echo"}, sdkErr: context.DeadlineExceeded, is: context.DeadlineExceeded, says: `"echo"`},
		{
			name: "too large", m: &dispatch.Message{WorkerID: "echo", Metadata: map[string]any{"x": strings.Repeat("x", 1<<20)}},
			is: dispatch.ErrTooLarge, says: "SQS takes 1048576",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			queue := &fakeQueue{err: tt.sdkErr}
			_, err := dispatch.NewSQS(queue, queueURLs).Send(t.Context(), tt.m, tt.delay)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v with %q", err, tt.is, tt.says)
			}
			if len(queue.sent) > 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestQueueURLEnv(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"video-processing": "WORKER_QUEUE_URL_VIDEO_PROCESSING",
		"echo":             "WORKER_QUEUE_URL_ECHO",
		"smartDemo.v2":     "WORKER_QUEUE_URL_SMARTDEMO.V2",
	} {
		if got := dispatch.QueueURLEnv(id); got != want {
			t.Errorf("QueueURLEnv(%q) = %q, want %q", id, got, want)
		}
	}
}

// constantURL is one queue for every worker.
func constantURL(url string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return url, nil }
}

func TestSQSSendIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &batchQueue{took: time.Hour}
		s := dispatch.NewSQS(f, func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		for name, send := range map[string]func() error{
			"a queue that is not found": func() error {
				_, err := s.Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, 0)
				return err
			},
			"a batch that is not answered": func() error {
				return dispatch.NewSQS(f, queueURLs).SendBatch(t.Context(), "echo", []dispatch.BatchEntry{{Message: &dispatch.Message{}, Body: []byte("{}")}})[0].Err
			},
		} {
			start := time.Now()
			if err := send(); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != dispatch.DefaultTryTimeout {
				t.Errorf("%s: %v after %s", name, err, time.Since(start))
			}
		}
	})
}
