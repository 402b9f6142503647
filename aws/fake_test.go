package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	testRegion  = "eu-west-1"
	testAccount = "111122223333"
	denied      = "AccessDenied"
)

// fakeAWS is an account in memory: what the SDK's clients would say of it.
type fakeAWS struct {
	mu        sync.Mutex
	queues    map[string]map[string]string // name -> attributes
	mappings  []types.EventSourceMappingConfiguration
	functions map[string]types.FunctionConfiguration
	sent      []*sqs.SendMessageInput
	// reserved is a function's reserved concurrency; tags are those of queues and
	// functions, by ARN.
	reserved map[string]int32
	tags     map[string]map[string]string
	// pageSize is how many mappings are on a page, 2 unless set.
	pageSize int
	// fail makes an operation fail: the operation, or the operation and the
	// queue or function, as in "GetQueueAttributes p-x-echo-prod".
	fail map[string]error
	// calls counts operations.
	calls map[string]int
	// width is how many GetQueueAttributes calls are under way, and the most
	// there have been.
	width, widest int
	// regions are where GetQueueAttributes was sent.
	regions []string
	// hosts, when not empty, is what a queue's URL must begin with.
	hosts string
	// busy is how often a mapping is in use when it is to be updated; slow how many
	// lists of the mappings it takes until a change is done.
	busy, slow int
	// hold, when not nil, delays GetQueueAttributes until it is closed.
	hold chan struct{}
}

func newFakeAWS() *fakeAWS {
	return &fakeAWS{
		queues: make(map[string]map[string]string), functions: make(map[string]types.FunctionConfiguration),
		reserved: make(map[string]int32), tags: make(map[string]map[string]string),
		fail: make(map[string]error), calls: make(map[string]int),
	}
}

func queueARN(name string) string {
	return "arn:aws:sqs:" + testRegion + ":" + testAccount + ":" + name
}

func queueURL(name string) string {
	return "https://sqs." + testRegion + ".amazonaws.com/" + testAccount + "/" + name
}

func functionARN(name string) string {
	return "arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:" + name
}

// queue adds a queue; dlq may be empty.
func (f *fakeAWS) queue(name, dlq string, visible int) *fakeAWS {
	a := map[string]string{
		"QueueArn": queueARN(name), "VisibilityTimeout": "360", "MessageRetentionPeriod": "345600",
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": "0",
		"ApproximateNumberOfMessagesDelayed": "0",
	}
	if dlq != "" {
		a["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, queueARN(dlq))
	}
	f.queues[name] = a
	return f
}

// function adds a function that reads a queue.
func (f *fakeAWS) function(name, runtime, queue string, env map[string]string) *fakeAWS {
	f.functions[name] = types.FunctionConfiguration{
		FunctionName: awssdk.String(name), FunctionArn: awssdk.String(functionARN(name)), Runtime: types.Runtime(runtime),
		Timeout: awssdk.Int32(300), MemorySize: awssdk.Int32(512), LastModified: awssdk.String("2026-01-02T03:04:05.000+0000"),
		Environment: &types.EnvironmentResponse{Variables: env},
	}
	f.mappings = append(f.mappings, types.EventSourceMappingConfiguration{
		UUID: awssdk.String("uuid-" + name), EventSourceArn: awssdk.String(queueARN(queue)), FunctionArn: awssdk.String(functionARN(name)),
		State: awssdk.String("Enabled"), BatchSize: awssdk.Int32(1),
		FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
	})
	return f
}

// worker adds a worker as a deployment makes it, healthy in every way.
func (f *fakeAWS) worker(service, id, stage, runtime string) *fakeAWS {
	q, dlq := service+"-"+id+"-"+stage, service+"-"+id+"-dlq-"+stage
	f.queue(dlq, "", 0).queues[dlq]["MessageRetentionPeriod"] = "1209600"
	return f.queue(q, dlq, 0).
		function(dispatch.FunctionName(service, stage, id), runtime, q, map[string]string{"ENVIRONMENT": stage, "SECRET": "hunter2"})
}

func apiError(service, op, code, message string) error {
	return &smithy.OperationError{ServiceID: service, OperationName: op, Err: &smithy.GenericAPIError{Code: code, Message: message}}
}

// enter counts a call and says how it fails. The lock is held on return.
func (f *fakeAWS) enter(service, op, object string) (unlock func(), err error) {
	f.mu.Lock()
	f.calls[op]++
	err = f.fail[op]
	if e, ok := f.fail[op+" "+object]; ok {
		err = e
	}
	if err != nil {
		err = &smithy.OperationError{ServiceID: service, OperationName: op, Err: err}
	}
	return f.mu.Unlock, err
}

func (f *fakeAWS) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func lastSegment(url string) string {
	ref, _ := queueFromURL(url, "")
	return ref.name
}

func (f *fakeAWS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, opts ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	name := lastSegment(*in.QueueUrl)
	o := sqs.Options{Region: testRegion}
	for _, opt := range opts {
		opt(&o)
	}
	f.mu.Lock()
	f.regions = append(f.regions, o.Region)
	f.width++
	f.widest = max(f.widest, f.width)
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	unlock, err := f.enter("SQS", "GetQueueAttributes", name)
	defer unlock()
	f.width--
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	a, ok := f.queues[name]
	if !ok || !strings.HasPrefix(*in.QueueUrl, f.hosts) {
		return nil, &smithy.OperationError{ServiceID: "SQS", OperationName: "GetQueueAttributes", Err: &sqstypes.QueueDoesNotExist{}}
	}
	out := make(map[string]string)
	for k, v := range a {
		if slices.Contains(in.AttributeNames, sqstypes.QueueAttributeNameAll) || slices.Contains(in.AttributeNames, sqstypes.QueueAttributeName(k)) {
			out[k] = v
		}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: out}, nil
}

func (f *fakeAWS) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	unlock, err := f.enter("SQS", "GetQueueUrl", *in.QueueName)
	defer unlock()
	if _, ok := f.queues[*in.QueueName]; !ok && err == nil {
		err = &sqstypes.QueueDoesNotExist{}
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: awssdk.String(queueURL(*in.QueueName))}, err
}

