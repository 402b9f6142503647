package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// deployClients are what a deployment speaks through.
type deployClients struct {
	clients
	cfn *cloudformation.Client
	s3  *s3.Client
}

func deployer(t *testing.T, s *local.Server) deployClients {
	t.Helper()
	c := connect(t, s, dispatch.StableHTTPClient)
	cfg := awssdk.Config{
		Region: "us-east-1", BaseEndpoint: awssdk.String(s.Endpoint()), HTTPClient: c.http,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	return deployClients{
		clients: c, cfn: cloudformation.NewFromConfig(cfg),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// codeOf is the code of AWS's answer.
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

const artifacts = "artifacts-test"

// upload puts a function's archive into S3: the test binary as its bootstrap, or what is given.
func (c deployClients) upload(t *testing.T, key string, bootstrap []byte) {
	t.Helper()
	if bootstrap == nil {
		var err error
		if bootstrap, err = os.ReadFile(os.Args[0]); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Store}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bootstrap); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: awssdk.String(artifacts)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: awssdk.String(artifacts), Key: &key, Body: bytes.NewReader(b.Bytes())}); err != nil {
		t.Fatal(err)
	}
}

// m is a template's object.
type m = map[string]any

// workerTemplate is a stack of one worker.
func workerTemplate(worker, key string) m {
	return m{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Resources": m{
			"Role": m{"Type": "AWS::IAM::Role", "Properties": m{"AssumeRolePolicyDocument": m{"Statement": []m{}}}},
			"Dlq":  m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": "aiw-" + worker + "-dlq-demo"}},
			"Queue": m{"Type": "AWS::SQS::Queue", "Properties": m{
				"QueueName": "aiw-" + worker + "-demo", "VisibilityTimeout": 60, "RedrivePolicy": m{"deadLetterTargetArn": m{"Fn::GetAtt": []string{"Dlq", "Arn"}}, "maxReceiveCount": 3},
				"Tags": []m{{"Key": "aiwctl:worker", "Value": worker}},
			}},
			"Logs": m{"Type": "AWS::Logs::LogGroup", "Properties": m{"LogGroupName": "/aws/lambda/aiw-demo-" + worker, "RetentionInDays": 30}},
			"Function": m{"Type": "AWS::Lambda::Function", "DependsOn": []string{"Logs"}, "Properties": m{
				"FunctionName": "aiw-demo-" + worker, "Runtime": "provided.al2023", "Handler": "worker." + worker, "Timeout": 10, "MemorySize": 256,
				"Architectures": []string{"x86_64"}, "Role": m{"Fn::GetAtt": []string{"Role", "Arn"}},
				"Code":        m{"S3Bucket": artifacts, "S3Key": key},
				"Environment": m{"Variables": m{"STAGE": "demo", "ENVIRONMENT": "demo", "AIWORKER_SERVICE": "aiw", "WORKER_QUEUE_URL": m{"Ref": "Queue"}}},
			}},
			"Mapping": m{"Type": "AWS::Lambda::EventSourceMapping", "Properties": m{
				"EventSourceArn": m{"Fn::GetAtt": []string{"Queue", "Arn"}}, "FunctionName": m{"Ref": "Function"}, "FunctionResponseTypes": []string{"ReportBatchItemFailures"},
			}},
		},
		"Outputs": m{"QueueUrl": m{"Value": m{"Ref": "Queue"}}, "FunctionArn": m{"Value": m{"Fn::GetAtt": []string{"Function", "Arn"}}}},
	}
}

func templateText(t *testing.T, template m) *string {
	t.Helper()
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return awssdk.String(string(text))
}

var capabilities = []cfntypes.Capability{cfntypes.CapabilityCapabilityIam}

