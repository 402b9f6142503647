package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/gotool"
)

// sources are the directories whose files matter to a build.
type sources struct {
	// dirs maps each directory to whether all of its files matter, because the
	// package embeds some, or only those with code.
	dirs map[string]bool
}

// maxWalk bounds how many directories below a pattern are watched for new
// packages.
const maxWalk = 2000

func (b *Builder) sources(packages []gotool.Package) sources {
	s := sources{dirs: make(map[string]bool)}
	for _, p := range packages {
		if !p.IsOurs() {
			continue
		}
		s.add(p.Dir, len(p.EmbedFiles) > 0)
		for _, f := range p.EmbedFiles {
			s.add(filepath.Dir(filepath.Join(p.Dir, f)), true)
		}
		if p.Module.GoMod != "" {
			s.add(filepath.Dir(p.Module.GoMod), false)
		}
	}
	// A new package below ./workers/... is a change as well.
	for _, pattern := range b.patterns {
		root, ok := strings.CutSuffix(filepath.ToSlash(pattern), "...")
		if ok && (filepath.IsAbs(pattern) || strings.HasPrefix(root, ".")) {
			if !filepath.IsAbs(root) {
				root = filepath.Join(b.Dir, root)
			}
			s.walk(root)
		}
	}
	return s
}

func (s sources) add(dir string, all bool) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	s.dirs[dir] = s.dirs[dir] || all
}

func (s sources) walk(root string) {
	n := 0
	// What cannot be read is not watched; the build itself complains of it.
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // explained above
		}
		if path != root && ignoredDir(d.Name()) {
			return fs.SkipDir
		}
		if n++; n > maxWalk {
			return fs.SkipAll
		}
		s.add(path, false)
		return nil
	})
}

// ignoredDir is a directory that ... does not match, or that holds no Go code.
func ignoredDir(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" || name == "node_modules"
}

// matters says whether a change of a file can change a program.
func (s sources) matters(path string) bool {
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasSuffix(name, "_test.go") {
		return false // tests, and what editors leave lying about
	}
	switch filepath.Ext(name) {
	case ".go", ".s", ".c", ".h", ".cc", ".cpp", ".syso":
		return true
	case ".swp", ".tmp":
		return false
	}
	switch name {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
		return true
	}
	return s.dirs[filepath.Dir(path)]
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read the program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
