package aws

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Options configures Open. The zero value works.
type Options struct {
	// Getenv reads our own variables and the keys of the workers API; nil means
	// os.Getenv. The SDK reads the process's environment itself.
	Getenv func(string) string
	// HTTPClient replaces the SDK's and the workers API's; nil means the SDK's
	// with a connect timeout of 5 s and 30 s for a call. It is for tests.
	HTTPClient *http.Client
	// AuditPath is the audit trail's file; empty means DefaultAuditPath, NoAudit
	// ("-") means none is kept.
	AuditPath string
	// Protection says whether writes want the stage's name.
	Protection Protection
	// ReadOnlyWhy says what made the target read-only, for messages; may be empty.
	ReadOnlyWhy string
	// Locked refuses every write until Stage.Unlock, as a read-only target does for good:
	// it is for who looks first, as a console does.
	Locked bool
	// Stdin is where a manifest named "-" is read from; nil means os.Stdin.
	Stdin io.Reader
	// Logger gets what the SDK has to say besides its errors; nil means nobody
	// does. By itself the SDK writes to standard error, across a console.
	Logger *slog.Logger
	// MaxCalls is how many calls a minute the reading of the stage (workers, depths,
	// metrics) may make; zero means DefaultMaxCalls, and no limit for a loopback
	// endpoint; negative means no limit. Other calls never wait, and are counted.
	MaxCalls int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return o
}

// Stage is a deployed stage. It is safe for concurrent use. Make one with Open.
type Stage struct {
	target Target
	opts   Options
	api    clients
	guard  *Guard
	// manifest is what a worker program says of its workers; nil without one.
	manifest *dispatch.Manifest

	// mu guards what is learned while the stage is in use.
	mu      sync.Mutex
	learned learned
	schemas map[string]compiledSchema

	// metricsAsked counts what CloudWatch was asked for, which it charges for.
	metricsAsked atomic.Uint64

	// askWho is held while the guard asks STS, so that two writes at once are
	// both on record with their caller.
	askWho sync.Mutex
}

// learned is what a stage says about itself.
type learned struct {
	// stage is workers/config's, else the functions', used when the target names
	// none.
	stage string
	// foreignAPI says why the workers API belongs to another stage; empty when
	// it does not.
	foreignAPI string
	// workers are the ids the workers API knows, sorted.
	workers []string
	// api is what stacks say of the workers API, apiAsked when they were asked; zero means
	// never. apiKey is its key, once it was needed; it is never shown.
	api      deployedAPI
	apiAsked time.Time
	apiKey   string
	// apiQueues are the queues of the workers that an API found by itself serves, by
	// worker.
	apiQueues map[string]string
	// identity is zero until STS has answered; asked is true once the guard has
	// tried.
	identity Identity
	asked    bool
}

// clients are every way out of a Stage, each as small as its use.
type clients struct {
	sqs     SQSReader
	logs    LogsReader
	live    startLiveTail
	lambda  LambdaReader
	sts     stsReader
	metrics MetricsReader
	tags    TagsReader
	writer  Writer
	http    *http.Client
	calls   func() uint64
	wires   wires
	// outputs finds the workers API of a deployed stage; nil finds none.
	outputs outputsReader
	// deploy makes the clients of a deployment, once.
	deploy func() *deployClients
	// sqsCalls and pace may be nil.
	sqsCalls func() uint64
	pace     func() Pace
}

type stsReader interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Open loads the AWS configuration for a target, which it resolves first. It
// makes no call to AWS: credentials that have expired are the first call's
// error, a *CredentialsError.
//
// The error is ErrNoRegion, ErrEndpoint, ErrTag, a *ProfileError, a
// *ManifestError, or the SDK's.
func Open(ctx context.Context, t Target, o Options) (*Stage, error) {
	o = o.withDefaults()
	cfg, t, counter, err := loadConfig(ctx, t.Resolve(o.Getenv), o)
	if err == nil && t.EndpointURL != "" && !callable(t.EndpointURL) {
		err = ErrEndpoint
	}
	var manifest *dispatch.Manifest
	if err == nil {
		_, err = tagFilters(t.Tags)
	}
	if err == nil && t.Manifest != "" {
		manifest, err = readManifest(t.Manifest, o.Stdin)
	}
	if err != nil {
		return nil, fmt.Errorf("open the stage: %w", err)
	}
	// A service's own AWS_ENDPOINT_URL_<SERVICE> would win over the
	// configuration's, so the endpoint is given to each client.
	var base *string
	if t.EndpointURL != "" {
		base = awssdk.String(t.EndpointURL)
	}
	sqsClient := sqs.NewFromConfig(cfg, func(so *sqs.Options) { so.BaseEndpoint = cmp.Or(base, so.BaseEndpoint) })
	lambdaClient := lambda.NewFromConfig(cfg, func(lo *lambda.Options) { lo.BaseEndpoint = cmp.Or(base, lo.BaseEndpoint) })
	logsClient := cloudwatchlogs.NewFromConfig(cfg, func(lo *cloudwatchlogs.Options) { lo.BaseEndpoint = cmp.Or(base, lo.BaseEndpoint) })
	stsClient := sts.NewFromConfig(cfg, func(so *sts.Options) { so.BaseEndpoint = cmp.Or(base, so.BaseEndpoint) })
	metricsClient := cloudwatch.NewFromConfig(cfg, func(mo *cloudwatch.Options) { mo.BaseEndpoint = cmp.Or(base, mo.BaseEndpoint) })
	tagsClient := resourcegroupstaggingapi.NewFromConfig(cfg, func(to *resourcegroupstaggingapi.Options) { to.BaseEndpoint = cmp.Or(base, to.BaseEndpoint) })
	httpClient := o.HTTPClient
	if httpClient == nil {
		httpClient = newAPIClient()
	}
	deploy := sync.OnceValue(func() *deployClients { return newDeployClients(cfg, base, sqsClient, lambdaClient) })
	s := newStage(t, o, clients{
		sqs: sqsClient, logs: logsClient, live: newLiveTail(cfg, base, counter), lambda: lambdaClient, sts: stsClient, metrics: metricsClient, tags: tagsClient,
		writer: sdkWriter{sqs: sqsClient, lambda: lambdaClient},
		deploy: deploy, outputs: lazyOutputs{deploy},
		http:  httpClient,
		calls: counter.n.Load, sqsCalls: counter.sqs.Load, pace: counter.pacer.pace,
		wires: wires{
			credentials: cfg.Credentials, http: counter.next,
			resolve: endpointsOf(sqsClient, lambdaClient, logsClient, metricsClient, stsClient),
		},
	})
	s.manifest = manifest
	return s, nil
}

