package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Zip files that were not used for keepUnused are removed, the oldest first, when those of a
// project take more than keepBytes. A deployment that is under way reads what it has just
// made, so that is left alone.
const (
	keepUnused = time.Hour
	keepBytes  = 512 << 20
)

// tidy removes zip files that nobody needs any more.
func (z *zips) tidy() error {
	return z.tidyTo(keepBytes, time.Now().Add(-keepUnused))
}

func (z *zips) tidyTo(most int64, before time.Time) error {
	var files []os.FileInfo
	paths := map[os.FileInfo]string{}
	for _, dir := range []string{z.dir, z.index} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("look for old zip files: %w", err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // another error: it is gone
				files = append(files, info)
				paths[info] = filepath.Join(dir, e.Name())
			}
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var total int64
	for _, f := range files {
		total += max(f.Size(), 4096)
		if total > most && f.ModTime().Before(before) {
			if err := os.Remove(paths[f]); err != nil {
				return fmt.Errorf("remove an old zip file: %w", err)
			}
		}
	}
	return nil
}
