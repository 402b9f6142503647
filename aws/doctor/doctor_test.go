package doctor_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

func TestClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		skew   time.Duration
		status doctor.Status
		text   string
	}{
		{0, doctor.OK, "agrees with"},
		{-10 * time.Second, doctor.OK, "ahead of"},
		{-2 * time.Minute, doctor.Warning, "ahead of"},
		{2 * time.Minute, doctor.Warning, "behind"},
		{7 * time.Minute, doctor.Error, "this machine is 7m1s behind cloudwatch.eu-west-1.amazonaws.com: AWS refuses signatures"},
		{-3 * time.Hour, doctor.Error, "RequestTimeTooSkewed"},
	} {
		f := newFake()
		f.skew = tt.skew
		r := run(t, f, nil)
		c := find(t, r, "clock")
		// All answers took no time at all, and any of them may be taken.
		text := regexp.MustCompile(`(sqs|lambda|logs|sts)\.eu`).ReplaceAllString(c.Text, "cloudwatch.eu")
		if c.Status != tt.status || !strings.Contains(text, tt.text) || (c.Remedy != "") != (tt.status != doctor.OK) {
			t.Errorf("skew %s: %s %q, remedy %q", tt.skew, c.Status, c.Text, c.Remedy)
		}
		if tt.status == doctor.Error && (r.Summary.Outcome != doctor.Failed || r.Summary.First.Name != "clock") {
			t.Errorf("skew %s: summary %+v", tt.skew, r.Summary)
		}
	}
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err          error
		text, remedy string
	}{
		{&net.DNSError{Err: "no such host", Name: "sqs"}, "the name cannot be looked up", `whether there is a region "eu-west-1"`},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "nothing listens there", "the proxy that the environment names"},
		{context.DeadlineExceeded, "no answer within 4s: could not connect", "check the network and the VPN"},
		{x509.UnknownAuthorityError{}, "whom this machine trusts", "AWS_CA_BUNDLE"},
		{x509.HostnameError{Host: "sqs", Certificate: &x509.Certificate{}}, "for another host", "captive portal"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "expired or is not valid yet", "clock"},
		{errors.New("odd"), "could not connect: odd", "check the network"},
	} {
		f := newFake()
		f.reachErr = tt.err
		r := run(t, f, map[string]string{"HTTPS_PROXY": "http://me:hunter2@proxy:3128"})
		c := r.Checks[0]
		if c.Status != doctor.Error || !strings.Contains(c.Text, tt.text) || !strings.Contains(c.Remedy, tt.remedy) {
			t.Errorf("%v: %s %q, remedy %q", tt.err, c.Status, c.Text, c.Remedy)
		}
		if p := find(t, r, "proxy"); strings.Contains(p.Text, "hunter2") || !strings.Contains(p.Text, "proxy:3128") {
			t.Errorf("proxy: %q", p.Text)
		}
		if len(f.calls) != 0 {
			t.Errorf("%v: what cannot be reached was called: %v", tt.err, f.calls)
		}
		if r.Summary.Outcome != doctor.Failed || r.Summary.First.Section != doctor.SectionNetwork {
			t.Errorf("summary %+v", r.Summary)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	apiError := func(code string) error {
		return &smithy.OperationError{ServiceID: "STS", OperationName: "GetCallerIdentity", Err: &smithy.GenericAPIError{Code: code}}
	}
	for _, tt := range []struct {
		name            string
		set             func(*fakeStage)
		check           string
		status          doctor.Status
		text, remedy    string
		outcome         doctor.Outcome
		nothingIsSigned bool
	}{
		{"good", func(*fakeStage) {}, "caller", doctor.OK, role + " in account " + account, "", doctor.Fine, false},
		{"source", func(f *fakeStage) { f.target.Profile = "ops" }, "credentials", doctor.OK, "from SSO (`aws sso login`), profile \"ops\"", "", doctor.Fine, false},
		{"soon", func(f *fakeStage) { f.expires = now().Add(5 * time.Minute) }, "credentials", doctor.Warning, "expire in 5m0s (2026-03-04T05:11:07Z)", "renew them", doctor.Fine, false},
		{
			"none", func(f *fakeStage) {
				f.credErr = &aws.CredentialsError{Remedy: "run `aws sso login --profile ops`", Err: errors.New("token expired")}
			}, "credentials", doctor.Error, "token expired", "run `aws sso login --profile ops`", doctor.Denied, true,
		},
		{"expired", func(f *fakeStage) { f.whoErr = apiError("ExpiredToken") }, "caller", doctor.Error, "ExpiredToken", "log in again", doctor.Denied, true},
		{"unknown", func(f *fakeStage) { f.whoErr = apiError("InvalidClientTokenId") }, "caller", doctor.Error, "InvalidClientTokenId", "is eu-west-1 enabled?", doctor.Denied, true},
		{"no answer", func(f *fakeStage) { f.whoErr = context.DeadlineExceeded }, "caller", doctor.Unknown, "no answer in time", "check the network", doctor.Incomplete, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.set(f)
			r := run(t, f, nil)
			c := find(t, r, tt.check)
			if c.Status != tt.status || !strings.Contains(c.Text, tt.text) || !strings.Contains(c.Remedy, tt.remedy) {
				t.Errorf("%s %q, remedy %q", c.Status, c.Text, c.Remedy)
			}
			if r.Summary.Outcome != tt.outcome {
				t.Errorf("summary %+v", r.Summary)
			}
			if tt.nothingIsSigned != (len(f.calls) == 0) {
				t.Errorf("calls %v", f.calls)
			}
		})
	}
}

