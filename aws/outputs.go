package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// A stage that push has deployed says in the outputs of its base stack where its workers API
// is, and where the API's key is kept.

const (
	// lookAgain is how long it is believed that no stack has such outputs.
	lookAgain = 5 * time.Minute
	// mostStacks is how many services' stacks are asked for, where no service is named.
	mostStacks = 3
)

// outputsReader reads stacks, and the secrets that their outputs refer to.
type outputsReader interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// lazyOutputs makes the clients when the first of them is needed.
type lazyOutputs struct{ deploy func() *deployClients }

func (l lazyOutputs) DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, o ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return l.deploy().cloudformation.DescribeStacks(ctx, in, o...)
}

func (l lazyOutputs) GetParameter(ctx context.Context, in *ssm.GetParameterInput, o ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	return l.deploy().ssm.GetParameter(ctx, in, o...)
}

func (l lazyOutputs) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, o ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return l.deploy().secrets.GetSecretValue(ctx, in, o...)
}

// deployedAPI is what stacks say of a stage's workers API.
type deployedAPI struct {
	// Base is empty when no stack says where it is; Stack is the one that does.
	Base, Stack string
	// Key is where the key is kept; zero when the API is open.
	Key project.Ref
	// note says why nothing was found, where that is worth knowing.
	note string
}

// APIInfo is where the workers API is, and how that is known.
type APIInfo struct {
	// BaseURL is empty when it is not known.
	BaseURL string
	// Stack is the stack whose outputs say so; empty when the target names BaseURL.
	Stack string
	// KeyRef is where the stage keeps the API's key, as text: a reference, never the key.
	// Empty when the stack says of none.
	KeyRef string
	// Note says why it is not known, where that is worth knowing.
	Note string
}

// WorkersAPI says what is known of the workers API. It makes no call: Inventory finds out.
func (s *Stage) WorkersAPI() APIInfo {
	if s.target.BaseURL != "" {
		return APIInfo{BaseURL: s.target.BaseURL}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	api := s.learned.api
	return APIInfo{BaseURL: api.Base, Stack: api.Stack, KeyRef: api.Key.String(), Note: api.note}
}

// baseURL is the target's, else what a stack's outputs say; empty when nobody does.
func (s *Stage) baseURL() string { return s.WorkersAPI().BaseURL }

// knownAPI reports whether stacks have been asked for the workers API lately, or need
// not be.
func (s *Stage) knownAPI() bool {
	if s.target.BaseURL != "" || s.api.outputs == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learned.api.Base != "" || !s.learned.apiAsked.IsZero() && s.opts.Now().Before(s.learned.apiAsked.Add(lookAgain))
}

// forgetAPI has the stacks asked again next time: what they said does not answer.
func (s *Stage) forgetAPI() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned.api, s.learned.apiAsked, s.learned.apiKey = deployedAPI{}, time.Time{}, ""
}

// services are those whose stacks can be asked for before anything was discovered.
func (t Target) services() []string {
	if t.Service != "" {
		return []string{t.Service}
	}
	var out []string
	for tag := range strings.SplitSeq(t.Tags, ",") {
		if key, value, has := strings.Cut(strings.TrimSpace(tag), "="); has && strings.TrimSpace(key) == project.TagProject {
			out = append(out, value)
		}
	}
	return out
}

