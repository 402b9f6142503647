package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestMain(m *testing.M) {
	// Hundreds of worlds come and go, and little of each lives: collecting them less often
	// spares much of the processor's time. Whoever sets GOGC is heeded.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	goleak.VerifyTestMain(m)
}

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// world is an account of AWS in memory, as far as a deployment sees it. What CloudFormation
// does takes its time, which is that of the synctest bubble.
type world struct {
	mu      sync.Mutex
	stage   string
	stacks  []*fakeStack // deleted ones too
	sets    []*fakeSet
	bucket  string // empty: there is none
	owner   string // of the bucket
	at      string // the bucket's region
	objects map[string][]byte
	params  map[string]ssmtypes.Parameter
	tagged  map[string]map[string]string // parameters' tags
	queues  map[string]int               // messages, by URL
	gone    map[string]int               // queues that were deleted with messages, by URL
	public  bool                         // the bucket is not private yet
	breaks  map[string]string            // logical id -> why CloudFormation cannot make or change it
	fail    map[string]error             // by operation
	inv     *aws.Inventory
	outcome logs.Outcome
	sent    []string
	guard   error
	page    int

	trace  []string
	killAt int
	after  bool // the call at which it is killed has its effect
	hard   bool // nothing is called any more after the kill
	kill   context.CancelFunc
	killed bool
	during func(op string) // called before each
}

type fakeStack struct {
	name, id, status, reason string
	tags                     map[string]string
	template                 string
	resources                map[string]resource
	events                   []cfn.StackEvent // oldest first
	created, updated         time.Time
	changeSet                string
	todo                     []timed
}

type timed struct {
	at time.Time
	do func()
}

type fakeSet struct {
	name, id, status, reason, template string
	stack                              *fakeStack
	kind                               cfn.ChangeSetType
	tags                               map[string]string
	made                               time.Time
	changes                            []cfn.Change
}

func newWorld(stage string) *world {
	return &world{
		stage: stage, objects: map[string][]byte{}, params: map[string]ssmtypes.Parameter{}, tagged: map[string]map[string]string{},
		queues: map[string]int{}, gone: map[string]int{}, breaks: map[string]string{}, fail: map[string]error{}, page: 2,
	}
}

func apiError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

// call is one call to AWS.
func call[T any](ctx context.Context, w *world, op string, do func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.killed && w.hard {
		return none, context.Canceled
	}
	w.advance()
	w.trace = append(w.trace, op)
	now := len(w.trace) == w.killAt
	if now && !w.after {
		w.killed = true
		w.kill()
		return none, context.Canceled
	}
	if w.during != nil {
		w.during(op)
	}
	if err := w.fail[op]; err != nil {
		return none, err
	}
	out, err := do()
	if now {
		w.killed = true
		w.kill()
		return none, context.Canceled
	}
	return out, err
}

func (w *world) count(op string) (n int) {
	for _, o := range w.trace {
		if o == op {
			n++
		}
	}
	return n
}

// advance does what CloudFormation has done by now.
func (w *world) advance() {
	for _, s := range w.stacks {
		for len(s.todo) > 0 && !s.todo[0].at.After(time.Now()) {
			next := s.todo[0]
			s.todo = s.todo[1:]
			next.do()
		}
	}
}

func (w *world) named(nameOrID string) *fakeStack {
	for _, s := range slices.Backward(w.stacks) {
		if s.id == nameOrID || s.name == nameOrID && s.status != "DELETE_COMPLETE" {
			return s
		}
	}
	return nil
}

func (s *fakeStack) event(logical, physical, kind, status, reason string) {
	s.events = append(s.events, cfn.StackEvent{
		EventId: new(fmt.Sprintf("%s-%d", s.name, len(s.events))), StackId: &s.id, StackName: &s.name, Timestamp: new(time.Now()),
		LogicalResourceId: &logical, PhysicalResourceId: &physical, ResourceType: &kind,
		ResourceStatus: cfn.ResourceStatus(status), ResourceStatusReason: &reason,
	})
}

func (s *fakeStack) become(status, reason string) {
	s.status, s.reason = status, reason
	s.event(s.name, s.id, "AWS::CloudFormation::Stack", status, reason)
}

// operation schedules what CloudFormation does, a second each; it shows nothing of it for a
// second.
func (s *fakeStack) operation(do ...func()) {
	for i, f := range do {
		s.todo = append(s.todo, timed{time.Now().Add(time.Duration(i+1) * time.Second), f})
	}
}

