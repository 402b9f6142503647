package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/bundle"
	"github.com/microfox-ai/aiwctl/aws/deploy/emit"
	"github.com/microfox-ai/aiwctl/aws/deploy/environ"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/scan"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
)

// pushTools are the packages that push puts together; tests give some of their own.
type pushTools struct {
	// scan finds the worker programs of packages and asks each what it has; step is told
	// what is being done. arch is what they will be packed for.
	scan func(ctx context.Context, patterns []string, arch project.Arch, cache string, step func(string)) ([]project.Program, error)
	// check says what is wrong with a project, before anything is built for deployment, and
	// checkPart with the part of one that scan was able to ask, beside what scan has refused.
	// limits says what of a project that is right does not fit into AWS's limits.
	check, limits func(*project.Project) project.Problems
	checkPart     func(p *project.Project, refused project.Problems) project.Problems
	// environ gives a project its variables, and the secrets that are to be stored.
	environ func(*project.Project, environOptions) ([]deploy.Secret, project.Problems, error)
	// build makes the artifacts of a project.
	build func(ctx context.Context, p *project.Project, cache string, step func(string)) error
	// documents are the templates of a project, serverless the files of the Serverless
	// Framework instead. artifact is where either expects an artifact, below its directory.
	documents  func(*project.Project) ([]deploy.Document, error)
	serverless func(*project.Project) ([]emit.File, error)
	artifact   func(project.Artifact) string
	// compare says how two templates of a stack differ, for deploy.Options; changes is that
	// for people, in lines.
	compare func(deployed, next []byte) (any, error)
	changes func(any) string
	// account is whose credentials they are.
	account func(context.Context, *aws.Stage) (string, error)
	// adopt settles what of a project's names exists already.
	adopt func(context.Context, *aws.Stage, *project.Project, adopt.Options) (*adoption, error)
	// giveBack lets the functions that adopted queues belonged to read them again.
	giveBack func(context.Context, *aws.Stage, map[string]project.Adopted, adopt.Options) ([]string, error)
	// adopted is what stacks have adopted, by worker.
	adopted func(ctx context.Context, s *aws.Stage, stacks ...string) (map[string]project.Adopted, error)
	// adopts is what a template has its stack adopt, by worker.
	adopts func(template []byte) (map[string]project.Adopted, error)
	// revision is the source's, as its version control names it; empty when it has none.
	revision func(context.Context) string
	// deployer deploys to a stage.
	deployer func(*aws.Stage, deploy.Options) deployer
}

// deployer is what is done to a stage; *deploy.Deployer is one.
type deployer interface {
	StackNames(ctx context.Context, service string) ([]string, error)
	Plan(context.Context, deploy.Input) (*deploy.Plan, error)
	PlanRollback(ctx context.Context, service, id string) (*deploy.Plan, error)
	PlanRemove(ctx context.Context, service string) (*deploy.Plan, error)
	Apply(context.Context, *deploy.Plan, deploy.Confirmed) (*deploy.Result, error)
	Status(ctx context.Context, service string, n int) (*deploy.Status, error)
	Smoke(ctx context.Context, service string, s deploy.Smoke) (*deploy.Smoked, error)
}

// environOptions are where the values of variables come from.
type environOptions struct {
	// Files are read instead of .env and .env.<stage>.
	Files []string
	// Plain names variables that are no secrets although they look so.
	Plain []string
	// Part says that the project lacks workers that scan has refused.
	Part bool
}

// adoption is what is done beside the stacks for queues of another tool's.
type adoption struct {
	steps    []adopt.Step
	warnings project.Problems
	// released are queues that no worker of the code has any more.
	released map[string]project.Adopted
	// pending is whether a queue has still to be handed over.
	pending             func() bool
	fit, change, verify func(context.Context) error
}

