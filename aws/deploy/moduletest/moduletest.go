// Package moduletest writes modules with worker programs for tests. The package runtime in
// them is a stand-in, so that builds are quick and need no network.
package moduletest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const standIn = `package runtime

import "os"

// Main prints what it is given when it is asked for the manifest.
func Main(manifest string) {
	if len(os.Args) == 2 && os.Args[1] == "manifest" {
		os.Stdout.WriteString(manifest)
		return
	}
	os.Exit(2)
}
`

// New writes a module example.test/app without workers, and returns its directory, which is
// called app.
func New(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	Write(t, filepath.Join(dir, "lib/go.mod"), "module github.com/microfox-ai/aiwctl\n\ngo 1.26\n")
	Write(t, filepath.Join(dir, "lib/runtime/runtime.go"), standIn)
	Write(t, filepath.Join(dir, "app/go.mod"), "module example.test/app\n\ngo 1.26\n\nrequire github.com/microfox-ai/aiwctl v0.0.0\n\n"+
		"replace github.com/microfox-ai/aiwctl => ../lib\n")
	return filepath.Join(dir, "app")
}

// Program writes the program workers/name, whose main function is body, and which may use os,
// time and runtime.
func Program(t testing.TB, dir, name, body string) {
	t.Helper()
	Write(t, filepath.Join(dir, "workers", name, "main.go"), `package main

import (
	"os"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

var _, _ = os.Args, time.Now

func main() { `+body+` }
`)
}

// Worker writes the program workers/name with one worker.
func Worker(t testing.TB, dir, name, id string) {
	t.Helper()
	Program(t, dir, name, fmt.Sprintf("runtime.Main(`%s`)", Manifest(id)))
}

// Manifest is that of a program with one worker.
func Manifest(id string) string {
	return fmt.Sprintf(`{"version":1,"workers":[{"id":%q,"group":"default","source":"workers/main.go:3","timeoutSeconds":300,"memoryMB":512,"sqs":{}}]}`, id)
}

// Write writes a file and the directories above it.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
