package aws

import (
	"cmp"
	"context"
	"sync/atomic"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// What a deployment reads and writes beyond what a console does. The clients are made when
// they are first asked for: a console that deploys nothing pays nothing for them.

// CloudFormationReader is the part of CloudFormation that looks.
type CloudFormationReader interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	ListStackResources(context.Context, *cloudformation.ListStackResourcesInput, ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	ListStacks(context.Context, *cloudformation.ListStacksInput, ...func(*cloudformation.Options)) (*cloudformation.ListStacksOutput, error)
	ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error)
}

// S3Reader is the part of S3 that looks.
type S3Reader interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// ParameterReader is the part of Systems Manager that looks. A parameter is read decrypted: it is a secret.
type ParameterReader interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
	ListTagsForResource(context.Context, *ssm.ListTagsForResourceInput, ...func(*ssm.Options)) (*ssm.ListTagsForResourceOutput, error)
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// SecretReader is the part of Secrets Manager that looks.
type SecretReader interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// DeployWriter is write access for a deployment, lent for the length of one Guard.Deploy.
type DeployWriter interface {
	CreateChangeSet(context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
	ExecuteChangeSet(context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
	DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	ContinueUpdateRollback(context.Context, *cloudformation.ContinueUpdateRollbackInput, ...func(*cloudformation.Options)) (*cloudformation.ContinueUpdateRollbackOutput, error)
	CancelUpdateStack(context.Context, *cloudformation.CancelUpdateStackInput, ...func(*cloudformation.Options)) (*cloudformation.CancelUpdateStackOutput, error)
	CreateBucket(context.Context, *s3.CreateBucketInput, ...func(*s3.Options)) (*s3.CreateBucketOutput, error)
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
	PutBucketTagging(context.Context, *s3.PutBucketTaggingInput, ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
	AddTagsToResource(context.Context, *ssm.AddTagsToResourceInput, ...func(*ssm.Options)) (*ssm.AddTagsToResourceOutput, error)
	SetQueueAttributes(context.Context, *sqs.SetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error)
	UpdateEventSourceMapping(context.Context, *lambda.UpdateEventSourceMappingInput, ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
}

// deployClients are the clients of a deployment.
type deployClients struct {
	cloudformation *cloudformation.Client
	s3             *s3.Client
	ssm            *ssm.Client
	secrets        *secretsmanager.Client
	sqs            *sqs.Client
	lambda         *lambda.Client
}

// newDeployClients makes them of a configuration; base, when not nil, is where all of
// AWS is.
func newDeployClients(cfg awssdk.Config, base *string, sqsClient *sqs.Client, lambdaClient *lambda.Client) *deployClients {
	return &deployClients{
		cloudformation: cloudformation.NewFromConfig(cfg, func(o *cloudformation.Options) { o.BaseEndpoint = cmp.Or(base, o.BaseEndpoint) }),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = cmp.Or(base, o.BaseEndpoint)
			o.UsePathStyle = base != nil // another endpoint has no name for each bucket
		}),
		ssm:     ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.BaseEndpoint = cmp.Or(base, o.BaseEndpoint) }),
		secrets: secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) { o.BaseEndpoint = cmp.Or(base, o.BaseEndpoint) }),
		sqs:     sqsClient, lambda: lambdaClient,
	}
}

// CloudFormation is read access to stacks, for the packages below this one.
func (s *Stage) CloudFormation() CloudFormationReader {
	return struct{ CloudFormationReader }{s.deploy().cloudformation}
}

// S3 is read access to the bucket of artifacts, for the packages below this one.
func (s *Stage) S3() S3Reader { return struct{ S3Reader }{s.deploy().s3} }

// Parameters is read access to SSM's parameters, for the packages below this one.
func (s *Stage) Parameters() ParameterReader { return struct{ ParameterReader }{s.deploy().ssm} }

// Secrets is read access to Secrets Manager, for the packages below this one.
func (s *Stage) Secrets() SecretReader { return struct{ SecretReader }{s.deploy().secrets} }

// Tags is read access to tags, for the packages below this one.
func (s *Stage) Tags() TagsReader { return struct{ TagsReader }{s.api.tags} }