func (f *fakeAWS) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	unlock, err := f.enter("SQS", "ListQueues", awssdk.ToString(in.QueueNamePrefix))
	defer unlock()
	out := &sqs.ListQueuesOutput{}
	for name := range f.queues {
		if !strings.HasPrefix(name, awssdk.ToString(in.QueueNamePrefix)) {
			continue
		}
		out.QueueUrls = append(out.QueueUrls, queueURL(name))
	}
	slices.Sort(out.QueueUrls)
	return out, err
}

func (f *fakeAWS) ListDeadLetterSourceQueues(_ context.Context, in *sqs.ListDeadLetterSourceQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	unlock, err := f.enter("SQS", "ListDeadLetterSourceQueues", *in.QueueUrl)
	defer unlock()
	if err != nil {
		return nil, err
	}
	out := &sqs.ListDeadLetterSourceQueuesOutput{}
	name := (*in.QueueUrl)[strings.LastIndexByte(*in.QueueUrl, '/')+1:]
	for _, source := range slices.Sorted(maps.Keys(f.queues)) {
		if p, ok := parseRedrivePolicy(f.queues[source]["RedrivePolicy"]); ok && p.target == queueARN(name) {
			out.QueueUrls = append(out.QueueUrls, queueURL(source))
		}
	}
	return out, nil
}

func (f *fakeAWS) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	panic("not called by this package")
}

func (f *fakeAWS) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	panic("not called by this package")
}

