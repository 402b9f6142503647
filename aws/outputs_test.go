package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// fakeStacks are stacks and secrets in memory.
type fakeStacks struct {
	mu      sync.Mutex
	stacks  map[string]map[string]string // name -> outputs; a key with a colon is a tag
	secrets map[string]string            // by a Ref's text without a field
	fail    map[string]error             // by operation
	asked   []string                     // stacks, in order
	reads   int                          // of secrets
}

func (f *fakeStacks) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, *in.StackName)
	if err := f.fail["DescribeStacks"]; err != nil {
		return nil, &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "DescribeStacks", Err: err}
	}
	kv, ok := f.stacks[*in.StackName]
	if !ok {
		return nil, apiError("CloudFormation", "DescribeStacks", "ValidationError", "Stack with id "+*in.StackName+" does not exist")
	}
	st := cftypes.Stack{StackName: in.StackName}
	for k, v := range kv {
		if strings.Contains(k, ":") {
			st.Tags = append(st.Tags, cftypes.Tag{Key: &k, Value: &v})
		} else {
			st.Outputs = append(st.Outputs, cftypes.Output{OutputKey: &k, OutputValue: &v})
		}
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []cftypes.Stack{st}}, nil
}

func (f *fakeStacks) secret(op, ref string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if err := f.fail[op]; err != nil {
		return "", &smithy.OperationError{ServiceID: "SSM", OperationName: op, Err: err}
	}
	return f.secrets[ref], nil
}

func (f *fakeStacks) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	if !awssdk.ToBool(in.WithDecryption) {
		return nil, errors.New("it was not asked to be decrypted")
	}
	v, err := f.secret("GetParameter", "ssm:"+*in.Name)
	return &ssm.GetParameterOutput{Parameter: &ssmtypes.Parameter{Value: &v}}, err
}

func (f *fakeStacks) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	v, err := f.secret("GetSecretValue", "secretsmanager:"+*in.SecretId)
	return &secretsmanager.GetSecretValueOutput{SecretString: &v}, err
}

const testKey = "0123456789abcdef"

// pushed is a stage as push deploys it: the worker echo, and an API with a key.
func pushed(t *testing.T) (*fakeAWS, *fakeStacks, *workersAPI) {
	t.Helper()
	api := newWorkersAPI(t, configFor("echo"))
	api.key = testKey
	f := newFakeAWS().worker("p-x", "echo", "prod", "provided.al2023")
	name := dispatch.FunctionName("p-x", "prod", "echo")
	fn := f.functions[name]
	fn.Handler = awssdk.String("worker.echo")
	f.functions[name] = fn
	return f, &fakeStacks{
		stacks:  map[string]map[string]string{"p-x-prod": {project.OutputAPIURL: "https://api1.execute-api.eu-west-1.amazonaws.com/prod", project.OutputAPIKey: "ssm:/p-x/prod/WORKERS_API_KEY", project.TagProject: "p-x"}},
		secrets: map[string]string{"ssm:/p-x/prod/WORKERS_API_KEY": testKey},
		fail:    map[string]error{},
	}, api
}

// withStacks is a stage that reaches the API whatever URL the stack says.
func (f *fakeAWS) withStacks(t Target, o Options, stacks *fakeStacks, api *workersAPI) *Stage {
	s := f.stage(t, o)
	s.api.outputs = stacks
	if api != nil {
		s.api.http = &http.Client{Transport: toServer{api}}
	}
	return s
}

// toServer sends every request to a test server.
type toServer struct{ api *workersAPI }

func (r toServer) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(r.api.URL, "http://")
	out.URL.Path = out.URL.Path[strings.Index(out.URL.Path, "/workers/"):]
	return http.DefaultTransport.RoundTrip(out)
}

func TestAPushedStageIsFoundByItself(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]Target{
		"service":    {Stage: "prod", Service: "p-x"},
		"tag":        {Stage: "prod", Tags: "aiwctl:project=p-x"},
		"neither":    {Stage: "prod"},
		"the region": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, stacks, api := pushed(t)
			f.tags[queueARN("p-x-echo-prod")] = map[string]string{"aiwctl:project": "p-x"}
			s := f.withStacks(target, Options{}, stacks, api)
			inv := mustInventory(t, s)
			w := find(t, inv, "echo")
			if w.InputSchema == nil || w.TolerantSchema || len(w.Problems) > 0 || len(inv.Warnings) > 0 || !slices.Contains(inv.Sources, SourceConfig) {
				t.Fatalf("echo = %+v, sources %q, warnings %v: want the schema from the API of the stack", w, inv.Sources, inv.Warnings)
			}
			info := s.WorkersAPI()
			if info.BaseURL != "https://api1.execute-api.eu-west-1.amazonaws.com/prod" || info.Stack != "p-x-prod" || info.KeyRef != "ssm:/p-x/prod/WORKERS_API_KEY" {
				t.Errorf("the API is %+v", info)
			}
			// Again, and a dispatch: nothing is asked twice.
			mustInventory(t, s)
			res, err := s.Dispatch(t.Context(), DispatchRequest{Worker: *w, Input: []byte(`{"text":"hi"}`)})
			if err != nil || res.Via != ViaTrigger || len(api.triggered()) != 1 {
				t.Errorf("dispatch: %+v, %v", res, err)
			}
			if !slices.Equal(stacks.asked, []string{"p-x-prod"}) || stacks.reads != 1 {
				t.Errorf("asked for stacks %q and %d secrets, want one of each", stacks.asked, stacks.reads)
			}
		})
	}
}