func notThere(name string) error {
	return apiError("ValidationError", "Stack with id "+name+" does not exist")
}

// Readers.

type fakeCFN struct{ w *world }

func (f fakeCFN) DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return call(ctx, f.w, "DescribeStacks", func() (*cloudformation.DescribeStacksOutput, error) {
		out := &cloudformation.DescribeStacksOutput{}
		show := func(s *fakeStack) {
			t := cfn.Stack{StackName: &s.name, StackId: &s.id, StackStatus: cfn.StackStatus(s.status), StackStatusReason: &s.reason, CreationTime: &s.created}
			if !s.updated.IsZero() {
				t.LastUpdatedTime = new(s.updated)
			}
			if s.changeSet != "" {
				t.ChangeSetId = &s.changeSet
			}
			for k, v := range s.tags {
				t.Tags = append(t.Tags, cfn.Tag{Key: &k, Value: &v})
			}
			if made := s.status == "CREATE_COMPLETE" || strings.HasPrefix(s.status, "UPDATE"); made && strings.Contains(s.template, `"Outputs"`) {
				var b struct {
					Outputs map[string]struct{ Value string }
				}
				_ = json.Unmarshal([]byte(s.template), &b)
				for k, v := range b.Outputs {
					t.Outputs = append(t.Outputs, cfn.Output{OutputKey: &k, OutputValue: new(v.Value)})
				}
			}
			out.Stacks = append(out.Stacks, t)
		}
		if in.StackName != nil {
			s := f.w.named(*in.StackName)
			if s == nil {
				return nil, notThere(*in.StackName)
			}
			show(s)
			return out, nil
		}
		return nil, apiError("AccessDenied", "not authorized to perform: cloudformation:DescribeStacks on resource: *")
	})
}

func (f fakeCFN) DescribeStackEvents(ctx context.Context, in *cloudformation.DescribeStackEventsInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	return call(ctx, f.w, "DescribeStackEvents", func() (*cloudformation.DescribeStackEventsOutput, error) {
		s := f.w.named(*in.StackName)
		if s == nil {
			return nil, notThere(*in.StackName)
		}
		all := slices.Clone(s.events)
		slices.Reverse(all)
		from := 0
		if in.NextToken != nil {
			// The position is that of an event, as new ones come while pages are read.
			from = slices.IndexFunc(all, func(e cfn.StackEvent) bool { return *e.EventId == *in.NextToken })
		}
		out := &cloudformation.DescribeStackEventsOutput{StackEvents: all[from:min(from+3, len(all))]}
		if from+3 < len(all) {
			out.NextToken = all[from+3].EventId
		}
		return out, nil
	})
}

func (f fakeCFN) ListStackResources(ctx context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	return call(ctx, f.w, "ListStackResources", func() (*cloudformation.ListStackResourcesOutput, error) {
		s := f.w.named(*in.StackName)
		if s == nil {
			return nil, notThere(*in.StackName)
		}
		out := &cloudformation.ListStackResourcesOutput{}
		for _, key := range slices.Sorted(maps.Keys(s.resources)) {
			r := s.resources[key]
			out.StackResourceSummaries = append(out.StackResourceSummaries, cfn.StackResourceSummary{
				LogicalResourceId: &r.logical, PhysicalResourceId: &r.physical, ResourceType: &r.kind, ResourceStatus: cfn.ResourceStatus(r.status),
			})
		}
		return out, nil
	})
}

func (f fakeCFN) GetTemplate(ctx context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	return call(ctx, f.w, "GetTemplate", func() (*cloudformation.GetTemplateOutput, error) {
		s := f.w.named(*in.StackName)
		if s == nil {
			return nil, notThere(*in.StackName)
		}
		return &cloudformation.GetTemplateOutput{TemplateBody: &s.template}, nil
	})
}

func (f fakeCFN) ListStacks(ctx context.Context, in *cloudformation.ListStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStacksOutput, error) {
	return call(ctx, f.w, "ListStacks", func() (*cloudformation.ListStacksOutput, error) {
		there := slices.DeleteFunc(slices.Clone(f.w.stacks), func(s *fakeStack) bool { return !slices.Contains(in.StackStatusFilter, cfn.StackStatus(s.status)) })
		from := 0
		if in.NextToken != nil {
			from, _ = strconv.Atoi(*in.NextToken)
		}
		out := &cloudformation.ListStacksOutput{}
		for _, s := range there[min(from, len(there)):min(from+f.w.page, len(there))] {
			out.StackSummaries = append(out.StackSummaries, cfn.StackSummary{StackName: &s.name, StackStatus: cfn.StackStatus(s.status)})
		}
		if from+f.w.page < len(there) {
			out.NextToken = new(strconv.Itoa(from + f.w.page))
		}
		return out, nil
	})
}