// A host that takes connections and never answers, through the real client: the
// whole diagnosis ends, and says so.
func TestDeadRegion(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	dir := t.TempDir()
	env := func(name string) string {
		if name == "XDG_STATE_HOME" {
			return dir
		}
		return ""
	}
	dead := "http://" + listener.Addr().String()
	s, err := aws.Open(t.Context(), aws.Target{EndpointURL: dead, BaseURL: dead, Stage: "prod"}, aws.Options{Getenv: env, AuditPath: aws.NoAudit})
	if err != nil {
		t.Fatal(err)
	}
	var sections []doctor.Section
	r := doctor.Run(t.Context(), s, doctor.Options{Timeout: 60 * time.Millisecond, Getenv: env, OnSection: func(name doctor.Section, _ []doctor.Check) {
		sections = append(sections, name)
	}})
	if c := r.Checks[0]; c.Status != doctor.Error || !strings.Contains(c.Text, "no answer within 60ms: could not wait for an answer (sqs, lambda, logs, cloudwatch, sts)") {
		t.Errorf("%+v", c)
	}
	for name, status := range map[string]doctor.Status{
		"clock": doctor.Unknown, "caller": doctor.NotTried, "discovery": doctor.NotTried, "workers/config": doctor.Error,
		"sqs:ListQueues": doctor.NotTried, "sqs:SendMessage": doctor.NotTried, "state directory": doctor.OK,
	} {
		if c := find(t, r, name); c.Status != status {
			t.Errorf("%s is %s, want %s: %s", name, c.Status, status, c.Text)
		}
	}
	if r.Summary.Outcome != doctor.Failed {
		t.Errorf("summary %+v", r.Summary)
	}
	if len(sections) != 8 || sections[0] != doctor.SectionNetwork || sections[7] != doctor.SectionMachine {
		t.Errorf("sections came as %q", sections)
	}
}

