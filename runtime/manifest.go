package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Manifest describes the App's workers, sorted by id.
func (a *App) Manifest() dispatch.Manifest {
	m := dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: make([]dispatch.ManifestWorker, 0, len(a.workers))}
	ps := newPlaces()
	for _, d := range a.workers {
		w := d.manifest()
		w.Source = ps.text(d.at)
		m.Workers = append(m.Workers, w)
	}
	slices.SortFunc(m.Workers, func(x, y dispatch.ManifestWorker) int { return strings.Compare(x.ID, y.ID) })
	return m
}

func (d *definition) manifest() dispatch.ManifestWorker {
	s := d.settings
	return dispatch.ManifestWorker{
		ID:             d.id,
		Group:          s.group,
		Description:    s.description,
		InputSchema:    d.input.text(),
		OutputSchema:   d.output.text(),
		TimeoutSeconds: seconds(s.timeout),
		MemoryMB:       s.memoryMB,
		SQS: dispatch.SQSSetting{
			VisibilityTimeoutSeconds: seconds(s.visibility),
			MaxReceiveCount:          s.maxReceive,
			RetentionSeconds:         seconds(s.retention),
			DLQRetentionSeconds:      seconds(s.dlqRetention),
			BatchSize:                s.batchSize,
			MaximumConcurrency:       s.concurrency,
			FIFO:                     s.fifo,

			MaximumBatchingWindowSeconds: seconds(s.batchWindow),
		},
		Layers:      slices.Clone(s.layers),
		Environment: slices.Clone(s.environment),
		Secrets:     slices.Clone(s.secrets),
		Calls:       slices.Clone(s.calls),
		Permissions: slices.Clone(s.permissions),
		Schedules:   s.scheduleSettings(),

		ReservedConcurrency: s.reserved,
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// manifestPath is the file that AIWORKER_MANIFEST names: a relative path is relative to the
// directory that Lambda has unpacked the function into, and without one to the working
// directory.
func manifestPath(getenv func(string) string) string {
	path := getenv("AIWORKER_MANIFEST")
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(getenv("LAMBDA_TASK_ROOT"), path)
}

// readManifest reads the manifest of a whole stage, which may be made of several
// programs.
func readManifest(path string) (dispatch.Manifest, error) {
	var m dispatch.Manifest
	text, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("read the manifest of the stage: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read the manifest %s: %w", path, err)
	}
	if m.Version > dispatch.ManifestVersion {
		return m, fmt.Errorf("read the manifest %s: it has version %d and this program knows up to %d: build the program with a newer version of this module", path, m.Version, dispatch.ManifestVersion)
	}
	return m, nil
}
