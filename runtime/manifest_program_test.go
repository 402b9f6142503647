package runtime_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// asked builds the program in testdata, without what debuggers want, and asks it for its
// manifest.
func asked(t *testing.T, program string, flags ...string) (dispatch.Manifest, string, int) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-ldflags=-s -w", "-o", binary}, flags...), program)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, "manifest")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the code is looked at
	var m dispatch.Manifest
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
		t.Fatalf("the answer is no manifest: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return m, stderr.String(), cmd.ProcessState.ExitCode()
}

// Every setting that is not allowed is told at once, with its line, whether workers are
// made by Must or collide in NewApp, and whether or not paths were trimmed.
func TestManifestTellsAllProblems(t *testing.T) {
	t.Parallel()
	const file = "runtime/testdata/wrong/main.go"
	want := []dispatch.ManifestProblem{
		{Source: file + ":21", Worker: "slow", Text: "timeout 20m0s: Lambda allows whole seconds from 1s to 900s"},
		{Source: file + ":21", Worker: "slow", Text: "memory 1 MB: Lambda allows 128 to 10240"},
		{Source: file + ":24", Worker: "a.b", Text: "the id may hold letters, digits, - and _ only, as SQS allows in a queue name"},
		{Source: file + ":31", Text: "read the settings: no such file"},
		{Source: file + ":36", Worker: "twice", Text: `two workers have the id "twice"`},
	}
	for _, flags := range [][]string{nil, {"-trimpath"}} {
		t.Run(strings.Join(flags, ""), func(t *testing.T) {
			t.Parallel()
			m, said, code := asked(t, "./testdata/wrong", flags...)
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !reflect.DeepEqual(m.Problems, want) {
				t.Errorf("problems:\n%+v\nwant\n%+v", m.Problems, want)
			}
			if len(m.Workers) != 2 || m.Workers[0].ID != "good" || m.Workers[0].Source != file+":17" {
				t.Errorf("the workers are %+v, want the good one and where it is made", m.Workers)
			}
			for _, p := range want {
				if !strings.Contains(said, p.String()+"\n") {
					t.Errorf("standard error does not say %q:\n%s", p, said)
				}
			}
		})
	}
}
