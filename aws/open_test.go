package aws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// endpoint is an AWS endpoint: real queues, and as much of Lambda and STS as a
// stage with one worker needs, in their own protocols.
type endpoint struct {
	*httptest.Server
	broker *queues.Broker
	mu     sync.Mutex
	seen   []string // Authorization headers
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.broker = queues.New(queues.Config{BaseURL: func() string { return e.URL }})
	t.Cleanup(e.broker.Close)
	mux := http.NewServeMux()
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.seen = append(e.seen, r.Header.Get("Authorization"))
		e.mu.Unlock()
		r.URL.Path = strings.TrimRight(r.URL.Path, "/")
		if r.URL.Path == "" {
			r.URL.Path = "/"
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(e.Close)
	_, dlq, err := e.broker.CreateQueue("aiw-echo-dlq-demo", map[string]string{"MessageRetentionPeriod": "1209600"})
	if err != nil {
		t.Fatal(err)
	}
	_, queue, err := e.broker.CreateQueue("aiw-echo-demo", map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"3"}`, dlq), "VisibilityTimeout": "60",
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET /2015-03-31/event-source-mappings", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"EventSourceMappings":[{"UUID":"u-1","EventSourceArn":%q,"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:aiw-demo-workerEcho",
			"State":"Enabled","BatchSize":10,"FunctionResponseTypes":["ReportBatchItemFailures"],"ScalingConfig":{"MaximumConcurrency":5}},
			{"UUID":"u-2","EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s","FunctionArn":"f","State":"Enabled"}]}`, queue)
	})
	mux.HandleFunc("GET /2015-03-31/functions", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Functions":[{"FunctionName":"aiw-demo-workerEcho","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:aiw-demo-workerEcho",
			"Runtime":"provided.al2023","Handler":"worker.echo","Timeout":30,"MemorySize":256,"LastModified":"2026-11-23T12:00:00.000+0000",
			"LoggingConfig":{"LogGroup":"/aws/lambda/aiw-demo-workerEcho"},"Environment":{"Variables":{"STAGE":"demo"}}}]}`)
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			e.broker.Handler().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
			<Arn>arn:aws:iam::000000000000:root</Arn><UserId>x</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	})
	return e
}

func (e *endpoint) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.seen)
}

func getenv(kv map[string]string) func(string) string {
	return func(name string) string { return kv[name] }
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, target aws.Target, env map[string]string) *aws.Stage {
	t.Helper()
	s, err := aws.Open(t.Context(), target, aws.Options{Getenv: getenv(env), AuditPath: filepath.Join(t.TempDir(), "audit.jsonl")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoopbackEndpointNeedsNothing(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	// The profile of another life must not be asked for credentials.
	s := open(t, aws.Target{EndpointURL: e.URL}, map[string]string{"AWS_PROFILE": "prod-admin", "AWS_CONFIG_FILE": "/nowhere"})
	if n := len(e.requests()); n != 0 || s.Calls() != 0 {
		t.Errorf("Open made %d requests, want none", n)
	}
	if target := s.Target(); target.Region != "us-east-1" || target.Profile != "" || target.Stage != aws.DefaultStage {
		t.Errorf("target = %+v", target)
	}
	inv, err := s.Inventory(t.Context())
	if err != nil || len(inv.Workers) != 1 {
		t.Fatalf("Inventory = %+v, %v, want one worker", inv, err)
	}
	w := inv.Workers[0]
	if w.ID != "echo" || w.DLQ == nil || w.DLQ.Name != "aiw-echo-dlq-demo" || w.Queue.MaxReceiveCount != 3 || w.Queue.VisibilityTimeout != time.Minute ||
		w.Mapping.BatchSize != 10 || !w.Mapping.ReportsBatchItemFailures || w.Mapping.MaximumConcurrency != 5 ||
		w.Function.Timeout != 30*time.Second || w.Function.MemoryMB != 256 || len(w.Problems) > 0 || len(inv.Warnings) > 0 {
		text, _ := json.MarshalIndent(inv, "", " ")
		t.Errorf("%s\n%v", text, inv.Warnings)
	}
	res, err := s.Dispatch(t.Context(), aws.DispatchRequest{Worker: w, Input: json.RawMessage(`{"text":"hi"}`), Mode: dispatch.ModeLocal})
	if err != nil || res.Via != aws.ViaQueue || res.MessageID == "" {
		t.Fatalf("Dispatch = %+v, %v", res, err)
	}
	after, err := s.Refresh(t.Context(), inv.Workers)
	if err != nil || after[0].Queue.Depth.Visible != 1 {
		t.Errorf("depth after a dispatch = %+v, %v, want one message", after[0].Queue.Depth, err)
	}
	id, err := s.Identity(t.Context())
	if err != nil || id.Account != "000000000000" || id.ARN != "arn:aws:iam::000000000000:root" {
		t.Errorf("Identity = %+v, %v", id, err)
	}
	seen := e.requests()
	if uint64(len(seen)) != s.Calls() {
		t.Errorf("Calls() = %d, the endpoint saw %d", s.Calls(), len(seen))
	}
	for _, auth := range seen {
		if !strings.Contains(auth, "Credential=local/") {
			t.Fatalf("signed with %q, want made-up credentials", auth)
		}
	}
}

func TestLoopbackEndpointTakesKeysFromTheEnvironment(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	s := open(t, aws.Target{}, map[string]string{
		"AWS_ENDPOINT_URL": e.URL, "AWS_ACCESS_KEY_ID": "testkey", "AWS_SECRET_ACCESS_KEY": "testsecret", "AWS_REGION": "eu-north-1",
	})
	if _, err := s.Identity(t.Context()); err != nil {
		t.Fatal(err)
	}
	if auth := e.requests()[0]; !strings.Contains(auth, "Credential=testkey/") || !strings.Contains(auth, "/eu-north-1/") {
		t.Errorf("signed with %q", auth)
	}
}

func TestOpenWithAProfile(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	env := map[string]string{
		"AWS_CONFIG_FILE": write(t, "config", fmt.Sprintf(`
