package doctor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

const (
	region  = "eu-west-1"
	account = "111122223333"
	role    = "arn:aws:sts::" + account + ":assumed-role/ops-read/somebody"
)

func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// fakeStage is a healthy stage of two workers, in which an action can be denied.
type fakeStage struct {
	// Calls that doctor must not make are nil, and panic.
	aws.SQSReader
	aws.LogsReader
	aws.LambdaReader
	aws.MetricsReader

	mu     sync.Mutex
	target aws.Target
	// denied is AWS's message by action.
	denied map[string]string
	// simulator is false when iam:SimulatePrincipalPolicy is denied.
	simulator bool
	calls     map[string]int
	reachErr  error
	skew      time.Duration // AWS's clock less ours
	hang      bool          // nothing but an unsigned request is ever answered
	credErr   error
	whoErr    error
	expires   time.Time
	key       string // of the queues; empty: none
	workers   []aws.Worker
	findings  []aws.Problem
	sources   []string
	warnings  []error
	info      aws.APIInfo // what the stacks say of the workers API, unless the target does
	api       *http.Client
}

func newFake() *fakeStage {
	return &fakeStage{
		target: aws.Target{Region: region, Stage: "prod"}, denied: map[string]string{}, simulator: true,
		info:  aws.APIInfo{KeyRef: "ssm:/p-x/prod/WORKERS_API_KEY", Stack: "p-x-prod"},
		calls: map[string]int{}, workers: []aws.Worker{worker("echo"), worker("video")}, api: http.DefaultClient,
	}
}

func queue(name string) *aws.Queue {
	return &aws.Queue{
		Name: name, URL: "https://sqs." + region + ".amazonaws.com/" + account + "/" + name,
		ARN: "arn:aws:sqs:" + region + ":" + account + ":" + name,
	}
}

func worker(id string) aws.Worker {
	fn := "p-x-prod-worker-" + id
	return aws.Worker{
		ID: id, Queue: queue("p-x-" + id + "-prod"), DLQ: queue("p-x-" + id + "-dlq-prod"),
		Function: &aws.Function{Name: fn, LogGroup: "/aws/lambda/" + fn},
		Mapping:  &aws.Mapping{UUID: "uuid-of-" + id},
	}
}

// enter counts a call and refuses it when its action is denied.
func (f *fakeStage) enter(ctx context.Context, service, operation, action string) error {
	if f.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[operation]++
	message, ok := f.denied[action]
	if !ok {
		return nil
	}
	return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: message}}
}

func (f *fakeStage) Target() aws.Target            { return f.target }
func (f *fakeStage) SQS() aws.SQSReader            { return f }
func (f *fakeStage) Logs() aws.LogsReader          { return f }
func (f *fakeStage) Lambda() aws.LambdaReader      { return f }
func (f *fakeStage) CloudWatch() aws.MetricsReader { return f }
func (f *fakeStage) API() *http.Client             { return f.api }

func (f *fakeStage) CloudFormation() aws.CloudFormationReader { return fakeStacks{f: f} }

func (f *fakeStage) WorkersAPI() aws.APIInfo {
	if f.target.BaseURL != "" {
		return aws.APIInfo{BaseURL: f.target.BaseURL}
	}
	return f.info
}

type fakeStacks struct {
	aws.CloudFormationReader
	f *fakeStage
}

func (s fakeStacks) DescribeStacks(ctx context.Context, _ *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return nil, s.f.enter(ctx, "CloudFormation", "DescribeStacks", "cloudformation:DescribeStacks")
}

func (f *fakeStage) Endpoints(context.Context) (out []aws.ServiceEndpoint) {
	for _, s := range []string{"sqs", "lambda", "logs", "cloudwatch", "sts"} {
		out = append(out, aws.ServiceEndpoint{Service: s, URL: "https://" + s + "." + region + ".amazonaws.com"})
	}
	return out
}

func (f *fakeStage) Reach(context.Context, string) (*http.Response, error) {
	if f.reachErr != nil {
		return nil, f.reachErr
	}
	return &http.Response{
		StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader("no")),
		Header: http.Header{"Date": {now().Add(f.skew).Format(http.TimeFormat)}},
	}, nil
}

func (f *fakeStage) Credentials(context.Context) (aws.CredentialsInfo, error) {
	return aws.CredentialsInfo{Source: "SSOProvider", Expires: f.expires}, f.credErr
}

func (f *fakeStage) Identity(ctx context.Context) (aws.Identity, error) {
	if f.hang {
		<-ctx.Done()
		return aws.Identity{}, ctx.Err()
	}
	if f.whoErr != nil {
		return aws.Identity{}, f.whoErr
	}
	return aws.Identity{Account: account, ARN: role}, nil
}