// What is in the environment comes first, and nothing is read then.
func TestAKeyInTheEnvironmentIsTaken(t *testing.T) {
	t.Parallel()
	f, stacks, api := pushed(t)
	stacks.secrets = nil
	s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{Getenv: envOf(map[string]string{"WORKERS_API_KEY": testKey})}, stacks, api)
	if inv := mustInventory(t, s); len(inv.Warnings) > 0 || stacks.reads != 0 {
		t.Errorf("warnings %v, %d secrets read", inv.Warnings, stacks.reads)
	}
}

func TestABaseURLThatWasGivenWins(t *testing.T) {
	t.Parallel()
	f, stacks, _ := pushed(t)
	own := newWorkersAPI(t, configFor("echo"))
	s := f.withStacks(Target{Stage: "prod", Service: "p-x", BaseURL: own.URL}, Options{}, stacks, nil)
	if inv := mustInventory(t, s); len(inv.Warnings) > 0 || len(stacks.asked) > 0 || stacks.reads > 0 {
		t.Errorf("warnings %v; stacks %q asked, %d secrets read", inv.Warnings, stacks.asked, stacks.reads)
	}
	if got := s.WorkersAPI(); got.BaseURL != own.URL || got.Stack != "" {
		t.Errorf("the API is %+v", got)
	}
}

func TestAKeyThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]struct{ ref, action string }{
		"GetParameter":   {"ssm:/p-x/prod/WORKERS_API_KEY", "ssm:GetParameter"},
		"GetSecretValue": {"secretsmanager:p-x#key", "secretsmanager:GetSecretValue"},
	} {
		f, stacks, api := pushed(t)
		stacks.stacks["p-x-prod"][project.OutputAPIKey] = want.ref
		stacks.fail[op] = &smithy.GenericAPIError{Code: denied, Message: "no"}
		s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, api)
		inv := mustInventory(t, s)
		w := find(t, inv, "echo") // by its mapping
		if len(inv.Warnings) != 1 || len(w.Problems) > 0 {
			t.Fatalf("%s: warnings %v, problems %v", op, inv.Warnings, w.Problems)
		}
		text := inv.Warnings[0].Error()
		for _, part := range []string{want.ref, want.action, "WORKERS_API_KEY"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q lacks %q", text, part)
			}
		}
		if kind, _ := Classify(inv.Warnings[0]); kind != KindDenied {
			t.Errorf("kind %q", kind)
		}
		// The queue is still there to send to.
		if res, err := s.Dispatch(t.Context(), DispatchRequest{Worker: *w}); err != nil || res.Via != ViaQueue {
			t.Errorf("dispatch: %+v, %v", res, err)
		}
	}
}

func TestAFieldOfASecret(t *testing.T) {
	t.Parallel()
	for secret, problem := range map[string]string{
		`{"key":"` + testKey + `"}`: "",
		`{"other":"hunter2"}`:       "no field key",
		`hunter2`:                   "no JSON object",
		`{"key":""}`:                "it is empty",
	} {
		f, stacks, api := pushed(t)
		stacks.stacks["p-x-prod"][project.OutputAPIKey] = "secretsmanager:p-x/api#key"
		stacks.secrets["secretsmanager:p-x/api"] = secret
		inv := mustInventory(t, f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, api))
		text := fmt.Sprint(inv.Warnings)
		if (problem == "") != (len(inv.Warnings) == 0) || !strings.Contains(text, problem) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", secret, text)
		}
	}
}

