package resources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxEnvironment is how long a function's variables may be together, in bytes.
const maxEnvironment = 4096

// reserved are the variables that Lambda itself sets
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// codes are the archives that functions run from, by the functions' names.
type codes struct {
	mu   sync.Mutex
	held map[string]*archive
}

func (r *Resources) function() stacks.Kind {
	held := &codes{held: map[string]*archive{}}
	put := func(ctx context.Context, s stacks.Resource, name string, deploy func(context.Context, functions.Function) error) error {
		code := object(s.Properties["Code"])
		if code["ZipFile"] != nil || code["ImageUri"] != nil {
			return invalid("the local endpoint runs code from S3 only: give Code an S3Bucket and an S3Key")
		}
		a, err := r.code.use(text(code["S3Bucket"]), text(code["S3Key"]))
		if err != nil {
			return err
		}
		f, err := functionOf(s, name, a)
		if err == nil {
			err = deploy(ctx, f)
		}
		if err != nil {
			return errors.Join(err, r.code.release(a))
		}
		held.mu.Lock()
		old := held.held[name]
		held.held[name] = a
		held.mu.Unlock()
		return r.code.release(old)
	}
	return stacks.Kind{
		Create: func(ctx context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "FunctionName", 64)
			err := put(ctx, s, name, r.cfg.Functions.Make)
			if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "ResourceConflictException" {
				return stacks.Made{}, exists("AWS::Lambda::Function", name)
			}
			arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.cfg.Region, r.cfg.Account, name)
			return stacks.Made{ID: name, Attributes: map[string]any{"Arn": arn}}, err
		},
		Update: func(ctx context.Context, _, s stacks.Resource) (stacks.Made, error) {
			return stacks.Made{}, put(ctx, s, s.PhysicalID, r.cfg.Functions.Put)
		},
		Delete: func(ctx context.Context, s stacks.Resource) error {
			if err := unlessGone(r.cfg.Functions.Remove(ctx, s.PhysicalID)); err != nil {
				return err
			}
			held.mu.Lock()
			a := held.held[s.PhysicalID]
			delete(held.held, s.PhysicalID)
			held.mu.Unlock()
			return r.code.release(a)
		},
		Replaced: []string{"FunctionName", "PackageType"}, Required: []string{"Code", "Role"}, Name: "FunctionName", Tagged: true,
	}
}

// functionOf is a function of a stack as the endpoint runs it: the program bootstrap of its
// archive, as Lambda runs what is compiled.
func functionOf(s stacks.Resource, name string, a *archive) (functions.Function, error) {
	p := s.Properties
	f := functions.Function{
		Name: name, Handler: text(p["Handler"]), Command: []string{filepath.Join(a.dir, "bootstrap")}, Dir: a.dir, Description: text(p["Description"]),
		Runtime: text(p["Runtime"]), Architecture: "x86_64", Role: text(p["Role"]), Tags: tagsOf(s), Owner: owner(s), CodeSHA256: a.base64(), CodeSize: a.size,
		LogGroup: text(object(p["LoggingConfig"])["LogGroup"]),
	}
	if all := list(p["Architectures"]); len(all) > 0 {
		f.Architecture = text(all[0])
	}
	timeout, err := number(p, "Timeout", 3)
	if err != nil {
		return f, err
	}
	f.Timeout = time.Duration(timeout) * time.Second
	if f.MemoryMB, err = number(p, "MemorySize", functions.DefaultMemoryMB); err != nil {
		return f, err
	}
	if f.ReservedConcurrency, err = number(p, "ReservedConcurrentExecutions", 0); err != nil {
		return f, err
	}
	f.Env, err = environment(object(object(p["Environment"])["Variables"]))
	return f, err
}

func environment(variables map[string]any) ([]string, error) {
	var env, wrong []string
	given := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reserved, name) {
			wrong = append(wrong, name)
		}
		given[name] = text(variables[name])
		env = append(env, name+"="+given[name])
	}
	if len(wrong) > 0 {
		return nil, invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(wrong, ", "))
	}
	if b, err := json.Marshal(given); err == nil && len(b) > maxEnvironment {
		return nil, invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.")
	}
	return env, nil
}

func (r *Resources) mapping() stacks.Kind {
	arn := func(uuid string) string {
		return fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", r.cfg.Region, r.cfg.Account, uuid)
	}
	return stacks.Kind{
		Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
			m, err := mappingOf(s)
			if err != nil {
				return stacks.Made{}, err
			}
			uuid, err := r.cfg.Functions.MakeMapping(m)
			return stacks.Made{ID: uuid, Attributes: map[string]any{"Id": uuid, "EventSourceMappingArn": arn(uuid)}}, err
		},
		Update: func(_ context.Context, _, s stacks.Resource) (stacks.Made, error) {
			m, err := mappingOf(s)
			if err != nil {
				return stacks.Made{}, err
			}
			return stacks.Made{}, r.cfg.Functions.ChangeMapping(s.PhysicalID, m)
		},
		Delete: func(_ context.Context, s stacks.Resource) error {
			return unlessGone(r.cfg.Functions.RemoveMapping(s.PhysicalID))
		},
		Replaced: []string{"EventSourceArn"}, Required: []string{"FunctionName"},
	}
}

func mappingOf(s stacks.Resource) (m functions.Mapping, err error) {
	p := s.Properties
	m = functions.Mapping{
		FunctionName: text(p["FunctionName"]), QueueARN: text(p["EventSourceArn"]), Enabled: p["Enabled"] == nil || isTrue(p["Enabled"]), Owner: owner(s),
	}
	if m.BatchSize, err = number(p, "BatchSize", functions.DefaultBatchSize); err != nil {
		return m, err
	}
	window, err := number(p, "MaximumBatchingWindowInSeconds", 0)
	if err != nil {
		return m, err
	}
	m.Window = time.Duration(window) * time.Second
	if m.MaximumConcurrency, err = number(object(p["ScalingConfig"]), "MaximumConcurrency", 0); err != nil {
		return m, err
	}
	for _, kind := range list(p["FunctionResponseTypes"]) {
		m.ReportBatchItemFailures = m.ReportBatchItemFailures || text(kind) == "ReportBatchItemFailures"
	}
	return m, nil
}