// Hosts that take a request and then leave every call hanging are the slowest there
// can be.
func TestEndsInTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.hang = true
		start := time.Now()
		r := doctor.Run(t.Context(), f, doctor.Options{Getenv: func(string) string { return dir }})
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		for _, name := range []string{"caller", "discovery", "sqs:ListQueues", "lambda:ListFunctions"} {
			if c := find(t, r, name); c.Status != doctor.Unknown || c.Text != "no answer in time" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// Interrupted, doctor says what it knows.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.whoErr = context.Canceled
	if c := find(t, run(t, f, nil), "caller"); c.Status != doctor.Unknown || c.Text != "interrupted" {
		t.Errorf("%+v", c)
	}
	f.reachErr = context.Canceled
	if r := run(t, f, nil); r.Checks[0].Status != doctor.Unknown || r.Checks[0].Text != "interrupted" {
		t.Errorf("%+v", r.Checks[0])
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.workers[0].Problems = []aws.Problem{{Severity: "error", Kind: aws.ProblemNoMapping, Text: "nothing reads its queue"}}
	f.workers[1].Problems = []aws.Problem{{Severity: "warning", Kind: aws.ProblemSingleAttempt, Text: "one attempt only"}}
	f.findings = []aws.Problem{{Severity: "warning", Object: "shop-old-dlq-live", Text: "nobody's dead-letter queue"}}
	r := run(t, f, nil)
	if c := find(t, r, "shop-old-dlq-live"); c.Status != doctor.Warning || c.Text != "nobody's dead-letter queue" {
		t.Errorf("%+v", c)
	}
	if c := find(t, r, "echo"); c.Status != doctor.Error || c.Text != "nothing reads its queue" || !strings.Contains(c.Remedy, "aiwctl workers describe echo") {
		t.Errorf("%+v", c)
	}
	if c := find(t, r, "video"); c.Status != doctor.Warning {
		t.Errorf("%+v", c)
	}
	if r.Summary.Outcome != doctor.Failed || r.Summary.First.Name != "echo" {
		t.Errorf("%+v", r.Summary)
	}
	f.workers = nil
	if c := find(t, run(t, f, nil), "workers"); c.Status != doctor.Warning || !strings.Contains(c.Remedy, "--stage") {
		t.Errorf("%+v", c)
	}
}

// api is a workers API as CONTRACT 1.2 and 1.3 have it: each endpoint with a key of
// its own, empty for none.
type api struct {
	*httptest.Server
	mu                sync.Mutex
	config, trigger   string
	any               bool // takes any key
	dispatched, asked int
}

func newAPI(t *testing.T, config, trigger string) *api {
	t.Helper()
	a := &api{config: config, trigger: trigger}
	guard := func(key func() string, header string, next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.asked++
			if got := r.Header.Get(header); key() != "" && got != key() && (!a.any || got == "") {
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, `{"error":"Unauthorized"}`)
				return
			}
			next(w, r)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /workers/config", guard(func() string { return a.config }, "x-workers-config-key", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"version":"1.0.0"}`)
	}))
	mux.HandleFunc("POST /workers/trigger", guard(func() string { return a.trigger }, "x-workers-trigger-key", func(w http.ResponseWriter, r *http.Request) {
		var body struct{ WorkerID string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		if body.WorkerID == "" && r.URL.Query().Get("workerId") == "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"workerId is required (query param workerId or JSON body workerId)"}`)
			return
		}
		a.dispatched++
		fmt.Fprint(w, `{"ok":true}`)
	}))
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

// client sends what is for any host to the API, which is not on this machine for
// who reads its URL.
func (a *api) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, a.Listener.Addr().String())
	}}}
}

