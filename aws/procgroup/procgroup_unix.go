//go:build unix

package procgroup

import (
	"os"
	"os/exec"
	"syscall"
)

// Isolate puts the process that cmd will start into a group of its own. Ctrl-C in
// our terminal then does not reach it, and Kill reaches its children.
func Isolate(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

// Kill ends the process and its group at once. It may be called after the process
// has ended, for what it has left behind.
func Kill(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // gone already is as good
}

// Terminate asks the process and its group to end.
func Terminate(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGTERM)
}
