package bundle_test

import (
	"archive/zip"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy/binaries"
	"github.com/microfox-ai/aiwctl/aws/deploy/bundle"
	"github.com/microfox-ai/aiwctl/aws/deploy/moduletest"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// stage is a project of programs in dir, as a scan finds them.
func stage(dir string, names ...string) *project.Project {
	p := &project.Project{Service: "shop", Stage: "prod"}
	for _, name := range names {
		p.Programs = append(p.Programs, project.Program{
			Package: "example.test/app/workers/" + name, Dir: filepath.Join(dir, "workers", name),
			Manifest: dispatch.Manifest{Version: 1, Workers: []dispatch.ManifestWorker{{ID: filepath.Base(name), Source: "x.go:1", Group: "default"}}},
		})
	}
	return p
}

func module(t *testing.T) string {
	t.Helper()
	dir := moduletest.New(t)
	moduletest.Worker(t, dir, "one", "one")
	moduletest.Worker(t, dir, "other/one", "other")
	return dir
}

func build(t *testing.T, o bundle.Options, p *project.Project) {
	t.Helper()
	if err := bundle.Build(t.Context(), o, p); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBuild(t *testing.T) {
	t.Parallel()
	dir := module(t)
	for _, arch := range []project.Arch{"", project.AMD64} {
		t.Run(string(arch), func(t *testing.T) {
			t.Parallel()
			p := stage(dir, "one", "other/one")
			var told []int
			build(t, bundle.Options{Dir: dir, Arch: arch, Cache: t.TempDir(), OnProgram: func(_ *project.Program, done, total int) {
				told = append(told, done, total)
			}}, p)
			if len(told) != 4 || told[2] != 2 || told[3] != 2 {
				t.Errorf("told of %v", told)
			}
			for i := range p.Programs {
				a := p.Programs[i].Artifact
				files := unzip(t, a)
				if len(files) != 1 {
					t.Errorf("the zip file has %d files, want bootstrap alone", len(files))
				}
				machine(t, files["bootstrap"], arch)
			}
			api := unzip(t, p.API)
			if string(api["bootstrap"]) != string(unzip(t, p.Programs[0].Artifact)["bootstrap"]) {
				t.Error("the workers API's program is not the first one")
			}
			var m dispatch.Manifest
			if err := json.Unmarshal(api["manifest.json"], &m); err != nil || len(m.Workers) != 2 || m.Workers[0].Source != "" {
				t.Errorf("the manifest is %+v, %v: want both workers, without lines", m, err)
			}
			if p.Programs[0].Artifact.SHA256 == p.Programs[1].Artifact.SHA256 {
				t.Error("two programs of one name have one artifact")
			}
		})
	}
}

// unzip checks the artifact and everything in it, and returns the files.
func unzip(t *testing.T, a project.Artifact) map[string][]byte {
	t.Helper()
	sum, size, err := binaries.Sum(a.File)
	if err != nil || sum != a.SHA256 || size != a.Size || a.Key != "shop/prod/artifacts/"+sum+".zip" {
		t.Errorf("the artifact %+v has sum %s, size %d: %v", a, sum, size, err)
	}
	r, err := zip.OpenReader(a.File)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in) // it checks the sum
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = text
		want := os.FileMode(0o644)
		if f.Name == "bootstrap" {
			want = 0o755
		}
		if f.Mode() != want || len(f.Extra) > 0 || f.Modified.Year() != 1980 && !f.Modified.IsZero() || f.ModifiedTime != 0 {
			t.Errorf("%s has mode %v, extra fields %x, time %v", f.Name, f.Mode(), f.Extra, f.Modified)
		}
	}
	return files
}

func machine(t *testing.T, program []byte, arch project.Arch) {
	t.Helper()
	f, err := elf.NewFile(strings.NewReader(string(program)))
	if err != nil {
		t.Fatal(err)
	}
	want := elf.EM_AARCH64
	if arch == project.AMD64 {
		want = elf.EM_X86_64
	}
	libraries, err := f.ImportedLibraries()
	if f.Machine != want || err != nil || len(libraries) > 0 || f.Section(".debug_info") != nil || f.Section(".symtab") != nil {
		t.Errorf("the program is for %v, needs %v (%v); want %v, no library, no symbols", f.Machine, libraries, err, want)
	}
}

