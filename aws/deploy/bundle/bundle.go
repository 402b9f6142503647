// Package bundle makes the zip files that Lambda runs: of each worker program, and of the
// workers API. The same source gives the same bytes, whoever makes them, where and when.
package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/deploy/binaries"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/gotool"
)

// MaxUnzipped is how many bytes Lambda allows a function's code to have, unzipped, layers
// included. Source: Lambda quotas, "Deployment package (.zip file archive) size". The 50 MB
// for a zip file hold for an upload to Lambda itself, not for one that lies in S3.
const MaxUnzipped = 250 << 20

// Names of the files in the zip files.
const (
	bootstrapName = "bootstrap"     // what provided.al2023 starts
	manifestName  = "manifest.json" // AIWORKER_MANIFEST of the workers API
)

// Options say how it is made.
type Options struct {
	// Dir is where the programs were scanned; empty means the current directory.
	Dir string
	// Arch is what functions run on; empty means the project's.
	Arch project.Arch
	// Cache is the directory in which programs and zip files are kept between runs; empty
	// means binaries.DefaultDir. Artifact.File is below it.
	Cache string
	// OnProgram, if set, is called when a program's artifact is there, with how many of the
	// programs are; never twice at the same time.
	OnProgram func(p *project.Program, done, total int)
}

// Build makes the artifact of every program of p, and of its workers API: the first program's
// bootstrap beside the manifest of the whole stage. What is unchanged since an earlier Build
// is not made again.
//
// The error is project.Problems when the code is to blame.
func Build(ctx context.Context, o Options, p *project.Project) (err error) {
	if len(p.Programs) == 0 {
		return errors.New("build the programs: there is none: scan packages with workers first")
	}
	if o.Arch == "" {
		o.Arch = p.Arch
	}
	manifest, err := stageManifest(p)
	if err != nil {
		return err
	}
	kept, err := binaries.Hold(ctx, o.Cache, o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()

	packages := make([]gotool.Package, len(p.Programs))
	for i := range p.Programs {
		packages[i] = gotool.Package{ImportPath: p.Programs[i].Package, Dir: p.Programs[i].Dir}
	}
	built, err := kept.Build(ctx, binaries.Lambda(o.Arch.GOARCH()), packages)
	if failed, ok := errors.AsType[*binaries.Failure](err); ok {
		var problems project.Problems
		for _, f := range failed.Packages {
			problems = append(problems, project.Problem{
				Place: f.Package,
				Text:  fmt.Sprintf("it does not compile for linux/%s without cgo:\n%s", o.Arch.GOARCH(), f.Text),
			})
		}
		return problems
	} else if err != nil {
		return err
	}
	if problems := tooLarge(built, len(manifest)); len(problems) > 0 {
		return problems
	}
	z, err := openZips(kept)
	if err != nil {
		return err
	}
	if err := pack(ctx, o, p, z, built); err != nil {
		return err
	}
	if p.API, err = z.api(built[0], p.Programs[0].Artifact, manifest); err != nil {
		return fmt.Errorf("pack the workers API: %w", err)
	}
	p.API.Key = p.ArtifactKey(p.API.SHA256)
	return z.tidy()
}

// pack makes the programs' artifacts.
func pack(ctx context.Context, o Options, p *project.Project, z *zips, built []binaries.Binary) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(goruntime.GOMAXPROCS(0))
	var telling sync.Mutex
	done := 0
	for i := range p.Programs {
		work.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			program := &p.Programs[i]
			artifact, err := z.program(built[i])
			if err != nil {
				return fmt.Errorf("pack %s: %w", program.Package, err)
			}
			artifact.Key = p.ArtifactKey(artifact.SHA256)
			program.Artifact = artifact
			if o.OnProgram != nil {
				telling.Lock()
				defer telling.Unlock()
				done++
				o.OnProgram(program, done, len(p.Programs))
			}
			return nil
		})
	}
	return work.Wait()
}

// stageManifest is the manifest of the whole stage as the workers API reads it: without the
// lines of the source, which are nobody's business there and change with every edit.
func stageManifest(p *project.Project) ([]byte, error) {
	m := p.Manifest()
	for i := range m.Workers {
		m.Workers[i].Source = ""
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the manifest of the stage: %w", err)
	}
	return append(text, '\n'), nil
}

func tooLarge(built []binaries.Binary, manifest int) project.Problems {
	var problems project.Problems
	for i, b := range built {
		size := b.Size
		if i == 0 { // it is the workers API too
			size += int64(manifest)
		}
		if size > MaxUnzipped {
			problems = append(problems, project.Problem{Place: b.Package, Text: fmt.Sprintf(
				"the program has %d MB; Lambda allows a function %d MB, layers included: embed less, or split it into several programs",
				(size+1<<20-1)>>20, MaxUnzipped>>20)})
		}
	}
	return problems
}
