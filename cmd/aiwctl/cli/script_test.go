package cli_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/cli"
	_ "github.com/microfox-ai/aiwctl/cmd/aiwctl/early" // as the program has it
)

func TestMain(m *testing.M) {
	// The demo starts its own executable as its worker program; here that is the
	// test binary.
	if len(os.Args) > 1 && os.Args[1] == "demo-worker" {
		os.Exit(cli.Main(os.Args[1:]))
	}
	// The scripts wait for their demos more than they compute.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"aiwctl":   func() { os.Exit(cli.Main(os.Args[1:])) },
		"otheraws": otherClient,
	})
}

// TestScripts runs the commands as a person would, against a demo in a process
// of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs(filepath.Join("..", "..", "..")) // of this module
	if err != nil {
		t.Fatal(err)
	}
	caches := map[string]string{}
	text, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err == nil {
		err = json.Unmarshal(text, &caches)
	}
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files: scripts(t),
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("NO_COLOR", "1")
			env.Setenv("SOURCE", source)
			// Most of a short command's time would be the collection of what it keeps to its end.
			env.Setenv("GOGC", "800")
			for name, dir := range caches { // what is built is built once, and what is there is not fetched
				env.Setenv(name, dir)
			}
			env.Values[failing{}] = env.T()
			env.Values[background{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"demo":      startDemo,
			"dev":       startDev,
			"exits":     exits,
			"gomodule":  goModule,
			"interrupt": interrupt,
			"json":      jsonValue,
			"retry":     retry,
			"says":      says,
			"start":     start,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// scripts are the files in the order in which they start: those that take longest first, so
// that the others run beside them and nothing is waited for at the end alone.
func scripts(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	long := []string{"push_again", "push_adopt", "outcomes", "workers", "dlq_canary", "push", "dlq_edit", "dev", "dlq_interrupt"}
	rank := func(file string) int {
		if i := slices.Index(long, strings.TrimSuffix(filepath.Base(file), ".txtar")); i >= 0 {
			return i
		}
		return len(long)
	}
	slices.SortStableFunc(files, func(a, b string) int { return rank(a) - rank(b) })
	return files
}

// exits CODE COMMAND ARGS... runs a command and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v: %v", args[1:], err)
	}
	if got != want {
		ts.Fatalf("%v exited with %d, want %d\nstdout: %s\nstderr: %s", args[1:], got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// json PATH REGEXP wants the value at PATH in standard output, as JSON, to match.
// A path's steps are field names, indices, and id=x for the element whose field
// is x. `len` counts.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH REGEXP")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("standard output is not JSON: %v", err)
	}
	for step := range strings.SplitSeq(args[0], "/") {
		v = walk(ts, v, step)
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	if regexp.MustCompile(`^(?:`+args[1]+`)$`).Match(text) == neg {
		ts.Fatalf("%s is %s, want match of %s: %v", args[0], text, args[1], !neg)
	}
}

func walk(ts *testscript.TestScript, v any, step string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[step]
	case []any:
		if step == "len" {
			return len(v)
		}
		if field, want, ok := strings.Cut(step, "="); ok {
			i := slices.IndexFunc(v, func(e any) bool {
				m, ok := e.(map[string]any)
				return ok && m[field] == want
			})
			if i < 0 {
				ts.Fatalf("no element with %s", step)
			}
			return v[i]
		}
		i, err := strconv.Atoi(step)
		if err != nil || i >= len(v) {
			ts.Fatalf("no element %s of %d", step, len(v))
		}
		return v[i]
	default:
		ts.Fatalf("nothing below %v at %s", v, step)
		return nil
	}
}

// retry REGEXP COMMAND ARGS... runs a command until its standard output
// matches, for what takes the stage a while to reach.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry REGEXP COMMAND ARGS...")
	}
	want := regexp.MustCompile(args[0])
	deadline := time.Now().Add(3 * time.Minute)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v never printed %s; the last: %v\n%s%s", args[1:], args[0], err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
		<-time.After(250 * time.Millisecond)
	}
}