// GetResources gives pages of one, so that paging is always tried.
func (f *fakeAWS) GetResources(_ context.Context, in *resourcegroupstaggingapi.GetResourcesInput, _ ...func(*resourcegroupstaggingapi.Options)) (*resourcegroupstaggingapi.GetResourcesOutput, error) {
	unlock, err := f.enter("Resource Groups Tagging API", "GetResources", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	var arns []string
	for arn, tags := range f.tags {
		if !slices.ContainsFunc(in.TagFilters, func(filter tagtypes.TagFilter) bool {
			v, ok := tags[*filter.Key]
			return !ok || len(filter.Values) > 0 && !slices.Contains(filter.Values, v)
		}) {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	from, to, token := page(in.PaginationToken, len(arns), 1)
	out := &resourcegroupstaggingapi.GetResourcesOutput{PaginationToken: token}
	for _, arn := range arns[from:to] {
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, tagtypes.ResourceTagMapping{ResourceARN: awssdk.String(arn)})
	}
	return out, nil
}

func (f *fakeAWS) GetFunctionConcurrency(_ context.Context, in *lambda.GetFunctionConcurrencyInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConcurrencyOutput, error) {
	unlock, err := f.enter("Lambda", "GetFunctionConcurrency", *in.FunctionName)
	defer unlock()
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionConcurrencyOutput{}
	if n, ok := f.reserved[*in.FunctionName]; ok {
		out.ReservedConcurrentExecutions = awssdk.Int32(n)
	}
	return out, nil
}

// ListEventSourceMappings gives pages of two, so that paging is always tried.
func (f *fakeAWS) ListEventSourceMappings(_ context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	unlock, err := f.enter("Lambda", "ListEventSourceMappings", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	if f.slow--; f.slow < 0 && in.Marker == nil {
		for i := range f.mappings {
			if to, ok := map[string]string{"Enabling": "Enabled", "Disabling": "Disabled"}[*f.mappings[i].State]; ok {
				f.mappings[i].State = awssdk.String(to)
			}
		}
	}
	all := f.mappings
	if in.EventSourceArn != nil {
		all = slices.DeleteFunc(slices.Clone(all), func(m types.EventSourceMappingConfiguration) bool { return *m.EventSourceArn != *in.EventSourceArn })
	}
	from, to, marker := page(in.Marker, len(all), cmp.Or(f.pageSize, 2))
	return &lambda.ListEventSourceMappingsOutput{EventSourceMappings: all[from:to], NextMarker: marker}, nil
}

func (f *fakeAWS) ListFunctions(_ context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	unlock, err := f.enter("Lambda", "ListFunctions", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	var all []types.FunctionConfiguration
	for _, fn := range f.functions {
		fn.State, fn.StateReason, fn.LastUpdateStatus, fn.LastUpdateStatusReason = "", nil, "", nil // as AWS does
		all = append(all, fn)
	}
	slices.SortFunc(all, func(a, b types.FunctionConfiguration) int {
		if *a.FunctionName < *b.FunctionName {
			return -1
		}
		return 1
	})
	from, to, marker := page(in.Marker, len(all), int(awssdk.ToInt32(in.MaxItems)))
	return &lambda.ListFunctionsOutput{Functions: all[from:to], NextMarker: marker}, nil
}

func page(marker *string, n, size int) (from, to int, next *string) {
	from = atoi(awssdk.ToString(marker))
	if to = min(from+size, n); to < n {
		next = awssdk.String(strconv.Itoa(to))
	}
	return from, to, next
}

func (f *fakeAWS) GetFunctionConfiguration(_ context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	unlock, err := f.enter("Lambda", "GetFunctionConfiguration", *in.FunctionName)
	defer unlock()
	if err != nil {
		return nil, err
	}
	fn, ok := f.functions[*in.FunctionName]
	if !ok {
		return nil, apiError("Lambda", "GetFunctionConfiguration", "ResourceNotFoundException", "Function not found")
	}
	return &lambda.GetFunctionConfigurationOutput{
		FunctionName: fn.FunctionName, FunctionArn: fn.FunctionArn, Runtime: fn.Runtime, Timeout: fn.Timeout, MemorySize: fn.MemorySize,
		LastModified: fn.LastModified, Environment: fn.Environment, Handler: fn.Handler, LoggingConfig: fn.LoggingConfig,
		State: cmp.Or(fn.State, types.StateActive), StateReason: fn.StateReason, LastUpdateStatus: fn.LastUpdateStatus, LastUpdateStatusReason: fn.LastUpdateStatusReason,
		Architectures: fn.Architectures, PackageType: fn.PackageType,
	}, nil
}

func (f *fakeAWS) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	unlock, err := f.enter("STS", "GetCallerIdentity", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	return &sts.GetCallerIdentityOutput{
		Account: awssdk.String(testAccount), Arn: awssdk.String("arn:aws:sts::" + testAccount + ":assumed-role/ops/somebody"),
	}, ctx.Err()
}

func (f *fakeAWS) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	unlock, err := f.enter("SQS", "SendMessage", lastSegment(*in.QueueUrl))
	defer unlock()
	if err != nil {
		return nil, err
	}
	f.sent = append(f.sent, in)
	return &sqs.SendMessageOutput{MessageId: awssdk.String("message-" + strconv.Itoa(len(f.sent)))}, nil
}

func (f *fakeAWS) SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	panic("not called by this package")
}

func (f *fakeAWS) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	panic("not called by this package")
}

// UpdateEventSourceMapping answers as Lambda does: the change is under way. Each
// list of the mappings brings it a step further.
func (f *fakeAWS) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	unlock, err := f.enter("Lambda", "UpdateEventSourceMapping", *in.UUID)
	defer unlock()
	if err != nil {
		return nil, err
	}
	for i := range f.mappings {
		m := &f.mappings[i]
		if *m.UUID != *in.UUID {
			continue
		}
		if f.busy > 0 {
			f.busy--
			return nil, &types.ResourceInUseException{Message: awssdk.String("it is being updated")}
		}
		m.State = awssdk.String(map[bool]string{true: "Enabling", false: "Disabling"}[*in.Enabled])
		return &lambda.UpdateEventSourceMappingOutput{UUID: in.UUID, State: m.State}, nil
	}
	return nil, apiError("Lambda", "UpdateEventSourceMapping", "ResourceNotFoundException", "no such mapping")
}

