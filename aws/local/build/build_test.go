package build_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local/build"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// project writes a module with a worker program, and a stand-in for the module
// that has the runtime package, so that builds are quick and need no network.
// The program prints the answer of its package greet.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"lib/go.mod":             "module github.com/microfox-ai/aiwctl\n\ngo 1.26\n",
		"lib/runtime/runtime.go": "package runtime\n\nfunc Main(text string) { println(text) }\n",
		"app/go.mod": "module example.test/app\n\ngo 1.26\n\nrequire github.com/microfox-ai/aiwctl v0.0.0\n\n" +
			"replace github.com/microfox-ai/aiwctl => ../lib\n",
		"app/greet/greet.go":       "package greet\n\nimport _ \"embed\"\n\n//go:embed text/word.txt\nvar word string\n\nfunc Word() string { return word }\n",
		"app/greet/text/word.txt":  "first",
		"app/workers/one/main.go":  "package main\n\nimport (\n\t\"example.test/app/greet\"\n\t\"github.com/microfox-ai/aiwctl/runtime\"\n)\n\nfunc main() { runtime.Main(greet.Word()) }\n",
		"app/workers/tool/main.go": "package main\n\nfunc main() {}\n",
		"app/notes/main.go":        "package main\n\nfunc main() {}\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	return filepath.Join(dir, "app")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func builder(t *testing.T, dir string, patterns ...string) *build.Builder {
	t.Helper()
	b, err := build.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	b.Dir = dir
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// run is what a program prints.
func run(t *testing.T, command []string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestBuild(t *testing.T) {
	t.Parallel()
	dir := project(t)
	write(t, filepath.Join(dir, "workers/two/one/main.go"),
		"package main\n\nimport \"github.com/microfox-ai/aiwctl/runtime\"\n\nfunc main() { runtime.Main(\"two\") }\n")
	b := builder(t, dir, "./workers/...")
	programs, err := b.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) != 2 || programs[0].Name != "example.test/app/workers/one" || programs[1].Name != "example.test/app/workers/two/one" {
		t.Fatalf("built %+v, want the two programs that import the runtime", programs)
	}
	if got := run(t, programs[0].Command) + " " + run(t, programs[1].Command); got != "first two" {
		t.Errorf("the programs print %q", got)
	}
	info, err := os.Stat(filepath.Dir(filepath.Dir(programs[0].Command[0])))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the directory of the programs is open to others: %v, %v", info.Mode(), err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(programs[0].Command[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the program is still there: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	dir := project(t)
	write(t, filepath.Join(dir, "broken/main.go"), "package main\n\nimport \"github.com/microfox-ai/aiwctl/runtime\"\n\nfunc main() { runtime.Main(42) }\n")
	for _, tt := range []struct {
		pattern string
		code    bool // the code is to blame
		says    []string
	}{
		{"./notes", false, []string{"./notes", "no main package", build.RuntimePackage}},
		{"./nowhere/...", true, []string{"list the packages", "./nowhere"}},
		{"./nowhere", true, []string{"list the packages", "nowhere"}},
		{"./broken", true, []string{"build example.test/app/broken", "main.go:5:28", "cannot use 42"}},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			_, err := builder(t, dir, tt.pattern).Build(t.Context())
			if err == nil {
				t.Fatal("it was built")
			}
			if _, ok := errors.AsType[*build.Error](err); ok != tt.code {
				t.Errorf("%v: the code is to blame: %v, want %v", err, ok, tt.code)
			}
			for _, word := range tt.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error does not say %q: %v", word, err)
				}
			}
		})
	}
	if _, err := build.New(nil); err == nil {
		t.Error("a builder of nothing was made")
	}
	if _, err := build.New([]string{"-toolexec=x"}); err == nil {
		t.Error("a flag was taken for a package")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := builder(t, dir, "./workers/one").Build(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was cancelled: %v", err)
	}
}

func TestNoToolchain(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := builder(t, t.TempDir(), "./...").Build(t.Context())
	if err == nil || !strings.Contains(err.Error(), "https://go.dev/dl/") {
		t.Errorf("without a Go toolchain: %v", err)
	}
}

// watching is a Watch after a Build.
func watching(t *testing.T, b *build.Builder) func() build.Change {
	t.Helper()
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := b.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		for range changes { // until it is closed
		}
	})
	return func() build.Change {
		t.Helper()
		select {
		case c := <-changes:
			return c
		case <-time.After(3 * time.Minute):
			t.Fatal("no change was noticed")
			return build.Change{}
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	dir := project(t)
	b := builder(t, dir, "./workers/...")
	next := watching(t, b)

	prints := func(want string) {
		t.Helper()
		c := next()
		if c.Err != nil {
			t.Fatal(c.Err)
		}
		if got := run(t, c.Programs[0].Command); got != want {
			t.Errorf("the new program prints %q, want %q", got, want)
		}
	}
	// A dependency, a file that is embedded, and a module that is replaced.
	write(t, filepath.Join(dir, "greet/text/word.txt"), "second")
	prints("second")
	write(t, filepath.Join(dir, "greet/greet.go"), "package greet\n\nfunc Word() string { return \"third\" }\n")
	prints("third")
	write(t, filepath.Join(dir, "../lib/runtime/runtime.go"), "package runtime\n\nfunc Main(text string) { println(\"new \" + text) }\n")
	prints("new third")

	// Tests and other files change nothing; the next thing that is heard is the error.
	write(t, filepath.Join(dir, "greet/greet_test.go"), "package greet\n")
	write(t, filepath.Join(dir, "greet/.greet.go.swp"), "x")
	write(t, filepath.Join(dir, "workers/one/main.go"), "package main\n\nfunc main() { oops }\n")
	if c := next(); c.Err == nil || c.Programs != nil {
		t.Fatalf("broken code gave %+v", c)
	}
	write(t, filepath.Join(dir, "workers/one/main.go"), "package main\n\nimport \"github.com/microfox-ai/aiwctl/runtime\"\n\nfunc main() { runtime.Main(\"fourth\") }\n")
	prints("new fourth")

	// A new package.
	write(t, filepath.Join(dir, "workers/two/main.go"), "package main\n\nimport \"github.com/microfox-ai/aiwctl/runtime\"\n\nfunc main() { runtime.Main(\"two\") }\n")
	c := next()
	if c.Err != nil || len(c.Programs) != 2 {
		t.Fatalf("after a new package: %+v", c)
	}
	if got := run(t, c.Programs[1].Command); got != "new two" {
		t.Errorf("the new package prints %q", got)
	}
	if got := run(t, c.Programs[0].Command); got != "new fourth" {
		t.Errorf("the old package prints %q", got)
	}
}

// What changes between Build and Watch must not be lost.
func TestWatchNoticesEarlierChange(t *testing.T) {
	t.Parallel()
	dir := project(t)
	b := builder(t, dir, "./workers/one")
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "greet/text/word.txt"), "in between")
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := b.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := <-changes
	cancel()
	for range changes { // until it is closed
	}
	if c.Err != nil {
		t.Fatal(c.Err)
	}
	if got := run(t, c.Programs[0].Command); got != "in between" {
		t.Errorf("the program prints %q", got)
	}
}
