// Package emit writes the files of a deployment into a directory, for whoever deploys
// them with another tool. It knows what it wrote before: that is written anew, what somebody
// else wrote or changed is never touched.
package emit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ListName is the file that says what was written, by path, with the hash of each.
const ListName = ".aiwctl-emitted.json"

// File is a file to be written.
type File struct {
	// Path is relative, with slashes.
	Path string
	Body []byte
	// From, when not empty, is a file that is copied instead of Body; SHA256 is its hash.
	From, SHA256 string
}

// hash is of what the file is to hold.
func (f File) hash() string {
	if f.From != "" {
		return f.SHA256
	}
	sum := sha256.Sum256(f.Body)
	return hex.EncodeToString(sum[:])
}

// ForeignError says which files are in the way: nothing was written.
type ForeignError struct {
	Dir string
	// Paths are below Dir, in the order of the files that were to be written.
	Paths []string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("nothing was written to %s: aiwctl did not write these files, or they were changed since: %s; "+
		"move them away, or name another directory", e.Dir, strings.Join(e.Paths, ", "))
}

// Result is what Write did, by path.
type Result struct {
	// Written are new or changed, Kept were the same already, Removed were written before
	// and are of no use any more.
	Written []string `json:"written"`
	Kept    []string `json:"kept,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// emitted is the file ListName.
type emitted struct {
	Version int `json:"version"` // 1
	// Files are the hashes that a file of ours may have, by path: one, or two while it is being
	// written.
	Files map[string][]string `json:"files"`
}

// Write brings a directory, which is made when it is not there, to exactly these files, as far
// as it was written by Write. The error is a *ForeignError where files of somebody else are in the
// way; nothing was done then. dryRun only says what would be done.
func Write(dir string, files []File, dryRun bool) (*Result, error) {
	before, err := read(dir)
	if err != nil {
		return nil, err
	}
	w := &writer{dir: dir, before: before, next: emitted{Version: 1, Files: map[string][]string{}}, out: &Result{Written: []string{}}}
	for _, f := range files {
		if err := w.judge(f); err != nil {
			return nil, err
		}
	}
	if len(w.foreign) > 0 {
		return nil, &ForeignError{Dir: dir, Paths: w.foreign}
	}
	if err := w.stale(); err != nil || dryRun {
		return w.out, err
	}
	return w.out, w.write(files)
}

type writer struct {
	dir          string
	before, next emitted
	foreign      []string
	out          *Result
}

func (w *writer) at(path string) string { return filepath.Join(w.dir, filepath.FromSlash(path)) }

// judge says what is to be done about one file.
func (w *writer) judge(f File) error {
	want := f.hash()
	w.next.Files[f.Path] = []string{want}
	is, there, err := hashOf(w.at(f.Path))
	switch {
	case err != nil:
		return err
	case !there:
		w.out.Written = append(w.out.Written, f.Path)
	case is == want:
		w.out.Kept = append(w.out.Kept, f.Path)
	case slices.Contains(w.before.Files[f.Path], is):
		w.out.Written = append(w.out.Written, f.Path)
	default:
		w.foreign = append(w.foreign, f.Path)
	}
	return nil
}

// stale finds what was written before, is unchanged since, and is of no use any more.
func (w *writer) stale() error {
	for path, hashes := range w.before.Files {
		if _, needed := w.next.Files[path]; needed || !filepath.IsLocal(filepath.FromSlash(path)) {
			continue
		}
		is, there, err := hashOf(w.at(path))
		if err != nil {
			return err
		}
		if there && slices.Contains(hashes, is) {
			w.out.Removed = append(w.out.Removed, path)
		}
	}
	slices.Sort(w.out.Removed)
	return nil
}

// write does it. The list comes first, with both what is there and what will be: a run that is
// killed in between leaves nothing that the next takes for somebody else's.
func (w *writer) write(files []File) error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil { //nolint:gosec // templates hold no secret
		return fmt.Errorf("make %s: %w", w.dir, err)
	}
	both := emitted{Version: 1, Files: maps.Clone(w.before.Files)}
	for path, hashes := range w.next.Files {
		both.Files[path] = append(slices.Clone(both.Files[path]), hashes...)
	}
	if err := w.list(both); err != nil {
		return err
	}
	for _, f := range files {
		if !slices.Contains(w.out.Written, f.Path) {
			continue
		}
		if err := w.put(f); err != nil {
			return fmt.Errorf("write %s: %w", w.at(f.Path), err)
		}
	}
	for _, path := range w.out.Removed {
		if err := os.Remove(w.at(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s, which is of no use any more: %w", w.at(path), err)
		}
	}
	return w.list(w.next)
}

// list keeps what was written.
func (w *writer) list(list emitted) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = replace(w.at(ListName), func(f *os.File) error { _, err := f.Write(append(text, '\n')); return err })
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", w.at(ListName), err)
	}
	return nil
}

func (w *writer) put(f File) error {
	if err := os.MkdirAll(filepath.Dir(w.at(f.Path)), 0o755); err != nil { //nolint:gosec // as above
		return err
	}
	return replace(w.at(f.Path), func(to *os.File) error {
		if f.From == "" {
			_, err := to.Write(f.Body)
			return err
		}
		from, err := os.Open(f.From)
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }()
		_, err = io.Copy(to, from)
		return err
	})
}

// replace writes a file beside another and puts it in its place, so that it is whole whoever
// was killed.
func replace(path string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".aiwctl-*")
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(0o644), write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// read is the list of what was written before; an empty one where nothing was.
func read(dir string) (emitted, error) {
	list := emitted{Files: map[string][]string{}}
	text, err := os.ReadFile(filepath.Join(dir, ListName))
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err == nil && list.Version != 1 {
		err = fmt.Errorf("its version is %d", list.Version)
	}
	if err != nil {
		return list, fmt.Errorf("read %s, which says what aiwctl wrote there: %w: remove it, or name another directory", filepath.Join(dir, ListName), err)
	}
	if list.Files == nil {
		list.Files = map[string][]string{}
	}
	return list, nil
}

// hashOf is the hash of a file; empty for what is there and is no file.
func hashOf(path string) (hash string, there bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look at what would be written over: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", true, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", true, fmt.Errorf("look at what would be written over: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", true, fmt.Errorf("look at %s, which would be written over: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), true, nil
}
