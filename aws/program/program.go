// Package program asks worker programs what workers they contain. It knows a program
// only as an executable that answers the argument "manifest".
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/procgroup"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Timeout is how long a program may take to say what it contains.
const Timeout = 10 * time.Second

// maxManifest is the longest manifest that is read, and maxComplaint how much of
// what a failing program says is shown.
const (
	maxManifest  = 16 << 20
	maxComplaint = 4 << 10
)

// Refusal is a program that says what is wrong with its workers.
type Refusal struct {
	// Name is the program's.
	Name string
	// Problems are at least one.
	Problems []dispatch.ManifestProblem
	// Workers are those with which nothing is wrong.
	Workers []dispatch.ManifestWorker
}

func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %q cannot run:", r.Name)
	for _, p := range r.Problems {
		b.WriteString("\n" + p.String())
	}
	return b.String()
}

// Ask runs the program with "manifest" as its last argument, in the environment of this
// process and env, and ends whatever it has started. The error is a *Refusal when the program
// itself says what is wrong with its workers; otherwise it has the program's name and the
// beginning of what it said on standard error.
func Ask(ctx context.Context, name string, command, env []string) (dispatch.Manifest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("it did not answer within %s", Timeout))
	defer cancel()
	args := append(slices.Clone(command[1:]), "manifest")
	cmd := exec.CommandContext(ctx, command[0], args...) //nolint:gosec // running the given program is what this is for
	cmd.Env = append(os.Environ(), env...)
	// A program that hangs may have started others, as go run does.
	procgroup.Isolate(cmd)
	cmd.Cancel = func() error { procgroup.Kill(cmd.Process); return nil }
	cmd.WaitDelay = time.Second // for output that a grandchild holds open
	out, complaint := &limitedBuffer{limit: maxManifest}, &limitedBuffer{limit: maxComplaint}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	if cmd.Process != nil {
		procgroup.Kill(cmd.Process) // what it has left behind
	}
	var m dispatch.Manifest
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		if json.Unmarshal(out.Bytes(), &m) == nil && len(m.Problems) > 0 {
			return dispatch.Manifest{}, &Refusal{Name: name, Problems: m.Problems, Workers: slices.DeleteFunc(m.Workers, func(w dispatch.ManifestWorker) bool {
				return slices.ContainsFunc(m.Problems, func(p dispatch.ManifestProblem) bool { return p.Worker == w.ID })
			})}
		}
	}
	if err == nil {
		if err = json.Unmarshal(out.Bytes(), &m); err == nil {
			return m, nil
		}
		err = fmt.Errorf("its answer is not a manifest: %w", err)
	} else if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if said := strings.TrimSpace(complaint.String()); said != "" {
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return m, fmt.Errorf("ask program %q what workers it contains: %w\n(a worker program calls runtime.Main, which answers the argument \"manifest\")", name, err)
}

// Check refuses a manifest of a later version, and one without workers.
func Check(name string, m dispatch.Manifest) error {
	if m.Version > dispatch.ManifestVersion {
		return fmt.Errorf("program %q has a manifest of version %d, and this aiwctl knows up to %d: update aiwctl", name, m.Version, dispatch.ManifestVersion)
	}
	if len(m.Workers) == 0 {
		return fmt.Errorf("program %q contains no workers: give them to runtime.Main", name)
	}
	return nil
}

// limitedBuffer keeps the beginning of what is written to it.
type limitedBuffer struct {
	bytes.Buffer
	limit int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := b.limit - b.Len(); room > 0 {
		_, _ = b.Buffer.Write(p[:min(room, len(p))]) // a bytes.Buffer never fails
	}
	return len(p), nil
}