// A stage of the TypeScript system is what it was before: its stack has no outputs of ours.
func TestAStackOfAnotherToolIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	stacks := &fakeStacks{stacks: map[string]map[string]string{"p-x-prod": {"ServiceEndpoint": "https://ts.execute-api.eu-west-1.amazonaws.com/prod"}}}
	s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, nil)
	inv := mustInventory(t, s)
	if w := find(t, inv, "echo"); len(w.Problems) > 0 || len(inv.Warnings)+len(inv.Findings) > 0 || s.WorkersAPI() != (APIInfo{}) {
		t.Errorf("%+v, warnings %v, findings %v, API %+v", w, inv.Warnings, inv.Findings, s.WorkersAPI())
	}
	mustInventory(t, s)
	if !slices.Equal(stacks.asked, []string{"p-x-prod", "p-x-prod-aiwctl"}) {
		t.Errorf("asked for %q", stacks.asked)
	}
	// Beside it, half taken over: what our API does not list is shown as it was, and its jobs
	// go to its queue.
	f.worker("p-x", "video", "prod", "provided.al2023")
	api := newWorkersAPI(t, configFor("video"))
	stacks.stacks["p-x-prod-aiwctl"] = map[string]string{project.OutputAPIURL: "https://go.execute-api.eu-west-1.amazonaws.com/prod", project.TagProject: "p-x"}
	s = f.withStacks(Target{Stage: "prod"}, Options{}, stacks, api)
	inv = mustInventory(t, s)
	echo, video := find(t, inv, "echo"), find(t, inv, "video")
	if len(echo.Problems) > 0 || video.InputSchema == nil || len(inv.Warnings) > 0 {
		t.Errorf("echo %+v, video %+v, warnings %v", echo.Problems, video, inv.Warnings)
	}
	for w, via := range map[*Worker]string{echo: ViaQueue, video: ViaTrigger} {
		if res, err := s.PlanDispatch(t.Context(), DispatchRequest{Worker: *w, Input: []byte(`{"text":"x"}`)}); err != nil || res.Via != via {
			t.Errorf("%s goes via %q, %v; want %q", w.ID, res.Via, err, via)
		}
	}
}

// A group's stack says of which project it is; the project's base stack has the API.
func TestTheAPIOfAStageOfGroupsOnly(t *testing.T) {
	t.Parallel()
	_, stacks, _ := pushed(t)
	f := newFakeAWS().worker("p-x-billing", "bill", "prod", "provided.al2023")
	stacks.stacks["p-x-billing-prod"] = map[string]string{project.TagProject: "p-x"}
	cfg := configFor()
	cfg.Workers["bill"] = dispatch.WorkersConfigEntry{QueueURL: queueURL("p-x-billing-bill-prod"), Region: testRegion, Group: "billing"}
	s := f.withStacks(Target{Stage: "prod"}, Options{}, stacks, newWorkersAPI(t, cfg))
	inv := mustInventory(t, s)
	if w := find(t, inv, "bill"); w.Group != "billing" || s.WorkersAPI().Stack != "p-x-prod" {
		t.Errorf("bill = %+v, API %+v, asked %q", w, s.WorkersAPI(), stacks.asked)
	}
}

// Without the permission the stage is found all the same, and a note says what is missing.
func TestStacksThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	f, stacks, api := pushed(t)
	stacks.fail["DescribeStacks"] = &smithy.GenericAPIError{Code: denied, Message: "no"}
	s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, api)
	inv := mustInventory(t, s)
	find(t, inv, "echo")
	if len(inv.Warnings) > 0 || len(inv.Findings) != 1 || inv.Findings[0].Severity != "info" || !strings.Contains(inv.Findings[0].Text, "cloudformation:DescribeStacks") || !strings.Contains(inv.Findings[0].Text, "--base-url") {
		t.Errorf("warnings %v, findings %+v", inv.Warnings, inv.Findings)
	}
	mustInventory(t, s)
	if len(stacks.asked) != 1 {
		t.Errorf("asked %d times", len(stacks.asked))
	}
	later := testNow().Add(lookAgain)
	s.opts.Now = func() time.Time { return later }
	mustInventory(t, s)
	if len(stacks.asked) != 2 {
		t.Error("it was never asked again")
	}
}

func TestSeveralAPIsAreNoneUntilOneIsNamed(t *testing.T) {
	t.Parallel()
	f, stacks, _ := pushed(t)
	f.worker("q-y", "other", "prod", "provided.al2023")
	stacks.stacks["q-y-prod"] = map[string]string{project.OutputAPIURL: "https://api2.execute-api.eu-west-1.amazonaws.com/prod", project.TagProject: "q-y"}
	s := f.withStacks(Target{Stage: "prod"}, Options{}, stacks, nil)
	inv := mustInventory(t, s)
	if s.WorkersAPI().BaseURL != "" || len(inv.Findings) != 1 || !strings.Contains(inv.Findings[0].Text, "--service") {
		t.Errorf("API %+v, findings %+v", s.WorkersAPI(), inv.Findings)
	}
}

// The region may hold any number of services; a few are asked, not all.
func TestFewStacksAreAsked(t *testing.T) {
	t.Parallel()
	f, stacks, _ := pushed(t)
	for i := range 9 {
		f.worker(fmt.Sprintf("s%d-x", i), "w", "prod", "nodejs20.x")
	}
	s := f.withStacks(Target{Stage: "prod"}, Options{}, stacks, nil)
	if inv := mustInventory(t, s); len(stacks.asked) > 0 || len(inv.Workers) != 10 {
		t.Errorf("asked for %q, %d workers", stacks.asked, len(inv.Workers))
	}
}

