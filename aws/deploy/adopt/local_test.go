package adopt_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// beside is a stage over HTTP, beside whose mappings ours stands, and whose stacks are in memory.
type beside struct {
	*aws.Stage
	stacks *account
	mu     sync.Mutex
	ours   *mapping // nil until it is deployed
}

func (b *beside) CloudFormation() aws.CloudFormationReader { return b.stacks }

func (b *beside) Lambda() aws.LambdaReader { return withOurs{b.Stage.Lambda(), b} }

type withOurs struct {
	aws.LambdaReader
	b *beside
}

func (l withOurs) ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput, o ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	out, err := l.LambdaReader.ListEventSourceMappings(ctx, in, o...)
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if m := l.b.ours; err == nil && m != nil && strings.HasSuffix(*in.EventSourceArn, ":"+m.queue) {
		out.EventSourceMappings = append(out.EventSourceMappings, lambdatypes.EventSourceMappingConfiguration{
			UUID: &m.uuid, State: &m.state, EventSourceArn: in.EventSourceArn, FunctionArn: awssdk.String(functionARN(m.function)),
		})
	}
	return out, err
}

// GetFunctionConfiguration knows nothing of the function that the endpoint has for its own API.
func (l withOurs) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput, o ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	if strings.HasSuffix(*in.FunctionName, "-api") {
		return nil, &lambdatypes.ResourceNotFoundException{}
	}
	return l.LambdaReader.GetFunctionConfiguration(ctx, in, o...)
}

// The same over HTTP: the real SDK, the real guard with its audit trail, SQS and Lambda.
func TestTakingOverAStageOnThisMachine(t *testing.T) {
	t.Parallel()
	setting := dispatch.SQSSetting{VisibilityTimeoutSeconds: 60, MaxReceiveCount: 1, RetentionSeconds: 345600, DLQRetentionSeconds: 1209600, BatchSize: 1}
	server, err := local.Start(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Stage: "prod", Service: "p-x",
		Programs: []local.Program{{Name: "workers", Command: []string{os.Args[0]}, Manifest: &dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{
			{ID: "echo", Group: "default", TimeoutSeconds: 30, MemoryMB: 256, SQS: setting},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	trail := t.TempDir() + "/audit.jsonl"
	stage, err := aws.Open(t.Context(), aws.Target{Stage: "prod", EndpointURL: server.Endpoint()}, aws.Options{
		Getenv: func(string) string { return "" }, HTTPClient: &http.Client{Transport: transport}, AuditPath: trail, Protection: aws.Protection{Never: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &beside{Stage: stage, stacks: newAccount()}

	p := of(worker("echo", "default"))
	if _, err := adopt.Prepare(t.Context(), s, stage.Guard(), p, adopt.Options{}); err == nil || !strings.Contains(err.Error(), "queue p-x-echo-prod exists already") || !strings.Contains(err.Error(), "function p-x-prod-workerEcho reads it") {
		t.Fatalf("without --adopt: %v", err)
	}
	ad, err := adopt.Prepare(t.Context(), s, stage.Guard(), p, adopt.Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	attributes := func() (visibility, redrive string) {
		t.Helper()
		out, err := stage.SQS().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: awssdk.String(p.Adopted["echo"].QueueURL), AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["VisibilityTimeout"], out.Attributes["RedrivePolicy"]
	}
	if err := ad.Fit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, r := attributes(); v != "1800" || !strings.Contains(r, `"maxReceiveCount":1`) {
		t.Errorf("fitted: visibility %s, redrive %s", v, r)
	}
	s.ours = &mapping{"uuid-ours", "p-x-echo-prod", ours, "Disabled"} // the first deployment
	if err := ad.Switch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, r := attributes(); !strings.Contains(r, `"maxReceiveCount":3`) || !strings.Contains(r, "p-x-echo-dlq-prod") {
		t.Errorf("switched: redrive %s", r)
	}
	s.mu.Lock()
	s.ours.state = "Enabled" // the second
	s.mu.Unlock()
	if err := ad.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func() string {
		t.Helper()
		out, err := stage.Lambda().ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{EventSourceArn: awssdk.String(p.Adopted["echo"].QueueARN)})
		if err != nil || len(out.EventSourceMappings) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return *out.EventSourceMappings[0].State
	}
	if got := state(); got != "Disabled" || !p.Adopted["echo"].Live {
		t.Errorf("the old mapping is %s, adopted %+v", got, p.Adopted)
	}
	s.ours = nil // our stack is gone
	if notes, err := adopt.GiveBack(t.Context(), s, stage.Guard(), p.Adopted, adopt.Options{}); err != nil || len(notes) > 0 {
		t.Fatalf("%q, %v", notes, err)
	}
	if v, r := attributes(); state() != "Enabled" || v != "60" || !strings.Contains(r, `"maxReceiveCount":1`) {
		t.Errorf("given back: %s, visibility %s, redrive %s", state(), v, r)
	}
	text, err := os.ReadFile(trail)
	if err != nil || strings.Count(string(text), `"push.adopt.`) != 10 { // begin and end of each
		t.Errorf("the audit trail:\n%s", text)
	}
}
