package adopt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// account is an account in memory, with a deployment as package deploy makes it.
type account struct {
	aws.SQSReader
	aws.LambdaReader
	aws.CloudFormationReader
	aws.DeployWriter

	queues    map[string]map[string]string // attributes by name
	functions map[string]bool
	mappings  []*mapping
	tags      map[string]map[string]string // by ARN
	stacks    map[string]*fakeStack
	denied    map[string]bool // by operation

	// log is what was written and how mappings changed, in order. dieAt, when not zero, makes
	// everything fail from that write on: somebody has killed us.
	log   []string
	dieAt int
	busy  int // how often a mapping is in use when it is to be updated
}

type mapping struct{ uuid, queue, function, state string }

type fakeStack struct {
	tags      map[string]string
	template  string
	resources []cftypes.StackResourceSummary
}

func newAccount() *account {
	return &account{
		queues: map[string]map[string]string{}, functions: map[string]bool{}, tags: map[string]map[string]string{},
		stacks: map[string]*fakeStack{}, denied: map[string]bool{},
	}
}

const base = "https://sqs.eu-west-1.amazonaws.com/111122223333/"

func queueARN(name string) string { return "arn:aws:sqs:eu-west-1:111122223333:" + name }

func functionARN(name string) string { return "arn:aws:lambda:eu-west-1:111122223333:function:" + name }