func TestWorkersAPI(t *testing.T) {
	t.Parallel()
	const secret = "k-secret"
	for _, tt := range []struct {
		name            string
		config, trigger string // the API's keys
		env             map[string]string
		any             bool
		wantConfig      doctor.Status
		wantTrigger     doctor.Status
		says            string
	}{
		{"right key", secret, secret, map[string]string{"WORKERS_API_KEY": secret}, false, doctor.OK, doctor.OK, "takes the key, and refuses those without it"},
		{"wrong key", secret, secret, map[string]string{"WORKERS_API_KEY": "other"}, false, doctor.Error, doctor.Error, "refuses the key that is set here"},
		{"no key here", secret, secret, nil, false, doctor.Error, doctor.Error, "wants a key, and none is set here"},
		{"public", "", "", nil, false, doctor.Warning, doctor.Warning, "public: it answers whoever asks"},
		{"believed guarded", "", "", map[string]string{"WORKERS_API_KEY": secret}, false, doctor.Error, doctor.Error, "public, although a key is set"},
		{"one of the old keys", "", secret, map[string]string{"WORKERS_TRIGGER_API_KEY": secret}, false, doctor.Error, doctor.OK, "WORKERS_CONFIG_API_KEY guards this endpoint"},
		{"the other of them", secret, "", map[string]string{"WORKERS_CONFIG_API_KEY": secret}, false, doctor.OK, doctor.Error, "WORKERS_TRIGGER_API_KEY guards this endpoint"},
		{"any key", secret, secret, map[string]string{"WORKERS_API_KEY": secret}, true, doctor.Error, doctor.Error, "takes any key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, tt.config, tt.trigger)
			a.any = tt.any
			f := newFake()
			f.target.BaseURL, f.api = "http://10.1.2.3", a.client()
			r := run(t, f, tt.env)
			config, trigger := find(t, r, "workers/config"), find(t, r, "workers/trigger")
			if config.Status != tt.wantConfig || trigger.Status != tt.wantTrigger {
				t.Errorf("config %s %q, trigger %s %q", config.Status, config.Text, trigger.Status, trigger.Text)
			}
			if all := config.Text + config.Remedy + trigger.Text + trigger.Remedy; !strings.Contains(all, tt.says) {
				t.Errorf("%q is not said: %s", tt.says, all)
			}
			if a.dispatched != 0 || a.asked == 0 {
				t.Errorf("%d jobs dispatched by %d requests", a.dispatched, a.asked)
			}
			if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), secret) {
				t.Errorf("the report holds the key (%v)", err)
			}
		})
	}

	t.Run("another server", func(t *testing.T) {
		t.Parallel()
		other := httptest.NewServer(http.NotFoundHandler())
		defer other.Close()
		f := newFake()
		f.target.BaseURL = other.URL
		if c := find(t, run(t, f, nil), "workers/trigger"); c.Status != doctor.Error || !strings.Contains(c.Text, "404 Not Found: this is not the workers API") {
			t.Errorf("%+v", c)
		}
	})
	t.Run("in clear text", func(t *testing.T) {
		t.Parallel()
		a := newAPI(t, "", "")
		f := newFake()
		f.target.BaseURL, f.api = "http://workers.example.com", a.client()
		if c := find(t, run(t, f, nil), "base URL"); c.Status != doctor.Warning {
			t.Errorf("%+v", c)
		}
		// On this machine, to be open is no fault.
		f.target.BaseURL, f.api = a.URL, http.DefaultClient
		if c := find(t, run(t, f, nil), "workers/trigger"); c.Status != doctor.OK {
			t.Errorf("%+v", c)
		}
	})
}