func (f fakeCFN) ListChangeSets(ctx context.Context, in *cloudformation.ListChangeSetsInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error) {
	return call(ctx, f.w, "ListChangeSets", func() (*cloudformation.ListChangeSetsOutput, error) {
		out := &cloudformation.ListChangeSetsOutput{}
		for _, c := range f.w.sets {
			if c.stack == f.w.named(*in.StackName) {
				out.Summaries = append(out.Summaries, cfn.ChangeSetSummary{ChangeSetName: &c.name, ChangeSetId: &c.id, Status: c.state()})
			}
		}
		return out, nil
	})
}

// state is CREATE_IN_PROGRESS for two seconds.
func (c *fakeSet) state() cfn.ChangeSetStatus {
	if time.Since(c.made) < 2*time.Second {
		return cfn.ChangeSetStatusCreateInProgress
	}
	return cfn.ChangeSetStatus(c.status)
}

func (f fakeCFN) DescribeChangeSet(ctx context.Context, in *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	return call(ctx, f.w, "DescribeChangeSet", func() (*cloudformation.DescribeChangeSetOutput, error) {
		c := f.w.set(*in.ChangeSetName)
		if c == nil {
			return nil, apiError("ChangeSetNotFound", "ChangeSet ["+*in.ChangeSetName+"] does not exist")
		}
		out := &cloudformation.DescribeChangeSetOutput{Status: c.state(), StatusReason: &c.reason}
		if out.Status != cfn.ChangeSetStatusCreateComplete {
			return out, nil
		}
		from := 0
		if in.NextToken != nil {
			from, _ = strconv.Atoi(*in.NextToken)
		}
		out.Changes = c.changes[min(from, len(c.changes)):min(from+f.w.page, len(c.changes))]
		if from+f.w.page < len(c.changes) {
			out.NextToken = new(fmt.Sprint(from + f.w.page))
		}
		return out, nil
	})
}

func (w *world) set(id string) *fakeSet {
	for _, c := range w.sets {
		if c.id == id {
			return c
		}
	}
	return nil
}

type fakeS3 struct{ w *world }

func (f fakeS3) owned(owner *string) error {
	if f.w.bucket == "" {
		return apiError("NoSuchBucket", "no bucket")
	}
	if owner == nil || *owner != f.w.owner {
		return apiError("AccessDenied", "Access Denied")
	}
	return nil
}

func (f fakeS3) HeadBucket(ctx context.Context, in *s3.HeadBucketInput, _ ...func(*s3.Options)) (*s3.HeadBucketOutput, error) {
	return call(ctx, f.w, "HeadBucket", func() (*s3.HeadBucketOutput, error) {
		if f.w.bucket != *in.Bucket {
			return nil, &s3types.NotFound{}
		}
		if *in.ExpectedBucketOwner != f.w.owner {
			return nil, apiError("Forbidden", "Forbidden")
		}
		return &s3.HeadBucketOutput{BucketRegion: &f.w.at}, nil
	})
}

func (f fakeS3) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return call(ctx, f.w, "HeadObject", func() (*s3.HeadObjectOutput, error) {
		if err := f.owned(in.ExpectedBucketOwner); err != nil {
			return nil, err
		}
		b, ok := f.w.objects[*in.Key]
		if !ok {
			return nil, &s3types.NotFound{}
		}
		return &s3.HeadObjectOutput{ContentLength: new(int64(len(b)))}, nil
	})
}

func (f fakeS3) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return call(ctx, f.w, "GetObject", func() (*s3.GetObjectOutput, error) {
		if err := f.owned(in.ExpectedBucketOwner); err != nil {
			return nil, err
		}
		b, ok := f.w.objects[*in.Key]
		if !ok {
			return nil, &s3types.NoSuchKey{}
		}
		return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b))}, nil
	})
}

