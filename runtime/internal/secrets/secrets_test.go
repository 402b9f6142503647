package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vault is Systems Manager and Secrets Manager behind one address.
type vault struct {
	parameters map[string]string // name to value
	secrets    map[string]string // name or ARN to SecretString
	denied     map[string]string // name to the action that the role lacks
	throttle   atomic.Int32      // so many calls are throttled first

	mu    sync.Mutex
	calls []string // operation, region and what was asked for
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Names          []string
		WithDecryption bool
		SecretId       string //nolint:revive // AWS's spelling
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	target := r.Header.Get("X-Amz-Target")
	scope := strings.Split(r.Header.Get("Authorization"), "/")
	v.mu.Lock()
	v.calls = append(v.calls, fmt.Sprintf("%s %s/%s %s%s", target, scope[3], scope[2], strings.Join(in.Names, ","), in.SecretId))
	v.mu.Unlock()
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
	if v.throttle.Add(-1) >= 0 {
		refuse(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
		return
	}
	for _, name := range append(in.Names, in.SecretId) {
		if action := v.denied[name]; action != "" {
			refuse(http.StatusBadRequest, "com.amazonaws#AccessDeniedException", "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: "+action)
			return
		}
	}
	switch target {
	case "AmazonSSM.GetParameters":
		var out struct {
			Parameters        []map[string]string
			InvalidParameters []string
		}
		if len(in.Names) > 10 || !in.WithDecryption {
			refuse(http.StatusBadRequest, "ValidationException", "at most ten, decrypted")
			return
		}
		for _, asked := range in.Names {
			name, version, found := strings.Cut(strings.TrimPrefix(asked, "arn:aws:ssm:eu-west-1:1:parameter"), ":")
			value, ok := v.parameters[name]
			if !ok {
				out.InvalidParameters = append(out.InvalidParameters, asked)
				continue
			}
			p := map[string]string{"Name": name, "ARN": "arn:aws:ssm:eu-west-1:1:parameter" + name, "Value": value}
			if found {
				p["Selector"], p["Value"] = ":"+version, value+"@"+version
			}
			out.Parameters = append(out.Parameters, p)
		}
		_ = json.NewEncoder(w).Encode(out)
	case "secretsmanager.GetSecretValue":
		value, ok := v.secrets[in.SecretId]
		switch {
		case !ok:
			refuse(http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		case value == "binary":
			_, _ = io.WriteString(w, `{"SecretBinary":"aGk="}`)
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": value})
		}
	default:
		refuse(http.StatusBadRequest, "UnknownOperationException", target)
	}
}

// start runs the vault and gives a process whose environment refers to it.
func (v *vault) start(t *testing.T, env map[string]string) (p Process, set map[string]string) {
	t.Helper()
	srv := httptest.NewServer(v)
	t.Cleanup(srv.Close)
	return process(srv.URL, env)
}

func process(endpoint string, env map[string]string) (p Process, set map[string]string) {
	all := map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "k"}
	maps.Copy(all, env)
	for name, value := range all {
		p.Environ = append(p.Environ, name+"="+value)
	}
	set = map[string]string{}
	p.Setenv = func(name, value string) error { set[name] = value; return nil }
	return p, set
}

func TestSecretsBecomeVariables(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:secretsmanager:us-east-2:1:secret:shop-AbCdEf"
	v := &vault{
		parameters: map[string]string{"/shop/prod/A": "value of a", "plain": "value of b"},
		secrets:    map[string]string{"shop": `{"user":"u","port":5432,"note":"é","on":true}`, arn: "whole"},
	}
	p, set := v.start(t, map[string]string{
		"AIWORKER_SECRET_A": "ssm:/shop/prod/A", "AIWORKER_SECRET_B": "ssm:plain", "AIWORKER_SECRET_SAME": "ssm:/shop/prod/A",
		"AIWORKER_SECRET_OLD": "ssm:/shop/prod/A:3", "AIWORKER_SECRET_ARN": "ssm:arn:aws:ssm:eu-west-1:1:parameter/shop/prod/A",
		"AIWORKER_SECRET_USER": "secretsmanager:shop#user", "AIWORKER_SECRET_PORT": "secretsmanager:shop#port", "AIWORKER_SECRET_NOTE": "secretsmanager:shop#note",
		"AIWORKER_SECRET_WHOLE": "secretsmanager:" + arn,
		"AIWORKER_SECRET_THERE": "ssm:/nobody/looks", "THERE": "from the shell", "AIWORKER_SECRET_EMPTY": "ssm:/nobody/looks", "EMPTY": "",
		"AIWORKER_SECRET_": "ssm:/nobody/looks", "AIWORKER_STORE": "memory:",
	})
	n, err := Load(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"A": "value of a", "B": "value of b", "SAME": "value of a", "OLD": "value of a@3", "ARN": "value of a",
		"USER": "u", "PORT": "5432", "NOTE": "é", "WHOLE": "whole",
	}
	if !maps.Equal(set, want) || n != len(want) {
		t.Errorf("%d variables %v, want %v", n, set, want)
	}
	slices.Sort(v.calls)
	if got, want := strings.Join(v.calls, "\n"), "AmazonSSM.GetParameters ssm/eu-west-1 /shop/prod/A,arn:aws:ssm:eu-west-1:1:parameter/shop/prod/A,plain,/shop/prod/A:3\n"+
		"secretsmanager.GetSecretValue secretsmanager/eu-west-1 shop\nsecretsmanager.GetSecretValue secretsmanager/us-east-2 "+arn; got != want {
		t.Errorf("calls:\n%s\nwant\n%s", got, want)
	}
}

func TestParametersAreAskedForByTen(t *testing.T) {
	t.Parallel()
	v := &vault{parameters: map[string]string{}}
	env := map[string]string{}
	for i := range 23 {
		name := fmt.Sprintf("V%02d", i)
		v.parameters["/"+name], env["AIWORKER_SECRET_"+name] = "x", "ssm:/"+name
	}
	p, set := v.start(t, env)
	if n, err := Load(t.Context(), p); err != nil || n != 23 || len(set) != 23 || len(v.calls) != 3 {
		t.Errorf("%d set by %d calls: %v", len(set), len(v.calls), err)
	}
}

func TestWithoutReferencesNothingIsDone(t *testing.T) {
	t.Parallel()
	p := Process{Environ: []string{"A=1", "AIWORKER_SECRET_A=ssm:/a", "malformed"}}
	if n, err := Load(t.Context(), p); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Whatever fails, the error says of which variable, which reference and what to do, and
// neither it nor the environment has a value.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := func() *vault {
		return &vault{
			parameters: map[string]string{"/fine": "hunter2", "/nul": "hunter2\x00"},
			secrets:    map[string]string{"text": "hunter2", "object": `{"a":"hunter2","none":null}`, "array": `["hunter2"]`, "bin": "binary", "null": "null"},
			denied:     map[string]string{"/closed": "ssm:GetParameters", "/key": "kms:Decrypt", "closed": "secretsmanager:GetSecretValue"},
		}
	}
	for name, tt := range map[string]struct {
		ref  string
		want []string
	}{
		"a parameter that is not there":   {"ssm:/gone", []string{"there is no such parameter in eu-west-1: put it there, or correct the reference"}},
		"a parameter of others":           {"ssm:/closed", []string{"access denied: the function's role needs ssm:GetParameters on the parameter", "is not authorized to perform: ssm:GetParameters"}},
		"a parameter under another's key": {"ssm:/key", []string{"kms:Decrypt on its key"}},
		"a secret that is not there":      {"secretsmanager:gone", []string{"there is no such secret in eu-west-1"}},
		"a secret of others":              {"secretsmanager:closed", []string{"the function's role needs secretsmanager:GetSecretValue on the secret"}},
		"a binary secret":                 {"secretsmanager:bin", []string{"the secret is binary: store it as text"}},
		"a field of a text":               {"secretsmanager:text#a", []string{"no JSON object, so that it has no fields: refer to it without #"}},
		"a field of an array":             {"secretsmanager:array#a", []string{"no JSON object"}},
		"a field of null":                 {"secretsmanager:null#a", []string{"no JSON object"}},
		"a field that is not there":       {"secretsmanager:object#b", []string{`has no field "b"`}},
		"a field that is null":            {"secretsmanager:object#none", []string{`has no field "none"`}},
		"a value with a NUL byte":         {"ssm:/nul", []string{"cannot hold its NUL byte"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, set := v().start(t, map[string]string{"AIWORKER_SECRET_THE_KEY": tt.ref, "AIWORKER_SECRET_FINE": "ssm:/fine"})
			n, err := Load(t.Context(), p)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tt.want, "read the secret of THE_KEY ("+tt.ref+"): ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "FINE") {
				t.Errorf("more is shown than failed: %v", err)
			}
			if n != 0 || len(set) != 0 {
				t.Errorf("%d variables were set: %v", n, slices.Sorted(maps.Keys(set)))
			}
		})
	}
}