// The same source gives the same bytes in another directory, at another time, with other
// flags in the environment.
func TestSameSourceSameBytes(t *testing.T) {
	one := module(t)
	p := stage(one, "one", "other/one")
	build(t, bundle.Options{Dir: one, Cache: t.TempDir()}, p)

	two := module(t)
	long := time.Now().Add(-48 * time.Hour)
	if err := filepath.WalkDir(filepath.Dir(two), func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, long, long), os.Chmod(path, 0o755))
	}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "'-ldflags=-X main.x=y' -tags=noise -buildvcs=true -gcflags=-N -mod=mod")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOARM64", "v9.0")
	t.Setenv("GOOS", "windows")
	q := stage(two, "one", "other/one")
	build(t, bundle.Options{Dir: filepath.Join(two, "workers"), Cache: t.TempDir()}, q)
	for i := range p.Programs {
		if p.Programs[i].Artifact.SHA256 != q.Programs[i].Artifact.SHA256 {
			t.Errorf("%s differs", p.Programs[i].Package)
		}
	}
	if p.API.SHA256 != q.API.SHA256 {
		t.Error("the workers API differs")
	}
	// And other source gives other bytes, to be sure that something is compared.
	moduletest.Worker(t, two, "one", "another")
	build(t, bundle.Options{Dir: two, Cache: t.TempDir()}, q)
	if p.Programs[0].Artifact.SHA256 == q.Programs[0].Artifact.SHA256 || p.Programs[1].Artifact.SHA256 != q.Programs[1].Artifact.SHA256 {
		t.Error("after a change of one program the other one differs, or it does not")
	}
}

// What is kept is used when it is whole, and made again when it is not.
func TestBrokenThingsAreMadeAgain(t *testing.T) {
	t.Parallel()
	dir := module(t)
	o := bundle.Options{Dir: dir, Cache: t.TempDir()}
	p := stage(dir, "one")
	build(t, o, p)
	first := p.Programs[0].Artifact
	before, err := os.Stat(first.File)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(what string) {
		t.Helper()
		q := stage(dir, "one")
		build(t, o, q)
		for i := range q.Programs {
			unzip(t, q.Programs[i].Artifact)
			if q.Programs[i].Artifact.SHA256 != p.Programs[i].Artifact.SHA256 {
				t.Errorf("%s: %s is another one", what, q.Programs[i].Package)
			}
		}
		unzip(t, q.API)
	}
	whole("unchanged")
	if after, err := os.Stat(first.File); err != nil || !os.SameFile(before, after) {
		t.Errorf("an unchanged program was packed again: %v", err)
	}

	var files []string
	_ = filepath.WalkDir(o.Cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			files = append(files, path)
		}
		return err
	})
	if len(files) != 5 {
		t.Fatalf("%d files are kept, want the program and its sum, two zip files and the index: %q", len(files), files)
	}
	kinds := []string{"cut", "changed", "empty", "removed"}
	for i, f := range files { // one at a time, each in another way
		spoil(t, f, kinds[i%len(kinds)])
		whole(filepath.Base(f) + " " + kinds[i%len(kinds)])
	}
	for _, kind := range kinds {
		for _, f := range files {
			spoil(t, f, kind)
		}
		whole("all of it " + kind)
	}
}

func spoil(t *testing.T, file, kind string) {
	t.Helper()
	text := read(t, file)
	switch kind {
	case "cut":
		text = text[:len(text)/2]
	case "changed":
		text[len(text)/2] ^= 0x55
	case "empty":
		text = nil
	case "removed":
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two at once wait for one another, and a person who has no patience can give up.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	dir := module(t)
	o := bundle.Options{Dir: dir, Cache: t.TempDir()}
	errs := make(chan error)
	stages := []*project.Project{stage(dir, "one", "other/one"), stage(dir, "one", "other/one")}
	for _, p := range stages {
		go func() { errs <- bundle.Build(t.Context(), o, p) }()
	}
	for range stages {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if stages[0].API.SHA256 != stages[1].API.SHA256 {
		t.Error("two builds of one source differ")
	}
	held, err := binaries.Hold(t.Context(), o.Cache, dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := bundle.Build(ctx, o, stages[0]); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for another build") {
		t.Errorf("while another one builds: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	dir := module(t)
	// It compiles here and not for Lambda.
	moduletest.Write(t, filepath.Join(dir, "workers/one/linux.go"), "//go:build linux\n\npackage main\n\nvar x int = \"text\"\n")
	o := bundle.Options{Dir: dir, Cache: t.TempDir()}
	err := bundle.Build(t.Context(), o, stage(dir, "one", "other/one"))
	problems, ok := errors.AsType[project.Problems](err)
	if !ok || len(problems) != 1 || problems[0].Place != "example.test/app/workers/one" ||
		!strings.Contains(problems[0].Text, "does not compile for linux/arm64") || !strings.Contains(problems[0].Text, "linux.go:5:13") {
		t.Errorf("the error is %T %v", err, err)
	}
	if err := bundle.Build(t.Context(), o, &project.Project{}); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("without a program: %v", err)
	}
}
