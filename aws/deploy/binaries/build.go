package binaries

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/gotool"
)

// sumsName is the file with the sums of the binaries in a directory, and lockName the one
// that is locked.
const (
	sumsName = "sums.json"
	lockName = "lock"
)

// Build builds the programs for a platform and returns them in their order. The bytes of a
// binary depend on the source, the platform and the Go version, and on nothing else: not on
// where the source lies, on when it is built, on its commit, or on GOFLAGS.
//
// The error is a *Failure when the code of some does not compile; the binaries of the others
// are returned beside it, and those that failed have no Path.
func (k *Kept) Build(ctx context.Context, p Platform, programs []gotool.Package) ([]Binary, error) {
	g, err := Command(ctx, k.source, p)
	if err != nil {
		return nil, err
	}
	dir, err := k.Dir(p.GOOS + "-" + p.GOARCH)
	if err != nil {
		return nil, err
	}
	rounds := arrange(programs, p)
	out := make([]Binary, len(programs))
	var failed *Failure
	for n, round := range rounds {
		r := roundBuild{g: g, dir: filepath.Join(dir, fmt.Sprint(n)), packages: make([]gotool.Package, len(round))}
		for i, at := range round {
			r.packages[i] = programs[at]
			r.names = append(r.names, executable(programs[at].ImportPath, p))
		}
		built, err := r.build(ctx)
		if f, ok := errors.AsType[*Failure](err); ok {
			failed = failed.and(f)
		} else if err != nil {
			return nil, err
		}
		for i, at := range round {
			out[at] = built[i]
		}
	}
	if failed != nil {
		return out, failed
	}
	return out, nil
}

// arrange puts the programs into rounds, by their index: the Go command makes many programs
// at once in one directory, where each needs a name of its own.
func arrange(programs []gotool.Package, p Platform) [][]int {
	var rounds [][]int
	count := map[string]int{}
	for i := range programs {
		name := strings.ToLower(executable(programs[i].ImportPath, p)) // some file systems know no case
		n := count[name]
		count[name]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], i)
	}
	return rounds
}

// executable is the name that "go build -o directory/" gives to a program: the last element
// of its path that is no version.
func executable(importPath string, p Platform) string {
	dir, name := path.Split(importPath)
	if dir != "" && isVersion(name) {
		name = path.Base(path.Clean(dir))
	}
	if p.GOOS == "windows" {
		name += ".exe"
	}
	return name
}

// isVersion is for v2, v3 and so on, not for v0, v1 or v02.
func isVersion(s string) bool {
	digits, ok := strings.CutPrefix(s, "v")
	if !ok || digits == "" || digits[0] == '0' || digits == "1" {
		return false
	}
	return !strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// roundBuild is one run of go build.
type roundBuild struct {
	g        gotool.Go
	dir      string
	packages []gotool.Package
	names    []string
}

// kept is what is known of a binary that was built before.
type kept struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	info   os.FileInfo
}