// queue adds a queue with a dead-letter queue, unless that is empty.
func (a *account) queue(name, dlq string, waiting int) map[string]string {
	q := map[string]string{
		"QueueArn": queueARN(name), "VisibilityTimeout": "360", "MessageRetentionPeriod": "1209600",
		"ApproximateNumberOfMessages": strconv.Itoa(waiting), "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
	}
	if dlq != "" {
		q["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, queueARN(dlq))
	}
	a.queues[name] = q
	return q
}

// typescript adds a worker as the TypeScript tools deploy it: one attempt.
func (a *account) typescript(service, id string) {
	st := service + "-prod"
	if a.stacks[st] == nil {
		a.stacks[st] = &fakeStack{tags: map[string]string{"STAGE": "prod"}, template: "{}"}
	}
	q, dlq, fn := service+"-"+id+"-prod", service+"-"+id+"-dlq-prod", dispatch.FunctionName(service, "prod", id)
	a.queue(dlq, "", 0)
	a.queue(q, dlq, 2)
	a.functions[fn] = true
	a.mappings = append(a.mappings, &mapping{"uuid-" + fn, q, fn, "Enabled"})
	for _, arn := range []string{queueARN(q), queueARN(dlq), functionARN(fn)} {
		a.tags[arn] = map[string]string{"STAGE": "prod", "aws:cloudformation:stack-name": st}
	}
}

// deploy does what package deploy does with p's stacks.
func (a *account) deploy(t *testing.T, p *project.Project) error {
	t.Helper()
	kept := map[string]bool{}
	for _, st := range p.Stacks() {
		if err := a.write("deploy " + st.Name); err != nil {
			return err
		}
		fs := &fakeStack{tags: map[string]string{"aiwctl:project": p.Service, "STAGE": p.Stage}}
		adopted := map[string]project.Adopted{}
		resource := func(kind, id string) {
			fs.resources = append(fs.resources, cftypes.StackResourceSummary{ResourceType: &kind, PhysicalResourceId: &id, ResourceStatus: cftypes.ResourceStatusCreateComplete})
		}
		for _, w := range st.Workers {
			ad, isAdopted := p.Adopted[w.ID]
			fn, q, state := project.FunctionName(st.Service, p.Stage, w.ID, isAdopted), ad.Queue, "Enabled"
			if isAdopted {
				adopted[w.ID] = ad
				if n, _ := strconv.Atoi(a.queues[q]["VisibilityTimeout"]); n < w.TimeoutSeconds {
					t.Fatalf("Lambda refuses a mapping of queue %s: it hides messages for %d s and the function may take %d s", q, n, w.TimeoutSeconds)
				}
				if !ad.Live {
					state = "Disabled"
				}
			} else {
				q = project.QueueName(st.Service, p.Stage, w.ManifestWorker)
				dlq := project.DLQName(st.Service, p.Stage, w.ManifestWorker)
				a.queue(dlq, "", 0)
				a.queue(q, dlq, 0)
				resource("AWS::SQS::Queue", base+q)
				resource("AWS::SQS::Queue", base+dlq)
			}
			a.functions[fn] = true
			resource("AWS::Lambda::Function", fn)
			kept["uuid-"+fn] = true
			a.put(&mapping{"uuid-" + fn, q, fn, state})
		}
		if st.Base() {
			a.functions[project.APIFunctionName(p.Service, p.Stage)] = true
			resource("AWS::Lambda::Function", project.APIFunctionName(p.Service, p.Stage))
		}
		text, err := json.Marshal(map[string]any{"Metadata": map[string]any{"aiwctl": map[string]any{"version": 1, "adopted": adopted}}})
		if err != nil {
			t.Fatal(err)
		}
		fs.template = string(text)
		a.stacks[st.Name] = fs
	}
	// What the code no longer has goes, with the stacks of its groups.
	a.mappings = slices.DeleteFunc(a.mappings, func(m *mapping) bool {
		return strings.HasSuffix(m.function, "-go") && !kept[m.uuid]
	})
	for _, name := range a.stackNames() {
		if !slices.ContainsFunc(p.Stacks(), func(st project.Stack) bool { return st.Name == name }) {
			delete(a.stacks, name)
		}
	}
	return nil
}

// stackNames are our stacks, sorted.
func (a *account) stackNames() (names []string) {
	for name, st := range a.stacks {
		if st.tags["aiwctl:project"] != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (a *account) put(m *mapping) {
	for _, had := range a.mappings {
		if had.uuid == m.uuid {
			if had.state != m.state {
				a.note(had, m.state)
			}
			return
		}
	}
	m2 := *m
	a.mappings = append(a.mappings, &m2)
	a.note(&m2, m.state)
}

func (a *account) note(m *mapping, state string) {
	m.state = state
	a.log = append(a.log, m.function+" "+state)
}

var errKilled = errors.New("killed")

func (a *account) write(what string) error {
	if a.dieAt == 1 {
		return errKilled
	}
	if a.dieAt > 1 {
		a.dieAt--
	}
	a.log = append(a.log, what)
	return nil
}

// readers are the functions whose mappings are on.
func (a *account) readers(queue string) (out []string) {
	for _, m := range a.mappings {
		if m.queue == queue && m.state != "Disabled" {
			out = append(out, m.function)
		}
	}
	return out
}

func (a *account) Target() aws.Target { return aws.Target{Region: "eu-west-1", Stage: "prod"} }

func (a *account) CloudFormation() aws.CloudFormationReader { return a }
func (a *account) SQS() aws.SQSReader                       { return a }
func (a *account) Lambda() aws.LambdaReader                 { return a }
func (a *account) Tags() aws.TagsReader                     { return a }

func (a *account) fail(operation string) error {
	if a.denied[operation] {
		return &smithy.OperationError{ServiceID: "AWS", OperationName: operation, Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}
	}
	return nil
}

func (a *account) Deploy(ctx context.Context, action aws.Action, fn func(context.Context, aws.DeployWriter) error) error {
	if len(action.Queues) != 1 || action.Object == "" || action.Name == "" {
		return fmt.Errorf("the action does not say what it is done to: %+v", action)
	}
	return fn(ctx, a)
}

func (a *account) SetQueueAttributes(_ context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	name := path.Base(*in.QueueUrl)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(in.Attributes)) {
		parts = append(parts, k+"="+in.Attributes[k])
	}
	if err := a.write("set " + name + " " + strings.Join(parts, " ")); err != nil {
		return nil, err
	}
	maps.Copy(a.queues[name], in.Attributes)
	return &sqs.SetQueueAttributesOutput{}, nil
}

func (a *account) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	if a.busy > 0 {
		a.busy--
		return nil, &lambdatypes.ResourceInUseException{Message: awssdk.String("it is being updated")}
	}
	if err := a.write(fmt.Sprintf("enable %s: %v", *in.UUID, *in.Enabled)); err != nil {
		return nil, err
	}
	for _, m := range a.mappings {
		if m.uuid == *in.UUID {
			m.state = map[bool]string{true: "Enabling", false: "Disabling"}[*in.Enabled]
		}
	}
	return &lambda.UpdateEventSourceMappingOutput{}, nil
}

// ListEventSourceMappings brings what is under way to its end once it was told.
func (a *account) ListEventSourceMappings(_ context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	out := &lambda.ListEventSourceMappingsOutput{}
	for _, m := range a.mappings {
		if queueARN(m.queue) != *in.EventSourceArn {
			continue
		}
		out.EventSourceMappings = append(out.EventSourceMappings, lambdatypes.EventSourceMappingConfiguration{
			UUID: awssdk.String(m.uuid), State: awssdk.String(m.state), EventSourceArn: in.EventSourceArn, FunctionArn: awssdk.String(functionARN(m.function)),
		})
		if to := map[string]string{"Enabling": "Enabled", "Disabling": "Disabled"}[m.state]; to != "" {
			a.note(m, to)
		}
	}
	return out, a.fail("ListEventSourceMappings")
}

func (a *account) GetFunctionConfiguration(_ context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	if !a.functions[*in.FunctionName] {
		return nil, &lambdatypes.ResourceNotFoundException{Message: awssdk.String("no such function")}
	}
	return &lambda.GetFunctionConfigurationOutput{FunctionArn: awssdk.String(functionARN(*in.FunctionName))}, nil
}

func (a *account) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for name := range a.queues {
		if strings.HasPrefix(name, *in.QueueNamePrefix) {
			out.QueueUrls = append(out.QueueUrls, base+name)
		}
	}
	return out, a.fail("ListQueues")
}

