// Package build makes worker programs of Go packages, and makes them again when
// their files change. It uses the Go toolchain of the machine.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/gotool"
	"github.com/microfox-ai/aiwctl/aws/local"
)

// RuntimePackage is what a worker program's main package imports: a package that
// does not is no worker program.
const RuntimePackage = gotool.RuntimePackage

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
	if err := gotool.CheckPatterns(patterns); err != nil {
		return nil, fmt.Errorf("build worker programs: %w", err)
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
type Error = gotool.Error

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
	packages, err := b.command().ListDeps(ctx, b.patterns)
	if err != nil {
		return nil, err
	}
	mains, err := gotool.Programs(packages, b.patterns)
	if err != nil {
		return nil, err
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
		if _, err := b.command().Run(ctx, p.ImportPath, "build", "-tags", gotool.Tags, "-o", binary, p.ImportPath); err != nil {
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

// command is the Go command as every build runs it.
func (b *Builder) command() gotool.Go {
	return gotool.Go{Dir: b.Dir, Task: "build " + strings.Join(b.patterns, " ")}
}
