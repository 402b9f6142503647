// Package build makes worker programs of Go packages, and makes them again when
// their files change. It uses the Go toolchain of the machine.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local"
)

// RuntimePackage is what a worker program's main package imports: a package that
// does not is no worker program.
const RuntimePackage = "github.com/microfox-ai/aiwctl/runtime"

// tags leaves the older RPC mode out of aws-lambda-go, as a deployment does.
const tags = "lambda.norpc"

// Builder builds the packages that some patterns match. It is safe for
// concurrent use.
type Builder struct {
	// Dir is where patterns are resolved; empty means the current directory. Set
	// it before the first use.
	Dir string

	patterns []string
	temp     string

	building   sync.Mutex // one build at a time
	generation int        // under building
	last       *result    // under building: the last build that succeeded
}

// result is one build.
type result struct {
	dir      string
	programs []local.Program
	sums     []string // of the binaries
	sources  sources
	started  time.Time
}

// New returns a builder for package patterns as "go build" takes them, such as
// ./workers/... . Close it in the end: it removes what was built.
func New(patterns []string) (*Builder, error) {
	if len(patterns) == 0 {
		return nil, errors.New("build worker programs: no package was named")
	}
	for _, p := range patterns {
		if strings.HasPrefix(p, "-") {
			return nil, fmt.Errorf("build worker programs: %q is not a package", p)
		}
	}
	temp, err := os.MkdirTemp("", "aiwctl-build-") // readable by this user only
	if err != nil {
		return nil, fmt.Errorf("build worker programs: make a private directory: %w", err)
	}
	return &Builder{patterns: slices.Clone(patterns), temp: temp}, nil
}

// Close removes the programs. End what runs them first.
func (b *Builder) Close() error {
	b.building.Lock()
	defer b.building.Unlock()
	if err := os.RemoveAll(b.temp); err != nil {
		return fmt.Errorf("remove the built programs: %w", err)
	}
	return nil
}

// Error is a build that failed because of the code.
type Error struct {
	// Package is what was built; empty when the packages could not even be listed.
	Package string
	// Output is what the Go command said, as it is.
	Output string
	// Err is how the Go command ended.
	Err error
}

func (e *Error) Error() string {
	what := "list the packages"
	if e.Package != "" {
		what = "build " + e.Package
	}
	if e.Output == "" {
		return fmt.Sprintf("%s: %v", what, e.Err)
	}
	return fmt.Sprintf("%s: %v\n%s", what, e.Err, strings.TrimRight(e.Output, "\n"))
}

// Unwrap is how the Go command ended.
func (e *Error) Unwrap() error { return e.Err }

// Build builds every main package that the patterns match and that imports
// RuntimePackage. It is an error when there is none, when there is no Go
// toolchain, and, as an *Error, when the code does not compile. Binaries of
// earlier builds stay.
func (b *Builder) Build(ctx context.Context) ([]local.Program, error) {
	r, err := b.build(ctx)
	if err != nil {
		return nil, err
	}
	return r.programs, nil
}

func (b *Builder) build(ctx context.Context) (*result, error) {
	b.building.Lock()
	defer b.building.Unlock()
	r := &result{started: time.Now()}
	packages, err := b.list(ctx)
	if err != nil {
		return nil, err
	}
	mains := slices.DeleteFunc(slices.Clone(packages), func(p listed) bool { return !p.isWorkerProgram() })
	if len(mains) == 0 {
		return nil, fmt.Errorf("build %s: no main package there imports %s: a worker program calls its Main", strings.Join(b.patterns, " "), RuntimePackage)
	}
	r.sources = b.sources(packages)

	b.generation++
	r.dir = filepath.Join(b.temp, fmt.Sprint(b.generation))
	for i, p := range mains {
		// The number keeps two packages of one name apart.
		binary := filepath.Join(r.dir, fmt.Sprintf("%d-%s", i, filepath.Base(p.Dir)))
		if goruntime.GOOS == "windows" {
			binary += ".exe"
		}
		if _, err := b.goCommand(ctx, p.ImportPath, "build", "-tags", tags, "-o", binary, p.ImportPath); err != nil {
			return nil, errors.Join(err, os.RemoveAll(r.dir))
		}
		sum, err := checksum(binary)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("build %s: %w", p.ImportPath, err), os.RemoveAll(r.dir))
		}
		r.programs = append(r.programs, local.Program{Name: p.ImportPath, Command: []string{binary}})
		r.sums = append(r.sums, sum)
	}
	b.last = r
	return r, nil
}

// goCommand runs the Go command and returns its standard output.
func (b *Builder) goCommand(ctx context.Context, pkg string, args ...string) ([]byte, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("build %s: there is no Go toolchain on PATH: install one from https://go.dev/dl/: %w", strings.Join(b.patterns, " "), err)
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are packages that the user named
	cmd.Dir = b.Dir
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	// Interrupted, the Go command ends its compilers and removes its temporary
	// files; killed, it would do neither.
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) == nil {
			return nil
		}
		return cmd.Process.Kill() // where there are no signals
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("build %s: %w", strings.Join(b.patterns, " "), context.Cause(ctx))
		}
		return nil, &Error{Package: pkg, Output: complaint.String(), Err: err}
	}
	return out.Bytes(), nil
}
