package scan_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/deploy/moduletest"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/scan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestScan(t *testing.T) {
	t.Parallel()
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "one", "first")
	moduletest.Worker(t, dir, "deep/one", "second") // a program of the same name
	moduletest.Program(t, dir, "env", "runtime.Main(os.Getenv(\"ANSWER\"))")
	moduletest.Write(t, filepath.Join(dir, "workers/tool/main.go"), "package main\n\nfunc main() {}\n")
	var steps []string
	cache := t.TempDir()
	o := scan.Options{
		Dir: dir, Cache: cache, Env: []string{"ANSWER=" + moduletest.Manifest("third")},
		OnStep: func(s string) { steps = append(steps, s) },
	}
	for range 2 { // the second time from what is kept
		programs, err := scan.Scan(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range programs {
			got = append(got, p.Package+" "+p.Manifest.Workers[0].ID+" "+filepath.Base(p.Dir))
		}
		want := []string{"example.test/app/workers/deep/one second one", "example.test/app/workers/env third env", "example.test/app/workers/one first one"}
		if !slices.Equal(got, want) {
			t.Errorf("programs %q, want %q", got, want)
		}
		o.Env[0] = "ANSWER=" + moduletest.Manifest("third") // it is asked, not remembered
	}
	if !slices.Contains(steps, "build 3 programs for this machine") {
		t.Errorf("the steps are %q", steps)
	}
	_ = filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
		if info, ierr := d.Info(); err != nil || ierr != nil || path != cache && !d.IsDir() && filepath.Ext(path) == ".json" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others, or cannot be read: %v %v", path, err, ierr)
		}
		return nil
	})
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the cache has %v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("what is kept is open to others: %v %v", info.Mode(), err)
	}
}

// problem is one that is expected: its place and worker as they are, and words of its text.
type problem struct {
	place, worker string
	words         []string
}

func TestScanTellsAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "good", "good")
	moduletest.Program(t, dir, "settings", `os.Stdout.WriteString("{\"version\":1,\"workers\":[{\"id\":\"slow\"},{\"id\":\"fine\"}],\"problems\":[`+
		`{\"source\":\"workers/settings/main.go:12\",\"worker\":\"slow\",\"text\":\"timeout 20m\"},`+
		`{\"source\":\"example.test/other/x.go:3\",\"worker\":\"a.b\",\"text\":\"the id\"},{\"text\":\"no place\"}]}"); os.Exit(1); runtime.Main("")`)
	moduletest.Program(t, dir, "compile", "runtime.Main(42)")
	moduletest.Write(t, filepath.Join(dir, "shared/shared.go"), "package shared\n\nfunc F() string { return 1 }\n")
	moduletest.Write(t, filepath.Join(dir, "workers/needs/main.go"),
		"package main\n\nimport (\n\t\"example.test/app/shared\"\n\t\"github.com/microfox-ai/aiwctl/runtime\"\n)\n\nfunc main() { runtime.Main(shared.F()) }\n")
	moduletest.Program(t, dir, "exits", `os.Stderr.WriteString("no database\n"); os.Exit(3); runtime.Main("")`)
	moduletest.Program(t, dir, "panics", `if len(os.Args) > 0 { panic("oh no") }; runtime.Main("")`)
	moduletest.Program(t, dir, "rubbish", `runtime.Main("hello")`)
	moduletest.Program(t, dir, "empty", "runtime.Main(`{\"version\":1,\"workers\":[]}`)")
	moduletest.Program(t, dir, "future", "runtime.Main(`{\"version\":99,\"workers\":[]}`)")

	const workers = "example.test/app/workers/"
	want := []problem{
		{workers + "compile", "", []string{"does not compile", "workers/compile/main.go:12:28", "cannot use 42"}},
		{"example.test/app/shared", "", []string{"does not compile", "shared/shared.go:3:26"}},
		{workers + "empty", "", []string{"contains no workers", "runtime.Main"}},
		{workers + "exits", "", []string{"exit status 3", "no database"}},
		{workers + "future", "", []string{"version 99", "update aiwctl"}},
		{workers + "panics", "", []string{"oh no"}},
		{workers + "rubbish", "", []string{"its answer is not a manifest"}},
		{"workers/settings/main.go:12", "slow", []string{"timeout 20m"}},
		{"example.test/other/x.go:3", "a.b", []string{"the id"}},
		{workers + "settings", "", []string{"no place"}},
	}
	o := scan.Options{Dir: dir, Cache: t.TempDir()}
	programs, err := scan.Scan(t.Context(), o)
	check(t, err, want)
	var right []string
	for _, p := range programs {
		for _, w := range p.Manifest.Workers {
			right = append(right, filepath.Base(p.Dir)+" "+w.ID)
		}
	}
	if !slices.Equal(right, []string{"good good", "settings fine"}) {
		t.Errorf("workers %q are right", right)
	}

	// From a directory inside of the module places are relative to that.
	o.Dir, o.Patterns = filepath.Join(dir, "workers"), []string{"./settings"}
	_, err = scan.Scan(t.Context(), o)
	check(t, err, []problem{{"settings/main.go:12", "slow", nil}, want[8], want[9]})
}

