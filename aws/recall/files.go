package recall

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is whether a text has no character that acts on a terminal or is not seen.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// fileName makes the name of a file of any text: readable as far as that is safe on
// every file system, and different for different texts.
func fileName(text string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-_@", r) {
			return r
		}
		return '_'
	}, text)
	if safe == text && len(text) > 0 && len(text) <= 60 {
		return safe
	}
	sum := sha256.Sum256([]byte(text))
	return safe[:min(len(safe), 40)] + "~" + hex.EncodeToString(sum[:8])
}

// write puts a job into a file, whole or not at all.
func write(dir, name string, j Job) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error that counts is the one before
	}
	return err
}

// list is the names of the files in a directory, the newest first; none when there is
// no such directory.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names, err
}

func readAll(dir string) ([]Job, error) {
	names, err := list(dir)
	if err != nil {
		return nil, fmt.Errorf("read the inputs kept on this machine: %w", err)
	}
	var jobs []Job
	var bad []error
	for _, name := range names {
		j, err := read(filepath.Join(dir, name))
		switch {
		case err == nil:
			jobs = append(jobs, j)
		case !errors.Is(err, fs.ErrNotExist): // else another process has just let go of it
			bad = append(bad, err)
		}
	}
	return jobs, errors.Join(bad...)
}

func read(path string) (Job, error) {
	f, err := os.Open(path)
	if err != nil {
		return Job{}, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Job{}, fmt.Errorf("read %s: %w", path, err)
	}
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return Job{}, fmt.Errorf("%s is damaged, and can be removed: %w", path, err)
	}
	return j, nil
}
