package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"time"
)

// Find is the absolute path of the command at path; without one it is built, from the
// module that the working directory is in. remove takes away what was built.
func Find(ctx context.Context, path string) (found string, remove func(), err error) {
	if path != "" {
		found, err = filepath.Abs(path)
		return found, func() {}, err
	}
	dir, err := os.MkdirTemp("", "aiwctl-rig-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // a leftover of the temporary directory at worst
	found = filepath.Join(dir, "aiwctl")
	if goruntime.GOOS == "windows" {
		found += ".exe"
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", found, "github.com/microfox-ai/aiwctl/cmd/aiwctl").CombinedOutput() //nolint:gosec // the path is ours
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("build aiwctl (or name one with -aiwctl): %w: %s", err, bytes.TrimSpace(out))
	}
	return found, remove, nil
}

// Marker is a variable that every aiwctl of the rig is started with: a test binary
// that has the command in it is one when the variable is set, and need not build it.
const Marker = "REPLAY_RIG"

// Aiwctl is the command, at an endpoint.
type Aiwctl struct {
	// Path is the executable, Endpoint the URL it is given. Dir is its home and has
	// its state; it must exist.
	Path, Endpoint, Dir string
}

// Journals is the directory with the journals of its replays.
func (a *Aiwctl) Journals() string { return filepath.Join(a.Dir, "state", "aiwctl", "replays") }

// env is the caller's environment without what would lead aiwctl elsewhere.
func (a *Aiwctl) env() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "AIWCTL_") && !strings.HasPrefix(name, "XDG_") {
			env = append(env, v)
		}
	}
	return append(env, "HOME="+a.Dir, "XDG_STATE_HOME="+filepath.Join(a.Dir, "state"),
		Marker+"=1", "AWS_REGION="+Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local")
}

// Process is an aiwctl that was started.
type Process struct {
	// Began is when it was started, Ended when it was over, once Done is closed.
	Began, Ended time.Time

	args           []string
	cmd            *exec.Cmd
	stdout, stderr text
	done           chan struct{}
	err            error
}

// Start starts a command line; when ctx ends the process is killed.
func (a *Aiwctl) Start(ctx context.Context, args ...string) (*Process, error) {
	args = append(args, "--endpoint-url", a.Endpoint)
	p := &Process{args: args, done: make(chan struct{}), cmd: exec.CommandContext(ctx, a.Path, args...)} //nolint:gosec // running the given program is what this is for
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = a.Dir, a.env(), &p.stdout, &p.stderr
	p.Began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", a.Path, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
		p.Ended = time.Now()
	}()
	return p, nil
}

// Run runs a command line to its end.
func (a *Aiwctl) Run(ctx context.Context, args ...string) (*Process, error) {
	p, err := a.Start(ctx, args...)
	if err == nil {
		<-p.done
		err = ctx.Err()
	}
	return p, err
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process at once, and waits until it is gone. It returns false when
// the process had ended by itself.
func (p *Process) Kill() bool {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
	return p.cmd.ProcessState.ExitCode() < 0
}

// Interrupt is Ctrl-C.
func (p *Process) Interrupt() error {
	if err := p.cmd.Process.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Code is the exit code of a process that has ended, -1 when a signal ended it.
func (p *Process) Code() int { return p.cmd.ProcessState.ExitCode() }

// Took is how long a process took that has ended.
func (p *Process) Took() time.Duration { return p.Ended.Sub(p.Began) }

// Said is what the process has written to standard error.
func (p *Process) Said() string { return p.stderr.String() }

// Printed is what it has written to standard output.
func (p *Process) Printed() string { return p.stdout.String() }

// String is the command line, how it ended, and the end of what it said.
func (p *Process) String() string {
	return fmt.Sprintf("aiwctl %s: exit %d after %v: %s", strings.Join(p.args, " "), p.Code(), p.Took().Round(time.Millisecond),
		tail(p.Printed(), 200)+" / "+tail(p.Said(), 600))
}

func tail(s string, most int) string {
	s = strings.TrimSpace(s)
	if len(s) > most {
		s = "…" + s[len(s)-most:]
	}
	return strings.ReplaceAll(s, "\n", " | ")
}

// text is a buffer that may be read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
