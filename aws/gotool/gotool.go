// Package gotool runs the Go command of the machine, and finds the worker programs
// among the packages that somebody names.
package gotool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// RuntimePackage is what a worker program's main package imports: a package that
// does not is no worker program.
const RuntimePackage = "github.com/microfox-ai/aiwctl/runtime"

// Tags leaves the older RPC mode out of aws-lambda-go: everything that is built of a
// worker program is built with it, on this machine as for a deployment.
const Tags = "lambda.norpc"

// Go is the Go command. The zero value runs in the current directory with the
// environment of this process.
type Go struct {
	// Dir is where patterns are resolved; empty means the current directory.
	Dir string
	// Env is added to the environment, as KEY=value; the last value of a key counts.
	Env []string
	// Task says what is being done, for errors, such as "build ./workers/...".
	Task string
}

// Error is a Go command that failed because of the code.
type Error struct {
	// Package is what was built; empty when the packages could not even be listed.
	Package string
	// Output is what the Go command said, as it is.
	Output string
	// Err is how the Go command ended.
	Err error
}

func (e *Error) Error() string {
	what := "list the packages"
	if e.Package != "" {
		what = "build " + e.Package
	}
	if e.Output == "" {
		return fmt.Sprintf("%s: %v", what, e.Err)
	}
	if untidy(e.Output) { // each import is told in two lines, and one command cures all of them
		first, _, _ := strings.Cut(e.Output, "\n")
		first = strings.TrimSuffix(first, "; to add:")
		return fmt.Sprintf("%s: go.mod and go.sum lack what is imported: run `go mod tidy` first\n%s", what, first)
	}
	return fmt.Sprintf("%s: %v\n%s", what, e.Err, strings.TrimRight(e.Output, "\n"))
}

// untidy is whether the Go command wants a module's requirements completed.
func untidy(output string) bool {
	for _, sign := range []string{"missing go.sum entry", "no required module provides package", "updates to go.mod needed"} {
		if strings.Contains(output, sign) {
			return true
		}
	}
	return false
}

// Unwrap is how the Go command ended.
func (e *Error) Unwrap() error { return e.Err }

// CheckPatterns refuses what the Go command would not take for packages.
func CheckPatterns(patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("no package was named")
	}
	for _, p := range patterns {
		if strings.HasPrefix(p, "-") {
			return fmt.Errorf("%q is not a package", p)
		}
	}
	return nil
}

// Run runs the Go command and returns its standard output. The error is an *Error,
// about pkg, when the command itself failed; it is another one when there is no Go
// command or ctx ended.
func (g Go) Run(ctx context.Context, pkg string, args ...string) ([]byte, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("%s: there is no Go toolchain on PATH: install one from https://go.dev/dl/: %w", g.Task, err)
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are packages that the user named
	cmd.Dir = g.Dir
	if g.Env != nil {
		cmd.Env = append(cmd.Environ(), g.Env...)
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	// Interrupted, the Go command ends its compilers and removes its temporary
	// files; killed, it would do neither.
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) == nil {
			return nil
		}
		return cmd.Process.Kill() // where there are no signals
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", g.Task, context.Cause(ctx))
		}
		return nil, &Error{Package: pkg, Output: complaint.String(), Err: err}
	}
	return out.Bytes(), nil
}

// isWorkerProgram says whether a package's main function can call runtime.Main.
func isWorkerProgram(p Package) bool {
	return p.Name == "main" && !p.DepOnly && slices.Contains(p.Imports, RuntimePackage)
}
