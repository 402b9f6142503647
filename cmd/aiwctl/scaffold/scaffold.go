// Package scaffold writes the first files of a worker and of a module of workers.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed templates/*.tmpl
var templates embed.FS

// File is a file to be written.
type File struct {
	// Path is relative to the directory that Write is given, with slashes.
	Path string
	Body []byte
}

// ConflictError says what is in the way: nothing was written.
type ConflictError struct {
	// Paths are the files that are there already, in the order of the files to be written.
	Paths []string
}

func (e *ConflictError) Error() string {
	return "nothing was written, since existing files are never overwritten; in the way: " + strings.Join(e.Paths, ", ")
}

// Check refuses files that could not be written below root: the error is a *ConflictError
// with everything that is in the way. A directory that is to hold a new Go package may have no
// Go files of its own, since they would become part of it.
func Check(root string, files []File) error {
	var conflict ConflictError
	seen := map[string]bool{}
	report := func(name string) {
		if !seen[name] {
			seen[name] = true
			conflict.Paths = append(conflict.Paths, name)
		}
	}
	for _, f := range files {
		file := filepath.Join(root, filepath.FromSlash(f.Path))
		if in, blocked := inTheWay(root, f.Path); blocked {
			report(in)
			continue
		}
		if path.Ext(f.Path) != ".go" {
			continue
		}
		others, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(file)), "*.go"))
		if err != nil {
			return fmt.Errorf("look into %s: %w", filepath.Dir(file), err)
		}
		for _, other := range others {
			report(path.Join(path.Dir(f.Path), filepath.Base(other)))
		}
	}
	if len(conflict.Paths) > 0 {
		return &conflict
	}
	return nil
}

// inTheWay is what keeps a file from being made: itself, or a file where a directory
// has to be.
func inTheWay(root, name string) (string, bool) {
	if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name))); err == nil {
		return name, true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(dir))); err == nil {
			return dir, !info.IsDir()
		}
	}
	return "", false
}

// escapeGlob makes a directory's name mean itself in a pattern.
func escapeGlob(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // Windows has no escapes in patterns, and no * and ? in names
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// Write writes files below root, which is made when it is not there. It never overwrites:
// what Check finds is its error, and a file that appears meanwhile is one as well. The paths
// that were written are returned with an error too.
func Write(root string, files []File) (written []string, err error) {
	if err := Check(root, files); err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := create(filepath.Join(root, filepath.FromSlash(f.Path)), f.Body); err != nil {
			return written, fmt.Errorf("write %s: %w", f.Path, err)
		}
		written = append(written, f.Path)
	}
	return written, nil
}

func create(file string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // source code, for everybody in the group to read
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Close())
}

// render makes one file of a template. Go files are laid out as gofmt does.
func render(name, to string, data any) (File, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"quote": strconv.Quote, "duration": durationSource, "path": modulePathSource,
	}).ParseFS(templates, "templates/"+name)
	if err != nil {
		return File{}, fmt.Errorf("template %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return File{}, fmt.Errorf("template %s: %w", name, err)
	}
	body := b.Bytes()
	if path.Ext(to) == ".go" {
		if body, err = format.Source(body); err != nil {
			return File{}, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return File{Path: to, Body: body}, nil
}

// durationSource is a duration as a person would write it in Go.
func durationSource(d time.Duration) string {
	for _, unit := range []struct {
		is   time.Duration
		name string
	}{{time.Hour, "Hour"}, {time.Minute, "Minute"}} {
		if d%unit.is == 0 {
			return unitSource(int64(d/unit.is), unit.name)
		}
	}
	return unitSource(int64(d/time.Second), "Second")
}

func unitSource(n int64, unit string) string {
	if n == 1 {
		return "time." + unit
	}
	return strconv.FormatInt(n, 10) + "*time." + unit
}

// modulePathSource is a path as go.mod takes it.
func modulePathSource(p string) string {
	if strings.ContainsAny(p, " \t\"'`(),[]{}") || strings.Contains(p, "//") {
		return strconv.Quote(p)
	}
	return p
}