// newStage makes a stage of the given clients.
func newStage(t Target, o Options, c clients) *Stage {
	o = o.withDefaults()
	s := &Stage{target: t, opts: o, api: c, schemas: make(map[string]compiledSchema)}
	s.guard = &Guard{
		writer: c.writer, readOnly: t.ReadOnly, readOnlyWhy: o.ReadOnlyWhy, protection: o.Protection, target: s.Target,
		deployClients: c.deploy, who: s.knownIdentity, now: o.Now, getenv: o.Getenv, trail: sync.OnceValues(func() (*audit.Log, error) { return auditTrail(o) }),
	}
	s.guard.locked.Store(o.Locked)
	return s
}

// Target is the resolved target. Its Stage is what the target named, else what
// Inventory learned of it, else DefaultStage.
func (s *Stage) Target() Target {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.target
	t.Stage = cmp.Or(t.Stage, s.learned.stage, DefaultStage)
	return t
}

// Identity is who AWS says we are.
type Identity struct {
	Account string `json:"account"`
	ARN     string `json:"arn"`
}

// Identity calls STS GetCallerIdentity, which needs no permission.
func (s *Stage) Identity(ctx context.Context) (Identity, error) {
	out, err := s.api.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, fmt.Errorf("ask AWS who we are: %w", err)
	}
	id := Identity{Account: awssdk.ToString(out.Account), ARN: awssdk.ToString(out.Arn)}
	s.mu.Lock()
	s.learned.identity = id
	s.mu.Unlock()
	return id, nil
}

// knownIdentity is the identity for the audit trail: the one known, else STS is
// asked, once. Where that fails, a later call of Identity still fills it in.
func (s *Stage) knownIdentity(ctx context.Context) Identity {
	s.askWho.Lock()
	defer s.askWho.Unlock()
	s.mu.Lock()
	id, asked := s.learned.identity, s.learned.asked
	s.learned.asked = true
	s.mu.Unlock()
	if id != (Identity{}) || asked {
		return id
	}
	id, _ = s.Identity(ctx)
	return id
}

// Calls is how many requests this stage has sent to AWS, retries included.
// Those to the workers API are not among them.
func (s *Stage) Calls() uint64 { return s.api.calls() }

// The readers are wrapped, so that no type assertion turns one into write access.

// SQS is read access to queues, for the packages below this one.
func (s *Stage) SQS() SQSReader { return struct{ SQSReader }{s.api.sqs} }

// Logs is read access to CloudWatch Logs, for the packages below this one.
func (s *Stage) Logs() LogsReader { return struct{ LogsReader }{s.api.logs} }

// Lambda is read access to functions, for the packages below this one.
func (s *Stage) Lambda() LambdaReader { return struct{ LambdaReader }{s.api.lambda} }

// Metrics is read access to CloudWatch, for the packages below this one. Metrics
// that are asked for are counted: see Usage.
func (s *Stage) Metrics() MetricsReader { return meteredMetrics{s.api.metrics, &s.metricsAsked} }

// KnownAccount is the account that Identity or the guard has learned of; empty
// until then. It makes no call.
func (s *Stage) KnownAccount() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learned.identity.Account
}

func (s *Stage) deploy() *deployClients { return s.api.deploy() }

// Guard is write access.
func (s *Stage) Guard() *Guard { return s.guard }

// SQSReader is the part of SQS that looks. Receiving hides a message and raises
// its receive count; changing its visibility is how a look is ended.
type SQSReader interface {
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
}

// LogsReader is the part of CloudWatch Logs that looks.
type LogsReader interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// MetricsReader is the part of CloudWatch that looks.
type MetricsReader interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// LambdaReader is the part of Lambda that looks.
type LambdaReader interface {
	ListFunctions(context.Context, *lambda.ListFunctionsInput, ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error)
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
	GetFunctionConcurrency(context.Context, *lambda.GetFunctionConcurrencyInput, ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error)
	ListEventSourceMappings(context.Context, *lambda.ListEventSourceMappingsInput, ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error)
}
