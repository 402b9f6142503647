package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long anything may take before a test calls it hung.
const patience = 3 * time.Minute

// background is the key of a script's processes, by name.
type background struct{}

// failing is the key of a script's testscript.T.
type failing struct{}

// process is an aiwctl that runs beside the test.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
	done           chan error
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// startProcess runs this test binary as aiwctl: testscript goes by the name it
// is called by.
func startProcess(dir string, env []string, args ...string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	link := filepath.Join(dir, ".bin", "aiwctl")
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		return nil, err
	}
	if err := os.Symlink(exe, link); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	p := &process{cmd: exec.Command(link, args...), done: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// saying waits until what the process has written matches.
func (p *process) saying(want *regexp.Regexp) error {
	deadline := time.After(patience)
	for {
		if want.MatchString(p.stdout.String() + p.stderr.String()) {
			return nil
		}
		select {
		case err := <-p.done:
			p.done <- err
			if want.MatchString(p.stdout.String() + p.stderr.String()) {
				return nil
			}
			return errors.New("it ended first: " + p.String())
		case <-deadline:
			return errors.New("it never did: " + p.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *process) String() string {
	return strings.Join(p.cmd.Args[1:], " ") + "\nstdout: " + p.stdout.String() + "\nstderr: " + p.stderr.String()
}

// end sends a signal and returns the exit code.
func (p *process) end(signal os.Signal) (int, error) {
	children := p.children()
	if err := p.cmd.Process.Signal(signal); err != nil {
		return 0, err
	}
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		return 0, errors.New("it does not end: " + p.String())
	}
	for _, pid := range children {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			return 0, errors.New("process " + pid + ", which it started, is still there")
		}
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// children are the ids of the processes that it has started; none where the
// system has no /proc.
func (p *process) children() []string {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	tasks, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
	var ids []string
	for _, t := range tasks {
		text, _ := os.ReadFile(t)
		ids = append(ids, strings.Fields(string(text))...)
	}
	return ids
}

// exported are the assignments that a headless session prints.
func (p *process) exported() ([][2]string, error) {
	if err := p.saying(regexp.MustCompile(`(?m)^export AIWCTL_STAGE=.*\n`)); err != nil { // the last one
		return nil, err
	}
	var out [][2]string
	for line := range strings.Lines(p.stdout.String()) {
		if kv, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			k, v, _ := strings.Cut(kv, "=")
			out = append(out, [2]string{k, v})
		}
	}
	return out, nil
}

// demoProcess is a quiet demo without a console, and the environment it prints.
// It ends with the test.
func demoProcess(t *testing.T) map[string]string {
	t.Helper()
	p, err := startProcess(t.TempDir(), os.Environ(), "demo", "--headless", "--quiet", "--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := p.end(syscall.SIGTERM); code != 0 || err != nil {
			t.Errorf("the demo ended with %d, %v", code, err)
		}
	})
	env := map[string]string{}
	vars, err := p.exported()
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range vars {
		env[kv[0]] = kv[1]
	}
	return env
}

// startDemo runs `aiwctl demo --headless` for the length of the script and puts
// the environment it prints into the script's. Arguments are added.
func startDemo(ts *testscript.TestScript, neg bool, args []string) {
	session(ts, neg, append([]string{"demo", "--headless", "--quiet", "--listen", "127.0.0.1:0"}, args...))
}

// startDev is startDemo for `aiwctl dev`. Its name is dev.
func startDev(ts *testscript.TestScript, neg bool, args []string) {
	session(ts, neg, append([]string{"dev", "--headless", "--listen", "127.0.0.1:0"}, args...))
}

func session(ts *testscript.TestScript, neg bool, args []string) {
	p := begin(ts, neg, args)
	ts.Value(background{}).(map[string]*process)[args[0]] = p
	ts.Defer(func() {
		if code, err := p.end(syscall.SIGTERM); code != 0 || err != nil {
			// Fatalf is not for what is deferred.
			t := ts.Value(failing{}).(testscript.T)
			t.Log(args[0], "ended with", code, err, p)
			t.FailNow()
		}
	})
	env, err := p.exported()
	ts.Check(err)
	for _, kv := range env {
		ts.Setenv(kv[0], kv[1])
	}
}

// start NAME ARGS... runs aiwctl beside the script.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	ts.Value(background{}).(map[string]*process)[args[0]] = begin(ts, neg, args[1:])
}

func begin(ts *testscript.TestScript, neg bool, args []string) *process {
	if neg {
		ts.Fatalf("it cannot be negated")
	}
	env := os.Environ()
	for _, k := range []string{"XDG_STATE_HOME", "XDG_CONFIG_HOME", "AIWCTL_CONFIG", "WORKERS_API_KEY", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "WORKER_BASE_URL", "AIWCTL_STAGE", "NO_COLOR", "GOFLAGS", "GOPROXY", "GOGC", "CGO_ENABLED"} {
		if v := ts.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	p, err := startProcess(ts.MkAbs("."), env, args...)
	ts.Check(err)
	return p
}

// says NAME REGEXP waits until the process beside the script has written it.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: says NAME REGEXP")
	}
	ts.Check(ts.Value(background{}).(map[string]*process)[args[0]].saying(regexp.MustCompile(args[1])))
}

// interrupt NAME CODE sends a process Ctrl-C's signal and wants that exit code.
// What it wrote becomes the script's stdout and stderr, as files of that name.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: interrupt NAME CODE")
	}
	p := ts.Value(background{}).(map[string]*process)[args[0]]
	code, err := p.end(syscall.SIGINT)
	ts.Check(err)
	if strconv.Itoa(code) != args[1] {
		ts.Fatalf("it exited with %d, want %s: %s", code, args[1], p)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(p.stdout.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(p.stderr.String()), 0o600))
}

// goModule DIR makes DIR a module that may import this one.
func goModule(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gomodule DIR")
	}
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	ts.Check(err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	ts.Check(err)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	ts.Check(err)
	const path = "github.com/microfox-ai/aiwctl"
	text := strings.Replace(string(mod), "module "+path, "module example.com/mine", 1) +
		"\nrequire " + path + " v0.0.0\n\nreplace " + path + " => " + strconv.Quote(root) + "\n"
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "go.mod"), []byte(text), 0o600))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "go.sum"), sum, 0o600))
}