// Outputs are somebody's text: a key is sent to no URL that is not https.
func TestOutputsThatAreNotInOrder(t *testing.T) {
	t.Parallel()
	for _, outputs := range []map[string]string{
		{project.OutputAPIURL: "http://evil.example/prod"},
		{project.OutputAPIURL: "\x1b]0;x\x07"},
		{project.OutputAPIURL: "https://a.execute-api.eu-west-1.amazonaws.com/prod", project.OutputAPIKey: "file:/etc/passwd"},
	} {
		f, stacks, _ := pushed(t)
		stacks.stacks["p-x-prod"] = outputs
		s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, nil)
		inv := mustInventory(t, s)
		if s.WorkersAPI().BaseURL != "" || len(inv.Findings) != 1 || strings.ContainsAny(inv.Findings[0].Text, "\x1b\x07") {
			t.Errorf("%q: API %+v, findings %q", outputs, s.WorkersAPI(), inv.Findings)
		}
	}
}

func TestAnAPIBehindAnEndpoint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ endpoint, base, want string }{
		{"", "https://a1.execute-api.eu-west-1.amazonaws.com/prod", "https://a1.execute-api.eu-west-1.amazonaws.com/prod"},
		{"http://127.0.0.1:4566/", "https://a1.execute-api.eu-west-1.amazonaws.com/prod/", "http://127.0.0.1:4566/_aws/execute-api/a1/prod"},
		{"http://127.0.0.1:4566", "https://a1.execute-api.cn-north-1.amazonaws.com.cn/prod", "http://127.0.0.1:4566/_aws/execute-api/a1/prod"},
		{"http://127.0.0.1:4566", "http://127.0.0.1:9999/x", "http://127.0.0.1:9999/x"},
	} {
		if got := (Target{EndpointURL: tt.endpoint}).reachable(tt.base); got != tt.want {
			t.Errorf("%s behind %q is %s, want %s", tt.base, tt.endpoint, got, tt.want)
		}
	}
}

// A stack that was deployed anew has its API elsewhere: an answer that does not come has it
// asked again, as does a key that is refused.
func TestAnAPIThatMovedIsFoundAgain(t *testing.T) {
	t.Parallel()
	f, stacks, api := pushed(t)
	stacks.secrets["ssm:/p-x/prod/WORKERS_API_KEY"] = "old"
	s := f.withStacks(Target{Stage: "prod", Service: "p-x"}, Options{}, stacks, api)
	inv := mustInventory(t, s)
	if len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0].Error(), "ssm:/p-x/prod/WORKERS_API_KEY") || strings.Contains(inv.Warnings[0].Error(), "MICROFOX") {
		t.Fatalf("warnings %v", inv.Warnings)
	}
	stacks.secrets["ssm:/p-x/prod/WORKERS_API_KEY"] = testKey
	if inv := mustInventory(t, s); len(inv.Warnings) > 0 || stacks.reads != 2 {
		t.Errorf("warnings %v after %d reads", inv.Warnings, stacks.reads)
	}
}

// A queue that was taken over is read by the new function; the old one's mapping is off, and
// stays off when the worker is resumed.
func TestAWorkerThatHasAdoptedItsQueue(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	f.mappings[0].State = awssdk.String("Disabled")
	name := dispatch.FunctionName("p-x", "prod", "echo") + "-go"
	f.function(name, "provided.al2023", "p-x-echo-prod", map[string]string{"ENVIRONMENT": "prod"})
	fn := f.functions[name]
	fn.Handler = awssdk.String("worker.echo")
	f.functions[name] = fn
	s := f.stage(Target{Stage: "prod", Service: "p-x"}, Options{})
	w := find(t, mustInventory(t, s), "echo")
	if w.Function.Name != name || len(w.Problems) > 0 || !slices.ContainsFunc(w.Notes, func(p Problem) bool { return p.Kind == NoteMappingOff }) {
		t.Fatalf("function %s, problems %v, notes %v", w.Function.Name, w.Problems, w.Notes)
	}
	for _, resume := range []bool{false, true} {
		if _, err := s.Pause(t.Context(), PauseRequest{Worker: *w, Resume: resume}); err != nil {
			t.Fatal(err)
		}
		w = find(t, mustInventory(t, s), "echo")
		if want := map[bool]string{false: "Disabled", true: "Enabled"}[resume]; w.Function.Name != name || w.Mapping.State != want || *f.mappings[0].State != "Disabled" {
			t.Errorf("resume %v: function %s is %s, the old one %s", resume, w.Function.Name, w.Mapping.State, *f.mappings[0].State)
		}
	}
}
