package clipboard

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Save writes text to a new file in dir, which is made when it is not there. Only this
// person can read either: what is copied may be a job's input.
func Save(dir, text string, now time.Time) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("save what was copied: %w", err)
	}
	for n := range 100 {
		name := "copy-" + now.UTC().Format("20060102-150405")
		if n > 0 {
			name += fmt.Sprintf("-%d", n)
		}
		path = filepath.Join(dir, name+".txt")
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("save what was copied: %w", err)
		}
		_, err = f.WriteString(text)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("save what was copied: %w", err)
		}
		return path, nil
	}
	return "", fmt.Errorf("save what was copied: %s has a hundred files of this second", dir)
}
