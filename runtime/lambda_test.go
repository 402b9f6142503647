package runtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// runtimeAPI is Lambda's Runtime API for one environment, as a function's process
// sees it: it hands out payloads and takes responses.
type runtimeAPI struct {
	next     chan string
	response chan string // "response <body>" or "error <body>"
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, "/env-7/2018-06-01/runtime/invocation/")
	if path == "next" {
		select {
		case payload := <-a.next:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "req-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(20*time.Second).UnixMilli()))
			_, _ = io.WriteString(w, payload)
		case <-r.Context().Done():
		}
		return
	}
	text, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	a.response <- strings.TrimPrefix(path, "req-1/") + " " + string(text)
}

// startFunction runs this test binary as a worker program in Lambda.
func startFunction(t *testing.T, handler string, env ...string) (api *runtimeAPI, cmd *exec.Cmd, output *bytes.Buffer) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a process")
	}
	api = &runtimeAPI{next: make(chan string, 1), response: make(chan string, 1)}
	srv := httptest.NewServer(api)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	output = &bytes.Buffer{}
	cmd = exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), envFakeLambda+"=1",
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(srv.URL, "http://")+"/env-7", "_HANDLER="+handler, "AIWORKER_MAX_RECEIVE_COUNT=2")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		srv.CloseClientConnections()
		srv.Close()
	})
	return api, cmd, output
}

func (a *runtimeAPI) invoke(t *testing.T, payload any) string {
	t.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	a.next <- string(text)
	select {
	case answer := <-a.response:
		return answer
	case <-time.After(2 * time.Minute):
		t.Fatal("the function did not answer")
		return ""
	}
}

func TestProcessInLambda(t *testing.T) {
	t.Parallel()
	api, cmd, output := startFunction(t, "worker.ok")
	got := api.invoke(t, batchOf(
		record("m1", body("ok", "j1", `{"number":1}`), 1),
		record("m2", body("error", "j2", `{"number":1}`), 1)))
	if want := `response {"batchItemFailures":[{"itemIdentifier":"m2"}]}`; got != want {
		t.Errorf("answer = %s, want %s", got, want)
	}
	if got := api.invoke(t, map[string]string{"source": "aws.events"}); !strings.HasPrefix(got, "error ") || !strings.Contains(got, "no Records") {
		t.Errorf("answer to a scheduled event = %s", got)
	}

	// Asked to stop, it goes quietly.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if log := output.String(); !strings.Contains(log, `[AIWORKER_RUN] {"jobId":"j1","workerId":"ok","awsRequestId":"req-1"}`) || !strings.Contains(log, `"event":"job.completed"`) {
		t.Errorf("log = %s", log)
	}
}

func TestProcessServesTheAPI(t *testing.T) {
	t.Parallel()
	api, _, _ := startFunction(t, "api")
	got := api.invoke(t, events.APIGatewayProxyRequest{HTTPMethod: "GET", Path: "/docs.json", RequestContext: events.APIGatewayProxyRequestContext{Stage: "demo"}})
	if !strings.HasPrefix(got, `response {"statusCode":200,`) || !strings.Contains(got, `AI Worker Service`) {
		t.Errorf("answer = %s", got)
	}
}