func TestMachine(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS == "windows" {
		t.Skip("permissions of directories are Unix's")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake()
	r := run(t, f, map[string]string{"XDG_STATE_HOME": file}) // a file is no directory, for root too
	if c := find(t, r, "state directory"); c.Status != doctor.Error || !strings.Contains(c.Remedy, "XDG_STATE_HOME") || r.Summary.Outcome != doctor.Failed {
		t.Errorf("%+v", c)
	}
	f.target.ReadOnly = true
	if c := find(t, run(t, f, map[string]string{"XDG_STATE_HOME": file}), "state directory"); c.Status != doctor.Warning {
		t.Errorf("%+v", c)
	}
	f.target.ReadOnly = false
	state := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Join(state, "aiwctl", "audit.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if c := find(t, run(t, f, map[string]string{"XDG_STATE_HOME": state}), "audit trail"); c.Status != doctor.Error || !strings.Contains(c.Text, "cannot be appended to") {
		t.Errorf("%+v", c)
	}
	left, err := filepath.Glob(filepath.Join(state, "aiwctl", "doctor-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// sound is what IAM wants of a policy's shape, and what this program does of its size.
func sound(t *testing.T, p *doctor.Policy) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil || len(text) > 6144 {
		t.Errorf("the policy has %d characters (%v)", len(text), err)
	}
	if p.Version != "2012-10-17" || len(p.Statement) == 0 {
		t.Errorf("%s", text)
	}
	sids := map[string]bool{}
	for _, s := range p.Statement {
		if !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(s.Sid) || sids[s.Sid] || s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 {
			t.Errorf("statement %+v", s)
		}
		sids[s.Sid] = true
		for _, a := range s.Action {
			if !regexp.MustCompile(`^(sqs|lambda|logs|cloudwatch|kms|tag|cloudformation|ssm|secretsmanager):[A-Z][A-Za-z]+$`).MatchString(a) {
				t.Errorf("action %q", a)
			}
		}
		for _, r := range s.Resource {
			if r == "*" && s.Sid != "AiwctlAnywhere" || r != "*" && !regexp.MustCompile(`^arn:aws:(sqs|lambda|logs|kms|cloudformation|ssm|secretsmanager):eu-west-1:(\d{12}|\*):[^ ]+$`).MatchString(r) {
				t.Errorf("resource %q in %s", r, s.Sid)
			}
		}
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	actions := func(p *doctor.Policy) (all []string) {
		for _, s := range p.Statement {
			all = append(all, s.Action...)
		}
		slices.Sort(all)
		return all
	}
	f := newFake()
	read, info := doctor.PolicyFor(t.Context(), f, doctor.Options{Now: now}, doctor.Read)
	sound(t, read)
	if info.Guessed != nil || info.Patterns {
		t.Errorf("%+v", info)
	}
	act, _ := doctor.PolicyFor(t.Context(), f, doctor.Options{Now: now}, doctor.Act)
	sound(t, act)
	want := append(doctor.ActionsFor(doctor.Read), doctor.ActionsFor(doctor.Act)...)
	want = append(want, "ssm:GetParameter") // the stack says that the key is there
	slices.Sort(want)
	if got := actions(act); !slices.Equal(got, want) {
		t.Errorf("to act: %q, want %q", got, want)
	}
	for _, a := range doctor.ActionsFor(doctor.Act) {
		if slices.Contains(actions(read), a) {
			t.Errorf("to read, %s is not needed", a)
		}
	}
	for _, s := range read.Statement {
		if s.Sid == "AiwctlLogs" && !slices.Contains(s.Resource, "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/p-x-prod-worker-echo:*") {
			t.Errorf("%+v", s)
		}
		if s.Sid == "AiwctlDeadLetters" && len(s.Resource) != 2 {
			t.Errorf("%+v", s)
		}
	}

	// Five hundred workers in two services are more names than IAM takes.
	f.workers = nil
	for i := range 250 {
		a, b := worker(fmt.Sprintf("a%03d", i)), worker(fmt.Sprintf("b%03d", i))
		for _, q := range []*aws.Queue{b.Queue, b.DLQ} {
			q.ARN = strings.Replace(q.ARN, "p-x-", "p-other-", 1)
		}
		f.workers = append(f.workers, a, b)
	}
	act, info = doctor.PolicyFor(t.Context(), f, doctor.Options{Now: now}, doctor.Act)
	sound(t, act)
	if !info.Patterns {
		t.Error("nothing is said of patterns")
	}
	for _, s := range act.Statement {
		if s.Sid == "AiwctlQueues" && !slices.Equal(s.Resource, []string{"arn:aws:sqs:eu-west-1:111122223333:p-other-*-prod", "arn:aws:sqs:eu-west-1:111122223333:p-x-*-prod"}) {
			t.Errorf("patterns %q", s.Resource)
		}
		if s.Sid == "AiwctlMappings" && !slices.Equal(s.Condition["ArnLike"]["lambda:FunctionArn"], []string{"arn:aws:lambda:eu-west-1:111122223333:function:p-x-prod-worker-*"}) {
			t.Errorf("mappings %+v", s)
		}
	}

	// With no credentials there is a policy to ask for all the same.
	f.credErr = &aws.CredentialsError{Err: errors.New("none")}
	f.target.Service = "p-x"
	read, info = doctor.PolicyFor(t.Context(), f, doctor.Options{Now: now}, doctor.Read)
	sound(t, read)
	if info.Guessed == nil {
		t.Error("nothing is said of guesses")
	}
	if text, _ := json.Marshal(read); !strings.Contains(string(text), `"arn:aws:sqs:eu-west-1:*:p-x-*"`) {
		t.Errorf("%s", text)
	}
}

func TestPattern(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		"aiw-*-demo":             {"aiw-echo-demo", "aiw-echo-dlq-demo", "aiw-export-demo"},
		"one":                    {"one"},
		"*":                      {"a", "b"},
		"aiw-*":                  {"aiw-echo", "aiw-video"},
		"/aws/lambda/aiw-demo-*": {"/aws/lambda/aiw-demo-workerA", "/aws/lambda/aiw-demo-workerB"},
		"p-a-*":                  {"p-a-x", "p-a-a-x"},
		"*-prod.fifo":            {"a-prod.fifo", "b-prod.fifo"},
		"p-x-*":                  {"p-x-aa", "p-x-a"},
	} {
		got := doctor.Pattern(names)
		if got != want {
			t.Errorf("pattern of %q is %q, want %q", names, got, want)
		}
	}
}
