package functions

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/microfox-ai/aiwctl/aws/procgroup"
)

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it is gone and has been waited for
	err    error         // of Wait; valid when exited is closed
}

// start runs a command in a process group of its own, with both outputs into w.
func (s *starter) start(command, env []string, dir string, w *os.File) (*process, error) {
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec // running the given program is what this is for
	cmd.Env, cmd.Dir = env, dir
	cmd.Stdout, cmd.Stderr = w, w
	procgroup.Isolate(cmd)
	dieWithParent(cmd)
	if err := s.do(cmd.Start); err != nil {
		return nil, startFailure(command[0], err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		procgroup.Kill(cmd.Process) // what it may have started and left behind
		close(p.exited)
	}()
	return p, nil
}

// startFailure says why a program does not start, in Lambda's words where it has some.
func startFailure(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist) && filepath.Base(path) == bootstrap:
		return errors.New("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]") //nolint:staticcheck // Lambda's own words
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("start %s: %w: it is a program for another processor than this machine's, which is %s", path, err, machine())
	}
	return fmt.Errorf("start %s: %w", path, err)
}

// bootstrap is the program in an archive for a runtime of the customer's own.
const bootstrap = "bootstrap"

// kill ends the process and its group and waits until it is gone.
func (p *process) kill() {
	procgroup.Kill(p.cmd.Process)
	<-p.exited
}

// exitMessage says how the process ended, in Lambda's words.
func (p *process) exitMessage() string {
	if p.err == nil {
		return "Runtime exited without providing a reason"
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return "Runtime exited with error: " + exit.Error()
	}
	return "Runtime exited with error: " + p.err.Error()
}

// starter starts processes from one thread of its own. On Linux a process can ask
// to be killed when its parent dies, but "parent" means the thread that started
// it, and the Go runtime may end threads (https://go.dev/issue/27505).
type starter struct {
	once sync.Once
	jobs chan func()
	done chan struct{}
}

func newStarter() *starter {
	return &starter{jobs: make(chan func()), done: make(chan struct{})}
}

func (s *starter) do(f func() error) error {
	s.once.Do(func() {
		go func() {
			defer close(s.done)
			goruntime.LockOSThread()
			defer goruntime.UnlockOSThread()
			for job := range s.jobs {
				job()
			}
		}()
	})
	result := make(chan error, 1)
	s.jobs <- func() { result <- f() }
	return <-result
}

// close ends the thread. Every process must be gone, and do may not be called again.
func (s *starter) close() {
	s.once.Do(func() { close(s.done) })
	close(s.jobs)
	<-s.done
}

// machine is this machine's architecture in Lambda's words.
func machine() string {
	if goruntime.GOARCH == "amd64" {
		return "x86_64"
	}
	return goruntime.GOARCH
}

// inherited are the variables of our own environment that a function may see:
// what a program needs in order to run here, and nothing that could be a secret
// (AWS credentials, tokens, proxies with passwords).
var inherited = []string{
	"PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
	"GOCOVERDIR", "GODEBUG", "GOTRACEBACK", "GORACE",
	// Windows programs do not start without these.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP",
	"USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA",
}

// environ is the environment of a process of function f. Later entries win.
func (m *Manager) environ(f Function, path, logStream string) []string {
	api := m.cfg.RuntimeAPI()
	var env []string
	for _, key := range inherited {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	env = append(env,
		"TZ=:UTC",
		"AWS_REGION="+m.cfg.Region,
		"AWS_DEFAULT_REGION="+m.cfg.Region,
		"AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_ENDPOINT_URL=http://"+api,
	)
	env = append(env, m.cfg.BaseEnv...)
	env = append(env, f.Env...)
	root := f.Dir
	if root == "" {
		root = filepath.Dir(f.Command[0])
	}
	return append(env,
		"AWS_LAMBDA_RUNTIME_API="+api+"/"+path,
		"AWS_LAMBDA_FUNCTION_NAME="+f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION="+latest,
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", f.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME="+f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME="+logStream,
		"AWS_LAMBDA_LOG_FORMAT=Text",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"LAMBDA_TASK_ROOT="+root,
		"_HANDLER="+f.Handler,
	)
}

// keyOf is the name in KEY=value.
func keyOf(entry string) string {
	key, _, _ := strings.Cut(entry, "=")
	return key
}
