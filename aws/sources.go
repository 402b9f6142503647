package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// The names of sources, as Inventory.Sources and SourceError have them.
const (
	SourceConfig    = "workers/config"
	SourceMappings  = "event source mappings"
	SourceFunctions = "functions"
	SourceQueues    = "queues"
	SourceTags      = "tags"
	SourceManifest  = "manifest"
)

// SourceError is a source of discovery that could not be read, or not wholly.
type SourceError struct {
	Source string
	Err    error
}

// Error says which source and why.
func (e *SourceError) Error() string { return "read " + e.Source + ": " + brief(e.Err) }

// Unwrap is the cause, for Classify.
func (e *SourceError) Unwrap() error { return e.Err }

// fetchConfig reads workers/config with the caller's key.
func (s *Stage) fetchConfig(ctx context.Context) (*dispatch.WorkersConfig, error) {
	key, err := s.apiKey(ctx, dispatch.ConfigKeyFromEnv)
	if err != nil {
		return nil, err
	}
	cfg, err := dispatch.FetchConfig(ctx, s.baseURL(), key, s.api.http)
	if status, ok := errors.AsType[*dispatch.StatusError](err); ok && keyRefused(status) {
		return nil, fmt.Errorf("%w: %s", err, s.keyAdvice("WORKERS_CONFIG_API_KEY"))
	}
	if err != nil && ctx.Err() == nil && s.target.BaseURL == "" {
		s.forgetAPI() // the stack may have been deployed anew
	}
	return cfg, err
}

// configIDs are the workers a workers/config names anywhere: one whose queue the
// API could not look up is in the schemas only. Sorted, never nil.
func configIDs(cfg *dispatch.WorkersConfig) []string {
	ids := make(map[string]struct{}, len(cfg.Workers))
	for id := range cfg.Workers {
		ids[id] = struct{}{}
	}
	for id := range cfg.Schemas {
		ids[id] = struct{}{}
	}
	for _, e := range cfg.Errors {
		ids[e.WorkerID] = struct{}{}
	}
	delete(ids, "")
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(ids))))
}

// mapped is an event source mapping that reads an SQS queue.
type mapped struct {
	queue    queueRef
	function functionRef
	Mapping
}

// functionRef names a function; qualifier is a version or an alias.
type functionRef struct{ arn, name, qualifier string }

// key tells apart the versions of one function, whose settings may differ.
func (f functionRef) key() string {
	if f.qualifier == "" || f.qualifier == "$LATEST" {
		return f.name
	}
	return f.name + ":" + f.qualifier
}

// adopter is whether the function was deployed to take a queue over from another, by its
// name: see project.FunctionName.
func (f functionRef) adopter() bool { return strings.HasSuffix(f.name, "-go") }

// functionFromARN reads arn:aws:lambda:region:account:function:name[:qualifier].
func functionFromARN(raw string) functionRef {
	f := functionRef{arn: raw, name: raw}
	if parts := strings.SplitN(raw, ":", 8); len(parts) >= 7 {
		f.name = parts[6]
		f.arn = strings.Join(parts[:7], ":")
		if len(parts) == 8 {
			f.qualifier = parts[7]
		}
	}
	return f
}

// listMappings reads every event source mapping of the region whose source is
// an SQS queue.
func (s *Stage) listMappings(ctx context.Context) ([]mapped, error) {
	var out []mapped
	in := &lambda.ListEventSourceMappingsInput{MaxItems: awssdk.Int32(100)}
	for {
		page, err := s.api.lambda.ListEventSourceMappings(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, m := range page.EventSourceMappings {
			q, ok := queueFromARN(awssdk.ToString(m.EventSourceArn))
			if !ok {
				continue // a stream, a topic, a broker
			}
			out = append(out, mapped{queue: q, function: functionFromARN(awssdk.ToString(m.FunctionArn)), Mapping: newMapping(&m)})
		}
		if in.Marker = page.NextMarker; awssdk.ToString(in.Marker) == "" {
			return out, nil
		}
	}
}

func newMapping(m *types.EventSourceMappingConfiguration) Mapping {
	out := Mapping{
		UUID: awssdk.ToString(m.UUID), State: awssdk.ToString(m.State), Reason: awssdk.ToString(m.StateTransitionReason),
		LastModified: awssdk.ToTime(m.LastModified), LastResult: awssdk.ToString(m.LastProcessingResult),
		BatchSize:                int(awssdk.ToInt32(m.BatchSize)),
		BatchingWindow:           time.Duration(awssdk.ToInt32(m.MaximumBatchingWindowInSeconds)) * time.Second,
		ReportsBatchItemFailures: slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures),
	}
	if m.ScalingConfig != nil {
		out.MaximumConcurrency = int(awssdk.ToInt32(m.ScalingConfig.MaximumConcurrency))
	}
	if m.FilterCriteria != nil {
		for _, f := range m.FilterCriteria.Filters {
			out.Filters = append(out.Filters, awssdk.ToString(f.Pattern))
		}
	}
	if e := m.FilterCriteriaError; e != nil && len(out.Filters) == 0 {
		// They are encrypted with a key that the reader may not use.
		out.Filters = []string{"filters that cannot be read (" + awssdk.ToString(e.ErrorCode) + ")"}
	}
	return out
}

// lambdaFunction is a function with the part of its environment that says what
// it belongs to. The rest of the environment holds secrets and is dropped.
type lambdaFunction struct {
	Function
	stage string // ENVIRONMENT, else STAGE; empty when the function has neither
}