func TestAllFailuresAreToldAtOnce(t *testing.T) {
	t.Parallel()
	v := &vault{denied: map[string]string{"/b": "ssm:GetParameters"}}
	p, _ := v.start(t, map[string]string{"AIWORKER_SECRET_A": "ssm:/a", "AIWORKER_SECRET_B": "ssm:/b", "AIWORKER_SECRET_C": "secretsmanager:c"})
	_, err := Load(t.Context(), p)
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "read the secret of A") || !strings.HasPrefix(lines[2], "read the secret of C") {
		t.Errorf("%v", err)
	}

	p, _ = v.start(t, map[string]string{"AIWORKER_SECRET_A": "hunter2", "AIWORKER_SECRET_B": "ssm:"})
	if _, err = Load(t.Context(), p); err == nil || strings.Contains(err.Error(), "hunter2") ||
		!strings.Contains(err.Error(), "read the variable AIWORKER_SECRET_A: it is no reference") || !strings.Contains(err.Error(), "AIWORKER_SECRET_B") || len(v.calls) > 4 {
		t.Errorf("%v", err)
	}
}

func TestWithoutCredentialsTheVariablesAreNamed(t *testing.T) {
	t.Parallel()
	p := Process{Environ: []string{"AIWORKER_SECRET_A=ssm:/a", "AIWORKER_SECRET_B=ssm:/b"}}
	if _, err := Load(t.Context(), p); err == nil || !strings.Contains(err.Error(), "read the secrets of A, B: there are no AWS credentials") {
		t.Errorf("%v", err)
	}
}

