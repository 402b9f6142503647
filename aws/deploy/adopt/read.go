package adopt

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
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// atOnce is how many calls are under way at the same time. Lambda answers 15 calls a second.
const atOnce = 8

// each runs fn for 0 to n-1, several at a time; the error is the first that happened.
func each(ctx context.Context, n int, fn func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := fn(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// stack is what CloudFormation says of a stack.
type stack struct {
	name string
	tags map[string]string
}

// readStack reads a stack; nil when there is none. A stack whose creation was never begun
// (REVIEW_IN_PROGRESS: it has a change set and nothing else) has its name all the same.
func readStack(ctx context.Context, s Reader, name string) (*stack, error) {
	out, err := s.CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		if noSuchStack(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read stack %s: %w", name, err)
	}
	for i := range out.Stacks {
		st := &out.Stacks[i]
		if awssdk.ToString(st.StackName) != name || st.StackStatus == cftypes.StackStatusDeleteComplete {
			continue
		}
		got := &stack{name: name, tags: make(map[string]string)}
		for _, t := range st.Tags {
			got.tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		return got, nil
	}
	return nil, nil
}

// noSuchStack is whether CloudFormation says that there is no stack of the name, for which it has
// no error of its own.
func noSuchStack(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist")
}

// metadata is the top-level Metadata of a template of ours.
type metadata struct {
	Metadata struct {
		Aiwctl struct {
			Service string                     `json:"service"`
			Stage   string                     `json:"stage"`
			Adopted map[string]project.Adopted `json:"adopted"`
		} `json:"aiwctl"`
	} `json:"Metadata"`
}

// readAdopted reads what a stack of ours has adopted from its template.
func readAdopted(ctx context.Context, s Reader, name string) (map[string]project.Adopted, error) {
	out, err := s.CloudFormation().GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: cftypes.TemplateStageOriginal})
	if err != nil {
		if noSuchStack(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read the template of stack %s: %w", name, err)
	}
	adopted, err := InTemplate([]byte(awssdk.ToString(out.TemplateBody)))
	if err != nil {
		return nil, fmt.Errorf("read the template of stack %s: %w", name, err)
	}
	return adopted, nil
}

// InTemplate is what the template of a stack says that it has adopted, by worker.
func InTemplate(body []byte) (map[string]project.Adopted, error) {
	var m metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("it is not as aiwctl writes it: %w", err)
	}
	return m.Metadata.Aiwctl.Adopted, nil
}

// readOwned lists the names of the queues and functions that a stack has.
func readOwned(ctx context.Context, s Reader, name string, into map[string]bool) error {
	in := &cloudformation.ListStackResourcesInput{StackName: &name}
	for {
		out, err := s.CloudFormation().ListStackResources(ctx, in)
		if err != nil {
			return fmt.Errorf("list what stack %s has: %w", name, err)
		}
		for _, r := range out.StackResourceSummaries {
			id := awssdk.ToString(r.PhysicalResourceId)
			if id == "" || r.ResourceStatus == cftypes.ResourceStatusDeleteComplete {
				continue
			}
			switch awssdk.ToString(r.ResourceType) {
			case "AWS::SQS::Queue": // the URL
				into[string(KindQueue)+path.Base(id)] = true
			case "AWS::Lambda::Function":
				into[string(KindFunction)+id] = true
			}
		}
		if in.NextToken = out.NextToken; awssdk.ToString(in.NextToken) == "" {
			return nil
		}
	}
}

// readQueueNames lists the queues whose names begin with prefix, by name, with their URLs.
func readQueueNames(ctx context.Context, s Reader, prefix string) (map[string]string, error) {
	urls := make(map[string]string)
	in := &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: awssdk.Int32(1000)}
	for {
		out, err := s.SQS().ListQueues(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the queues named %s...: %w", prefix, err)
		}
		for _, u := range out.QueueUrls {
			urls[path.Base(u)] = u
		}
		if in.NextToken = out.NextToken; awssdk.ToString(in.NextToken) == "" {
			return urls, nil
		}
	}
}

// errGone is returned for a queue that there is not.
var errGone = errors.New("there is no such queue")