// Deploy is Do with the write access of a deployment.
func (g *Guard) Deploy(ctx context.Context, a Action, fn func(context.Context, DeployWriter) error) error {
	return g.do(ctx, a, func(ctx context.Context) error {
		loan := &lentDeployWriter{c: g.deployClients()}
		defer loan.over.Store(true)
		return fn(ctx, loan)
	})
}

// lentDeployWriter stops working when the action it was lent to has ended.
type lentDeployWriter struct {
	c    *deployClients
	over atomic.Bool
}

// lent makes a call unless the loan is over.
func lent[In, Out, Opt any](l *lentDeployWriter, ctx context.Context, in *In, o []func(*Opt), call func(context.Context, *In, ...func(*Opt)) (*Out, error)) (*Out, error) { //nolint:revive // the loan first, as a receiver would be
	if l.over.Load() {
		return nil, errLoanOver
	}
	return call(ctx, in, o...)
}

func (l *lentDeployWriter) CreateChangeSet(ctx context.Context, in *cloudformation.CreateChangeSetInput, o ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.CreateChangeSet)
}

func (l *lentDeployWriter) ExecuteChangeSet(ctx context.Context, in *cloudformation.ExecuteChangeSetInput, o ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.ExecuteChangeSet)
}

func (l *lentDeployWriter) DeleteChangeSet(ctx context.Context, in *cloudformation.DeleteChangeSetInput, o ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.DeleteChangeSet)
}

func (l *lentDeployWriter) DeleteStack(ctx context.Context, in *cloudformation.DeleteStackInput, o ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.DeleteStack)
}

func (l *lentDeployWriter) ContinueUpdateRollback(ctx context.Context, in *cloudformation.ContinueUpdateRollbackInput, o ...func(*cloudformation.Options)) (*cloudformation.ContinueUpdateRollbackOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.ContinueUpdateRollback)
}

func (l *lentDeployWriter) CancelUpdateStack(ctx context.Context, in *cloudformation.CancelUpdateStackInput, o ...func(*cloudformation.Options)) (*cloudformation.CancelUpdateStackOutput, error) {
	return lent(l, ctx, in, o, l.c.cloudformation.CancelUpdateStack)
}

func (l *lentDeployWriter) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, o ...func(*s3.Options)) (*s3.CreateBucketOutput, error) {
	return lent(l, ctx, in, o, l.c.s3.CreateBucket)
}

func (l *lentDeployWriter) PutPublicAccessBlock(ctx context.Context, in *s3.PutPublicAccessBlockInput, o ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error) {
	return lent(l, ctx, in, o, l.c.s3.PutPublicAccessBlock)
}

func (l *lentDeployWriter) PutBucketTagging(ctx context.Context, in *s3.PutBucketTaggingInput, o ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error) {
	return lent(l, ctx, in, o, l.c.s3.PutBucketTagging)
}

func (l *lentDeployWriter) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return lent(l, ctx, in, o, l.c.s3.PutObject)
}

func (l *lentDeployWriter) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, o ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	return lent(l, ctx, in, o, l.c.s3.DeleteObjects)
}

func (l *lentDeployWriter) PutParameter(ctx context.Context, in *ssm.PutParameterInput, o ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	return lent(l, ctx, in, o, l.c.ssm.PutParameter)
}

func (l *lentDeployWriter) DeleteParameter(ctx context.Context, in *ssm.DeleteParameterInput, o ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error) {
	return lent(l, ctx, in, o, l.c.ssm.DeleteParameter)
}

func (l *lentDeployWriter) AddTagsToResource(ctx context.Context, in *ssm.AddTagsToResourceInput, o ...func(*ssm.Options)) (*ssm.AddTagsToResourceOutput, error) {
	return lent(l, ctx, in, o, l.c.ssm.AddTagsToResource)
}

func (l *lentDeployWriter) SetQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput, o ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	return lent(l, ctx, in, o, l.c.sqs.SetQueueAttributes)
}

func (l *lentDeployWriter) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, o ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	return lent(l, ctx, in, o, l.c.lambda.UpdateEventSourceMapping)
}
