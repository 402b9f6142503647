package aws_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// A stage of our own runtime, over HTTP: the real SDK against the local endpoint.
// Its functions are never invoked, so there is no program behind them.
func TestInventoryOfOurOwnStage(t *testing.T) {
	t.Parallel()
	setting := dispatch.SQSSetting{VisibilityTimeoutSeconds: 360, MaxReceiveCount: 3, RetentionSeconds: 345600, DLQRetentionSeconds: 1209600, BatchSize: 5, MaximumConcurrency: 3}
	manifest := &dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{
		{ID: "echo", Group: "default", TimeoutSeconds: 60, MemoryMB: 256, SQS: setting, Description: "says it again", InputSchema: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`)},
		{ID: "ordered", Group: "default", TimeoutSeconds: 60, MemoryMB: 256, SQS: dispatch.SQSSetting{FIFO: true, VisibilityTimeoutSeconds: 360, MaxReceiveCount: 3, RetentionSeconds: 345600, DLQRetentionSeconds: 345600, BatchSize: 5}},
	}}
	server, err := local.Start(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Stage: "prod", Service: "aiw",
		Programs: []local.Program{{Name: "workers", Command: []string{os.Args[0]}, Manifest: manifest}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	// What the program has become since: another timeout, and a worker more.
	changed := *manifest
	changed.Workers = slices.Clone(manifest.Workers)
	changed.Workers[0].TimeoutSeconds = 90
	changed.Workers = append(changed.Workers, dispatch.ManifestWorker{ID: "new", TimeoutSeconds: 1})
	file := filepath.Join(t.TempDir(), "manifest.json")
	text, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	open := func(target aws.Target) *aws.Stage {
		t.Helper()
		target.EndpointURL = server.Endpoint()
		s, err := aws.Open(t.Context(), target, aws.Options{Getenv: func(string) string { return "" }, HTTPClient: &http.Client{Transport: transport}, AuditPath: aws.NoAudit})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	read := func(target aws.Target, want ...string) *aws.Inventory {
		t.Helper()
		inv, err := open(target).Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, w := range inv.Workers {
			ids = append(ids, w.ID)
		}
		if !slices.Equal(ids, want) || len(inv.Warnings) > 0 {
			t.Fatalf("workers of %+v are %q, warnings %v, want %q and none", target, ids, inv.Warnings, want)
		}
		return inv
	}
	// AWS alone: the functions say which workers they run.
	inv := read(aws.Target{Stage: "prod"}, "echo", "ordered")
	for _, w := range inv.Workers {
		if w.InputSchema != nil || len(w.Problems) > 0 || w.DLQ == nil || w.Function.LogFormat != "Text" || w.Function.State != "" {
			t.Errorf("%s = %+v %+v", w.ID, w, w.Function)
		}
	}
	if ordered := inv.Workers[1]; !ordered.Queue.FIFO || !ordered.DLQ.FIFO {
		t.Errorf("ordered = %+v, want FIFO queues", ordered)
	}
	read(aws.Target{Tags: "aiwctl:worker=ordered,STAGE=prod"}, "ordered")
	read(aws.Target{Prefix: "aiw-o"}, "ordered")
	read(aws.Target{Tags: "STAGE=nowhere"})

	inv = read(aws.Target{Stage: "prod", Manifest: file}, "echo", "ordered")
	echo := inv.Workers[0]
	if echo.TolerantSchema || echo.Description != "says it again" || len(echo.Problems) != 1 || echo.Problems[0].Kind != aws.ProblemManifest ||
		!strings.Contains(echo.Problems[0].Text, "timeout is 1m (manifest: 1m30s)") || strings.Contains(echo.Problems[0].Text, "batch size") {
		t.Errorf("echo = %+v, want its strict schema and the timeout as the only difference", echo)
	}
	if len(inv.Findings) == 0 || inv.Findings[len(inv.Findings)-1].Object != "new" || inv.Findings[len(inv.Findings)-1].Kind != aws.FindingNotDeployed {
		t.Errorf("findings = %+v, want that new is not deployed", inv.Findings)
	}
	s := open(aws.Target{Stage: "prod"})
	described, warnings := s.Describe(t.Context(), echo)
	if len(warnings) > 0 || described.Function.State != "Active" || described.Function.ReservedConcurrency != nil {
		t.Errorf("described as %+v, %v", described.Function, warnings)
	}
	// Nothing is known of a function that is not there.
	if _, err := s.Lambda().GetFunctionConcurrency(t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: awssdk.String("nope")}); err == nil {
		t.Error("the concurrency of a function that does not exist was told")
	}
}
