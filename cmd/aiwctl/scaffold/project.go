package scaffold

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Library is the module that workers are written with.
const Library = "github.com/microfox-ai/aiwctl"

// goVersion is the line go of a new module, which may not be below the library's own.
const goVersion = "1.26.0"

// Project is a module to be written, with one worker.
type Project struct {
	// Module is its path, such as example.com/shop.
	Module string
	// Service is what names in AWS will begin with; it stands in the README and in the CI
	// file.
	Service string
	// Version is the library's version that go.mod requires, such as v0.1.0. Empty means none that
	// is published: then Replace has to be given.
	Version string
	// Replace is a directory with the library's source that is used instead; empty means
	// the published module.
	Replace string
	Worker  Worker
}

// Validate reports what go.mod cannot say.
func (p Project) Validate() error {
	if err := validateModule(p.Module); err != nil {
		return err
	}
	if p.Version == "" && p.Replace == "" {
		return fmt.Errorf("module %s: neither a version of %s nor a directory with its source is known", p.Module, Library)
	}
	return p.Worker.Validate()
}

// Files are the files of the module, relative to its directory.
func (p Project) Files() ([]File, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	data := struct {
		Project
		Go, Install string
	}{p, goVersion, cmp.Or(p.Version, "latest")}
	data.Version = cmp.Or(p.Version, "v0.0.0")
	var files []File
	for _, f := range [][2]string{
		{"go.mod.tmpl", "go.mod"},
		{"Makefile.tmpl", "Makefile"},
		{"README.md.tmpl", "README.md"},
		{"gitignore.tmpl", ".gitignore"},
		{"ci.yml.tmpl", ".github/workflows/ci.yml"},
	} {
		file, err := render(f[0], f[1], data)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	dir := path.Join("workers", p.Worker.Dir())
	worker, err := p.Worker.Files(dir, "./"+dir)
	return append(files, worker...), err
}

// validateModule takes paths that every go command takes.
// https://go.dev/ref/mod#module-path
func validateModule(module string) error {
	for element := range strings.SplitSeq(module, "/") {
		legal := strings.Trim(element, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
		if element == "" || !legal || element[0] == '.' || element[0] == '-' || element[len(element)-1] == '.' {
			return fmt.Errorf("module path %q: it is elements such as example.com/shop, of letters, digits, -, ., _ and ~", module)
		}
	}
	if module == Library {
		return fmt.Errorf("module path %q is the library's own", module)
	}
	return nil
}

// Module is a Go module on this machine.
type Module struct {
	// Dir is where its go.mod is.
	Dir string
	// Path is the module's.
	Path string
	// Requires is whether it is the library, or requires it.
	Requires bool
}

// FindModule finds the module that a directory is in, which need not exist yet. ok is false
// when there is none.
func FindModule(dir string) (m Module, ok bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return Module{}, false, fmt.Errorf("find the module of %s: %w", dir, err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			m := readModule(string(text))
			m.Dir = dir
			return m, true, nil
		}
		if !os.IsNotExist(err) && !isNotDir(dir) {
			return Module{}, false, fmt.Errorf("read the module's file: %w", err)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return Module{}, false, nil
		}
		dir = up
	}
}

// isNotDir is whether a path is something other than a directory, which has no go.mod.
func isNotDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// readModule reads as much of a go.mod as is needed here.
// https://go.dev/ref/mod#go-mod-file
func readModule(text string) (m Module) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		for i, w := range words {
			if unquoted, err := strconv.Unquote(w); err == nil {
				words[i] = unquoted
			}
		}
		switch {
		case len(words) == 2 && words[0] == "module":
			m.Path = words[1]
			m.Requires = m.Requires || m.Path == Library
		case len(words) == 3 && words[0] == "require" && words[1] == Library, len(words) == 2 && words[0] == Library:
			m.Requires = true
		}
	}
	return m
}