func (a *account) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	if a.queues[*in.QueueName] == nil {
		return nil, &sqstypes.QueueDoesNotExist{}
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: awssdk.String(base + *in.QueueName)}, nil
}

func (a *account) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	q := a.queues[path.Base(*in.QueueUrl)]
	if q == nil {
		return nil, &sqstypes.QueueDoesNotExist{}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: maps.Clone(q)}, nil
}

func (a *account) GetResources(_ context.Context, in *resourcegroupstaggingapi.GetResourcesInput, _ ...func(*resourcegroupstaggingapi.Options)) (*resourcegroupstaggingapi.GetResourcesOutput, error) {
	if err := a.fail("GetResources"); err != nil {
		return nil, err
	}
	if n := len(in.ResourceARNList); n < 1 || n > 100 {
		return nil, fmt.Errorf("GetResources takes 1 to 100 ARNs, not %d", n)
	}
	out := &resourcegroupstaggingapi.GetResourcesOutput{}
	for _, arn := range in.ResourceARNList {
		m := tagtypes.ResourceTagMapping{ResourceARN: &arn}
		for k, v := range a.tags[arn] {
			m.Tags = append(m.Tags, tagtypes.Tag{Key: &k, Value: &v})
		}
		if len(m.Tags) > 0 {
			out.ResourceTagMappingList = append(out.ResourceTagMappingList, m)
		}
	}
	return out, nil
}

func noStack(name string) error {
	return &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "DescribeStacks", Err: &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + name + " does not exist"}}
}

func (a *account) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	if err := a.fail("DescribeStacks"); err != nil {
		return nil, err
	}
	fs := a.stacks[*in.StackName]
	if fs == nil {
		return nil, noStack(*in.StackName)
	}
	st := cftypes.Stack{StackName: in.StackName, StackStatus: cftypes.StackStatusCreateComplete}
	for k, v := range fs.tags {
		st.Tags = append(st.Tags, cftypes.Tag{Key: &k, Value: &v})
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []cftypes.Stack{st}}, nil
}

func (a *account) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	if a.stacks[*in.StackName] == nil {
		return nil, noStack(*in.StackName)
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &a.stacks[*in.StackName].template}, nil
}

func (a *account) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	if a.denied["ListStackResources "+*in.StackName] {
		return nil, &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "ListStackResources", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}}
	}
	if a.stacks[*in.StackName] == nil {
		return nil, noStack(*in.StackName)
	}
	return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: a.stacks[*in.StackName].resources}, nil
}

// worker is a worker of a manifest.
func worker(id, group string) dispatch.ManifestWorker {
	return dispatch.ManifestWorker{ID: id, Group: group, TimeoutSeconds: 300, MemoryMB: 256, SQS: dispatch.SQSSetting{VisibilityTimeoutSeconds: 1800, MaxReceiveCount: 3, BatchSize: 1}}
}

// of is a project of service p-x and stage prod.
func of(workers ...dispatch.ManifestWorker) *project.Project {
	return &project.Project{Service: "p-x", Stage: "prod", Programs: []project.Program{{Package: "example/workers", Manifest: dispatch.Manifest{Version: 1, Workers: workers}}}}
}
