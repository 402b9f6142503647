package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/local/procgroup"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// manifestTimeout is how long a program may take to say what it contains.
const manifestTimeout = 10 * time.Second

// maxManifest is the longest manifest that is read, and maxComplaint how much of
// what a failing program says is shown.
const (
	maxManifest  = 16 << 20
	maxComplaint = 4 << 10
)

// worker is a worker and the program it is in.
type worker struct {
	dispatch.ManifestWorker
	program Program
}

// inspect finds out what the programs contain, and refuses what cannot be run
// side by side. The workers are sorted by id.
func (s *Server) inspect(ctx context.Context, programs []Program) ([]worker, error) {
	for _, p := range programs {
		if len(p.Command) == 0 {
			return nil, fmt.Errorf("program %q has no command to run", p.Name)
		}
	}
	manifests := make([]dispatch.Manifest, len(programs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, p := range programs {
		if p.Manifest != nil {
			manifests[i] = *p.Manifest
			continue
		}
		g.Go(func() (err error) {
			manifests[i], err = askManifest(ctx, p, s.cfg.Env)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var workers []worker
	for i, p := range programs {
		m := manifests[i]
		if m.Version > dispatch.ManifestVersion {
			return nil, fmt.Errorf("program %q has a manifest of version %d, and this aiwctl knows up to %d: update aiwctl", p.Name, m.Version, dispatch.ManifestVersion)
		}
		if len(m.Workers) == 0 {
			return nil, fmt.Errorf("program %q contains no workers: give them to runtime.Main", p.Name)
		}
		for _, w := range m.Workers {
			if err := s.checkWorker(w); err != nil {
				return nil, fmt.Errorf("program %q: %w", p.Name, err)
			}
			workers = append(workers, worker{w, p})
		}
	}
	slices.SortStableFunc(workers, func(a, b worker) int { return cmp.Compare(a.ID, b.ID) })
	return workers, checkConflicts(workers)
}

// askManifest runs the program with "manifest" as its last argument.
func askManifest(ctx context.Context, p Program, env []string) (dispatch.Manifest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, manifestTimeout, fmt.Errorf("it did not answer within %s", manifestTimeout))
	defer cancel()
	args := append(slices.Clone(p.Command[1:]), "manifest")
	cmd := exec.CommandContext(ctx, p.Command[0], args...) //nolint:gosec // running the given program is what this is for
	cmd.Env = append(os.Environ(), env...)
	// A program that hangs may have started others, as go run does.
	procgroup.Isolate(cmd)
	cmd.Cancel = func() error { procgroup.Kill(cmd.Process); return nil }
	cmd.WaitDelay = time.Second // for output that a grandchild holds open
	out, complaint := &limitedBuffer{limit: maxManifest}, &limitedBuffer{limit: maxComplaint}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	if cmd.Process != nil {
		procgroup.Kill(cmd.Process) // what it has left behind
	}
	var m dispatch.Manifest
	if err == nil {
		if err = json.Unmarshal(out.Bytes(), &m); err == nil {
			return m, nil
		}
		err = fmt.Errorf("its answer is not a manifest: %w", err)
	} else if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if said := strings.TrimSpace(complaint.String()); said != "" {
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return m, fmt.Errorf("ask program %q what workers it contains: %w\n(a worker program calls runtime.Main, which answers the argument \"manifest\")", p.Name, err)
}

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := b.limit - b.Len(); room > 0 {
		_, _ = b.Buffer.Write(p[:min(room, len(p))]) // a bytes.Buffer never fails
	}
	return len(p), nil
}

// manifestFile is the merged manifest on disk, for the function that serves the
// workers API. Its directory is readable by this user only.
type manifestFile struct {
	dir string
}

func newManifestFile() (*manifestFile, error) {
	dir, err := os.MkdirTemp("", "aiwctl-local-")
	if err != nil {
		return nil, fmt.Errorf("make a private directory: %w", err)
	}
	return &manifestFile{dir: dir}, nil
}

func (f *manifestFile) path() string { return filepath.Join(f.dir, "manifest.json") }

func (f *manifestFile) stateDir() string { return filepath.Join(f.dir, "jobs") }

// write replaces the file as a whole: a program that starts at this moment reads
// the old one or the new one.
func (f *manifestFile) write(workers []worker) error {
	m := dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{}}
	for _, w := range workers {
		m.Workers = append(m.Workers, w.ManifestWorker)
	}
	text, err := json.Marshal(m)
	if err == nil {
		next := f.path() + ".next"
		if err = os.WriteFile(next, text, 0o600); err == nil {
			err = os.Rename(next, f.path())
		}
	}
	if err != nil {
		return fmt.Errorf("write the manifest of the stage: %w", err)
	}
	return nil
}

func (f *manifestFile) remove() error {
	if err := os.RemoveAll(f.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the manifest of the stage: %w", err)
	}
	return nil
}
