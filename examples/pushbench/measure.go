package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/bundle"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/scan"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
)

// The bars: the first push is at most so many times as slow as go build, and the second, of
// unchanged code, at most so much slower than go's own check that nothing is to be done.
const (
	firstBar  = 1.3
	secondBar = 2 * time.Second
)

type bench struct {
	variant
	temp string
}

// cost is what something took.
type cost struct {
	wall, processor time.Duration
}

// results are the costs of each thing that is measured, run by run.
type results struct {
	goBuild  []cost // go build -o directory/, nothing linked yet
	stripped []cost // the same with the flags of a deployment
	goCheck  []cost // go build again
	first    []cost // scan, bundle and template, nothing kept yet
	second   []cost // and again
}

var stripped = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags", "lambda.norpc"}

func (b *bench) measure(ctx context.Context, runs int) (results, error) {
	var r results
	// Everything is compiled before anything is measured, for this machine and for Lambda.
	if _, err := b.push(ctx, filepath.Join(b.temp, "warm")); err != nil {
		return r, err
	}
	if _, err := b.goBuild(ctx, filepath.Join(b.temp, "warm-go")); err != nil {
		return r, err
	}
	for i := range runs {
		dir := func(name string) string { return filepath.Join(b.temp, fmt.Sprintf("%s-%d", name, i)) }
		for _, step := range []struct {
			into *[]cost
			do   func() (cost, error)
		}{
			{&r.goBuild, func() (cost, error) { return b.goBuild(ctx, dir("plain")) }},
			{&r.first, func() (cost, error) { return b.push(ctx, dir("cache")) }},
			{&r.stripped, func() (cost, error) { return b.goBuild(ctx, dir("stripped"), stripped...) }},
			{&r.goCheck, func() (cost, error) { return b.goBuild(ctx, dir("plain")) }},
			{&r.second, func() (cost, error) { return b.push(ctx, dir("cache")) }},
		} {
			c, err := step.do()
			if err != nil {
				return r, err
			}
			*step.into = append(*step.into, c)
		}
		for _, name := range []string{"plain", "cache", "stripped"} {
			if err := os.RemoveAll(dir(name)); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

func (b *bench) goBuild(ctx context.Context, dir string, flags ...string) (cost, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return cost{}, err
	}
	args := append(append([]string{"build"}, flags...), "-o", dir+string(filepath.Separator), "./workers/...")
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // a benchmark of the Go command
	cmd.Dir = b.module()
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return cost{}, fmt.Errorf("go build: %w: %s", err, out)
	}
	return cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

func (b *bench) push(ctx context.Context, cache string) (cost, error) {
	start, before := time.Now(), processorTime()
	programs, err := scan.Scan(ctx, scan.Options{Dir: b.module(), Cache: cache, Ahead: project.ARM64})
	if err != nil {
		return cost{}, fmt.Errorf("scan: %w", err)
	}
	p := &project.Project{Service: "pushbench", Stage: "test", Programs: programs}
	if err := bundle.Build(ctx, bundle.Options{Dir: b.module(), Cache: cache}, p); err != nil {
		return cost{}, fmt.Errorf("bundle: %w", err)
	}
	p.Bucket, p.Region, p.Account = "pushbench", "eu-west-1", "123456789012"
	documents, err := template.CloudFormation(p)
	if err != nil {
		return cost{}, fmt.Errorf("template: %w", err)
	}
	if len(documents) != 1 {
		return cost{}, fmt.Errorf("%d templates were made, want 1", len(documents))
	}
	if n := len(p.Workers()); n != b.programs*b.variant.workers {
		return cost{}, fmt.Errorf("%d workers were found, want %d", n, b.programs*b.variant.workers)
	}
	return cost{time.Since(start), processorTime() - before}, nil
}

// print writes the table, and returns how many bars do not hold.
func (r results) print(out io.Writer, title string) (missed int) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tmin\tmedian\tprocessor time, min\n", title)
	for _, row := range []struct {
		name  string
		costs []cost
	}{
		{"go build", r.goBuild},
		{"go build with the flags of a deployment", r.stripped},
		{"scan, bundle and template, nothing kept", r.first},
		{"go build, nothing changed", r.goCheck},
		{"scan, bundle and template, nothing changed", r.second},
	} {
		fmt.Fprintf(w, "%s\t%.2f s\t%.2f s\t%.2f s\n", row.name, least(row.costs).Seconds(), median(row.costs).Seconds(), leastProcessor(row.costs).Seconds())
	}
	verdict := func(holds bool) string {
		if holds {
			return "holds"
		}
		missed++
		return "MISSED"
	}
	ratio := median(r.first).Seconds() / median(r.goBuild).Seconds()
	beyond := median(r.second) - median(r.goCheck)
	fmt.Fprintf(w, "first push / go build\t\t%.2f\tat most %.1f: %s\n", ratio, firstBar, verdict(ratio <= firstBar))
	fmt.Fprintf(w, "second push beyond go's check\t\t%.2f s\tbelow %.0f s: %s\n\n", beyond.Seconds(), secondBar.Seconds(), verdict(beyond < secondBar))
	if err := w.Flush(); err != nil {
		missed++
	}
	return missed
}

func least(costs []cost) time.Duration {
	return slices.MinFunc(costs, func(a, b cost) int { return int(a.wall - b.wall) }).wall
}

func leastProcessor(costs []cost) time.Duration {
	return slices.MinFunc(costs, func(a, b cost) int { return int(a.processor - b.processor) }).processor
}

func median(costs []cost) time.Duration {
	sorted := slices.SortedFunc(slices.Values(costs), func(a, b cost) int { return int(a.wall - b.wall) })
	return sorted[len(sorted)/2].wall
}