// readQueue reads a queue's attributes; errGone when there is none.
func readQueue(ctx context.Context, s Reader, url string) (*queueFacts, error) {
	name := path.Base(url)
	out, err := s.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		if notFound(err) {
			return nil, fmt.Errorf("queue %s: %w", name, errGone)
		}
		return nil, fmt.Errorf("read queue %s: %w", name, err)
	}
	number := func(attribute sqstypes.QueueAttributeName) int {
		n, _ := strconv.Atoi(out.Attributes[string(attribute)])
		return n
	}
	f := &queueFacts{
		name: name, url: url, arn: out.Attributes["QueueArn"], fifo: strings.HasSuffix(name, ".fifo"),
		setting:   project.QueueSetting{VisibilityTimeoutSeconds: number(sqstypes.QueueAttributeNameVisibilityTimeout)},
		retention: time.Duration(number(sqstypes.QueueAttributeNameMessageRetentionPeriod)) * time.Second,
		kmsKey:    out.Attributes[string(sqstypes.QueueAttributeNameKmsMasterKeyId)],
		depth: aws.Depth{
			Visible:  number(sqstypes.QueueAttributeNameApproximateNumberOfMessages),
			InFlight: number(sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
			Delayed:  number(sqstypes.QueueAttributeNameApproximateNumberOfMessagesDelayed),
		},
		redrivePolicy: out.Attributes[string(sqstypes.QueueAttributeNameRedrivePolicy)],
	}
	if f.redrivePolicy != "" {
		var policy struct {
			Target string `json:"deadLetterTargetArn"`
			Max    any    `json:"maxReceiveCount"` // a number, or a number as text
		}
		if err := json.Unmarshal([]byte(f.redrivePolicy), &policy); err != nil {
			return nil, fmt.Errorf("read queue %s: its redrive policy: %w", name, err)
		}
		f.dlqARN = policy.Target
		f.setting.MaxReceiveCount, _ = strconv.Atoi(fmt.Sprint(policy.Max))
	}
	return f, nil
}

// notFound is whether AWS says that there is no such thing.
func notFound(err error) bool {
	kind, _ := aws.Classify(err)
	return kind == aws.KindNotFound
}

// readMappings reads the event source mappings that read a queue.
func readMappings(ctx context.Context, s Reader, queueARN string) ([]Mapping, error) {
	var out []Mapping
	in := &lambda.ListEventSourceMappingsInput{EventSourceArn: &queueARN}
	for {
		page, err := s.Lambda().ListEventSourceMappings(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read the event source mappings of %s: %w", queueARN, err)
		}
		for i := range page.EventSourceMappings {
			m := &page.EventSourceMappings[i]
			if awssdk.ToString(m.EventSourceArn) != queueARN {
				continue
			}
			out = append(out, Mapping{UUID: awssdk.ToString(m.UUID), State: awssdk.ToString(m.State), Function: functionName(awssdk.ToString(m.FunctionArn))})
		}
		if in.Marker = page.NextMarker; awssdk.ToString(in.Marker) == "" {
			slices.SortFunc(out, func(a, b Mapping) int { return strings.Compare(a.UUID, b.UUID) })
			return out, nil
		}
	}
}

// functionName takes it out of arn:aws:lambda:region:account:function:name[:qualifier].
func functionName(arn string) string {
	if parts := strings.SplitN(arn, ":", 8); len(parts) >= 7 {
		return parts[6]
	}
	return arn
}

// readFunction reads a function's ARN; empty when there is none.
func readFunction(ctx context.Context, s Reader, name string) (string, error) {
	out, err := s.Lambda().GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		if notFound(err) {
			return "", nil
		}
		return "", fmt.Errorf("read function %s: %w", name, err)
	}
	return awssdk.ToString(out.FunctionArn), nil
}

// readTags reads the tags of queues and functions by ARN. What has never had a tag is
// missing.
func readTags(ctx context.Context, s Reader, arns []string) (map[string]map[string]string, error) {
	out := make(map[string]map[string]string)
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(set(arns))), 100) { // as many as a call takes
		page, err := s.Tags().GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: batch})
		if err != nil {
			return nil, fmt.Errorf("read the tags of what exists already: %w", err)
		}
		for _, r := range page.ResourceTagMappingList {
			tags := make(map[string]string)
			for _, t := range r.Tags {
				tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
			}
			out[awssdk.ToString(r.ResourceARN)] = tags
		}
	}
	return out, nil
}

func set(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}
