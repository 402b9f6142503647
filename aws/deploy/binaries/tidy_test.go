package binaries

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keep makes what is kept of a directory, with a file of so many bytes, used so long ago.
func keep(t *testing.T, cache, name string, size int64, ago time.Duration) *Kept {
	t.Helper()
	k, err := Hold(t.Context(), cache, filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(k.dir, "binary")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := time.Now().Add(-ago)
	for _, err := range []error{os.Truncate(file, size), os.Chtimes(file, used, used), os.Chtimes(k.lock.Name(), used, used)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// release closes it without tidying up.
func release(t *testing.T, k *Kept) {
	t.Helper()
	k.unlock()
	if err := k.lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	const gigabyte = 1 << 30
	cache := t.TempDir()
	unused := keep(t, cache, "unused", 1, keepUnused+time.Hour)
	oldest := keep(t, cache, "oldest", gigabyte, 3*time.Hour) // sparse: it takes no room
	busy := keep(t, cache, "busy", gigabyte, 4*time.Hour)
	newer := keep(t, cache, "newer", gigabyte, 2*time.Hour)
	for _, k := range []*Kept{unused, oldest, newer} {
		release(t, k)
	}
	stranger := filepath.Join(cache, "stranger")
	if err := os.Mkdir(stranger, 0o700); err != nil {
		t.Fatal(err)
	}
	mine := keep(t, cache, "mine", 2*gigabyte, 0)
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	release(t, busy)
	for dir, stays := range map[string]bool{
		unused.dir: false, // for long
		oldest.dir: false, // there was too much
		busy.dir:   true,  // although it is older: somebody has it
		newer.dir:  true,
		mine.dir:   true,
		stranger:   true,
	} {
		if _, err := os.Stat(dir); (err == nil) != stays {
			t.Errorf("%s: %v, want that it stays: %v", filepath.Base(dir), err, stays)
		}
	}

	// What nobody uses goes away within what is held, too.
	again := keep(t, cache, "again", 1, keepUnused+time.Hour)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(again.dir, "binary")); err == nil {
		t.Error("a binary that was not used for long is still there")
	}
}

func TestExecutable(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"example.test/app/workers/one": "one", "example.test/app/v2": "app", "example.test/app/v1": "v1", "example.test/app/v02": "v02", "v2": "v2",
	} {
		if got := executable(path, Platform{"linux", "arm64"}); got != want {
			t.Errorf("%s is built as %s, want %s", path, got, want)
		}
	}
	if got := executable("a/b", Platform{"windows", "amd64"}); got != "b.exe" {
		t.Errorf("on Windows: %s", got)
	}
}

func TestModuleFlags(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"":                               "-trimpath",
		"-tags=x -mod=vendor -race":      "-trimpath -mod=vendor",
		"'-modfile=a b' -ldflags=-X=y=z": "-trimpath '-modfile=a b'",
		`"-ldflags=-mod=x" --mod=mod`:    "-trimpath --mod=mod",
		"'unclosed -mod=mod":             "-trimpath",
	} {
		if got := moduleFlags(flags); got != want {
			t.Errorf("of %s stays %s, want %s", flags, got, want)
		}
	}
}