[default]
region = eu-west-1
[profile ops]
region = ap-south-1
endpoint_url = %s
[profile sso]
sso_start_url = https://never-logged-in.example/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = ops
region = eu-west-1
[sso-session corp]
sso_region = eu-west-1
`, e.URL)),
		"AWS_SHARED_CREDENTIALS_FILE": write(t, "credentials", "[ops]\naws_access_key_id = opskey\naws_secret_access_key = opssecret\n[old]\n"),
	}
	t.Run("region, endpoint and keys are the profile's", func(t *testing.T) {
		t.Parallel()
		s := open(t, aws.Target{Profile: "ops"}, env)
		if target := s.Target(); target.Region != "ap-south-1" || target.EndpointURL != e.URL || !target.Loopback() {
			t.Errorf("target = %+v", target)
		}
		if _, err := s.Identity(t.Context()); err != nil {
			t.Fatal(err)
		}
		if auth := e.requests()[0]; !strings.Contains(auth, "Credential=opskey/") {
			t.Errorf("signed with %q, want the profile's key", auth)
		}
	})
	t.Run("an unknown profile names those there are", func(t *testing.T) {
		t.Parallel()
		_, err := aws.Open(t.Context(), aws.Target{Profile: "opps"}, aws.Options{Getenv: getenv(env)})
		e, ok := errors.AsType[*aws.ProfileError](err)
		if !ok || e.Profile != "opps" || !slices.Equal(e.Known, []string{"default", "old", "ops", "sso"}) {
			t.Fatalf("err = %v", err)
		}
		if !strings.Contains(err.Error(), `"opps"`) || !strings.Contains(err.Error(), "default, old, ops, sso") {
			t.Errorf("error %q does not name the profiles", err)
		}
	})
	t.Run("an expired login says how to log in", func(t *testing.T) {
		t.Parallel()
		s := open(t, aws.Target{Profile: "sso", EndpointURL: e.URL}, env)
		_, err := s.Identity(t.Context())
		kind, hint := aws.Classify(err)
		if kind != aws.KindAuth || !strings.Contains(hint, "aws sso login --profile sso") || !strings.Contains(err.Error(), "aws sso login --profile sso") {
			t.Errorf("Classify(%v) = %q, %q", err, kind, hint)
		}
	})
}

func TestOpenWithoutCredentialsOrRegion(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	empty := write(t, "empty", "")
	env := map[string]string{"AWS_CONFIG_FILE": empty, "AWS_SHARED_CREDENTIALS_FILE": empty}
	_, err := aws.Open(t.Context(), aws.Target{}, aws.Options{Getenv: getenv(env)})
	if !errors.Is(err, aws.ErrNoRegion) || !strings.Contains(err.Error(), "--region") {
		t.Errorf("err = %v, want ErrNoRegion and what to do", err)
	}
	s := open(t, aws.Target{Region: "eu-west-1"}, env)
	_, err = s.Identity(t.Context())
	kind, hint := aws.Classify(err)
	if kind != aws.KindAuth || !strings.Contains(hint, "--profile") || !strings.Contains(hint, "AWS_ACCESS_KEY_ID") {
		t.Errorf("Classify(%v) = %q, %q, want how to give credentials", err, kind, hint)
	}
	if s.Calls() != 0 {
		t.Errorf("%d calls without credentials", s.Calls())
	}
	if _, err := s.Inventory(t.Context()); err == nil {
		t.Error("an inventory without credentials")
	} else if kind, _ := aws.Classify(err); kind != aws.KindAuth {
		t.Errorf("Inventory: %v is of kind %q, want auth", err, kind)
	}
}

// The target's endpoint is for every service, whatever else the environment says.
func TestEndpointWinsOverAServicesOwn(t *testing.T) {
	e := newEndpoint(t)
	for _, service := range []string{"SQS", "LAMBDA", "STS", "CLOUDWATCH_LOGS"} {
		t.Setenv("AWS_ENDPOINT_URL_"+service, "http://127.0.0.1:1")
	}
	s := open(t, aws.Target{EndpointURL: e.URL, Profile: "ops"}, map[string]string{
		"AWS_CONFIG_FILE":             write(t, "config", "[profile ops]\nregion = eu-west-1\n"),
		"AWS_SHARED_CREDENTIALS_FILE": write(t, "credentials", "[ops]\naws_access_key_id = k\naws_secret_access_key = s\n"),
	})
	if _, err := s.Inventory(t.Context()); err != nil {
		t.Errorf("Inventory: %v", err)
	}
	if _, err := s.Identity(t.Context()); err != nil {
		t.Errorf("Identity: %v", err)
	}
}

func TestUnreachableEndpoint(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	s := open(t, aws.Target{EndpointURL: "http://" + address, BaseURL: "http://" + address}, nil)
	start := time.Now()
	_, err = s.Inventory(t.Context())
	kind, hint := aws.Classify(err)
	if kind != aws.KindNetwork || !strings.Contains(hint, "endpoint") || !strings.Contains(err.Error(), address) {
		t.Errorf("Classify(%v) = %q, %q", err, kind, hint)
	}
	if n := strings.Count(err.Error(), "connection refused"); n != 2 || strings.Contains(err.Error(), "StatusCode: 0") {
		t.Errorf("of the workers API and of AWS it is said once each, and without the SDK's layers: %v", err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestOpenRefusesAnEndpointThatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"garbage", "127.0.0.1:4566", "ftp://127.0.0.1", "http://", "http://a b", "://"} {
		_, err := aws.Open(t.Context(), aws.Target{EndpointURL: endpoint, Region: "us-east-1"}, aws.Options{Getenv: func(string) string { return "" }})
		if !errors.Is(err, aws.ErrEndpoint) {
			t.Errorf("%q: %v", endpoint, err)
		}
		if kind, _ := aws.Classify(err); kind != aws.KindInvalid {
			t.Errorf("%q is classified as %q", endpoint, kind)
		}
	}
}