// roundTrip is an HTTP client without a network, so that time can be a test's own.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestPassingFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{parameters: map[string]string{"/a": "x"}}
		v.throttle.Store(2)
		cut := true
		p, set := process("http://vault", map[string]string{"AIWORKER_SECRET_A": "ssm:/a"})
		p.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
			if cut {
				cut = false
				return nil, errors.New("connection reset")
			}
			w := httptest.NewRecorder()
			v.ServeHTTP(w, r)
			return w.Result(), nil
		})
		if _, err := Load(t.Context(), p); err != nil || set["A"] != "x" {
			t.Errorf("%v, %v", set, err)
		}
	})
}

func TestAServiceThatFailsForLongIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer roundTrip
		want   string
		tries  int
	}{
		"it never answers": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "within 8s; the last try: call GetParameters of ssm: ", 3},
		"it throttles": {func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.WriteHeader(http.StatusTooManyRequests)
			return w.Result(), nil
		}, "AWS answered status 429: no reason given", 5},
		"it answers something else": {func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.WriteString("<html>hunter2")
			return w.Result(), nil
		}, "ssm answered GetParameters with what is not its JSON", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, tries := time.Now(), 0
				p, _ := process("http://vault", map[string]string{"AIWORKER_SECRET_A": "ssm:/a"})
				p.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) { tries++; return tt.answer(r) })
				_, err := Load(t.Context(), p)
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v, want %q", err, tt.want)
				}
				if took := time.Since(began); took > loadTimeout || tries < tt.tries || tries > 5 {
					t.Errorf("%d tries in %v", tries, took)
				}
			})
		})
	}
}

func TestWhoeverStartsTheFunctionCanEndTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		p, _ := process("http://vault", map[string]string{"AIWORKER_SECRET_A": "ssm:/a"})
		p.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
			cancel(errors.New("the process is asked to stop"))
			return nil, r.Context().Err()
		})
		if _, err := Load(ctx, p); err == nil || !strings.Contains(err.Error(), "asked to stop") {
			t.Errorf("%v", err)
		}
	})
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service service
		region  string
		env     map[string]string
		want    string
	}{
		{ssm, "eu-west-1", nil, "https://ssm.eu-west-1.amazonaws.com/"},
		{secretsManager, "cn-north-1", nil, "https://secretsmanager.cn-north-1.amazonaws.com.cn/"},
		{secretsManager, "us-east-1", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://secretsmanager-fips.us-east-1.amazonaws.com/"},
		{ssm, "us-gov-west-1", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://ssm.us-gov-west-1.amazonaws.com/"},
		{ssm, "eu-west-1", map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://ssm.eu-west-1.api.aws/"},
		{ssm, "eu-west-1", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566/"},
		{secretsManager, "eu-west-1", map[string]string{"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://b/"}, "http://b/"},
		{ssm, "eu-west-1", map[string]string{"AWS_ENDPOINT_URL_SSM": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "https://ssm.eu-west-1.amazonaws.com/"},
	} {
		c := &client{env: func(name string) string { return tt.env[name] }}
		if got := c.endpoint(tt.service, tt.region); got != tt.want {
			t.Errorf("%s in %s with %v: %s, want %s", tt.service.name, tt.region, tt.env, got, tt.want)
		}
	}
}