// create makes a stack by a change set, and waits for it.
func (c deployClients) change(t *testing.T, stack string, kind cfntypes.ChangeSetType, template m, tags ...cfntypes.Tag) (*cloudformation.DescribeChangeSetOutput, cfntypes.Stack) {
	t.Helper()
	set, err := c.cfn.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: awssdk.String("change-" + strings.ToLower(string(kind)) + fmt.Sprint(time.Now().UnixNano())), ChangeSetType: kind,
		TemplateBody: templateText(t, template), Capabilities: capabilities, Tags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
	var described *cloudformation.DescribeChangeSetOutput
	eventually(t, "the change set", func() bool {
		if described, err = c.cfn.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{ChangeSetName: set.Id}); err != nil {
			t.Fatal(err)
		}
		return described.Status == cfntypes.ChangeSetStatusCreateComplete || described.Status == cfntypes.ChangeSetStatusFailed
	})
	if described.Status == cfntypes.ChangeSetStatusFailed {
		return described, c.stack(t, stack)
	}
	if _, err := c.cfn.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.Id}); err != nil {
		t.Fatal(err)
	}
	return described, c.settled(t, stack)
}

func (c deployClients) stack(t *testing.T, name string) cfntypes.Stack {
	t.Helper()
	out, err := c.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.Stacks[0]
}

// settled waits until nothing happens to the stack any more.
func (c deployClients) settled(t *testing.T, name string) cfntypes.Stack {
	t.Helper()
	var st cfntypes.Stack
	eventually(t, "the stack "+name, func() bool {
		st = c.stack(t, name)
		return !strings.HasSuffix(string(st.StackStatus), "_IN_PROGRESS")
	})
	return st
}

// events are the stack's, the oldest first, as resource and status.
func (c deployClients) events(t *testing.T, name string) []string {
	t.Helper()
	var all []string
	pages := cloudformation.NewDescribeStackEventsPaginator(c.cfn, &cloudformation.DescribeStackEventsInput{StackName: &name})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.StackEvents {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", awssdk.ToString(e.LogicalResourceId), e.ResourceStatus, awssdk.ToString(e.ResourceStatusReason))))
		}
	}
	slices.Reverse(all)
	return all
}

func TestStackOfAWorker(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{})
	c := deployer(t, s)
	c.upload(t, "echo.zip", nil)

	set, st := c.change(t, "aiw-demo", cfntypes.ChangeSetTypeCreate, workerTemplate("echo", "echo.zip"))
	if len(set.Changes) != 6 || set.Changes[0].ResourceChange.Action != cfntypes.ChangeActionAdd {
		t.Errorf("the change set has %d changes, want 6 additions", len(set.Changes))
	}
	if st.StackStatus != cfntypes.StackStatusCreateComplete {
		t.Fatalf("the stack is %s (%s)\n%s", st.StackStatus, awssdk.ToString(st.StackStatusReason), strings.Join(c.events(t, "aiw-demo"), "\n"))
	}
	outputs := map[string]string{}
	for _, o := range st.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if outputs["QueueUrl"] != s.Endpoint()+"/000000000000/aiw-echo-demo" || outputs["FunctionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:aiw-demo-echo" {
		t.Errorf("the outputs are %v", outputs)
	}

	// The archive's bootstrap answers an SQS event.
	c.send(t, "echo", "job-1", `{"text":"hi there"}`)
	lines := c.waitFor(t, "aiw-demo-echo", `{ $.event = "job.completed" && $.jobId = "job-1" }`)
	if !strings.Contains(lines[0], `"hi there"`) {
		t.Errorf("the job completed with %s", lines[0])
	}
	got, err := c.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: awssdk.String("aiw-demo-echo")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Configuration.Environment.Variables["WORKER_QUEUE_URL"] != outputs["QueueUrl"] || got.Tags["aws:cloudformation:stack-name"] != "aiw-demo" || *got.Configuration.Handler != "worker.echo" {
		t.Errorf("the function is %+v with tags %v", got.Configuration, got.Tags)
	}

	// Programs that come and go leave the stack's functions alone.
	if err := s.SetPrograms(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: awssdk.String("aiw-demo-echo")}); err != nil {
		t.Errorf("after the programs were replaced: %v", err)
	}

	again, _ := c.change(t, "aiw-demo", cfntypes.ChangeSetTypeUpdate, workerTemplate("echo", "echo.zip"))
	if again.Status != cfntypes.ChangeSetStatusFailed || *again.StatusReason != "The submitted information didn't contain changes. Submit different information to create a change set." {
		t.Errorf("the same template again gives %s %q", again.Status, awssdk.ToString(again.StatusReason))
	}

	if _, err := c.cfn.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: awssdk.String("aiw-demo")}); err != nil {
		t.Fatal(err)
	}
	st = c.settled(t, *st.StackId)
	if st.StackStatus != cfntypes.StackStatusDeleteComplete {
		t.Fatalf("the stack is %s", st.StackStatus)
	}
	if _, err := c.cfn.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: awssdk.String("aiw-demo")}); codeOf(err) != "ValidationError" || !strings.Contains(err.Error(), "Stack with id aiw-demo does not exist") {
		t.Errorf("a deleted stack: %v", err)
	}
	if _, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String("aiw-echo-demo")}); codeOf(err) != "AWS.SimpleQueueService.NonExistentQueue" && codeOf(err) != "QueueDoesNotExist" {
		t.Errorf("its queue: %v", err)
	}
	if n := len(s.Functions().Mappings()); n != 0 {
		t.Errorf("%d mappings are left", n)
	}
}