// Where a worker is made is told as seen from the directory that was scanned.
func TestPlaceOfAWorker(t *testing.T) {
	t.Parallel()
	dir := moduletest.New(t)
	moduletest.Program(t, dir, "mail", "runtime.Main(`"+`{"version":1,"workers":[{"id":"send","source":"workers/mail/main.go:7"},`+
		`{"id":"other","source":"example.test/other/x.go:3"},{"id":"none"}]}`+"`)")
	cache := t.TempDir()
	for from, own := range map[string]string{".": "workers/mail/main.go:7", "workers": "mail/main.go:7", "workers/mail": "main.go:7"} {
		programs, err := scan.Scan(t.Context(), scan.Options{Dir: filepath.Join(dir, from), Patterns: []string{"./..."}, Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		var places []string
		for _, w := range (&project.Project{Programs: programs}).Workers() {
			places = append(places, w.ID+" "+w.Place())
		}
		slices.Sort(places)
		if want := []string{"none example.test/app/workers/mail", "other example.test/other/x.go:3", "send " + own}; !slices.Equal(places, want) {
			t.Errorf("from %s: %q, want %q", from, places, want)
		}
		if source := programs[0].Manifest.Workers[0].Source; source != "workers/mail/main.go:7" {
			t.Errorf("from %s the manifest has %s: what is deployed must not tell from where", from, source)
		}
	}
}

func check(t *testing.T, err error, want []problem) {
	t.Helper()
	problems, ok := errors.AsType[project.Problems](err)
	if !ok {
		t.Fatalf("the error is %T %v, want problems", err, err)
	}
	for _, w := range want {
		if !slices.ContainsFunc(problems, func(p project.Problem) bool {
			return p.Place == w.place && p.Worker == w.worker && !slices.ContainsFunc(w.words, func(word string) bool { return !strings.Contains(p.Text, word) })
		}) {
			t.Errorf("no problem at %q of %q that says %q", w.place, w.worker, w.words)
		}
	}
	if len(problems) != len(want) {
		t.Errorf("%d problems, want %d", len(problems), len(want))
	}
	if t.Failed() {
		t.Logf("the problems are:\n%v", err)
	}
}

// What failed to compile must not answer with what was built of it before.
func TestScanOfWhatCompiledBefore(t *testing.T) {
	t.Parallel()
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "one", "first")
	moduletest.Worker(t, dir, "two", "second")
	o := scan.Options{Dir: dir, Cache: t.TempDir()}
	if _, err := scan.Scan(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	moduletest.Program(t, dir, "one", "runtime.Main(nothing)")
	moduletest.Program(t, dir, "two", "runtime.Main(`{`)")
	_, err := scan.Scan(t.Context(), o)
	check(t, err, []problem{
		{"example.test/app/workers/one", "", []string{"undefined: nothing"}},
		{"example.test/app/workers/two", "", []string{"not a manifest"}},
	})
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "one", "first")
	moduletest.Write(t, filepath.Join(dir, "notes/main.go"), "package main\n\nfunc main() {}\n")
	moduletest.Write(t, filepath.Join(dir, "syntax/main.go"), "package main\n\nimport {\n")
	for _, tt := range []struct {
		pattern string
		says    []string
	}{
		{"./notes", []string{"./notes", "no main package", "a worker program calls its Main"}},
		{"./nowhere", []string{"nowhere", "directory not found"}},
		{"./nowhere/...", []string{"./nowhere/...", "no such file or directory"}},
		{"./syntax", []string{"syntax/main.go:3:8", "missing import path"}},
		{"-toolexec=x", []string{`"-toolexec=x" is not a package`}},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			_, err := scan.Scan(t.Context(), scan.Options{Dir: dir, Patterns: []string{tt.pattern}, Cache: t.TempDir()})
			if err == nil {
				t.Fatal("it was scanned")
			}
			for _, word := range tt.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q: %v", word, err)
				}
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.Scan(cancelled, scan.Options{Dir: dir, Cache: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("a scan that was cancelled: %v", err)
	}
}