func newFunction(c *types.FunctionConfiguration) lambdaFunction {
	name := awssdk.ToString(c.FunctionName)
	f := lambdaFunction{Function: Function{
		Name: name, ARN: awssdk.ToString(c.FunctionArn), Runtime: string(c.Runtime), Handler: awssdk.ToString(c.Handler),
		State: string(c.State), StateReason: awssdk.ToString(c.StateReason),
		LastUpdate: string(c.LastUpdateStatus), LastUpdateReason: awssdk.ToString(c.LastUpdateStatusReason),
		Timeout:  time.Duration(awssdk.ToInt32(c.Timeout)) * time.Second,
		MemoryMB: int(awssdk.ToInt32(c.MemorySize)), LastModified: parseModified(awssdk.ToString(c.LastModified)),
		PackageType: string(c.PackageType), LogGroup: "/aws/lambda/" + name,
	}}
	if len(c.Architectures) > 0 {
		f.Architecture = string(c.Architectures[0])
	}
	if l := c.LoggingConfig; l != nil {
		f.LogGroup = cmp.Or(awssdk.ToString(l.LogGroup), f.LogGroup)
		f.LogFormat = string(l.LogFormat)
	}
	if c.Environment != nil {
		f.stage = cmp.Or(c.Environment.Variables["ENVIRONMENT"], c.Environment.Variables["STAGE"])
		f.EnvNames = slices.Sorted(maps.Keys(c.Environment.Variables)) // the values hold secrets
	}
	return f
}

// parseModified reads Lambda's ISO 8601 form, whose zone has no colon.
func parseModified(s string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// listFunctions reads the wanted functions from the region's list. It stops
// when it has them all, and when it has made as many calls as asking for each
// alone would have cost: a region may hold thousands of functions that are none
// of ours. The result may hold others too.
func (s *Stage) listFunctions(ctx context.Context, wanted map[string]functionRef) (map[string]lambdaFunction, error) {
	out := make(map[string]lambdaFunction)
	in := &lambda.ListFunctionsInput{MaxItems: awssdk.Int32(50)}
	missing := len(wanted)
	for calls := 0; calls < len(wanted) && missing > 0; calls++ {
		page, err := s.api.lambda.ListFunctions(ctx, in)
		if err != nil {
			return out, err
		}
		for i := range page.Functions {
			f := newFunction(&page.Functions[i])
			out[f.Name] = f
			if _, ok := wanted[f.Name]; ok {
				missing--
			}
		}
		if in.Marker = page.NextMarker; awssdk.ToString(in.Marker) == "" {
			break
		}
	}
	return out, nil
}

// getFunction reads one function, at the version or alias the mapping names.
func (s *Stage) getFunction(ctx context.Context, ref functionRef) (lambdaFunction, error) {
	in := &lambda.GetFunctionConfigurationInput{FunctionName: awssdk.String(ref.name)}
	if ref.qualifier != "" && ref.qualifier != "$LATEST" {
		in.Qualifier = awssdk.String(ref.qualifier)
	}
	c, err := s.api.lambda.GetFunctionConfiguration(ctx, in)
	if err != nil {
		return lambdaFunction{}, fmt.Errorf("function %s: %w", ref.name, err)
	}
	f := newFunction(&types.FunctionConfiguration{
		FunctionName: awssdk.String(ref.name), FunctionArn: c.FunctionArn, Runtime: c.Runtime, Handler: c.Handler,
		State: c.State, StateReason: c.StateReason, LastUpdateStatus: c.LastUpdateStatus, LastUpdateStatusReason: c.LastUpdateStatusReason,
		Timeout: c.Timeout, MemorySize: c.MemorySize, LastModified: c.LastModified, PackageType: c.PackageType,
		Architectures: c.Architectures, LoggingConfig: c.LoggingConfig, Environment: c.Environment,
	})
	f.Qualifier = ref.qualifier
	return f, nil
}

// functionsOf reads the given functions, by functionRef.key:
// from the region's list, and those it lacks one by one. What could not be read
// is missing from the result and named in err; gone lists the functions Lambda
// says do not exist.
func (s *Stage) functionsOf(ctx context.Context, wanted map[string]functionRef) (found map[string]lambdaFunction, gone map[string]bool, err error) {
	wanted = maps.Clone(wanted)
	found, listErr := s.listFunctions(ctx, wanted)
	if kind, _ := Classify(listErr); kind == KindAuth || ctx.Err() != nil {
		return found, nil, listErr
	}
	for key := range found {
		delete(wanted, key)
	}
	keys := slices.Sorted(maps.Keys(wanted))
	got := make([]lambdaFunction, len(keys))
	errs := callEach(ctx, len(keys), func(i int) (err error) {
		got[i], err = s.getFunction(ctx, wanted[keys[i]])
		return err
	})
	gone = make(map[string]bool)
	failed := 0
	for i, key := range keys {
		switch kind, _ := Classify(errs[i]); kind {
		case KindNone:
			found[key] = got[i]
		case KindNotFound:
			gone[key] = true
		default:
			failed++
			err = cmp.Or(err, errs[i])
		}
	}
	if failed > 0 {
		err = fmt.Errorf("%d of %d functions could not be read: %w", failed, len(keys), err)
	}
	return found, gone, err
}

// listQueues lists the region's queues whose names begin with prefix, a thousand
// a call.
func (s *Stage) listQueues(ctx context.Context, prefix string) ([]queueRef, error) {
	in := &sqs.ListQueuesInput{MaxResults: awssdk.Int32(1000)}
	if prefix != "" {
		in.QueueNamePrefix = awssdk.String(prefix)
	}
	var out []queueRef
	for {
		page, err := s.api.sqs.ListQueues(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, u := range page.QueueUrls {
			if q, ok := queueFromURL(u, s.target.Region); ok {
				out = append(out, q)
			}
		}
		if in.NextToken = page.NextToken; awssdk.ToString(in.NextToken) == "" {
			return out, nil
		}
	}
}
