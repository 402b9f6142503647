package runtime

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// parameterStore answers GetParameters, for the names that it has.
func parameterStore(t *testing.T, values map[string]string) (environment []string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Names []string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		found := []map[string]string{}
		for _, name := range in.Names {
			if value, ok := values[name]; ok {
				found = append(found, map[string]string{"Name": name, "Value": value})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameters": found})
	}))
	t.Cleanup(srv.Close)
	return []string{"AWS_ENDPOINT_URL_SSM=" + srv.URL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=k"}
}

func TestAFunctionHasItsSecretsBeforeAnyHandlerRuns(t *testing.T) {
	t.Parallel()
	const key = "correct horse battery staple"
	signing := webhook.NewSecret().Reveal()
	env := append(parameterStore(t, map[string]string{"/aiw/prod/THE_KEY": key, "/aiw/prod/W": signing}),
		"AIWORKER_SECRET_THE_KEY=ssm:/aiw/prod/THE_KEY", "AIWORKER_SECRET_WORKER_WEBHOOK_SECRET=ssm:/aiw/prod/W", "DEBUG=1", "WORKER_WEBHOOK_ALLOW_PRIVATE=true")
	signed := make(chan bool, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		secret, _ := webhook.ParseSecret(signing)
		text, _ := io.ReadAll(r.Body)
		signed <- webhook.Verify([]webhook.Secret{secret}, r.Header, text) == nil
	}))
	t.Cleanup(receiver.Close)

	api, cmd, output := startFunction(t, "worker.secret", env...)
	text := strings.Replace(body("secret", "j1", `{"number":1}`), "{", `{"webhookUrl":"`+receiver.URL+`",`, 1)
	if got := api.invoke(t, batchOf(record("m1", text, 1))); got != `response {"batchItemFailures":[]}` {
		t.Errorf("answer = %s", got)
	}
	if !<-signed {
		t.Error("the App does not know the webhook secret that it was started with")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if log := output.String(); !strings.Contains(log, `"output":{"number":28}`) || strings.Contains(log, key) || strings.Contains(log, signing) {
		t.Errorf("log = %s", log)
	}
}

func TestAFunctionWithoutASecretDoesNotStart(t *testing.T) {
	t.Parallel()
	env := append(parameterStore(t, map[string]string{"/aiw/prod/OTHER": "hunter2"}),
		"AIWORKER_SECRET_THE_KEY=ssm:/aiw/prod/THE_KEY", "AIWORKER_SECRET_OTHER=ssm:/aiw/prod/OTHER")
	_, cmd, output := startFunction(t, "worker.secret", env...)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("the process ended with %v", err)
	}
	if log := output.String(); !strings.Contains(log, "start: read the secret of THE_KEY (ssm:/aiw/prod/THE_KEY): there is no such parameter in eu-west-1") || strings.Contains(log, "hunter2") {
		t.Errorf("log = %s", log)
	}
}

// A program that makes its App first gets its secrets from Run; what the App has read by then
// is read again.
func TestRunReadsTheSecretsOfAnApp(t *testing.T) {
	signing := webhook.NewSecret().Reveal()
	for _, kv := range append(parameterStore(t, map[string]string{"/w": signing}), "AIWORKER_SECRET_WORKER_WEBHOOK_SECRET=ssm:/w") {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	unset(t, "WORKER_WEBHOOK_SECRET")
	app, err := NewApp(AppConfig{Output: io.Discard}, testWorkers()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.loadSecrets(t.Context()); err != nil || len(app.webhook.secrets) != 1 || app.webhook.secrets[0].Reveal() != signing {
		t.Errorf("%d secrets, %v", len(app.webhook.secrets), err)
	}
	// Again it does nothing, wherever the parameter has gone.
	t.Setenv("AIWORKER_SECRET_WORKER_WEBHOOK_SECRET", "ssm:/gone")
	if err := LoadSecrets(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever asks a function's program for its manifest has no use for secrets.
func TestManifestReadsNoSecrets(t *testing.T) {
	t.Setenv("AIWORKER_SECRET_THE_KEY", "ssm:/nobody/answers")
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
	unset(t, "THE_KEY")
	app, err := NewApp(AppConfig{Output: io.Discard}, testWorkers()...)
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	if code := app.Run(t.Context(), []string{"manifest"}, nil, io.Discard, &complaints); code != exitDone {
		t.Errorf("exit code %d: %s", code, &complaints)
	}
}

// unset takes a variable away for the time of the test.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // has it put back
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}
