package binaries

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/gotool"
)

// blame says which programs failed to build, from what the Go command said. When it said
// nothing of a package, the error is its own.
func (r roundBuild) blame(ctx context.Context, e *gotool.Error) (*Failure, error) {
	f := &Failure{Packages: faults(e.Output)}
	if len(f.Packages) == 0 {
		return nil, e
	}
	// A package that several programs need is told of once, and each of them has failed.
	args := []string{"list", "-e", "-tags", gotool.Tags, "-json=ImportPath,Deps"}
	for _, p := range r.packages {
		args = append(args, p.ImportPath)
	}
	text, err := r.g.Run(ctx, "", args...)
	if err != nil {
		return nil, errors.Join(e, err)
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			ImportPath string
			Deps       []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, errors.Join(e, err)
		}
		if slices.ContainsFunc(f.Packages, func(bad Fault) bool {
			return bad.Package == p.ImportPath || slices.Contains(p.Deps, bad.Package)
		}) {
			f.programs = append(f.programs, p.ImportPath)
		}
	}
	if len(f.programs) == 0 {
		return nil, e
	}
	return f, nil
}

// faults takes apart what the Go command says: a line "# package" is followed by the
// lines about it.
func faults(output string) []Fault {
	var out []Fault
	for line := range strings.Lines(output) {
		if pkg, ok := strings.CutPrefix(line, "# "); ok {
			out = append(out, Fault{Package: strings.TrimSpace(pkg)})
		} else if len(out) > 0 {
			out[len(out)-1].Text += line
		}
	}
	for i := range out {
		out[i].Text = strings.TrimSpace(out[i].Text)
	}
	slices.SortStableFunc(out, func(a, b Fault) int { return strings.Compare(a.Package, b.Package) })
	return out
}