func (f *fakeAWS) StartMessageMoveTask(context.Context, *sqs.StartMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error) {
	panic("not called by this package")
}

func (f *fakeAWS) CancelMessageMoveTask(context.Context, *sqs.CancelMessageMoveTaskInput, ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error) {
	panic("not called by this package")
}

func (f *fakeAWS) ListMessageMoveTasks(context.Context, *sqs.ListMessageMoveTasksInput, ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	panic("not called by this package")
}

func testNow() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func noEnv(string) string { return "" }

func envOf(kv map[string]string) func(string) string {
	return func(name string) string { return kv[name] }
}

// stage is a Stage over the account; the audit trail is off unless o names one.
func (f *fakeAWS) stage(t Target, o Options) *Stage {
	t.Region = testRegion
	if o.Getenv == nil {
		o.Getenv = noEnv
	}
	if o.AuditPath == "" {
		o.AuditPath = NoAudit
	}
	if p := o.Protection; p.Patterns == nil && !p.Always {
		o.Protection.Never = true
	}
	o.Now = testNow
	return newStage(t, o, clients{
		sqs: f, lambda: f, sts: f, tags: f, writer: f, http: http.DefaultClient, calls: func() uint64 { return 0 },
	})
}

// workersAPI is a workers API with one answer for workers/config and another
// for the trigger.
type workersAPI struct {
	*httptest.Server
	mu       sync.Mutex
	config   dispatch.WorkersConfig
	key      string // empty: open
	triggers []string
}

func newWorkersAPI(t testing.TB, cfg dispatch.WorkersConfig) *workersAPI {
	t.Helper()
	api := &workersAPI{config: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /workers/config", func(w http.ResponseWriter, r *http.Request) {
		api.mu.Lock()
		defer api.mu.Unlock()
		if api.key != "" && r.Header.Get("x-workers-config-key") != api.key {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"Unauthorized"}`)
			return
		}
		answer := api.config
		if api.key == "" || r.URL.Query().Get("debug") != "1" {
			answer.Errors = nil // as the deployed system has it
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
	mux.HandleFunc("POST /workers/trigger", func(w http.ResponseWriter, r *http.Request) {
		api.mu.Lock()
		defer api.mu.Unlock()
		if api.key != "" && r.Header.Get("x-workers-trigger-key") != api.key {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"Unauthorized"}`)
			return
		}
		var body struct {
			WorkerID string          `json:"workerId"`
			Body     json.RawMessage `json:"body"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		if _, ok := api.config.Workers[body.WorkerID]; !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"error":"Queue URL not found","queueName":"p-x-%s-prod"}`, body.WorkerID)
			return
		}
		api.triggers = append(api.triggers, string(body.Body))
		fmt.Fprint(w, `{"ok":true,"messageId":"from-trigger"}`)
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

func (api *workersAPI) triggered() []string {
	api.mu.Lock()
	defer api.mu.Unlock()
	return slices.Clone(api.triggers)
}

// configFor lists workers of service p-x in stage prod.
func configFor(ids ...string) dispatch.WorkersConfig {
	cfg := dispatch.WorkersConfig{
		Version: "1.0.0", Stage: "prod", Region: testRegion,
		Workers: map[string]dispatch.WorkersConfigEntry{}, Schemas: map[string]json.RawMessage{}, Queues: []json.RawMessage{},
	}
	for _, id := range ids {
		cfg.Workers[id] = dispatch.WorkersConfigEntry{QueueURL: queueURL("p-x-" + id + "-prod"), Region: testRegion, Group: "default"}
		cfg.Schemas[id] = json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`)
	}
	return cfg
}
