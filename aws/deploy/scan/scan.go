// Package scan finds the worker programs among Go packages and asks each what workers it
// contains: ids, schemas and settings come from the running code.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/deploy/binaries"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/gotool"
	"github.com/microfox-ai/aiwctl/aws/program"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// DefaultPattern is where workers are when nobody says so.
const DefaultPattern = "./workers/..."

// Options say what is scanned.
type Options struct {
	// Dir is where patterns are resolved; empty means the current directory.
	Dir string
	// Patterns are packages as "go build" takes them; none means DefaultPattern.
	Patterns []string
	// Env is added to the environment in which programs are asked, as KEY=value.
	Env []string
	// Cache is the directory in which programs are kept between scans; empty means
	// binaries.DefaultDir.
	Cache string
	// Ahead, when not empty, is what the programs will be packed for: while processors
	// would be idle, as with one program, they are built for it at the same time, and
	// bundle.Build finds them there. A problem does not wait for that.
	Ahead project.Arch
	// OnStep, if set, is called with what is done next, in words.
	OnStep func(step string)
}

// Scan returns the worker programs that the patterns match, sorted by package. Each is built
// for this machine and asked for its manifest.
//
// The error is project.Problems when the code is to blame: every program that does not
// compile, does not answer, or has settings that are not allowed is told of at once. The
// programs beside it are those that have answered, with the workers that are right, so that
// their names can be judged with them: project.CheckPart.
func Scan(ctx context.Context, o Options) (_ []project.Program, err error) {
	if len(o.Patterns) == 0 {
		o.Patterns = []string{DefaultPattern}
	}
	if err := gotool.CheckPatterns(o.Patterns); err != nil {
		return nil, fmt.Errorf("find worker programs: %w", err)
	}
	if o.OnStep == nil {
		o.OnStep = func(string) {}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("find worker programs: %w", err)
	}
	o.OnStep("find the worker programs of " + strings.Join(o.Patterns, " "))
	host := binaries.Host()
	g, err := binaries.Command(ctx, o.Dir, host)
	if err != nil {
		return nil, err
	}
	packages, err := g.List(ctx, o.Patterns)
	if err != nil {
		return nil, listProblem(err)
	}
	var problems project.Problems
	for _, p := range packages {
		if p.Error != nil {
			problems = append(problems, project.Problem{Place: cmp.Or(p.Error.Pos, p.ImportPath), Text: p.Error.Err})
		}
	}
	packages = slices.DeleteFunc(packages, func(p gotool.Package) bool { return p.Error != nil })
	mains, err := gotool.Programs(packages, o.Patterns)
	if len(problems) > 0 && err != nil {
		return nil, problems
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(mains, func(a, b gotool.Package) int { return cmp.Compare(a.ImportPath, b.ImportPath) })

	kept, err := binaries.Hold(ctx, o.Cache, o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	o.OnStep("build " + count(len(mains)) + " for this machine")
	if o.Ahead != "" && len(mains) < goruntime.GOMAXPROCS(0) {
		wait := ahead(ctx, kept, binaries.Lambda(o.Ahead.GOARCH()), mains)
		defer func() { wait(err != nil) }()
	}
	built, err := kept.Build(ctx, host, mains)
	if failed, ok := errors.AsType[*binaries.Failure](err); ok {
		for _, f := range failed.Packages {
			problems = append(problems, project.Problem{Place: f.Package, Text: "it does not compile:\n" + f.Text})
		}
	} else if err != nil {
		return nil, err
	}

	o.OnStep("ask " + count(len(mains)) + " for the workers in them")
	programs, refused, err := ask(ctx, o, mains, built)
	if err != nil {
		return nil, err
	}
	if problems = append(problems, refused...); len(problems) > 0 {
		return slices.DeleteFunc(programs, func(p project.Program) bool { return len(p.Manifest.Workers) == 0 }), problems
	}
	return programs, nil
}

// ahead begins to build for another platform. What is returned waits for the end, or makes
// one at once. Whoever needs the programs builds them again, and is told then what is wrong.
func ahead(ctx context.Context, kept *binaries.Kept, p binaries.Platform, mains []gotool.Package) (wait func(giveUp bool)) {
	if p == binaries.Host() {
		return func(bool) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = kept.Build(ctx, p, mains)
	}()
	return func(giveUp bool) {
		if giveUp {
			cancel()
		}
		<-done
		cancel()
	}
}

func count(programs int) string {
	if programs == 1 {
		return "1 program"
	}
	return fmt.Sprint(programs) + " programs"
}

// listProblem makes a Problem of code that the Go command cannot even list.
func listProblem(err error) error {
	if e, ok := errors.AsType[*gotool.Error](err); ok {
		return project.Problems{{Text: "the packages cannot be listed:\n" + cmp.Or(strings.TrimSpace(e.Output), e.Err.Error())}}
	}
	return err
}

// ask asks the programs that were built. The error is one of ctx; what programs did
// wrong are problems, in the programs' order.
func ask(ctx context.Context, o Options, mains []gotool.Package, built []binaries.Binary) ([]project.Program, project.Problems, error) {
	programs := make([]project.Program, len(mains))
	problems := make([]project.Problems, len(mains))
	var work errgroup.Group
	work.SetLimit(max(goruntime.GOMAXPROCS(0), 2))
	for i, p := range mains {
		programs[i] = project.Program{Package: p.ImportPath, Dir: p.Dir}
		if built[i].Path == "" {
			continue
		}
		work.Go(func() error {
			m, err := program.Ask(ctx, p.ImportPath, []string{built[i].Path}, o.Env)
			if err == nil {
				err = program.Check(p.ImportPath, m)
			}
			programs[i].Manifest = m
			if refusal, ok := errors.AsType[*program.Refusal](err); ok {
				programs[i].Manifest.Workers = refusal.Workers
			} else if err != nil { // of a later version, perhaps
				programs[i].Manifest = dispatch.Manifest{}
			}
			problems[i] = problemsOf(o.Dir, p, err)
			programs[i].Places = map[string]string{}
			for _, w := range programs[i].Manifest.Workers {
				programs[i].Places[w.Source] = place(o.Dir, p.Module, w.Source)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, nil, err
	}
	if ctx.Err() != nil { // and not that every program failed
		return nil, nil, fmt.Errorf("ask %s for the workers in them: %w", count(len(mains)), context.Cause(ctx))
	}
	return programs, slices.Concat(problems...), nil
}

// problemsOf are the problems that an error of program.Ask is made of.
func problemsOf(dir string, p gotool.Package, err error) project.Problems {
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*program.Refusal](err)
	if !ok {
		return project.Problems{{Place: p.ImportPath, Text: err.Error()}}
	}
	var out project.Problems
	for _, f := range refusal.Problems {
		out = append(out, project.Problem{Place: cmp.Or(place(dir, p.Module, f.Source), p.ImportPath), Worker: f.Worker, Text: f.Text})
	}
	return out
}

// place is where something is in the source, relative to dir. A source of the program's own module is
// relative to that; one of another module begins with its package's path and stays as it is.
func place(dir string, m *gotool.Module, source string) string {
	if m == nil || m.Dir == "" || source == "" {
		return source
	}
	file, line, _ := strings.Cut(source, ":")
	path := filepath.Join(m.Dir, filepath.FromSlash(file))
	if _, err := os.Stat(path); err != nil {
		return source
	}
	if physical, err := filepath.EvalSymlinks(dir); err == nil {
		dir = physical
	}
	if physical, err := filepath.EvalSymlinks(path); err == nil {
		path = physical
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return source
	}
	return filepath.ToSlash(rel) + ":" + line
}