func TestStackUpdate(t *testing.T) {
	t.Parallel()
	c := deployer(t, start(t, local.Config{}))
	c.upload(t, "echo.zip", nil)
	template := workerTemplate("echo", "echo.zip")
	c.change(t, "up", cfntypes.ChangeSetTypeCreate, template)
	resources := template["Resources"].(m)
	resources["Function"].(m)["Properties"].(m)["MemorySize"] = 512
	resources["Extra"] = m{"Type": "AWS::SQS::Queue"}
	delete(resources, "Mapping")

	set, st := c.change(t, "up", cfntypes.ChangeSetTypeUpdate, template)
	var changes []string
	for _, one := range set.Changes {
		r := one.ResourceChange
		line := fmt.Sprintf("%s %s", r.Action, *r.LogicalResourceId)
		for _, d := range r.Details {
			line += " " + awssdk.ToString(d.Target.Name)
		}
		changes = append(changes, line)
	}
	if want := []string{"Add Extra", "Modify Function MemorySize", "Remove Mapping"}; !slices.Equal(changes, want) {
		t.Errorf("the changes are %q, want %q", changes, want)
	}
	if st.StackStatus != cfntypes.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s\n%s", st.StackStatus, strings.Join(c.events(t, "up"), "\n"))
	}
	got, err := c.lambda.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: awssdk.String("aiw-demo-echo")})
	if err != nil || *got.MemorySize != 512 {
		t.Errorf("the function is %+v (%v)", got, err)
	}
	mappings, err := c.lambda.ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
	if err != nil || len(mappings.EventSourceMappings) != 0 {
		t.Errorf("the mappings are %+v (%v)", mappings, err)
	}

	t.Run("a failure takes everything back", func(t *testing.T) {
		resources["Extra"].(m)["Properties"] = m{"VisibilityTimeout": 99}
		resources["Function"].(m)["Properties"].(m)["Code"] = m{"S3Bucket": artifacts, "S3Key": "absent.zip"}
		resources["New"] = m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": "new"}}
		resources["Function"].(m)["DependsOn"] = []string{"Logs", "New"}
		_, st := c.change(t, "up", cfntypes.ChangeSetTypeUpdate, template)
		if st.StackStatus != cfntypes.StackStatusUpdateRollbackComplete {
			t.Fatalf("the stack is %s\n%s", st.StackStatus, strings.Join(c.events(t, "up"), "\n"))
		}
		events := strings.Join(c.events(t, "up"), "\n")
		for _, want := range []string{
			"Function UPDATE_FAILED Resource handler returned message: \"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.\"",
			"up UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [Function].",
			"up UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "New DELETE_COMPLETE", "up UPDATE_ROLLBACK_COMPLETE",
		} {
			if !strings.Contains(events, want) {
				t.Errorf("no event %q among\n%s", want, events)
			}
		}
		if _, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String("new")}); err == nil {
			t.Error("the new queue is still there")
		}
	})
}