// findAPI asks the stacks of services where the workers API is, and remembers it. It costs
// one call for each service, and one more where another tool's stack has the name. What
// cannot be read is no error: the stage is found without it.
func (s *Stage) findAPI(ctx context.Context, services []string) {
	if len(services) == 0 || s.knownAPI() {
		return
	}
	if len(services) > mostStacks {
		s.rememberAPI(deployedAPI{note: fmt.Sprintf("there are %d services here, whose stacks were not asked where the workers API is: name one with --service", len(services))})
		return
	}
	stage := s.Target().Stage
	found := make([]deployedAPI, len(services))
	errs := callEach(ctx, len(services), func(i int) (err error) {
		found[i], err = s.apiOfStacks(ctx, services[i], stage)
		return err
	})
	if ctx.Err() != nil {
		return // nobody has answered
	}
	api := deployedAPI{}
	for i, f := range found {
		switch kind, _ := Classify(errs[i]); {
		case kind == KindDenied:
			api.note = "where the workers API is was not asked: " + brief(errs[i]) + "; allow cloudformation:DescribeStacks, or pass --base-url"
		case errs[i] != nil && s.target.EndpointURL != "":
			// Another endpoint need not serve stacks.
		case errs[i] != nil:
			api.note = "where the workers API is could not be asked: " + brief(errs[i])
		case f.Base == "":
			if f.note != "" {
				api.note = f.note
			}
		case api.Base != "":
			s.rememberAPI(deployedAPI{note: fmt.Sprintf("stacks %s and %s both have a workers API: name one service with --service", clean(api.Stack), clean(f.Stack))})
			return
		default:
			api = f
		}
	}
	s.rememberAPI(api)
}

// mappedServices are the services that the names of queues and of the functions that read
// them reveal together, of the target's stage.
func (d *discovery) mappedServices(all []mapped) []string {
	var out []string
	for _, m := range all {
		if !d.wants(m.queue, m.function.name) {
			continue
		}
		if name, ok := nameAgrees(m.queue.baseName(), m.function.name, "", d.s.Target().Stage); ok {
			out = append(out, name.service)
		}
	}
	slices.Sort(out)
	// A group's service is the project's with a suffix, and the project's stack has the API.
	var roots []string
	for _, service := range slices.Compact(out) {
		if len(roots) == 0 || !strings.HasPrefix(service, roots[len(roots)-1]+"-") {
			roots = append(roots, service)
		}
	}
	return roots
}

func (s *Stage) rememberAPI(api deployedAPI) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if api.Base != s.learned.api.Base || api.Key != s.learned.api.Key {
		s.learned.apiKey = ""
	}
	s.learned.api, s.learned.apiAsked = api, s.opts.Now()
}

// apiOfStacks reads the outputs of a service's base stack. Where another tool's stack has its
// name, ours stands beside it; where the service is a group's, its stack says of
// which project.
func (s *Stage) apiOfStacks(ctx context.Context, service, stage string) (deployedAPI, error) {
	name, suffix := project.StackName(service, stage), ""
	for range 3 {
		outputs, tags, exists, err := s.readStack(ctx, name+suffix)
		of := tags[project.TagProject]
		switch {
		case err != nil || !exists:
			return deployedAPI{}, err
		case outputs[project.OutputAPIURL] != "":
			return s.apiOfOutputs(name+suffix, outputs), nil
		case of == "" && suffix == "":
			suffix = project.ForeignSuffix
		case of != "" && project.StackName(of, stage) != name:
			name = project.StackName(of, stage)
		default:
			return deployedAPI{}, nil
		}
	}
	return deployedAPI{}, nil
}

// apiOfOutputs is what a stack's outputs say, which are not believed to be in order.
func (s *Stage) apiOfOutputs(name string, outputs map[string]string) deployedAPI {
	base := outputs[project.OutputAPIURL]
	api := deployedAPI{Base: s.target.reachable(base), Stack: name}
	u, err := url.Parse(api.Base)
	allowed := err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && s.target.EndpointURL != "")
	if !allowed {
		return deployedAPI{note: fmt.Sprintf("stack %s says that the workers API is at %q, which is no https URL", clean(name), clean(base))}
	}
	if ref := outputs[project.OutputAPIKey]; ref != "" {
		if api.Key, err = project.ParseRef(ref); err != nil {
			return deployedAPI{note: fmt.Sprintf("stack %s does not say where the key of the workers API is kept: output %s: %s", clean(name), project.OutputAPIKey, clean(err.Error()))}
		}
	}
	return api
}

