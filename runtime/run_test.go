package runtime

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/fullschema"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		stdin  string
		code   int
		stdout string
		stderr string
	}{
		{"no arguments", nil, "", 2, "", "This program holds workers: bad-output,"},
		{"help", []string{"help"}, "", 0, "Usage:", ""},
		{"unknown command", []string{"serve"}, "", 2, "", `unknown command "serve"`},
		{"run", []string{"run", "ok", `{"number":1}`}, "", 0, `{"number":1}` + "\n", "[AIWORKER_RUN]"},
		{"run from a pipe", []string{"run", "ok"}, `{"number":2}`, 0, `{"number":2}` + "\n", ""},
		{"run from -", []string{"run", "ok", "-"}, ` {"number":3} `, 0, `{"number":3}` + "\n", ""},
		{"run with an empty pipe", []string{"run", "ok"}, ``, 2, "", "number"},
		{"run fails", []string{"run", "error", `{"number":1}`}, "", 1, "", `worker "error" failed: the service did not answer`},
		{"run panics", []string{"run", "panic", `{"number":1}`}, "", 1, "", "panic: no such"},
		{"run with wrong input", []string{"run", "ok", "{\n  \"number\": \"x\"}"}, "", 2, "", "2:13 /number:"},
		{"run with text", []string{"run", "ok", "hello"}, "", 2, "", "1:1"},
		{"run without worker", []string{"run"}, "", 2, "", "Usage:"},
		{"run with too much", []string{"run", "ok", "1", "2"}, "", 2, "", "Usage:"},
		{"run of an unknown worker", []string{"run", "nobody"}, "", 2, "", `no worker "nobody"`},
		{"run with too long an input", []string{"run", "ok", "-"}, strings.Repeat(" ", dispatch.MaxMessageBytes+1), 2, "", "1048576 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := newRig(t, nil, testWorkers()...).Run(t.Context(), tt.args, strings.NewReader(tt.stdin), &stdout, &stderr)
			if code != tt.code {
				t.Errorf("exit code = %d, want %d", code, tt.code)
			}
			if got := stdout.String(); !strings.Contains(got, tt.stdout) || (tt.stdout == "" && got != "") {
				t.Errorf("stdout = %q, want %q", got, tt.stdout)
			}
			if got := stderr.String(); !strings.Contains(got, tt.stderr) {
				t.Errorf("stderr = %q, want %q", got, tt.stderr)
			}
		})
	}
}

func TestRunManifest(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	r := newRig(t, nil, testWorkers()...)
	if code := r.Run(t.Context(), []string{"manifest"}, nil, &stdout, io.Discard); code != 0 {
		t.Fatalf("exit code = %d", code)
	}
	var m dispatch.Manifest
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Workers) != len(testWorkers()) {
		t.Errorf("%d workers", len(m.Workers))
	}
	for _, w := range m.Workers {
		if _, err := fullschema.Compile(w.InputSchema); err != nil {
			t.Errorf("worker %q: %v", w.ID, err)
		}
	}
}

func TestReadManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"version":1,"workers":[{"id":"a"}]}`: "",
		`{"version":2}`:                        "newer version",
		`{`:                                    "read the manifest",
	} {
		path := filepath.Join(dir, "manifest.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readManifest(path)
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error = %v, want %q", text, err, want)
		}
	}
	if _, err := readManifest(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing manifest was read")
	}
}

// Lambda unpacks a function into LAMBDA_TASK_ROOT, and starts it in a directory that may be
// another one.
func TestTheManifestOfTheStageIsBesideTheProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"version":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, root, want string }{
		{"manifest.json", dir, filepath.Join(dir, "manifest.json") + ": it has version 2"},
		{filepath.Join(dir, "manifest.json"), "/elsewhere", filepath.Join(dir, "manifest.json") + ": it has version 2"},
		{"manifest.json", "", "open manifest.json: no such file"},
	} {
		r := newRig(t, map[string]string{"_HANDLER": "api", "AIWORKER_MANIFEST": tt.path, "LAMBDA_TASK_ROOT": tt.root}, testWorkers()...)
		if _, err := r.lambdaHandler(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s in %q: %v, want %q", tt.path, tt.root, err, tt.want)
		}
	}
}

func TestLambdaRefusesAWorkerItDoesNotHave(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{envRuntimeAPI: "127.0.0.1:1", envHandler: "worker.nobody"}, testWorkers()...)
	var stderr bytes.Buffer
	if code := r.Run(t.Context(), nil, nil, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), `no worker "nobody"`) {
		t.Errorf("exit code = %d, stderr = %q", code, &stderr)
	}
}