func (r roundBuild) build(ctx context.Context) ([]Binary, error) {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a directory for programs: %w", err)
	}
	all := r.read()
	if err := r.removeBroken(all); err != nil {
		return nil, err
	}
	paths := make([]string, len(r.packages))
	for i := range r.packages {
		paths[i] = r.packages[i].ImportPath
	}
	args := append([]string{
		"build", "-trimpath",
		"-buildvcs=false", // the commit and its time are no part of what runs, and would change the hash of every program
		"-ldflags=-s -w", "-tags", gotool.Tags, "-o", r.dir + string(filepath.Separator),
	}, paths...)
	_, err := r.g.Run(ctx, strings.Join(paths, " "), args...)
	var failed *Failure
	if e, ok := errors.AsType[*gotool.Error](err); ok {
		if failed, err = r.blame(ctx, e); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}

	out := make([]Binary, len(r.packages))
	var work errgroup.Group
	work.SetLimit(goruntime.GOMAXPROCS(0))
	found := make([]kept, len(r.packages))
	for i, p := range r.packages {
		if failed.has(p.ImportPath) {
			out[i] = Binary{Package: p.ImportPath}
			continue
		}
		work.Go(func() (err error) {
			file := filepath.Join(r.dir, r.names[i])
			if found[i], err = r.sum(file, all[r.names[i]]); err != nil {
				return fmt.Errorf("read the program that was built of %s: %w", p.ImportPath, err)
			}
			out[i] = Binary{p.ImportPath, file, found[i].SHA256, found[i].Size}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	for i, name := range r.names {
		if out[i].Path != "" {
			all[name] = found[i]
		}
	}
	if err := r.write(all); err != nil {
		return nil, err
	}
	if failed != nil {
		return out, failed
	}
	return out, nil
}

// sum is the sum of a binary, which need not be read again when it is the one that was
// checked before the build. It marks the binary as used.
func (r roundBuild) sum(file string, before kept) (kept, error) {
	info, err := os.Stat(file)
	if err != nil {
		return kept{}, err
	}
	if before.info == nil || !os.SameFile(info, before.info) || info.Size() != before.Size || !info.ModTime().Equal(before.info.ModTime()) {
		if before.SHA256, before.Size, err = Sum(file); err != nil {
			return kept{}, err
		}
	}
	now := time.Now()
	return before, os.Chtimes(file, now, now)
}

// read is what is known of the binaries; nothing when it cannot be read.
func (r roundBuild) read() map[string]kept {
	all := map[string]kept{}
	text, err := os.ReadFile(filepath.Join(r.dir, sumsName))
	if err != nil || json.Unmarshal(text, &all) != nil || all == nil {
		return map[string]kept{}
	}
	return all
}

// removeBroken removes the binaries that are not what was built, such as half of one: the Go
// command looks at the head of a binary only, and would keep it.
func (r roundBuild) removeBroken(all map[string]kept) error {
	var work errgroup.Group
	work.SetLimit(goruntime.GOMAXPROCS(0))
	checked := make([]kept, len(r.names))
	for i, name := range r.names {
		work.Go(func() error {
			file := filepath.Join(r.dir, name)
			info, err := os.Lstat(file)
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			want := all[name]
			if err == nil && info.Mode().IsRegular() && want.Size == info.Size() {
				if sum, _, err := Sum(file); err == nil && sum == want.SHA256 {
					want.info = info
					checked[i] = want
					return nil
				}
			}
			if err := os.RemoveAll(file); err != nil {
				return fmt.Errorf("remove a broken program: %w", err)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for i, name := range r.names {
		if all[name] = checked[i]; checked[i].info == nil {
			delete(all, name)
		}
	}
	return nil
}

func (r roundBuild) write(all map[string]kept) error {
	text, err := json.Marshal(all)
	if err == nil {
		next := filepath.Join(r.dir, sumsName+".next")
		if err = os.WriteFile(next, text, 0o600); err == nil {
			err = os.Rename(next, filepath.Join(r.dir, sumsName))
		}
	}
	if err != nil {
		return fmt.Errorf("write down what was built: %w", err)
	}
	return nil
}

// Failure is code that does not compile.
type Failure struct {
	// Packages are those with the faults, sorted; a program that needs one has failed too.
	Packages []Fault
	programs []string // that failed
}

// Fault is what the Go command says of a package.
type Fault struct {
	Package, Text string
}

func (f *Failure) Error() string {
	var lines []string
	for _, p := range f.Packages {
		lines = append(lines, "build "+p.Package+":\n"+p.Text)
	}
	return strings.Join(lines, "\n")
}

func (f *Failure) has(program string) bool {
	return f != nil && slices.Contains(f.programs, program)
}

func (f *Failure) and(other *Failure) *Failure {
	if f == nil {
		return other
	}
	for _, p := range other.Packages {
		if !slices.Contains(f.Packages, p) {
			f.Packages = append(f.Packages, p)
		}
	}
	f.programs = append(f.programs, other.programs...)
	return f
}