func (f fakeS3) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return call(ctx, f.w, "ListObjectsV2", func() (*s3.ListObjectsV2Output, error) {
		if err := f.owned(in.ExpectedBucketOwner); err != nil {
			return nil, err
		}
		out := &s3.ListObjectsV2Output{}
		after := ""
		if in.ContinuationToken != nil {
			after = *in.ContinuationToken
		}
		for _, key := range slices.Sorted(maps.Keys(f.w.objects)) {
			if !strings.HasPrefix(key, *in.Prefix) || key <= after {
				continue
			}
			if len(out.Contents) == f.w.page {
				out.NextContinuationToken = out.Contents[f.w.page-1].Key
				break
			}
			out.Contents = append(out.Contents, s3types.Object{Key: &key})
		}
		return out, nil
	})
}

type fakeSSM struct{ w *world }

func (f fakeSSM) GetParameter(ctx context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	return call(ctx, f.w, "GetParameter", func() (*ssm.GetParameterOutput, error) {
		p, ok := f.w.params[*in.Name]
		if !ok {
			return nil, &ssmtypes.ParameterNotFound{}
		}
		return &ssm.GetParameterOutput{Parameter: &p}, nil
	})
}

func (f fakeSSM) GetParametersByPath(ctx context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	return call(ctx, f.w, "GetParametersByPath", func() (*ssm.GetParametersByPathOutput, error) {
		out := &ssm.GetParametersByPathOutput{}
		after := ""
		if in.NextToken != nil {
			after = *in.NextToken
		}
		for _, name := range slices.Sorted(maps.Keys(f.w.params)) {
			if !strings.HasPrefix(name, *in.Path) || name <= after {
				continue
			}
			if len(out.Parameters) == f.w.page {
				out.NextToken = out.Parameters[f.w.page-1].Name
				break
			}
			out.Parameters = append(out.Parameters, ssmtypes.Parameter{Name: &name})
		}
		return out, nil
	})
}

func (f fakeSSM) ListTagsForResource(ctx context.Context, in *ssm.ListTagsForResourceInput, _ ...func(*ssm.Options)) (*ssm.ListTagsForResourceOutput, error) {
	return call(ctx, f.w, "ListTagsForResource", func() (*ssm.ListTagsForResourceOutput, error) {
		out := &ssm.ListTagsForResourceOutput{}
		for k, v := range f.w.tagged[*in.ResourceId] {
			out.TagList = append(out.TagList, ssmtypes.Tag{Key: &k, Value: &v})
		}
		return out, nil
	})
}

type fakeSQS struct {
	aws.SQSReader
	w *world
}

func (f fakeSQS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return call(ctx, f.w, "GetQueueAttributes", func() (*sqs.GetQueueAttributesOutput, error) {
		n, ok := f.w.queues[*in.QueueUrl]
		if !ok {
			return nil, apiError("AWS.SimpleQueueService.NonExistentQueue", "no such queue")
		}
		return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
			"ApproximateNumberOfMessages": fmt.Sprint(n), "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		}}, nil
	})
}

// The access of a deployer.

func (w *world) Target() aws.Target { return aws.Target{Region: region, Stage: w.stage} }

func (w *world) Identity(ctx context.Context) (aws.Identity, error) {
	return call(ctx, w, "GetCallerIdentity", func() (aws.Identity, error) {
		return aws.Identity{Account: account, ARN: "arn:aws:iam::" + account + ":user/ada"}, nil
	})
}
func (w *world) CloudFormation() aws.CloudFormationReader { return fakeCFN{w} }
func (w *world) S3() aws.S3Reader                         { return fakeS3{w} }
func (w *world) Parameters() aws.ParameterReader          { return fakeSSM{w} }
func (w *world) Secrets() aws.SecretReader                { return fakeSecrets{} }
func (w *world) SQS() aws.SQSReader                       { return fakeSQS{w: w} }
func (w *world) API() *http.Client                        { return http.DefaultClient }

func (w *world) Inventory(context.Context) (*aws.Inventory, error) { return w.inv, nil }

func (w *world) Dispatch(_ context.Context, r aws.DispatchRequest) (aws.DispatchResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, r.Worker.ID+" "+string(r.Input))
	res := aws.DispatchResult{WorkerID: r.Worker.ID, SentAt: time.Now()}
	res.JobID = "job-" + r.Worker.ID
	return res, nil
}

func (w *world) waitJob(context.Context, logs.Query, int) (logs.Outcome, error) {
	return w.outcome, nil
}

func (w *world) write(ctx context.Context, _ aws.Action, fn func(context.Context, aws.DeployWriter) error) error {
	if w.guard != nil {
		return w.guard
	}
	return fn(ctx, fakeWriter{w: w})
}

type fakeSecrets struct{}

func (fakeSecrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: new(`{"key":"k-of-` + *in.SecretId + `"}`)}, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(s[:])
}