// readStack reads a stack's outputs and tags; a stack that does not exist is no error.
func (s *Stage) readStack(ctx context.Context, name string) (outputs, tags map[string]string, exists bool, err error) {
	out, err := s.api.outputs.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationError" {
			return nil, nil, false, nil // CloudFormation's word for a stack that is not there
		}
		return nil, nil, false, fmt.Errorf("read stack %s: %w", name, err)
	}
	outputs, tags = make(map[string]string), make(map[string]string)
	for _, st := range out.Stacks {
		for _, t := range st.Tags {
			tags[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		for _, o := range st.Outputs {
			outputs[awssdk.ToString(o.OutputKey)] = awssdk.ToString(o.OutputValue)
		}
	}
	return outputs, tags, len(out.Stacks) > 0, nil
}

// reachable is where a URL of API Gateway is found: behind another endpoint, by the path that
// such endpoints serve APIs at.
// https://docs.localstack.cloud/aws/services/apigateway/
func (t Target) reachable(base string) string {
	u, err := url.Parse(base)
	if err != nil || t.EndpointURL == "" {
		return base
	}
	id, rest, _ := strings.Cut(u.Hostname(), ".")
	if id == "" || !strings.HasPrefix(rest, "execute-api.") {
		return base
	}
	return strings.TrimRight(t.EndpointURL, "/") + "/_aws/execute-api/" + id + strings.TrimRight(u.EscapedPath(), "/")
}

// apiKey is the key to call the workers API with: the environment's, else the one that the
// stack's outputs refer to, which is read once. own is the variable that comes first.
// It is empty for an API without one.
func (s *Stage) apiKey(ctx context.Context, fromEnv func(func(string) string) string) (string, error) {
	if key := fromEnv(s.opts.Getenv); key != "" || s.target.BaseURL != "" {
		return key, nil
	}
	s.mu.Lock()
	ref, key := s.learned.api.Key, s.learned.apiKey
	s.mu.Unlock()
	if ref.IsZero() || key != "" {
		return key, nil
	}
	key, err := s.readSecret(ctx, ref)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	if s.learned.api.Key == ref {
		s.learned.apiKey = key
	}
	s.mu.Unlock()
	return key, nil
}

// readSecret reads what a reference refers to. No error holds any of it.
func (s *Stage) readSecret(ctx context.Context, ref project.Ref) (string, error) {
	fail := func(action string, err error) (string, error) {
		if kind, _ := Classify(err); kind == KindDenied {
			return "", fmt.Errorf("the key of the workers API may not be read from %s: allow %s on it (and kms:Decrypt on its key, if it has one of its own), or set WORKERS_API_KEY: %w", clean(ref.String()), action, err)
		}
		return "", fmt.Errorf("the key of the workers API could not be read from %s (set WORKERS_API_KEY to do without): %w", clean(ref.String()), err)
	}
	if ref.Store == project.SSM {
		out, err := s.api.outputs.GetParameter(ctx, &ssm.GetParameterInput{Name: &ref.Name, WithDecryption: awssdk.Bool(true)})
		if err != nil {
			return fail("ssm:GetParameter", err)
		}
		if out.Parameter == nil || awssdk.ToString(out.Parameter.Value) == "" {
			return fail("", errors.New("it is empty"))
		}
		return *out.Parameter.Value, nil
	}
	out, err := s.api.outputs.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &ref.Name})
	if err != nil {
		return fail("secretsmanager:GetSecretValue", err)
	}
	text := awssdk.ToString(out.SecretString)
	if ref.Key != "" {
		var fields map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &fields) != nil {
			return fail("", errors.New("it is no JSON object, and a field of it is asked for")) // the cause would quote it
		}
		if text = ""; json.Unmarshal(fields[ref.Key], &text) != nil {
			return fail("", fmt.Errorf("it has no field %s that is a text", clean(ref.Key)))
		}
	}
	if text == "" {
		return fail("", errors.New("it is empty"))
	}
	return text, nil
}

// apiNote adds what is worth knowing of the workers API to the inventory.
func (d *discovery) apiNote() {
	info := d.s.WorkersAPI()
	if info.Note != "" && !slices.Contains(d.inv.Sources, SourceConfig) {
		d.finding(SeverityInfo, FindingNoAPI, "", "%s", info.Note)
	}
}
