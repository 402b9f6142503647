package local_test

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// A worker's function that is called by a schedule, as EventBridge calls it when
// deployed, puts a job into its own queue, and runs it from there.
func TestFunctionCalledByASchedule(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t, "echo"))}})
	c := connect(t, s, dispatch.StableHTTPClient)
	out, err := c.lambda.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: awssdk.String("aiw-demo-workerEcho"),
		Payload:      []byte(`{"aiworkerSchedule":{"workerId":"echo","input":{"text":"tick"},"id":"run-1","at":"2026-10-08T16:53:06Z"}}`),
	})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("%v, function error %s: %s", err, awssdk.ToString(out.FunctionError), out.Payload)
	}
	lines := c.waitFor(t, "aiw-demo-workerEcho", `{ $.event = "job.completed" }`)
	if len(lines) != 1 || !strings.Contains(lines[0], `"jobId":"job-1791478386000-`) || !strings.Contains(lines[0], "tick") {
		t.Errorf("log %q", lines)
	}
}