func (f *fakeStage) Inventory(ctx context.Context) (*aws.Inventory, error) {
	if f.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &aws.Inventory{Workers: f.workers, Findings: f.findings, Sources: f.sources, Warnings: f.warnings}, nil
}

func (f *fakeStage) Simulate(_ context.Context, caller string, actions []string, resource string) ([]aws.SimulatedDecision, error) {
	if caller != role || resource == "" {
		panic("Simulate for " + caller + " on " + resource)
	}
	if !f.simulator {
		return nil, &smithy.OperationError{ServiceID: "IAM", OperationName: "SimulatePrincipalPolicy", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}
	}
	var out []aws.SimulatedDecision
	for _, a := range actions {
		d := aws.SimulatedDecision{Action: a, Decision: "allowed", Organization: true, Boundary: true}
		message, denied := f.denied[a]
		if denied {
			d.Decision = "implicitDeny"
			d.Organization = !strings.Contains(message, "service control policy")
		}
		out = append(out, d)
	}
	return out, nil
}

func (f *fakeStage) ListQueues(ctx context.Context, _ *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	return nil, f.enter(ctx, "SQS", "ListQueues", "sqs:ListQueues")
}

func (f *fakeStage) GetQueueUrl(ctx context.Context, _ *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	return nil, f.enter(ctx, "SQS", "GetQueueUrl", "sqs:GetQueueUrl")
}

func (f *fakeStage) GetQueueAttributes(ctx context.Context, _ *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"KmsMasterKeyId": f.key}}, f.enter(ctx, "SQS", "GetQueueAttributes", "sqs:GetQueueAttributes")
}

func (f *fakeStage) ListDeadLetterSourceQueues(ctx context.Context, _ *sqs.ListDeadLetterSourceQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	return nil, f.enter(ctx, "SQS", "ListDeadLetterSourceQueues", "sqs:ListDeadLetterSourceQueues")
}

func (f *fakeStage) ListMessageMoveTasks(ctx context.Context, _ *sqs.ListMessageMoveTasksInput, _ ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	return nil, f.enter(ctx, "SQS", "ListMessageMoveTasks", "sqs:ListMessageMoveTasks")
}

func (f *fakeStage) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	panic("doctor must not receive")
}

func (f *fakeStage) ChangeMessageVisibilityBatch(ctx context.Context, _ *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return nil, f.enter(ctx, "SQS", "ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility")
}

func (f *fakeStage) ListFunctions(ctx context.Context, _ *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	return nil, f.enter(ctx, "Lambda", "ListFunctions", "lambda:ListFunctions")
}

func (f *fakeStage) ListEventSourceMappings(ctx context.Context, _ *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	return nil, f.enter(ctx, "Lambda", "ListEventSourceMappings", "lambda:ListEventSourceMappings")
}

func (f *fakeStage) GetFunctionConfiguration(ctx context.Context, _ *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	return nil, f.enter(ctx, "Lambda", "GetFunctionConfiguration", "lambda:GetFunctionConfiguration")
}

func (f *fakeStage) GetFunctionConcurrency(ctx context.Context, _ *lambda.GetFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	return nil, f.enter(ctx, "Lambda", "GetFunctionConcurrency", "lambda:GetFunctionConcurrency")
}

func (f *fakeStage) FilterLogEvents(ctx context.Context, _ *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	return nil, f.enter(ctx, "CloudWatch Logs", "FilterLogEvents", "logs:FilterLogEvents")
}

func (f *fakeStage) DescribeLogGroups(ctx context.Context, _ *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	return nil, f.enter(ctx, "CloudWatch Logs", "DescribeLogGroups", "logs:DescribeLogGroups")
}

func (f *fakeStage) GetMetricData(ctx context.Context, _ *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return nil, f.enter(ctx, "CloudWatch", "GetMetricData", "cloudwatch:GetMetricData")
}

// run diagnoses the stage, with state below a directory of the test's.
func run(t *testing.T, f *fakeStage, env map[string]string) *doctor.Report {
	t.Helper()
	dir := t.TempDir()
	return doctor.Run(t.Context(), f, doctor.Options{Now: now, Getenv: func(name string) string {
		if name == "XDG_STATE_HOME" && env[name] == "" {
			return dir
		}
		return env[name]
	}})
}

// find is the first check of a name.
func find(t *testing.T, r *doctor.Report, name string) doctor.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check of %s in %+v", name, r.Checks)
	return doctor.Check{}
}

// refusal is AWS's message.
func refusal(action, because string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: x %s", role, action, because)
}
