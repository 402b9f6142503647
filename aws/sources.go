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
	cfg, err := dispatch.FetchConfig(ctx, s.target.BaseURL, dispatch.ConfigKeyFromEnv(s.opts.Getenv), s.api.http)
	if status, ok := errors.AsType[*dispatch.StatusError](err); ok && keyRefused(status) {
		return nil, fmt.Errorf("%w: %s", err, keyAdvice(s.opts.Getenv, "WORKERS_CONFIG_API_KEY"))
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
			one := mapped{queue: q, function: functionFromARN(awssdk.ToString(m.FunctionArn)), Mapping: Mapping{
				UUID: awssdk.ToString(m.UUID), State: awssdk.ToString(m.State),
				BatchSize:                int(awssdk.ToInt32(m.BatchSize)),
				ReportsBatchItemFailures: slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures),
			}}
			if m.ScalingConfig != nil {
				one.MaximumConcurrency = int(awssdk.ToInt32(m.ScalingConfig.MaximumConcurrency))
			}
			out = append(out, one)
		}
		if in.Marker = page.NextMarker; awssdk.ToString(in.Marker) == "" {
			return out, nil
		}
	}
}

// lambdaFunction is a function with the part of its environment that says what
// it belongs to. The rest of the environment holds secrets and is dropped.
type lambdaFunction struct {
	Function
	stage string // ENVIRONMENT, else STAGE; empty when the function has neither
}

func newFunction(name, arn, runtime, handler string, timeout, memory *int32, modified string, logs *types.LoggingConfig, env map[string]string) lambdaFunction {
	f := lambdaFunction{Function: Function{
		Name: name, ARN: arn, Runtime: runtime, Handler: handler,
		Timeout:  time.Duration(awssdk.ToInt32(timeout)) * time.Second,
		MemoryMB: int(awssdk.ToInt32(memory)), LastModified: parseModified(modified),
		LogGroup: "/aws/lambda/" + name,
	}}
	if logs != nil && awssdk.ToString(logs.LogGroup) != "" {
		f.LogGroup = *logs.LogGroup
	}
	f.stage = env["ENVIRONMENT"]
	if f.stage == "" {
		f.stage = env["STAGE"]
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
			c := &page.Functions[i]
			var env map[string]string
			if c.Environment != nil {
				env = c.Environment.Variables
			}
			f := newFunction(awssdk.ToString(c.FunctionName), awssdk.ToString(c.FunctionArn), string(c.Runtime),
				awssdk.ToString(c.Handler), c.Timeout, c.MemorySize, awssdk.ToString(c.LastModified), c.LoggingConfig, env)
			f.State = string(c.State)
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
	if ref.qualifier != "" {
		in.Qualifier = awssdk.String(ref.qualifier)
	}
	c, err := s.api.lambda.GetFunctionConfiguration(ctx, in)
	if err != nil {
		return lambdaFunction{}, fmt.Errorf("function %s: %w", ref.name, err)
	}
	var env map[string]string
	if c.Environment != nil {
		env = c.Environment.Variables
	}
	f := newFunction(ref.name, awssdk.ToString(c.FunctionArn), string(c.Runtime), awssdk.ToString(c.Handler),
		c.Timeout, c.MemorySize, awssdk.ToString(c.LastModified), c.LoggingConfig, env)
	f.State = string(c.State)
	return f, nil
}

// functionsOf reads the functions of the given mappings, by functionRef.key:
// from the region's list, and those it lacks one by one. What could not be read
// is missing from the result and named in err; gone lists the functions Lambda
// says do not exist.
func (s *Stage) functionsOf(ctx context.Context, ms []mapped) (found map[string]lambdaFunction, gone map[string]bool, err error) {
	wanted := make(map[string]functionRef)
	for _, m := range ms {
		wanted[m.function.key()] = m.function
	}
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

// listQueues is the last resort: queues by name, when neither the workers API
// nor Lambda can be read.
func (s *Stage) listQueues(ctx context.Context) ([]queueRef, error) {
	in := &sqs.ListQueuesInput{MaxResults: awssdk.Int32(1000)}
	if s.target.Service != "" {
		in.QueueNamePrefix = awssdk.String(s.target.Service + "-")
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
