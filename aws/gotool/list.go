package gotool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Package is a package as "go list -json" describes it.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	DepOnly    bool // matched by no pattern
	Standard   bool
	Imports    []string
	EmbedFiles []string
	Module     *Module
	// Error is why the package cannot be loaded; List alone gives it.
	Error *struct{ Pos, Err string }
}

// Module is the module that a package is in.
type Module struct {
	Path    string
	Main    bool
	Dir     string
	GoMod   string
	Replace *struct{ Version string }
}

// IsOurs says whether a package is part of what the user works on: the module or
// workspace itself, or one that go.mod replaces by a directory.
func (p Package) IsOurs() bool {
	m := p.Module
	return !p.Standard && m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "")
}

// fields are those of Package.
const fields = "-json=ImportPath,Name,Dir,DepOnly,Standard,Imports,EmbedFiles,Module"

// List describes the packages that the patterns match, also those that cannot be loaded.
func (g Go) List(ctx context.Context, patterns []string) ([]Package, error) {
	return g.list(ctx, patterns, "list", "-e", "-tags", Tags, fields+",Error")
}

// ListDeps describes the packages that the patterns match, and all they depend on.
func (g Go) ListDeps(ctx context.Context, patterns []string) ([]Package, error) {
	return g.list(ctx, patterns, "list", "-deps", "-tags", Tags, fields)
}

func (g Go) list(ctx context.Context, patterns []string, args ...string) ([]Package, error) {
	out, err := g.Run(ctx, "", append(args, patterns...)...)
	if err != nil {
		return nil, err
	}
	var packages []Package
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read what go list says of %s: %w", strings.Join(patterns, " "), err)
		}
		packages = append(packages, p)
	}
}

// Programs are the worker programs among packages: the main packages that import
// RuntimePackage and that a pattern matched. It is an error when there is none.
func Programs(packages []Package, patterns []string) ([]Package, error) {
	mains := slices.DeleteFunc(slices.Clone(packages), func(p Package) bool { return !isWorkerProgram(p) })
	if len(mains) == 0 {
		return nil, fmt.Errorf("build %s: no main package there imports %s: a worker program calls its Main, and `aiwctl new worker ID` writes one", strings.Join(patterns, " "), RuntimePackage)
	}
	return mains, nil
}
