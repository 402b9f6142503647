package workersapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

// logBuffer is a log that can be read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fakeSQS knows one queue per name and keeps what is sent.
type fakeSQS struct {
	SQSAPI // what the API does not call
	urls   map[string]string
	// policies are RedrivePolicies by queue URL; "error" makes the call fail.
	policies map[string]string
	sendErr  error

	mu    sync.Mutex
	sent  []string
	to    []string
	ids   []string // "group deduplication id" of each message
	calls []string
}

func (f *fakeSQS) called(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

// taken returns the calls since it was called last.
func (f *fakeSQS) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fakeSQS) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	name := *in.QueueName
	if in.QueueOwnerAWSAccountId != nil {
		name = *in.QueueOwnerAWSAccountId + "/" + name
	}
	f.called("url " + name)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	url, ok := f.urls[name]
	if !ok {
		text := "The specified queue does not exist."
		return nil, &sqstypes.QueueDoesNotExist{Message: &text}
	}
	if url == "" {
		return &sqs.GetQueueUrlOutput{}, nil
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: &url}, nil
}

func (f *fakeSQS) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	f.called("attributes " + *in.QueueUrl)
	switch policy := f.policies[*in.QueueUrl]; policy {
	case "error":
		text := "not for you"
		return nil, &sqstypes.RequestThrottled{Message: &text}
	case "":
		return &sqs.GetQueueAttributesOutput{}, nil
	default:
		return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"RedrivePolicy": policy}}, nil
	}
}

func (f *fakeSQS) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sendErr != nil {
		return nil, f.sendErr
	}
	f.sent = append(f.sent, *in.MessageBody)
	f.to = append(f.to, *in.QueueUrl)
	f.ids = append(f.ids, awssdk.ToString(in.MessageGroupId)+" "+awssdk.ToString(in.MessageDeduplicationId))
	id := "message-1"
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

func (f *fakeSQS) messages() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.sent, "|")
}

func apiManifest() dispatch.Manifest {
	return dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{
		{ID: "echo", InputSchema: json.RawMessage(`{"type":"object"}`)},
		{ID: "gone"},
		{ID: "video-processing", Group: "media"},
	}}
}

func demoQueues() map[string]string {
	return map[string]string{"aiw-echo-demo": "http://q/echo", "aiw-video-processing-demo": "http://q/video", "aiw-mute-demo": ""}
}

// stage is a workers API whose parts a test can look into.
type stage struct {
	sqs *fakeSQS
	log *logBuffer
	h   http.Handler
}

// newStage makes a workers API of the service aiw and the stage demo, unless cfg
// says otherwise; env is its whole environment.
func newStage(cfg Config, fake *fakeSQS, env map[string]string) stage {
	s := stage{sqs: fake, log: &logBuffer{}}
	cfg.SQS, cfg.Output, cfg.SchemaEngine = fake, s.log, fullschema.Engine{}
	cfg.Getenv = func(name string) string { return env[name] }
	s.h = New(cfg)
	return s
}

func demoConfig(m dispatch.Manifest) Config {
	return Config{Manifest: m, Stage: "demo", Region: "eu-west-1", Service: "aiw"}
}

func (s stage) do(t *testing.T, method, target, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, req)
	return w
}