// realTools are those of the packages.
func (a *App) realTools() *pushTools {
	if a.tools != nil {
		return a.tools
	}
	return &pushTools{
		scan: func(ctx context.Context, patterns []string, arch project.Arch, cache string, step func(string)) ([]project.Program, error) {
			if _, err := os.Stat("workers"); errors.Is(err, fs.ErrNotExist) && slices.Equal(patterns, []string{defaultPackages}) {
				return nil, usagef("there is no directory workers here: `aiwctl new worker ID` writes a worker into it; or name the packages, such as ./...")
			}
			return scan.Scan(ctx, scan.Options{Patterns: patterns, Cache: cache, Ahead: arch, OnStep: step})
		},
		build: func(ctx context.Context, p *project.Project, cache string, step func(string)) error {
			step(fmt.Sprintf("building %s for linux/%s", plural(len(p.Programs), "program"), p.Arch.GOARCH()))
			return bundle.Build(ctx, bundle.Options{Cache: cache}, p)
		},
		check:     project.Check,
		limits:    template.Check,
		checkPart: project.CheckPart,
		environ:   a.readEnviron,
		compare:   func(deployed, next []byte) (any, error) { return template.Compare(deployed, next) },
		changes: func(v any) string {
			changes, _ := v.(template.Changes)
			return changes.Text()
		},
		documents: func(p *project.Project) ([]deploy.Document, error) {
			docs, err := template.CloudFormation(p)
			out := make([]deploy.Document, len(docs))
			for i, d := range docs {
				out[i] = deploy.Document{Stack: d.Stack, Body: d.Body}
			}
			return out, err
		},
		serverless: func(p *project.Project) ([]emit.File, error) {
			files, err := template.Serverless(p)
			out := make([]emit.File, len(files))
			for i, f := range files {
				out[i] = emit.File{Path: f.Path, Body: f.Body}
			}
			return out, err
		},
		artifact: template.ArtifactPath,
		revision: sourceRevision,
		account: func(ctx context.Context, s *aws.Stage) (string, error) {
			id, err := s.Identity(ctx)
			return id.Account, err
		},
		adopt: func(ctx context.Context, s *aws.Stage, p *project.Project, o adopt.Options) (*adoption, error) {
			ad, err := adopt.Prepare(ctx, s, s.Guard(), p, o)
			if err != nil {
				return nil, err
			}
			return &adoption{
				steps: ad.Steps, warnings: ad.Warnings, released: ad.Released,
				pending: ad.Pending, fit: ad.Fit, change: ad.Switch, verify: ad.Verify,
			}, nil
		},
		giveBack: func(ctx context.Context, s *aws.Stage, adopted map[string]project.Adopted, o adopt.Options) ([]string, error) {
			return adopt.GiveBack(ctx, s, s.Guard(), adopted, o)
		},
		adopted: func(ctx context.Context, s *aws.Stage, stacks ...string) (map[string]project.Adopted, error) {
			return adopt.Load(ctx, s, stacks...)
		},
		adopts:   adopt.InTemplate,
		deployer: func(s *aws.Stage, o deploy.Options) deployer { return deploy.New(s, o) },
	}
}

// readEnviron reads the values of a project's variables: the shell's, and those of files.
func (a *App) readEnviron(p *project.Project, o environOptions) ([]deploy.Secret, project.Problems, error) {
	files, err := environ.Read(".", p.Stage, os.Environ())
	if len(o.Files) > 0 {
		files, err = environ.ReadFiles(o.Files, os.Environ())
	}
	if err != nil {
		return nil, nil, usageError(err)
	}
	a.warnings(files.Warnings)
	variables, found, problems := files.Resolve(p, environ.Options{Plain: o.Plain, Part: o.Part})
	p.Variables = variables
	secrets := make([]deploy.Secret, len(found))
	for i, s := range found {
		secrets[i] = deploy.Secret{Ref: s.Ref, Reveal: s.Reveal, Workers: s.Workers}
	}
	return secrets, problems, nil
}

// sourceRevision is the commit that is checked out here, as git describes it; empty where git knows
// of none.
func sourceRevision(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return oneLine(strings.TrimSpace(string(out)), 80)
}
