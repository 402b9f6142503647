package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/program"
	"github.com/microfox-ai/aiwctl/dispatch"
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
			manifests[i], err = program.Ask(ctx, p.Name, p.Command, s.cfg.Env)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var workers []worker
	for i, p := range programs {
		m := manifests[i]
		if err := program.Check(p.Name, m); err != nil {
			return nil, err
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
