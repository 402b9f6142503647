package binaries

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/aws/filelock"
)

// What was not used for keepUnused is removed, and of the rest, directory by directory and
// the oldest first, what exceeds keepBytes. Fifty programs, for this machine and for Lambda
// and packed, take about 1 GB.
const (
	keepUnused = 30 * 24 * time.Hour
	keepBytes  = 4 << 30
)

// neighbour is what is kept of a directory.
type neighbour struct {
	dir  string
	size int64
	used time.Time
}

// tidy removes what nobody has used for long, except what k has. What cannot be removed
// stays: it is no reason for which a push should fail.
func (k *Kept) tidy(now time.Time) {
	entries, err := os.ReadDir(k.root)
	if err != nil {
		return
	}
	var all []neighbour
	var total int64
	for _, e := range entries {
		n := neighbour{dir: filepath.Join(k.root, e.Name())}
		lock, err := os.Stat(filepath.Join(n.dir, lockName))
		if !e.IsDir() || err != nil {
			continue // not ours, or just being made
		}
		n.used = lock.ModTime()
		n.size = weigh(n.dir, k.dir == n.dir, now)
		total += n.size
		if n.dir != k.dir {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b neighbour) int { return a.used.Compare(b.used) })
	for _, n := range all {
		if (total > keepBytes || now.Sub(n.used) > keepUnused) && n.remove() {
			total -= n.size
		}
	}
}

// weigh is the size of what is kept. Of what is held, it removes the files that were not
// used for long, such as those of programs that have gone.
func weigh(dir string, held bool, now time.Time) (size int64) {
	// What cannot be read weighs nothing.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // explained above
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it has just gone
		}
		if held && now.Sub(info.ModTime()) > keepUnused && os.Remove(path) == nil {
			return nil
		}
		size += info.Size()
		return nil
	})
	return size
}

// remove removes it unless somebody holds it.
func (n neighbour) remove() bool {
	lock, err := os.OpenFile(filepath.Join(n.dir, lockName), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer lock.Close()
	unlock, err := filelock.Lock(lock)
	if err != nil {
		return false
	}
	defer unlock()
	return os.RemoveAll(n.dir) == nil
}
