//go:build unix

package functions

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate puts the process into a group of its own, so that Ctrl-C in our
// terminal does not reach it and killing it reaches its children.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // gone already is as good
}

// terminate asks the process and its group to end.
func terminate(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGTERM)
}
