package aws

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func declared(id string) dispatch.ManifestWorker {
	return dispatch.ManifestWorker{
		ID: id, Group: "default", Description: "does " + id, TimeoutSeconds: 300, MemoryMB: 512,
		InputSchema:  json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer","default":1}},"required":["n"],"additionalProperties":false}`),
		OutputSchema: json.RawMessage(`{"type":"string"}`),
		SQS:          dispatch.SQSSetting{VisibilityTimeoutSeconds: 360, MaxReceiveCount: 3, RetentionSeconds: 345600, DLQRetentionSeconds: 1209600, BatchSize: 1},
	}
}

// Where there is no workers API, a worker program's manifest has the schemas, and is
// compared with what is deployed.
func TestManifestIsJoinedWithWhatIsDeployed(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "same", "prod", "provided.al2023").worker("p-x", "other", "prod", "nodejs20.x").
		// Names that agree with nothing, so that only the manifest knows the id:
		queue("p-x-odd-prod", "", 0).function("runs-odd", "provided.al2023", "p-x-odd-prod", map[string]string{"STAGE": "prod"})
	s := f.stage(Target{Stage: "prod"}, Options{})
	other := declared("other")
	other.TimeoutSeconds, other.MemoryMB, other.SQS.BatchSize, other.SQS.MaxReceiveCount, other.SQS.FIFO = 60, 1024, 10, 5, true
	odd := declared("odd")
	odd.SQS.MaxReceiveCount = 9 // there is no policy to compare it with
	s.manifest = &dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{declared("same"), other, odd, declared("missing")}}
	inv := mustInventory(t, s)
	wantIDs(t, inv, "odd", "other", "same")

	same := find(t, inv, "same")
	wantKinds(t, same)
	if same.TolerantSchema || same.Group != "default" || same.Description != "does same" || string(same.OutputSchema) != `{"type":"string"}` {
		t.Errorf("same = %+v, want what the manifest says", same)
	}
	schema, err := same.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if dispatch.Valid(schema.Validate([]byte(`{}`))) {
		t.Error("a schema of a Go type was read as if Zod had written it")
	}
	wantKinds(t, find(t, inv, "other"), "warning: differs from manifest")
	wantIn(t, text(t, find(t, inv, "other"), ProblemManifest), "timeout is 5m (manifest: 1m)", "512 MB (manifest: 1024 MB)",
		"batch size is 1 (manifest: 10)", "maxReceiveCount is 3 (manifest: 5)", "a standard queue (manifest: a FIFO queue)", "deploy it again")
	wantKinds(t, find(t, inv, "odd"), "warning: no dead-letter queue")
	wantFindings(t, inv, "warning: not deployed: missing")
	wantIn(t, inv.Findings[0].Text, "stage prod in eu-west-1", "--service")
	if got := inv.Sources; got[len(got)-1] != SourceManifest {
		t.Errorf("Sources = %q, want the manifest too", got)
	}
}

// What the API says of its workers wins over a file.
func TestManifestDoesNotReplaceWorkersConfig(t *testing.T) {
	t.Parallel()
	s := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").stage(Target{BaseURL: newWorkersAPI(t, configFor("echo")).URL}, Options{})
	s.manifest = &dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{declared("echo")}}
	echo := find(t, mustInventory(t, s), "echo")
	if !echo.TolerantSchema || !strings.Contains(string(echo.InputSchema), "text") || echo.Description != "does echo" {
		t.Errorf("echo = %+v, want the API's schema and the manifest's description", echo)
	}
}

func TestManifestsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct {
		path, stdin, want string
	}{
		"missing":       {filepath.Join(dir, "nope.json"), "", "no such file"},
		"a directory":   {dir, "", "directory"},
		"empty":         {file("empty", " \n"), "", "it is empty"},
		"not JSON":      {file("text", "{\n\"version\": 1,\n oops"), "", "line 3"},
		"other JSON":    {file("other", `{"name":"x"}`), "", `no "version"`},
		"a list":        {file("list", `[1]`), "", "no manifest"},
		"newer":         {file("newer", `{"version":99,"workers":[{"id":"a"}]}`), "", "update aiwctl"},
		"no workers":    {file("none", `{"version":1,"workers":[]}`), "", "no workers"},
		"without id":    {file("noid", `{"version":1,"workers":[{}]}`), "", "workers[0] has no id"},
		"twice":         {file("twice", `{"version":1,"workers":[{"id":"a"},{"id":"a"}]}`), "", `"a" twice`},
		"empty stdin":   {"-", "", "standard input: it is empty"},
		"stdin is fine": {"-", `{"version":1,"workers":[{"id":"a"}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), Target{EndpointURL: "http://127.0.0.1:1", Manifest: tt.path}, Options{Getenv: noEnv, Stdin: strings.NewReader(tt.stdin)})
			if tt.want == "" {
				if err != nil {
					t.Errorf("Open: %v", err)
				}
				return
			}
			if _, ok := errors.AsType[*ManifestError](err); !ok || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "workers manifest >") {
				t.Errorf("err = %v, want a *ManifestError that says %q and how to write one", err, tt.want)
			}
		})
	}
}
