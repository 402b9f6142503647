package emit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/emit"
)

func file(path, body string) emit.File { return emit.File{Path: path, Body: []byte(body)} }

func write(t *testing.T, dir string, files ...emit.File) *emit.Result {
	t.Helper()
	r, err := emit.Write(dir, files, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, got *emit.Result, w emit.Result) {
	t.Helper()
	if !reflect.DeepEqual(*got, w) {
		t.Errorf("did %+v, want %+v", *got, w)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWriteAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "here")
	if _, err := emit.Write(dir, []emit.File{file("a.json", "1")}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a dry run makes the directory")
	}
	want(t, write(t, dir, file("a.json", "1"), file("b/c.json", "2")), emit.Result{Written: []string{"a.json", "b/c.json"}})
	want(t, write(t, dir, file("a.json", "1"), file("b/c.json", "3")), emit.Result{Written: []string{"b/c.json"}, Kept: []string{"a.json"}})
	want(t, write(t, dir, file("a.json", "1")), emit.Result{Written: []string{}, Kept: []string{"a.json"}, Removed: []string{"b/c.json"}})
	if _, err := os.Stat(filepath.Join(dir, "b", "c.json")); err == nil {
		t.Error("what is of no use any more is still there")
	}
}

func TestFilesOfOthersAreNotTouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, file("ours.json", "1"), file("edited.json", "1"), file("gone.json", "1"))
	for name, text := range map[string]string{"edited.json": "mine", "foreign.json": "mine", "gone.json": "mine too"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "directory.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := emit.Write(dir, []emit.File{file("ours.json", "2"), file("edited.json", "2"), file("foreign.json", "2"), file("directory.json", "2")}, false)
	var foreign *emit.ForeignError
	if !errors.As(err, &foreign) || !slices.Equal(foreign.Paths, []string{"edited.json", "foreign.json", "directory.json"}) {
		t.Fatalf("writing over files of others: %v", err)
	}
	for _, say := range []string{"nothing was written to " + dir, "edited.json, foreign.json, directory.json", "move them away, or name another directory"} {
		if !strings.Contains(err.Error(), say) {
			t.Errorf("%q does not say %q", err, say)
		}
	}
	if text := read(t, filepath.Join(dir, "ours.json")); text != "1" {
		t.Errorf("something was written in spite of it: %q", text)
	}
	// What was changed is not removed either when it is of no use any more.
	want(t, write(t, dir, file("ours.json", "1")), emit.Result{Written: []string{}, Kept: []string{"ours.json"}})
	if text := read(t, filepath.Join(dir, "gone.json")); text != "mine too" {
		t.Errorf("the file that somebody changed has %q", text)
	}
}

func TestFilesAreCopied(t *testing.T) {
	t.Parallel()
	dir, from := t.TempDir(), filepath.Join(t.TempDir(), "artifact.zip")
	if err := os.WriteFile(from, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("zip"))
	f := emit.File{Path: "artifacts/x.zip", From: from, SHA256: hex.EncodeToString(sum[:])}
	want(t, write(t, dir, f), emit.Result{Written: []string{"artifacts/x.zip"}})
	if text := read(t, filepath.Join(dir, "artifacts", "x.zip")); text != "zip" {
		t.Errorf("copied %q", text)
	}
	want(t, write(t, dir, f), emit.Result{Written: []string{}, Kept: []string{"artifacts/x.zip"}})
}

// A run that fails half-way, as one that is killed does, leaves nothing that the next one takes for
// somebody else's.
func TestHalfWrittenIsGoneOnWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, file("a.json", "1"))
	if _, err := emit.Write(dir, []emit.File{file("a.json", "2"), {Path: "b.zip", From: filepath.Join(dir, "nowhere"), SHA256: "x"}}, false); err == nil {
		t.Fatal("a file that is not there was copied")
	}
	want(t, write(t, dir, file("a.json", "3")), emit.Result{Written: []string{"a.json"}})
	if text := read(t, filepath.Join(dir, "a.json")); text != "3" {
		t.Errorf("the file has %q", text)
	}
}

func TestAListThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{", `{"version":2}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, emit.ListName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := emit.Write(dir, []emit.File{file("a", "1")}, false); err == nil || !strings.Contains(err.Error(), "remove it, or name another directory") {
			t.Errorf("the list %q: %v", text, err)
		}
	}
}

// A list that somebody has tampered with removes nothing outside of the directory.
func TestOnlyTheDirectoryIsCleared(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "out")
	write(t, dir, file("a", "1"))
	outside := filepath.Join(root, "outside")
	if err := os.WriteFile(outside, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := strings.Replace(read(t, filepath.Join(dir, emit.ListName)), `"a"`, `"../outside"`, 1)
	if err := os.WriteFile(filepath.Join(dir, emit.ListName), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, file("b", "1"))
	if text := read(t, outside); text != "1" {
		t.Errorf("the file outside has %q", text)
	}
}