func TestStackThatCannotBeMade(t *testing.T) {
	t.Parallel()
	c := deployer(t, start(t, local.Config{}))
	if _, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: awssdk.String("taken")}); err != nil {
		t.Fatal(err)
	}
	_, st := c.change(t, "bad", cfntypes.ChangeSetTypeCreate, m{"Resources": m{
		"A": m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": "mine"}},
		"B": m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": "taken"}, "DependsOn": "A"},
	}})
	if st.StackStatus != cfntypes.StackStatusRollbackComplete {
		t.Fatalf("the stack is %s", st.StackStatus)
	}
	events := strings.Join(c.events(t, "bad"), "\n")
	for _, want := range []string{"B CREATE_FAILED", "Resource of type 'AWS::SQS::Queue' with identifier 'taken' already exists.", "HandlerErrorCode: AlreadyExists", "The following resource(s) failed to create: [B]. Rollback requested by user.", "A DELETE_COMPLETE"} {
		if !strings.Contains(events, want) {
			t.Errorf("no %q among\n%s", want, events)
		}
	}
	if _, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: awssdk.String("taken")}); err != nil {
		t.Errorf("the queue that was there: %v", err)
	}
	_, err := c.cfn.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: awssdk.String("bad"), ChangeSetName: awssdk.String("x"), TemplateBody: templateText(t, m{"Resources": m{"A": m{"Type": "AWS::SQS::Queue"}}}),
	})
	if want := "Stack:" + *st.StackId + " is in ROLLBACK_COMPLETE state and can not be updated."; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an update: %v, want %s", err, want)
	}
}

// A program for another processor does not start, and the invocation says why.
func TestFunctionOfAnotherProcessor(t *testing.T) {
	t.Parallel()
	c := deployer(t, start(t, local.Config{}))
	c.upload(t, "other.zip", []byte("\x7fELF\x02\x01\x01\x00 not a program of this machine"))
	if _, st := c.change(t, "other", cfntypes.ChangeSetTypeCreate, workerTemplate("echo", "other.zip")); st.StackStatus != cfntypes.StackStatusCreateComplete {
		t.Fatalf("the stack is %s", st.StackStatus)
	}
	out, err := c.lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: awssdk.String("aiw-demo-echo")})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out.Payload); !strings.Contains(text, "Runtime.InvalidEntrypoint") || !strings.Contains(text, "exec format error") || !strings.Contains(text, "another processor") {
		t.Errorf("the answer is %s", text)
	}
}

func TestStackPace(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{StackPace: time.Hour})
	c := deployer(t, s)
	if _, err := c.cfn.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: awssdk.String("slow"), TemplateBody: templateText(t, m{"Resources": m{"A": m{"Type": "AWS::SQS::Queue"}}}),
	}); err != nil {
		t.Fatal(err)
	}
	if st := c.stack(t, "slow"); st.StackStatus != cfntypes.StackStatusCreateInProgress {
		t.Errorf("the stack is %s", st.StackStatus)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestObjectComesBack(t *testing.T) {
	t.Parallel()
	c := deployer(t, start(t, local.Config{}))
	c.upload(t, "a/b c.zip", []byte("hello"))
	out, err := c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: awssdk.String(artifacts), Key: awssdk.String("a/b c.zip")})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil || !bytes.Contains(body, []byte("hello")) {
		t.Errorf("the object is %q (%v)", body, err)
	}
}
